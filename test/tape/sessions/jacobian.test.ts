/** @file Jacobians on tapes by TensorFlow's JacobianTest and BatchJacobianTest: the numbers, the shapes, the words of the errors. */
import { describe, expect, test } from 'vitest';
import { choice, expectClose, type Json, node, shapeOf } from '../harness.ts';
import { listening, refusal, type Tape } from './notebook.ts';

const service = listening();

const MODES = ['auto', 'forward', 'reverse'] as const;

const diagonal = (a: number, b: number): number[][] => [
  [a, 0],
  [0, b],
];

async function watching(values: Readonly<Record<string, Json>>, cells: readonly Json[] = []): Promise<Tape> {
  const tape = await (await service.notebook()).tape({ persistent: true, values, watch: Object.keys(values) });
  for (const cell of cells) await tape.record(cell);
  return tape;
}

const loop = (name: string, start: Json, over: string, op: string): object => ({
  inputs: { [over]: {} },
  nodes: [
    node(name, 'scan', [start, over], {
      carry: 1,
      body: { inputs: ['sum', 'x'], nodes: [node('s', op, ['sum', 'x'])], outputs: ['s', 's'] },
    }),
  ],
});

describe('jacobian', () => {
  test.each(MODES)('x * x * y by both of its inputs (%s)', async (mode) => {
    const tape = await watching({ x: [1, 2], y: [3, 4] }, ['sq = x * x', 'z = sq * y']);
    expect(await tape.jacobian('z', ['x', 'y'], { mode })).toEqual([diagonal(6, 16), diagonal(1, 4)]);
    expect(await tape.jacobian('z', { sq: 'sq', both: ['x', 'y'] }, { mode })).toEqual({
      sq: diagonal(3, 4),
      both: [diagonal(6, 16), diagonal(1, 4)],
    });
  });

  test.each(MODES)('test_parallel_iterations: of a matrix product (%s)', async (mode) => {
    const tape = await watching({ x: [[1, 2]], w: [[3], [4]] }, ['p = x @ w', 'y = p * 1']);
    expect(await tape.jacobian('y', { x: 'x', w: 'w' }, { mode })).toEqual({ x: [[[[3, 4]]]], w: [[[[1], [2]]]] });
  });

  test.each(MODES)('by an intermediate value, of the same cell or another (%s)', async (mode) => {
    const tape = await watching({ x: [1, 3] }, ['y = x * x; z = y * y', 'w = z * y']);
    expect(await tape.jacobian('z', 'y', { mode })).toEqual(diagonal(2, 18));
    expect(await tape.jacobian('w', 'y', { mode })).toEqual(diagonal(3, 243));
  });

  test.each(MODES)('test_indexed_slices: rows of a table (%s)', async (mode) => {
    const tape = await watching({ x: [5, 6] });
    await tape.record('rows = take(x, i, axis=0)', { i: { dtype: 'int32', shape: [2], data: [1, 1] } });
    await tape.record('y = rows * 2');
    expect(await tape.jacobian('y', 'x', { mode })).toEqual([
      [0, 2],
      [0, 2],
    ]);
  });

  test.each(MODES)('of a branch (%s)', async (mode) => {
    const tape = await watching({ x: [1, 2] }, ['p = max(x) > 5', 'a = x * x', 'b = x * 3']);
    await tape.record({
      inputs: { p: { dtype: 'bool' }, a: {}, b: {} },
      nodes: [choice('y', ['p'], { outputs: ['a'] }, { outputs: ['b'] })],
    });
    expect(await tape.jacobian('y', 'x', { mode })).toEqual(diagonal(3, 3));
    expect(await tape.ask('jacobian', { target: 'y', sources: ['a', 'b'] })).toMatchObject({
      jacobians: [null, diagonal(1, 1)],
      unconnected: { a: { reason: 'untaken_branch' } },
    });
  });

  test.each(MODES)(
    'test_foldl_partial_function, test_foldl_pure_function: of the steps of a loop (%s)',
    async (mode) => {
      const tape = await watching({ x: [1, 2, 3] }, ['xs = x * 1']);
      await tape.record(loop('last', 0, 'xs', 'add'));
      expect(await tape.gradient('last', 'x')).toEqual([1, 1, 1]);
      expect(await tape.jacobian('last', 'x', { mode })).toEqual([1, 1, 1]);
      // Running sums: each depends on the elements up to its own.
      expect(await tape.jacobian('last:1', 'x', { mode })).toEqual([
        [1, 0, 0],
        [1, 1, 0],
        [1, 1, 1],
      ]);
    },
  );

  test('a source that is a scalar gives the shape of the target', async () => {
    const tape = await watching({ d: 0 }, ['y = d + 1']);
    expect(await tape.jacobian('y', 'd')).toBe(1);
    await tape.record('z = d * c', { c: [[1, 2]] });
    expect(await tape.jacobian('z', 'd')).toEqual([[1, 2]]);
  });

  test('test_nested_jacobian: a Jacobian of a Jacobian', async () => {
    const nb = await service.notebook();
    const outer = await nb.tape({ persistent: true, values: { x: [1, 2] }, watch: 'x' });
    const inner = await nb.tape({ outer, watch: 'x' });
    await inner.record('sq = x * x');
    await inner.record('y = sq * x');
    expect(await inner.jacobian('y', 'x', { record: [outer, 'j'] })).toEqual(diagonal(3, 12));
    const second = await outer.jacobian('j', 'x');
    expect(shapeOf(second)).toEqual([2, 2, 2]);
    expect(second).toEqual([diagonal(6, 0), diagonal(0, 12)]);
  });

  test('test_nested_batch_jacobian_foldl: a Jacobian of a per-example Jacobian of a loop', async () => {
    const nb = await service.notebook();
    const outer = await nb.tape({ values: { x: [[1, 2, 3]] }, watch: 'x' });
    const inner = await nb.tape({ outer, watch: 'x' });
    await inner.record('xs = transpose(x)');
    await inner.record({
      inputs: { xs: {} },
      nodes: [
        node('one', 'ones_like', ['xs']),
        node('start', 'max', ['one'], { axis: 0 }),
        node('product', 'scan', ['start', 'xs'], {
          carry: 1,
          body: { inputs: ['p', 'x'], nodes: [node('n', 'mul', ['p', 'x'])], outputs: ['n'] },
        }),
      ],
    });
    await inner.record('y = reshape(product, shape=[1, 1])');
    expect(await inner.batchJacobian('y', 'x', { record: [outer, 'j'] })).toEqual([[[6, 3, 2]]]);
    // The second derivatives of x0 x1 x2.
    expect(await outer.jacobian('j', 'x')).toEqual([[[[[0, 3, 2]], [[3, 0, 1]], [[2, 1, 0]]]]]);
  });

  test('test_grad_jacobian_conv: a Jacobian of a gradient, of a sum over windows', async () => {
    const tape = await watching({ x: [1, 2, 3] });
    await tape.record('y = sum(x[0:2] * x[1:3] * x[0:2])');
    expect(await tape.gradient('y', 'x', { record: [tape, 'g'] })).toEqual([4, 13, 4]);
    expect(await tape.jacobian('g', 'x')).toEqual([
      [4, 2, 0],
      [2, 6, 4],
      [0, 4, 0],
    ]);
  });

  test('test_cond_func_grad_jacobian', async () => {
    const nb = await service.notebook();
    const outer = await nb.tape({ values: { x: 1 }, watch: 'x' });
    const inner = await nb.tape({ outer, watch: 'x' });
    await inner.record('positive = x > 0');
    await inner.record({
      inputs: { positive: { dtype: 'bool' }, x: {} },
      nodes: [
        choice(
          'y',
          ['positive'],
          { nodes: [node('cube', 'pow', ['x', 3])], outputs: ['cube'] },
          { nodes: [node('square', 'pow', ['x', 2])], outputs: ['square'] },
        ),
      ],
    });
    expect(await inner.gradient('y', 'x', { record: [outer, 'g'] })).toBe(3);
    expect(await outer.jacobian('g', 'x')).toBe(6);
  });

  test.each(MODES)('test_empty_tensor_consistent_jacobian (%s)', async (mode) => {
    const tape = await watching({ x: { dtype: 'float32', shape: [0, 2], data: [] } });
    await tape.record('y = x * x');
    expect(await tape.jacobian('y', 'x', { mode, options: { encoding: 'flat' } })).toEqual({
      dtype: 'float32',
      shape: [0, 2, 0, 2],
      data: [],
    });
  });

  test('unconnected sources have null, or zeros of target.shape and source.shape', async () => {
    const tape = await watching({ x: [1, 2], u: [[1, 2, 3]] }, ['y = x * x']);
    expect(await tape.jacobian('y', ['x', 'u'])).toEqual([diagonal(2, 4), null]);
    const [, zeros] = await tape.jacobian('y', ['x', 'u'], { unconnected_gradients: 'zero' });
    expect(zeros).toEqual([[[0, 0, 0]], [[0, 0, 0]]]);
    expect(shapeOf(zeros)).toEqual([2, 1, 3]);
  });

  test('of an integer target there is none', async () => {
    const tape = await watching({ x: [1, 2] }, ['i = cast(x, dtype="int32")']);
    const reply = await tape.ask('jacobian', { target: 'i', sources: ['x'] });
    expect(reply).toMatchObject({ jacobians: [null], unconnected: { x: { reason: 'integer_dtype' } } });
  });

  test.each([
    ['a target that does not exist', { target: 'ouput', sources: 'x' }, /called 'ouput'\. Did you mean 'output'\?/],
    ['a source that does not exist', { target: 'output', sources: ['xx'] }, /called 'xx'\./],
    [
      'a mode that does not exist',
      { target: 'output', sources: 'x', mode: 'backward' },
      /expected 'auto' or 'forward' or 'reverse'/,
    ],
    ['several targets', { target: ['output', 'x'], sources: 'x' }, /target/],
  ])('%s', async (_, asked, detail) => {
    const tape = await watching({ x: [1, 2] }, ['output = x * 2']);
    const problem = await refusal(tape.ask('jacobian', asked));
    expect(problem.status).toBe(400);
    expect(problem.detail).toMatch(detail);
    expect(await tape.jacobian('output', 'x')).toEqual(diagonal(2, 2));
  });
});

