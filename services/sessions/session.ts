/** @file A session in memory: its variables, what its logs keep, and on an engine its tapes with what they recorded. */
import { didYouMeanOf, EngineError } from '../../engine/errors.ts';
import { sizeOf, type TypedArray, viewArray } from '../../engine/types.ts';
import { type Bound, boundOf, type TapeEvent } from './events.ts';
import type { Update } from './home.ts';
import type { Nest, TapeState } from './nest.ts';
import type { BlobRef, Draft, SessionRow, VariableRow } from './store.ts';

/** The bounds of sessions. */
export interface SessionSettings {
  /** Sessions of one tenant. */
  readonly perTenant: number;
  /** Tapes of one session. */
  readonly tapes: number;
  /** Events on record of one tape, with those within it. */
  readonly events: number;
  /** Bytes that one session may keep. */
  readonly quota: number;
  /** Bytes of values kept in memory beside the store, for all sessions together. */
  readonly memory: number;
  /** Sessions kept in memory beside the store. */
  readonly resident: number;
}

/** The key of a session among those of all tenants. */
export function keyOf(tenant: string, id: string): string {
  return `${tenant}\0${id}`;
}

/** The elements of a tensor whose bytes the store keeps: a view of them unless they lie askew. */
export function elementsOf({ dtype, shape }: Bound, bytes: Uint8Array): TypedArray {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
  return viewArray(dtype, aligned.buffer, aligned.byteOffset, sizeOf(shape));
}

/** A variable; its elements are a cache. */
export interface Variable {
  readonly row: VariableRow;
  data: TypedArray | undefined;
}

/** A log: the recording of an outermost tape and of those within it. */
export interface Log {
  /** The revision that began it; of one that was there when the session was read, the session's then. */
  readonly begun: number;
  /** The revision that it was appended to last, likewise. */
  changed: number;
  /** How many entries it has. */
  entries: number;
  /** The blobs that they name. */
  readonly blobs: BlobRef[];
  /** Its tapes that are open, and the tape around each. */
  readonly tapes: Map<string, string | null>;
}

/** A session as it is after its last commit. Where no engine is, it has no nests. */
export class Session {
  row: SessionRow;
  readonly variables = new Map<string, Variable>();
  readonly logs = new Map<string, Log>();
  /** Tapes with those within them, by the id of the outermost. */
  readonly nests = new Map<string, Nest>();
  /** Outermost tapes that cannot be read again, since the limits are lower now than when they were recorded, and why. */
  readonly unreadable = new Map<string, EngineError>();
  /** Bytes of values that could be let go. */
  resident = 0;
  /** The revision since which every change is known. */
  #known: number;
  /** Resolves when what is ahead of the last commit is committed, or is not to be. */
  #ahead: PromiseWithResolvers<void> | undefined;
  /** What the store keeps for it: how often each blob is named. */
  readonly #named = new Map<string, { readonly bytes: number; count: number }>();
  #bytes = 0;

  constructor(row: SessionRow) {
    this.row = row;
    this.#known = row.revision;
  }

  /** Bytes that the store keeps for it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many tapes are open. */
  get openTapes(): number {
    let count = 0;
    for (const { tapes } of this.logs.values()) count += tapes.size;
    return count;
  }

  /** Settles when a change that is being made is committed, or is not to be; `undefined` when there is none. */
  get ahead(): Promise<void> | undefined {
    return this.#ahead?.promise;
  }

  /** Has those wait who want to see a commit, and no change that is being made. */
  advance(): void {
    this.#ahead ??= Promise.withResolvers();
  }

  /** Lets them go on. */
  settle(): void {
    this.#ahead?.resolve();
    this.#ahead = undefined;
  }

  /** What has changed since a revision; all of it where that is not known. */
  since(revision: number | undefined): Update {
    const since = revision !== undefined && revision >= this.#known ? revision : undefined;
    const isNew = (changed: number): boolean => since === undefined || changed > since;
    return {
      row: this.row,
      since,
      variables: [...this.variables.values()].filter(({ row }) => isNew(row.version)),
      logs: [...this.logs].flatMap(([log, { begun, changed, entries }]) =>
        isNew(changed) ? [{ log, begun, entries }] : [],
      ),
    };
  }

  /** Makes a committed change true; what it does to tapes is done already. */
  apply({ variables, dropped, appended, blobs }: Draft, row: SessionRow): void {
    this.row = row;
    for (const log of dropped) this.drop(log);
    for (const { log, entry } of appended) this.enter(log, JSON.parse(entry.json), entry.blobs);
    for (const [name, written] of variables) {
      const bytes = blobs.get(written?.value.digest ?? '');
      if (written) this.put({ row: written, data: bytes && elementsOf(boundOf(written), bytes) });
      else this.remove(name);
    }
  }

  /** Adds a variable, or writes it anew. */
  put(variable: Variable): void {
    const { name, value } = variable.row;
    this.#count(this.variables.get(name)?.row.value, -1);
    this.#count(value, 1);
    this.variables.set(name, variable);
  }

