/**
 * @file The cases of TensorFlow's backprop_test.py and forwardprop_test.py through tapes that live across requests, by
 * the names they have there, each cut into cells. The last test finds every name among the titles.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { choice, expectClose, type Json, node, TENSORFLOW } from '../harness.ts';
import { listening, type Notebook, refusal, type Tape } from './notebook.ts';

const service = listening();

const USED = 'A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)';

/** A persistent tape of a new session that watches tensors. */
async function watching(values: Readonly<Record<string, Json>>, cells: readonly Json[] = []): Promise<Tape> {
  const nb = await service.notebook();
  const tape = await nb.tape({ persistent: true, values, watch: Object.keys(values) });
  for (const cell of cells) await tape.record(cell);
  return tape;
}

describe('gradients', () => {
  test('testNoOpBehaviorConsistent: distinct tensors stay distinct, whatever they compute', async () => {
    const nb = await service.notebook();
    const before = await nb.tape({ values: { x: 10 } });
    const names = ['x1', 'x2', 'x3', 'x4'];
    await before.record('x1 = identity(x); x2 = x + 0; x3 = x - 0; x4 = x * 1', {}, { outputs: names });
    // What was computed before is named by a tape that is opened within.
    const tape = await nb.tape({ outer: before, watch: ['x', ...names] });
    await tape.record('loss = x * 2 + x1 * 3 + x2 * 3 + x3 * 3 + x4 * 3');
    expect(await tape.gradient('loss', ['x', ...names])).toEqual([2, 3, 3, 3, 3]);
  });

  test('testTwoTargets', async () => {
    const tape = await watching({ x: 2, y: 3 }, ['xx = 2 * x', 'yy = 3 * y']);
    expect(await tape.gradient(['xx', 'yy'], ['x', 'y'])).toEqual([2, 3]);
  });

  test('testTapeGradientMultiTargetOneIsSource', async () => {
    const tape = await watching({ x: 2 }, ['y = x * x']);
    expect(await tape.gradient(['x', 'y'], 'x')).toBe(5);
  });

  test('testTapeNoOpGradientWithMultiTargetAllSource', async () => {
    const tape = await watching({ y: 3 });
    expect(await tape.gradient(['y', 'y'], 'y')).toBe(2);
  });

  test('testTapeNoOpGradientWithMultiTargetMultiSource', async () => {
    const tape = await watching({ x: 3, y: 5 }, ['z = y * y']);
    expect(await tape.gradient(['x', 'y', 'z'], ['x', 'y'])).toEqual([1, 11]);
  });

  test('testTapeNoOpGradient', async () => {
    const tape = await watching({ x: 3 });
    expect(await tape.gradient('x', 'x')).toBe(1);
  });

  test('testTapeIdentityGradientMultiTargetMultiSource', async () => {
    const tape = await watching({ x: 3, y: 5 }, ['xi = identity(x)', 'yi = identity(y)', 'z = yi * yi']);
    expect(await tape.gradient('xi', 'x')).toBe(1);
    expect(await tape.gradient(['xi', 'yi', 'z'], ['x', 'y'])).toEqual([1, 11]);
  });

  test('testTapeGradientOnVariable', async () => {
    const nb = await service.notebook({ v0: 1 });
    const tape = await nb.tape();
    expect(await tape.record({ inputs: { v0: {} }, nodes: [], outputs: ['v0'] })).toEqual({ v0: 1 });
    expect(await tape.gradient('v0', 'v0')).toBe(1);
  });

  test.each([
    ['testTapeNoOpGradient2By2', ['x'], 1],
    ['testTapeNoOpGradientMultiTarget2By2', ['x', 'x'], 2],
  ])('%s', async (_, targets, each) => {
    const tape = await watching({
      x: [
        [4, 5],
        [6, 7],
      ],
    });
    expect(await tape.gradient(targets, ['x'])).toEqual([
      [
        [each, each],
        [each, each],
      ],
    ]);
  });

  test('testGradientInteger', async () => {
    const tape = await watching({ x: { dtype: 'int32', shape: [2], data: [1, 2] } });
    expect(await tape.record('z = x + x')).toEqual({ z: [2, 4] });
    expect(await tape.explained('z', 'x')).toEqual([null, { x: 'integer_dtype' }]);
  });

  test('testTapeGradientStringTarget, testTapeGradientStringSourceAndTarget: bools stand for strings, which there are none of', async () => {
    const tape = await watching({ x: 3, s: { dtype: 'bool', shape: [], data: [true] } }, ['t = logical_not(s)']);
    expect(await tape.explained('s', 'x')).toEqual([null, { x: 'not_on_path' }]);
    expect(await tape.explained('t', 's')).toEqual([null, { s: 'integer_dtype' }]);
  });

  test('testTapeNoOpGradientMultiTargetMultiSourceIncludeString: the others are unaffected', async () => {
    const tape = await watching({ x: 3, y: 5, s: { dtype: 'bool', shape: [], data: [false] } }, ['z = y * y']);
    expect(await tape.gradient(['x', 'y', 'z', 's'], ['x', 'y', 's'])).toEqual([1, 11, null]);
  });

  test.each([
    [5, 1],
    [50, 100],
  ])('testWhereGradient (x = %d)', async (x, slope) => {
    const tape = await watching({ x }, ['small = x < 10', 'sq = x * x', 'y = where(small, x, sq)']);
    expect(await tape.gradient('y', 'x')).toBe(slope);
  });

  test('testPythonMax: the largest of variables; a client that compares, as Python does, names one alone', async () => {
    const nb = await service.notebook({ a: 2, b: 3, c: 5 });
    const tape = await nb.tape({ persistent: true });
    const values = await tape.record({ inputs: { a: {}, b: {}, c: {} }, nodes: [], outputs: ['a', 'b', 'c'] });
    const largest = Object.keys(values).reduce((best, name) => (values[name] > values[best] ? name : best));
    expect(await tape.gradient(largest, ['a', 'b', 'c'])).toEqual([null, null, 1]);
    // As a function of all three it has zeros.
    await tape.record('y = maximum(maximum(a, b), c)');
    expect(await tape.gradient('y', ['a', 'b', 'c'])).toEqual([0, 0, 1]);
  });

  test('testGradientNone: softmax cross-entropy', async () => {
    const tape = await watching({ logits: [[0, 0]] });
    await tape.record('y = softmax_cross_entropy_with_logits(labels, logits)', { labels: [[1, 0]] });
    expect(await tape.gradient('y', 'logits')).toEqual([[-0.5, 0.5]]);
  });

  test('softmax cross-entropy of several rows', async () => {
    const { inputs, value, gradients } = TENSORFLOW['softmax cross entropy'];
    const tape = await watching(inputs);
    const labels = [
      [1, 0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 0, 1],
    ];
    await tape.record('rows = softmax_cross_entropy_with_logits(labels, logits)', { labels });
    expectClose(await tape.record('y = sum(rows)'), { y: value });
    expectClose(await tape.gradient('y', { logits: 'logits' }), gradients);
  });

  test.each(['reduce_max ties', 'maximum ties', 'relu at 0', 'abs at 0'])(
    'a point without a derivative: %s',
    async (name) => {
      const { inputs, value, gradients } = TENSORFLOW[name];
      const cells: Record<string, string[]> = {
        'reduce_max ties': ['y = max(x)'],
        'maximum ties': ['m = maximum(x, y)', 'y = sum(m)'],
        'relu at 0': ['m = relu(x)', 'y = sum(m)'],
        'abs at 0': ['m = abs(x)', 'y = sum(m)'],
      };
      const sources = Object.fromEntries(Object.keys(inputs).map((source) => [source, source]));
      const tape = await watching(inputs);
      const target = name === 'maximum ties' ? 'z' : 'y';
      for (const cell of cells[name] ?? []) await tape.record(cell.replace('y = sum', `${target} = sum`));
      expectClose((await tape.record(`again = ${target} + 0`)).again, value);
      expectClose(await tape.gradient(target, sources), gradients);
    },
  );

  test('testStopGradient', async () => {
    const tape = await watching({ x: 3 }, ['s = stop_gradient(x)', 'y = identity(s)']);
    expect(await tape.explained('y', 'x')).toEqual([null, { x: 'stop_gradient' }]);
  });

  test('testArgmax', async () => {
    const tape = await watching({ x: [0, 1] }, ['i = argmax(x, axis=0)', 'y = stop_gradient(i)']);
    expect(await tape.explained('y', 'x')).toEqual([null, { x: 'integer_dtype' }]);
  });

  test('testGradientTapeRepeatedSource', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ values: { x: 3 }, watch: 'x' });
    await tape.record('y = x * 2');
    expect(await tape.gradient('y', ['x', 'x'])).toEqual([2, 2]);
  });

  test('testPersistentGradientTapeRepeatedSource', async () => {
    const tape = await watching({ x: 3, y: 5 }, ['z = x * y', 'u = z * y + y']);
    expect(await tape.gradient('u', ['y', 'y'])).toEqual([31, 31]);
    const other = await watching({ x: 3, y: 1 }, ['a = 3 * x', 'z = x * y + a', 'u = 11 * x']);
    expect(await other.gradient('u', ['x', 'x'])).toEqual([11, 11]);
    expect(await other.gradient('z', ['y', 'u'])).toEqual([3, null]);
    await other.record('w = 11 * z');
    expect(await other.gradient('w', ['z', 'z'])).toEqual([11, 11]);
    expect(await other.gradient('w', ['a', 'y'])).toEqual([11, 33]);
  });

  test('testGradientTapeStructure', async () => {
    const tape = await watching({ x1: 1, x2: 2, x3: 3 }, ['y = x1 + 2 * x2', 'z = y + 3 * x3']);
    for (const [sources, wanted] of [
      ['x1', 1],
      [['x1'], [1]],
      [
        ['x1', 'x2', 'x3'],
        [1, 2, 3],
      ],
      [
        ['x1', ['x2', 'x3']],
        [1, [2, 3]],
      ],
      [
        ['x1', { x2: 'x2', x3: 'x3' }],
        [1, { x2: 2, x3: 3 }],
      ],
      [
        { x1: 'x1', rest: ['x2', ['x3']] },
        { x1: 1, rest: [2, [3]] },
      ],
      [[], []],
      [{}, {}],
    ])
      expect(await tape.gradient('z', sources)).toEqual(wanted);
  });

  test('testGadientTapeCalledOnConstantTarget', async () => {
    const tape = await watching({ x: 3 });
    await tape.watch({ y: 2 });
    expect(await tape.explained('y', ['x'])).toEqual([[null], { x: 'not_on_path' }]);
  });

  test('testGradientTapeWithCond', async () => {
    const tape = await watching({ x: 3 }, ['never = x < x']);
    await tape.record({
      inputs: { never: { dtype: 'bool' }, x: {} },
      nodes: [choice('y', ['never'], { outputs: ['x'] }, { nodes: [node('s', 'mul', ['x', 'x'])], outputs: ['s'] })],
    });
    expect(await tape.gradient('y', ['x'])).toEqual([6]);
  });

  test('testGradientTapeWithWhileLoop: a loop of a fixed number of steps', async () => {
    const tape = await watching({ x: 2 }, ['start = x * 1']);
    const loop = node('y', 'scan', ['start'], {
      carry: 1,
      length: 2,
      body: { inputs: ['v'], nodes: [node('d', 'mul', ['v', 2])], outputs: ['d'] },
    });
    expect(await tape.record({ inputs: { start: {} }, nodes: [loop] })).toEqual({ y: 8 });
    expect(await tape.gradient('y', ['x'])).toEqual([4]);
  });

  test('testSameObjectForMultipleArguments: f(x, x)', async () => {
    const tape = await watching({ x: 1 });
    // One tensor is given twice, under two names: each has its own gradient.
    await tape.record('a = identity(x); b = identity(x); f = a * b');
    expect(await tape.gradient('f', ['a', 'b'])).toEqual([1, 1]);
    expect(await tape.gradient('f', 'x')).toBe(2);
  });

  test('testDifferentiatingScalarCache: equal values are not one tensor', async () => {
    const tape = await watching({ x1: 3, x2: 3 }, ['y = x1 + x2']);
    expect(await tape.gradient('y', 'x1')).toBe(1);
    const constants = await (await service.notebook()).tape();
    await constants.record('c1 = 3.0; c2 = 3.0; y = c1 + c2', {}, { watch: ['c1', 'c2'] });
    expect(await constants.gradient('y', 'c1')).toBe(1);
  });

  test('testVariablesAndConstantsProduceTheSameGradients', async () => {
    const nb = await service.notebook({ x: 3, y: 3 });
    const cells = ['r = x * y', 'p = r + x', 'z = p - y'];
    const variables = await nb.tape();
    for (const cell of cells) await variables.record(cell);
    const constants = await watching({ x: 3, y: 3 }, cells);
    const wanted = [4, 2];
    expect(await variables.gradient('z', ['x', 'y'])).toEqual(wanted);
    expect(await constants.gradient('z', ['x', 'y'])).toEqual(wanted);
  });

  test('testMultiValuePreservesIfNotDiffedAgainst: a product with what is not watched', async () => {
    // TensorFlow's test has a convolution of 1 by 1, which is a product.
    const nb = await service.notebook();
    const tape = await nb.tape({ values: { x: [[[[1]]]], filter: [[[[2]]]] }, watch: 'x' });
    await tape.record('y = x * filter');
    expect(await tape.gradient('y', 'x')).toEqual([[[[2]]]]);
  });

  test('testOutput: targets of different kinds', async () => {
    const tape = await watching({ x: [0, 1, 2] }, ['a = x + 2', 'b = x * x']);
    expect(await tape.gradient(['a', 'b'], 'x')).toEqual([1, 3, 5]);
  });

  test('testReturnSameThing', async () => {
    const tape = await watching({ x: 1 }, ['b = 2 * x']);
    expect(await tape.gradient(['x', 'b'], 'x')).toBe(3);
  });

  test('testMaxPooling3DGradient: the largest of windows, by a reshape and a maximum', async () => {
    const tape = await watching({ x: [1, 4, 2, 3] }, [
      'w = reshape(x, shape=[2, 2])',
      'p = max(w, axis=1)',
      'y = sum(p)',
    ]);
    expect(await tape.gradient('y', 'x')).toEqual([0, 1, 0, 1]);
  });

  test('testZerosCacheDoesntLeakAcrossGraphs: a part of a split that nothing reads has zeros', async () => {
    const { inputs, gradients } = TENSORFLOW['split and concat'];
    const tape = await watching(inputs);
    await tape.record({ inputs: { x: {} }, nodes: [node('parts', 'split', ['x'], { sections: 2 })] });
    await tape.record({
      inputs: { parts: {} },
      nodes: [node('sq', 'mul', ['parts', 'parts']), node('both', 'concat', ['parts', 'sq'], { axis: 0 })],
    });
    await tape.record('y = sum(both)');
    expectClose(await tape.gradient('y', { x: 'x' }), gradients);
  });

  test('a node with several outputs has its tensors named by place', async () => {
    const tape = await watching({ x: [1, 2, 3, 4] });
    await tape.record({ inputs: { x: {} }, nodes: [node('parts', 'split', ['x'], { sections: 2 })] });
    await tape.record({ inputs: { 'parts:1': {} }, nodes: [node('y', 'mul', ['parts:1', 'parts:1'])] });
    expect(await tape.gradient('y', ['x', 'parts', 'parts:1'])).toEqual([[0, 0, 6, 8], null, [6, 8]]);
  });
});

