/** @file What a store would be if it kept plain lists: what each action gives, and what is there after it. */
import { MAX_INLINE_BYTES } from '../../services/sessions/sqlite/schema.ts';
import type {
  BlobRef,
  Change,
  OperationRow,
  ReplyRow,
  SessionRow,
  VariableRow,
} from '../../services/sessions/store.ts';
import { blobsOf, bytesOf, change, operationRow, refOf, replyRow, sessionRow, variableRow } from './rows.ts';

/** Who there is. */
export const TENANTS = ['a', 'b'] as const;
/** What the blobs of a history hold. */
export const CONTENTS = [0, 3, 40, 5_000, MAX_INLINE_BYTES, MAX_INLINE_BYTES + 1, MAX_INLINE_BYTES + 9].map(bytesOf);

/** A change by what is random of it; contents are named by their places in `CONTENTS`. */
export interface Draft {
  readonly expiresAt: number;
  readonly variables: readonly (readonly [name: string, content: number | null])[];
  readonly dropped: readonly string[];
  readonly appended: readonly (readonly [log: string, json: string, contents: readonly number[]])[];
  readonly reply: number | undefined;
  readonly operation: number | undefined;
  /** Whether the bytes are sent, or the store is thought to have them. */
  readonly isSent: boolean;
}

/** A call of the store. */
export type Action = { readonly tenant: string } & (
  | {
      readonly kind: 'create';
      readonly id: string;
      readonly createdAt: number;
      readonly limit: number;
      readonly draft: Draft;
    }
  /** `behind`: by how much its revision is not the session's. */
  | { readonly kind: 'commit'; readonly id: string; readonly behind: number; readonly draft: Draft }
  | { readonly kind: 'touch'; readonly id: string; readonly expiresAt: number }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'reply'; readonly draft: Draft }
  | { readonly kind: 'operation'; readonly draft: Draft }
  | { readonly kind: 'deleteOperation'; readonly id: string }
  | { readonly kind: 'sweep'; readonly now: number }
  | { readonly kind: 'reopen' }
);

interface SessionModel {
  row: SessionRow;
  variables: VariableRow[];
  entries: Change['appended'];
}

/** One tenant's rows, in lists that are searched. */
export interface TenantModel {
  sessions: SessionModel[];
  replies: ReplyRow[];
  operations: OperationRow[];
  blobs: BlobRef[];
  /** Digests that no row named at the last sweep, or since it was opened. */
  unnamed: string[];
}

/** What the model holds, by tenant. */
export type Model = Record<(typeof TENANTS)[number], TenantModel>;

/** What `perform` is to give; makes the model what the store is then. */
export function predict(action: Action, revision: number, model: Model): unknown {
  const tenant = model[action.tenant as keyof Model];
  switch (action.kind) {
    case 'create': {
      const { id, createdAt, limit, draft } = action;
      if (find(tenant, id) !== undefined) return 'already_exists';
      if (tenant.sessions.filter(({ row }) => row.expiresAt > createdAt).length >= limit) return 'quota_exceeded';
      const change = changeOf(action.tenant, 0, draft);
      const session: SessionModel = { row: { ...newSession(action), revision: 0 }, variables: [], entries: [] };
      if (!receive(tenant, change.blobs, namedBy(change))) return 'internal';
      tenant.sessions.push(session);
      apply(tenant, session, change);
      return undefined;
    }
    case 'commit': {
      const session = find(tenant, action.id);
      if (session === undefined) return 'not_found';
      if (action.behind !== 0) return 'version_mismatch';
      const change = changeOf(action.tenant, revision, action.draft);
      if (!receive(tenant, change.blobs, namedBy(change))) return 'internal';
      apply(tenant, session, change);
      return undefined;
    }
    case 'touch': {
      const session = find(tenant, action.id);
      if (session !== undefined) session.row = { ...session.row, expiresAt: action.expiresAt };
      return undefined;
    }
    case 'delete': {
      const before = tenant.sessions.length;
      tenant.sessions = tenant.sessions.filter(({ row }) => row.id !== action.id);
      return tenant.sessions.length < before;
    }
    case 'reply': {
      const { reply, blobs } = changeOf(action.tenant, 0, action.draft);
      if (!receive(tenant, blobs, [reply!.response])) return 'internal';
      putReply(tenant, reply!);
      return undefined;
    }
    case 'operation': {
      const { operation, blobs } = changeOf(action.tenant, 0, action.draft);
      if (!receive(tenant, blobs, namedByOperation(operation!))) return 'internal';
      putOperation(tenant, operation!);
      return undefined;
    }
    case 'deleteOperation': {
      const before = tenant.operations.length;
      tenant.operations = tenant.operations.filter(({ id }) => id !== action.id);
      return tenant.operations.length < before;
    }
    case 'sweep': {
      const counts = Object.values(model).map((each) => sweep(each, action.now));
      const sum = (field: keyof (typeof counts)[number]): number => counts.reduce((total, c) => total + c[field], 0);
      return { sessions: sum('sessions'), operations: sum('operations'), replies: sum('replies'), blobs: sum('blobs') };
    }
    case 'reopen':
      return undefined;
    default:
      return action satisfies never;
  }
}