  /** Removes a variable. */
  remove(name: string): void {
    this.#count(this.variables.get(name)?.row.value, -1);
    this.variables.delete(name);
    this.#known = this.row.revision;
  }

  /** Counts an entry of a log. */
  enter(log: string, event: TapeEvent, blobs: readonly BlobRef[]): void {
    const { revision } = this.row;
    const begun = (): Log => ({ begun: revision, changed: revision, entries: 0, blobs: [], tapes: new Map() });
    const known = this.logs.get(log) ?? begun();
    this.logs.set(log, known);
    known.changed = revision;
    known.entries++;
    known.blobs.push(...blobs);
    for (const blob of blobs) this.#count(blob, 1);
    if (event.type === 'opened') known.tapes.set(event.tape, event.outer);
    if (event.type === 'closed') close(known.tapes, event.tape);
  }

  /** Forgets a log. */
  drop(log: string): void {
    for (const blob of this.logs.get(log)?.blobs ?? []) this.#count(blob, -1);
    this.logs.delete(log);
    this.#known = this.row.revision;
  }

  /** Counts a blob as named, or as no longer named. */
  #count(blob: BlobRef | undefined, by: 1 | -1): void {
    if (!blob) return;
    const { digest, bytes } = blob;
    const known = this.#named.get(digest) ?? { bytes, count: 0 };
    if (known.count === 0) this.#bytes += bytes;
    known.count += by;
    this.#named.set(digest, known);
    if (known.count > 0) return;
    this.#named.delete(digest);
    this.#bytes -= bytes;
  }

  /** Bytes that the store would keep for it after a change. */
  bytesAfter({ variables, dropped, appended }: Draft): number {
    const changes = new Map<string, { readonly bytes: number; by: number }>();
    const change = (blob: BlobRef | undefined, by: 1 | -1): void => {
      if (!blob) return;
      const known = changes.get(blob.digest) ?? { bytes: blob.bytes, by: 0 };
      known.by += by;
      changes.set(blob.digest, known);
    };
    for (const [name, written] of variables) {
      change(written?.value, 1);
      change(this.variables.get(name)?.row.value, -1);
    }
    for (const { entry } of appended) for (const blob of entry.blobs) change(blob, 1);
    for (const log of dropped) for (const blob of this.logs.get(log)?.blobs ?? []) change(blob, -1);
    let after = this.#bytes;
    for (const [digest, { bytes, by }] of changes) {
      const before = this.#named.get(digest)?.count ?? 0;
      after += bytes * (Number(before + by > 0) - Number(before > 0));
    }
    return after;
  }

  /** A variable; throws `not_found`. */
  variable(name: string): Variable {
    const variable = this.variables.get(name);
    if (variable) return variable;
    throw this.absent(name);
  }

  /** The refusal of a variable that does not exist. */
  absent(name: string): EngineError {
    const shown = name.slice(0, 128);
    const guess = didYouMeanOf(name, this.variables.keys());
    return new EngineError('not_found', `the session has no variable '${shown}'.${guess}`, { input: shown });
  }

  /** Every tape, in the order in which they were opened. */
  tapes(): TapeState[] {
    return [...this.nests.values()].flatMap((nest) => [...nest.tapes.values()]);
  }

  /** A tape, and the outermost tape around it with all within; throws `not_found`, or why it cannot be read. */
  tape(id: string): { readonly root: string; readonly nest: Nest; readonly state: TapeState } {
    for (const [root, nest] of this.nests) {
      const state = nest.tapes.get(id);
      if (state) return { root, nest, state };
    }
    const fault = this.unreadable.get(id);
    if (fault)
      throw new EngineError(
        fault.code,
        `the tape was recorded when the limits were higher: ${fault.message}; delete it`,
        fault.where,
      );
    const known = this.tapes().map((tape) => tape.id);
    throw new EngineError('not_found', `the session has no tape '${id.slice(0, 128)}'.${didYouMeanOf(id, known)}`);
  }

  /** Lets go of the values that the store, or computing again, can give back. */
  evict(): void {
    for (const { recording } of this.nests.values()) recording.evict();
    for (const variable of this.variables.values()) variable.data = undefined;
    this.measure();
  }

  /** Counts what could be let go. */
  measure(): void {
    this.resident = 0;
    for (const { recording } of this.nests.values()) this.resident += recording.bytes + recording.structure;
    for (const { data } of this.variables.values()) this.resident += data?.byteLength ?? 0;
  }
}

/** Closes a tape and those within it. */
function close(tapes: Map<string, string | null>, closed: string): void {
  const isWithin = (id: string | null | undefined): boolean => {
    for (let at = id; at; at = tapes.get(at)) if (at === closed) return true;
    return false;
  };
  for (const id of [...tapes.keys()].filter(isWithin)) tapes.delete(id);
}
