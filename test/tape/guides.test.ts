/** @file What TensorFlow's two guides to automatic differentiation document (A1 to A23, B1 to B12), with their numbers. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type Case,
  choice,
  client,
  expectClose,
  type Json,
  node,
  reasonsOf,
  shapeOf,
  TENSORFLOW,
  testCases,
} from './harness.ts';

const service = client();

/** Behaviours of a tape that lives across requests, or of a program around it, which one request cannot show. */
const NOT_STATELESS: Readonly<Record<string, string>> = {
  A11: 'what a tape keeps in memory, and frees: a request keeps nothing when it is answered',
  A21: 'datasets and queues: a graph has no iterators; variables are its only state (A20)',
  B5: "a custom gradient survives saving: a graph document is its own saved form, and a 'custom_vjp' is part of it (B4)",
};

/** Behaviours that are shown as far as a request goes; what is left is the matter of a session's tape. */
const IN_PART: Readonly<Record<string, string>> = {
  A6: 'a tape can be asked what it watches; a request is answered for what it watches',
  A10: 'a second call of a non-persistent tape fails; every request is a tape of its own',
  A18: 'computation that leaves TensorFlow; a client that computes half way sends the result as a value',
  A22: 'an op without a registered gradient is a LookupError; here such an op gives null with its reason',
  B1: 'recording stops and starts; a request hides a part of its graph by stop_gradient',
  B2: 'a tape is reset; a request sends as a value what was computed before',
};

const square = (name: string, x: string): object => node(name, 'mul', [x, x]);

