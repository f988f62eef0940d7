/** @file Several engines with copies of one session: they answer as one would, and read no more than what they lack. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LOCAL_TENANT } from '../../services/api/auth.ts';
import type { SessionCopies } from '../../services/sessions/copies.ts';
import type { Home } from '../../services/sessions/home.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Sessions } from '../../services/sessions/sessions.ts';
import type { Store } from '../../services/sessions/store.ts';
import { type Json, type Local, moreCopies, newSession, ok, randomOf, route, serve } from './harness.ts';
import { Gate, gated, interposed, unhurried } from './interposed.ts';

/** A service whose requests are done with the copies that `at` says. */
interface Several extends Local {
  readonly copies: SessionCopies[];
  at: number;
}

/** Home keeps the session that was used last. */
function several(store: Store, engines: number, home?: (sessions: Sessions) => Home): Several {
  const server = serve(store, { environment: { ADJOINT_RESIDENT_SESSIONS: '1' } });
  const made: Several = {
    ...server,
    copies: Array.from({ length: engines }, () => moreCopies(server, home?.(server.service.sessions))),
    at: 0,
  };
  route(server, () => made.copies[made.at]!);
  return made;
}

/** A home that notes what is asked of it. */
function noting(asked: string[]): (sessions: Sessions) => Home {
  return (sessions) => ({
    since: (...args) => sessions.since(...args),
    entries: (tenant, id, log, from, revision) => {
      asked.push(`${log} from ${from}`);
      return sessions.entries(tenant, id, log, from, revision);
    },
    blob: (...args) => {
      asked.push('a blob');
      return sessions.blob(...args);
    },
  });
}

const ASKER = { tenant: LOCAL_TENANT, signal: new AbortController().signal };

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(1);
}

const W = { w: { value: 3, dtype: 'float64' } };

const record = (server: Several, session: string, tape: string, graph: string, values: Json = {}): Promise<Json> =>
  ok(server, 'POST', `${session}/tapes/${tape}/record`, { graph, values });

const gradient = (server: Several, session: string, tape: string, targets: string): Promise<Json> =>
  ok(server, 'POST', `${session}/tapes/${tape}/gradient`, { targets, sources: 'w' });

