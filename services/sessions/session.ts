/** @file A session in memory: its variables, and its tapes with what was recorded on them. */
import { didYouMeanOf, EngineError } from '../../engine/errors.ts';
import type { TypedArray } from '../../engine/types.ts';
import type { Nest, TapeState } from './nest.ts';
import type { BlobRef, SessionRow, VariableRow } from './store.ts';

/** A variable; its elements are a cache. */
export interface Variable {
  readonly row: VariableRow;
  data: TypedArray | undefined;
}

/** A log: how many entries it has, and the blobs that they name. */
export interface Log {
  readonly entries: number;
  readonly blobs: BlobRef[];
}

/** A session as it is after its last commit. */
export class Session {
  row: SessionRow;
  readonly variables = new Map<string, Variable>();
  /** Tapes with those within them, by the id of the outermost. */
  readonly nests = new Map<string, Nest>();
  /** Outermost tapes that cannot be read again, since the limits are lower now than when they were recorded, and why. */
  readonly unreadable = new Map<string, EngineError>();
  /** Settles when what a request has done to the tapes already is committed, or is not to be. */
  ahead: Promise<void> | undefined;
  readonly logs = new Map<string, Log>();
  /** Bytes of values that could be let go. */
  resident = 0;
  /** What the store keeps for it: how often each blob is named. */
  readonly #named = new Map<string, { readonly bytes: number; count: number }>();
  #bytes = 0;

  constructor(row: SessionRow) {
    this.row = row;
  }

  /** Bytes that the store keeps for it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts blobs as named, or as no longer named. */
  count(blobs: Iterable<BlobRef>, by: 1 | -1): void {
    for (const { digest, bytes } of blobs) {
      const known = this.#named.get(digest) ?? { bytes, count: 0 };
      if (known.count === 0) this.#bytes += bytes;
      known.count += by;
      this.#named.set(digest, known);
      if (known.count > 0) continue;
      this.#named.delete(digest);
      this.#bytes -= bytes;
    }
  }

  /** Counts what an entry of a log names. */
  countEntry(log: string, blobs: readonly BlobRef[]): void {
    this.count(blobs, 1);
    const { blobs: known, entries } = this.logs.get(log) ?? { blobs: [], entries: 0 };
    known.push(...blobs);
    this.logs.set(log, { blobs: known, entries: entries + 1 });
  }

  /** How many more bytes the store would keep if these were named, and those no longer. */
  growth(named: Iterable<BlobRef>, unnamed: Iterable<BlobRef>): number {
    const changes = new Map<string, { readonly bytes: number; by: number }>();
    const change = ({ digest, bytes }: BlobRef, by: 1 | -1): void => {
      const known = changes.get(digest) ?? { bytes, by: 0 };
      known.by += by;
      changes.set(digest, known);
    };
    for (const blob of named) change(blob, 1);
    for (const blob of unnamed) change(blob, -1);
    let growth = 0;
    for (const [digest, { bytes, by }] of changes) {
      const before = this.#named.get(digest)?.count ?? 0;
      growth += bytes * (Number(before + by > 0) - Number(before > 0));
    }
    return growth;
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
