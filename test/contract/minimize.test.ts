/** @file Minimize over HTTP: what is told, what is committed and when, and what it goes on from. */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
// biome-ignore lint/style/noRestrictedImports: the port wants a logger, and this one is silent.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../engine/engine.ts';
import { createService, type Service } from '../../services/api/call.ts';
import { METHODS } from '../../services/api/index.ts';
import { readConfig } from '../../services/config.ts';
import { createApp } from '../../services/rest/app.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import { expectClose, type Json } from '../tape/harness.ts';

let service: Service;
let url = '';
let close = async (): Promise<void> => {};

beforeAll(async () => {
  const [engine, config, log] = [createEngine(), readConfig({}), pino({ level: 'silent' })];
  service = createService({ engine, config, log, methods: METHODS, store: memoryStore() });
  const app = createApp({ service });
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  close = async () => {
    app.server.closeAllConnections();
    await app.close();
  };
});
afterAll(() => close());

async function send(verb: string, path: string, body?: unknown): Promise<Json> {
  const reply = await fetch(`${url}${path}`, {
    method: verb,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: reply.status, ...((await reply.json()) as object) };
}

/** Opens a session; resolves to its path. */
async function open(variables: object): Promise<string> {
  const { session } = await send('POST', '/v1/sessions', { variables });
  return `/v1/sessions/${session.session}`;
}

interface Streamed {
  readonly messages: Json[];
  readonly end: 'done' | 'error';
  readonly error: Json;
}

/** Sends a minimization and reads it to its end. */
async function minimize(session: string, request: object): Promise<Streamed> {
  const reply = await fetch(`${url}${session}/minimize`, {
    method: 'POST',
    body: JSON.stringify(request),
    headers: { 'content-type': 'application/json' },
  });
  const text = await reply.text();
  if (reply.status !== 200) return { messages: [], end: 'error', error: JSON.parse(text) };
  expect(reply.headers.get('content-type')).toContain('text/event-stream');
  const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => ({
    name,
    data: JSON.parse(data as string),
  }));
  const last = events.at(-1) as { name: 'done' | 'error'; data: Json };
  return { messages: events.slice(0, -1).map(({ data }) => data), end: last.name, error: last.data };
}

const elementsOf = async (session: string, name: string): Promise<Json> =>
  (await send('GET', `${session}/variables/${encodeURIComponent(name)}`)).value;

/** `n` steps of gradient descent on `sum((w - 1) ** 2)` at a rate of 0.1, by hand. */
const descended = (w: number, n: number): number => 1 + (w - 1) * 0.8 ** n;

const PARABOLA = { graph: 'loss = sum((w - 1) ** 2)', optimizer: { name: 'sgd', learning_rate: 0.1 } };
const EVERY_STEP = { progress_interval_ms: 0, commit_interval_ms: 0 };