describe('rows of a table', () => {
  const { inputs, gradients } = TENSORFLOW['embedding with duplicates'];

  test('testImplicitGradOverEmbeddingLookup: gradients of repeated rows add up', async () => {
    const nb = await service.notebook({ table: inputs.table });
    const tape = await nb.tape({ persistent: true });
    await tape.record('rows = take(table, i, axis=0)', { i: { dtype: 'int32', shape: [4], data: [1, 1, 3, 1] } });
    await tape.record('y = 1 - sum(rows ** 2)');
    expectClose(await tape.gradient('y'), gradients);
  });

  test('testFunctionIndexedSlicesGradient: of a cell that is recorded twice', async () => {
    const tape = await watching({
      x: [
        [1, 2],
        [3, 4],
      ],
    });
    const i = { dtype: 'int32', shape: [2], data: [1, 1] };
    await tape.record('a = take(x, i, axis=0)', { i });
    await tape.record('b = take(x, i, axis=0)', { i });
    await tape.record('y = a * b');
    // Rows 1 and 1 of x squared: 2 x, twice.
    expect(await tape.gradient('y', 'x')).toEqual([
      [0, 0],
      [12, 16],
    ]);
  });

  test('testAggregateGradients, testAggregateGradientsWithTensor: dense and sparse gradients of one table', async () => {
    const { inputs, gradients } = TENSORFLOW['dense and sparse gradients'];
    const nb = await service.notebook({ x: inputs.x });
    const tape = await nb.tape({ persistent: true });
    await tape.record('i1 = [0, 1]; g1 = take(x, i1, axis=0)');
    await tape.record('i2 = [2, 3]; g2 = take(x, i2, axis=0) * g1');
    await tape.record('i3 = [1, 3]; g3 = take(x, i3, axis=0) * g2');
    await tape.record('g4 = sum(x * 2)');
    await tape.record('y = sum(g3 * g4)');
    expectClose(await tape.gradient('y', { x: 'x' }), gradients);
  });

  test('AggregateIndexedSlicesGradientsTest: what has no gradient adds nothing, sparse and dense add up', async () => {
    const x = [
      [0, 0],
      [0, 0],
      [0, 0],
    ];
    const tape = await watching({ x, other: 1 });
    const i = { dtype: 'int32', shape: [2], data: [0, 2] };
    await tape.record('rows = sum(take(x, i, axis=0) * k)', {
      i,
      k: [
        [1, 2],
        [7, 7],
      ],
    });
    await tape.record('dense = sum(x * m)', {
      m: [
        [0, 0],
        [5, 6],
        [3, 5],
      ],
    });
    await tape.record('none = other * 2');
    expect(await tape.gradient(['rows', 'dense', 'none'], 'x')).toEqual([
      [1, 2],
      [5, 6],
      [10, 12],
    ]);
  });
});

