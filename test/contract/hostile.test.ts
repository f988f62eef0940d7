/** @file The threats of reference/threats.md that reach a stateless service: each is a clear 4xx, and the next request is answered. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CATALOGUE, type Entry } from '../../engine/ops/catalogue.ts';
import { client, type Json, node } from '../tape/harness.ts';

const service = client();

const GOOD = { graph: 'y = x ** 2', values: { x: 3 }, sources: 'x' };

/** Asserts that a request is refused with a 4xx that the client can act on, and that the next one is answered. */
async function refuse(path: string, request: unknown): Promise<Json> {
  const problem = await service.refused(path, request);
  expect(problem.detail.length).toBeLessThan(2000);
  expect((await service.ok('/v1/gradient', GOOD)).gradients).toBe(6);
  return problem;
}

/** Asserts that a request is answered or refused, but never fails. */
async function survive(path: string, request: unknown): Promise<Json> {
  const { status, body } = await service.post(path, request);
  expect(status, `${JSON.stringify(request).slice(0, 300)}: ${body.detail}`).toBeLessThan(500);
  return body;
}

const chain = (length: number): object => ({
  inputs: { x: {} },
  nodes: Array.from({ length }, (_, i) => node(`n${i}`, i % 2 ? 'sin' : 'cos', [i === 0 ? 'x' : `n${i - 1}`])),
});

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Number.prototype];
const snapshot = (): string[][] => prototypes.map((prototype) => Reflect.ownKeys(prototype).map(String));
const before = snapshot();
afterAll(() => {
  expect(snapshot(), 'a request has changed a built-in prototype').toEqual(before);
});