describe('tapes that answer once', () => {
  const USED = 'A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)';

  test.each([
    ['testGradientTapeJacobianCalledMultipleTimes', 'jacobian'],
    ['testGradientTapeBatchJacobianCalledMultipleTimes', 'batch_jacobian'],
  ])('%s', async (_, verb) => {
    const tape = await (await service.notebook()).tape({ values: { x: [[3]] }, watch: 'x' });
    await tape.record('y = x * x; z = y * y');
    const wanted = verb === 'jacobian' ? [[[[108]]]] : [[[108]]];
    expect((await tape.ask(verb, { target: 'z', sources: 'x' })).jacobians).toEqual(wanted);
    expect((await refusal(tape.ask(verb, { target: 'y', sources: 'x' }))).detail).toContain(USED);
  });

  test('a Jacobian needs no persistent tape, where TensorFlow without pfor wants one', async () => {
    const tape = await (await service.notebook()).tape({ values: { x: [1, 2, 3] }, watch: 'x' });
    await tape.record('y = x * x');
    expect(shapeOf(await tape.jacobian('y', 'x', { mode: 'reverse' }))).toEqual([3, 3]);
  });
});

describe('within the scope of a tape', () => {
  test('testJacobianInsideGradientTapeScope', async () => {
    const tape = await watching({ x: 3 }, ['y = x * x', 'z = y * y']);
    expect(await tape.jacobian('z', 'x')).toBe(108);
    await tape.record('w = z * x');
    expect(await tape.jacobian('w', 'x')).toBe(405);
  });

  test('testBatchJacobianInsideGradientTapeScope', async () => {
    const tape = await watching({ x: [[3]] }, ['y = x * x', 'z = y * y']);
    expect(await tape.batchJacobian('z', 'x')).toEqual([[[108]]]);
  });
});

