/** @file Requests that their client named are done once, whatever happens on the way. */
import { setTimeout as sleep } from 'node:timers/promises';
// biome-ignore lint/style/noRestrictedImports: the service wants a logger, and this one is silent.
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import type { Tensor } from '../../engine/types.ts';
import { createService, stream } from '../../services/api/call.ts';
import { openDeadline } from '../../services/api/deadline.ts';
import { isStream, type Method, method, type StreamMethod, streamMethod } from '../../services/api/method.ts';
import { readConfig } from '../../services/config.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Store } from '../../services/sessions/store.ts';
import { type TestApp, testApp } from './rest-harness.ts';

const TENANTS = { ADJOINT_API_KEYS: 'ann:aaaaaaaaaaaaaaaaaaaa,bob:bbbbbbbbbbbbbbbbbbbb' };

/** Methods that count how often they were done. */
function counting() {
  const done: number[] = [];
  const count = method({
    name: 'Count',
    summary: 'Counts.',
    verb: 'POST',
    path: '/v1/count',
    changes: true,
    created: ({ place }) => `/v1/counts/${place}`,
    request: z.strictObject({ add: z.number(), ms: z.number().default(0), fail: z.boolean().default(false) }),
    response: z.object({ place: z.number(), sum: z.unknown() }),
    examples: [],
    handle: async ({ add, ms, fail }) => {
      await sleep(ms);
      if (fail && done.length === 0) {
        done.push(0);
        throw new EngineError('version_mismatch', 'not now');
      }
      done.push(add);
      const sum: Tensor = { type: { dtype: 'float64', shape: [2] }, data: new Float64Array([add, -0]) };
      return { place: done.length, sum };
    },
  });
  const look = method({
    ...count,
    name: 'Look',
    path: '/v1/look',
    changes: false,
  });
  const steps = streamMethod({
    name: 'Steps',
    summary: 'Counts step by step.',
    verb: 'POST',
    path: '/v1/steps',
    changes: true,
    request: z.strictObject({ to: z.number() }),
    response: z.object({ step: z.number() }),
    examples: [],
    async *stream({ to }) {
      done.push(to);
      for (let step = 1; step <= to; step++) yield { step };
    },
  });
  /** Does as `Sessions` does: its commit has the reply in it. */
  const commit = method({
    ...count,
    name: 'Commit',
    path: '/v1/commit',
    handle: async ({ add }, { complete }) => {
      done.push(add);
      const response = { place: done.length, sum: add };
      committed.push(complete?.(response));
      return response;
    },
  });
  const committed: unknown[] = [];
  return { done, committed, methods: [count, look, steps, commit] as readonly Method[] };
}

function post(app: TestApp, path: string, payload: object, headers: Record<string, string>) {
  return app.inject({ method: 'POST', url: path, payload, headers });
}

test('a request that is sent again is replayed, in the encoding it asked for', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods });
  const first = await post(app, '/v1/count', { add: 3 }, { 'idempotency-key': 'k' });
  const again = await post(app, '/v1/count', { ms: 0, add: 3 }, { 'idempotency-key': 'k' });
  expect(done).toEqual([3]);
  expect(first.body).toBe('{"place":1,"sum":[3,-0]}');
  for (const reply of [first, again]) expect([reply.statusCode, reply.headers.location]).toEqual([201, '/v1/counts/1']);
  expect(again.body).toBe(first.body);
  await post(app, '/v1/count', { add: 3 }, {});
  await post(app, '/v1/count', { add: 3 }, { 'idempotency-key': 'other' });
  expect(done).toEqual([3, 3, 3]);
});