describe('what is told', () => {
  test('every step, with what has been committed, when the request asks for it', async () => {
    const session = await open({ w: { value: [5, -3] } });
    const { messages, end } = await minimize(session, { ...PARABOLA, steps: 4, ...EVERY_STEP });
    expect(end).toBe('done');
    expect(messages.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    messages.forEach((message, i) => {
      const loss = (descended(5, i) - 1) ** 2 + (descended(-3, i) - 1) ** 2;
      expectClose(message.loss, loss);
      expectClose(message.gradient_norm, 2 * Math.sqrt(loss));
      expect(message.rate).toBe(0.1);
      expect(message.version).toBe(i + 2);
    });
    expect(messages.map(({ stopped }) => stopped?.reason)).toEqual([undefined, undefined, undefined, 'steps']);
    expect(messages.at(-1).eta_ms).toBe(0);
    expectClose(await elementsOf(session, 'w'), [descended(5, 4), descended(-3, 4)]);
  });

  test('at least the last one, however long the interval', async () => {
    const session = await open({ w: { value: 2 } });
    const request = { ...PARABOLA, steps: 500, progress_interval_ms: 3_600_000, commit_interval_ms: 3_600_000 };
    const { messages } = await minimize(session, request);
    expect(messages.map(({ step }) => step)).toEqual([1, 500]);
    expect(messages[0].version).toBeNull();
    expect(messages[0].eta_ms).toBeGreaterThan(0);
  });

  test('that the loss is small enough, and no step is taken after it', async () => {
    const session = await open({ w: { value: 2 } });
    const { messages } = await minimize(session, { ...PARABOLA, steps: 500, stop: { loss: 1e-3 } });
    // (0.8 ** n) ** 2 <= 1e-3 first at n = 16.
    expect(messages.at(-1)).toMatchObject({ step: 16, stopped: { reason: 'loss' } });
    expectClose(await elementsOf(session, 'w'), descended(2, 16));
  });

  test('numbers that JSON has no word for', async () => {
    const session = await open({ w: { value: 2 } });
    const request = { graph: 'loss = exp(exp(exp(w * 4)))', optimizer: { name: 'sgd' }, steps: 3 };
    const { messages } = await minimize(session, request);
    expect(messages.at(-1)).toMatchObject({ loss: 'Infinity', stopped: { reason: 'non_finite_loss' } });
    expect(await elementsOf(session, 'w')).toBe(2);
  });
});

describe('what it goes on from', () => {
  test('another request continues with the state of the optimizer, as one request would have', async () => {
    const request = { graph: 'loss = sum((w - 1) ** 4)', optimizer: { name: 'adam', learning_rate: 0.05 } };
    const [whole, parts] = [await open({ w: { value: [3, -2] } }), await open({ w: { value: [3, -2] } })];
    await minimize(whole, { ...request, steps: 30 });
    await minimize(parts, { ...request, steps: 10 });
    const { messages } = await minimize(parts, { ...request, steps: 20 });
    expect(messages[0].step).toBe(11);
    expect(await elementsOf(parts, 'w')).toEqual(await elementsOf(whole, 'w'));
    const { variables } = await send('GET', `${parts}/variables`);
    expect(variables.map(({ name, trainable }: Json) => [name, trainable])).toEqual([
      ['adam/m/w', false],
      ['adam/step', false],
      ['adam/v/w', false],
      ['w', true],
    ]);
    const again = await minimize(parts, { ...request, steps: 1, restart: true });
    expect(again.messages.at(-1).step).toBe(1);
  });

  test('until_step counts the steps before, and has nothing to do once they were taken', async () => {
    const session = await open({ w: { value: 5 } });
    await minimize(session, { ...PARABOLA, steps: 3 });
    const { messages } = await minimize(session, { ...PARABOLA, until_step: 5, ...EVERY_STEP });
    expect(messages.map(({ step }) => step)).toEqual([4, 5]);
    const { error } = await minimize(session, { ...PARABOLA, until_step: 5 });
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', pointer: '/until_step' });
  });

  test('variables that a node brings are made, moved, and moved on', async () => {
    const session = await open({});
    const graph = {
      inputs: { x: {} },
      nodes: [
        { name: 'y', op: 'dense', inputs: ['x'], params: { units: 2 } },
        { name: 'squares', op: 'square', inputs: ['y'] },
        { name: 'loss', op: 'mean', inputs: ['squares'] },
      ],
    };
    const values = { x: [[1, 2, 3]] };
    const optimizer = { name: 'sgd', learning_rate: 0.01 };
    const first = await minimize(session, { graph, values, optimizer, steps: 5 });
    const second = await minimize(session, { graph, values, optimizer, steps: 5 });
    expect(second.messages[0].step).toBe(6);
    expect(second.messages.at(-1).loss).toBeLessThan(first.messages.at(-1).loss);
    const { variables } = await send('GET', `${session}/variables`);
    expect(variables.filter(({ trainable }: Json) => trainable)).toHaveLength(2);
  });

  test('rows of a variable, in order and around', async () => {
    // The loss of row x is (w - x)², so that with a rate of 0.5 each step moves w to the row's own x.
    const session = await open({ w: { value: 0 }, X: { value: [[1], [2], [3]], trainable: false } });
    const request = {
      graph: 'loss = mean((w - x) ** 2)',
      data: { inputs: { x: { variable: 'X' } }, batch: 1 },
      optimizer: { name: 'sgd', learning_rate: 0.5 },
    };
    for (const expected of [1, 2, 3, 1]) {
      await minimize(session, { ...request, steps: 1 });
      expectClose(await elementsOf(session, 'w'), expected);
    }
  });
});

describe('what ends it', () => {
  test('a client that goes away: what was committed last stays, and the next request goes on from there', async () => {
    const session = await open({ w: { value: 5 } });
    const controller = new AbortController();
    const request = { ...PARABOLA, optimizer: { name: 'sgd', learning_rate: 1e-6 }, steps: 1e9, commit_interval_ms: 0 };
    const reply = await fetch(`${url}${session}/minimize`, {
      method: 'POST',
      body: JSON.stringify({ ...request, progress_interval_ms: 0 }),
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    });
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
    for (let i = 0; i < 5; i++) await reader.read();
    controller.abort();
    await expect(reader.read()).rejects.toThrow();
    const steps = async (): Promise<number> => Number(await elementsOf(session, 'sgd/step'));
    let before = await steps();
    for (;;) {
      await sleep(50);
      const now = await steps();
      if (now === before) break;
      before = now;
    }
    expect(before).toBeGreaterThan(0);
    const { messages } = await minimize(session, { ...PARABOLA, steps: 2, ...EVERY_STEP });
    expect(messages.map(({ step }) => step)).toEqual([before + 1, before + 2]);
  });

  test('its deadline, with an event that says so', async () => {
    const session = await open({ w: { value: 5 } });
    const request = { ...PARABOLA, steps: 1e9, options: { timeout_ms: 300 }, commit_interval_ms: 50 };
    const { end, error } = await minimize(session, request);
    expect(end).toBe('error');
    expect(error).toMatchObject({ status: 504, code: 'deadline_exceeded' });
    expectClose(await elementsOf(session, 'w'), 1);
  });

  test('somebody else who writes a variable that moves', async () => {
    const session = await open({ w: { value: 5 }, other: { value: 0 } });
    const running = minimize(session, { ...PARABOLA, steps: 1e9, commit_interval_ms: 20 });
    while ((await send('GET', `${session}/variables/w`)).variable.version === 1) await sleep(10);
    // What does not move may be written all the same.
    expect((await send('POST', `${session}/variables/other/assign_add`, { value: 1 })).status).toBe(200);
    await sleep(60);
    await send('PUT', `${session}/variables/w`, { value: 9, version: '*' });
    const { end, error } = await running;
    expect(end).toBe('error');
    expect(error).toMatchObject({ status: 412, code: 'version_mismatch', input: 'w' });
    expect(await elementsOf(session, 'w')).toBe(9);
  });

  test('others are served meanwhile', async () => {
    const [session, other] = [await open({ w: { value: 5 } }), await open({ v: { value: 1 } })];
    const running = minimize(session, { ...PARABOLA, steps: 1e9, options: { timeout_ms: 1500 } });
    for (let i = 1; i <= 10; i++) {
      const { variable } = await send('POST', `${other}/variables/v/assign_add`, { value: 1 });
      expect(variable.version).toBe(i + 1);
    }
    expect((await running).end).toBe('error');
  });
});

describe('as an operation', () => {
  test('it tells its progress, and its last message is the response', async () => {
    const session = await open({ w: { value: 5 } });
    const request = { session: session.split('/').at(-1), ...PARABOLA, steps: 20 };
    const { operation } = await send('POST', '/v1/operations', { method: 'Minimize', request });
    for (;;) {
      const { operation: now } = await send('GET', `/v1/operations/${operation.operation}`);
      expect(now.state, JSON.stringify(now.error)).not.toBe('failed');
      if (now.state === 'succeeded') {
        expect(now.response).toMatchObject({ step: 20, stopped: { reason: 'steps' } });
        break;
      }
      await sleep(10);
    }
    expectClose(await elementsOf(session, 'w'), descended(5, 20));
  });
});

describe('what is refused', () => {
  test.each([
    ['no steps', { steps: undefined }, { code: 'invalid_request', pointer: '/steps' }],
    ['steps twice', { until_step: 3 }, { code: 'invalid_request', pointer: '/steps' }],
    ['an optimizer that there is not', { optimizer: { name: 'adm' } }, { code: 'invalid_request' }],
    [
      'a param that the optimizer does not have',
      { optimizer: { name: 'sgd', params: { beta: 1 } } },
      { code: 'invalid_request', pointer: '/optimizer/params/beta' },
    ],
    ['a loss that is no number', { graph: 'loss = w - 1' }, { code: 'type_mismatch', input: 'loss' }],
    ['a name without a value', { graph: 'loss = sum(w * x)' }, { code: 'missing_value', input: 'x' }],
    ['a value for a variable', { values: { w: [1, 2] } }, { code: 'already_exists', pointer: '/values/w' }],
    [
      'a data set that there is not',
      { graph: 'loss = sum(w) * mean(x)', data: { inputs: { x: { variable: 'Y' } }, batch: 1 } },
      { code: 'invalid_source', pointer: '/data/inputs/x/variable' },
    ],
    [
      'a graph that writes',
      {
        graph: {
          variables: { w: {} },
          nodes: [
            { name: 'a', op: 'assign_add', inputs: ['w', 1] },
            { name: 'loss', op: 'sum', inputs: ['a'] },
          ],
        },
      },
      { code: 'invalid_graph', input: 'w' },
    ],
    ['nothing that may move', { variables: [] }, { code: 'invalid_source' }],
  ])('%s', async (_, change, expected) => {
    const session = await open({ w: { value: [5, 6] }, X: { value: [1, 2], trainable: false } });
    const { error } = await minimize(session, { ...PARABOLA, steps: 3, ...change });
    expect(error).toMatchObject({ status: 400 + (expected.code === 'already_exists' ? 9 : 0), ...expected });
    expect(await elementsOf(session, 'w')).toEqual([5, 6]);
    expect((await minimize(session, { ...PARABOLA, steps: 1 })).end).toBe('done');
  });
});
