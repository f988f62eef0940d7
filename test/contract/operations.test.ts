/** @file Operations: work without a connection, its quotas, its end, and what a restart makes of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toSnapshot } from '../../services/api/snapshot.ts';
import { createApp } from '../../services/rest/app.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Store } from '../../services/sessions/store.ts';
import { STORES, sqliteStore, temporaryFolder } from '../store/stores.ts';
import { type Work, workService } from './operations-harness.ts';
import type { TestApp } from './rest-harness.ts';

interface Info {
  readonly operation: string;
  readonly state: string;
  readonly progress: unknown;
  readonly response?: unknown;
  readonly error: { readonly code: string } | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly attempts: number;
}

/** A service over HTTP as a client uses it. */
class Client {
  readonly app: TestApp;
  readonly work: Work;
  readonly headers: Record<string, string>;
  readonly service: ReturnType<typeof workService>['service'];

  constructor(parts: ReturnType<typeof workService>, headers: Record<string, string> = {}) {
    this.service = parts.service;
    this.work = parts.work;
    this.app = createApp({ service: parts.service });
    this.headers = headers;
    onTestFinished(async () => {
      await Promise.all([parts.service.operations.close(), this.app.close()]);
    });
  }

  send(method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, headers: Record<string, string> = {}) {
    const all = { ...this.headers, ...headers };
    return this.app.inject({ method, url, headers: all, ...(payload && { payload }) });
  }

  async start(method: string, request: unknown, headers: Record<string, string> = {}): Promise<Info> {
    const reply = await this.send('POST', '/v1/operations', { method, request }, headers);
    expect(reply.statusCode, reply.body).toBe(202);
    expect(reply.headers.location).toBe(`/v1/operations/${reply.json().operation.operation}`);
    return reply.json().operation;
  }

  async get(id: string, query = ''): Promise<Info> {
    const reply = await this.send('GET', `/v1/operations/${id}${query}`);
    expect(reply.statusCode, reply.body).toBe(200);
    return reply.json().operation;
  }

  async ended(id: string): Promise<Info> {
    for (;;) {
      const info = await this.get(id);
      if (info.state !== 'running' && info.state !== 'queued') return info;
      await sleep(5);
    }
  }
}