describe('a copy', () => {
  test('that nobody else has changed reads nothing', async () => {
    const asked: string[] = [];
    const server = several(memoryStore(), 1, noting(asked));
    const session = await newSession(server, { variables: W });
    await ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true });
    for (let i = 0; i < 3; i++) {
      await record(server, session, 't', 'y = w ** 2');
      expect((await gradient(server, session, 't', 'y')).meta).toMatchObject({ forward_passes: 0, rebuilt: false });
      // Elements that home has at hand come with the news of them.
      await ok(server, 'POST', `${session}/variables/w/assign_sub`, { value: 0.5 });
    }
    expect(asked).toEqual([]);
  });

  test('reads the entries that it lacks, and computes what it needs of them', async () => {
    const asked: string[] = [];
    const server = several(memoryStore(), 2, noting(asked));
    const session = await newSession(server, { variables: W });
    for (const tape of ['t', 'u']) await ok(server, 'POST', `${session}/tapes`, { tape, persistent: true });
    await record(server, session, 't', 'y = w ** 2');
    server.at = 1;
    expect(await gradient(server, session, 't', 'y')).toMatchObject({
      gradients: 6,
      meta: { forward_passes: 1, rebuilt: true },
    });
    expect(asked.filter((what) => what !== 'a blob')).toEqual(['t from 0', 'u from 0']);
    // What it computed stays when others go on.
    server.at = 0;
    await record(server, session, 't', 'z = y * w');
    asked.length = 0;
    server.at = 1;
    expect((await gradient(server, session, 't', 'y')).meta).toMatchObject({ forward_passes: 0, rebuilt: false });
    expect(asked).toEqual(['t from 2', 'a blob']);
    expect((await gradient(server, session, 't', 'z')).gradients).toBe(27);
    expect(asked).toEqual(['t from 2', 'a blob']);
  });

  test('does not take a log for the one that had its name before', async () => {
    const server = several(memoryStore(), 2);
    const session = await newSession(server, { variables: W });
    const open = () => ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true });
    await open();
    await record(server, session, 't', 'y = w ** 2');
    server.at = 1;
    expect((await gradient(server, session, 't', 'y')).gradients).toBe(6);
    server.at = 0;
    await ok(server, 'DELETE', `${session}/tapes/t`);
    await open();
    await record(server, session, 't', 'y = w ** 3');
    await record(server, session, 't', 'z = y ** 2');
    server.at = 1;
    expect((await gradient(server, session, 't', 'y')).gradients).toBe(27);
    // Nor when home has read the session again since, and knows nothing of what was before.
    server.at = 0;
    await ok(server, 'DELETE', `${session}/tapes/t`);
    await open();
    await record(server, session, 't', 'y = 5 * w');
    await newSession(server);
    server.at = 1;
    expect((await gradient(server, session, 't', 'y')).gradients).toBe(5);
  });

  test.each([
    ['has seen it all', false],
    ['has read the session again since', true],
  ])('does not keep what others deleted, when home %s', async (_, isAnew) => {
    const server = several(memoryStore(), 2);
    const session = await newSession(server, { variables: { ...W, v: { value: 2, dtype: 'float64' } } });
    for (const tape of ['t', 'u']) await ok(server, 'POST', `${session}/tapes`, { tape, persistent: true });
    await record(server, session, 't', 'y = w * v');
    server.at = 1;
    await record(server, session, 't', 'z = y');
    server.at = 0;
    await ok(server, 'DELETE', `${session}/variables/v`);
    if (isAnew) await newSession(server);
    server.at = 1;
    const path = `${session}/tapes/t/record`;
    expect((await server.send({ verb: 'POST', path, body: { graph: 'a = v' } })).body.code).toBe('missing_value');
    server.at = 0;
    await ok(server, 'DELETE', `${session}/tapes/u`);
    if (isAnew) await newSession(server);
    server.at = 1;
    expect((await ok(server, 'GET', `${session}/tapes`)).tapes.map(({ tape }: Json) => tape)).toEqual(['t']);
    expect((await gradient(server, session, 't', 'z')).gradients).toBe(2);
  });

  test('that reads a log while others drop it has nothing of what was before beside what came after', async () => {
    const { store, gate } = gated(memoryStore(), 'log', 2);
    const server = several(store, 2);
    const session = await newSession(server, { variables: W });
    for (const tape of ['t', 'u']) await ok(server, 'POST', `${session}/tapes`, { tape, persistent: true });
    server.at = 1;
    const looking = ok(server, 'GET', `${session}/tapes`);
    // It has read the first.
    await gate.reached;
    server.at = 0;
    for (const tape of ['t', 'u']) await ok(server, 'DELETE', `${session}/tapes/${tape}`);
    await ok(server, 'POST', `${session}/tapes`, { tape: 'u', persistent: true, values: { x: 1 } });
    gate.open();
    expect((await looking).tapes).toEqual([expect.objectContaining({ tape: 'u', tensors: { x: 'f32' } })]);
  });

  test('that reads a log while it is begun anew in one commit waits for what becomes of that', async () => {
    const gate = new Gate();
    let isArmed = false;
    const server = several(
      interposed(memoryStore(), async (call, run) => {
        const made = await run();
        if (call === 'commit' && isArmed) await gate.pass();
        return made;
      }),
      1,
    );
    const path = await newSession(server, { variables: W });
    const id = path.split('/').at(-1)!;
    await ok(server, 'POST', `${path}/tapes`, { tape: 't', persistent: true });
    await ok(server, 'POST', `${path}/tapes/t/pause`);
    server.copies[0]!.forget(LOCAL_TENANT, id);
    isArmed = true;
    const hold = await server.service.sessions.hold(ASKER, id, undefined);
    const events = ['opened', 'paused', 'resumed'].map((type) => ({
      ...{ type, tape: 't', outer: null, persistent: true, watchesAccessed: true },
    }));
    const committing = hold.commit(
      {
        revision: hold.update.row.revision,
        blobs: new Map(),
        variables: new Map(),
        dropped: ['t'],
        appended: events.map((event) => ({ log: 't', entry: { json: JSON.stringify(event), blobs: [] } })),
      },
      undefined,
    );
    await gate.reached;
    const looking = ok(server, 'GET', `${path}/tapes/t`);
    await sleep(5);
    gate.open();
    await committing;
    hold.release();
    expect((await looking).tape.state).toBe('recording');
  });

  test('that was made from older news is not taken for the one that the news is for', async () => {
    const held: (() => void)[] = [];
    let isHeld = false;
    const server = several(memoryStore(), 2, (sessions) => ({
      since: async (...args) => {
        const update = await sessions.since(...args);
        if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
        return update;
      },
      entries: (...args) => sessions.entries(...args),
      blob: (...args) => sessions.blob(...args),
    }));
    const session = await newSession(server, { variables: W });
    const open = async (tape: string): Promise<void> => {
      server.at = 0;
      await ok(server, 'POST', `${session}/tapes`, { tape });
    };
    const look = async (): Promise<string[]> => {
      server.at = 1;
      return (await ok(server, 'GET', `${session}/tapes`)).tapes.map(({ tape }: Json) => tape);
    };
    await open('a');
    isHeld = true;
    const first = look();
    await until(() => held.length === 1);
    isHeld = false;
    await open('b');
    expect(await look()).toEqual(['a', 'b']);
    await open('c');
    isHeld = true;
    const second = look();
    await until(() => held.length === 2);
    isHeld = false;
    server.copies[1]!.forget(LOCAL_TENANT, session.split('/').at(-1)!);
    held[0]!();
    expect(await first).toEqual(['a']);
    held[1]!();
    expect(await second).toEqual(['a', 'b', 'c']);
  });

  test('whose engine goes on after others had the session commits nothing', async () => {
    const server = several(memoryStore(), 2);
    const { sessions } = server.service;
    const path = await newSession(server, { variables: W });
    const id = path.split('/').at(-1)!;
    const began = Promise.withResolvers<void>();
    const others = Promise.withResolvers<void>();
    let release = (): void => {};
    const late = server.copies[0]!.change(
      {
        tenant: LOCAL_TENANT,
        hold: async (session, revision) => {
          const hold = await sessions.hold(ASKER, session, revision);
          ({ release } = hold);
          return hold;
        },
      },
      id,
      async (work) => {
        began.resolve();
        await others.promise;
        work.write('w', { type: { dtype: 'float64', shape: [] }, data: Float64Array.of(99) }, true);
        return {};
      },
    );
    await began.promise;
    // As home does when it takes the engine for dead.
    release();
    await ok(server, 'POST', `${path}/variables/w/assign_add`, { value: 1 });
    // A reader brings the copy up to date under the one that is at work.
    await ok(server, 'GET', `${path}/tapes`);
    others.resolve();
    await expect(late).rejects.toMatchObject({ code: 'version_mismatch' });
    expect((await ok(server, 'GET', `${path}/variables/w`)).value).toBe(4);
  });
});

