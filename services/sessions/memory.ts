/** @file A store that ends with the process: for tests, and for a service that promises nothing. */
import { expectRevision, lostBlob, sessionExists, tooManySessions, unknownBlob } from './refusals.ts';
import {
  type BlobRef,
  type Change,
  type Completion,
  digestOf,
  type OperationRow,
  REPLY_BYTES,
  type ReplyRow,
  type SessionRow,
  type Store,
  type VariableRow,
} from './store.ts';

/** A store in memory. */
export function memoryStore(): Store {
  const tenants = new Map<string, Tenant>();
  const tenantOf = (name: string): Tenant => {
    const known = tenants.get(name);
    if (known !== undefined) return known;
    const tenant: Tenant = {
      sessions: new Map(),
      replies: new Map(),
      operations: new Map(),
      blobs: new Map(),
      unnamed: new Set(),
    };
    tenants.set(name, tenant);
    return tenant;
  };
  const write = (tenant: Tenant, blobs: ReadonlyMap<string, Uint8Array>, named: readonly BlobRef[]): void => {
    for (const { digest, bytes } of named)
      if ((blobs.get(digest) ?? tenant.blobs.get(digest))?.length !== bytes) throw unknownBlob(digest);
    // From here on nothing throws.
    for (const { digest } of named) tenant.unnamed.delete(digest);
    for (const [digest, bytes] of blobs) if (!tenant.blobs.has(digest)) tenant.blobs.set(digest, bytes.slice());
  };
  const putReply = (tenant: Tenant, reply: ReplyRow): unknown => tenant.replies.set(reply.key, { ...reply });
  const putOperation = (tenant: Tenant, operation: OperationRow): unknown =>
    tenant.operations.set(operation.id, { ...operation });
  const apply = (tenant: Tenant, session: Session, change: Change): void => {
    const { row, variables } = session;
    session.row = { ...row, revision: row.revision + 1, expiresAt: change.expiresAt };
    session.entries = session.entries.filter(({ log }) => !change.dropped.includes(log)).concat(change.appended);
    for (const [name, variable] of change.variables)
      if (variable === null) variables.delete(name);
      else variables.set(name, { ...variable, name });
    if (change.reply !== undefined) putReply(tenant, change.reply);
    if (change.operation !== undefined) putOperation(tenant, change.operation);
  };

  const complete = (tenant: Tenant, { reply, operation, blobs }: Completion): void => {
    const named = [...(reply ? [reply.response] : []), ...(operation ? namedByOperation(operation) : [])];
    write(tenant, blobs, named);
    if (reply !== undefined) putReply(tenant, reply);
    if (operation !== undefined) putOperation(tenant, operation);
  };
  return {
    async createSession(row, change, limit) {
      const tenant = tenantOf(row.tenant);
      if (tenant.sessions.has(row.id)) throw sessionExists(row.id);
      const living = [...tenant.sessions.values()].filter((session) => session.row.expiresAt > row.createdAt);
      if (living.length >= limit) throw tooManySessions(limit);
      write(tenant, change.blobs, namedBy(change));
      const session: Session = { row: { ...row, revision: 0 }, variables: new Map(), entries: [] };
      tenant.sessions.set(row.id, session);
      apply(tenant, session, change);
    },
    async session(tenant, id) {
      return tenantOf(tenant).sessions.get(id)?.row;
    },
    async sessions(tenant, after, limit) {
      return page(tenantOf(tenant).sessions, after, limit).map(({ row }) => row);
    },
    async tenantBytes(tenant) {
      const { sessions, blobs } = tenantOf(tenant);
      const digests = new Set([...sessions.values()].flatMap(heldBy).map(({ digest }) => digest));
      return [...digests].reduce((sum, digest) => sum + blobs.get(digest)!.length, 0);
    },
    async deleteSession(name, id, completion) {
      const tenant = tenantOf(name);
      if (!tenant.sessions.has(id)) return false;
      if (completion !== undefined) complete(tenant, completion);
      return tenant.sessions.delete(id);
    },
    async commit(name, id, change) {
      const tenant = tenantOf(name);
      const session = tenant.sessions.get(id);
      expectRevision(id, session?.row, change.revision);
      write(tenant, change.blobs, namedBy(change));
      apply(tenant, session as Session, change);
    },
    async touch(tenant, id, expiresAt, ttl) {
      const session = tenantOf(tenant).sessions.get(id);
      if (session !== undefined) session.row = { ...session.row, expiresAt, ttl: ttl ?? session.row.ttl };
    },
    async variables(tenant, id) {
      return sorted(tenantOf(tenant).sessions.get(id)?.variables ?? new Map<string, VariableRow>()).map(
        ([, row]) => row,
      );
    },
    async logs(tenant, id) {
      return [
        ...new Set(
          tenantOf(tenant)
            .sessions.get(id)
            ?.entries.map(({ log }) => log),
        ),
      ];
    },
    async log(tenant, id, log, from = 0, limit = Number.POSITIVE_INFINITY) {
      const entries = tenantOf(tenant).sessions.get(id)?.entries ?? [];
      const own = entries.filter((appended) => appended.log === log).map(({ entry }) => entry);
      return own.slice(from, from + limit);
    },
    async blob(tenant, { digest, bytes }) {
      const content = tenantOf(tenant).blobs.get(digest);
      if (content === undefined) throw unknownBlob(digest);
      if (content.length !== bytes) throw lostBlob(digest, `has ${content.length} bytes, expected ${bytes}`);
      if (digestOf(tenant, content) !== digest) throw lostBlob(digest, 'has other content');
      return content.slice();
    },
    async reply(tenant, key) {
      return tenantOf(tenant).replies.get(key);
    },
    async replyBytes(tenant) {
      const replies = [...tenantOf(tenant).replies.values()];
      return replies.reduce((sum, { response }) => sum + response.bytes + REPLY_BYTES, 0);
    },
    async putReply(reply, blobs) {
      const tenant = tenantOf(reply.tenant);
      write(tenant, blobs, [reply.response]);
      putReply(tenant, reply);
    },
    async putOperation(operation, blobs, reply) {
      complete(tenantOf(operation.tenant), { operation, blobs, reply });
    },
    async operation(tenant, id) {
      return tenantOf(tenant).operations.get(id);
    },
    async operations(tenant, after, limit) {
      return page(tenantOf(tenant).operations, after, limit);
    },
    async unfinished() {
      const running = [...tenants.values()]
        .flatMap(({ operations }) => [...operations.values()])
        .filter(({ state }) => state === 'running');
      return running.sort(
        (a, b) => a.createdAt - b.createdAt || byCodePoints(a.tenant, b.tenant) || byCodePoints(a.id, b.id),
      );
    },
    async deleteOperation(tenant, id) {
      return tenantOf(tenant).operations.delete(id);
    },
    async sweep(now) {
      const swept = { sessions: 0, operations: 0, replies: 0, blobs: 0 };
      for (const tenant of tenants.values()) {
        swept.sessions += removeIf(tenant.sessions, ({ row }) => row.expiresAt <= now);
        swept.operations += removeIf(tenant.operations, ({ expiresAt }) => expiresAt <= now);
        swept.replies += removeIf(tenant.replies, ({ expiresAt }) => expiresAt <= now);
        const named = new Set(namedIn(tenant).map(({ digest }) => digest));
        swept.blobs += removeIf(tenant.blobs, (_, digest) => !named.has(digest) && tenant.unnamed.has(digest));
        tenant.unnamed = new Set(tenant.blobs.keys()).difference(named);
      }
      return swept;
    },
    async isWritable() {
      return true;
    },
    async close() {},
  };
}

