/** @file The life of a session as a list of requests, in which everything happens that can happen to one. */
import { expect } from 'vitest';
import type { Json, Reply, Request, Server, Verb } from './harness.ts';

/** A request of the life. */
export interface Step extends Request {
  readonly status: number;
  /** Whether it needs values that a service which has just begun must compute again. */
  readonly rebuilds: boolean;
}

function step(verb: Verb, path: string, body?: unknown, { status = 200, rebuilds = false } = {}): Step {
  return { verb, path: `/v1/sessions/{session}${path}`, status, rebuilds, ...(body !== undefined && { body }) };
}

const post = (path: string, body: unknown, more?: { status?: number; rebuilds?: boolean }): Step =>
  step('POST', path, body, more);
const REBUILDS = { rebuilds: true };

/** A tensor that is kept as a file, not as a row. */
export const LARGE = 140_000;

function large(of: number): object {
  const data = new Float64Array(LARGE).fill(of);
  return { dtype: 'float64', shape: [LARGE], base64: Buffer.from(data.buffer).toString('base64') };
}

/** Values of a node whose op writes a variable. */
const STEP = {
  inputs: {},
  variables: { w: {}, count: {} },
  nodes: [
    { name: 'half', op: 'mul', inputs: ['w', 0.5] },
    { name: 'w2', op: 'assign_sub', inputs: ['w', 'half'] },
    { name: 'q', op: 'mul', inputs: ['w', 'w'] },
    { name: 'cost', op: 'reduce_sum', inputs: ['q'] },
    { name: 'counted', op: 'assign_add', inputs: ['count', 1] },
  ],
  outputs: ['cost'],
};

