/** @file Random histories on every store, against a model that keeps plain lists; SQLite's are closed and opened between. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memoryStore } from '../../services/sessions/memory.ts';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import type { OperationRow, Store } from '../../services/sessions/store.ts';
import {
  type Action,
  CONTENTS,
  changeOf,
  type Draft,
  find,
  heldBy,
  type Model,
  newSession,
  predict,
  TENANTS,
  type TenantModel,
} from './model.ts';
import { refOf } from './rows.ts';
import { temporaryFolder } from './stores.ts';

const id = fc.constantFrom('s', 't', '__proto__');
const time = fc.integer({ min: 1, max: 20 });
const content = fc.nat({ max: CONTENTS.length - 1 });
const log = fc.constantFrom('l', 'm');
const draft: fc.Arbitrary<Draft> = fc.record({
  expiresAt: time,
  variables: fc.uniqueArray(fc.tuple(fc.constantFrom('x', 'y', 'z\0', 'z'), fc.option(content, { nil: null })), {
    selector: ([name]) => name,
    maxLength: 3,
  }),
  dropped: fc.uniqueArray(log),
  appended: fc.array(fc.tuple(log, fc.json({ maxDepth: 1 }), fc.array(content, { maxLength: 2 })), { maxLength: 2 }),
  reply: fc.option(content, { nil: undefined, freq: 2 }),
  operation: fc.option(content, { nil: undefined, freq: 2 }),
  isSent: fc.constantFrom(true, true, true, false),
});
const tenant = fc.constantFrom(...TENANTS);
const actions: readonly fc.Arbitrary<Action>[] = [
  fc.record({ kind: fc.constant('create'), tenant, id, createdAt: time, limit: fc.integer({ min: 1, max: 3 }), draft }),
  fc.record({ kind: fc.constant('commit'), tenant, id, behind: fc.constantFrom(0, 0, 0, 0, -1, 1), draft }),
  fc.record({ kind: fc.constant('commit'), tenant, id, behind: fc.constant(0), draft }),
  fc.record({ kind: fc.constant('touch'), tenant, id, expiresAt: time }),
  fc.record({ kind: fc.constant('delete'), tenant, id }),
  fc.record({ kind: fc.constant('reply'), tenant, draft: draft.map((each) => ({ ...each, reply: each.reply ?? 0 })) }),
  fc.record({
    kind: fc.constant('operation'),
    tenant,
    draft: draft.map((each) => ({ ...each, operation: each.operation ?? 1 })),
  }),
  fc.record({ kind: fc.constant('deleteOperation'), tenant, id: fc.constantFrom('o', 'p') }),
  fc.record({ kind: fc.constant('sweep'), tenant, now: time }),
  fc.record({ kind: fc.constant('reopen'), tenant }),
];

/** A store that can be closed and opened again. */
interface Subject {
  store: Store;
  reopen(): Promise<boolean>;
}

class Step implements fc.AsyncCommand<Model, Subject> {
  readonly action: Action;

  constructor(action: Action) {
    this.action = action;
  }

  check(): boolean {
    return true;
  }

  toString(): string {
    return JSON.stringify(this.action);
  }

  async run(model: Model, subject: Subject): Promise<void> {
    const { action } = this;
    const tenant = model[action.tenant as keyof Model];
    const revision = 'id' in action ? (find(tenant, action.id)?.row.revision ?? 0) : 0;
    if (action.kind === 'reopen') {
      if (await subject.reopen()) for (const { unnamed } of Object.values(model)) unnamed.length = 0;
      await expectBlobs(model, subject.store);
    } else {
      const actual = await perform(action, revision, subject.store).catch(({ code }: { code: string }) => code);
      expect(actual).toEqual(predict(action, revision, model));
    }
    await expectEqual(model, subject.store);
  }
}