test('T37: fifty at once are done once', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const send = () =>
    fetch(`${origin}/v1/count`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'race' },
      body: JSON.stringify({ add: 7, ms: 100 }),
    });
  const replies = await Promise.all(Array.from({ length: 50 }, send));
  expect(done).toEqual([7]);
  const codes = await Promise.all(
    replies.map(async (reply) => [reply.status, ((await reply.json()) as { code?: string }).code]),
  );
  expect(codes.filter(([status]) => status === 201).length).toBeGreaterThan(0);
  for (const code of codes)
    expect([
      [201, undefined],
      [409, 'request_in_progress'],
    ]).toContainEqual(code);
  expect((await send()).status).toBe(201);
  expect(done).toEqual([7]);
});

test('a key of another request is refused, while that is served and afterwards', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods });
  const key = { 'idempotency-key': 'k' };
  const serving = post(app, '/v1/count', { add: 1, ms: 50 }, key).then((reply) => reply.statusCode);
  const during = await post(app, '/v1/count', { add: 2 }, key);
  expect(await serving).toBe(201);
  const after = await post(app, '/v1/count', { add: 2 }, key);
  const otherMethod = await post(app, '/v1/commit', { add: 1, ms: 50 }, key);
  for (const reply of [during, after, otherMethod])
    expect(reply.json()).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
  expect(done).toEqual([1]);
});

test('a failure may be tried again under the same key', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods });
  const send = () => post(app, '/v1/count', { add: 1, fail: true }, { 'idempotency-key': 'k' });
  expect((await send()).statusCode).toBe(412);
  expect((await send()).statusCode).toBe(201);
  expect((await send()).statusCode).toBe(201);
  expect(done).toEqual([0, 1]);
});

test('a client that went away finds the reply under its key', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const send = (signal?: AbortSignal) =>
    fetch(`${origin}/v1/count`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: JSON.stringify({ add: 1, ms: 150 }),
      ...(signal && { signal }),
    });
  await expect(send(AbortSignal.timeout(50))).rejects.toThrow();
  expect((await send()).status).toBe(409);
  while (done.length === 0) await sleep(5);
  await sleep(20);
  expect(await (await send()).json()).toMatchObject({ place: 1 });
  expect(done).toEqual([1]);
});

test('a key is its tenant’s own', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods, environment: TENANTS });
  const send = (add: number, token: string) =>
    post(app, '/v1/count', { add, ms: add * 20 }, { 'idempotency-key': 'k', authorization: `Bearer ${token}` });
  const replies = await Promise.all([send(1, 'aaaaaaaaaaaaaaaaaaaa'), send(2, 'bbbbbbbbbbbbbbbbbbbb')]);
  expect(replies.map(({ statusCode }) => statusCode)).toEqual([201, 201]);
  expect(done).toEqual([1, 2]);
});

test('a reply is forgotten in time', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods, environment: { ADJOINT_IDEMPOTENCY_TTL_MS: '30' } });
  for (const add of [1, 2]) {
    expect((await post(app, '/v1/count', { add }, { 'idempotency-key': 'k' })).statusCode).toBe(201);
    await sleep(50);
  }
  expect(done).toEqual([1, 2]);
});

test('what changes nothing ignores the key', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods });
  for (const add of [1, 2])
    expect((await post(app, '/v1/look', { add }, { 'idempotency-key': ' ' })).statusCode).toBe(201);
  expect(done).toEqual([1, 2]);
});

test('a method whose commit has the reply in it is not written for', async () => {
  const { committed, methods } = counting();
  const store = memoryStore();
  const app = testApp({ methods, store });
  await post(app, '/v1/commit', { add: 5 }, { 'idempotency-key': 'k' });
  expect(committed).toMatchObject([{ reply: { tenant: 'local', key: 'k', response: { bytes: expect.any(Number) } } }]);
  expect(await store.reply('local', 'k')).toBeUndefined();
  await post(app, '/v1/commit', { add: 5 }, {});
  expect(committed[1]).toBeUndefined();
});