const A: Case[] = [
  {
    title: 'A1 the derivative of a scalar function',
    request: { graph: 'y = x ** 2', values: { x: 3 }, sources: 'x' },
    expect: { values: { y: 9 }, gradients: 6 },
  },
  {
    title: 'A3 sources in any nesting of lists and objects',
    request: {
      graph: 'y = a + 2 * b + 3 * c + 4 * d',
      values: { a: 1, b: 1, c: 1, d: 1 },
      sources: { first: ['a', { inner: ['b'] }], second: { c: 'c', empty: [], none: {} }, third: [['d'], 'a'] },
    },
    expect: { gradients: { first: [1, { inner: [2] }], second: { c: 3, empty: [], none: {} }, third: [[4], 1] } },
  },
  {
    title: 'A5 what is watched: a variable, no frozen variable, tensor or constant',
    request: {
      graph: {
        inputs: { x2: {} },
        variables: { x0: {}, x1: { trainable: false } },
        constants: { x3: 3 },
        nodes: [
          node('a', 'pow', ['x0', 2]),
          node('b', 'pow', ['x1', 2]),
          node('c', 'pow', ['x2', 2]),
          node('ab', 'add', ['a', 'b']),
          node('y', 'add', ['ab', 'c']),
        ],
      },
      values: { x0: 3, x1: 3, x2: 3 },
      sources: ['x0', 'x1', 'x2', 'x3'],
      watch: [],
    },
    expect: {
      gradients: [6, null, null, null],
      unconnected: { x1: 'not_trainable', x2: 'not_watched', x3: 'constant' },
    },
  },
  {
    title: 'A7 watch makes a constant differentiable',
    request: {
      graph: { constants: { x: 3 }, nodes: [node('y', 'pow', ['x', 2])] },
      sources: 'x',
      watch: ['x'],
    },
    expect: { values: { y: 9 }, gradients: 6, unconnected: {} },
  },
  {
    title: 'A7 watch makes a frozen variable differentiable',
    request: {
      graph: { variables: { x: { trainable: false } }, nodes: [node('y', 'pow', ['x', 2])] },
      values: { x: 3 },
      sources: 'x',
      watch: ['x'],
    },
    expect: { gradients: 6, unconnected: {} },
  },
  {
    title: 'A8 without watch_accessed_variables only what is named is watched',
    request: {
      graph: {
        variables: { x0: {}, x1: {} },
        nodes: [
          node('s', 'sin', ['x0']),
          node('p', 'softplus', ['x1']),
          node('y', 'add', ['s', 'p']),
          node('ys', 'reduce_sum', ['y']),
        ],
      },
      values: { x0: 0, x1: 10 },
      sources: { x0: 'x0', x1: 'x1' },
      watch: ['x1'],
      watch_accessed_variables: false,
    },
    expect: { gradients: { x0: null, x1: 0.9999546 }, unconnected: { x0: 'not_watched' } },
  },
  {
    title: 'A9 the gradient with respect to an intermediate value',
    request: { graph: 'y = x * x; z = y * y', values: { x: 3 }, targets: 'z', sources: ['y', 'x'] },
    expect: { values: { z: 81 }, gradients: [18, 108] },
  },
  ...(['z', 'y', 'z'] as const).map((target, i) => ({
    title: `A10 several gradients of one computation: d${target}/dx, call ${i + 1}`,
    request: { graph: 'y = x * x; z = y * y', values: { x: [1, 3] }, targets: target, sources: 'x' },
    expect: { gradients: target === 'z' ? [4, 108] : [2, 6] },
  })),
  ...(
    [
      ['y0', 4],
      ['y1', -0.25],
      [['y0', 'y1'], 3.75],
    ] as const
  ).map(([targets, gradients]) => ({
    title: `A12 several targets: the gradient of their sum (${targets})`,
    request: { graph: 'y0 = x ** 2; y1 = 1 / x', values: { x: 2 }, targets, sources: 'x' },
    expect: { gradients },
  })),
  {
    title: 'A12 a graph with several outputs: the gradient of their sum',
    request: { graph: 'y0 = x ** 2; y1 = 1 / x; y0, y1', values: { x: 2 }, sources: 'x' },
    expect: { values: { y0: 4, y1: 0.5 }, gradients: 3.75 },
  },
  {
    title: 'A13 a target that is no scalar: the gradient of its sum',
    request: { graph: 'c = [3, 4]; y = x * c', values: { x: 2 }, sources: 'x' },
    expect: { values: { y: [6, 8] }, gradients: 7 },
  },
  {
    title: 'A14 an elementwise function: the derivative of each element',
    request: { graph: 'y = sigmoid(x)', values: TENSORFLOW.sigmoid.inputs, sources: { x: 'x' } },
    expect: { values: { y: TENSORFLOW.sigmoid.value }, gradients: TENSORFLOW.sigmoid.gradients },
  },
  {
    title: "A15 the branch not taken: its variable's gradient is null, and so is the predicate's",
    request: {
      graph: {
        inputs: { x: {} },
        variables: { v0: {}, v1: {} },
        nodes: [
          node('positive', 'gt', ['x', 0]),
          choice('result', ['positive'], { outputs: ['v0'] }, { nodes: [node('s', 'pow', ['v1', 2])], outputs: ['s'] }),
        ],
      },
      values: { x: 1, v0: 2, v1: 2 },
      sources: { v0: 'v0', v1: 'v1', x: 'x' },
    },
    expect: {
      values: { result: 2 },
      gradients: { v0: 1, v1: null, x: null },
      unconnected: { v1: 'untaken_branch', x: 'integer_dtype' },
    },
  },
  {
    title: 'A15 the other branch',
    request: {
      graph: {
        inputs: { x: {} },
        variables: { v0: {}, v1: {} },
        nodes: [
          node('positive', 'gt', ['x', 0]),
          choice('result', ['positive'], { outputs: ['v0'] }, { nodes: [node('s', 'pow', ['v1', 2])], outputs: ['s'] }),
        ],
      },
      values: { x: -1, v0: 2, v1: 2 },
    },
    expect: { gradients: { v0: null, v1: 4 }, unconnected: { v0: 'untaken_branch' } },
  },
  {
    title: 'A16 a target that does not depend on the source',
    request: {
      graph: { variables: { x: {}, y: {} }, nodes: [square('z', 'y')] },
      values: { x: 2, y: 3 },
      sources: 'x',
    },
    expect: { gradients: null, unconnected: { x: 'not_on_path' } },
  },
  {
    title: 'A17 a variable: watched',
    request: { graph: { variables: { x: {} }, nodes: [node('y', 'add', ['x', 1])] }, values: { x: 2 }, sources: 'x' },
    expect: { values: { y: 3 }, gradients: 1 },
  },
  {
    title: 'A17 replaced by a tensor: not watched',
    request: {
      graph: { inputs: { x: {} }, nodes: [node('y', 'add', ['x', 1])] },
      values: { x: 3 },
      sources: 'x',
      watch: [],
    },
    expect: { values: { y: 4 }, gradients: null, unconnected: { x: 'not_watched' } },
  },
  {
    title: 'A18 a value that was computed outside',
    request: {
      graph: { variables: { x: {} }, inputs: { x2: {} }, nodes: [node('y', 'reduce_mean', ['x2'], { axis: 0 })] },
      values: { x: [1, 2], x2: [1, 4] },
      sources: 'x',
    },
    expect: { values: { y: 2.5 }, gradients: null, unconnected: { x: 'not_on_path' } },
  },
  {
    title: 'A19 integers have no derivatives',
    request: {
      graph: { constants: { x: { dtype: 'int32', shape: [], data: [10] } }, nodes: [square('y', 'x')] },
      sources: 'x',
      watch: ['x'],
    },
    expect: { values: { y: 100 }, gradients: null, unconnected: { x: 'integer_dtype' } },
  },
  {
    title: 'A19 nor has a float whose every path turns into integers',
    request: { graph: 'y = cast(cast(x, dtype="int32"), dtype="float32") * 2', values: { x: 2.5 }, sources: 'x' },
    expect: { values: { y: 4 }, gradients: null, unconnected: { x: 'integer_dtype' } },
  },
  {
    title: 'A20 state stops gradients',
    request: {
      graph: {
        variables: { x0: {}, x1: {} },
        nodes: [node('x1_plus_x0', 'assign_add', ['x1', 'x0']), node('y', 'pow', ['x1', 2])],
      },
      values: { x0: 3, x1: 0 },
      sources: ['x0', 'x1'],
    },
    expect: {
      values: { y: 9 },
      gradients: [null, 6],
      unconnected: { x0: 'through_state' },
      variables: { x1: 3 },
    },
  },
  ...['floor', 'ceil', 'round', 'trunc'].map((op) => ({
    title: `A22 an op without a gradient: ${op}`,
    request: { graph: `y = ${op}(x) * 2`, values: { x: 2.7 }, sources: 'x' },
    expect: { gradients: null, unconnected: { x: 'no_gradient_defined' } },
  })),
  {
    title: 'A23 zeros where there is no gradient',
    request: {
      graph: { variables: { x: {}, y: {} }, nodes: [square('z', 'y')] },
      values: { x: [2, 2], y: 3 },
      sources: 'x',
      unconnected_gradients: 'zero',
    },
    expect: { values: { z: 9 }, gradients: [0, 0], unconnected: { x: 'not_on_path' } },
  },
];