describe('T1 shape bombs', () => {
  const DIMENSIONS = [
    -1,
    0,
    0.5,
    1,
    2,
    255,
    256,
    65535,
    65536,
    65537,
    2 ** 27,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 53 + 2,
    1e300,
  ];

  test('any shape of boundary dimensions is taken or refused, never a failure', async () => {
    const shapes = fc.array(fc.constantFrom(...DIMENSIONS), { maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        await survive('/v1/check', {
          graph: { inputs: { x: { dtype: 'float64', shape } }, nodes: [node('y', 'sin', ['x'])] },
          sources: 'x',
        });
        await survive('/v1/evaluate', { graph: 'y = x', values: { x: { dtype: 'float32', shape, data: [] } } });
        await survive('/v1/evaluate', { graph: 'y = x', values: { x: { dtype: 'float32', shape, base64: '' } } });
        for (const op of ['zeros', 'iota', 'broadcast_to', 'reshape'])
          await survive('/v1/check', {
            graph: {
              inputs: { x: { shape: [1] } },
              nodes: [node('y', op, CATALOGUE.get(op)!.operands.length === 0 ? [] : ['x'], { shape })],
            },
          });
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test('[65537, 65536], whose product is 65536 in 32 bits', async () => {
    const problem = await refuse('/v1/check', {
      graph: { inputs: { x: { shape: [65537, 65536] } }, nodes: [node('y', 'sin', ['x'])] },
    });
    expect(problem).toMatchObject({ status: 400, code: 'limit_exceeded', input: 'x' });
    expect(problem.detail).toContain('4295032832 elements');
  });

  test.each([
    [[2 ** 31], "'graph.inputs.x.shape[0]'"],
    [[-1], '-1'],
    [[1.5], '1.5'],
    [[1, 1, 1, 1, 1, 1, 1, 1, 1], '8'],
  ])('the shape %j is refused with the reason', async (shape, words) => {
    const problem = await refuse('/v1/check', {
      graph: { inputs: { x: { shape } }, nodes: [node('y', 'sin', ['x'])] },
    });
    expect(problem.status).toBe(400);
    expect(problem.pointer).toMatch(/^\/graph\/inputs\/x\/shape/);
    expect(problem.detail).toContain(words);
  });
});

describe('T2 broadcast bombs', () => {
  const column = { shape: [20_000, 1], dtype: 'float64', base64: Buffer.alloc(160_000).toString('base64') };

  test('[20000,1] + [1,20000] is refused with its size, at once', async () => {
    const started = performance.now();
    const problem = await service.refused('/v1/evaluate', {
      graph: 'y = x + swapaxes(x, 0, 1)',
      values: { x: column },
    });
    expect(performance.now() - started).toBeLessThan(3000);
    expect(problem).toMatchObject({ status: 422, code: 'cost_exceeded', node: 'y' });
    expect(problem.detail).toContain('3200000000 bytes');
  });

  test('a peak over the memory limit is refused with the estimate, before anything is allocated', async () => {
    const held = process.memoryUsage().arrayBuffers;
    const started = performance.now();
    // Each is within the limit of elements; all of them together are not within that of bytes.
    const problem = await service.refused('/v1/evaluate', {
      graph: 'a = x + swapaxes(x, 0, 1); b = a * 2; c = a * 3; a, b, c',
      values: { x: { ...column, shape: [11_000, 1], base64: Buffer.alloc(88_000).toString('base64') } },
    });
    expect(performance.now() - started).toBeLessThan(3000);
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(2 ** 24);
    expect(problem).toMatchObject({ status: 422, code: 'cost_exceeded' });
    expect(problem.detail).toMatch(
      /would hold 29\d{8} bytes at its peak, the largest part for '\w' f64\[11000,11000\]/,
    );
    expect(problem.detail).toContain("the limit 'peak_bytes' is 2147483648");
  });
});

describe('T3 params at and over their bounds', () => {
  test.each([...new Set(CATALOGUE.values())].filter(hasParams).map((entry) => ({ name: entry.name, entry })))(
    '$name',
    async ({ entry }) => {
      const schema = z.toJSONSchema(paramsOf(entry), { io: 'input', unrepresentable: 'any' }) as Json;
      const usual = usualParams(entry, schema);
      for (const [param, part] of Object.entries<Json>(schema.properties))
        for (const value of [...extremes(part), null, 'x', [], {}, [[]], [null], true, -0, 1.5])
          for (const shape of [[], [3], [2, 3]])
            await survive('/v1/evaluate', {
              graph: {
                inputs: { x: { shape }, i: { dtype: 'int32' } },
                nodes: [
                  node('p', 'ones', [], { shape, dtype: 'bool' }),
                  node('y', entry.name, operandsOf(entry), { ...usual, [param]: value }),
                ],
              },
              values: { x: filled(shape), i: [0, 1] },
            });
    },
  );

  test('the extremes of a schema are found', () => {
    expect(extremes({ type: 'integer', minimum: 0, maximum: 5 })).toEqual([-1, 0, 5, 6]);
    expect(
      extremes({ anyOf: [{ type: 'array', maxItems: 2, items: { type: 'integer', minimum: 1, maximum: 2 } }] }),
    ).toContainEqual([1, 1, 1]);
  });
});

describe('T4 optimiser bombs', () => {
  test('what nothing reads costs nothing', async () => {
    const { values } = await service.ok('/v1/evaluate', {
      graph: 'big = zeros((10000, 10000)); y = x * 2',
      values: { x: 1 },
    });
    expect(values).toEqual({ y: 2 });
  });

  test('uniform tensors are not folded into memory', async () => {
    const held = process.memoryUsage().arrayBuffers;
    const { values } = await service.ok('/v1/evaluate', {
      graph: 'y = sum((ones((8192, 8192)) * 2 + 1) * x)',
      values: { x: 1 },
    });
    expect(Math.fround(values.y)).toBe(3 * 2 ** 26);
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(2 ** 25);
  });
});

describe('T5 deep graphs', () => {
  test('a chain of 100,000 nodes is checked, differentiated and run', async () => {
    const { values, gradients } = await service.ok('/v1/gradient', {
      graph: chain(100_000),
      values: { x: 0.5 },
      sources: 'x',
      options: { timeout_ms: 110_000 },
    });
    expect(values).toEqual({ n99999: expect.any(Number) });
    expect(gradients).toEqual(expect.any(Number));
  }, 120_000);

  test('one of 100,001 is refused', async () => {
    const problem = await refuse('/v1/evaluate', { graph: chain(100_001), values: { x: 0.5 } });
    expect(problem).toMatchObject({ status: 400, code: 'limit_exceeded' });
    expect(problem.detail).toContain("'nodes' has 100001 elements; the limit 'nodes' is 100000");
  }, 120_000);
});

describe('T7 references that lead nowhere', () => {
  test.each([
    ['forward', [node('a', 'sin', ['b']), node('b', 'sin', ['x'])], 'b'],
    ['dangling', [node('a', 'sin', ['nowhere'])], 'nowhere'],
    ['to itself', [node('a', 'sin', ['a'])], 'a'],
    ['a second output that is none', [node('b', 'sin', ['x']), node('a', 'sin', ['b:1'])], 'b:1'],
    ['a ring', [node('a', 'sin', ['c']), node('b', 'sin', ['a']), node('c', 'sin', ['b'])], 'c'],
  ])('%s', async (_, nodes, name) => {
    const problem = await refuse('/v1/evaluate', { graph: { inputs: { x: {} }, nodes }, values: { x: 1 } });
    expect(problem).toMatchObject({ status: 400, code: 'unknown_name', node: 'a', input: name });
    expect(problem.detail).toContain(`'${name}' is not defined before it is read (node 'a')`);
  });

  test('random edges never fail', async () => {
    const names = ['x', 'n0', 'n1', 'n2', 'n3', 'n1:1', 'n2:0', ':0', ':'];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom(...names), { maxLength: 3 }), { maxLength: 4 }),
        async (inputs) => {
          const nodes = inputs.map((list, i) => node(`n${i}`, list.length === 2 ? 'mul' : 'sin', list));
          await survive('/v1/evaluate', { graph: { inputs: { x: {} }, nodes }, values: { x: 1 } });
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });
});

describe('T8 fan-out', () => {
  const doubling = (length: number): object => ({
    inputs: { x: { dtype: 'float64' } },
    nodes: Array.from({ length }, (_, i) => {
      const previous = i === 0 ? 'x' : `n${i - 1}`;
      // Halved every other time, so that the result stays a number.
      return node(`n${i}`, i % 2 ? 'mul' : 'add', i % 2 ? [previous, 0.5] : [previous, previous]);
    }),
  });

  test('x = x + x, 60 times', async () => {
    const nodes = Array.from({ length: 60 }, (_, i) =>
      node(`n${i}`, 'add', i === 0 ? ['x', 'x'] : [`n${i - 1}`, `n${i - 1}`]),
    );
    const { gradients } = await service.ok('/v1/gradient', {
      graph: { inputs: { x: {} }, nodes },
      values: { x: 1 },
      sources: 'x',
    });
    expect(Math.fround(gradients)).toBe(2 ** 60);
  });

  test('the time grows with the length', async () => {
    const time = async (length: number): Promise<number> => {
      const started = performance.now();
      const { gradients } = await service.ok('/v1/gradient', {
        graph: doubling(length),
        values: { x: 1 },
        sources: 'x',
      });
      expect(gradients).toBe(1);
      return performance.now() - started;
    };
    await time(1000);
    const short = await time(10_000);
    const long = await time(20_000);
    // Twice the work, with room for a busy machine; exponential growth would never end.
    expect(long / short).toBeLessThan(6);
  }, 60_000);
});

describe('T9 derivatives of derivatives', () => {
  const derivatives = (count: number): object[] =>
    Array.from({ length: count }, () => ({ transform: 'gradient', sources: ['x'] }));

  test('order 4 is answered, order 5 is refused', async () => {
    const request = { graph: 'y = x ** 6', values: { x: 1 } };
    const { results } = await service.ok('/v1/run', { ...request, transforms: derivatives(4) });
    expect(Object.values(results[3])).toEqual([360]);
    const problem = await refuse('/v1/run', { ...request, transforms: derivatives(5) });
    expect(problem).toMatchObject({ status: 400, code: 'order_too_high' });
    expect(problem.detail).toContain("the limit 'order' is 4");
  });

  test('order 4 of a thousand nodes stays within the equations', async () => {
    const { results } = await service.ok('/v1/run', {
      graph: chain(1000),
      values: { x: 0.5 },
      transforms: derivatives(4),
    });
    expect(results).toHaveLength(4);
  }, 120_000);

  test.each([
    ['/v1/hessian', 'y = sum(x ** 3)', /hvp/],
    ['/v1/jacobian', 'y = x ** 3', /jvp and vjp/],
  ])('%s of 100,000 variables is refused, and says what to ask for instead', async (path, graph, words) => {
    const started = performance.now();
    const problem = await refuse(path, { graph, values: { x: new Array(100_000).fill(1) }, sources: 'x' });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(problem).toMatchObject({ status: 422, code: 'cost_exceeded' });
    expect(problem.detail).toContain('10000000000 elements');
    expect(problem.detail).toMatch(words);
  });
});

describe('T10 loops', () => {
  const loop = (length: number, size: number): object => ({
    inputs: { x: { shape: [size] } },
    nodes: [
      node('y', 'scan', ['x'], {
        carry: 1,
        length,
        body: { inputs: ['v'], nodes: [node('s', 'sin', ['v'])], outputs: ['s'] },
      }),
    ],
  });

  test('too many steps', async () => {
    const problem = await refuse('/v1/check', { graph: loop(1e12, 1) });
    expect(problem).toMatchObject({ status: 400, node: 'y', param: 'length' });
    expect(problem.detail).toContain('1000000');
  });

  test('the cost is that of every step', async () => {
    const problem = await refuse('/v1/check', { graph: loop(1e6, 2 ** 20) });
    expect(problem).toMatchObject({ status: 422, code: 'cost_exceeded' });
    expect(problem.detail).toContain('scalar operations');
  });

  test('loops in loops multiply', async () => {
    const inner = loop(1e6, 1) as Json;
    const body = { inputs: ['x'], nodes: inner.nodes, outputs: ['y'] };
    const nodes = [node('z', 'scan', ['x'], { carry: 1, length: 1e6, body })];
    const outer = [node('w', 'scan', ['x'], { carry: 1, length: 1e6, body: { inputs: ['x'], nodes, outputs: ['z'] } })];
    const problem = await refuse('/v1/check', { graph: { inputs: { x: { shape: [1] } }, nodes: outer } });
    expect(problem).toMatchObject({ status: 422, code: 'cost_exceeded' });
  });

  test('a loop that is allowed and long meets its deadline', async () => {
    const problem = await service.post('/v1/evaluate', {
      graph: loop(1e6, 1000),
      values: { x: new Array(1000).fill(1) },
      options: { timeout_ms: 100 },
    });
    expect(problem.body).toMatchObject({ status: 504, code: 'deadline_exceeded' });
    expect((await service.ok('/v1/gradient', GOOD)).gradients).toBe(6);
  });
});

describe('T11 constants', () => {
  const constants = (count: number, size: number): object => ({
    inputs: { x: {} },
    constants: Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, new Array(size).fill(0.5)])),
    nodes: [node('y', 'sin', ['x'])],
  });

  test('one too many elements', async () => {
    await service.ok('/v1/evaluate', { graph: constants(1, 2 ** 20), values: { x: 1 } });
    const problem = await refuse('/v1/evaluate', { graph: constants(2, 2 ** 19 + 1), values: { x: 1 } });
    expect(problem).toMatchObject({ status: 400, code: 'limit_exceeded', input: 'c1' });
    expect(problem.detail).toMatch(/send large ones as values; the limit 'constant_elements' is 1048576/);
  }, 60_000);

  test('one too many constants', async () => {
    const problem = await refuse('/v1/evaluate', { graph: constants(10_000, 1), values: { x: 1 } });
    expect(problem.detail).toContain("the limit 'names' is 10000");
  }, 60_000);
});

