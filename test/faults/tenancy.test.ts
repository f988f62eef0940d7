/** @file Whose sessions are whose, how long they live, and how many there may be. */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { METHODS } from '../../services/api/index.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Store } from '../../services/sessions/store.ts';
import { STORES } from '../store/stores.ts';
import { type Json, newSession, ok, type Reply, type Request, type Server, serve } from './harness.ts';
import { interposed } from './interposed.ts';

const KEYS = { alice: 'alice-alice-alice', bob: 'bobby-bobby-bobby' };
const ENVIRONMENT = {
  ADJOINT_API_KEYS: Object.entries(KEYS)
    .map(([tenant, key]) => `${tenant}:${key}`)
    .join(','),
};

/** A server as one tenant sees it. */
function as(tenant: keyof typeof KEYS, server: Server): Server {
  const authorization = `Bearer ${KEYS[tenant]}`;
  return { send: (request) => server.send({ ...request, headers: { authorization, ...request.headers } }) };
}

/** A clock that tests can put forward. */
let later = 0;
beforeEach(() => {
  later = 0;
  const now = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + later);
});

/** What a request of each method needs beside names in its path to be served in the session below. */
const BODIES: Readonly<Record<string, unknown>> = {
  KeepSessionAlive: {},
  PutVariable: { value: 7, version: '*' },
  AssignAdd: { value: 1 },
  AssignSub: { value: 1 },
  UpdateVariables: { updates: { w: { assign: 9 } } },
  CreateTape: { tape: 'mine' },
  RecordTape: { graph: 'z = w * x' },
  WatchTape: { names: ['x'] },
  PauseTape: {},
  ResumeTape: {},
  ResetTape: {},
  TapeGradient: { targets: 'y', sources: 'w' },
  TapeJacobian: { target: 'y', sources: 'w' },
  TapeBatchJacobian: { target: 'y', sources: 'w' },
  TapePushforward: { tangents: { w: 1 }, targets: 'y' },
  TapePullback: { cotangents: { y: 1 }, sources: 'w' },
  Minimize: { graph: 'loss = (w - 1) ** 2', optimizer: { name: 'sgd', learning_rate: 0.1 }, steps: 1 },
};

/** A session with a variable and a tape, as every method of sessions wants it. */
async function furnished(server: Server): Promise<string> {
  const session = await newSession(server, { ttl_seconds: 60, variables: { w: { value: 3, dtype: 'float64' } } });
  await ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true, values: { x: 2 }, watch: ['x'] });
  await ok(server, 'POST', `${session}/tapes/t/record`, { graph: 'y = w ** 2 * x' });
  return session;
}

const ROUTES = METHODS.filter(({ path }) => path.startsWith('/v1/sessions/{session}'));

function requestOf({ name, verb, path }: (typeof ROUTES)[number], session: string): Request {
  const url = path.replace('/v1/sessions/{session}', session).replace('{name}', 'w').replace('{tape}', 't');
  const body = BODIES[name];
  return { verb, path: url, ...(body !== undefined && { body }) };
}

/** A refusal without what no two have in common. */
function refusalOf({ status, body, headers }: Reply, session: string): unknown {
  const id = session.split('/').at(-1) as string;
  expect(body.detail).toContain(id);
  const { 'x-request-id': _, date: __, ...rest } = headers;
  return {
    status,
    body: { ...body, instance: '', detail: body.detail.replace(id, '<id>') },
    headers: { ...rest, 'content-length': '' },
  };
}