describe('output_gradients', () => {
  test('testDy', async () => {
    const tape = await watching({ x: 1 }, ['y = x * 1']);
    expect(await tape.gradient(['y'], ['x'], { output_gradients: [2] })).toEqual([2]);
  });

  test('testOutputGradUsedInComputation', async () => {
    const tape = await watching({ x: 3, y: 2 }, ['loss = x * y']);
    expect(await tape.gradient(['loss', 'x'], ['x'], { output_gradients: [1, 2] })).toEqual([4]);
  });

  test('null stands for ones', async () => {
    const tape = await watching({ x: [1, 2] }, ['a = x * x', 'b = 3 * x']);
    const ask = (output_gradients: Json) => tape.gradient(['a', 'b'], 'x', { output_gradients });
    expect(await ask([null, [10, 100]])).toEqual([32, 304]);
    expect(await ask([[10, 100], null])).toEqual([23, 403]);
    expect(await ask([null, null])).toEqual([5, 7]);
    expect(await ask(null)).toEqual([5, 7]);
    expect(await tape.gradient('a', 'x', { output_gradients: [1, 10] })).toEqual([2, 40]);
  });

  test('testMakeVJP', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ values: { x: 3 }, watch: 'x' });
    await tape.record('y = x * x');
    expect(await tape.pullback({ y: 2 }, 'x')).toBe(12);
    expect((await refusal(tape.pullback({ y: 2 }, 'x'))).detail).toContain(USED);
  });

  test('testPersistentMakeVJP', async () => {
    const tape = await watching({ x: 3 }, ['y = x * x']);
    expect(await tape.pullback({ y: 2 }, ['x'])).toEqual([12]);
    expect(await tape.pullback({ y: 2 }, ['x'])).toEqual([12]);
  });
});