interface Session {
  row: SessionRow;
  readonly variables: Map<string, VariableRow>;
  entries: Change['appended'];
}

interface Tenant {
  readonly sessions: Map<string, Session>;
  readonly replies: Map<string, ReplyRow>;
  readonly operations: Map<string, OperationRow>;
  readonly blobs: Map<string, Uint8Array>;
  /** Digests that no row named when the last sweep looked. */
  unnamed: Set<string>;
}

function namedBy({ variables, appended, reply, operation }: Change): readonly BlobRef[] {
  return [
    ...[...variables.values()].flatMap((variable) => variable?.value ?? []),
    ...appended.flatMap(({ entry }) => entry.blobs),
    ...(reply === undefined ? [] : [reply.response]),
    ...(operation === undefined ? [] : namedByOperation(operation)),
  ];
}

function namedByOperation({ request, response }: OperationRow): readonly BlobRef[] {
  return response === null ? [request] : [request, response];
}

function heldBy({ variables, entries }: Session): readonly BlobRef[] {
  return [...[...variables.values()].map(({ value }) => value), ...entries.flatMap(({ entry }) => entry.blobs)];
}

function namedIn({ sessions, replies, operations }: Tenant): readonly BlobRef[] {
  return [
    ...[...sessions.values()].flatMap(heldBy),
    ...[...replies.values()].map(({ response }) => response),
    ...[...operations.values()].flatMap(namedByOperation),
  ];
}

function sorted<Row>(rows: ReadonlyMap<string, Row>): readonly (readonly [string, Row])[] {
  return [...rows].sort(([a], [b]) => byCodePoints(a, b));
}

function page<Row>(rows: ReadonlyMap<string, Row>, after: string, limit: number): Row[] {
  const later = sorted(rows).filter(([key]) => byCodePoints(key, after) > 0);
  return later.slice(0, limit).map(([, row]) => row);
}

/** The order of UTF-8, which is SQLite's; `<` compares UTF-16. */
function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function removeIf<Row>(rows: Map<string, Row>, condition: (row: Row, key: string) => boolean): number {
  const before = rows.size;
  for (const [key, row] of rows) if (condition(row, key)) rows.delete(key);
  return before - rows.size;
}