describe('guide/autodiff', () => {
  testCases(service, A);

  test('A6 without sources the gradients are those of the watched variables, in the order they were made', async () => {
    const { gradients } = await service.ok('/v1/gradient', {
      graph: {
        variables: { x1: { trainable: false }, x0: {}, w: {} },
        nodes: [node('p', 'mul', ['x0', 'x1']), node('y', 'mul', ['p', 'w'])],
      },
      values: { w: 5, x0: 3, x1: 4 },
    });
    expect(Object.entries(gradients)).toEqual([
      ['x0', 20],
      ['w', 12],
    ]);
  });

  test('A2 the gradient has the shape and the dtype of the source', async () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const { gradients } = await service.ok('/v1/gradient', {
        graph: 'loss = mean((x @ w + b) ** 2)',
        values: Object.fromEntries(
          Object.entries({ x: [1, 3], w: [3, 2], b: [2] }).map(([name, shape]) => [
            name,
            { dtype, shape, data: new Array(shape.reduce((a, b) => a * b)).fill(0.5) },
          ]),
        ),
        sources: { w: 'w', b: 'b' },
        options: { encoding: 'flat' },
      });
      expect(gradients.w).toMatchObject({ dtype, shape: [3, 2] });
      expect(gradients.b).toMatchObject({ dtype, shape: [2] });
    }
  });

  test('A4 a dense layer makes its variables, by the names Keras gives them', async () => {
    const reply = await service.ok('/v1/gradient', {
      graph: {
        inputs: { x: {} },
        nodes: [
          node('dense', 'dense', ['x'], { units: 2, activation: 'relu' }),
          node('sq', 'square', ['dense']),
          node('loss', 'reduce_mean', ['sq']),
        ],
      },
      values: { x: [[1, 2, 3]] },
    });
    expect(Object.keys(reply.gradients)).toEqual(['dense/kernel:0', 'dense/bias:0']);
    expect(shapeOf(reply.gradients['dense/kernel:0'])).toEqual([3, 2]);
    expect(shapeOf(reply.gradients['dense/bias:0'])).toEqual([2]);
    // Glorot's bound for 3 inputs and 2 units; zeros for the bias.
    const kernel = reply.variables['dense/kernel:0'].flat() as number[];
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThanOrEqual(Math.sqrt(6 / 5));
    expect(new Set(kernel).size).toBe(6);
    expect(reply.variables['dense/bias:0']).toEqual([0, 0]);
  });

  test('A4 the gradients of a dense layer with weights', async () => {
    const { inputs, loss, gradients } = TENSORFLOW['dense relu'];
    const reply = await service.ok('/v1/gradient', {
      graph: {
        inputs: { x: {} },
        nodes: [
          node('dense', 'dense', ['x'], { units: 2, activation: 'relu' }),
          node('sq', 'square', ['dense']),
          node('loss', 'reduce_mean', ['sq']),
        ],
      },
      values: { x: inputs.x, 'dense/kernel:0': inputs.kernel, 'dense/bias:0': inputs.bias },
      sources: ['dense/kernel:0', 'dense/bias:0'],
    });
    expectClose(reply.values.loss, loss);
    expectClose(reply.gradients, gradients);
    expect(reply.variables).toEqual({});
  });
});