function client(environment: Record<string, string> = {}, store: Store = memoryStore()): Client {
  return new Client(workService(store, environment));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

describe('an operation', () => {
  test('waits, runs and succeeds, and its response is as the method’s own', async () => {
    const service = client({ ADJOINT_OPERATION_TTL_MS: '60000' });
    const request = {
      values: {
        x: [
          [1, 0],
          ['NaN', 2],
        ],
      },
      options: { encoding: 'nested' },
    };
    const started = await service.start('Echo', request);
    expect(started).toMatchObject({ method: 'Echo', progress: null, error: null, expires_at: null });
    expect(started.operation).toMatch(/^op_[0-9a-z]{9}[0-9a-f]{32}$/);
    expect(Math.abs(Date.parse(started.created_at) - Date.now())).toBeLessThan(5000);
    const ended = await service.ended(started.operation);
    expect(ended).toMatchObject({ state: 'succeeded', error: null, attempts: 1 });
    const left = Date.parse(ended.expires_at ?? '') - Date.now();
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
    const direct = (await service.send('POST', '/v1/echo', request)).json();
    expect(ended.response).toEqual(direct);
    const raw = await service.send('GET', `/v1/operations/${started.operation}?encoding=binary`);
    expect(raw.rawPayload.subarray(-32)).toEqual(Buffer.from(new Float64Array([1, 0, Number.NaN, 2]).buffer));
  });

  test('takes raw tensors', async () => {
    const service = client();
    const json = '{"method":"Echo","request":{"values":{"x":{"dtype":"float32","shape":[2],"binary_data_size":8}}}}';
    const reply = await service.app.inject({
      method: 'POST',
      url: '/v1/operations',
      headers: {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(json.length),
      },
      payload: Buffer.concat([Buffer.from(json), Buffer.from(new Float32Array([1.5, -2]).buffer)]),
    });
    const { response } = await service.ended(reply.json().operation.operation);
    expect(response).toEqual({ values: { x: [1.5, -2] } });
  });

  test('of a stream has its last message as progress and as response', async () => {
    const service = client();
    const { operation } = await service.start('Steps', { count: 1e9, ms: 1 });
    await until(() => service.work.begun.length === 1);
    await sleep(30);
    const during = await service.get(operation);
    expect(during).toMatchObject({ state: 'running', progress: { step: expect.any(Number) } });
    expect(during).not.toHaveProperty('response');
    const short = await service.start('Steps', { count: 3 });
    expect(await service.ended(short.operation)).toMatchObject({
      state: 'succeeded',
      progress: { step: 3 },
      response: { step: 3 },
    });
  });

  test('fails with what the method fails with, and tells no more than a reply would', async () => {
    const service = client();
    const ours = await service.start('Fail', { how: 'ours' });
    expect(await service.ended(ours.operation)).toMatchObject({
      state: 'failed',
      error: {
        code: 'cost_exceeded',
        title: 'The computation would cost more than the limits allow.',
        detail: `'y' needs 3 GB`,
        node: 'y',
        pointer: '/graph',
      },
    });
    const stranger = await service.start('Fail', { how: 'stranger' });
    const { error } = await service.ended(stranger.operation);
    expect(error?.code).toBe('internal');
    expect(JSON.stringify(error)).not.toContain(import.meta.dirname);
  });

  test.each<[string, object, object]>([
    [
      'a method that there is not',
      { method: 'Ecko', request: {} },
      { pointer: '/method', detail: expect.stringContaining(`Did you mean 'Echo'?`) },
    ],
    ['a method that does not compute', { method: 'GetLimits', request: {} }, { pointer: '/method' }],
    ['itself', { method: 'StartOperation', request: {} }, { pointer: '/method' }],
    ['a request that its method refuses', { method: 'Hold', request: { name: 5 } }, { pointer: '/request/name' }],
    ['an unknown field', { method: 'Hold', request: { name: 'a', colour: 1 } }, { pointer: '/request/colour' }],
    ['no request', { method: 'Hold' }, { code: 'invalid_request' }],
    ['a name that reaches for prototypes', { method: 'constructor', request: {} }, { pointer: '/method' }],
  ])('of %s is refused', async (_, payload, problem) => {
    const service = client();
    const reply = await service.send('POST', '/v1/operations', payload);
    expect(reply.json()).toMatchObject({ status: 400, code: 'invalid_request', ...problem });
    expect((await service.send('GET', '/v1/operations')).json().operations).toEqual([]);
  });

  test('has a deadline of its own', async () => {
    const service = client({ ADJOINT_OPERATION_TIMEOUT_MS: '300', ADJOINT_TIMEOUT_MS: '20' });
    const asked = await service.start('Hold', { name: 'a', options: { timeout_ms: 40 } });
    const most = await service.start('Hold', { name: 'b' });
    expect((await service.ended(asked.operation)).error).toMatchObject({
      code: 'deadline_exceeded',
      detail: 'the computation took longer than 40 ms',
    });
    expect((await service.ended(most.operation)).error).toMatchObject({
      detail: 'the computation took longer than 300 ms',
    });
  });

  test('is forgotten in time', async () => {
    const service = client({ ADJOINT_OPERATION_TTL_MS: '50' });
    const { operation } = await service.start('Echo', { values: {} });
    await service.ended(operation).catch(() => {});
    await sleep(80);
    expect((await service.send('GET', `/v1/operations/${operation}`)).statusCode).toBe(404);
    expect((await service.send('GET', '/v1/operations')).json().operations).toEqual([]);
  });

  test('started again under the same key is the same operation', async () => {
    const service = client();
    const key = { 'idempotency-key': 'k' };
    const first = await service.start('Hold', { name: 'a' }, key);
    service.work.open('a');
    await service.ended(first.operation);
    const again = await service.start('Hold', { name: 'a' }, key);
    expect(again.operation).toBe(first.operation);
    expect(service.work.begun).toEqual(['a']);
    const other = await service.send('POST', '/v1/operations', { method: 'Hold', request: { name: 'b' } }, key);
    expect(other.statusCode).toBe(422);
  });
});

describe('Prefer', () => {
  test.each(['respond-async', 'wait=10, respond-async', 'Respond-Async; foo="bar"', 'handling=lenient,respond-async'])(
    '%s',
    async (prefer) => {
      const service = client();
      const reply = await service.send('POST', '/v1/hold', { name: 'a' }, { prefer });
      expect(reply.statusCode).toBe(202);
      expect(reply.headers['preference-applied']).toBe('respond-async');
      const { operation } = reply.json().operation as Info;
      expect(reply.headers.location).toBe(`/v1/operations/${operation}`);
      service.work.open('a');
      expect(await service.ended(operation)).toMatchObject({ method: 'Hold', response: { name: 'a' } });
    },
  );

  test.each(['respond-sync', 'xrespond-async', 'respond-asynchronously', '"respond-async"', ''])(
    '%s is something else',
    async (prefer) => {
      const service = client();
      service.work.open('a');
      const reply = await service.send('POST', '/v1/hold', { name: 'a' }, { prefer });
      expect([reply.statusCode, reply.headers['preference-applied']]).toEqual([200, undefined]);
    },
  );

  test('a request that its method refuses is refused as without it', async () => {
    const service = client();
    const reply = await service.send('POST', '/v1/hold', { name: 5 }, { prefer: 'respond-async' });
    expect(reply.json()).toMatchObject({ status: 400, pointer: '/name' });
    expect(reply.headers['preference-applied']).toBeUndefined();
  });

  test('a stream becomes an operation, a method that does not compute does not', async () => {
    const service = client();
    const prefer = { prefer: 'respond-async' };
    const reply = await service.send('POST', '/v1/steps', { count: 2 }, prefer);
    expect((await service.ended(reply.json().operation.operation)).response).toEqual({ step: 2 });
    expect((await service.send('GET', '/v1/operations', undefined, prefer)).statusCode).toBe(200);
  });
});

describe('cancelling', () => {
  test('what runs, what waits and what has ended', async () => {
    const service = client({ ADJOINT_OPERATIONS_AT_ONCE: '1' });
    const running = await service.start('Hold', { name: 'a' });
    const waiting = await service.start('Hold', { name: 'b' });
    await until(() => service.work.begun.length === 1);
    expect((await service.get(waiting.operation)).state).toBe('queued');
    for (const { operation } of [waiting, running, running]) {
      const reply = await service.send('POST', `/v1/operations/${operation}/cancel`);
      expect([reply.statusCode, reply.json().operation]).toMatchObject([200, { state: 'cancelled', error: null }]);
    }
    expect(service.work.begun).toEqual(['a']);
    const next = await service.start('Echo', { values: {} });
    expect((await service.ended(next.operation)).state).toBe('succeeded');
    const late = await service.send('POST', `/v1/operations/${next.operation}/cancel`);
    expect(late.json().operation.state).toBe('succeeded');
  });

  test('a stream that never pauses', async () => {
    const service = client();
    const { operation } = await service.start('Steps', { count: 1e9 });
    await until(() => service.work.begun.length === 1);
    const reply = await service.send('POST', `/v1/operations/${operation}/cancel`);
    expect(reply.json().operation.state).toBe('cancelled');
  });

  test.each(STORES)('by deleting, in the store $name', async ({ open }) => {
    const service = client({}, open());
    const running = await service.start('Hold', { name: 'a' });
    const ended = await service.start('Echo', { values: {} });
    await service.ended(ended.operation);
    for (const { operation } of [running, ended]) {
      expect((await service.send('DELETE', `/v1/operations/${operation}`)).json()).toEqual({});
      for (const [verb, path] of [
        ['GET', ''],
        ['DELETE', ''],
        ['POST', '/cancel'],
        ['GET', '/events'],
      ] as const)
        expect((await service.send(verb, `/v1/operations/${operation}${path}`)).statusCode).toBe(404);
    }
    expect((await service.send('GET', '/v1/operations')).json()).toEqual({ operations: [], next_page_token: '' });
  });
});

describe('watching', () => {
  const events = (body: string) =>
    body
      .split('\n\n')
      .filter((event) => event.startsWith('event: progress'))
      .map((event) => JSON.parse(event.split('\ndata: ')[1] ?? '').operation as Info);

  test('shows every state to the end', async () => {
    const service = client({ ADJOINT_OPERATIONS_AT_ONCE: '1' });
    await service.start('Hold', { name: 'first' });
    const { operation } = await service.start('Steps', { count: 3, ms: 20 });
    const watching = service.send('GET', `/v1/operations/${operation}/events`).then(({ body }) => body);
    await sleep(20);
    service.work.open('first');
    const body = await watching;
    expect(body.endsWith('event: done\ndata: {}\n\n')).toBe(true);
    const seen = events(body);
    expect(seen.map(({ state }) => state)).toEqual(['queued', ...Array(4).fill('running'), 'succeeded']);
    expect(seen.map(({ progress }) => progress)).toEqual([
      null,
      null,
      { step: 1 },
      { step: 2 },
      { step: 3 },
      { step: 3 },
    ]);
    expect(seen.at(-1)?.response).toEqual({ step: 3 });
  });

  test('what has ended is one message', async () => {
    const service = client();
    const { operation } = await service.start('Fail', { how: 'ours' });
    await service.ended(operation);
    const { body } = await service.send('GET', `/v1/operations/${operation}/events`);
    expect(events(body)).toMatchObject([{ state: 'failed', error: { code: 'cost_exceeded' } }]);
  });

  test('a client that reads slowly is told of fewer changes', async () => {
    const service = client();
    const { operation } = await service.start('Steps', { count: 1e9 });
    const { service: parts } = service;
    const watch = parts.operations.watch('local', operation, new AbortController().signal);
    await watch.next();
    await sleep(50);
    const [first, second] = [await watch.next(), await watch.next()].map(
      ({ value }) => JSON.parse((value as { progress: string }).progress).step as number,
    );
    expect(first).toBeGreaterThan(10);
    expect(second).toBeGreaterThan(first as number);
    await watch.return(undefined);
  });

  test('a stop of the service lets watchers go, and what waits can be cancelled still', async () => {
    const service = client({ ADJOINT_OPERATIONS_AT_ONCE: '1' });
    const { operation } = await service.start('Hold', { name: 'a' });
    const waiting = await service.start('Hold', { name: 'b' });
    const watching = service.send('GET', `/v1/operations/${operation}/events`).then(({ body }) => body);
    await sleep(30);
    await service.service.operations.close();
    const cancelled = await service.send('POST', `/v1/operations/${waiting.operation}/cancel`);
    expect(cancelled.json().operation.state).toBe('cancelled');
    expect(await watching).toContain('event: error\ndata: {"type":"/errors/overloaded"');
    const late = await service.send('POST', '/v1/operations', { method: 'Hold', request: { name: 'b' } });
    expect([late.statusCode, late.headers['retry-after']]).toEqual([503, '1']);
  });
});

describe('quotas', () => {
  const KEYS = { ADJOINT_API_KEYS: 'ann:aaaaaaaaaaaaaaaaaaaa,bob:bbbbbbbbbbbbbbbbbbbb' };
  const ann = { authorization: 'Bearer aaaaaaaaaaaaaaaaaaaa' };
  const bob = { authorization: 'Bearer bbbbbbbbbbbbbbbbbbbb' };
  const hold = (name: string) => ({ method: 'Hold', request: { name } });

  test('as many run at once as may, and the others wait', async () => {
    const service = client({ ADJOINT_OPERATIONS_AT_ONCE: '3' });
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) ids.push((await service.start('Hold', { name })).operation);
    await until(() => service.work.begun.length === 3);
    await sleep(20);
    expect(service.work.begun).toEqual(['a', 'b', 'c']);
    service.work.open('b');
    await until(() => service.work.begun.length === 4);
    expect(service.work.begun.at(-1)).toBe('d');
  });

  test('unfinished ones of a tenant, at the limit and over it', async () => {
    const quick = memoryStore();
    const store: Store = {
      ...quick,
      putOperation: (...row) => sleep(10).then(() => quick.putOperation(...row)),
    };
    const service = client({ ...KEYS, ADJOINT_OPERATIONS_UNFINISHED: '3' }, store);
    // At once: the count has to hold for those that are just being started.
    const replies = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => service.send('POST', '/v1/operations', hold(name), ann)),
    );
    expect(replies.map(({ statusCode }) => statusCode).sort()).toEqual([202, 202, 202, 429]);
    expect((await service.send('POST', '/v1/operations', hold('x'), bob)).statusCode).toBe(202);
    service.work.open('a');
    await until(() => service.work.begun.includes('x'));
    expect((await service.send('POST', '/v1/operations', hold('d'), ann)).statusCode).toBe(202);
  });

  test('kept ones of a tenant, at the limit and over it', async () => {
    const service = client({ ADJOINT_OPERATIONS_KEPT: '2' });
    const first = await service.start('Echo', { values: {} });
    await service.start('Echo', { values: {} });
    await service.ended(first.operation);
    const over = await service.send('POST', '/v1/operations', hold('a'));
    expect(over.json()).toMatchObject({ status: 429, code: 'quota_exceeded', detail: expect.stringContaining('2') });
    await service.send('DELETE', `/v1/operations/${first.operation}`);
    await service.start('Hold', { name: 'a' });
  });

  test('bytes of a tenant, at the limit and over it', async () => {
    const one = toSnapshot({ name: 'a' }).length;
    const service = client({ ADJOINT_OPERATIONS_BYTES: String(2 * one) });
    const first = await service.start('Hold', { name: 'a' });
    const { operation } = await service.start('Hold', { name: 'b' });
    const over = await service.send('POST', '/v1/operations', hold('c'));
    expect(over.json()).toMatchObject({
      status: 429,
      code: 'quota_exceeded',
      detail: `operations would keep ${3 * one} bytes of requests and responses, and may keep ${2 * one}; delete some`,
    });
    await service.send('DELETE', `/v1/operations/${operation}`);
    const next = await service.start('Hold', { name: 'c' });
    service.work.open('c');
    await service.ended(next.operation);
    await service.send('DELETE', `/v1/operations/${first.operation}`);
    // What is left is one request and its response, which is as long.
    expect((await service.send('POST', '/v1/operations', hold('d'))).statusCode).toBe(429);
  });

  test('the queue, at the limit and over it', async () => {
    const service = client({ ...KEYS, ADJOINT_OPERATIONS_AT_ONCE: '1', ADJOINT_OPERATIONS_QUEUE: '2' });
    for (const [name, who] of [
      ['a', ann],
      ['b', ann],
      ['c', bob],
    ] as const)
      expect((await service.send('POST', '/v1/operations', hold(name), who)).statusCode).toBe(202);
    const over = await service.send('POST', '/v1/operations', hold('d'), bob);
    expect(over.json()).toMatchObject({ status: 503, code: 'overloaded' });
  });

  test('a tenant with much to do does not keep another one waiting', async () => {
    const service = client({ ...KEYS, ADJOINT_OPERATIONS_AT_ONCE: '2' });
    for (const name of ['a1', 'a2', 'a3', 'a4']) await service.send('POST', '/v1/operations', hold(name), ann);
    await service.send('POST', '/v1/operations', hold('b1'), bob);
    await until(() => service.work.begun.length === 2);
    service.work.open('a1');
    await until(() => service.work.begun.length === 3);
    expect(service.work.begun).toEqual(['a1', 'a2', 'b1']);
  });

  test('are in GET /v1/limits', async () => {
    const service = client({
      ADJOINT_OPERATIONS_AT_ONCE: '1',
      ADJOINT_OPERATIONS_QUEUE: '2',
      ADJOINT_OPERATIONS_UNFINISHED: '3',
      ADJOINT_OPERATIONS_KEPT: '4',
      ADJOINT_OPERATIONS_BYTES: '8',
      ADJOINT_OPERATION_TIMEOUT_MS: '5',
      ADJOINT_OPERATION_TTL_MS: '6',
      ADJOINT_IDEMPOTENCY_TTL_MS: '7',
    });
    expect((await service.send('GET', '/v1/limits')).json().limits).toMatchObject({
      operations_at_once: 1,
      operations_queue: 2,
      operations_unfinished: 3,
      operations_kept: 4,
      operations_bytes: 8,
      operation_timeout_ms: 5,
      operation_ttl_ms: 6,
      idempotency_ttl_ms: 7,
      idempotency_key_length: 255,
    });
  });

  test('T25: an operation of another tenant is an operation that there is not', async () => {
    const service = client(KEYS);
    const started = await service.send('POST', '/v1/operations', hold('a'), ann);
    const { operation } = started.json().operation as Info;
    const absent = operation.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    for (const [verb, path] of [
      ['GET', ''],
      ['GET', '/events'],
      ['POST', '/cancel'],
      ['DELETE', ''],
    ] as const) {
      const [others, none] = await Promise.all(
        [operation, absent].map((id) => service.send(verb, `/v1/operations/${id}${path}`, undefined, bob)),
      );
      expect(others?.statusCode).toBe(404);
      const { instance: _, ...problem } = JSON.parse(others?.body ?? '');
      const { instance: __, ...expected } = JSON.parse(none?.body.replaceAll(absent, operation) ?? '');
      expect(problem).toEqual(expected);
    }
    expect((await service.send('GET', '/v1/operations', undefined, bob)).json().operations).toEqual([]);
    const own = await service.send('GET', `/v1/operations/${operation}`, undefined, ann);
    expect(own.json().operation.state).toBe('running');
  });

  test.each(['..%2f..%2fetc', '%00', 'a'.repeat(65), '__proto__', 'op_', '%F0%9F%98%80'])(
    'T36: the id %s names nothing',
    async (id) => {
      const reply = await client().send('GET', `/v1/operations/${id}`);
      expect([400, 404]).toContain(reply.statusCode);
    },
  );
});

