/** @file Many requests at once: what one session promises to all who use it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeSafetensors } from '../../engine/formats/safetensors.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { METHODS } from '../../services/api/index.ts';
import { method } from '../../services/api/method.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import { STORES, sqliteStore, temporaryFolder } from '../store/stores.ts';
import { type Json, newSession, ok, type Reply, type Server, serve } from './harness.ts';
import { Gate, gated, interposed, unhurried } from './interposed.ts';

const many = <T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

const numberIn = async (server: Server, session: string, name: string): Promise<number> =>
  (await ok(server, 'GET', `${session}/variables/${name}`)).value;

const ONE = { n: { value: 0, dtype: 'float64' } };

describe.each(STORES)('over the $name store', ({ open }) => {
  test('of fifty writers who saw the same version one wins', async () => {
    const server = serve(unhurried(open()));
    const session = await newSession(server, { variables: ONE });
    for (let round = 0; round < 3; round++) {
      const { etag } = (await server.send({ verb: 'GET', path: `${session}/variables/n` })).headers;
      const replies = await many(50, (i) =>
        server.send({
          verb: 'PUT',
          path: `${session}/variables/n`,
          body: { value: i + 1 },
          headers: { 'if-match': etag as string },
        }),
      );
      const winners = replies.flatMap(({ status }, i) => (status === 200 ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 412)).toHaveLength(49);
      expect(await numberIn(server, session, 'n')).toBe(winners[0]! + 1);
    }
  });

  test('fifty who read, add one and write it until they win, add fifty', async () => {
    const server = serve(unhurried(open()));
    const session = await newSession(server, { variables: ONE });
    const path = `${session}/variables/n`;
    const versions = await many(50, async () => {
      for (;;) {
        const { body, headers } = await server.send({ verb: 'GET', path });
        const written = await server.send({
          verb: 'PUT',
          path,
          body: { value: body.value + 1 },
          headers: { 'if-match': headers.etag as string },
        });
        if (written.status === 200) return written.body.variable.version;
        expect(written.status).toBe(412);
      }
    });
    expect(new Set(versions).size).toBe(50);
    expect(await numberIn(server, session, 'n')).toBe(50);
  });

  test('every assign_add counts once', async () => {
    const server = serve(unhurried(open()));
    const session = await newSession(server, { variables: ONE });
    await many(50, (i) => ok(server, 'POST', `${session}/variables/n/assign_add`, { value: i }));
    expect(await numberIn(server, session, 'n')).toBe((49 * 50) / 2);
  });

  test('a request that is sent fifty times under one key is done once', async () => {
    const server = serve(unhurried(open()));
    const session = await newSession(server, { variables: ONE });
    const send = (value: number): Promise<Reply> =>
      server.send({
        verb: 'POST',
        path: `${session}/variables/n/assign_add`,
        body: { value },
        headers: { 'idempotency-key': 'k' },
      });
    const replies = await many(50, () => send(1));
    const statuses = new Set(replies.map(({ status, body }) => body.code ?? status));
    expect([...statuses].sort()).toEqual([200, 'request_in_progress']);
    const [first] = replies.filter(({ status }) => status === 200);
    expect((await send(1)).body).toEqual(first?.body);
    expect((await send(2)).body.code).toBe('idempotency_mismatch');
    expect(await numberIn(server, session, 'n')).toBe(1);
  });

  test('nobody sees half of a PATCH, whatever is held in memory', async () => {
    const environment = { ADJOINT_SESSION_MEMORY: '1', ADJOINT_RESIDENT_SESSIONS: '1' };
    const server = serve(unhurried(open()), { environment });
    const variables = { a: { value: [0, 0], dtype: 'float64' }, b: { value: [0, 0], dtype: 'float64' } };
    const session = await newSession(server, { variables });
    let isDone = false;
    const look = async (): Promise<number> => {
      let looks = 0;
      for (; !isDone; looks++) {
        const { variables: infos } = await ok(server, 'GET', `${session}/variables`);
        expect(infos[0].version).toBe(infos[1].version);
        const file = (await server.send({ verb: 'GET', path: `${session}/checkpoint` })).body as Buffer;
        const { tensors } = decodeSafetensors(file, DEFAULT_LIMITS);
        expect(Number(tensors.get('a')?.data[0]) + Number(tensors.get('b')?.data[0])).toBe(0);
        await newSession(server, { ttl_seconds: 1 });
      }
      return looks;
    };
    const lookers = [look(), look(), look()];
    for (let i = 0; i < 30; i++)
      await ok(server, 'PATCH', `${session}/variables`, {
        updates: { a: { assign_add: [1, 1] }, b: { assign_sub: [1, 1] } },
      });
    isDone = true;
    for (const looks of await Promise.all(lookers)) expect(looks).toBeGreaterThan(0);
  });

  test('graphs recorded on one tape at once are recorded one after the other', async () => {
    const server = serve(unhurried(open()));
    const session = await newSession(server, { variables: { ...ONE, v: { value: 2, dtype: 'float64' } } });
    await ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true });
    const graph = {
      variables: { n: {}, v: {} },
      nodes: [
        { name: 'next', op: 'assign_add', inputs: ['n', 1] },
        { name: 'y', op: 'mul', inputs: ['next', 'v'] },
      ],
      outputs: ['y'],
    };
    const replies = await many(20, () => ok(server, 'POST', `${session}/tapes/t/record`, { graph }));
    expect(replies.map(({ values }) => values.y).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => 2 * (i + 1)),
    );
    expect(new Set(replies.map(({ versions }) => versions.n)).size).toBe(20);
    expect((await ok(server, 'GET', `${session}/tapes/t`)).tape.fragments).toBe(20);
    // 20 is the last value of n, whose product with v is the y that the name means now.
    expect((await ok(server, 'POST', `${session}/tapes/t/gradient`, { targets: 'y', sources: 'v' })).gradients).toBe(
      20,
    );
  });
});

/** Has a session to itself until its gate opens: a record that takes long. */
function holdMethod(gate: Gate) {
  return method({
    name: 'Hold',
    summary: 'Holds a session.',
    verb: 'POST',
    path: '/v1/sessions/{session}/hold',
    changes: true,
    request: z.strictObject({ session: z.string() }),
    response: z.object({}),
    examples: [],
    handle: (request, context) =>
      context.sessions.change(context, request.session, async () => {
        await gate.pass();
        return {};
      }),
  });
}