const B: Case[] = [
  {
    title: 'B1 a part that is not recorded',
    request: {
      graph: 'x_sq = x * x; y_sq = stop_gradient(y * y); z = x_sq + y_sq',
      values: { x: 2, y: 3 },
      sources: { x: 'x', y: 'y' },
    },
    expect: { values: { z: 13 }, gradients: { x: 4, y: null }, unconnected: { y: 'stop_gradient' } },
  },
  {
    title: 'B2 a part that was computed before the tape was reset',
    request: {
      graph: {
        variables: { x: {}, y: {} },
        inputs: { y_sq: {} },
        nodes: [square('x_sq', 'x'), node('z', 'add', ['x_sq', 'y_sq'])],
      },
      values: { x: 2, y: 3, y_sq: 9 },
      sources: { x: 'x', y: 'y' },
    },
    expect: { gradients: { x: 4, y: null }, unconnected: { y: 'not_on_path' } },
  },
  {
    title: 'B3 stop_gradient on one of two paths leaves the other',
    request: { graph: 'z = x * stop_gradient(x) * y', values: { x: 2, y: 3 }, sources: { x: 'x', y: 'y' } },
    expect: { values: { z: 12 }, gradients: { x: 6, y: 4 }, unconnected: {} },
  },
  {
    title: 'B4 a custom gradient: the identity whose cotangent is clipped to the norm 0.5',
    request: {
      graph: {
        variables: { v: {} },
        nodes: [
          square('v_sq', 'v'),
          node('output', 'custom_gradient', ['v_sq'], {
            forward: { inputs: ['x'], outputs: ['x'] },
            backward: {
              inputs: ['x', 'y', 'ct'],
              nodes: [
                node('norm', 'norm', ['ct']),
                node('limit', 'maximum', ['norm', 0.5]),
                node('scaled', 'mul', ['ct', 0.5]),
                node('clipped', 'div', ['scaled', 'limit']),
              ],
              outputs: ['clipped'],
            },
          }),
        ],
      },
      values: { v: 2 },
    },
    expect: { values: { output: 4 }, gradients: { v: 2 } },
  },
  {
    title: 'B6 two tapes at once: the first watches x0',
    request: {
      graph: 'y = sin(x0) + sigmoid(x1)',
      values: { x0: 0, x1: 0 },
      sources: ['x0', 'x1'],
      watch: ['x0'],
    },
    expect: { gradients: [1, null], unconnected: { x1: 'not_watched' } },
  },
  {
    title: 'B6 two tapes at once: the second watches x1',
    request: {
      graph: 'y = sin(x0) + sigmoid(x1)',
      values: { x0: 0, x1: 0 },
      sources: ['x0', 'x1'],
      watch: ['x1'],
    },
    expect: { gradients: [null, 0.25], unconnected: { x0: 'not_watched' } },
  },
  {
    title: 'B7 nested tapes: the first and the second derivative',
    path: '/v1/run',
    request: {
      graph: 'y = x * x * x',
      values: { x: 1 },
      transforms: [
        { transform: 'gradient', sources: ['x'] },
        { transform: 'gradient', sources: ['x'] },
      ],
    },
    expect: { values: { y: 1 }, results: [{ 'gradient(x)': 3 }, { 'gradient(x) (2)': 6 }] },
  },
];

