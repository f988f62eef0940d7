/**
 * @file Where sessions are at home, as engines see it. An engine keeps copies of sessions with what it computed for
 * their tapes; the home has the truth, says what has changed since a copy was made, and lets one request at a time
 * change a session.
 */
import type { Variable } from './session.ts';
import type { BlobRef, Draft, LogEntry, SessionRow } from './store.ts';

/** A log as it is at a revision of its session. */
export interface LogState {
  readonly log: string;
  /**
   * The revision that began it, or a later one up to the update's: what a copy has of the log is the beginning of it if
   * the copy has this revision or a later one, and otherwise may be of another log of that name.
   */
  readonly begun: number;
  /** How many entries it has. */
  readonly entries: number;
}

/** What has changed in a session. */
export interface Update {
  readonly row: SessionRow;
  /** The revision since which; `undefined`: this is all that the session has. */
  readonly since: number | undefined;
  /** Variables that were written, with their elements where those are at hand. */
  readonly variables: readonly Variable[];
  /** Logs that were begun or appended to. */
  readonly logs: readonly LogState[];
}

/** A session that nobody else changes. */
export interface Hold {
  readonly update: Update;
  /**
   * Makes a change durable, which may be empty, together with the fact that the request was answered with `response`;
   * `undefined` when it goes on. Resolves to the session's row as it is then.
   */
  commit(draft: Draft, response: unknown): Promise<SessionRow>;
  /** Lets the next one change it. */
  release(): void;
}

/** Where sessions are at home. Who asks for what is gone is refused with `not_found`. */
export interface Home {
  /** A session for who knows `revision` of it, if any. Renews its life. */
  since(tenant: string, session: string, revision: number | undefined): Promise<Update>;
  /**
   * Some entries of a log from `from` on, as it was at `revision` or with more at its end; `undefined` when it has been
   * dropped since.
   */
  entries(
    tenant: string,
    session: string,
    log: string,
    from: number,
    revision: number,
  ): Promise<readonly LogEntry[] | undefined>;
  /** Bytes that the store keeps. */
  blob(tenant: string, blob: BlobRef): Promise<Uint8Array>;
}
