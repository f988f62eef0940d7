/** @file Graphs that are kept under the address of their content. */
import { setTimeout as sleep } from 'node:timers/promises';
// biome-ignore lint/style/noRestrictedImports: the service wants a logger, and this one is silent.
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEngine } from '../../engine/engine.ts';
import { createService } from '../../services/api/call.ts';
import { METHODS } from '../../services/api/index.ts';
import { readConfig } from '../../services/config.ts';
import { createApp } from '../../services/rest/app.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Store } from '../../services/sessions/store.ts';
import { sqliteStore, temporaryFolder } from '../store/stores.ts';

const TEXT = 'y = x * w\nloss = sum(y ** 2)';
const DOCUMENT = {
  inputs: { w: {}, x: {} },
  nodes: [
    { name: 'y', op: 'mul', inputs: ['x', 'w'] },
    { name: 'loss', op: 'sum', inputs: ['y'] },
  ],
};

function graphsApp(environment: Record<string, string> = {}, store: Store = memoryStore()) {
  const service = createService({
    engine: createEngine(),
    config: readConfig(environment),
    methods: METHODS,
    log: pino({ level: 'silent' }),
    store,
  });
  const app = createApp({ service });
  onTestFinished(async () => {
    await Promise.all([service.operations.close(), app.close()]);
  });
  const send = (path: string, payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: path, payload, headers });
  return {
    app,
    send,
    put: async (graph: unknown): Promise<string> => {
      const reply = await send('/v1/graphs', { graph });
      expect(reply.statusCode, reply.body).toBe(201);
      const { id } = reply.json().graph;
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(reply.headers.location).toBe(`/v1/graphs/${id}`);
      return id;
    },
  };
}