const DENSE_10 = {
  variables: { kernel: {}, bias: {} },
  inputs: { x: {} },
  nodes: [
    node('product', 'matmul', ['x', 'kernel']),
    node('sum', 'add', ['product', 'bias']),
    node('y', 'relu', ['sum']),
  ],
};

const TWO_LAYERS = 'loss = mean((tanh(x @ k1 + b1) @ k2 + b2) ** 2)';

describe('guide/advanced_autodiff', () => {
  testCases(service, B);

  test('B8 input gradient regularisation: the gradient of the norm of an input gradient', async () => {
    const { inputs, input_gradient, norm, gradients } = TENSORFLOW['input gradient regularisation'];
    const { results } = await service.ok('/v1/run', {
      graph: { ...DENSE_10, nodes: [...DENSE_10.nodes, square('sq', 'y'), node('out', 'sum', ['sq'])] },
      values: inputs,
      transforms: [
        { transform: 'gradient', sources: ['x'] },
        { transform: 'apply', graph: 'length = norm(g)', inputs: { g: 'gradient(x)' } },
        { transform: 'gradient', sources: ['kernel', 'bias'] },
      ],
    });
    expectClose(results[0]['gradient(x)'], input_gradient, 1e-5);
    expectClose(results[1].length, norm);
    const [kernel, bias] = Object.values(results[2]);
    expect(shapeOf(kernel)).toEqual([5, 10]);
    expect(shapeOf(bias)).toEqual([10]);
    expectClose(kernel, gradients.kernel, 1e-5);
    expectClose(bias, gradients.bias, 1e-5);
  });

  test.each(['auto', 'forward', 'reverse'])(
    'B9 the Jacobian of a dense layer (%s); its sum is the gradient',
    async (mode) => {
      const { inputs, jacobians, gradients } = TENSORFLOW['dense jacobian'];
      const reply = await service.ok('/v1/jacobian', {
        graph: DENSE_10,
        values: inputs,
        sources: { kernel: 'kernel', bias: 'bias' },
        mode,
      });
      expect(shapeOf(reply.jacobians.kernel)).toEqual([7, 10, 5, 10]);
      expectClose(reply.jacobians, jacobians);
      const summed = sumOf((reply.jacobians.kernel as Json[]).flat());
      expectClose(summed, gradients.kernel, 1e-3);
    },
  );

  test('B9 the Jacobian by a scalar source has the shape of the target', async () => {
    const { jacobians } = await service.ok('/v1/jacobian', {
      graph: 'y = sigmoid(x + delta)',
      values: { x: [0, 0], delta: 0 },
      sources: 'delta',
    });
    expectClose(jacobians, [0.25, 0.25]);
  });

  test('B10 a Hessian, and the Newton step that it gives', async () => {
    const { inputs, loss, gradient, hessian, newton_step } = TENSORFLOW.hessian;
    const request = { graph: TWO_LAYERS, values: inputs, sources: 'k1' };
    const { values, hessians } = await service.ok('/v1/hessian', request);
    expectClose(values.loss, loss);
    expect(shapeOf(hessians)).toEqual([3, 2, 3, 2]);
    expectClose(hessians, hessian, 1e-5);
    const { gradients } = await service.ok('/v1/gradient', request);
    expectClose(gradients, gradient, 1e-5);
    // (H + 0.001 I) step = g, checked rather than solved.
    const rows = (hessians as Json[]).flat().map((row: Json[]) => row.flat() as number[]);
    const step = (newton_step as number[][]).flat();
    const product = rows.map((row, i) => row.reduce((sum, h, j) => sum + h * step[j]!, 1e-3 * step[i]!));
    expectClose(product, gradients.flat(), 1e-4);
  });

  test("B10 Newton's method in one request: a graph applied to the first and the second derivative", async () => {
    const step = async (x: number): Promise<number> => {
      const { results } = await service.ok('/v1/run', {
        graph: 'y = x * log(x) - 2 * x; y, x',
        values: { x },
        transforms: [
          { transform: 'gradient', targets: 'y', sources: ['x'] },
          { transform: 'gradient', sources: ['x'] },
          { transform: 'apply', graph: 'next = x - g / h', inputs: { x: 'x', g: 'gradient(x)', h: 'gradient(x) (2)' } },
        ],
      });
      return results[2].next;
    };
    // The derivative is log(x) - 1, which is 0 at e.
    let x = 2;
    for (let i = 0; i < 5; i++) x = await step(x);
    expectClose(x, Math.E);
  });

  test.each([
    ['rows that depend on their own row alone', 'batch jacobian', 'y = elu(x @ kernel1) @ kernel2', [7, 6, 5]],
    [
      'batch normalisation mixes rows, without a word',
      'batch normalisation',
      'y = (x - mean(x, 0)) / std(x, 0)',
      [7, 3, 3],
    ],
  ])('B11 batch_jacobian: %s', async (_, name, graph, shape) => {
    const { inputs, jacobian } = TENSORFLOW[name];
    const { jacobians } = await service.ok('/v1/batch_jacobian', { graph, values: inputs, sources: 'x' });
    expect(shapeOf(jacobians)).toEqual(shape);
    expectClose(jacobians, jacobian, 1e-5);
  });

  test('B12 a Hessian-vector product, without the Hessian', async () => {
    const { inputs, vector, hvp } = TENSORFLOW.hessian;
    const request = { graph: TWO_LAYERS, values: inputs, tangents: { k1: vector } };
    const { products } = await service.ok('/v1/hvp', request);
    expectClose(products.k1, hvp, 1e-5);
    // The same as the guide writes it: the gradient of (gradient, vector), which is a vjp of the gradient.
    const { results } = await service.ok('/v1/run', {
      graph: TWO_LAYERS,
      values: inputs,
      transforms: [
        { transform: 'gradient', sources: ['k1'] },
        { transform: 'vjp', sources: ['k1'], cotangents: { 'gradient(k1)': vector } },
      ],
    });
    expectClose(results[1]['vjp(k1) (2)'], hvp, 1e-5);
  });
});

