/**
 * @file The embedded store: one SQLite database and one folder of large blobs. Its transactions are synchronous, so
 * nothing of this process comes between the statements of one; what has to be awaited, files, is done before.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expectRevision, lostBlob, sessionExists, tooManySessions, unknownBlob } from '../refusals.ts';
import {
  type BlobRef,
  type Change,
  type Completion,
  digestOf,
  type LogEntry,
  type OperationRow,
  REPLY_BYTES,
  type ReplyRow,
  type SessionRow,
  type Store,
  type Swept,
  type Time,
  type VariableRow,
} from '../store.ts';
import { BlobFiles, type Files, NODE_FILES } from './files.ts';
import { MAX_INLINE_BYTES, MIGRATIONS } from './schema.ts';
import { prepare, type Statements } from './statements.ts';

/** Opens the store in a folder, which is made where there is none; throws when another process has it open. */
export function openSqliteStore(folder: string, { files = NODE_FILES }: { readonly files?: Files } = {}): Store {
  const blobs = join(resolve(folder), 'blobs');
  const made = mkdirSync(blobs, { recursive: true, mode: 0o700 });
  const db = openDatabase(folder);
  // The folders made just now are to outlive a loss of power like what will be written into them.
  const last = dirname(made ?? dirname(blobs));
  for (let at = blobs; ; at = dirname(at)) {
    syncFolder(at);
    if (at === last) break;
  }
  return new SqliteStore(db, new BlobFiles(blobs, files));
}

function openDatabase(folder: string): DatabaseSync {
  const path = join(folder, 'store.db');
  let db: DatabaseSync | undefined;
  try {
    createPrivately(path);
    db = new DatabaseSync(path);
    // Exclusive before the first access: the log's index is then in memory, and the lock lasts as long as the process.
    db.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; begin exclusive; commit');
    // `fullfsync` is for macOS, where fsync alone leaves data in the drive's cache.
    db.exec('pragma synchronous = full; pragma fullfsync = on; pragma checkpoint_fullfsync = on');
    // One huge commit does not leave the log as large as itself.
    db.exec(`pragma journal_size_limit = ${2 ** 26}`);
    migrate(db);
    return db;
  } catch (error) {
    db?.close();
    const { errcode, message } = error as Error & { errcode?: number };
    const problem =
      errcode === SQLITE_BUSY
        ? 'is in use by another process. End that process, or give this one a folder of its own.'
        : `cannot be opened: ${message}`;
    throw new Error(`The store in '${folder}' ${problem}`, { cause: error });
  }
}

const SQLITE_BUSY = 5;