describe('recording', () => {
  test('testTapeStopRecording', async () => {
    const tape = await watching({ x: 1 });
    await tape.pause();
    expect(await tape.record('y = x * x')).toEqual({ y: 1 });
    await tape.resume();
    expect(await tape.explained('y', 'x')).toEqual([null, { x: 'not_recorded' }]);
  });

  test('testTapeStopStartRecording', async () => {
    const tape = await watching({ x: 1 }, ['x2 = x * 2']);
    await tape.pause();
    await tape.record('y = x2 * x2');
    await tape.resume();
    await tape.record('z = x2 * x2');
    expect(await tape.gradient('y', 'x2')).toBe(null);
    expect(await tape.gradient('z', 'x2')).toBe(4);
  });

  test('testTapeReset', async () => {
    const nb = await service.notebook({ v: 1 });
    const tape = await nb.tape();
    await tape.record('y = v * v');
    await tape.reset();
    await tape.record('y = v * v');
    expect(await tape.gradient('y', 'v')).toBe(2);
  });

  test('testAutomaticWatchedVariables', async () => {
    const nb = await service.notebook({ x: 1, y: 1 });
    const tape = await nb.tape();
    expect((await tape.info()).watched_variables).toEqual([]);
    await tape.record('a = x ** 2');
    expect((await tape.info()).watched_variables).toEqual(['x']);
    await tape.record('b = a + y ** 3');
    expect((await tape.info()).watched_variables).toEqual(['x', 'y']);
  });

  test('testExplicitWatchedVariables', async () => {
    const nb = await service.notebook({ x: 1, y: 1 });
    const tape = await nb.tape();
    expect((await tape.watch('x')).watched_variables).toEqual(['x']);
    expect((await tape.watch('y')).watched_variables).toEqual(['x', 'y']);
  });

  test('testWatchedVariablesAfterNonPersistentGradientCall', async () => {
    const nb = await service.notebook({ x: 1 });
    const tape = await nb.tape();
    await tape.record('y = x * 1');
    expect(await tape.gradient('y', 'x')).toBe(1);
    expect((await tape.info()).watched_variables).toEqual(['x']);
  });

  test('testWatchedVariablesOnlyHasVariablesFromLastTape: a used tape that is reset begins anew', async () => {
    const nb = await service.notebook({ x: 1, z: 2 });
    const tape = await nb.tape();
    await tape.record('y = x * 1');
    await tape.gradient('y', 'x');
    await tape.reset();
    await tape.record('w = z * 1');
    await tape.gradient('w', 'z');
    expect((await tape.info()).watched_variables).toEqual(['z']);
  });

  test('testWatchedVariablesRespectReset', async () => {
    const nb = await service.notebook({ x: 1, z: 2 });
    const tape = await nb.tape();
    expect((await tape.watch('x')).watched_variables).toEqual(['x']);
    await tape.reset();
    expect((await tape.watch('z')).watched_variables).toEqual(['z']);
    await tape.record('y = z * x');
    expect(await tape.gradient('y', 'z')).toBe(1);
  });

  test('testSelectivelyWatchVariables', async () => {
    const nb = await service.notebook({ x: 1, y: 1, z: 1 });
    const tape = await nb.tape({ watch_accessed_variables: false, persistent: true });
    await tape.watch(['x', 'z']);
    await tape.record('a = x * 2');
    await tape.record('s = a + y * 4 + z * 3');
    expect(await tape.explained('s', { x: 'x', y: 'y', z: 'z' })).toEqual([
      { x: 2, y: null, z: 3 },
      { y: 'not_watched' },
    ]);
    expect((await tape.info()).watched_variables).toEqual(['x', 'z']);
  });

  test.each([false, true])(
    'testGradientWithinTapeBlock: a tape is asked while it records (persistent: %s)',
    async (persistent) => {
      const nb = await service.notebook({ v: 1 });
      const tape = await nb.tape({ persistent });
      await tape.record('loss = 2 * v');
      expect(await tape.gradient('loss', 'v')).toBe(2);
      expect((await tape.info()).state).toBe(persistent ? 'recording' : 'used');
    },
  );

  test('testNestedSelfContexts: a tape that records cannot be entered again', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape();
    const problem = await refusal(tape.resume());
    expect(problem).toMatchObject({ status: 409, code: 'tape_state' });
    expect(problem.detail).toContain(
      'Tape is still recording, This can happen if you try to re-enter an already-active tape.',
    );
    expect(await refusal(nb.tape({ tape: tape.id }))).toMatchObject({ status: 409, code: 'already_exists' });
  });

  test('testGradientTapeReEnterContext: what is recorded goes on in another request', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape({ values: { x: 3 }, watch: 'x' });
    await tape.record('y = 2 * x');
    await tape.pause();
    await tape.resume();
    await tape.record('z = 2 * y');
    expect(await tape.gradient('z', ['x'])).toEqual([4]);
  });

  test('testExceptionSafety, testErrors: a cell that fails leaves the tape as it was', async () => {
    const nb = await service.notebook({ x: [1, 2] });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x ** 2');
    const before = await tape.info();
    expect(await refusal(tape.record('z = y @ oops'))).toMatchObject({ code: 'missing_value', input: 'oops' });
    expect(await refusal(tape.record('z = reshape(y, shape=[3])'))).toMatchObject({ op: 'reshape' });
    expect(await refusal(tape.gradient('y', 'nothing'))).toMatchObject({ code: 'invalid_source', input: 'nothing' });
    expect(await tape.info()).toEqual(before);
    expect(await tape.gradient('y', 'x')).toEqual([2, 4]);
  });
});