/** Every step, from the creation of the session to its end. */
export const LIFE: readonly Step[] = [
  {
    ...step('POST', '', {
      ttl_seconds: 600,
      variables: {
        w: { value: [1, -2, 3], dtype: 'float64' },
        b: { value: 0.5 },
        frozen: { value: 2, trainable: false },
        count: { value: 0, dtype: 'int32', trainable: false },
      },
    }),
    path: '/v1/sessions',
    status: 201,
  },
  step('PUT', '/variables/a', {
    value: [
      [1, 2],
      [3, 4],
    ],
  }),
  step('PUT', '/variables/a', {
    value: [
      [1, 2],
      [3, 5],
    ],
    version: '*',
  }),
  step(
    'PUT',
    '/variables/a',
    {
      value: [
        [1, 2],
        [3, 5],
      ],
    },
    { status: 428 },
  ),
  step(
    'PUT',
    '/variables/a',
    {
      value: [
        [1, 2],
        [3, 5],
      ],
      version: 1,
    },
    { status: 412 },
  ),
  post('/variables/a/assign_add', {
    value: [
      [0.5, 0],
      [0, 0.25],
    ],
  }),
  post(
    '/tapes',
    {
      tape: 'outer',
      persistent: true,
      values: { x: { dtype: 'float64', shape: [3], data: [0.5, 1, 2] } },
      watch: ['x'],
    },
    { status: 201 },
  ),
  post('/tapes', { tape: 'inner', outer: 'outer', persistent: true, watch: ['x'] }, { status: 201 }),
  post('/tapes/inner/record', { graph: 'y = sum(w * x ** 3); z = tanh(y / 10)', outputs: ['y', 'z'] }),
  post('/tapes/inner/record', { graph: STEP }),
  step('GET', '/tapes/inner'),
  step('GET', '/variables'),
  post(
    '/tapes/inner/gradient',
    { targets: ['z', 'cost'], sources: { w: 'w', x: ['x'], b: 'b', frozen: 'frozen' } },
    REBUILDS,
  ),
  post('/tapes/inner/gradient', { targets: 'z', sources: 'x', record: { tape: 'outer', as: 'gx' } }, REBUILDS),
  post('/tapes/outer/record', { graph: 'u = sum(gx * gx) + y' }, REBUILDS),
  post('/tapes/outer/gradient', { targets: 'u', sources: ['x', 'w'] }, REBUILDS),
  post('/tapes/outer/pause', {}),
  post('/tapes/outer/record', { graph: 'hidden = u * 2' }, REBUILDS),
  post('/tapes/outer/resume', {}),
  post('/tapes/outer/gradient', { targets: 'hidden', sources: 'x' }),
  post('/tapes/outer/jacobian', { target: 'gx', sources: ['x', 'w'] }, REBUILDS),
  post('/tapes/outer/pushforward', { tangents: { x: [1, 0, -1] }, targets: ['u', 'z'] }, REBUILDS),
  post('/tapes/outer/pullback', { cotangents: { gx: [1, 2, 3] }, sources: ['x', 'w'] }, REBUILDS),
  post('/tapes/inner/watch', { names: ['frozen'], values: { k: [1, 2] } }),
  post('/tapes/inner/record', { graph: 'm = sum(k * frozen ** 2) + b' }),
  post('/tapes/inner/gradient', { targets: 'm', sources: ['frozen', 'b', 'k'] }, REBUILDS),
  step('PATCH', '/variables', {
    updates: {
      a: {
        assign_sub: [
          [1, 1],
          [1, 1],
        ],
      },
      b: { assign: 4 },
      frozen: { assign_add: 1 },
    },
  }),
  step('PATCH', '/variables', { updates: { b: { assign: 5 }, frozen: { assign: 9, version: 1 } } }, { status: 412 }),
  post('/tapes', { tape: 'once' }, { status: 201 }),
  post('/tapes/once/record', { graph: 'e = sum(a @ a) * b', outputs: ['e'] }),
  post('/tapes/once/gradient', { targets: 'e' }, REBUILDS),
  post('/tapes/once/gradient', { targets: 'e' }, { status: 409 }),
  post('/tapes/once/reset', {}),
  post('/tapes/once/record', { graph: 'f = sum(exp(a / 10)) * e' }, REBUILDS),
  post('/tapes/once/gradient', { targets: 'f', unconnected_gradients: 'zero' }, REBUILDS),
  step('PUT', '/variables/big', { value: large(1) }),
  post('/variables/big/assign_add', { value: large(2) }),
  post('/tapes', { tape: 'last', persistent: true }, { status: 201 }),
  post('/tapes/last/record', { graph: 'n = mean(big * b)' }),
  step('DELETE', '/variables/big'),
  post('/tapes/last/gradient', { targets: 'n', sources: 'b' }),
  step('GET', '/variables/big', undefined, { status: 404 }),
  step('DELETE', '/tapes/inner'),
  post('/tapes/outer/gradient', { targets: ['u', 'cost'], sources: { x: 'x', w: 'w' } }, REBUILDS),
  step('GET', '/tapes'),
  step('DELETE', '/tapes/outer'),
  step('GET', '/tapes/inner', undefined, { status: 404 }),
  step('GET', '/tapes/outer', undefined, { status: 404 }),
  post('/tapes', { tape: 'outer' }, { status: 201 }),
  post('/keep_alive', { ttl_seconds: 900 }),
  step('GET', '/variables'),
  step('GET', '/variables/a'),
  step('GET', '/tapes'),
  step('GET', ''),
  step('DELETE', ''),
  step('GET', '', undefined, { status: 404 }),
];

/** Lives a session's life; `before` may do anything to the server and gives the one to go on with. */
export async function live(
  server: Server,
  before: (at: number) => Server | Promise<Server> = () => server,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  let session = '';
  for (const [at, { status, ...request }] of LIFE.entries()) {
    const now = await before(at);
    const reply = await now.send({ ...request, path: request.path.replace('{session}', session) });
    expect(reply.status, `${at}: ${request.verb} ${request.path}: ${JSON.stringify(reply.body)?.slice(0, 400)}`).toBe(
      status,
    );
    if (at === 0) session = reply.body.session.session;
    replies.push(reply);
  }
  return replies;
}

/** What a reply says of the session; nothing of when it was said, and of what it took. */
export function lasting({ status, body }: Reply): Json {
  const omitted = new Set([
    'session',
    'instance',
    'created_at',
    'expires_at',
    'timing',
    'forward_passes',
    'rebuilt',
    'resident_bytes',
    'detail',
  ]);
  const strip = (tree: Json): Json => {
    if (Array.isArray(tree)) return tree.map(strip);
    if (typeof tree !== 'object' || tree === null) return tree;
    const kept = Object.entries(tree).filter(([name, value]) => !omitted.has(name) || typeof value === 'object');
    return Object.fromEntries(kept.filter(([name]) => name !== 'timing').map(([name, value]) => [name, strip(value)]));
  };
  return { status, body: strip(body) };
}