describe('while a session is held by a request that takes long', () => {
  async function held(): Promise<{
    server: ReturnType<typeof serve>;
    session: string;
    gate: Gate;
    holder: Promise<Json>;
  }> {
    const gate = new Gate();
    const server = serve(memoryStore(), { methods: [...METHODS, holdMethod(gate)] });
    const session = await newSession(server, { variables: ONE });
    await ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true, values: { x: 3 }, watch: ['x'] });
    const holder = ok(server, 'POST', `${session}/hold`);
    await gate.reached;
    return { server, session, gate, holder };
  }

  test('it can be read, and other sessions can be changed', async () => {
    const { server, session, gate, holder } = await held();
    expect(await numberIn(server, session, 'n')).toBe(0);
    expect((await ok(server, 'GET', session)).session.tapes).toBe(1);
    expect((await ok(server, 'GET', `${session}/tapes/t`)).tape.fragments).toBe(0);
    const other = await newSession(server, { variables: ONE });
    await ok(server, 'POST', `${other}/variables/n/assign_add`, { value: 1 });
    gate.open();
    await holder;
  });

  test.each(['a deadline', 'a client gone'])('%s leaves nothing of what waited, and others are served', async (end) => {
    const { server, session, gate, holder } = await held();
    const url = await server.listen();
    const leave = new AbortController();
    const send = (path: string, body: unknown): Promise<Response> =>
      fetch(`${url}${session}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...(end === 'a deadline' && { 'x-timeout-ms': '40' }) },
        signal: leave.signal,
      });
    const waiting = [
      send('/variables/n/assign_add', { value: 1 }),
      send('/tapes', { tape: 'u' }),
      send('/tapes/t/record', { graph: 'y = x ** 2' }),
      send('/tapes/t/pause', {}),
      send('/keep_alive', { ttl_seconds: 7 }),
    ];
    await sleep(20);
    if (end === 'a client gone') leave.abort();
    for (const reply of await Promise.allSettled(waiting))
      if (end === 'a deadline') expect((reply as PromiseFulfilledResult<Response>).value.status).toBe(504);
      else expect(reply.status).toBe('rejected');
    // The service has to hear of it.
    await sleep(20);
    const next = ok(server, 'POST', `${session}/variables/n/assign_add`, { value: 10 });
    gate.open();
    await holder;
    expect((await next).variable.version).toBe(3);
    expect(await numberIn(server, session, 'n')).toBe(10);
    const { tapes } = await ok(server, 'GET', `${session}/tapes`);
    expect(tapes).toEqual([expect.objectContaining({ tape: 't', state: 'recording', fragments: 0 })]);
    expect((await ok(server, 'GET', session)).session.ttl_seconds).toBe(3600);
  });

  test('one after the other gives up its turn, and the last is served', async () => {
    const { server, session, gate, holder } = await held();
    const late = many(20, () =>
      server.send({
        verb: 'POST',
        path: `${session}/variables/n/assign_add`,
        body: { value: 1 },
        headers: { 'x-timeout-ms': '5', 'idempotency-key': `k${Math.random()}` },
      }),
    );
    for (const { status } of await late) expect(status).toBe(504);
    const last = ok(server, 'POST', `${session}/variables/n/assign_add`, { value: 1 });
    gate.open();
    await Promise.all([holder, last]);
    expect(await numberIn(server, session, 'n')).toBe(1);
  });
});

describe('a session that is on its way into memory', () => {
  test('does not come back when it is deleted meanwhile', async () => {
    const store = memoryStore();
    const session = await newSession(serve(store), { variables: ONE });
    const { store: slow, gate } = gated(store, 'variables');
    const server = serve(slow);
    const reading = server.send({ verb: 'GET', path: session });
    await gate.reached;
    const deleting = server.send({ verb: 'DELETE', path: session });
    await sleep(5);
    gate.open();
    expect((await deleting).status).toBe(200);
    await reading;
    expect((await server.send({ verb: 'GET', path: session })).status).toBe(404);
  });

  test('is not taken for an old one when it is changed meanwhile', async () => {
    const store = memoryStore();
    const session = await newSession(serve(store), { variables: ONE });
    const { store: slow, gate } = gated(store, 'logs');
    const server = serve(slow, { environment: { ADJOINT_RESIDENT_SESSIONS: '1' } });
    const reading = server.send({ verb: 'GET', path: `${session}/variables/n` });
    await gate.reached;
    const writing = server.send({ verb: 'POST', path: `${session}/variables/n/assign_add`, body: { value: 1 } });
    await sleep(5);
    // Another session pushes it out, should it be there already.
    await newSession(server);
    gate.open();
    expect((await writing).status).toBe(200);
    await reading;
    expect(await numberIn(server, session, 'n')).toBe(1);
    await ok(server, 'POST', `${session}/variables/n/assign_add`, { value: 1 });
    expect(await numberIn(server, session, 'n')).toBe(2);
  });
});

describe('what is not committed yet', () => {
  test('of a tape is seen by nobody, and by nobody ever when the disk fails', async () => {
    const store = memoryStore();
    const gate = new Gate();
    let isArmed = false;
    const server = serve(
      interposed(store, async (call, run) => {
        if (call === 'commit' && isArmed) {
          await gate.pass();
          throw new Error('the disk failed');
        }
        return run();
      }),
    );
    const session = await newSession(server, { variables: ONE });
    await ok(server, 'POST', `${session}/tapes`, { tape: 't', persistent: true, values: { x: 3 } });
    const before = [await ok(server, 'GET', `${session}/tapes/t`), await ok(server, 'GET', `${session}/tapes`)];
    isArmed = true;
    const recording = server.send({ verb: 'POST', path: `${session}/tapes/t/record`, body: { graph: 'y = x * n' } });
    await gate.reached;
    const looking = [ok(server, 'GET', `${session}/tapes/t`), ok(server, 'GET', `${session}/tapes`)];
    const variables = ok(server, 'GET', `${session}/variables/n`);
    await sleep(5);
    gate.open();
    expect((await recording).status).toBe(500);
    const seen = await Promise.all(looking);
    for (const [i, { tape, tapes }] of seen.entries())
      expect((tape ?? tapes[0]).tensors).toEqual((before[i].tape ?? before[i].tapes[0]).tensors);
    await variables;
  });
});

test('a store in a folder is closed with nothing under way lost', async () => {
  const folder = temporaryFolder();
  const store = sqliteStore(folder);
  const server = serve(store);
  const session = await newSession(server, { variables: ONE });
  const adding = many(10, () =>
    server.send({ verb: 'POST', path: `${session}/variables/n/assign_add`, body: { value: 1 } }),
  );
  const acknowledged = (await adding).filter(({ status }) => status === 200).length;
  await store.close();
  expect(await numberIn(serve(sqliteStore(folder)), session, 'n')).toBe(acknowledged);
});