describe('unconnected', () => {
  test('testUnconnectedNone, testUnconnectedGradientsDefault', async () => {
    const tape = await watching({ x: 2, y: 1 }, ['z = x * x']);
    expect(await tape.explained('z', ['x', 'y'])).toEqual([[4, null], { y: 'not_on_path' }]);
    expect(await tape.gradient('z', 'y', { unconnected_gradients: 'none' })).toBe(null);
  });

  test('testUnconnectedGradientsZeros', async () => {
    const ones = [
      [1, 1],
      [1, 1],
    ];
    const tape = await watching({ x: ones, y: 3 }, ['z = y * 3']);
    const zeros = [
      [0, 0],
      [0, 0],
    ];
    expect(await tape.gradient('z', ['x', 'y'], { unconnected_gradients: 'zero' })).toEqual([zeros, 3]);
  });

  test('testUnconnectedGradientsVariablesZeros', async () => {
    const nb = await service.notebook({
      x: [
        [1, 1],
        [1, 1],
      ],
      y: 3,
    });
    const tape = await nb.tape();
    await tape.record('z = y * 3');
    expect(await tape.gradient('z', 'x', { unconnected_gradients: 'zero' })).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('testUnconnectedGradientsNestedDefunZeros: through a branch that is stopped', async () => {
    const tape = await watching({ x: 1 }, ['p = x > 0']);
    await tape.record({
      inputs: { p: { dtype: 'bool' }, x: {} },
      nodes: [
        choice(
          'y',
          ['p'],
          { nodes: [node('a', 'mul', ['x', 'x']), node('s', 'stop_gradient', ['a'])], outputs: ['s'] },
          { nodes: [node('c', 'stop_gradient', ['x'])], outputs: ['c'] },
        ),
      ],
    });
    await tape.record('z = stop_gradient(y)');
    expect(await tape.gradient('z', 'x', { unconnected_gradients: 'zero' })).toBe(0);
    expect(await tape.explained('y', 'x')).toEqual([null, { x: 'stop_gradient' }]);
  });

  test('testUnknownUnconnectedGradientsValueGiven', async () => {
    const tape = await watching({ x: 1 }, ['y = x * 1']);
    const problem = await refusal(tape.gradient('y', 'x', { unconnected_gradients: 'nonsense' as 'none' }));
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request', pointer: '/unconnected_gradients' });
    expect(problem.detail).toBe("Unknown value for unconnected_gradients: 'nonsense', expected 'none' or 'zero'.");
  });
});

describe('higher order', () => {
  /** Derivatives of `y` by `x`, each recorded onto the tape around the one before. */
  async function derivatives(nb: Notebook, count: number, cells: readonly Json[], values: Json): Promise<Json[]> {
    const tapes: Tape[] = [];
    for (let i = 0; i < count; i++)
      tapes.unshift(await nb.tape({ ...(tapes[0] && { outer: tapes[0] }), persistent: i % 2 === 1 }));
    // Each tape watches for itself.
    await tapes.at(-1)?.watch(values);
    for (const tape of tapes.slice(0, -1)) await tape.watch(Object.keys(values));
    for (const cell of cells) await tapes[0]?.record(cell);
    const found: Json[] = [];
    for (const [i, tape] of tapes.entries()) {
      const next = tapes[i + 1];
      found.push(await tape.gradient(i === 0 ? 'y' : `d${i}`, 'x', next ? { record: [next, `d${i + 1}`] } : {}));
    }
    return found;
  }

  test('testHigherOrderGradient', async () => {
    expect(await derivatives(await service.notebook(), 3, ['y = x ** 3'], { x: 3 })).toEqual([27, 18, 6]);
    expect(await derivatives(await service.notebook(), 4, ['sq = x * x', 'y = sq * x'], { x: 3 })).toEqual([
      27,
      18,
      6,
      null,
    ]);
  });

  test('testGradGrad', async () => {
    expect(await derivatives(await service.notebook(), 2, ['y = x * x'], { x: 1 })).toEqual([2, 2]);
  });

  test('testGradGradExp', async () => {
    expect(await derivatives(await service.notebook(), 2, ['y = exp(x)'], { x: 0 })).toEqual([1, 1]);
  });

  test.each(['sin tan prod sum', 'tanh squared prod', 'elu', 'swish'])(
    '_test_gradients: %s, to order 3 by reverse mode',
    async (name) => {
      const { inputs, derivatives: wanted } = TENSORFLOW[name];
      expectClose(await derivatives(await service.notebook(), 3, CELLS[name]!, inputs), wanted, 1e-5);
    },
  );

  test.each(['sin tan prod sum', 'tanh squared prod', 'elu', 'swish'])(
    '_test_gradients: %s, to order 3 by forward mode on one tape',
    async (name) => {
      const { inputs, derivatives: wanted } = TENSORFLOW[name];
      const tape = await watching(inputs, CELLS[name]!);
      const ones = (inputs.x as number[]).map(() => 1);
      // The sum of a derivative of order n is the n-th derivative along the direction of ones.
      const along: number[] = [];
      for (const [i, target] of ['y', 'd1', 'd2'].entries())
        along.push((await tape.pushforward({ x: ones }, target, { record: [tape, `d${i + 1}`] }))[target]);
      const sums = (wanted as number[][]).map((elements) => elements.reduce((sum, element) => sum + element));
      expectClose(along, sums, 1e-5);
    },
  );

  test('_test_gradients: forward over reverse and reverse over forward are the same', async () => {
    const { inputs, derivatives: wanted } = TENSORFLOW['tanh squared prod'];
    const tape = await watching(inputs, CELLS['tanh squared prod']!);
    const ones = [1, 1, 1];
    await tape.gradient('y', 'x', { record: [tape, 'g'] });
    expectClose((await tape.pushforward({ x: ones }, 'g')).g, wanted[1], 1e-5);
    await tape.pushforward({ x: ones }, 'y', { record: [tape, 'p'] });
    expectClose(await tape.gradient('p', 'x'), wanted[1], 1e-5);
  });

  test('testNestedGradients', async () => {
    const tape = await watching({ x: 3 }, ['y = x * x', 'z = y * y']);
    expect(await tape.gradient('z', 'x')).toBe(108);
    expect(await tape.gradient('z', 'y')).toBe(18);
  });

  test('testPersistentTape', async () => {
    const tape = await watching({ x: 3 }, ['y = x * x', 'z = y * y']);
    expect(await tape.gradient('z', 'x')).toBe(108);
    expect(await tape.gradient('y', 'x')).toBe(6);
  });

  test('testPersistentNestedTape', async () => {
    const nb = await service.notebook();
    const outer = await nb.tape({ persistent: true, values: { x: 3 }, watch: 'x' });
    await outer.record('y = x * x');
    const inner = await nb.tape({ persistent: true, outer, watch: 'y' });
    await inner.record('z = y * y');
    expect(await inner.gradient('z', 'y', { record: [outer, 'dz_dy'] })).toBe(18);
    expect(await outer.gradient('y', 'x')).toBe(6);
    expect(await outer.gradient('dz_dy', 'x')).toBe(12);
  });

  test('testWatchingIsTapeLocal', async () => {
    const nb = await service.notebook({ x: 2, z: 2 });
    const outer = await nb.tape({ watch_accessed_variables: false, persistent: true });
    const inner = await nb.tape({ watch_accessed_variables: false, persistent: true, outer });
    await outer.watch('x');
    await inner.watch(['x', 'z']);
    await inner.record('y = x ** 3 + z ** 2');
    expect(await inner.gradient('y', ['x', 'z'], { record: [outer, 'g'] })).toEqual([12, 4]);
    expect(await outer.gradient('g/x', 'x')).toBe(12);
    expect(await outer.explained('g/x', 'z')).toEqual([null, { z: 'not_watched' }]);
    expect(await outer.explained('g/z', 'z')).toEqual([null, { z: 'not_watched' }]);
  });

  test('testSecondGrad', async () => {
    const nb = await service.notebook();
    const outer = await nb.tape({ values: { logits: [[1]], labels: [[0]] }, watch: 'logits' });
    const inner = await nb.tape({ outer, watch: 'logits' });
    await inner.record('y = softmax_cross_entropy_with_logits(labels, logits)');
    expect(await inner.gradient('y', 'logits', { record: [outer, 'g'] })).toEqual([[0]]);
    await outer.record('z = g * 1');
    expect(await outer.gradient('z', 'logits')).toEqual([[0]]);
  });

  test('gradient() within a persistent tape: recorded onto the same tape it is differentiated in turn', async () => {
    const tape = await watching({ x: 3 }, ['y = x ** 3']);
    expect(await tape.gradient('y', 'x', { record: [tape, 'dy'] })).toBe(27);
    await tape.record('p = dy * x');
    expect(await tape.gradient('dy', 'x', { record: [tape, 'ddy'] })).toBe(18);
    expect(await tape.gradient('p', 'x')).toBe(81);
    expect(await tape.gradient('ddy', 'x')).toBe(6);
    // A gradient that is not recorded is a number: nothing on the tape is called so.
    expect(await refusal(tape.gradient('dddy', 'x'))).toMatchObject({ code: 'invalid_source', input: 'dddy' });
  });
});

const CELLS: Readonly<Record<string, readonly string[]>> = {
  'sin tan prod sum': ['a = sin(x) + tan(x)', 'p = prod(a)', 'y = p + sum(x)'],
  'tanh squared prod': ['a = tanh(x)', 'b = a ** 2', 'y = prod(b)'],
  elu: ['a = elu(x)', 'y = sum(a)'],
  swish: ['a = swish(x)', 'y = sum(a)'],
};

describe('custom gradients', () => {
  const custom = (name: string, inputs: readonly string[], forward: object, backward: object): object => ({
    inputs: Object.fromEntries(inputs.map((input) => [input, {}])),
    nodes: [node(name, 'custom_gradient', inputs, { forward, backward })],
  });
  const twice = { inputs: ['x', 'y', 'ct'], nodes: [node('g', 'mul', ['ct', 2])], outputs: ['g'] };

  test('testCustomGradient: five steps of gradient descent', async () => {
    const nb = await service.notebook({ x: 2 });
    const losses: number[] = [];
    const tape = await nb.tape();
    const product = custom(
      'loss',
      ['a', 'x'],
      { inputs: ['a', 'x'], nodes: [node('y', 'mul', ['a', 'x'])], outputs: ['y'] },
      {
        inputs: ['a', 'x', 'y', 'ct'],
        nodes: [node('da', 'mul', ['ct', 'x']), node('dx', 'mul', ['ct', 'a'])],
        outputs: ['da', 'dx'],
      },
    );
    for (let step = 0; step < 5; step++) {
      losses.push((await tape.record(product, { a: 2 })).loss);
      await nb.assignSub('x', 0.25 * (await tape.gradient('loss', 'x')));
      await tape.reset();
    }
    expect(losses).toEqual([4, 3, 2, 1, 0]);
  });

  test('testCustomGradientIdentity', async () => {
    const tape = await watching({ x: 1 });
    await tape.record(custom('y', ['x'], { inputs: ['x'], outputs: ['x'] }, twice));
    expect(await tape.gradient('y', 'x')).toBe(2);
  });

  test('testCustomGradientInEagerAndGraph', async () => {
    const tape = await watching({ x: 3 });
    await tape.record(
      custom(
        'y',
        ['x'],
        { inputs: ['x'], nodes: [node('s', 'mul', ['x', 'x'])], outputs: ['s'] },
        { inputs: ['x', 'y', 'ct'], nodes: [node('g', 'mul', ['ct', 4])], outputs: ['g'] },
      ),
    );
    expect(await tape.gradient('y', 'x')).toBe(4);
  });

  test('testImplicitGradientsCustomGradientAndCachedVariableValue', async () => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape();
    await tape.record(
      custom(
        'y',
        ['x'],
        { inputs: ['x'], nodes: [node('s', 'square', ['x'])], outputs: ['s'] },
        {
          inputs: ['x', 'y', 'ct'],
          nodes: [node('a', 'mul', ['ct', 2]), node('b', 'mul', ['a', 'x']), node('g', 'add', ['b', 1])],
          outputs: ['g'],
        },
      ),
    );
    expect(await tape.gradient('y')).toEqual({ x: 7 });
  });

  test('testOverrideSecondOrderWithCustomGradient: a custom gradient inside a custom gradient', async () => {
    const nb = await service.notebook();
    const t2 = await nb.tape({ values: { c: 1 }, watch: 'c' });
    const t1 = await nb.tape({ outer: t2, watch: 'c' });
    await t1.record(
      custom(
        'f',
        ['c'],
        { inputs: ['x'], nodes: [node('y', 'add', ['x', 10])], outputs: ['y'] },
        {
          inputs: ['x', 'y', 'dz'],
          nodes: [
            node('first', 'custom_gradient', ['x'], {
              forward: { inputs: ['x'], nodes: [node('c', 'full_like', ['x'], { value: -1.1 })], outputs: ['c'] },
              backward: { inputs: ['x', 'y', 'ddz'], nodes: [node('h', 'mul', ['ddz', -2.1])], outputs: ['h'] },
            }),
            node('g', 'mul', ['dz', 'first']),
          ],
          outputs: ['g'],
        },
      ),
    );
    expect(await t1.record('d = f ** 4')).toEqual({ d: 14641 });
    expectClose(await t1.gradient('d', 'c', { record: [t2, 'dd'] }), 4 * 11 ** 3 * -1.1);
    expectClose(await t2.gradient('dd', 'c'), 3 * 4 * 11 ** 2 * -1.1 * -1.1 + 4 * 11 ** 3 * -2.1);
  });

  test('testCustomGradientForwardprop: reverse mode has it, forward mode says what to use instead', async () => {
    const tape = await watching({ x: 1 });
    await tape.record(custom('y', ['x'], { inputs: ['x'], outputs: ['x'] }, twice));
    const problem = await refusal(tape.pushforward({ x: 1 }, 'y'));
    expect(problem).toMatchObject({ status: 400, code: 'not_differentiable' });
    expect(problem.detail).toMatch(/use gradient, vjp or a reverse-mode Jacobian/);
    expect(await tape.jacobian('y', 'x', { mode: 'reverse' })).toBe(2);
  });

  test('testCustomGradientEmptyError: a backward that does not fit names the node', async () => {
    const tape = await watching({ x: [1, 2] });
    for (const [backward, detail] of [
      [{ inputs: ['x', 'y', 'ct'], outputs: [] }, "sub-graph 'backward' has 0 outputs, expected 1"],
      [{ inputs: ['ct'], outputs: ['ct'] }, "sub-graph 'backward' has 1 inputs, expected 3"],
      [
        { inputs: ['x', 'y', 'ct'], nodes: [node('s', 'sum', ['ct'])], outputs: ['s'] },
        "output 0 of sub-graph 'backward' is f32, expected f32[2]",
      ],
    ] as const) {
      const problem = await refusal(tape.record(custom('mine', ['x'], { inputs: ['x'], outputs: ['x'] }, backward)));
      expect(problem.detail).toContain(detail);
      expect(problem.node).toBe('mine');
    }
    await tape.record(custom('mine', ['x'], { inputs: ['x'], outputs: ['x'] }, twice));
    expect(await tape.gradient('mine', 'x')).toEqual([2, 2]);
  });
});

describe('forward mode', () => {
  test('ForwardAccumulator.jvp', async () => {
    const { inputs, tangent, value, jvp } = TENSORFLOW['forward accumulator'];
    const tape = await watching(inputs, ['s = sin(x)', 'e = exp(x)']);
    expectClose(await tape.record('y = sum(s * e, axis=1)'), { y: value });
    expectClose((await tape.pushforward({ x: tangent }, 'y')).y, jvp);
  });

  test('testMultipleWatchesAdd: a value that is read twice', async () => {
    const tape = await watching({ x: 2 }, ['y = x + x']);
    expect(await tape.pushforward({ x: 3 }, 'y')).toEqual({ y: 6 });
  });

  test('testReenter: what was recorded before and after a pause', async () => {
    const tape = await watching({ x: 2 }, ['y = 3 * x']);
    await tape.pause();
    await tape.record('hidden = 5 * x');
    await tape.resume();
    await tape.record('z = 2 * y + hidden');
    expect(await tape.pushforward({ x: 1 }, ['y', 'hidden', 'z'])).toEqual({ y: 3, hidden: 0, z: 6 });
  });
});

test('a training loop: the session keeps the variables', async () => {
  const { inputs, losses, w, b } = TENSORFLOW['training loop'];
  const nb = await service.notebook({ w: 5, b: 0 });
  const seen: number[] = [];
  for (let step = 0; step < losses.length; step++) {
    const tape = await nb.tape();
    await tape.record('error = y - (w * x + b)', inputs);
    seen.push((await tape.record('loss = mean(square(error))')).loss);
    const { w: dw, b: db } = await tape.gradient('loss');
    await nb.send('PATCH', '/variables', { updates: { w: { assign_sub: 0.1 * dw }, b: { assign_sub: 0.1 * db } } });
    await tape.delete();
  }
  expectClose(seen, losses, 1e-5);
  expectClose([await nb.valueOf('w'), await nb.valueOf('b')], [w, b], 1e-5);
});

describe('memory', () => {
  test('assert_no_new_tensors: a tape that is used up or deleted leaves nothing behind', async () => {
    const nb = await service.notebook({ x: 2 });
    const once = async (persistent: boolean) => {
      const tape = await nb.tape({ persistent });
      await tape.record('y = sin(x)');
      await tape.record('z = y ** 2');
      await tape.gradient('z', 'x');
      await tape.delete();
    };
    await once(false);
    const { bytes, tapes } = await nb.info();
    for (let i = 0; i < 5; i++) await once(i % 2 === 0);
    expect(await nb.info()).toMatchObject({ bytes, tapes });
    expect((await nb.send('GET', '/tapes')).tapes).toEqual([]);
  });

  test('testRecomputeGradWithDifferentShape: one cell with inputs of another shape each time', async () => {
    const nb = await service.notebook({ k: 2 });
    const tape = await nb.tape({ persistent: true });
    for (const x of [[1], [1, 2], [[1], [2], [3]]]) {
      await tape.record('y = sum(k * x)', { x });
      expect(await tape.gradient('y', 'k')).toBe((x as Json[]).flat().reduce((sum: number, each) => sum + each, 0));
    }
  });

  test('testRecomputeGradWithNestedFunctionAndWhileLoop: one loop in several cells', async () => {
    const tape = await watching({ x: 1.5 }, ['v0 = x * 1']);
    const loop = (from: string, to: string): object => ({
      inputs: { [from]: {} },
      nodes: [
        node(to, 'scan', [from], {
          carry: 1,
          length: 3,
          body: { inputs: ['v'], nodes: [node('d', 'mul', ['v', 'v'])], outputs: ['d'] },
        }),
      ],
    });
    await tape.record(loop('v0', 'v1'));
    await tape.record('w = v1 * x');
    // x to the 9th: 9 x^8.
    expectClose(await tape.gradient('w', 'x'), 9 * 1.5 ** 8, 1e-6);
  });
});

test('every case of the list is tested here or in jacobian.test.ts', () => {
  const here = readFileSync(import.meta.filename, 'utf8');
  const there = readFileSync(new URL('jacobian.test.ts', import.meta.url), 'utf8');
  // The titles of the files, above this list, are the only list of what they test.
  const titles = here.slice(0, here.indexOf('const LISTED')) + there;
  const LISTED = `
    testNoOpBehaviorConsistent testTwoTargets testTapeGradientMultiTargetOneIsSource testTapeNoOpGradient
    testTapeNoOpGradientWithMultiTargetAllSource testTapeNoOpGradientWithMultiTargetMultiSource testTapeIdentityGradientMultiTargetMultiSource
    testTapeGradientOnVariable testTapeNoOpGradient2By2 testTapeNoOpGradientMultiTarget2By2
    testOutputGradUsedInComputation testDy testGradientInteger testTapeGradientStringTarget
    testTapeGradientStringSourceAndTarget testTapeNoOpGradientMultiTargetMultiSourceIncludeString testWhereGradient testPythonMax testTapeStopRecording
    testTapeStopStartRecording testTapeReset testWatchedVariablesRespectReset
    testWatchedVariablesAfterNonPersistentGradientCall testWatchedVariablesOnlyHasVariablesFromLastTape
    testAutomaticWatchedVariables testExplicitWatchedVariables testSelectivelyWatchVariables testGradientNone
    testSecondGrad testGradientWithinTapeBlock testNestedSelfContexts testGradientTapeReEnterContext
    testWatchingIsTapeLocal testMakeVJP testPersistentMakeVJP testGradGrad testGradGradExp testHigherOrderGradient
    testNestedGradients testPersistentTape testPersistentNestedTape testStopGradient testArgmax testUnconnectedNone
    testUnconnectedGradientsDefault testUnconnectedGradientsZeros testUnconnectedGradientsVariablesZeros
    testUnconnectedGradientsNestedDefunZeros testUnknownUnconnectedGradientsValueGiven testGradientTapeRepeatedSource
    testPersistentGradientTapeRepeatedSource testGradientTapeStructure testGadientTapeCalledOnConstantTarget
    testGradientTapeWithCond testGradientTapeWithWhileLoop testSameObjectForMultipleArguments
    testDifferentiatingScalarCache testVariablesAndConstantsProduceTheSameGradients testCustomGradient
    testCustomGradientIdentity testCustomGradientInEagerAndGraph
    testImplicitGradientsCustomGradientAndCachedVariableValue testOverrideSecondOrderWithCustomGradient
    testCustomGradientForwardprop testCustomGradientEmptyError testErrors testExceptionSafety testAggregateGradients
    testAggregateGradientsWithTensor testImplicitGradOverEmbeddingLookup testFunctionIndexedSlicesGradient
    AggregateIndexedSlicesGradientsTest testMultiValuePreservesIfNotDiffedAgainst testOutput testReturnSameThing
    testMaxPooling3DGradient testZerosCacheDoesntLeakAcrossGraphs testRecomputeGradWithDifferentShape
    testRecomputeGradWithNestedFunctionAndWhileLoop assert_no_new_tensors testGradientTapeJacobianCalledMultipleTimes
    testGradientTapeBatchJacobianCalledMultipleTimes testJacobianInsideGradientTapeScope
    testBatchJacobianInsideGradientTapeScope testBatchJacobianParallelIterations test_parallel_iterations
    test_nested_jacobian test_nested_batch_jacobian_foldl test_grad_jacobian_conv test_indexed_slices
    test_foldl_partial_function test_foldl_pure_function test_cond_func_grad_jacobian
    test_empty_tensor_consistent_jacobian testBadShape testBadInputRank testBadOutputRank test_degenerate_shape
    _test_gradients testMultipleWatchesAdd testReenter`;
  const missing = LISTED.trim()
    .split(/\s+/)
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(titles));
  expect(missing).toEqual([]);
});
