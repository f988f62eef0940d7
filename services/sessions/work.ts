/** @file What one request does to a session: gathered first, then committed in one go, then true. */
import { EngineError } from '../../engine/errors.ts';
import { encodeBytes } from '../../engine/formats/tensor.ts';
import type { Tensor, TypedArray } from '../../engine/types.ts';
import { type Bound, blobsOf, type TapeEvent } from './events.ts';
import type { Session, Variable } from './session.ts';
import type { SessionSettings } from './sessions.ts';
import { type BlobRef, type Change, digestOf, type LogEntry, type VariableRow } from './store.ts';

/**
 * A request's changes. Variables change in memory when they are committed; tapes change at once, so that one step can
 * build on the one before, and a session whose commit fails after that is read again.
 */
export class Work {
  readonly session: Session;
  /** New bytes by digest. */
  readonly blobs = new Map<string, Uint8Array>();
  /** What the new bytes stand for, by digest. */
  readonly fresh = { elements: new Map<string, TypedArray>(), json: new Map<string, unknown>() };
  readonly #settings: SessionSettings;
  readonly #variables = new Map<string, Variable | null>();
  readonly #appended: { readonly log: string; readonly entry: LogEntry }[] = [];
  readonly #dropped: string[] = [];
  /** Whether there is anything to commit. */
  isEmpty = true;
  /** Whether the session in memory is ahead of the store, or may be behind. */
  isAhead = false;
  readonly #end = Promise.withResolvers<void>();

  constructor(session: Session, settings: SessionSettings) {
    this.session = session;
    this.#settings = settings;
  }

  /** The version of what this request writes. */
  get version(): number {
    return this.session.row.revision + 1;
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
    this.blobs.set(digest, bytes);
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
    this.isEmpty = false;
    return row;
  }

  /** Deletes a variable. */
  remove(name: string): void {
    this.#variables.set(name, null);
    this.isEmpty = false;
  }

  /** Adds an event to a log, and does what it says to the tapes in memory; throws `quota_exceeded`. */
  append(log: string, event: TapeEvent, apply: () => void): void {
    this.#appended.push({ log, entry: { json: JSON.stringify(event), blobs: blobsOf(event) } });
    this.isEmpty = false;
    this.checkQuota();
    this.#checkEvents(log);
    this.#advance();
    apply();
  }

  /** Empties a log; its tapes go from memory. */
  drop(log: string): void {
    this.#dropped.push(log);
    this.isEmpty = false;
    this.#advance();
    this.session.nests.delete(log);
    this.session.unreadable.delete(log);
  }

  #advance(): void {
    this.isAhead = true;
    this.session.ahead = this.#end.promise;
  }

  /** Lets those look at the session who wait for what it is ahead by. */
  end(): void {
    this.session.ahead = undefined;
    this.#end.resolve();
  }

  /** Bytes that the session will keep. */
  get bytes(): number {
    return this.session.bytes + this.session.growth(this.#namedBlobs(), this.#unnamedBlobs());
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

  /** Throws when the session would keep more than it may. */
  checkQuota(): void {
    const { bytes } = this;
    if (bytes <= Math.max(this.#settings.quota, this.session.bytes)) return;
    throw new EngineError(
      'quota_exceeded',
      `the session would keep ${bytes} bytes; its quota is ${this.#settings.quota}. Delete tapes or variables that are done with`,
    );
  }

  /** The change to commit. */
  change(expiresAt: number): Change {
    this.checkQuota();
    return {
      revision: this.session.row.revision,
      expiresAt,
      blobs: this.blobs,
      variables: new Map([...this.#variables].map(([name, variable]) => [name, variable?.row ?? null])),
      dropped: this.#dropped,
      appended: this.#appended,
    };
  }

  #namedBlobs(): BlobRef[] {
    const written = [...this.#variables.values()].flatMap((variable) => variable?.row.value ?? []);
    return [...written, ...this.#appended.flatMap(({ entry }) => entry.blobs)];
  }

  /** What rows named that go. */
  #unnamedBlobs(): BlobRef[] {
    const { variables, logs } = this.session;
    const written = [...this.#variables.keys()].flatMap((name) => variables.get(name)?.row.value ?? []);
    return [...written, ...this.#dropped.flatMap((log) => logs.get(log)?.blobs ?? [])];
  }

  /** Makes the committed change true in memory, where the tapes have it already. */
  apply(expiresAt: number): void {
    const { session } = this;
    session.row = { ...session.row, revision: session.row.revision + 1, expiresAt };
    session.count(this.#unnamedBlobs(), -1);
    for (const log of this.#dropped) session.logs.delete(log);
    for (const { log, entry } of this.#appended) session.countEntry(log, entry.blobs);
    for (const [name, variable] of this.#variables) {
      if (!variable) {
        session.variables.delete(name);
        continue;
      }
      session.count([variable.row.value], 1);
      session.variables.set(name, variable);
    }
  }
}
