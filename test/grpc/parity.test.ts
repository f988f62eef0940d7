/** @file What is the same over both ports: answers to the examples, and the codes and places of errors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '../../engine/errors.ts';
import { METHODS } from '../../services/api/index.ts';
import type { Method } from '../../services/api/method.ts';
import { isStream } from '../../services/api/method.ts';
import { tell } from '../contract/story.ts';
import { type Client, node } from '../tape/harness.ts';
import { fromStock, type Json, type Running, rpcOf, type Stock, shared, start, toStock } from './harness.ts';

let service: Running;
let client: Stock;
beforeAll(async () => {
  service = await start();
  client = service.client();
});
afterAll(async () => {
  for (const close of shared.splice(0)) await close();
});

const methodOf = (name: string): Method => METHODS.find((method) => method.name === name) as Method;

/** The same but for what no two requests share. */
function comparable({ meta, ...rest }: Json): Json {
  const { timing: _timing, cached: _cached, ...said } = meta ?? {};
  return { ...rest, meta: said };
}

/** Numbers without a dtype have one here, which they are sent with over both ports. */
async function both(name: string, request: Json): Promise<{ rest: Json; grpc: Json }> {
  const { input, output } = rpcOf(name);
  const stock = toStock(input, request);
  const encoded =
    'options' in (input.field ?? {}) ? { ...request, options: { ...request.options, encoding: 'base64' } } : request;
  const { status, body } = await service.rest(methodOf(name), encoded);
  expect(status, JSON.stringify(body)).toBe(200);
  return { rest: comparable(body), grpc: comparable(fromStock(output, await client.call(name, stock))) };
}

/** A branch that applies an op. */
const branch = (op: string, outputs = ['a']): Json => ({ inputs: ['a0'], nodes: [node('a', op, ['a0'])], outputs });

const EXAMPLES = METHODS.filter(({ path }) => path.startsWith('/v1/') && !isAboutState(path)).flatMap(
  ({ name, examples }) =>
    examples.length === 0
      ? [{ name, title: 'no fields', request: {} }]
      : examples.map((example) => ({ name, ...example })),
);

/** Whether a path is of what is kept between requests. */
function isAboutState(path: string): boolean {
  return /^\/v1\/(sessions|operations|graphs|quarantine\/)/.test(path);
}

/** Examples of methods that have a story; those that stream or have raw content have tests of their own. */
const STORIES = METHODS.filter(
  (method) => method.path.startsWith('/v1/sessions') && !isStream(method) && !method.content,
).flatMap(({ name, examples }) =>
  examples.length === 0
    ? [{ name, title: 'the path alone', request: {} }]
    : examples.map((example) => ({ name, ...example })),
);

/** What two tellings of a story do not share: ids, times, and how long something took. */
function retold(json: Json): Json {
  const text = JSON.stringify(json, (key, value) => (key === 'timing' || key === 'cached' ? undefined : value));
  return JSON.parse(text.replaceAll(/\b(ses|op|tape)_[\w-]+/g, '$1').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'then'));
}

/** A field that is null in JSON is not set in a message; `undefined` in neither. */
function withoutNull(json: Json): Json {
  if (Array.isArray(json)) return json.map(withoutNull);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, withoutNull(value)]),
  );
}

