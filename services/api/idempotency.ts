/** @file Requests that their client named, so that sending one again does not do it again. */
import { EngineError } from '../../engine/errors.ts';
import { type Completion, digestOf, REPLY_BYTES, type ReplyRow, type Store } from '../sessions/store.ts';
import type { Kept } from './kept.ts';
import { MAX_KEY_LENGTH } from './limits.ts';
import { fromSnapshot, toSnapshot } from './snapshot.ts';

/** A named request that is being served. */
export interface Claim {
  /** What it was answered with before, if it was. */
  readonly replay: { readonly response: unknown } | undefined;
  /** The rows that say it was answered with this response; whoever calls this writes them. */
  complete(response: unknown): Completion;
  /** Writes the rows unless `complete` was called, because a commit has them already. */
  keep(response: unknown): Promise<void>;
  /** Ends the claim; a request that was not kept may be sent again. */
  release(): void;
}

/** Replies to named requests, kept for as long as `ttl` milliseconds. */
export class Replies {
  readonly #store: Store;
  readonly #ttl: number;
  readonly #kept: Kept;
  /** The fingerprints of the requests in service by tenant and key. */
  readonly #serving = new Map<string, string>();

  constructor(store: Store, ttl: number, kept: Kept) {
    this.#store = store;
    this.#ttl = ttl;
    this.#kept = kept;
  }

  /**
   * Throws `request_in_progress` while the same request is being served, `idempotency_mismatch` for another one of that
   * key, and `quota_exceeded` when the tenant has as many replies as may be kept.
   */
  async claim(tenant: string, key: string, fingerprint: string): Promise<Claim> {
    const place = `${tenant}\0${key}`;
    const serving = this.#serving.get(place);
    if (serving !== undefined) {
      refuseOther(serving, fingerprint);
      throw new EngineError('request_in_progress', 'the request of this idempotency key is still being served');
    }
    this.#serving.set(place, fingerprint);
    const release = (): void => void this.#serving.delete(place);
    try {
      const replay = await this.#replay(tenant, key, fingerprint);
      if (replay === undefined) await this.#kept.check(tenant);
      return { replay, ...this.#completion(tenant, key, fingerprint), release };
    } catch (reason) {
      release();
      throw reason;
    }
  }

  async #replay(tenant: string, key: string, fingerprint: string): Promise<Claim['replay']> {
    const row = await this.#store.reply(tenant, key);
    if (row === undefined || row.expiresAt <= Date.now()) return undefined;
    refuseOther(row.fingerprint, fingerprint);
    return { response: fromSnapshot(await this.#store.blob(tenant, row.response)) };
  }

  #completion(tenant: string, key: string, fingerprint: string): Pick<Claim, 'complete' | 'keep'> {
    let isKept = false;
    const complete = (response: unknown): { reply: ReplyRow; blobs: Completion['blobs'] } => {
      isKept = true;
      const bytes = toSnapshot(response);
      const digest = digestOf(tenant, bytes);
      this.#kept.add(tenant, bytes.length + REPLY_BYTES);
      const expiresAt = Date.now() + this.#ttl;
      const reply = { tenant, key, fingerprint, response: { digest, bytes: bytes.length }, expiresAt };
      return { reply, blobs: new Map([[digest, bytes]]) };
    };
    const keep = async (response: unknown): Promise<void> => {
      if (isKept) return;
      const { reply, blobs } = complete(response);
      await this.#store.putReply(reply, blobs);
    };
    return { complete, keep };
  }
}

/** An idempotency key as the client sent it; throws `invalid_request`. */
export function readKey(text: unknown): string {
  if (typeof text === 'string' && text.length <= MAX_KEY_LENGTH && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new EngineError(
    'invalid_request',
    `an idempotency key must be 1 to ${MAX_KEY_LENGTH} visible ASCII characters without spaces`,
  );
}

function refuseOther(known: string, fingerprint: string): void {
  if (known !== fingerprint)
    throw new EngineError(
      'idempotency_mismatch',
      'this idempotency key came with another request before; use a new one',
    );
}