const HOSTILE = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  'then',
  'length',
];
const MALFORMED = [
  'a\0b',
  '\u202Eabc',
  '',
  ' ',
  'é',
  'a b',
  'x'.repeat(129),
  '1a',
  '../x',
  "x'; alert(1)",
  '$' + '{x}',
  '\ud800',
];

describe('T12, T13 names', () => {
  test.each(HOSTILE)('%s is a name like any other, or refused', async (name) => {
    const text = JSON.stringify({
      graph: {
        inputs: { NAME: {} },
        variables: { v: {} },
        nodes: [node('y', 'mul', ['NAME', 'v']), node('NAME2', 'sin', ['y'])],
      },
      values: { NAME: 3, v: 2 },
      sources: { NAME: 'NAME' },
      targets: ['NAME2'],
    }).replaceAll('NAME', name);
    const { status, body } = await service.post('/v1/gradient', text);
    if (name === '__proto__') {
      expect(status).toBe(400);
      expect(body.detail).toContain("'__proto__'");
      return;
    }
    expect(status, body.detail).toBe(200);
    expect(Object.keys(body.gradients)).toEqual([name]);
    expect(body.gradients[name]).toBeCloseTo(2 * Math.cos(6), 5);
    expect(Object.keys(body.values)).toEqual([`${name}2`]);
  });

  test('escapes do not hide a key', async () => {
    const problem = await refuse('/v1/evaluate', '{"graph":"y = x","values":{"\\u005f_proto__":1}}');
    expect(problem.detail).toContain("'__proto__'");
  });

  test.each(HOSTILE)('%s as an op, a param, a field, a target, a source and a text', async (name) => {
    const graph = { inputs: { x: {} }, nodes: [node('y', 'sum', ['x'])] };
    const values = { x: [1, 2] };
    const params = JSON.parse(`{${JSON.stringify(name)}: 1}`);
    for (const request of [
      { graph: { ...graph, nodes: [node('y', name, ['x'])] }, values },
      { graph: { ...graph, nodes: [node('y', 'sum', ['x'], params)] }, values },
      { graph: { ...graph, ...params }, values },
      { graph: { ...graph, nodes: [node('y', 'sum', [name])] }, values },
      { graph, values, targets: name, sources: 'x' },
      { graph, values, sources: [name] },
      { graph, values, watch: [name], sources: 'x' },
      { graph: `y = ${name}(x)`, values, sources: 'x' },
      { graph: `y = sum(x, ${name}=1)`, values, sources: 'x' },
    ])
      await refuse('/v1/gradient', { sources: 'x', ...request });
  });

  test.each(MALFORMED)('%j is refused as a name', async (name) => {
    for (const [graph, values] of [
      [{ inputs: { [name]: {} }, nodes: [] }, {}],
      [{ variables: { [name]: {} }, nodes: [] }, {}],
      [{ constants: { [name]: 1 }, nodes: [] }, {}],
      [{ inputs: { x: {} }, nodes: [node(name, 'sin', ['x'])] }, { x: 1 }],
      [
        { inputs: { x: {} }, nodes: [node('y', 'sin', ['x'])] },
        { x: 1, [name]: 1 },
      ],
    ] as const) {
      const problem = await refuse('/v1/evaluate', { graph, values });
      expect(problem.status).toBe(400);
    }
  });

  test('a name of 10 MB is refused, and not repeated', async () => {
    const name = 'x'.repeat(10 * 2 ** 20);
    for (const graph of [
      { inputs: { [name]: {} }, nodes: [] },
      { inputs: { x: {} }, nodes: [node(name, 'sin', ['x'])] },
      { inputs: { x: {} }, nodes: [node('y', name, ['x'])] },
      { inputs: { x: {} }, nodes: [node('y', 'sin', [name])] },
      { inputs: { x: {} }, nodes: [node('y', 'sin', ['x'], { [name]: 1 })] },
      { inputs: { x: { dtype: name } }, nodes: [] },
      `y = ${name}`,
    ]) {
      const { text, status } = await service.post('/v1/evaluate', { graph, values: { x: 1 } });
      expect(status).toBe(400);
      expect(text.length).toBeLessThan(4000);
    }
  }, 60_000);

  test('a text of 32 MB where an object belongs', async () => {
    const text = 'x'.repeat(32 * 2 ** 20);
    for (const graph of [
      { inputs: text, nodes: [] },
      { inputs: {}, nodes: text },
      { inputs: { x: {} }, nodes: [{ name: 'y', op: 'sin', inputs: text }] },
      { inputs: { x: {} }, nodes: [{ name: 'y', op: 'sin', inputs: ['x'], params: text }] },
    ]) {
      const started = performance.now();
      const { text: reply, status } = await service.post('/v1/evaluate', { graph, values: { x: 1 } });
      expect(status).toBe(400);
      expect(reply.length).toBeLessThan(4000);
      expect(performance.now() - started).toBeLessThan(10_000);
    }
  }, 60_000);

  test('__proto__ in params that lie deep', async () => {
    const text =
      '{"graph":{"inputs":{"x":{}},"nodes":[{"name":"y","op":"scan","inputs":["x"],"params":{"carry":1,"length":1,"body":{"inputs":["v"],"outputs":["v"],"__proto__":{"nodes":[]}}}}]},"values":{"x":1}}';
    expect((await refuse('/v1/evaluate', text)).detail).toContain("'__proto__'");
  });
});