describe('batch_jacobian', () => {
  const x = [
    [1, 2],
    [3, 4],
  ];
  const y = [
    [3, 4],
    [5, 6],
  ];

  test('testBatchJacobianParallelIterations: row by row, by one source or several', async () => {
    const tape = await watching({ x, y }, ['sq = x * x', 'z = sq * y']);
    expect(await tape.batchJacobian('z', 'x')).toEqual([diagonal(6, 16), diagonal(30, 48)]);
    expect(await tape.batchJacobian('z', { x: 'x', others: ['y'] })).toEqual({
      x: [diagonal(6, 16), diagonal(30, 48)],
      others: [[diagonal(1, 4), diagonal(9, 16)]],
    });
  });

  test('test_degenerate_shape', async () => {
    const tape = await watching({ x: { dtype: 'float32', shape: [1, 0], data: [] } }, ['y = tanh(x)']);
    const made = await tape.batchJacobian('y', 'x', { options: { encoding: 'flat' } });
    expect(made).toEqual({ dtype: 'float32', shape: [1, 0, 0], data: [] });
  });

  test('unconnected sources have null, or zeros of their shape', async () => {
    const tape = await watching(
      {
        x,
        u: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
      ['y = x * x'],
    );
    expect(await tape.batchJacobian('y', ['u'])).toEqual([null]);
    expect(shapeOf(await tape.batchJacobian('y', 'u', { unconnected_gradients: 'zero' }))).toEqual([2, 2, 3]);
  });

  test.each([
    [
      'testBadShape',
      'y = concatenate(x, x, axis=0)',
      x,
      /Need first dimension of target shape .* and source shape .* to match/,
    ],
    ['testBadInputRank', 'y = x * 2', [1, 2], /must have rank at least 2/],
    ['testBadOutputRank', 'y = sum(x, axis=1)', x, /must have rank at least 2/],
  ])('%s has the words of TensorFlow', async (_, cell, value, detail) => {
    const tape = await watching({ x: value }, [cell]);
    const problem = await refusal(tape.batchJacobian('y', 'x'));
    expect(problem).toMatchObject({ status: 400, code: 'type_mismatch' });
    expect(problem.detail).toMatch(detail);
    expect(shapeOf(await tape.gradient('y', 'x'))).toEqual(shapeOf(value));
  });
});

test('the Jacobian times a tangent is what is pushed forward, a cotangent times it what is pulled back', async () => {
  const tape = await watching({ x: [0.5, -1, 2] }, ['a = sin(x) * x', 'y = a[0:2] * a[1:3]']);
  const [j0, j1] = await tape.jacobian('y', 'x');
  const dot = (row: number[], v: number[]) => row.reduce((sum, each, i) => sum + each * v[i]!, 0);
  const tangents = [
    [1, 2, 3],
    [-1, 0, 4],
  ];
  const { y } = await tape.pushforward({ x: tangents }, 'y');
  expectClose(
    y,
    tangents.map((v) => [dot(j0, v), dot(j1, v)]),
    1e-5,
  );
  const pulled = await tape.pullback({ y: [[1, 10]] }, 'x');
  expectClose(pulled, [(j0 as number[]).map((each, i) => each + 10 * j1[i])], 1e-5);
});