test('a stream that is sent again has its last message', async () => {
  const { done, methods } = counting();
  const app = testApp({ methods });
  const send = () => post(app, '/v1/steps', { to: 3 }, { 'idempotency-key': 'k' });
  const message = (step: number) => `event: progress\ndata: {"step":${step}}\n\n`;
  expect((await send()).body).toBe(`${message(1)}${message(2)}${message(3)}event: done\ndata: {}\n\n`);
  expect((await send()).body).toBe(`${message(3)}event: done\ndata: {}\n\n`);
  expect(done).toEqual([3]);
});

test('between the messages of a stream that never pauses, timers get a turn', async () => {
  const { methods } = counting();
  const service = createService({
    engine: createEngine({ backend: portable }),
    config: readConfig({}),
    methods,
    log: pino({ level: 'silent' }),
    store: memoryStore(),
  });
  const deadline = openDeadline(60_000);
  onTestFinished(() => deadline.close());
  const steps = methods.find((row) => isStream(row)) as StreamMethod;
  let steppedTo = 0;
  setTimeout(() => deadline.end(new EngineError('cancelled', 'enough')), 20);
  const drain = async () => {
    const caller = { tenant: 'local', log: service.log, deadline };
    for await (const message of stream(service, steps, { to: 1e12 }, caller))
      steppedTo = (message as { step: number }).step;
  };
  await expect(drain()).rejects.toMatchObject({ code: 'cancelled' });
  expect(steppedTo).toBeGreaterThan(1);
});

test.each([
  ['1 character', 'k', 201],
  ['255 characters', 'k'.repeat(255), 201],
  ['256 characters', 'k'.repeat(256), 400],
  ['nothing', '', 400],
  ['a space', 'a b', 400],
  ['a byte that is not ASCII', 'ä', 400],
  ['every visible character', Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join(''), 201],
  ['a name that reaches for prototypes', '__proto__', 201],
])('a key of %s', async (_, key, status) => {
  const { methods } = counting();
  const app = testApp({ methods });
  const reply = await post(app, '/v1/count', { add: 1 }, { 'idempotency-key': key });
  expect(reply.statusCode).toBe(status);
});

test('a store that fails to keep a reply fails the request, and the key is free again', async () => {
  const { methods } = counting();
  const working = memoryStore();
  let isBroken = true;
  const store: Store = {
    ...working,
    putReply: async (...reply) => {
      if (isBroken) throw new Error('disk full');
      await working.putReply(...reply);
    },
  };
  const app = testApp({ methods, store });
  const send = () => post(app, '/v1/count', { add: 1 }, { 'idempotency-key': 'k' });
  expect((await send()).statusCode).toBe(500);
  isBroken = false;
  expect((await send()).statusCode).toBe(201);
});

test('a tenant whose replies take what they may has none kept until they expire; others are served', async () => {
  const { done, methods } = counting();
  const environment = { ...TENANTS, ADJOINT_KEPT_BYTES: '1500', ADJOINT_IDEMPOTENCY_TTL_MS: '300' };
  const store = memoryStore();
  const app = testApp({ methods, environment, store });
  const send = (who: 'a' | 'b', key: string) =>
    post(app, '/v1/count', { add: 1 }, { authorization: `Bearer ${who.repeat(20)}`, 'idempotency-key': key });
  let kept = 0;
  for (; (await send('a', `k${kept}`)).statusCode === 201; kept++) expect(kept).toBeLessThan(4);
  const reply = await send('a', 'more');
  expect(reply.statusCode).toBe(429);
  expect(reply.json()).toMatchObject({ code: 'quota_exceeded' });
  expect(reply.json().detail).toContain('may take 1500');
  // What is kept is answered, other tenants are, and what is refused was not done.
  expect((await send('a', 'k0')).statusCode).toBe(201);
  expect((await send('b', 'k0')).statusCode).toBe(201);
  expect(done).toHaveLength(kept + 1);
  await sleep(350);
  await store.sweep(Date.now());
  expect((await send('a', 'more')).statusCode).toBe(201);
});
