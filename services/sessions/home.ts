/**
 * @file Where sessions are at home, as engines see it. An engine keeps copies of sessions with what it computed for
 * their tapes; the home has the truth, says what has changed since a copy was made, and lets one request at a time
 * change a session.
 */
import type { TypedArray } from '../../engine/types.ts';
import type { Bound } from './events.ts';
import type { BlobRef, Change, LogEntry, SessionRow, VariableRow } from './store.ts';

/** A log of a session: the recording of an outermost tape and those within it. */
export interface LogState {
  readonly log: string;
  /** The revision that began it: a log that was dropped and begun again is another one. */
  readonly begun: number;
  /** How many entries it has. */
  readonly entries: number;
}

/** What has changed in a session since a revision of it, or all of it. */
export interface Update {
  readonly row: SessionRow;
  /** Whether this is all of the session, whatever the asker knew. */
  readonly isWhole: boolean;
  /** Variables that were written. */
  readonly variables: readonly VariableRow[];
  /** Names of variables that were deleted. */
  readonly removed: readonly string[];
  /** Logs that were begun or appended to. */
  readonly logs: readonly LogState[];
  /** Logs that were dropped and not begun again. */
  readonly dropped: readonly string[];
}

/** A session that nobody else changes. */
export interface Hold {
  readonly update: Update;
  /**
   * Makes a change durable together with the fact that the request was answered with `response`; `undefined` changes
   * nothing but that. Resolves to the session's row as it is then.
   */
  commit(change: Change | undefined, response: unknown): Promise<SessionRow>;
  /** Lets the next one change it. */
  release(): void;
}

/** Where sessions are at home. */
export interface Home {
  /** A session for who knows `revision` of it, if any. Renews its life; throws `not_found`. */
  read(tenant: string, session: string, revision: number | undefined): Promise<Update>;
  /** The same, held until it is released; gives up its place in the queue when `signal` aborts. */
  hold(tenant: string, session: string, revision: number | undefined, signal: AbortSignal): Promise<Hold>;
  /** The entries of a log from `from` on. */
  entries(tenant: string, session: string, log: string, from: number): Promise<readonly LogEntry[]>;
  /** The elements of a tensor that the store keeps. */
  elements(tenant: string, bound: Bound): Promise<TypedArray>;
  /** JSON that the store keeps. */
  json(tenant: string, blob: BlobRef): Promise<unknown>;
}