describe.each(ROUTES)('$name', (route) => {
  test('knows the sessions of the caller; those of others, absent and expired ones are the same to it', async () => {
    const store = memoryStore();
    const server = serve(store, { environment: ENVIRONMENT });
    const [alice, bob] = [as('alice', server), as('bob', server)];
    const own = await furnished(alice);
    const others = await furnished(bob);
    const othersCold = await furnished(as('bob', serve(store, { environment: ENVIRONMENT })));
    const absent = `/v1/sessions/ses_${randomBytes(16).toString('base64url')}`;
    const refused: [string, Reply][] = [];
    for (const session of [others, othersCold, absent])
      refused.push([session, await alice.send(requestOf(route, session))]);
    const served = await alice.send(requestOf(route, own));
    // Served or refused for what was asked of it, but not as a session that does not exist.
    expect(JSON.stringify(served.body ?? '')).not.toContain('no session');
    const [expired, expiredCold] = [
      await furnished(alice),
      await furnished(as('alice', serve(store, { environment: ENVIRONMENT }))),
    ];
    later += 61_000;
    for (const session of [expired, expiredCold]) refused.push([session, await alice.send(requestOf(route, session))]);
    const [first, ...rest] = refused.map(([session, reply]) => refusalOf(reply, session));
    expect(first).toMatchObject({ status: 404, body: { code: 'not_found' } });
    for (const refusal of rest) expect(refusal).toEqual(first);
    later = 0;
    for (const session of [others, othersCold]) {
      expect((await ok(bob, 'GET', `${session}/variables/w`)).value).toBe(3);
      expect((await ok(bob, 'GET', `${session}/tapes`)).tapes).toEqual([
        expect.objectContaining({ tape: 't', fragments: 1, state: 'recording', watched_variables: ['w'] }),
      ]);
    }
  });
});

test('every method of sessions that takes a body has one here', () => {
  const bodiless = new Set(['UploadVariables']);
  for (const { name, verb } of ROUTES)
    if (verb !== 'GET' && verb !== 'DELETE' && !bodiless.has(name)) expect(BODIES, name).toHaveProperty(name);
});

test('a tenant sees its own sessions only, and its replies are its own', async () => {
  const server = serve(memoryStore(), { environment: ENVIRONMENT });
  const [alice, bob] = [as('alice', server), as('bob', server)];
  const [own, others] = [await newSession(alice), await newSession(bob)];
  const listed = (tenant: Server): Promise<string[]> =>
    ok(tenant, 'GET', '/v1/sessions').then(({ sessions }) =>
      sessions.map((info: Json) => `/v1/sessions/${info.session}`),
    );
  expect(await listed(alice)).toEqual([own]);
  expect(await listed(bob)).toEqual([others]);
  const create: Request = { verb: 'POST', path: '/v1/sessions', body: {}, headers: { 'idempotency-key': 'same' } };
  const [first, second] = [await alice.send(create), await bob.send(create)];
  expect(first.status).toBe(201);
  expect(second.body.session.session).not.toBe(first.body.session.session);
  expect((await alice.send(create)).body).toEqual(first.body);
});

test('ids have 128 random bits, and the log of an ordinary day has none of them', async () => {
  const lines: string[] = [];
  const server = serve(memoryStore(), { log: { write: (line) => void lines.push(line) } });
  const sessions: string[] = [];
  for (let i = 0; i < 200; i++) sessions.push(await newSession(server));
  const ids = sessions.map((session) => session.split('/').at(-1) as string);
  for (const id of ids) expect(id).toMatch(/^ses_[A-Za-z0-9_-]{22}$/);
  const bits = ids.map((id) =>
    [...Buffer.from(id.slice(4), 'base64url')].flatMap((byte) => [...byte.toString(2).padStart(8, '0')]),
  );
  // A fair bit is the same 200 times in a row once in 2^199; far from half is once in 10^15.
  for (let bit = 0; bit < 128; bit++) {
    const ones = bits.filter((all) => all[bit] === '1').length;
    expect(Math.abs(ones - 100)).toBeLessThan(57);
  }
  await server.send({ verb: 'GET', path: `${sessions[0]}` });
  await server.send({ verb: 'GET', path: `/v1/sessions/ses_${randomBytes(16).toString('base64url')}` });
  expect(lines.length).toBeGreaterThan(200);
  for (const line of lines) expect(line).not.toMatch(/ses_/);
});