describe('T14 numbers', () => {
  test.each([
    ['1e999', /too large|Infinity/],
    ['NaN', /JSON|NaN/],
    ['null', /null/],
    ['"nan"', /"NaN"/],
  ])('%s in a tensor', async (number, words) => {
    const problem = await refuse('/v1/evaluate', `{"graph":"y = x","values":{"x":[1,${number}]}}`);
    expect(problem.status).toBe(400);
    expect(problem.detail).toMatch(words);
  });

  test('1e999 as an operand', async () => {
    const problem = await refuse(
      '/v1/evaluate',
      '{"graph":{"inputs":{"x":{}},"nodes":[{"name":"y","op":"mul","inputs":["x",1e999]}]},"values":{"x":1}}',
    );
    expect(problem.node).toBe('y');
  });

  test.each([
    [2 ** 53, /2\^53|decimal string/],
    [1.5, /integer/],
    ['9223372036854775808', /out of range/],
  ])('%s as an int64', async (element, words) => {
    const problem = await refuse('/v1/evaluate', {
      graph: 'y = x',
      values: { x: { dtype: 'int64', shape: [1], data: [element] } },
    });
    expect(problem.detail).toMatch(words);
  });

  test.each([
    ['log', 0, '-Infinity', 'Infinity'],
    ['sqrt', 0, 0, 'Infinity'],
    ['reciprocal', 0, 'Infinity', '-Infinity'],
    ['log', -1, 'NaN', -1],
  ])('%s(%d) has its value and its derivative', async (op, x, value, derivative) => {
    const reply = await service.ok('/v1/gradient', { graph: `y = ${op}(x)`, values: { x }, sources: 'x' });
    expect(reply.values.y).toBe(value);
    if (op !== 'log' || x === 0) expect(reply.gradients).toBe(derivative);
  });

  test('-0, denormals and the strings of infinity survive', async () => {
    const { text } = await service.post(
      '/v1/evaluate',
      '{"graph":"y = x","values":{"x":{"dtype":"float64","shape":[5],"data":[-0,5e-324,"-Infinity","NaN",1.7976931348623157e308]}}}',
    );
    expect(text).toContain('[-0,5e-324,"-Infinity","NaN",1.7976931348623157e+308]');
  });
});

