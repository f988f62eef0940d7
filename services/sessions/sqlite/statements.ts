/** @file Every statement of the embedded store, prepared once. Columns are named as the fields they become. */
import type { DatabaseSync } from 'node:sqlite';

/** The prepared statements. */
export type Statements = ReturnType<typeof prepare>;

const SESSION = `
  select tenant, id, created_at as createdAt, expires_at as expiresAt, ttl, revision from sessions`;

const OPERATION = `
  select o.tenant, id, method, state, progress, error, created_at as createdAt, expires_at as expiresAt, attempts,
    request, q.bytes as requestBytes, response, a.bytes as responseBytes
  from operations o join blobs q on q.digest = request left join blobs a on a.digest = response`;

/** The statements for a database. */
export function prepare(db: DatabaseSync) {
  return {
    session: db.prepare(`${SESSION} where tenant = :tenant and id = :id`),
    sessions: db.prepare(`${SESSION} where tenant = :tenant and id > :after order by id limit :limit`),
    countSessions: db.prepare('select count(*) as count from sessions where tenant = :tenant and expires_at > :now'),
    addSession: db.prepare('insert into sessions values (:tenant, :id, :createdAt, :expiresAt, :ttl, 0)'),
    advanceSession: db.prepare(`
      update sessions set revision = revision + 1, expires_at = :expiresAt where tenant = :tenant and id = :id`),
    touchSession: db.prepare(`
      update sessions set expires_at = :expiresAt, ttl = coalesce(:ttl, ttl) where tenant = :tenant and id = :id`),
    deleteSession: db.prepare('delete from sessions where tenant = :tenant and id = :id'),
    expireSessions: db.prepare('delete from sessions where expires_at <= :now'),

    variables: db.prepare(`
      select name, dtype, shape, trainable, version, digest, bytes from variables join blobs on digest = value
      where variables.tenant = :tenant and session = :session order by name`),
    putVariable: db.prepare(`
      insert or replace into variables
      values (:tenant, :session, :name, :dtype, :shape, :trainable, :version, :value)`),
    deleteVariable: db.prepare('delete from variables where tenant = :tenant and session = :session and name = :name'),

    logs: db.prepare(`
      select log from entries where tenant = :tenant and session = :session group by log order by min(id)`),
    log: db.prepare(`
      select id, json, e.digest, bytes from (
        select id, json from entries where tenant = :tenant and session = :session and log = :log
        order by id limit :limit offset :from)
      left join entry_blobs e on entry = id left join blobs b on b.digest = e.digest order by id, place`),
    dropLog: db.prepare('delete from entries where tenant = :tenant and session = :session and log = :log'),
    appendEntry: db.prepare('insert into entries (tenant, session, log, json) values (:tenant, :session, :log, :json)'),
    addEntryBlob: db.prepare('insert into entry_blobs values (:entry, :place, :digest)'),

    hasBlob: db.prepare('select 1 from blobs where digest = :digest'),
    blob: db.prepare('select content from blobs where tenant = :tenant and digest = :digest'),
    blobBytes: db.prepare('select bytes from blobs where tenant = :tenant and digest = :digest'),
    addBlob: db.prepare('insert into blobs values (:digest, :tenant, :bytes, :content) on conflict do nothing'),
    deleteBlob: db.prepare('delete from blobs where digest = :digest'),
    unnamedBlobs: db.prepare(`
      select digest from blobs b where
        not exists (select 1 from variables where value = b.digest)
        and not exists (select 1 from entry_blobs where digest = b.digest)
        and not exists (select 1 from replies where response = b.digest)
        and not exists (select 1 from operations where request = b.digest)
        and not exists (select 1 from operations where response = b.digest)`),
    tenantBytes: db.prepare(`
      select coalesce(sum(bytes), 0) as bytes from blobs b where tenant = :tenant and (
        exists (select 1 from variables where value = b.digest)
        or exists (select 1 from entry_blobs where digest = b.digest))`),

    reply: db.prepare(`
      select fingerprint, expires_at as expiresAt, digest, bytes from replies join blobs on digest = response
      where replies.tenant = :tenant and key = :key`),
    replyBytes: db.prepare(`
      select coalesce(sum(bytes + :each), 0) as bytes from replies join blobs on digest = response
      where replies.tenant = :tenant`),
    putReply: db.prepare('insert or replace into replies values (:tenant, :key, :fingerprint, :response, :expiresAt)'),
    expireReplies: db.prepare('delete from replies where expires_at <= :now'),

    operation: db.prepare(`${OPERATION} where o.tenant = :tenant and id = :id`),
    operations: db.prepare(`${OPERATION} where o.tenant = :tenant and id > :after order by id limit :limit`),
    unfinished: db.prepare(`${OPERATION} where state = 'running' order by created_at, o.tenant, id`),
    putOperation: db.prepare(`
      insert or replace into operations values (
        :tenant, :id, :method, :request, :state, :progress, :response, :error, :createdAt, :expiresAt, :attempts)`),
    deleteOperation: db.prepare('delete from operations where tenant = :tenant and id = :id'),
    expireOperations: db.prepare('delete from operations where expires_at <= :now'),
  };
}