describe.each(STORES)('the life of a session in the $name store', ({ open }) => {
  const isAlive = async (server: Server, session: string): Promise<boolean> =>
    (await server.send({ verb: 'GET', path: `${session}/variables` })).status === 200;

  test.each<[string, (server: Server, session: string) => Promise<unknown>]>([
    ['a read', (server, session) => ok(server, 'GET', `${session}/variables/w`)],
    ['a write', (server, session) => ok(server, 'POST', `${session}/variables/w/assign_add`, { value: 1 })],
    [
      'a question',
      (server, session) => ok(server, 'POST', `${session}/tapes/t/gradient`, { targets: 'y', sources: 'w' }),
    ],
    ['keep_alive', (server, session) => ok(server, 'POST', `${session}/keep_alive`, {})],
  ])('is renewed by %s, and ends', async (_, use) => {
    const store = open();
    let server = serve(store);
    const session = await furnished(server);
    for (let i = 0; i < 4; i++) {
      later += 45_000;
      if (i % 2) server = serve(store);
      await use(server, session);
    }
    later += 59_000;
    server = serve(store);
    expect(await isAlive(server, session)).toBe(true);
    later += 61_000;
    expect(await isAlive(server, session)).toBe(false);
    await server.service.sessions.sweep();
    expect(await store.session('local', session.split('/').at(-1) as string)).toBeUndefined();
  });

  test('is as long as keep_alive says from then on, shorter or longer', async () => {
    const store = open();
    let server = serve(store);
    const session = await furnished(server);
    await ok(server, 'POST', `${session}/keep_alive`, { ttl_seconds: 600 });
    later += 500_000;
    server = serve(store);
    expect(await isAlive(server, session)).toBe(true);
    expect((await ok(server, 'POST', `${session}/keep_alive`, { ttl_seconds: 5 })).session.ttl_seconds).toBe(5);
    later += 4_000;
    server = serve(store);
    expect(await isAlive(server, session)).toBe(true);
    later += 6_000;
    expect(await isAlive(server, session)).toBe(false);
  });

  test('a list shows the living, and no page ends early for those who are not', async () => {
    const server = serve(open());
    const all: string[] = [];
    for (let i = 0; i < 30; i++) all.push(await newSession(server, { ttl_seconds: i % 3 ? 10 : 600 }));
    later += 20_000;
    const listed: string[] = [];
    for (let token = ''; ; ) {
      const page = await ok(server, 'GET', `/v1/sessions?page_size=4&page_token=${token}`);
      listed.push(...page.sessions.map((info: Json) => `/v1/sessions/${info.session}`));
      token = page.next_page_token;
      if (token === '') break;
      expect(page.sessions).toHaveLength(4);
    }
    expect(listed).toEqual(all.filter((_, i) => i % 3 === 0).sort());
  });
});

/** The reply of a request that a quota refuses. */
async function expectOver(server: Server, request: Request): Promise<void> {
  const { status, body } = await server.send(request);
  expect([status, body.code], body.detail).toEqual([429, 'quota_exceeded']);
}