/** For this user alone; SQLite gives its other files the same mode. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    // Never opened here when it is there: to close it would end the locks that another store of this process has on it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function migrate(db: DatabaseSync): void {
  const version = db.prepare('pragma user_version').get()?.user_version as number;
  if (version > MIGRATIONS.length)
    throw new Error(`it has version ${version}, and this build reads versions up to ${MIGRATIONS.length}`);
  if (version === MIGRATIONS.length) return;
  const steps = MIGRATIONS.slice(version).join('');
  db.exec(`begin immediate; ${steps} pragma user_version = ${MIGRATIONS.length}; commit`);
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #files: BlobFiles;
  readonly #sql: Statements;
  /** What `close` waits for. */
  readonly #pending = new Set<Promise<unknown>>();
  /** Digests that no row named when the last sweep looked, nor has since. */
  #unnamed = new Set<string>();
  /** Digests that the last transaction named. */
  readonly #named = new Set<string>();
  #sweeping: Promise<unknown> = Promise.resolve();

  constructor(db: DatabaseSync, files: BlobFiles) {
    this.#db = db;
    this.#files = files;
    this.#sql = prepare(db);
  }

  async createSession(session: SessionRow, change: Change, limit: number): Promise<void> {
    const { tenant, id, createdAt, expiresAt, ttl } = session;
    const check = (): void => {
      if (this.#sql.session.get({ tenant, id }) !== undefined) throw sessionExists(id);
      const { count } = this.#sql.countSessions.get({ tenant, now: createdAt }) as { count: number };
      if (count >= limit) throw tooManySessions(limit);
    };
    await this.#write(tenant, change.blobs, check, () => {
      this.#sql.addSession.run({ tenant, id, createdAt, expiresAt, ttl });
      this.#apply(tenant, id, change);
    });
  }

  async session(tenant: string, id: string): Promise<SessionRow | undefined> {
    return this.#session(tenant, id);
  }

  #session(tenant: string, id: string): SessionRow | undefined {
    const row = this.#sql.session.get({ tenant, id });
    return row && ({ ...row } as unknown as SessionRow);
  }

  async sessions(tenant: string, after: string, limit: number): Promise<readonly SessionRow[]> {
    return this.#sql.sessions.all({ tenant, after, limit }).map((row) => ({ ...row }) as unknown as SessionRow);
  }

  async tenantBytes(tenant: string): Promise<number> {
    return this.#sql.tenantBytes.get({ tenant })?.bytes as number;
  }

  async deleteSession(tenant: string, id: string, completion?: Completion): Promise<boolean> {
    let isDeleted = false;
    await this.#write(tenant, completion?.blobs ?? new Map(), NO_CHECK, () => {
      isDeleted = this.#sql.deleteSession.run({ tenant, id }).changes !== 0;
      if (isDeleted && completion !== undefined) this.#complete(completion);
    });
    return isDeleted;
  }

  #complete({ reply, operation }: Omit<Completion, 'blobs'>): void {
    if (reply !== undefined) this.#putReply(reply);
    if (operation !== undefined) this.#putOperation(operation);
  }

  async commit(tenant: string, id: string, change: Change): Promise<void> {
    const check = (): void => expectRevision(id, this.#session(tenant, id), change.revision);
    await this.#write(tenant, change.blobs, check, () => this.#apply(tenant, id, change));
  }

  #apply(tenant: string, session: string, change: Change): void {
    this.#sql.advanceSession.run({ tenant, id: session, expiresAt: change.expiresAt });
    for (const log of change.dropped) this.#sql.dropLog.run({ tenant, session, log });
    for (const { log, entry } of change.appended) {
      const id = this.#sql.appendEntry.run({ tenant, session, log, json: entry.json }).lastInsertRowid;
      for (const [place, blob] of entry.blobs.entries())
        this.#sql.addEntryBlob.run({ entry: id, place, digest: this.#known(tenant, blob) });
    }
    for (const [name, variable] of change.variables)
      if (variable === null) this.#sql.deleteVariable.run({ tenant, session, name });
      else {
        const { dtype, shape, trainable, version, value } = variable;
        this.#sql.putVariable.run({
          ...{ tenant, session, name, dtype, version },
          shape: JSON.stringify(shape),
          trainable: Number(trainable),
          value: this.#known(tenant, value),
        });
      }
    this.#complete(change);
  }

  async touch(tenant: string, id: string, expiresAt: Time, ttl?: number): Promise<void> {
    this.#transact(() => this.#sql.touchSession.run({ tenant, id, expiresAt, ttl: ttl ?? null }));
  }

  async variables(tenant: string, session: string): Promise<readonly VariableRow[]> {
    return this.#sql.variables.all({ tenant, session }).map((row) => {
      const { name, dtype, version, digest, bytes } = row as unknown as VariableRow & BlobRef;
      const shape = JSON.parse(row.shape as string) as number[];
      return { name, dtype, shape, trainable: row.trainable === 1, version, value: { digest, bytes } };
    });
  }

  async logs(tenant: string, session: string): Promise<readonly string[]> {
    return this.#sql.logs.all({ tenant, session }).map((row) => row.log as string);
  }

  async log(tenant: string, session: string, log: string, from = 0, limit = -1): Promise<readonly LogEntry[]> {
    const entries: { readonly json: string; readonly blobs: BlobRef[] }[] = [];
    let last: unknown;
    for (const row of this.#sql.log.iterate({ tenant, session, log, from, limit })) {
      const { id, json, digest, bytes } = row as { id: number; json: string; digest: string | null; bytes: number };
      if (id !== last) entries.push({ json, blobs: [] });
      last = id;
      if (digest !== null) entries.at(-1)!.blobs.push({ digest, bytes });
    }
    return entries;
  }

  async blob(tenant: string, { digest, bytes: length }: BlobRef): Promise<Uint8Array> {
    const row = this.#sql.blob.get({ tenant, digest });
    if (row === undefined) throw unknownBlob(digest);
    const inline = row.content as Uint8Array | null;
    let bytes: Uint8Array;
    try {
      bytes = inline ?? (await this.#files.read(digest));
    } catch (error) {
      throw lostBlob(digest, 'cannot be read', error);
    }
    if (bytes.length !== length) throw lostBlob(digest, `has ${bytes.length} bytes, expected ${length}`);
    if (digestOf(tenant, bytes) !== digest) throw lostBlob(digest, 'has other content');
    return bytes;
  }

  async reply(tenant: string, key: string): Promise<ReplyRow | undefined> {
    const row = this.#sql.reply.get({ tenant, key });
    if (row === undefined) return undefined;
    const { fingerprint, expiresAt, digest, bytes } = row as unknown as ReplyRow & BlobRef;
    return { tenant, key, fingerprint, response: { digest, bytes }, expiresAt };
  }

  async replyBytes(tenant: string): Promise<number> {
    return this.#sql.replyBytes.get({ tenant, each: REPLY_BYTES })?.bytes as number;
  }

  async putReply(reply: ReplyRow, blobs: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await this.#write(reply.tenant, blobs, NO_CHECK, () => this.#putReply(reply));
  }

  #putReply({ tenant, key, fingerprint, response, expiresAt }: ReplyRow): void {
    this.#sql.putReply.run({ tenant, key, fingerprint, expiresAt, response: this.#known(tenant, response) });
  }

  async putOperation(operation: OperationRow, blobs: ReadonlyMap<string, Uint8Array>, reply?: ReplyRow): Promise<void> {
    await this.#write(operation.tenant, blobs, NO_CHECK, () => this.#complete({ operation, reply }));
  }

  #putOperation({ request, response, ...operation }: OperationRow): void {
    const { tenant } = operation;
    this.#sql.putOperation.run({
      ...operation,
      request: this.#known(tenant, request),
      response: response && this.#known(tenant, response),
    });
  }

  async operation(tenant: string, id: string): Promise<OperationRow | undefined> {
    const row = this.#sql.operation.get({ tenant, id });
    return row && operationOf(row);
  }

  async operations(tenant: string, after: string, limit: number): Promise<readonly OperationRow[]> {
    return this.#sql.operations.all({ tenant, after, limit }).map(operationOf);
  }

  async unfinished(): Promise<readonly OperationRow[]> {
    return this.#sql.unfinished.all().map(operationOf);
  }

  async deleteOperation(tenant: string, id: string): Promise<boolean> {
    return this.#transact(() => this.#sql.deleteOperation.run({ tenant, id }).changes !== 0);
  }

  async sweep(now: Time): Promise<Swept> {
    const sweep = this.#sweeping.catch(() => {}).then(() => this.#sweep(now));
    this.#sweeping = sweep;
    return await this.#tracked(sweep);
  }

  async #sweep(now: Time): Promise<Swept> {
    const unnamed = new Set<string>();
    const swept = this.#transact(() => {
      const sessions = Number(this.#sql.expireSessions.run({ now }).changes);
      const operations = Number(this.#sql.expireOperations.run({ now }).changes);
      const replies = Number(this.#sql.expireReplies.run({ now }).changes);
      let blobs = 0;
      for (const row of this.#sql.unnamedBlobs.all()) {
        const digest = row.digest as string;
        // One sweep later only: a reader may have the row that named it until a moment ago.
        if (!this.#unnamed.has(digest) || this.#files.isHeld(digest)) unnamed.add(digest);
        else blobs += Number(this.#sql.deleteBlob.run({ digest }).changes);
      }
      return { sessions, operations, replies, blobs };
    });
    this.#unnamed = unnamed;
    // After the rows: a file without a row is found by the next sweep, a row without its file is a loss.
    await this.#files.clean((digest) => this.#sql.hasBlob.get({ digest }) !== undefined);
    return swept;
  }

  async isWritable(): Promise<boolean> {
    try {
      // The same number again, which is written nevertheless.
      this.#transact(() => this.#db.exec(`pragma user_version = ${MIGRATIONS.length}`));
      await this.#tracked(this.#files.probe());
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    if (this.#db.isOpen) this.#db.close();
  }

  /** What `apply` does, with the blobs that it names: all of it, if `check` allows it, or nothing. */
  #write(tenant: string, blobs: ReadonlyMap<string, Uint8Array>, check: () => void, apply: () => void): Promise<void> {
    return this.#tracked(this.#writeUntracked(tenant, blobs, check, apply));
  }

  async #writeUntracked(
    tenant: string,
    blobs: ReadonlyMap<string, Uint8Array>,
    check: () => void,
    apply: () => void,
  ): Promise<void> {
    const large = [...blobs].filter(([, bytes]) => bytes.length > MAX_INLINE_BYTES);
    const held = large.map(([digest]) => digest);
    this.#files.hold(held);
    try {
      if (large.length > 0) {
        // Once more below: this one only spares the writing of what would be refused.
        check();
        await this.#writeFiles(large);
      }
      this.#named.clear();
      this.#transact(() => {
        check();
        for (const [digest, bytes] of blobs) {
          const content = bytes.length > MAX_INLINE_BYTES ? null : bytes;
          this.#sql.addBlob.run({ tenant, digest, bytes: bytes.length, content });
        }
        apply();
      });
      for (const digest of this.#named) this.#unnamed.delete(digest);
    } finally {
      this.#files.release(held);
    }
  }

  async #writeFiles(blobs: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    const absent = blobs.filter(([digest]) => this.#sql.hasBlob.get({ digest }) === undefined);
    for (const [digest, bytes] of absent) await this.#files.write(digest, bytes);
    if (absent.length > 0) await this.#files.sync();
  }

  /** The digest of a blob that the tenant has, which is about to be named. */
  #known(tenant: string, { digest, bytes }: BlobRef): string {
    if (this.#sql.blobBytes.get({ tenant, digest })?.bytes !== bytes) throw unknownBlob(digest);
    this.#named.add(digest);
    return digest;
  }

  #transact<T>(work: () => T): T {
    this.#db.exec('begin immediate');
    try {
      const result = work();
      this.#db.exec('commit');
      return result;
    } catch (error) {
      // SQLite has rolled back by itself where the disk failed or was full.
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw error;
    }
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    try {
      return await work;
    } finally {
      this.#pending.delete(work);
    }
  }
}

function operationOf(row: Record<string, unknown>): OperationRow {
  const { request, requestBytes, response, responseBytes, ...rest } = row as Record<string, string> & {
    readonly requestBytes: number;
    readonly responseBytes: number;
  };
  return {
    ...(rest as unknown as OperationRow),
    request: { digest: request as string, bytes: requestBytes },
    response: response === null ? null : { digest: response as string, bytes: responseBytes },
  };
}

const NO_CHECK = (): void => {};