describe('answers', () => {
  test.each(EXAMPLES)("$name: the example '$title' has one answer, bit for bit", async ({ name, request }) => {
    const { rest, grpc } = await both(name, request);
    expect(grpc).toEqual(rest);
  });

  test.each(STORIES)("$name: the example '$title' of a story has one answer", async ({ name, request }) => {
    const method = methodOf(name);
    const rest: Client = {
      ok: async (path: string, body: Json) => (await service.inject('POST', path, body)).body,
    } as Client;
    const asked = async (): Promise<Json> => {
      const story: Json = await tell(rest, { name });
      const fields = [...method.path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field as string);
      return { ...(request as object), ...Object.fromEntries(fields.map((field) => [field, story[field]])) };
    };
    const { input, output } = rpcOf(name);
    const encodes = input.field.options !== undefined;
    const wish = encodes ? { options: { encoding: 'base64' } } : name === 'GetVariable' ? { encoding: 'base64' } : {};
    const first = await asked();
    const { status, body } = await service.rest(method, { ...first, ...wish });
    expect(status, JSON.stringify(body)).toBeLessThan(300);
    const stock = fromStock(
      output,
      await client.call(name, toStock(input, method.verb === 'GET' ? first : await asked())),
    );
    expect(retold(withoutNull(stock))).toEqual(retold(withoutNull(body)));
  });

  test('a gradient in any nesting, with what has none and the reason why', async () => {
    const request = {
      graph: {
        inputs: { x: {}, k: { dtype: 'int32' } },
        variables: { w: {}, frozen: { trainable: false } },
        constants: { half: { dtype: 'float32', shape: [], data: [0.5] } },
        nodes: [
          node('y', 'mul', ['x', 'w']),
          node('z', 'mul', ['y', 'half']),
          node('s', 'add', ['z', 'frozen']),
          node('loss', 'sum', ['s']),
        ],
        outputs: ['loss', 'z'],
      },
      values: { x: [1, 2], w: [3, 4], frozen: 1, k: { dtype: 'int32', shape: [1], data: [7] } },
      targets: 'loss',
      sources: [{ w: 'w', more: ['x', 'frozen'] }, 'k', 'half'],
    };
    const { rest, grpc } = await both('Gradient', request);
    expect(grpc).toEqual(rest);
    expect(Object.keys(grpc.unconnected).sort()).toEqual(['frozen', 'half', 'k']);
    expect(grpc.gradients[0].more[1]).toBeNull();
    const zero = await both('Gradient', { ...request, unconnected_gradients: 'zero' });
    expect(zero.grpc).toEqual(zero.rest);
  });

  test('output gradients as a list with a null in it, and as one', async () => {
    const request = {
      graph: { inputs: { x: {} }, nodes: [node('y', 'sin', ['x']), node('z', 'cos', ['x'])] },
      values: { x: [1, 2] },
      sources: ['x'],
    };
    const two = await both('Gradient', { ...request, targets: ['y', 'z'], output_gradients: [null, [1, -1]] });
    expect(two.grpc).toEqual(two.rest);
    const one = await both('Gradient', { ...request, targets: ['z'], output_gradients: [[1, -1]] });
    expect(one.grpc).toEqual(one.rest);
    // Of the only output REST takes the tensor itself, and gRPC a list of one.
    const only = await service.rest(methodOf('Gradient'), {
      ...request,
      output_gradients: [1, -1],
      options: { encoding: 'base64' },
    });
    const { input, output } = rpcOf('Gradient');
    const listed = {
      ...toStock(input, request),
      output_gradients: [{ tensor: toStock(input, { values: { t: [1, -1] } }).values.t }],
    };
    expect(comparable(fromStock(output, await client.call('Gradient', listed)))).toEqual(comparable(only.body));
    const ones = { ...toStock(input, request), output_gradients: [{}] };
    expect(fromStock(output, await client.call('Gradient', ones)).gradients).toEqual(
      one.rest.gradients.map(() => expect.anything()),
    );
  });

  test('a graph that one port keeps is known to the other', async () => {
    const graph = 'y = x ** 3';
    const kept = await client.call('PutGraph', { graph: { text: graph } });
    const { body } = await service.rest(methodOf('PutGraph'), { graph });
    expect(body.graph).toEqual({ id: kept.graph.id });
    const reference = { id: kept.graph.id };
    const values = { x: { dtype: 'float32', shape: [2], data: [2, 3] } };
    const [named, sent] = [
      await both('Evaluate', { graph: reference, values }),
      await both('Evaluate', { graph, values }),
    ];
    expect(named.grpc).toEqual(named.rest);
    expect(named.grpc).toEqual(sent.grpc);
    const found = fromStock(rpcOf('GetGraph').output, await client.call('GetGraph', { graph: kept.graph.id }));
    expect(found.document.nodes).toMatchObject([{ name: 'y', op: 'pow', inputs: ['x', 3] }]);
  });

  test('a kept graph has its constants bit for bit', async () => {
    const constants = {
      a: { dtype: 'float64', shape: [3], data: ['NaN', '-Infinity', Math.PI] },
      b: { dtype: 'int64', shape: [1], data: ['9007199254740993'] },
    };
    const nodes = [node('c', 'identity', ['a']), node('d', 'identity', ['b'])];
    const graph = { constants, nodes, outputs: ['c', 'd'] };
    const kept = await client.call('PutGraph', toStock(rpcOf('PutGraph').input, { graph }));
    const named = await both('Evaluate', { graph: { id: kept.graph.id } });
    expect(named.grpc).toEqual(named.rest);
    expect(named.grpc.values).toEqual((await both('Evaluate', { graph })).rest.values);
  });

  test('an empty watch is not the same as none', async () => {
    const request = { graph: 'y = x ** 2', values: { x: [1, 2] }, sources: ['x'] };
    const none = await both('Gradient', request);
    const empty = await both('Gradient', { ...request, watch: [] });
    expect(none.grpc).toEqual(none.rest);
    expect(empty.grpc).toEqual(empty.rest);
    expect(empty.grpc.unconnected).toHaveProperty('x');
  });

  test('sub-graphs, subscripts and params of every kind', async () => {
    const graph = {
      inputs: { x: {} },
      nodes: [
        node(
          'c',
          'cond',
          [true, 'x'],
          Object.fromEntries([
            ['then', branch('sin')],
            ['else', branch('cos')],
          ]),
        ),
        node('g', 'getitem', ['x'], { items: ['...', { slice: [null, null, -1] }, null] }),
        node('t', 'cast', ['g'], { dtype: 'float64' }),
        node('s', 'sum', ['t'], { axes: [0], keepdims: true }),
        node('m', 'mean', ['x'], { axes: null }),
      ],
      outputs: ['c', 'g', 't', 's', 'm'],
    };
    const { rest, grpc } = await both('Evaluate', { graph, values: { x: [1, 2, 3] } });
    expect(grpc).toEqual(rest);
  });

  test('every dtype goes in and comes out with its bits', async () => {
    const values = {
      a: { dtype: 'float64', shape: [3], data: [Math.PI, -1e308, 5e-324] },
      b: { dtype: 'float32', shape: [], data: [1.5] },
      c: { dtype: 'int64', shape: [2], data: ['-9223372036854775808', '9223372036854775807'] },
      d: { dtype: 'int32', shape: [2, 1], data: [-1, 2 ** 31 - 1] },
      e: { dtype: 'bool', shape: [2], data: [true, false] },
      f: { dtype: 'float32', shape: [0, 3], data: [] },
    };
    const names = Object.keys(values);
    const graph = {
      inputs: Object.fromEntries(names.map((name) => [name, {}])),
      nodes: names.map((name) => node(`${name}${name}`, 'identity', [name])),
      outputs: names.map((name) => `${name}${name}`),
    };
    const { rest, grpc } = await both('Evaluate', { graph, values });
    expect(grpc).toEqual(rest);
  });

  test('constants that differ in their bits alone are not taken for one another', async () => {
    const request = (data: unknown[]): Json => ({
      graph: { constants: { c: { dtype: 'float32', shape: [1], data } }, nodes: [node('y', 'mul', ['c', 1])] },
    });
    for (const data of [['NaN'], ['Infinity'], ['-Infinity'], [-0], [0]]) {
      const { input, output } = rpcOf('Evaluate');
      const { values } = fromStock(output, await client.call('Evaluate', toStock(input, request(data))));
      expect(Buffer.from(values.y.base64, 'base64').readFloatLE()).toBe(Number(data[0]));
    }
    const whole = {
      graph: { constants: { c: { dtype: 'int64', shape: [1], data: [7] } }, nodes: [node('y', 'mul', ['c', 1])] },
    };
    expect((await both('Evaluate', whole)).grpc.values.y.dtype).toBe('int64');
  });
});