describe.each(STORES)('quotas over the $name store', ({ open }) => {
  test('as many sessions as the tenant may have, and no more', async () => {
    const server = serve(open(), { environment: { ...ENVIRONMENT, ADJOINT_SESSIONS_PER_TENANT: '3' } });
    const [alice, bob] = [as('alice', server), as('bob', server)];
    const create: Request = {
      verb: 'POST',
      path: '/v1/sessions',
      body: { ttl_seconds: 60, variables: { w: { value: 1 } } },
    };
    const sessions: string[] = [];
    for (let i = 0; i < 3; i++) sessions.push(await newSession(alice, create.body));
    await expectOver(alice, create);
    await expectOver(alice, { ...create, headers: { 'idempotency-key': 'k' } });
    await newSession(bob);
    for (const session of sessions) expect((await ok(alice, 'GET', `${session}/variables/w`)).value).toBe(1);
    await ok(alice, 'DELETE', sessions[0] as string);
    // What was refused was not done, and may be sent again.
    expect((await alice.send({ ...create, headers: { 'idempotency-key': 'k' } })).status).toBe(201);
    await expectOver(alice, create);
    later += 61_000;
    await newSession(alice);
  });

  test('as many tapes as a session may have, and no more', async () => {
    const server = serve(open(), { environment: { ADJOINT_TAPES_PER_SESSION: '2' } });
    const session = await furnished(server);
    await ok(server, 'POST', `${session}/tapes`, { tape: 'u', outer: 't' });
    for (const body of [{ tape: 'v' }, { tape: 'v', outer: 't' }, {}])
      await expectOver(server, { verb: 'POST', path: `${session}/tapes`, body });
    const { tapes } = await ok(server, 'GET', `${session}/tapes`);
    expect(tapes.map(({ tape }: Json) => tape)).toEqual(['t', 'u']);
    expect((await ok(server, 'POST', `${session}/tapes/t/gradient`, { targets: 'y', sources: 'w' })).gradients).toBe(
      12,
    );
    await ok(server, 'DELETE', `${session}/tapes/u`);
    await ok(server, 'POST', `${session}/tapes`, { tape: 'v' });
  });

  test('as many bytes as a session may keep, and not one more', async () => {
    const store = open();
    const settings = { environment: { ADJOINT_SESSION_BYTES: '800' } };
    const server = serve(store, settings);
    const bytes = (count: number, at = 0): { data: boolean[] } => ({
      ...{ dtype: 'bool', shape: [count] },
      data: Array.from({ length: count }, (_, i) => i === at),
    });
    await expectOver(server, { verb: 'POST', path: '/v1/sessions', body: { variables: { w: { value: bytes(801) } } } });
    const created = await ok(server, 'POST', '/v1/sessions', { variables: { w: { value: bytes(700) } } });
    expect(created.session.bytes).toBe(700);
    const session = `/v1/sessions/${created.session.session}`;
    const put = (name: string, value: object): Request => ({
      verb: 'PUT',
      path: `${session}/variables/${name}`,
      body: { value, version: '*' },
    });
    await expectOver(server, put('v', bytes(101, 2)));
    expect((await server.send(put('v', bytes(100, 2)))).status).toBe(200);
    expect((await ok(server, 'GET', session)).session).toMatchObject({ bytes: 800, quota_bytes: 800, variables: 2 });
    // Another value in place of the old one needs no more room, and the same value twice is kept once.
    expect((await server.send(put('v', bytes(100, 3)))).status).toBe(200);
    expect((await server.send(put('w', bytes(700, 4)))).status).toBe(200);
    expect((await server.send(put('u', bytes(700, 4)))).status).toBe(200);
    await expectOver(server, put('t', bytes(1)));
    for (const at of [server, serve(store, settings)]) {
      expect((await ok(at, 'GET', session)).session).toMatchObject({ bytes: 800, variables: 3 });
      expect((await ok(at, 'GET', `${session}/variables/w`)).value).toEqual(bytes(700, 4).data);
    }
    await ok(server, 'DELETE', `${session}/variables/u`);
    await expectOver(server, put('t', bytes(1)));
    await ok(server, 'DELETE', `${session}/variables/v`);
    expect((await server.send(put('t', bytes(100)))).status).toBe(200);
  });

  test('what is recorded counts, and deleting its tape makes room', async () => {
    const server = serve(open(), { environment: { ADJOINT_SESSION_BYTES: '3000' } });
    const session = await newSession(server);
    const values = (of: number): object => ({ x: { dtype: 'float64', shape: [100], data: new Array(100).fill(of) } });
    for (let i = 0; i < 20; i++) {
      await ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true, watch: ['x'], values: values(i) });
      const record = (of: number): Request => ({
        verb: 'POST',
        path: `${session}/tapes/t/record`,
        body: { graph: 'y = sum(x ** 2)', values: values(of) },
      });
      expect((await server.send(record(i + 100))).status).toBe(200);
      expect((await server.send(record(i + 200))).status).toBe(200);
      await expectOver(server, record(i + 300));
      expect((await ok(server, 'GET', `${session}/tapes/t`)).tape.fragments).toBe(2);
      // The value that was refused was not bound: 2 x for the one before.
      const asked = await ok(server, 'POST', `${session}/tapes/t/gradient`, {
        targets: 'y',
        sources: 'x',
        unconnected_gradients: 'zero',
      });
      expect(asked.unconnected.x.reason).toBe('not_watched');
      await ok(server, 'DELETE', `${session}/tapes/t`);
      expect((await ok(server, 'GET', session)).session.bytes).toBe(0);
    }
  });
});