describe('a kept graph', () => {
  test('goes anywhere a graph does, and answers as the graph itself', async () => {
    const { put, send } = graphsApp();
    const id = await put(TEXT);
    const values = { x: [1, 2], w: [3, 4] };
    for (const [path, rest] of [
      ['/v1/evaluate', { values }],
      ['/v1/gradient', { values, sources: ['w'] }],
      ['/v1/check', { values }],
      ['/v1/jvp', { values, tangents: { x: [1, 0] } }],
      ['/v1/run', { values, transforms: [{ transform: 'gradient', sources: ['x'] }] }],
    ] as const) {
      const [kept, sent] = await Promise.all([{ id }, TEXT].map((graph) => send(path, { graph, ...rest })));
      expect([kept?.statusCode, sent?.statusCode], kept?.body).toEqual([200, 200]);
      const comparable = (body = '') => ({ ...JSON.parse(body), meta: undefined });
      expect(comparable(kept?.body)).toEqual(comparable(sent?.body));
    }
    const further = await put('z = g * 2');
    const applied = await send('/v1/run', {
      graph: { id },
      values,
      transforms: [
        { transform: 'gradient', sources: ['x'] },
        { transform: 'apply', graph: { id: further }, inputs: { g: 'gradient(x)' } },
      ],
    });
    expect([applied.statusCode, applied.json().results?.[1]?.z], applied.body).toEqual([200, [36, 128]]);
  });

  test('is recorded on a tape, minimized, and computed by an operation', async () => {
    const { app, put, send } = graphsApp();
    const id = await put(TEXT);
    const made = await send('/v1/sessions', { variables: { w: { value: [3, 4] } } });
    const session = made.headers.location;
    await send(`${session}/tapes`, { tape: 't' });
    const recorded = await send(`${session}/tapes/t/record`, { graph: { id }, values: { x: [1, 2] } });
    expect(recorded.statusCode, recorded.body).toBe(200);
    const gradient = await send(`${session}/tapes/t/gradient`, { targets: 'loss', sources: ['w'] });
    expect(gradient.json().gradients).toEqual([[6, 32]]);
    const minimized = await send(`${session}/minimize`, {
      graph: { id },
      values: { x: [1, 2] },
      optimizer: { name: 'sgd', learning_rate: 0.01 },
      steps: 2,
    });
    expect(minimized.body).toContain('event: done');
    const request = { graph: { id }, values: { x: [1, 2], w: [3, 4] } };
    const { operation } = (await send('/v1/evaluate', request, { prefer: 'respond-async' })).json();
    for (;;) {
      const info = (await app.inject(`/v1/operations/${operation.operation}`)).json().operation;
      if (info.state === 'queued' || info.state === 'running') continue;
      expect(info).toMatchObject({ state: 'succeeded', response: { values: { loss: 73 } } });
      break;
    }
  });

  test('is read as a document, with its address as ETag', async () => {
    const { app, put } = graphsApp();
    const id = await put(DOCUMENT);
    const reply = await app.inject(`/v1/graphs/${id}`);
    expect(reply.json()).toMatchObject({ graph: { id }, document: DOCUMENT });
    expect(reply.headers.etag).toBe(`"${id}"`);
    const again = await app.inject({ url: `/v1/graphs/${id}`, headers: { 'if-none-match': `"${id}"` } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    expect(await put(reply.json().document)).toBe(id);
  });
});

describe('T23: the address', () => {
  test('is one for all spellings', async () => {
    const { put, app } = graphsApp();
    const id = await put(DOCUMENT);
    const { inputs, nodes } = DOCUMENT;
    expect(await put({ nodes, variables: {}, inputs: { x: {}, w: {} } })).toBe(id);
    const text = await put(TEXT);
    expect(await put((await app.inject(`/v1/graphs/${text}`)).json().document)).toBe(text);
    expect(await put({ inputs, nodes: nodes.map(({ inputs: of, op, name }) => ({ op, inputs: of, name })) })).toBe(id);
  });

  test.each<[string, object]>([
    ['a name', { ...DOCUMENT, nodes: DOCUMENT.nodes.map((node) => ({ ...node, name: `${node.name}1` })).slice(0, 1) }],
    [
      'the order of inputs of a node',
      { ...DOCUMENT, nodes: [{ ...DOCUMENT.nodes[0], inputs: ['w', 'x'] }, DOCUMENT.nodes[1]] },
    ],
    ['a dtype', { ...DOCUMENT, dtype: 'float64' }],
    ['an output', { ...DOCUMENT, outputs: ['y'] }],
    ['a constant', { ...DOCUMENT, constants: { c: 1 } }],
    ['the type of an input', { ...DOCUMENT, inputs: { w: { shape: [2] }, x: {} } }],
  ])('knows %s', async (_, other) => {
    const { put } = graphsApp();
    expect(await put(other)).not.toBe(await put(DOCUMENT));
  });

  test('knows the sign of zero, in numbers and in raw tensors', async () => {
    const { put, app, send } = graphsApp();
    const document = (c: string) =>
      JSON.parse(`{"inputs":{},"constants":{"c":${c}},"nodes":[{"name":"y","op":"div","inputs":[1,"c"]}]}`);
    const post = (json: string) =>
      app.inject({
        method: 'POST',
        url: '/v1/graphs',
        headers: { 'content-type': 'application/json' },
        payload: `{"graph":${json}}`,
      });
    const text = (c: string) =>
      `{"inputs":{},"constants":{"c":${c}},"nodes":[{"name":"y","op":"div","inputs":[1,"c"]}]}`;
    const [plus, minus] = await Promise.all(['[0]', '[-0]'].map((c) => post(text(c))));
    expect(plus?.json().graph.id).toBe(await put(document('[0]')));
    expect(minus?.json().graph.id).not.toBe(plus?.json().graph.id);
    expect((await send('/v1/evaluate', { graph: { id: minus?.json().graph.id } })).json().values.y).toEqual([
      '-Infinity',
    ]);
    const json = `{"graph":${text('{"dtype":"float32","shape":[1],"binary_data_size":4}')}}`;
    const raw = await app.inject({
      method: 'POST',
      url: '/v1/graphs',
      headers: {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(json.length),
      },
      payload: Buffer.concat([Buffer.from(json), Buffer.from(new Float32Array([-0]).buffer)]),
    });
    const typed = await post(text('{"dtype":"float32","shape":[1],"base64":"AAAAgA=="}'));
    expect(raw.json().graph.id).toBe(typed.json().graph.id);
    expect((await send('/v1/evaluate', { graph: { id: raw.json().graph.id } })).json().values.y).toEqual(['-Infinity']);
  });
});

test('outlives the process, and is renewed by use', async () => {
  const folder = temporaryFolder();
  const before = sqliteStore(folder);
  const id = await graphsApp({}, before).put(TEXT);
  await before.close();
  const { send, app } = graphsApp({ ADJOINT_GRAPH_TTL_MS: '400' }, sqliteStore(folder));
  expect((await app.inject(`/v1/graphs/${id}`)).statusCode).toBe(200);
  const short = graphsApp({ ADJOINT_GRAPH_TTL_MS: '400' });
  const other = await short.put(TEXT);
  for (let uses = 0; uses < 4; uses++) {
    await sleep(150);
    expect((await short.send('/v1/check', { graph: { id: other }, values: { x: 1, w: 1 } })).statusCode).toBe(200);
  }
  await sleep(450);
  expect((await short.send('/v1/check', { graph: { id: other } })).json()).toMatchObject({
    status: 404,
    code: 'not_found',
    pointer: '/graph',
  });
  expect((await send('/v1/check', { graph: { id: other.replace(/.$/, 'x') } })).statusCode).toBe(404);
});

test('T24, T25: is its tenant’s own', async () => {
  const { app } = graphsApp({ ADJOINT_API_KEYS: 'ann:aaaaaaaaaaaaaaaaaaaa,bob:bbbbbbbbbbbbbbbbbbbb' });
  const ann = { authorization: 'Bearer aaaaaaaaaaaaaaaaaaaa' };
  const bob = { authorization: 'Bearer bbbbbbbbbbbbbbbbbbbb' };
  const put = await app.inject({ method: 'POST', url: '/v1/graphs', payload: { graph: TEXT }, headers: ann });
  const { id } = put.json().graph;
  for (const [headers, status] of [
    [ann, 200],
    [bob, 404],
  ] as const) {
    expect((await app.inject({ url: `/v1/graphs/${id}`, headers })).statusCode).toBe(status);
    const payload = { graph: { id }, values: { x: 1, w: 1 } };
    expect((await app.inject({ method: 'POST', url: '/v1/evaluate', payload, headers })).statusCode).toBe(status);
  }
});

test('a client cannot name a request as if it were a graph', async () => {
  const { app, put } = graphsApp();
  const id = await put(TEXT);
  const headers = { 'idempotency-key': `graph ${id}` };
  const reply = await app.inject({ method: 'POST', url: '/v1/sessions', payload: {}, headers });
  expect(reply.statusCode).toBe(400);
});

test.each([
  ['a reference with more', { id: 'sha256:00', nodes: [] }, 'invalid_graph'],
  ['an id that is no text', { id: 5 }, 'invalid_graph'],
  ['an id of nothing', { id: 'sha256:00' }, 'not_found'],
  ['an id that reaches for prototypes', { id: '__proto__' }, 'not_found'],
  ['a graph that is none', 'y = = x', 'invalid_text'],
])('%s is refused', async (_, graph, code) => {
  const { send } = graphsApp();
  expect((await send('/v1/evaluate', { graph })).json()).toMatchObject({ code });
  if (code !== 'not_found') expect((await send('/v1/graphs', { graph })).json()).toMatchObject({ code });
});