test('every documented behaviour is tested, or cannot be shown by one request', () => {
  const documented = [...numbered('A', 23), ...numbered('B', 12)];
  // The titles of this file are the only list of what it tests, so they cannot go out of step.
  const source = readFileSync(import.meta.filename, 'utf8');
  const missing = documented.filter((id) => !new RegExp(`['"\`]${id} `).test(source));
  expect(missing).toEqual(Object.keys(NOT_STATELESS));
  for (const id of Object.keys(IN_PART)) expect(documented).toContain(id);
});

test('every null of a reply has a reason, and a sentence that names it', async () => {
  const reply = await service.ok('/v1/gradient', {
    graph: 'y = a + stop_gradient(b) + floor(c)',
    values: { a: 1, b: 1, c: 1 },
    sources: ['a', 'b', 'c'],
  });
  expect(reply.gradients).toEqual([1, null, null]);
  expect(reasonsOf(reply)).toEqual({ b: 'stop_gradient', c: 'no_gradient_defined' });
  for (const [name, why] of Object.entries<Json>(reply.unconnected)) expect(why.detail).toContain(`'${name}'`);
});

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
}

function sumOf(tensors: Json[]): Json {
  return tensors.reduce((sum, tensor) => sum.map((row: number[], i: number) => row.map((x, j) => x + tensor[i][j])));
}