describe('many requests at once, each with one of three copies', () => {
  test.each([
    ['that stay', 0],
    ['of which one after the other is lost', 0.2],
  ])('%s', async (_, lost) => {
    const random = randomOf(7);
    const server = serve(unhurried(memoryStore()));
    const copies = Array.from({ length: 3 }, () => moreCopies(server));
    route(server, () => {
      const at = Math.floor(random() * 3);
      if (random() < lost) copies[at] = moreCopies(server);
      return copies[at]!;
    });
    const session = await newSession(server, { variables: { n: { value: 0, dtype: 'float64' } } });
    await ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true, values: { x: 2 }, watch: ['x'] });
    let isDone = false;
    const look = async (): Promise<number> => {
      let looks = 0;
      for (let seen = 0; !isDone; looks++) {
        const { tape } = await ok(server, 'GET', `${session}/tapes/t`);
        // What was seen once stays, and half a request is not seen: each binds one name of its own.
        expect(tape.fragments).toBeGreaterThanOrEqual(seen);
        expect(Object.keys(tape.tensors).filter((name) => name.startsWith('y'))).toHaveLength(tape.fragments);
        seen = tape.fragments;
        await sleep(1);
      }
      return looks;
    };
    const lookers = [look(), look()];
    const graph = (i: number): Json => ({
      variables: { n: {} },
      inputs: { x: {} },
      nodes: [
        { name: `a${i}`, op: 'assign_add', inputs: ['n', 1] },
        { name: `y${i}`, op: 'mul', inputs: [`a${i}`, 'x'] },
      ],
      outputs: [`y${i}`],
    });
    const replies = await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        if (i % 3 === 2) await ok(server, 'POST', `${session}/variables/n/assign_add`, { value: 100 });
        return ok(server, 'POST', `${session}/tapes/t/record`, { graph: graph(i) });
      }),
    );
    isDone = true;
    for (const looks of await Promise.all(lookers)) expect(looks).toBeGreaterThan(0);
    expect(new Set(replies.map(({ versions }) => versions.n)).size).toBe(24);
    expect((await ok(server, 'GET', `${session}/variables/n`)).value).toBe(824);
    const { gradients } = await ok(server, 'POST', `${session}/tapes/t/gradient`, {
      targets: replies.map((_, i) => `y${i}`),
      sources: 'x',
    });
    expect(gradients).toBe(replies.reduce((sum, { values }, i) => sum + values[`y${i}`] / 2, 0));
  });
});
