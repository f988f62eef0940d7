/**
 * @file What TensorFlow's two guides to automatic differentiation document (A1 to A23, B1 to B12), and the notebook that
 * this project began from (N1 to N8), cell by cell through sessions. A title begins with the number of what it shows;
 * the last test finds every number among the titles.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { choice, expectClose, type Json, node, shapeOf, TENSORFLOW } from '../harness.ts';
import { listening, type Notebook, refusal } from './notebook.ts';

const service = listening();

const USED = 'A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)';

const dense = (activation?: string, units = 2): object => ({
  inputs: { x: {} },
  nodes: [
    node('dense', 'dense', ['x'], { units, ...(activation && { activation }) }),
    node('sq', 'square', ['dense']),
    node('loss', 'reduce_mean', ['sq']),
  ],
});

const writes = (op: string, to: string, from: string | number, name = 'written'): object => ({
  variables: { [to]: {} },
  inputs: typeof from === 'string' ? { [from]: {} } : {},
  nodes: [node(name, op, [to, from])],
});

describe('guide/autodiff', () => {
  test('A1 the derivative of a scalar function', async () => {
    const nb = await service.notebook();
    await nb.variable('x', 3);
    const tape = await nb.tape();
    expect(await tape.record('y = x ** 2')).toEqual({ y: 9 });
    expect(await tape.gradient('y', 'x')).toBe(6);
  });

  test.each(['float32', 'float64'])('A2 the gradient has the shape and the dtype of the source (%s)', async (dtype) => {
    const nb = await service.notebook({
      w: { value: [...'abc'].map(() => [0.5, -0.5]), dtype },
      b: { value: [0, 0], dtype },
    });
    const tape = await nb.tape({ persistent: true });
    const x = { dtype, shape: [1, 3], data: [1, 2, 3] };
    await tape.record('y = x @ w + b', { x });
    await tape.record('loss = mean(y ** 2)');
    const [w, b] = await tape.gradient('loss', ['w', 'b'], { options: { encoding: 'flat' } });
    expect(w).toMatchObject({ dtype, shape: [3, 2] });
    expect(b).toMatchObject({ dtype, shape: [2] });
  });

  test('A3 sources in any nesting of lists and objects', async () => {
    const nb = await service.notebook({ a: 1, b: 1, c: 1, d: 1 });
    const tape = await nb.tape();
    await tape.record('y = a + 2 * b + 3 * c + 4 * d');
    const sources = { first: ['a', { inner: ['b'] }], second: { c: 'c', empty: [], none: {} }, third: [['d'], 'a'] };
    expect(await tape.gradient('y', sources)).toEqual({
      first: [1, { inner: [2] }],
      second: { c: 3, empty: [], none: {} },
      third: [[4], 1],
    });
  });

  test('A4 a dense layer makes its variables, by the names Keras gives them, and keeps them', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ persistent: true });
    const first = await tape.recorded(dense('relu'), { x: [[1, 2, 3]] });
    expect(Object.keys(first.variables)).toEqual(['dense/kernel:0', 'dense/bias:0']);
    const gradients = await tape.gradient('loss');
    expect(Object.keys(gradients)).toEqual(['dense/kernel:0', 'dense/bias:0']);
    expect(shapeOf(gradients['dense/kernel:0'])).toEqual([3, 2]);
    expect(shapeOf(gradients['dense/bias:0'])).toEqual([2]);
    expect(await nb.valueOf('dense/kernel:0')).toEqual(first.variables['dense/kernel:0']);
    expect(await tape.record(dense('relu'), { x: [[1, 2, 3]] })).toEqual(first.values);
  });

  test('A4 the gradients of a dense layer with weights', async () => {
    const { inputs, loss, gradients } = TENSORFLOW['dense relu'];
    const nb = await service.notebook({ 'dense/kernel:0': inputs.kernel, 'dense/bias:0': inputs.bias });
    const tape = await nb.tape();
    expectClose((await tape.record(dense('relu'), { x: inputs.x })).loss, loss);
    expectClose(await tape.gradient('loss', ['dense/kernel:0', 'dense/bias:0']), gradients);
  });

  test('A5 what is watched: a variable, no frozen variable, tensor or constant', async () => {
    const nb = await service.notebook({ x0: 3, x1: { value: 3, trainable: false }, v: 2 });
    // The variable plus one is a tensor of another tape: this one is given its value.
    const { x2 } = await (await nb.tape()).record('x2 = v + 1');
    const tape = await nb.tape();
    await tape.record(
      {
        inputs: { x0: {}, x1: {}, x2: {} },
        constants: { x3: 3 },
        nodes: [
          node('a', 'pow', ['x0', 2]),
          node('b', 'pow', ['x1', 2]),
          node('c', 'pow', ['x2', 2]),
          node('d', 'pow', ['x3', 2]),
          node('ab', 'add', ['a', 'b']),
          node('abc', 'add', ['ab', 'c']),
          node('y', 'add', ['abc', 'd']),
        ],
      },
      { x2 },
    );
    expect(await tape.explained('y', ['x0', 'x1', 'x2', 'x3'])).toEqual([
      [6, null, null, null],
      { x1: 'not_trainable', x2: 'not_watched', x3: 'constant' },
    ]);
  });

  test('A6 watched_variables lists the variables that were read, in that order, and those that are named', async () => {
    const nb = await service.notebook({ w: 5, x1: { value: 4, trainable: false }, x0: 3, unread: 1 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('p = x0 * x1');
    expect((await tape.info()).watched_variables).toEqual(['x0']);
    await tape.record('y = p * w');
    await tape.watch('x1');
    expect((await tape.info()).watched_variables).toEqual(['x0', 'w', 'x1']);
    // Without sources the gradients are those of what is watched and was read.
    expect(Object.entries(await tape.gradient('y'))).toEqual([
      ['x0', 20],
      ['w', 12],
    ]);
  });

  test('A7 watch makes a tensor differentiable', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape();
    await tape.watch({ x: 3 });
    await tape.record('y = x ** 2');
    expect(await tape.gradient('y', 'x')).toBe(6);
  });

  test('A7 watch makes a constant of a graph, and a frozen variable, differentiable', async () => {
    const nb = await service.notebook({ frozen: { value: 4, trainable: false } });
    const tape = await nb.tape();
    const graph = { inputs: { frozen: {} }, constants: { x: 3 }, nodes: [node('y', 'mul', ['x', 'frozen'])] };
    await tape.record(graph, {}, { watch: ['x', 'frozen'] });
    expect(await tape.gradient('y', ['x', 'frozen'])).toEqual([4, 3]);
  });

  test('A8 without watch_accessed_variables only what is named is watched', async () => {
    const nb = await service.notebook({ x0: 0, x1: 10 });
    const tape = await nb.tape({ watch_accessed_variables: false });
    await tape.watch('x1');
    await tape.record('y0 = sin(x0); y1 = softplus(x1); y = y0 + y1; ys = sum(y)');
    const [gradients, reasons] = await tape.explained('ys', { x0: 'x0', x1: 'x1' });
    expectClose(gradients, { x0: null, x1: 0.9999546 });
    expect(reasons).toEqual({ x0: 'not_watched' });
  });

  test('A9 the gradient with respect to an intermediate value', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ values: { x: 3 }, watch: 'x' });
    await tape.record('y = x * x');
    await tape.record('z = y * y');
    expect(await tape.gradient('z', ['y', 'x'])).toEqual([18, 108]);
  });

  test('A10 a tape answers once', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ values: { x: [1, 3] }, watch: 'x' });
    await tape.record('y = x * x; z = y * y');
    expect(await tape.gradient('z', 'x')).toEqual([4, 108]);
    const problem = await refusal(tape.gradient('y', 'x'));
    expect(problem).toMatchObject({ status: 409, code: 'tape_used' });
    expect(problem.detail).toContain(USED);
  });

  test('A10 a persistent tape answers as often as it is asked, until it is deleted', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ persistent: true, values: { x: [1, 3] }, watch: 'x' });
    await tape.record('y = x * x');
    await tape.record('z = y * y');
    for (let i = 0; i < 2; i++) {
      expect(await tape.gradient('z', 'x')).toEqual([4, 108]);
      expect(await tape.gradient('y', 'x')).toEqual([2, 6]);
    }
    await tape.delete();
    expect(await refusal(tape.gradient('y', 'x'))).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('A11 what no derivative reads is not kept: relu keeps less than tanh; a tape that is used up keeps less', async () => {
    const nb = await service.notebook();
    const x = { dtype: 'float32', shape: [1000], data: Array.from({ length: 1000 }, (_, i) => i - 500) };
    const kept = async (graph: string): Promise<number> => {
      const tape = await nb.tape({ values: { x }, watch: 'x' });
      await tape.record(graph, {}, { outputs: 'loss' });
      return (await tape.info()).resident_bytes;
    };
    // The four bytes of each element of x are kept, being what the tape was given.
    const [add, relu, tanh] = [
      await kept('loss = sum(x + 1)'),
      await kept('loss = sum(relu(x))'),
      await kept('loss = sum(tanh(x) * 2)'),
    ];
    expect(add).toBe(4004);
    expect(relu).toBeLessThan(tanh);
    expect(tanh).toBeGreaterThanOrEqual(8000);
    const tape = await nb.tape({ values: { x }, watch: 'x' });
    await tape.record('loss = sum(tanh(x) * 2)', {}, { outputs: 'loss' });
    await tape.gradient('loss', 'x');
    expect((await tape.info()).resident_bytes).toBe(4004);
  });

  test('A12 several targets: the gradient of their sum', async () => {
    const nb = await service.notebook({ x: 2 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y0 = x ** 2; y1 = 1 / x; y0, y1');
    expect(await tape.gradient('y0', 'x')).toBe(4);
    expect(await tape.gradient('y1', 'x')).toBe(-0.25);
    expect(await tape.gradient(['y0', 'y1'], 'x')).toBe(3.75);
  });

  test('A13 a target that is no scalar: the gradient of its sum', async () => {
    const nb = await service.notebook({ x: 2 });
    const tape = await nb.tape();
    expect(await tape.record('c = [3, 4]; y = x * c')).toEqual({ y: [6, 8] });
    expect(await tape.gradient('y', 'x')).toBe(7);
  });

  test('A14 an elementwise function: the derivative of each element', async () => {
    const { inputs, value, gradients } = TENSORFLOW.sigmoid;
    const nb = await service.notebook();
    const tape = await nb.tape({ values: inputs, watch: 'x' });
    expectClose(await tape.record('y = sigmoid(x)'), { y: value });
    expectClose(await tape.gradient('y', { x: 'x' }), gradients);
  });

  test.each([
    [1, 2, { v0: 1, v1: null, x: null }, { v1: 'untaken_branch', x: 'integer_dtype' }],
    [-1, 4, { v0: null, v1: 4, x: null }, { v0: 'untaken_branch', x: 'integer_dtype' }],
  ])(
    'A15 the branch that is taken has the gradient, the other and the predicate none (x = %d)',
    async (x, result, ...wanted) => {
      const nb = await service.notebook({ v0: 2, v1: 2 });
      const tape = await nb.tape({ values: { x }, watch: 'x' });
      await tape.record('positive = x > 0');
      const values = await tape.record({
        inputs: { positive: { dtype: 'bool' }, v0: {}, v1: {} },
        nodes: [
          choice('result', ['positive'], { outputs: ['v0'] }, { nodes: [node('s', 'pow', ['v1', 2])], outputs: ['s'] }),
        ],
      });
      expect(values).toEqual({ result });
      expect(await tape.explained('result', { v0: 'v0', v1: 'v1', x: 'x' })).toEqual(wanted);
    },
  );

  test('A16 a target that does not depend on the source', async () => {
    const nb = await service.notebook({ x: 2, y: 3 });
    const tape = await nb.tape();
    await tape.record('z = y * y');
    expect(await tape.explained('z', 'x')).toEqual([null, { x: 'not_on_path' }]);
  });

  test('A17 a variable that is replaced by a tensor is not watched any more', async () => {
    const nb = await service.notebook({ x: 2 });
    const first = await nb.tape();
    const { y } = await first.record('y = x + 1');
    expect(await first.gradient('y', 'x')).toBe(1);
    // `x = x + 1` in Python gives the name to a tensor; here a tensor has a name of its own, and assign_add keeps x.
    const second = await nb.tape({ values: { x_new: y } });
    await second.record('y = x_new + 1');
    expect(await second.explained('y', 'x_new')).toEqual([null, { x_new: 'not_watched' }]);
    await nb.assignAdd('x', 1);
    const third = await nb.tape();
    await third.record('y = x + 1');
    expect(await third.gradient('y', 'x')).toBe(1);
  });

  test('A18 what was computed outside is a constant: the client computes half way, as NumPy does in the guide', async () => {
    const nb = await service.notebook({
      x: [
        [1, 2],
        [3, 4],
      ],
    });
    const tape = await nb.tape();
    const { x2 } = await tape.record('x2 = x ** 2');
    const mean = (x2 as number[][]).reduce((sum, row) => sum.map((s, i) => s + row[i]! / 2), [0, 0]);
    await tape.record('y = reduce_mean(m, axis=0)', { m: mean });
    expect(await tape.explained('y', 'x')).toEqual([null, { x: 'not_on_path' }]);
  });

  test('A19 integers have no derivatives, watched or not', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ values: { x: { dtype: 'int32', shape: [], data: [10] } }, watch: 'x' });
    expect(await tape.record('y = x * x')).toEqual({ y: 100 });
    expect(await tape.explained('y', 'x')).toEqual([null, { x: 'integer_dtype' }]);
  });

  test('A19 where TensorFlow refuses to mix dtypes they are promoted as in NumPy, and gradients keep their own', async () => {
    const nb = await service.notebook({ x: 2, n: { value: 3, dtype: 'float64' } });
    const tape = await nb.tape();
    await tape.record('y = x * n');
    const [x, n] = await tape.gradient('y', ['x', 'n'], { options: { encoding: 'flat' } });
    expect(x).toEqual({ dtype: 'float32', shape: [], data: [3] });
    expect(n).toEqual({ dtype: 'float64', shape: [], data: [2] });
  });

  test('A20 state stops gradients', async () => {
    const nb = await service.notebook({ x0: 3, x1: 0 });
    const tape = await nb.tape();
    await tape.record(writes('assign_add', 'x1', 'x0'));
    await tape.record('y = x1 ** 2');
    expect(await tape.explained('y', ['x0', 'x1'])).toEqual([[null, 6], { x0: 'through_state' }]);
    expect(await nb.valueOf('x1')).toBe(3);
  });

  test('A21 state that is read in steps: a counter stands for an iterator, which sessions do not have', async () => {
    const nb = await service.notebook({ at: { value: 0, dtype: 'int32' }, data: [5, 6, 7] });
    const tape = await nb.tape({ persistent: true });
    const next = {
      inputs: { data: {} },
      variables: { at: { dtype: 'int32' } },
      nodes: [node('item', 'take', ['data', 'at'], { axis: 0 }), node('moved', 'assign_add', ['at', 1])],
      outputs: ['item'],
    };
    expect(await tape.record(next)).toEqual({ item: 5 });
    expect(await tape.record(next)).toEqual({ item: 6 });
    await tape.record('y = item ** 2');
    // The position has no gradient, as a dataset's has none; what it was read from has.
    expect(await tape.explained('y', { at: 'at', data: 'data' })).toEqual([
      { at: null, data: [0, 12, 0] },
      { at: 'integer_dtype' },
    ]);
    expect(await nb.valueOf('at')).toBe(2);
  });

  test.each(['floor', 'ceil', 'round', 'trunc'])(
    'A22 an op without a gradient gives null and its reason: %s',
    async (op) => {
      const nb = await service.notebook({ x: 2.7 });
      const tape = await nb.tape({ persistent: true });
      await tape.record(`n = ${op}(x)`);
      await tape.record('y = n * 2');
      expect(await tape.explained('y', 'x')).toEqual([null, { x: 'no_gradient_defined' }]);
      // Where TensorFlow has a LookupError, an op that was never given a derivative, every op here says what it has.
      expect(await tape.explained('n', 'x')).toEqual([null, { x: 'no_gradient_defined' }]);
    },
  );

  test('A23 zeros where there is no gradient', async () => {
    const nb = await service.notebook({ x: [2, 2], y: 3 });
    const tape = await nb.tape();
    await tape.record('z = y ** 2');
    expect(await tape.explained('z', 'x', { unconnected_gradients: 'zero' })).toEqual([[0, 0], { x: 'not_on_path' }]);
  });
});

describe('guide/advanced_autodiff', () => {
  test('B1 a part that is not recorded', async () => {
    const nb = await service.notebook({ x: 2, y: 3 });
    const tape = await nb.tape();
    await tape.record('x_sq = x * x');
    await tape.pause();
    await tape.record('y_sq = y * y');
    await tape.resume();
    expect(await tape.record('z = x_sq + y_sq')).toEqual({ z: 13 });
    expect(await tape.explained('z', { x: 'x', y: 'y' })).toEqual([{ x: 4, y: null }, { y: 'not_recorded' }]);
  });

  test('B2 a tape that starts again; what was computed before keeps its name', async () => {
    const nb = await service.notebook({ x: 2, y: 3 });
    const tape = await nb.tape();
    await tape.record('y_sq = y * y');
    await tape.reset();
    expect(await tape.record('z = x * x + y_sq')).toEqual({ z: 13 });
    expect(await tape.explained('z', { x: 'x', y: 'y' })).toEqual([{ x: 4, y: null }, { y: 'not_recorded' }]);
  });

  test('B3 stop_gradient on one of two paths leaves the other', async () => {
    const nb = await service.notebook({ x: 2, y: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y_sq = y ** 2');
    await tape.record('z = x ** 2 + stop_gradient(y_sq); w = z + y');
    expect(await tape.explained('z', { x: 'x', y: 'y' })).toEqual([{ x: 4, y: null }, { y: 'stop_gradient' }]);
    expect(await tape.gradient('w', { x: 'x', y: 'y' })).toEqual({ x: 4, y: 1 });
  });

  const clipped = node('output', 'custom_gradient', ['v_sq'], {
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
  });

  test('B4 a custom gradient: the identity whose cotangent is clipped to the norm 0.5', async () => {
    const nb = await service.notebook({ v: 2 });
    const tape = await nb.tape();
    await tape.record('v_sq = v * v');
    expect(await tape.record({ inputs: { v_sq: {} }, nodes: [clipped] })).toEqual({ output: 4 });
    expect(await tape.gradient('output', 'v')).toBe(2);
  });

  test('B5 a custom gradient is a part of what is kept: it is there when all that was in memory has gone', async () => {
    const nb = await service.notebook({ v: 2 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('v_sq = v * v');
    await tape.record({ inputs: { v_sq: {} }, nodes: [clipped] });
    // A graph document is its own saved form; rebuild.test.ts closes the store and opens it again.
    const again = nb.tapeOf(tape.id);
    expect(await again.gradient('output', 'v')).toBe(2);
    expect(await again.gradient('v_sq', 'v')).toBe(4);
  });

  test('B6 two tapes at once, each with what it watches', async () => {
    const nb = await service.notebook();
    const tape0 = await nb.tape({ values: { x0: 0, x1: 0 }, watch: 'x0' });
    const tape1 = await nb.tape({ outer: tape0, watch: 'x1' });
    await tape1.record('y0 = sin(x0); y1 = sigmoid(x1); y = y0 + y1; ys = sum(y)');
    expect(await tape0.gradient('ys', 'x0')).toBe(1);
    expect(await tape1.gradient('ys', 'x1')).toBe(0.25);
  });

  test('B7 nested tapes: the first and the second derivative', async () => {
    const nb = await service.notebook({ x: 1 });
    const t2 = await nb.tape();
    const t1 = await nb.tape({ outer: t2 });
    expect(await t1.record('y = x * x * x')).toEqual({ y: 1 });
    expect(await t1.gradient('y', 'x', { record: [t2, 'dy_dx'] })).toBe(3);
    expect(await t2.gradient('dy_dx', 'x')).toBe(6);
  });

  test('B8 input gradient regularisation: the gradient of the norm of an input gradient', async () => {
    const { inputs, input_gradient, norm, gradients } = TENSORFLOW['input gradient regularisation'];
    const nb = await service.notebook({ kernel: inputs.kernel, bias: inputs.bias });
    const t2 = await nb.tape();
    const t1 = await nb.tape({ outer: t2, watch_accessed_variables: false, values: { x: inputs.x }, watch: 'x' });
    await t1.record('y = relu(x @ kernel + bias)');
    await t1.record('out = sum(y ** 2)');
    expectClose(await t1.gradient('out', 'x', { record: [t2, 'g1'] }), input_gradient, 1e-5);
    expectClose((await t2.record('g1_mag = norm(g1)')).g1_mag, norm);
    const made = await t2.gradient('g1_mag', ['kernel', 'bias']);
    expect(made.map(shapeOf)).toEqual([[5, 10], [10]]);
    expectClose(made, [gradients.kernel, gradients.bias], 1e-5);
  });

  test.each(['auto', 'forward', 'reverse'] as const)(
    'B9 the Jacobian of a dense layer (%s); its sum is the gradient',
    async (mode) => {
      const { inputs, jacobians, gradients } = TENSORFLOW['dense jacobian'];
      const nb = await service.notebook({ kernel: inputs.kernel, bias: inputs.bias });
      const tape = await nb.tape({ persistent: true });
      await tape.record('product = x @ kernel', { x: inputs.x });
      await tape.record('y = relu(product + bias)');
      const made = await tape.jacobian('y', { kernel: 'kernel', bias: 'bias' }, { mode });
      expect(shapeOf(made.kernel)).toEqual([7, 10, 5, 10]);
      expectClose(made, jacobians);
      expectClose(await tape.gradient('y', { kernel: 'kernel', bias: 'bias' }), gradients, 1e-5);
      expectClose(sumOf((made.kernel as Json[]).flat()), gradients.kernel, 1e-3);
    },
  );

  test('B9 the Jacobian by a scalar source has the shape of the target', async () => {
    const nb = await service.notebook({ delta: 0 });
    const tape = await nb.tape();
    await tape.record('y = sigmoid(x + delta)', { x: [0, 0] });
    expectClose(await tape.jacobian('y', 'delta'), [0.25, 0.25]);
  });

  const model = async (nb: Notebook, outer = true) => {
    const { x, k1: _, ...rest } = TENSORFLOW.hessian.inputs;
    const t2 = await nb.tape({ persistent: true, watch_accessed_variables: false, watch: 'k1' });
    const t1 = await nb.tape({ ...(outer && { outer: t2 }), persistent: true });
    await t1.record('hidden = tanh(x @ k1 + b1)', { x, b1: rest.b1 });
    await t1.record('y = hidden @ k2 + b2', { k2: rest.k2, b2: rest.b2 });
    await t1.record('loss = mean(y ** 2)');
    return [t2, t1] as const;
  };

  test('B10 a Hessian as the Jacobian of a recorded gradient, and the Newton step that it gives', async () => {
    const { inputs, gradient, hessian, newton_step } = TENSORFLOW.hessian;
    const nb = await service.notebook({ k1: inputs.k1 });
    const [t2, t1] = await model(nb);
    const g = await t1.gradient('loss', 'k1', { record: [t2, 'g'] });
    expectClose(g, gradient, 1e-5);
    const h = await t2.jacobian('g', 'k1');
    expect(shapeOf(h)).toEqual([3, 2, 3, 2]);
    expectClose(h, hessian, 1e-5);
    // (H + 0.001 I) step = g, checked rather than solved.
    const rows = (h as Json[]).flat().map((row: Json[]) => row.flat() as number[]);
    const step = (newton_step as number[][]).flat();
    const product = rows.map((row, i) => row.reduce((sum, x, j) => sum + x * step[j]!, 1e-3 * step[i]!));
    expectClose(product, g.flat(), 1e-4);
  });

  test.each([
    [
      'rows that depend on their own row alone',
      'batch jacobian',
      ['a = elu(x @ kernel1)', 'y = a @ kernel2'],
      [7, 6, 5],
    ],
    [
      'batch normalisation mixes rows, without a word',
      'batch normalisation',
      ['m = mean(x, 0); s = std(x, 0)', 'y = (x - m) / s'],
      [7, 3, 3],
    ],
  ])('B11 batch_jacobian: %s', async (_, name, cells, shape) => {
    const { inputs, jacobian } = TENSORFLOW[name];
    const nb = await service.notebook();
    const tape = await nb.tape({ values: inputs, watch: 'x' });
    for (const cell of cells) await tape.record(cell, {}, cell.includes(';') ? { outputs: ['m', 's'] } : {});
    const made = await tape.batchJacobian('y', 'x');
    expect(shapeOf(made)).toEqual(shape);
    expectClose(made, jacobian, 1e-5);
  });

  test('B12 a Hessian-vector product through nested tapes, without the Hessian', async () => {
    const { inputs, vector, hvp } = TENSORFLOW.hessian;
    const nb = await service.notebook({ k1: inputs.k1 });
    const [t2, t1] = await model(nb);
    await t1.gradient('loss', 'k1', { record: [t2, 'g'] });
    // Reverse over reverse, as the guide has it: the gradient of the gradient with the vector as its cotangent.
    expectClose(await t2.gradient('g', 'k1', { output_gradients: vector }), hvp, 1e-5);
    await t2.record('product = sum(g * v)', { v: vector });
    expectClose(await t2.gradient('product', 'k1'), hvp, 1e-5);
    // And forward over reverse.
    expectClose((await t2.pushforward({ k1: vector }, 'g')).g, hvp, 1e-5);
  });
});

describe('the notebook', () => {
  test('N1 dy/dx of x squared', async () => {
    const nb = await service.notebook();
    await nb.variable('x', 3.0);
    const tape = await nb.tape();
    await tape.record('y = x ** 2');
    expect(await tape.gradient('y', 'x')).toBe(6);
  });

  const layer = async (persistent = true) => {
    const w = [
      [0.5, -1],
      [1, 0.25],
      [-0.5, 2],
    ];
    const nb = await service.notebook({ w, b: [0, 0] });
    const tape = await nb.tape({ persistent });
    const { y } = await tape.record('y = x @ w + b', { x: [[1, 2, 3]] });
    await tape.record('loss = reduce_mean(y ** 2)');
    const [[p, q]] = y;
    return { tape, b: [p, q], w: [1, 2, 3].map((x) => [x * p, x * q]) };
  };

  test('N2 the gradients of a layer, by a list', async () => {
    const { tape, w, b } = await layer();
    expectClose(await tape.gradient('loss', ['w', 'b']), [w, b]);
  });

  test('N3 the gradients of a layer, by names', async () => {
    const { tape, b } = await layer();
    const grad = await tape.gradient('loss', { w: 'w', b: 'b' });
    expectClose(grad.b, b);
  });

  test('N4 the gradients of a dense layer, by the names of its variables', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape();
    await tape.record(dense('relu'), { x: [[1, 2, 3]] });
    const { variables } = await nb.send('GET', '/variables');
    const named = variables.map(({ name, shape }: Json) => [name, shape]);
    expect(named).toEqual([
      ['dense/bias:0', [2]],
      ['dense/kernel:0', [3, 2]],
    ]);
    const names = ['dense/kernel:0', 'dense/bias:0'];
    expect((await tape.gradient('loss', names)).map(shapeOf)).toEqual([[3, 2], [2]]);
  });

  test('N5 a variable, a frozen one, a tensor and a constant', async () => {
    const nb = await service.notebook({ x0: 3, x1: { value: 3, trainable: false }, v: 2 });
    const { x2 } = await (await nb.tape()).record('x2 = v + 1');
    const tape = await nb.tape();
    await tape.record('x3 = 3.0; y = x0 ** 2 + x1 ** 2 + x2 ** 2', { x2 });
    expect(await tape.gradient('y', ['x0', 'x1', 'x2', 'x3'])).toEqual([6, null, null, null]);
  });

  test('N6 only x1 is watched', async () => {
    const nb = await service.notebook({ x0: 0, x1: 10 });
    const tape = await nb.tape({ watch_accessed_variables: false, watch: 'x1' });
    await tape.record('ys = sum(sin(x0) + softplus(x1))');
    expectClose(await tape.gradient('ys', { x0: 'x0', x1: 'x1' }), { x0: null, x1: 0.9999546 });
  });

  test('N7 several gradients of one computation need a persistent tape', async () => {
    const { tape, w, b } = await layer();
    expectClose(await tape.gradient('loss', 'w'), w);
    expectClose(await tape.gradient('loss', 'b'), b);
    const { tape: once } = await layer(false);
    expectClose(await once.gradient('loss', 'w'), w);
    expect((await refusal(once.gradient('loss', 'b'))).detail).toContain(USED);
  });

  test('N8 a gradient does not go through what was assigned', async () => {
    const nb = await service.notebook({ x0: 3, x1: 0 });
    const tape = await nb.tape({ persistent: true });
    await tape.record(writes('assign_add', 'x1', 'x0', 'x3'));
    await tape.record('y = x3 ** 2');
    expect(await tape.gradient('y', 'x0')).toBe(null);
    expect(await tape.gradient('y', 'x1')).toBe(6);
    expect(await nb.valueOf('x1')).toBe(3);
  });
});

test('every documented behaviour and every cell is tested here', () => {
  const documented = [...numbered('A', 23), ...numbered('B', 12), ...numbered('N', 8)];
  // The titles of this file are the only list of what it tests, so they cannot go out of step.
  const source = readFileSync(import.meta.filename, 'utf8');
  expect(documented.filter((id) => !new RegExp(`\\(\\s*'${id} `).test(source))).toEqual([]);
});

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
}

function sumOf(tensors: Json[]): Json {
  return tensors.reduce((sum, tensor) => sum.map((row: number[], i: number) => row.map((x, j) => x + tensor[i][j])));
}