describe('sessions in memory', () => {
  /** A server, and the sessions that it has read from the store. */
  function counted(
    store: Store,
    environment: Record<string, string>,
  ): { server: Server; loaded: string[]; blobs: () => number } {
    const loaded: string[] = [];
    let blobs = 0;
    const counting = interposed(store, async (call, run, args) => {
      if (call === 'session') loaded.push(`/v1/sessions/${args[1]}`);
      if (call === 'blob') blobs++;
      return run();
    });
    return { server: serve(counting, { environment }), loaded, blobs: () => blobs };
  }

  test.each(['read', 'written'])('are the last ones that were %s, as many as may be', async (how) => {
    const store = memoryStore();
    const sessions: string[] = [];
    for (let i = 0; i < 12; i++) sessions.push(await furnished(serve(store)));
    const { server, loaded } = counted(store, { ADJOINT_RESIDENT_SESSIONS: '4' });
    const use = (session: string): Promise<Json> =>
      how === 'read'
        ? ok(server, 'GET', `${session}/variables/w`)
        : ok(server, 'POST', `${session}/variables/w/assign`.replace('/assign', '/assign_add'), { value: 0 });
    for (const session of sessions) await use(session);
    expect(loaded).toEqual(sessions);
    loaded.length = 0;
    for (const session of sessions.slice(-4)) await use(session);
    expect(loaded).toEqual([]);
    // Used again, the first of them stays, and the second goes.
    await use(sessions[8]!);
    await use(sessions[0]!);
    expect(loaded).toEqual([sessions[0]]);
    await use(sessions[8]!);
    expect(loaded).toEqual([sessions[0]]);
    await use(sessions[9]!);
    expect(loaded).toEqual([sessions[0], sessions[9]]);
    for (const session of sessions) {
      expect((await ok(server, 'GET', `${session}/variables/w`)).value).toBe(3);
      const { gradients } = await ok(server, 'POST', `${session}/tapes/t/gradient`, { targets: 'y', sources: 'w' });
      expect(gradients).toBe(12);
    }
  });

  test('let go of their values, those unused longest first, and have them again when they are asked', async () => {
    const store = memoryStore();
    // Three sessions of 8000 bytes fit, and a few small ones.
    const { server, blobs } = counted(store, { ADJOINT_SESSION_MEMORY: '25000' });
    const sessions: string[] = [];
    const value = { dtype: 'float64', shape: [1000], data: new Array(1000).fill(1.5) };
    for (let i = 0; i < 5; i++) {
      const session = await newSession(server);
      sessions.push(session);
      await ok(server, 'PUT', `${session}/variables/w`, { value });
    }
    const reads = async (session: string): Promise<number> => {
      const before = blobs();
      expect((await ok(server, 'GET', `${session}/variables/w`)).value).toEqual(value.data);
      return blobs() - before;
    };
    expect(await Promise.all(sessions.slice(2).map(reads))).toEqual([0, 0, 0]);
    expect(await reads(sessions[0]!)).toBe(1);
    expect(await reads(sessions[1]!)).toBe(1);
  });
});
