/** @file What one request does to a session: gathered first, then committed in one go, then true. */
import { EngineError } from '../../engine/errors.ts';
import { encodeBytes } from '../../engine/formats/tensor.ts';
import type { Tensor, TypedArray } from '../../engine/types.ts';
import { type Bound, blobsOf, type TapeEvent } from './events.ts';
import type { Session, SessionSettings, Variable } from './session.ts';
import { type BlobRef, type Draft, digestOf, type LogEntry, type VariableRow } from './store.ts';

/**
 * A request's changes. Variables change in memory when they are committed; tapes change at once, so that one step can
 * build on the one before, and a session whose commit fails after that is forgotten.
 */
export class Work {
  readonly session: Session;
  /** What new bytes stand for, by digest. */
  readonly fresh = { elements: new Map<string, TypedArray>(), json: new Map<string, unknown>() };
  readonly #settings: SessionSettings;
  readonly #revision: number;
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #variables = new Map<string, Variable | null>();
  readonly #appended: { readonly log: string; readonly entry: LogEntry }[] = [];
  readonly #dropped: string[] = [];

  constructor(session: Session, settings: SessionSettings) {
    this.session = session;
    this.#settings = settings;
    this.#revision = session.row.revision;
  }

  /** The version of what this request writes. */
  get version(): number {
    return this.#revision + 1;
  }

  /** Keeps a tensor's elements. */
  keep(tensor: Tensor): Bound {
    const blob = this.#put(encodeBytes(tensor));
    this.fresh.elements.set(blob.digest, tensor.data);
    return { ...tensor.type, blob };
  }

  /** Keeps anything that is JSON. */
  keepJson(json: unknown): BlobRef {
    const blob = this.#put(Buffer.from(JSON.stringify(json)));
    this.fresh.json.set(blob.digest, json);
    return blob;
  }

  #put(bytes: Uint8Array): BlobRef {
    const digest = digestOf(this.session.row.tenant, bytes);
    this.#blobs.set(digest, bytes);
    return { digest, bytes: bytes.length };
  }

  /** The variable as it will be. */
  variable(name: string): Variable | undefined {
    const changed = this.#variables.get(name);
    return changed === undefined ? this.session.variables.get(name) : (changed ?? undefined);
  }

  /** Writes a variable. */
  write(name: string, tensor: Tensor, trainable: boolean): VariableRow {
    const { blob, dtype, shape } = this.keep(tensor);
    const row = { name, dtype, shape, trainable, version: this.version, value: blob };
    this.#variables.set(name, { row, data: tensor.data });
    return row;
  }

  /** Deletes a variable. */
  remove(name: string): void {
    this.#variables.set(name, null);
  }

  /** Adds an event to a log, and does what it says to the tapes in memory; throws `quota_exceeded`. */
  append(log: string, event: TapeEvent, apply: () => void): void {
    this.#appended.push({ log, entry: { json: JSON.stringify(event), blobs: blobsOf(event) } });
    this.draft();
    this.#checkEvents(log);
    this.session.advance();
    apply();
  }

  /** Empties a log; its tapes go from memory. */
  drop(log: string): void {
    this.#dropped.push(log);
    this.session.advance();
    this.session.nests.delete(log);
    this.session.unreadable.delete(log);
  }

  /** Bytes that the session will keep. */
  get bytes(): number {
    return this.session.bytesAfter(this.#draft);
  }

  #checkEvents(log: string): void {
    const kept = this.#dropped.includes(log) ? 0 : (this.session.logs.get(log)?.entries ?? 0);
    const events = kept + this.#appended.filter((one) => one.log === log).length;
    if (events <= this.#settings.events) return;
    throw new EngineError(
      'quota_exceeded',
      `the tape would have ${events} events on record, and may have ${this.#settings.events}; reset it, or delete it and open another`,
    );
  }

  /** What is to be committed; throws `quota_exceeded`. */
  draft(): Draft {
    checkQuota(this.session, this.#draft, this.#settings);
    return this.#draft;
  }

  get #draft(): Draft {
    return {
      revision: this.#revision,
      blobs: this.#blobs,
      variables: new Map([...this.#variables].map(([name, variable]) => [name, variable?.row ?? null])),
      dropped: this.#dropped,
      appended: this.#appended,
    };
  }
}

/** Throws when a session would keep more than it may. */
export function checkQuota(session: Session, draft: Draft, { quota }: SessionSettings): void {
  const bytes = session.bytesAfter(draft);
  if (bytes <= Math.max(quota, session.bytes)) return;
  throw new EngineError(
    'quota_exceeded',
    `the session would keep ${bytes} bytes; its quota is ${quota}. Delete tapes or variables that are done with`,
  );
}