async function perform(action: Action, revision: number, store: Store): Promise<unknown> {
  const { tenant } = action;
  switch (action.kind) {
    case 'create':
      return store.createSession(newSession(action), changeOf(tenant, 0, action.draft), action.limit);
    case 'commit':
      return store.commit(tenant, action.id, changeOf(tenant, revision + action.behind, action.draft));
    case 'touch':
      return store.touch(tenant, action.id, action.expiresAt);
    case 'delete':
      return store.deleteSession(tenant, action.id);
    case 'reply': {
      const { reply, blobs } = changeOf(tenant, 0, action.draft);
      return store.putReply(reply!, blobs);
    }
    case 'operation': {
      const { operation, blobs } = changeOf(tenant, 0, action.draft);
      return store.putOperation(operation!, blobs);
    }
    case 'deleteOperation':
      return store.deleteOperation(tenant, action.id);
    case 'sweep':
      return store.sweep(action.now);
    case 'reopen':
      return undefined;
    default:
      return action satisfies never;
  }
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);

/** Checks that the store shows what the model holds. */
async function expectEqual(model: Model, store: Store): Promise<void> {
  const running: OperationRow[] = [];
  for (const name of TENANTS) {
    const tenant = model[name];
    const rows = tenant.sessions.map(({ row }) => row).sort(byId);
    expect(await store.sessions(name, '', 99)).toEqual(rows);
    expect(await store.sessions(name, 's', 1)).toEqual(rows.filter(({ id }) => id > 's').slice(0, 1));
    expect(await store.operations(name, '', 99)).toEqual(tenant.operations.toSorted(byId));
    expect(await store.reply(name, 'k')).toEqual(tenant.replies[0]);
    for (const session of tenant.sessions) {
      const { id } = session.row;
      expect(await store.session(name, id)).toEqual(session.row);
      expect(await store.variables(name, id)).toEqual(session.variables.toSorted(byName));
      const logs = [...new Set(session.entries.map(({ log }) => log))];
      expect(await store.logs(name, id)).toEqual(logs);
      for (const log of logs)
        expect(await store.log(name, id, log)).toEqual(
          session.entries.filter((entry) => entry.log === log).map(({ entry }) => entry),
        );
    }
    const held = new Map(tenant.sessions.flatMap(heldBy).map(({ digest, bytes }) => [digest, bytes]));
    expect(await store.tenantBytes(name)).toBe([...held.values()].reduce((sum, bytes) => sum + bytes, 0));
    running.push(...tenant.operations.filter(({ state }) => state === 'running'));
  }
  const order = ({ tenant, id }: OperationRow): string => `${tenant} ${id}`;
  expect((await store.unfinished()).map(order)).toEqual(running.map(order).sort());
}

/** Checks that all blobs that the model has are there, and no other of those that there can be. */
async function expectBlobs(model: Model, store: Store): Promise<void> {
  for (const name of TENANTS)
    for (const bytes of CONTENTS) {
      const ref = refOf(bytes, name);
      const read = await store.blob(name, ref).catch(({ code }: { code: string }) => code);
      if (!model[name].blobs.some(({ digest }) => digest === ref.digest)) expect(read).toBe('internal');
      else expect(Buffer.compare(read as Uint8Array, bytes)).toBe(0);
    }
}

const RUNS = Number(process.env.ADJOINT_STORE_RUNS ?? 40);

it.each(['memory', 'sqlite'])('random histories in %s', { timeout: 30_000 + RUNS * 2_000 }, async (name) => {
  const open = (): Subject => {
    if (name === 'memory') return { store: memoryStore(), reopen: async () => false };
    const folder = temporaryFolder();
    const subject: Subject = {
      store: openSqliteStore(folder),
      reopen: async () => {
        await subject.store.close();
        subject.store = openSqliteStore(folder);
        return true;
      },
    };
    return subject;
  };
  const emptyTenant = (): TenantModel => ({ sessions: [], replies: [], operations: [], blobs: [], unnamed: [] });
  await fc.assert(
    fc.asyncProperty(
      fc.commands(
        actions.map((action) => action.map((each) => new Step(each))),
        { maxCommands: 60, size: '+1' },
      ),
      async (steps) => {
        const subject = open();
        const model: Model = { a: emptyTenant(), b: emptyTenant() };
        try {
          await fc.asyncModelRun(() => ({ model, real: subject }), steps);
          await expectBlobs(model, subject.store);
        } finally {
          await subject.store.close();
        }
      },
    ),
    { numRuns: RUNS },
  );
});