describe('errors', () => {
  const inputs = { x: {}, y: {} };
  const values = { x: [1, 2, 3], y: [[1, 2, 3]] };
  const evaluate = (nodes: object[], more: object = {}): [string, Json] => [
    'Evaluate',
    { graph: { inputs, nodes, ...more }, values },
  ];

  test.each<[ErrorCode, [string, Json]]>([
    ['unknown_op', evaluate([node('z', 'sofmax', ['x'])])],
    ['invalid_params', evaluate([node('z', 'sum', ['x'], { axsi: 0 })])],
    ['invalid_params', evaluate([node('z', 'sum', ['x'], { axis: 9 })])],
    ['invalid_params', evaluate([node('z', 'cast', ['x'], { dtype: 'flaot64' })])],
    ['unknown_name', evaluate([node('z', 'sin', ['xx'])])],
    ['unknown_name', evaluate([node('z', 'sin', ['x'])], { outputs: ['zz'] })],
    ['duplicate_name', evaluate([node('x', 'sin', ['y'])])],
    ['wrong_arity', evaluate([node('z', 'add', ['x'])])],
    ['type_mismatch', evaluate([node('z', 'add', ['x', 'w'])], { constants: { w: [1, 2] } })],
    ['type_mismatch', evaluate([node('z', 'matmul', ['y', 'y'])])],
    ['invalid_graph', evaluate([{ name: 'z', inputs: ['x'] }])],
    ['invalid_graph', evaluate([node('a name', 'sin', ['x'])])],
    [
      'unknown_name',
      evaluate([node('z', 'scan', ['x'], { carry: 1, length: 1, body: { inputs: ['v'], outputs: ['w'] } })]),
    ],
    ['invalid_text', ['Evaluate', { graph: 'y = x ** ' }]],
    ['invalid_request', ['Evaluate', { values }]],
    ['missing_value', ['Evaluate', { graph: 'y = x', values: {} }]],
    ['unexpected_value', ['Evaluate', { graph: 'y = x', values: { x: 1, q: 1 } }]],
    ['invalid_request', ['Evaluate', { graph: 'y = x', values: { 'a name': 1 } }]],
    ['invalid_request', ['Evaluate', { graph: 'y = x', values: { x: 1 }, options: { timeout_ms: 0 } }]],
    ['invalid_request', ['Vjp', { graph: 'y = x', values: { x: 1 }, cotangents: { y: 1 } }]],
    [
      'invalid_request',
      [
        'Run',
        { graph: 'y = x', values: { x: 1 }, transforms: new Array(9).fill({ transform: 'gradient', sources: 'x' }) },
      ],
    ],
    ['invalid_request', ['Jvp', { graph: 'y = x', values: { x: 1 }, tangents: {} }]],
    ['invalid_source', ['Gradient', { graph: 'y = x', values: { x: 1 } }]],
    ['invalid_source', ['Gradient', { graph: 'y = x ** 2', values: { x: 1 }, sources: ['z'] }]],
    ['device_unfit', ['Evaluate', { graph: 'y = x', values: { x: 1 }, options: { device: 'gpu' } }]],
    [
      'cost_exceeded',
      ['Hessian', { graph: 'y = sum(x ** 3)', values: { x: new Array(100_000).fill(1) }, sources: 'x' }],
    ],
    [
      'limit_exceeded',
      [
        'Evaluate',
        { graph: 'y = x', values: { x: { dtype: 'float32', shape: [1, 1, 1, 1, 1, 1, 1, 1, 1], data: [1] } } },
      ],
    ],
    [
      'order_too_high',
      [
        'Run',
        {
          graph: 'y = x ** 9',
          values: { x: 1 },
          transforms: new Array(5).fill({ transform: 'gradient', sources: ['x'] }),
        },
      ],
    ],
  ])('%s of the same request at the same place, in the same words', async (code, [name, request]) => {
    const { body } = await service.rest(methodOf(name), request);
    const { status, detail, details, metadata } = await client.refused(name, toStock(rpcOf(name).input, request));
    expect(body.code).toBe(code);
    expect(details.ErrorInfo).toMatchObject({ reason: code, domain: 'adjoint' });
    expect(status).toBe(ERRORS[code].status);
    expect(detail).toBe(body.detail);
    const { node: at, op, input, param, pointer } = body;
    const where = Object.fromEntries(
      Object.entries({ node: at, op, input, param, pointer }).filter(([, value]) => value !== undefined),
    );
    expect(details.ErrorInfo.metadata ?? {}).toEqual(where);
    if (status === 'INVALID_ARGUMENT' && pointer !== undefined)
      expect(details.BadRequest.field_violations.length).toBeGreaterThan(0);
    expect(details.RequestInfo.request_id).toBe(metadata.get('x-request-id')[0]);
  });

  test('several faults are told one by one, with paths as protobuf writes them', async () => {
    const request = { graph: { nodes: [node('a b', 'sin', ['x']), { name: 'z', inputs: ['x'] }] }, values: { x: 1 } };
    const { details } = await client.refused('Evaluate', toStock(rpcOf('Evaluate').input, request));
    expect(details.BadRequest.field_violations.map(({ field }: Json) => field)).toEqual([
      'graph.nodes[0].name',
      'graph.nodes[1].op',
    ]);
  });
});