describe('T34 what errors say', () => {
  // The client of these tests refuses every error reply that holds a path, a stack or a word of the runtime.
  test('a leak would be found', async () => {
    await expect(client().post('/v1/evaluate', { graph: 'y = x', values: { x: 'node:internal' } })).rejects.toThrow(
      /leaks/,
    );
  });

  test('random bodies are refused without a word of the inside', async () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    const field = fc.constantFrom(
      'graph',
      'values',
      'sources',
      'targets',
      'options',
      'watch',
      'output_gradients',
      'transforms',
      'tangents',
      'cotangents',
    );
    const paths = [
      'evaluate',
      'gradient',
      'jvp',
      'vjp',
      'jacobian',
      'batch_jacobian',
      'hessian',
      'hvp',
      'run',
      'check',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.dictionary(field, json), async (path, body) => {
        await survive(`/v1/${path}`, { ...GOOD, ...body });
      }),
      { numRuns: 500, seed: 5 },
    );
  }, 60_000);

  test('random changes of a good document never fail', async () => {
    const document = {
      inputs: { x: { dtype: 'float32', shape: [2, 2] } },
      variables: { w: { trainable: true } },
      constants: { c: [1, 2] },
      nodes: [
        node('a', 'matmul', ['x', 'w']),
        node('b', 'add', ['a', 'c']),
        node('s', 'scan', ['b'], {
          carry: 1,
          length: 2,
          body: { inputs: ['v'], nodes: [node('t', 'tanh', ['v'])], outputs: ['t'] },
        }),
        node('y', 'sum', ['s'], { axes: [0] }),
      ],
      outputs: ['y'],
    };
    const values = {
      x: [
        [1, 2],
        [3, 4],
      ],
      w: [
        [1, 0],
        [0, 1],
      ],
    };
    const places = pathsOf(document);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), async (place, value) => {
        await survive('/v1/gradient', { graph: replaced(document, place, value), values, sources: ['w', 'x'] });
      }),
      { numRuns: 600, seed: 7 },
    );
  }, 60_000);
});