function sweep(tenant: TenantModel, now: number): Record<'sessions' | 'operations' | 'replies' | 'blobs', number> {
  const before = { ...tenant };
  tenant.sessions = tenant.sessions.filter(({ row }) => row.expiresAt > now);
  tenant.operations = tenant.operations.filter(({ expiresAt }) => expiresAt > now);
  tenant.replies = tenant.replies.filter(({ expiresAt }) => expiresAt > now);
  const named = namedIn(tenant).map(({ digest }) => digest);
  tenant.blobs = tenant.blobs.filter(({ digest }) => named.includes(digest) || !tenant.unnamed.includes(digest));
  tenant.unnamed = tenant.blobs.map(({ digest }) => digest).filter((digest) => !named.includes(digest));
  return {
    sessions: before.sessions.length - tenant.sessions.length,
    operations: before.operations.length - tenant.operations.length,
    replies: before.replies.length - tenant.replies.length,
    blobs: before.blobs.length - tenant.blobs.length,
  };
}

/** Takes blobs in, unless one that is named is in neither. */
function receive(tenant: TenantModel, blobs: ReadonlyMap<string, Uint8Array>, named: readonly BlobRef[]): boolean {
  const has = (digest: string): boolean => blobs.has(digest) || tenant.blobs.some((ref) => ref.digest === digest);
  if (!named.every(({ digest }) => has(digest))) return false;
  for (const [digest, bytes] of blobs)
    if (!tenant.blobs.some((ref) => ref.digest === digest)) tenant.blobs.push({ digest, bytes: bytes.length });
  tenant.unnamed = tenant.unnamed.filter((digest) => !named.some((ref) => ref.digest === digest));
  return true;
}

function apply(tenant: TenantModel, session: SessionModel, change: Change): void {
  session.row = { ...session.row, revision: change.revision + 1, expiresAt: change.expiresAt };
  session.entries = session.entries.filter(({ log }) => !change.dropped.includes(log)).concat(change.appended);
  session.variables = session.variables.filter(({ name }) => !change.variables.has(name));
  session.variables.push(...[...change.variables.values()].filter((row) => row !== null));
  if (change.reply !== undefined) putReply(tenant, change.reply);
  if (change.operation !== undefined) putOperation(tenant, change.operation);
}

function putReply(tenant: TenantModel, reply: ReplyRow): void {
  tenant.replies = [...tenant.replies.filter(({ key }) => key !== reply.key), reply];
}

function putOperation(tenant: TenantModel, operation: OperationRow): void {
  tenant.operations = [...tenant.operations.filter(({ id }) => id !== operation.id), operation];
}

/** The session of an id. */
export function find(tenant: TenantModel, id: string): SessionModel | undefined {
  return tenant.sessions.find(({ row }) => row.id === id);
}

/** The blobs of a session. */
export function heldBy({ variables, entries }: SessionModel): readonly BlobRef[] {
  return [...variables.map(({ value }) => value), ...entries.flatMap(({ entry }) => entry.blobs)];
}

function namedIn({ sessions, replies, operations }: TenantModel): readonly BlobRef[] {
  return [
    ...sessions.flatMap(heldBy),
    ...replies.map(({ response }) => response),
    ...operations.flatMap(namedByOperation),
  ];
}

function namedByOperation({ request, response }: OperationRow): readonly BlobRef[] {
  return response === null ? [request] : [request, response];
}

function namedBy({ variables, appended, reply, operation }: Change): readonly BlobRef[] {
  return [
    ...[...variables.values()].flatMap((row) => row?.value ?? []),
    ...appended.flatMap(({ entry }) => entry.blobs),
    ...(reply === undefined ? [] : [reply.response]),
    ...(operation === undefined ? [] : namedByOperation(operation)),
  ];
}

/** The row that a creation is made with. */
export function newSession({ tenant, id, createdAt, draft }: Extract<Action, { kind: 'create' }>): SessionRow {
  return sessionRow({ tenant, id, createdAt, expiresAt: draft.expiresAt });
}

/** The change of a draft. */
export function changeOf(tenant: string, revision: number, draft: Draft): Change {
  const ref = (place: number): BlobRef => refOf(CONTENTS[place]!, tenant);
  const { expiresAt, reply, operation } = draft;
  const places = [
    ...draft.variables.flatMap(([, place]) => place ?? []),
    ...draft.appended.flatMap(([, , contents]) => contents),
    ...[reply, operation].flatMap((place) => place ?? []),
  ];
  const state = expiresAt % 2 === 0 ? 'running' : 'succeeded';
  const response = state === 'running' || operation === undefined ? null : ref(operation);
  return change(revision, {
    expiresAt,
    blobs: draft.isSent
      ? blobsOf(
          places.map((place) => CONTENTS[place]!),
          tenant,
        )
      : new Map(),
    variables: new Map(
      draft.variables.map(([name, place]) => [
        name,
        place === null ? null : variableRow(name, ref(place), { version: revision + 1, trainable: place % 2 === 0 }),
      ]),
    ),
    dropped: draft.dropped,
    appended: draft.appended.map(([log, json, contents]) => ({ log, entry: { json, blobs: contents.map(ref) } })),
    reply: reply === undefined ? undefined : replyRow('k', ref(reply), { tenant, expiresAt }),
    operation:
      operation === undefined
        ? undefined
        : operationRow(operation % 2 ? 'o' : 'p', ref(operation), { tenant, expiresAt, state, response }),
  });
}