describe('lists', () => {
  test.each(STORES)('are pages of the store $name, oldest first', async ({ open }) => {
    const service = client({}, open());
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push((await service.start('Echo', { values: { x: i } })).operation);
      await sleep(2);
    }
    for (const id of ids) await service.ended(id);
    const seen: Info[] = [];
    let token = '';
    do {
      const page = (await service.send('GET', `/v1/operations?page_size=2&page_token=${token}`)).json();
      expect(page.operations.length).toBeLessThanOrEqual(2);
      seen.push(...page.operations);
      token = page.next_page_token;
    } while (token !== '');
    expect(seen.map(({ operation }) => operation)).toEqual(ids);
    for (const info of seen) expect(info).not.toHaveProperty('response');
  });

  test.each(['0', '1001', '-1', 'x', '1.5', ''])('a page_size of %s is refused', async (size) => {
    expect((await client().send('GET', `/v1/operations?page_size=${size}`)).statusCode).toBe(400);
  });
});

describe('a restart', () => {
  /** A service over a folder whose process has ended without notice. */
  async function abandon(store: Store): Promise<void> {
    await store.close();
  }

  test('begins again what was unfinished, from the request as it was', async () => {
    const folder = temporaryFolder();
    const before = sqliteStore(folder);
    const first = client({}, before);
    const { operation } = await first.start('Hold', { name: 'a' });
    const waiting = [await first.start('Hold', { name: 'b' }), await first.start('Hold', { name: 'c' })];
    await until(() => first.work.begun.length === 2);
    await abandon(before);
    const second = client({}, sqliteStore(folder));
    await second.service.operations.resume();
    await until(() => second.work.begun.length === 2);
    expect(second.work.begun).toEqual(['a', 'b']);
    expect(await second.get(operation)).toMatchObject({ state: 'running', attempts: 2 });
    for (const name of ['a', 'b', 'c']) second.work.open(name);
    expect(await second.ended(operation)).toMatchObject({ state: 'succeeded', response: { name: 'a' }, attempts: 2 });
    expect(await second.ended(waiting[1]?.operation ?? '')).toMatchObject({ state: 'succeeded', attempts: 1 });
  });

  test('takes up nothing twice that is started meanwhile', async () => {
    const store = memoryStore();
    const service = client({ ADJOINT_OPERATIONS_AT_ONCE: '9' }, store);
    const { operations, methods } = service.service;
    const hold = methods.find(({ name }) => name === 'Hold');
    if (hold === undefined) throw new Error('no Hold');
    await Promise.all([
      operations.start('local', hold, { name: 'a' }),
      operations.resume(),
      operations.start('local', hold, { name: 'b' }),
      operations.resume(),
    ]);
    await sleep(20);
    expect(service.work.begun).toEqual(['a', 'b']);
  });

  test('does not begin a third time what ran when the process ended twice', async () => {
    const folder = temporaryFolder();
    let store = sqliteStore(folder);
    const first = client({}, store);
    const { operation } = await first.start('Hold', { name: 'a' });
    for (let deaths = 0; deaths < 2; deaths++) {
      await abandon(store);
      store = sqliteStore(folder);
      const next = client({}, store);
      await next.service.operations.resume();
      if (deaths === 0) await until(() => next.work.begun.length === 1);
      else {
        expect(next.work.begun).toEqual([]);
        const { state, error } = await next.get(operation);
        expect([state, error?.code]).toEqual(['failed', 'quarantined']);
      }
    }
  });

  test('that was asked for does not count', async () => {
    const folder = temporaryFolder();
    let operation = '';
    for (let stops = 0; stops < 4; stops++) {
      const store = sqliteStore(folder);
      const service = client({}, store);
      await service.service.operations.resume();
      if (stops === 0) operation = (await service.start('Hold', { name: 'a' })).operation;
      await until(() => service.work.begun.length === 1);
      expect((await service.get(operation)).attempts).toBe(1);
      await service.service.operations.close();
      await store.close();
    }
  });

  test.each(STORES)('never does a change of a session twice, in the store $name', async ({ name, open }) => {
    const folder = temporaryFolder();
    const store = name === 'sqlite' ? sqliteStore(folder) : open();
    await store.createSession(
      { tenant: 'local', id: 's', createdAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, ttl: 1e9, revision: 0 },
      {
        revision: 0,
        expiresAt: Number.MAX_SAFE_INTEGER,
        blobs: new Map(),
        variables: new Map(),
        dropped: [],
        appended: [],
      },
      10,
    );
    const first = client({}, store);
    const { operation } = await first.start('Bump', { session: 's', name: 'a' });
    await until(() => first.work.commits === 1);
    // The commit is made, and the process ends before it knows.
    let reopened = store;
    if (name === 'sqlite') {
      await abandon(store);
      reopened = sqliteStore(folder);
    }
    const second = client({}, reopened);
    await second.service.operations.resume();
    expect(await second.get(operation)).toMatchObject({ state: 'succeeded', response: { revision: 2 } });
    await sleep(20);
    expect([second.work.commits, (await reopened.session('local', 's'))?.revision]).toEqual([0, 2]);
  });

  test.each<[string, (service: Client, id: string) => Promise<unknown>]>([
    ['a cancel', (service, id) => service.send('POST', `/v1/operations/${id}/cancel`)],
    ['a stop', (service) => service.service.operations.close()],
  ])('and %s after the commit finds the operation succeeded', async (_, end) => {
    const store = memoryStore();
    await store.createSession(
      { tenant: 'local', id: 's', createdAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, ttl: 1e9, revision: 0 },
      {
        revision: 0,
        expiresAt: Number.MAX_SAFE_INTEGER,
        blobs: new Map(),
        variables: new Map(),
        dropped: [],
        appended: [],
      },
      10,
    );
    const service = client({}, store);
    const { operation } = await service.start('Bump', { session: 's', name: 'a' });
    await until(() => service.work.commits === 1);
    await end(service, operation);
    expect(await service.get(operation)).toMatchObject({ state: 'succeeded', response: { revision: 2 } });
    expect((await store.operation('local', operation))?.state).toBe('succeeded');
  });

  test('after which a method is gone fails its operations', async () => {
    const store = memoryStore();
    const service = client({}, store);
    const { operation } = await service.start('Hold', { name: 'a' });
    const row = await store.operation('local', operation);
    if (row === undefined) throw new Error('not stored');
    await store.putOperation({ ...row, method: 'Gone', attempts: 1 }, new Map());
    const next = client({}, store);
    await next.service.operations.resume();
    expect(await next.get(operation)).toMatchObject({ state: 'failed', error: { code: 'unsupported' } });
  });

  test('by SIGKILL, twice, of a real process', async () => {
    const folder = temporaryFolder();
    const script = fileURLToPath(new URL('operations-run.ts', import.meta.url));
    const request = JSON.stringify({ count: 1e6, ms: 50 });
    let operation = '';
    for (const start of [['Steps', request], []]) {
      const child = spawn(process.execPath, [script, folder, ...start], { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      let heard = '';
      child.stdout.on('data', (chunk) => (heard += String(chunk)));
      await until(() => heard.includes('begun'));
      // Long enough for the progress to be written.
      await sleep(1500);
      operation ||= heard.split('\n')[0] ?? '';
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const store = sqliteStore(folder);
    expect(await store.operation('local', operation)).toMatchObject({
      state: 'running',
      attempts: 2,
      progress: expect.stringMatching(/^\{"step":\d+\}$/),
    });
    const service = client({}, store);
    await service.service.operations.resume();
    expect(await service.get(operation)).toMatchObject({ state: 'failed', error: { code: 'quarantined' } });
  });
});

test('a store that cannot be written fails the start, and an end that cannot be written is seen all the same', async () => {
  const working = memoryStore();
  let broken = (_: string): boolean => true;
  const store: Store = {
    ...working,
    putOperation: async (row, blobs) => {
      if (broken(row.state)) throw new Error('disk full');
      await working.putOperation(row, blobs);
    },
  };
  const service = client({}, store);
  const refused = await service.send('POST', '/v1/operations', { method: 'Hold', request: { name: 'a' } });
  expect(refused.statusCode).toBe(500);
  broken = (state) => state !== 'running';
  const { operation } = await service.start('Hold', { name: 'b' });
  service.work.open('b');
  expect(await service.ended(operation)).toMatchObject({ state: 'failed', error: { code: 'internal' } });
});