type Path = readonly (string | number)[];

/** The places of all values in a document. */
function pathsOf(json: Json, at: Path = []): Path[] {
  if (typeof json !== 'object' || json === null) return [at];
  const keys = Array.isArray(json) ? json.keys() : Object.keys(json);
  return [at, ...[...keys].flatMap((key) => pathsOf(json[key], [...at, key]))];
}

/** A copy of a document with another value at a place. */
function replaced(json: Json, [key, ...rest]: Path, value: unknown): Json {
  if (key === undefined) return value;
  const copy = Array.isArray(json) ? [...json] : { ...json };
  copy[key] = replaced(json[key], rest, value);
  return copy;
}

const paramsOf = (entry: Entry): z.ZodType =>
  'build' in entry ? entry.params : (entry.surface?.params ?? entry.params);

function hasParams(entry: Entry): boolean {
  const schema = z.toJSONSchema(paramsOf(entry), { io: 'input', unrepresentable: 'any' }) as Json;
  return Object.keys(schema.properties ?? {}).length > 0;
}

/** Inputs for an op, by what its operands take: `x` floats, `i` integers, `p` bools. */
function operandsOf({ operands }: Entry): string[] {
  return operands.map(({ kind }) => (kind === 'integer' ? 'i' : kind === 'bool' ? 'p' : 'x'));
}

