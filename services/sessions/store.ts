/**
 * @file What a store is: where sessions, operations and replies outlive the process. It knows rows and bytes; it knows
 * no tape, no tensor and no method. What a promise of it resolves to is durable; what it rejects with left no trace,
 * unless the disk failed: then a crash may bring all of it back, never a part. Times are whole milliseconds, texts are
 * well-formed Unicode of any length, in the order of their code points; bytes that are given do not change meanwhile.
 */
import { createHash } from 'node:crypto';

/** Milliseconds since 1970. */
export type Time = number;

/** Bytes kept under the address that their content gives them. */
export interface BlobRef {
  readonly digest: string;
  readonly bytes: number;
}

/** A session. */
export interface SessionRow {
  readonly tenant: string;
  readonly id: string;
  readonly createdAt: Time;
  readonly expiresAt: Time;
  /** What a use of the session renews its life by, in milliseconds. */
  readonly ttl: number;
  /** How many commits it has seen. */
  readonly revision: number;
}

/** A variable of a session. */
export interface VariableRow {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly trainable: boolean;
  /** The revision of the session that wrote it. */
  readonly version: number;
  /** Its elements: little-endian, row-major. */
  readonly value: BlobRef;
}

/** An entry of a log: JSON, and the bytes that it names by their digests. */
export interface LogEntry {
  readonly json: string;
  readonly blobs: readonly BlobRef[];
}

/** What an idempotent request was answered with. */
export interface ReplyRow {
  readonly tenant: string;
  readonly key: string;
  /** Of the method and its request: the same key with another one is refused. */
  readonly fingerprint: string;
  readonly response: BlobRef;
  readonly expiresAt: Time;
}

/** Work that nobody holds a connection for. */
export interface OperationRow {
  readonly tenant: string;
  readonly id: string;
  /** The method's name. */
  readonly method: string;
  readonly request: BlobRef;
  readonly state: 'running' | 'succeeded' | 'failed' | 'cancelled';
  /** The last progress message, as JSON. */
  readonly progress: string | null;
  readonly response: BlobRef | null;
  /** The error as JSON: code, message, where, violations. */
  readonly error: string | null;
  readonly createdAt: Time;
  readonly expiresAt: Time;
  /** How often it was begun: what killed the service twice is not begun a third time. */
  readonly attempts: number;
}

/** What a request does to a session. */
export interface Draft {
  /** The revision that the session must still have; the commit makes it one more. */
  readonly revision: number;
  /** Bytes that the rows below name by digest and that the store may not have yet. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** Variables as they become; `null` deletes. */
  readonly variables: ReadonlyMap<string, VariableRow | null>;
  /** Logs that are emptied first. */
  readonly dropped: readonly string[];
  /** Entries appended to logs, in order. */
  readonly appended: readonly { readonly log: string; readonly entry: LogEntry }[];
}

/** What one commit changes in a session, all of it or nothing. */
export interface Change extends Draft {
  readonly expiresAt: Time;
  /** Written with the change, so that a request that is sent again after a crash is not done again. */
  readonly reply?: ReplyRow | undefined;
  /** Likewise for a request that runs as an operation. */
  readonly operation?: OperationRow | undefined;
}

/** What a reply takes beside its response, roughly. */
export const REPLY_BYTES = 512;

/** What is written with the work of a request so that it is not done again. */
export type Completion = Pick<Change, 'reply' | 'operation' | 'blobs'>;

/** How much a sweep removed. */
export interface Swept {
  readonly sessions: number;
  readonly operations: number;
  readonly replies: number;
  readonly blobs: number;
}

/** A store. Another tenant's rows are absent, not forbidden. */
export interface Store {
  /**
   * Adds a session with its first change, after which its revision is 1 whatever `session` says. Throws
   * `already_exists`, and `quota_exceeded` when `limit` sessions of the tenant are alive at its `createdAt`.
   */
  createSession(session: SessionRow, change: Change, limit: number): Promise<void>;
  session(tenant: string, id: string): Promise<SessionRow | undefined>;
  /** Sessions of a tenant by id, those after `after`, at most `limit`. */
  sessions(tenant: string, after: string, limit: number): Promise<readonly SessionRow[]>;
  /** Bytes of the blobs of all sessions of a tenant; what several of them name is there once. */
  tenantBytes(tenant: string): Promise<number>;
  /** Whether there was one. */
  deleteSession(tenant: string, id: string, completion?: Completion): Promise<boolean>;
  /**
   * Throws `not_found` when the session is gone, `version_mismatch` when it has another revision, and `internal` when a
   * row names bytes that neither the change nor the store has.
   */
  commit(tenant: string, id: string, change: Change): Promise<void>;
  /** Renews a session, and changes what a use renews it by; nothing when it is gone. */
  touch(tenant: string, id: string, expiresAt: Time, ttl?: number): Promise<void>;
  /** In the order of their names. */
  variables(tenant: string, id: string): Promise<readonly VariableRow[]>;
  /** The names of a session's logs, in the order of their first entries. */
  logs(tenant: string, id: string): Promise<readonly string[]>;
  /** The entries of a log; those from `from` on, at most `limit`. */
  log(tenant: string, id: string, log: string, from?: number, limit?: number): Promise<readonly LogEntry[]>;
  /** Bytes of the reader's own; throws `internal` when they are not there or are not what their digest says. */
  blob(tenant: string, ref: BlobRef): Promise<Uint8Array>;
  reply(tenant: string, key: string): Promise<ReplyRow | undefined>;
  /** Bytes of a tenant's replies, with `REPLY_BYTES` for each of them beside its response. */
  replyBytes(tenant: string): Promise<number>;
  /** Adds a reply that no change of a session carries, or writes it anew. */
  putReply(reply: ReplyRow, blobs: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Adds an operation or writes it anew, with the reply to the request that it is about. */
  putOperation(operation: OperationRow, blobs: ReadonlyMap<string, Uint8Array>, reply?: ReplyRow): Promise<void>;
  operation(tenant: string, id: string): Promise<OperationRow | undefined>;
  operations(tenant: string, after: string, limit: number): Promise<readonly OperationRow[]>;
  /** Operations of all tenants that were running when the process ended. */
  unfinished(): Promise<readonly OperationRow[]>;
  deleteOperation(tenant: string, id: string): Promise<boolean>;
  /**
   * Removes what has expired, whatever its state, and bytes that no row names and none did at the sweep before: until
   * then who has read a row can still read its bytes.
   */
  sweep(now: Time): Promise<Swept>;
  /** Whether it can be written to; `/readyz` says so. */
  isWritable(): Promise<boolean>;
  close(): Promise<void>;
}

/** The address of bytes. It is a tenant's own, so that no tenant can find out what another one keeps. */
export function digestOf(tenant: string, bytes: Uint8Array): string {
  return createHash('sha256').update(tenant).update('\0').update(bytes).digest('hex');
}