/** Params that an op cannot do without, at some usual value. */
function usualParams(entry: Entry, schema: Json): Record<string, unknown> {
  const usual: Record<string, unknown> = {
    body: { inputs: ['v'], outputs: ['v'] },
    carry: 1,
    length: 2,
    dtype: 'float32',
    shape: [3],
  };
  const required = new Set<string>([...(schema.required ?? []), ...(entry.name === 'scan' ? ['length'] : [])]);
  return Object.fromEntries([...required].map((param) => [param, usual[param] ?? 1]));
}

/** Values at and just over the bounds of a schema, lists of them where it wants lists. */
function extremes(schema: Json): unknown[] {
  const alternatives = [schema.anyOf, schema.oneOf].flat().filter((part) => part);
  if (alternatives.length > 0) return alternatives.flatMap(extremes);
  if (schema.type === 'integer' || schema.type === 'number') {
    const { minimum, maximum } = schema;
    return [minimum - 1, minimum, maximum, maximum + 1];
  }
  if (schema.type === 'string') return [...(schema.enum ?? []), 'other'];
  if (schema.type !== 'array') return [];
  const items = schema.prefixItems ? extremes(schema.prefixItems[0]) : extremes(schema.items);
  const lengths = [0, 1, 2, Math.min(schema.maxItems ?? 2, 20), Math.min((schema.maxItems ?? 2) + 1, 21)];
  return lengths.flatMap((length) => items.map((item) => new Array(length).fill(item)));
}

function filled([size, ...rest]: readonly number[]): unknown {
  return size === undefined ? 0.5 : new Array(size).fill(filled(rest));
}
