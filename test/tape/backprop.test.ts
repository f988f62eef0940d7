/** @file The cases of TensorFlow's backprop_test.py and forwardprop_test.py, by the names they have there. */
import { describe, expect, test } from 'vitest';
import {
  type Case,
  choice,
  client,
  expectClose,
  type Json,
  node,
  reasonsOf,
  TENSORFLOW,
  testCases,
} from './harness.ts';

const service = client();

/** Derivatives of a graph's one output, each of the one before. */
function derivatives(count: number, source = 'x'): object[] {
  return Array.from({ length: count }, () => ({ transform: 'gradient', sources: [source] }));
}

const twice = { inputs: ['x', 'y', 'ct'], nodes: [node('g', 'mul', ['ct', 2])], outputs: ['g'] };

describe('gradients', () => {
  testCases(service, [
    {
      title: 'testNoOpBehaviorConsistent: distinct nodes stay distinct, whatever they compute',
      request: {
        // In the test the no-ops come before the tape: no gradient flows through them.
        graph:
          's = stop_gradient(x); x1 = identity(s); x2 = s + 0; x3 = s - 0; x4 = s * 1; ' +
          'loss = x * 2 + x1 * 3 + x2 * 3 + x3 * 3 + x4 * 3',
        values: { x: 10 },
        sources: ['x', 'x1', 'x2', 'x3', 'x4'],
      },
      expect: { gradients: [2, 3, 3, 3, 3] },
    },
    {
      title: 'the same on the tape: x has the gradients of them all',
      request: {
        graph: 'x1 = identity(x); x2 = x + 0; x3 = x - 0; x4 = x * 1; loss = x * 2 + x1 * 3 + x2 * 3 + x3 * 3 + x4 * 3',
        values: { x: 10 },
        sources: ['x', 'x1', 'x2', 'x3', 'x4'],
      },
      expect: { gradients: [14, 3, 3, 3, 3] },
    },
    {
      title: 'testTwoTargets',
      request: { graph: 'xx = 2 * x; yy = 3 * y', values: { x: 2, y: 3 }, targets: ['xx', 'yy'], sources: ['x', 'y'] },
      expect: { gradients: [2, 3] },
    },
    {
      title: 'testTapeGradientMultiTargetOneIsSource',
      request: { graph: 'y = x * x', values: { x: 2 }, targets: ['x', 'y'], sources: ['x'] },
      expect: { gradients: [5] },
    },
    {
      title: 'testTapeNoOpGradientWithMultiTargetAllSource',
      request: { graph: 'y = identity(x)', values: { x: 3 }, targets: ['y', 'y'], sources: ['x'] },
      expect: { gradients: [2] },
    },
    {
      title: 'testTapeNoOpGradientWithMultiTargetMultiSource',
      request: {
        graph: { inputs: { x: {}, y: {} }, nodes: [node('z', 'mul', ['y', 'y'])] },
        values: { x: 3, y: 5 },
        targets: ['x', 'y', 'z'],
        sources: ['x', 'y'],
      },
      expect: { gradients: [1, 11] },
    },
    {
      title: 'testTapeNoOpGradient',
      request: { graph: { inputs: { x: {} }, nodes: [] }, values: { x: 3 }, targets: 'x', sources: 'x' },
      expect: { gradients: 1 },
    },
    {
      title: 'testTapeIdentityGradient',
      request: { graph: 'y = identity(x)', values: { x: 3 }, sources: 'x' },
      expect: { gradients: 1 },
    },
    {
      title: 'testTapeNoOpGradient2By2',
      request: {
        graph: { inputs: { x: {} }, nodes: [] },
        values: {
          x: [
            [4, 5],
            [6, 7],
          ],
        },
        targets: 'x',
        sources: 'x',
      },
      expect: {
        gradients: [
          [1, 1],
          [1, 1],
        ],
      },
    },
    {
      title: 'testTapeNoOpGradientMultiTarget2By2',
      request: {
        graph: { inputs: { x: {} }, nodes: [] },
        values: {
          x: [
            [4, 5],
            [6, 7],
          ],
        },
        targets: ['x', 'x'],
        sources: 'x',
      },
      expect: {
        gradients: [
          [2, 2],
          [2, 2],
        ],
      },
    },
    {
      title: 'testWhereGradient, below the bound',
      request: { graph: 'y = where(x < 10, x, x * x)', values: { x: 5 }, sources: 'x' },
      expect: { gradients: 1 },
    },
    {
      title: 'testWhereGradient, above the bound',
      request: { graph: 'y = where(x < 10, x, x * x)', values: { x: 50 }, sources: 'x' },
      expect: { gradients: 100 },
    },
    {
      title: 'testStopGradient',
      request: { graph: 'y = identity(stop_gradient(x))', values: { x: 3 }, sources: 'x' },
      expect: { gradients: null, unconnected: { x: 'stop_gradient' } },
    },
    {
      title: 'testArgmax',
      request: { graph: 'y = argmax(x, axis=0)', values: { x: [0, 1] }, sources: 'x' },
      expect: { gradients: null, unconnected: { x: 'integer_dtype' } },
    },
    {
      title: 'testGradientInteger',
      request: {
        graph: 'y = x + x',
        values: { x: { dtype: 'int32', shape: [2], data: [1, 2] } },
        sources: 'x',
      },
      expect: { values: { y: [2, 4] }, gradients: null, unconnected: { x: 'integer_dtype' } },
    },
    {
      title: 'testSameObjectForMultipleArguments: a source named twice',
      request: { graph: 'y = x * 2', values: { x: 1 }, sources: ['x', 'x'] },
      expect: { gradients: [2, 2] },
    },
    {
      title: 'testGradientTapeRepeatedSource',
      request: { graph: 'y = x * 2', values: { x: 3 }, targets: 'y', sources: ['x', 'x'] },
      expect: { gradients: [2, 2] },
    },
    {
      title: 'testPersistentGradientTapeRepeatedSource, first',
      request: { graph: 'a = 3 * x + 2 * y; b = 2 * y', values: { x: 3, y: 5 }, targets: 'a', sources: ['y', 'y'] },
      expect: { gradients: [2, 2] },
    },
    {
      title: 'testPersistentGradientTapeRepeatedSource',
      request: { graph: 'u = y * y + x * x * y', values: { x: 1, y: 5 }, sources: ['y', 'y'] },
      expect: { gradients: [11, 11] },
    },
    {
      title: 'testPersistentGradientTapeRepeatedSource, among others',
      request: { graph: 'z = 3 * x + x * y - y', values: { x: 2, y: 0 }, sources: ['x', 'y', 'x'] },
      expect: { gradients: [3, 1, 3] },
    },
    {
      title: 'testGradientTapeStructure',
      request: {
        graph: 'y = x1 + 2 * x2 + 3 * x3',
        values: { x1: 1, x2: 2, x3: 3 },
        sources: ['x1', { x2: 'x2', x3: 'x3' }],
      },
      expect: { gradients: [1, { x2: 2, x3: 3 }] },
    },
    {
      title: 'testGadientTapeCalledOnConstantTarget',
      request: {
        graph: { inputs: { x: {} }, constants: { y: 2 }, nodes: [] },
        values: { x: 3 },
        targets: 'y',
        sources: ['x'],
      },
      expect: { gradients: [null], unconnected: { x: 'not_on_path' } },
    },
    {
      title: 'testGradientTapeWithCond',
      request: {
        graph: {
          inputs: { x: {} },
          nodes: [
            node('never', 'lt', ['x', 'x']),
            choice('y', ['never'], { outputs: ['x'] }, { nodes: [node('s', 'mul', ['x', 'x'])], outputs: ['s'] }),
          ],
        },
        values: { x: 3 },
        sources: ['x'],
      },
      expect: { gradients: [6], unconnected: {} },
    },
    {
      title: 'testGradientTapeWithWhileLoop: a loop of a fixed number of steps',
      request: {
        graph: {
          inputs: { x: {} },
          nodes: [
            node('y', 'scan', ['x'], {
              carry: 1,
              length: 2,
              body: { inputs: ['v'], nodes: [node('d', 'mul', ['v', 2])], outputs: ['d'] },
            }),
          ],
        },
        values: { x: 2 },
        sources: ['x'],
      },
      expect: { values: { y: 8 }, gradients: [4] },
    },
    {
      title: 'test_foldl_partial_function: a fold of a sum',
      request: {
        graph: {
          inputs: { x: {} },
          nodes: [
            node('y', 'scan', [0, 'x'], {
              carry: 1,
              body: { inputs: ['sum', 'item'], nodes: [node('s', 'add', ['sum', 'item'])], outputs: ['s'] },
            }),
          ],
        },
        values: { x: [1, 2, 3] },
        sources: 'x',
      },
      expect: { values: { y: 6 }, gradients: [1, 1, 1] },
    },
    {
      title: 'testDifferentiatingScalarCache: equal constants are not one',
      request: {
        graph: { constants: { x1: 3, x2: 3 }, nodes: [node('y', 'add', ['x1', 'x2'])] },
        sources: 'x1',
        watch: ['x1', 'x2'],
      },
      expect: { values: { y: 6 }, gradients: 1, unconnected: {} },
    },
    {
      title: 'testVariablesAndConstantsProduceTheSameGradients: constants',
      request: {
        graph: {
          constants: { x: 3, y: 3 },
          nodes: [node('r', 'mul', ['x', 'y']), node('p', 'add', ['r', 'x']), node('z', 'sub', ['p', 'y'])],
        },
        sources: ['x', 'y'],
        watch: ['x', 'y'],
      },
      expect: { gradients: [4, 2] },
    },
    {
      title: 'testVariablesAndConstantsProduceTheSameGradients: variables',
      request: {
        graph: {
          variables: { x: {}, y: {} },
          nodes: [node('r', 'mul', ['x', 'y']), node('p', 'add', ['r', 'x']), node('z', 'sub', ['p', 'y'])],
        },
        values: { x: 3, y: 3 },
        sources: ['x', 'y'],
      },
      expect: { gradients: [4, 2] },
    },
    {
      title: 'testGradientNone: softmax cross-entropy',
      request: {
        graph: 'y = softmax_cross_entropy_with_logits(labels, logits)',
        values: { labels: [[1, 0]], logits: [[0, 0]] },
        sources: 'logits',
      },
      expect: { gradients: [[-0.5, 0.5]] },
    },
    {
      title: 'softmax cross-entropy of several rows',
      request: {
        graph: 'y = sum(softmax_cross_entropy_with_logits(labels, logits))',
        values: {
          ...TENSORFLOW['softmax cross entropy'].inputs,
          labels: [
            [1, 0, 0, 0],
            [0, 0, 0, 1],
            [0, 0, 0, 1],
          ],
        },
        sources: { logits: 'logits' },
      },
      expect: {
        values: { y: TENSORFLOW['softmax cross entropy'].value },
        gradients: TENSORFLOW['softmax cross entropy'].gradients,
      },
    },
    {
      title: 'testImplicitGradOverEmbeddingLookup: gradients of repeated rows add up',
      request: {
        graph: 'y = 1 - sum(take(table, rows, axis=0) ** 2)',
        values: { ...TENSORFLOW['embedding with duplicates'].inputs, rows: [1, 1, 3, 1] },
        sources: { table: 'table' },
      },
      expect: { gradients: TENSORFLOW['embedding with duplicates'].gradients },
    },
    {
      title: 'testAggregateGradientsWithTensor: dense and sparse gradients of one table',
      request: {
        graph:
          'i1 = [0, 1]; i2 = [2, 3]; i3 = [1, 3]; ' +
          'y = sum(take(x, i1, axis=0) * take(x, i2, axis=0) * take(x, i3, axis=0) * sum(x * 2))',
        values: TENSORFLOW['dense and sparse gradients'].inputs,
        sources: { x: 'x' },
      },
      expect: { gradients: TENSORFLOW['dense and sparse gradients'].gradients },
    },
    {
      title: 'testZerosCacheDoesntLeakAcrossGraphs: a part of a split that nothing reads has zeros',
      request: {
        graph: {
          inputs: { x: {} },
          nodes: [
            node('parts', 'split', ['x'], { sections: 2 }),
            node('sq', 'mul', ['parts', 'parts']),
            node('both', 'concat', ['parts', 'sq'], { axis: 0 }),
            node('y', 'sum', ['both']),
          ],
        },
        values: TENSORFLOW['split and concat'].inputs,
        sources: { x: 'x' },
      },
      expect: { gradients: TENSORFLOW['split and concat'].gradients },
    },
    {
      title: 'testOutput: targets of different kinds',
      request: { graph: 'a = x + 2; b = x * x', values: { x: [0, 1, 2] }, targets: ['a', 'b'], sources: 'x' },
      expect: { gradients: [1, 3, 5] },
    },
    {
      title: 'testReturnSameThing',
      request: { graph: 'b = 2 * x', values: { x: 1 }, targets: ['x', 'b'], sources: 'x' },
      expect: { gradients: 3 },
    },
    {
      title: 'testUnconnectedNone',
      request: {
        graph: { inputs: { x: {}, y: {} }, nodes: [node('z', 'mul', ['x', 'x'])] },
        values: { x: 2, y: 1 },
        sources: ['x', 'y'],
      },
      expect: { gradients: [4, null], unconnected: { y: 'not_on_path' } },
    },
    {
      title: 'testUnconnectedGradientsZeros',
      request: {
        graph: { inputs: { x: {}, y: {} }, nodes: [node('z', 'mul', ['y', 3])] },
        values: {
          x: [
            [1, 1],
            [1, 1],
          ],
          y: 3,
        },
        sources: ['x', 'y'],
        unconnected_gradients: 'zero',
      },
      expect: {
        gradients: [
          [
            [0, 0],
            [0, 0],
          ],
          3,
        ],
      },
    },
    {
      title: 'testSelectivelyWatchVariables',
      request: {
        graph: {
          variables: { y: {}, z: {} },
          nodes: [node('a', 'mul', ['y', 2]), node('b', 'mul', ['z', 3]), node('s', 'add', ['a', 'b'])],
        },
        values: { y: 1, z: 1 },
        sources: { y: 'y', z: 'z' },
        watch: ['z'],
        watch_accessed_variables: false,
      },
      expect: { gradients: { y: null, z: 3 }, unconnected: { y: 'not_watched' } },
    },
    {
      title: 'testTapeStopStartRecording: a part in the middle is hidden',
      request: {
        graph: 'x2 = x * 2; y = stop_gradient(x2 * x2); z = x2 * x2',
        values: { x: 1 },
        targets: 'z',
        sources: ['x', 'y'],
      },
      expect: { gradients: [8, null], unconnected: { y: 'not_on_path' } },
    },
    {
      title: 'an intermediate that only an unwatched input reaches is not watched',
      request: { graph: 'y = x * x; z = y * y', values: { x: 3 }, targets: 'z', sources: ['y'], watch: [] },
      expect: { gradients: [null], unconnected: { y: 'not_watched' } },
    },
    {
      title: 'an intermediate that a watched input reaches is watched',
      request: { graph: 'y = x * x; z = y * y', values: { x: 3 }, targets: 'z', sources: ['y'], watch: ['x'] },
      expect: { gradients: [18], unconnected: {} },
    },
    ...['reduce_max ties', 'maximum ties', 'relu at 0', 'abs at 0'].map((name) => ({
      title: `a point without a derivative: ${name}`,
      request: {
        graph: {
          'reduce_max ties': 'y = max(x)',
          'maximum ties': 'z = sum(maximum(x, y))',
          'relu at 0': 'y = sum(relu(x))',
          'abs at 0': 'y = sum(abs(x))',
        }[name],
        values: TENSORFLOW[name].inputs,
        sources: Object.fromEntries(Object.keys(TENSORFLOW[name].inputs).map((source) => [source, source])),
      },
      expect: { gradients: TENSORFLOW[name].gradients },
    })),
  ] satisfies Case[]);

  test('testPythonMax: the largest of variables', async () => {
    const { gradients } = await service.ok('/v1/gradient', {
      graph: {
        variables: { a: {}, b: {}, c: {} },
        nodes: [node('ab', 'maximum', ['a', 'b']), node('y', 'maximum', ['ab', 'c'])],
      },
      values: { a: 2, b: 3, c: 5 },
      sources: ['a', 'b', 'c'],
    });
    // Python's max leaves None for those it did not return; maximum is a function of all of them.
    expect(gradients).toEqual([0, 0, 1]);
  });
});

describe('output_gradients', () => {
  testCases(service, [
    {
      title: 'testDy',
      request: { graph: 'y = x * 1', values: { x: 1 }, targets: ['y'], sources: ['x'], output_gradients: [2] },
      expect: { gradients: [2] },
    },
    {
      title: 'one target takes one tensor',
      request: { graph: 'y = x * x', values: { x: [1, 2] }, sources: 'x', output_gradients: [1, 10] },
      expect: { gradients: [2, 40] },
    },
    {
      title: 'testOutputGradUsedInComputation',
      request: {
        graph: 'loss = x * y',
        values: { x: 3, y: 2 },
        targets: ['loss', 'x'],
        sources: ['x'],
        output_gradients: [1, 2],
      },
      expect: { gradients: [4] },
    },
    {
      title: 'null stands for ones',
      request: {
        graph: 'a = x * x; b = 3 * x',
        values: { x: [1, 2] },
        targets: ['a', 'b'],
        sources: 'x',
        output_gradients: [null, [10, 100]],
      },
      expect: { gradients: [32, 304] },
    },
    {
      title: 'testMakeVJP',
      path: '/v1/vjp',
      request: { graph: 'y = x * x', values: { x: 3 }, cotangents: { y: 2 }, sources: 'x' },
      expect: { values: { y: 9 }, cotangents: 12 },
    },
  ]);

  test.each([
    ['too few', [1], "'output_gradients' must be a list of 2, one for each target"],
    ['no list', 1, "'output_gradients' must be a list of 2, one for each target"],
  ])('%s', async (_, output_gradients, detail) => {
    const problem = await service.refused('/v1/gradient', {
      graph: 'a = x * x; b = 3 * x',
      values: { x: 1 },
      targets: ['a', 'b'],
      sources: 'x',
      output_gradients,
    });
    expect(problem.detail).toContain(detail);
  });

  test('the wrong shape (TFSA-2020-022 crashed on it)', async () => {
    const problem = await service.refused('/v1/gradient', {
      graph: 'y = x * x',
      values: { x: [1, 2] },
      sources: 'x',
      output_gradients: [1, 2, 3],
    });
    expect(problem).toMatchObject({ status: 400, code: 'type_mismatch' });
    expect(problem.pointer).toBe('/output_gradients');
    expect(problem.detail).toBe("the output gradient of 'y' has shape [3], expected f32[2]");
  });
});

describe('higher order', () => {
  testCases(service, [
    {
      title: 'testHigherOrderGradient',
      path: '/v1/run',
      request: { graph: 'y = x ** 3', values: { x: 3 }, transforms: derivatives(3) },
      expect: {
        values: { y: 27 },
        results: [{ 'gradient(x)': 27 }, { 'gradient(x) (2)': 18 }, { 'gradient(x) (3)': 6 }],
      },
    },
    {
      title: 'testGradGrad',
      path: '/v1/run',
      request: { graph: 'y = x * x', values: { x: 1 }, transforms: derivatives(2) },
      expect: { results: [{ 'gradient(x)': 2 }, { 'gradient(x) (2)': 2 }] },
    },
    {
      title: 'testGradGradExp',
      path: '/v1/run',
      request: { graph: 'y = exp(x)', values: { x: 0 }, transforms: derivatives(2) },
      expect: { results: [{ 'gradient(x)': 1 }, { 'gradient(x) (2)': 1 }] },
    },
    {
      title: 'testNestedGradients',
      path: '/v1/run',
      request: {
        graph: 'y = x * x; z = y * y',
        values: { x: 3 },
        transforms: [
          { transform: 'gradient', targets: 'z', sources: ['x'] },
          { transform: 'gradient', targets: 'z', sources: ['y'] },
        ],
      },
      expect: { results: [{ 'gradient(x)': 108 }, { 'gradient(y) (2)': 18 }] },
    },
    {
      title: 'testPersistentNestedTape',
      path: '/v1/run',
      request: { graph: 'y = x * x; z = y * y', values: { x: 1 }, transforms: derivatives(2) },
      expect: { results: [{ 'gradient(x)': 4 }, { 'gradient(x) (2)': 12 }] },
    },
    {
      title: 'testWatchingIsTapeLocal: the inner tape has one source, the outer another',
      path: '/v1/run',
      request: {
        graph: 'y = x ** 4 + z ** 2',
        values: { x: 1, z: 1 },
        transforms: [
          { transform: 'gradient', sources: ['x'] },
          { transform: 'gradient', sources: ['x', 'z'] },
        ],
      },
      expect: { results: [{ 'gradient(x)': 4 }, { 'gradient(x) (2)': 12, 'gradient(z) (2)': 0 }] },
    },
    {
      title: 'testSecondGrad',
      path: '/v1/run',
      request: {
        graph: 'y = softmax_cross_entropy_with_logits(labels, logits)',
        values: { labels: [[0]], logits: [[1]] },
        transforms: derivatives(2, 'logits'),
      },
      expect: { results: [{ 'gradient(logits)': [[0]] }, { 'gradient(logits) (2)': [[0]] }] },
    },
    {
      title: 'testJacobianInsideGradientTapeScope',
      path: '/v1/run',
      request: {
        graph: 'y = x ** 2; z = y ** 2',
        values: { x: 3 },
        transforms: [
          { transform: 'jacobian', targets: 'z', sources: ['x'] },
          { transform: 'gradient', sources: ['x'] },
        ],
      },
      expect: { results: [{ 'jacobian(z, x)': 108 }, { 'gradient(x) (2)': 108 }] },
    },
    {
      title: 'testBatchJacobianInsideGradientTapeScope',
      path: '/v1/run',
      request: {
        graph: 'y = x ** 2; z = y ** 2',
        values: { x: [[3]] },
        transforms: [{ transform: 'batch_jacobian', targets: 'z', sources: ['x'] }],
      },
      expect: { results: [{ 'batch_jacobian(x)': [[[108]]] }] },
    },
    {
      title: 'test_cond_func_grad_jacobian',
      path: '/v1/run',
      request: {
        graph: {
          inputs: { x: {} },
          nodes: [
            node('positive', 'gt', ['x', 0]),
            choice(
              'y',
              ['positive'],
              { nodes: [node('cube', 'pow', ['x', 3])], outputs: ['cube'] },
              { nodes: [node('square', 'pow', ['x', 2])], outputs: ['square'] },
            ),
          ],
        },
        values: { x: 1 },
        transforms: [
          { transform: 'gradient', sources: ['x'] },
          { transform: 'jacobian', sources: ['x'] },
        ],
      },
      expect: { results: [{ 'gradient(x)': 3 }, { 'jacobian(gradient(x), x) (2)': 6 }] },
    },
    ...['sin tan prod sum', 'tanh squared prod', 'elu', 'swish'].map((name): Case => {
      const [first, second, third] = TENSORFLOW[name].derivatives;
      return {
        title: `forwardprop_test: ${name}, to order 3 by reverse mode`,
        path: '/v1/run',
        request: { graph: GRAPHS[name], values: TENSORFLOW[name].inputs, transforms: derivatives(3) },
        expect: {
          values: { y: TENSORFLOW[name].value },
          results: [{ 'gradient(x)': first }, { 'gradient(x) (2)': second }, { 'gradient(x) (3)': third }],
        },
        tolerance: 1e-5,
      };
    }),
  ]);

  test.each(['sin tan prod sum', 'tanh squared prod', 'elu', 'swish'])(
    '%s, to order 3 by forward mode',
    async (name) => {
      const { inputs, derivatives: wanted } = TENSORFLOW[name];
      const ones = (inputs.x as number[]).map(() => 1);
      // The sum of a derivative of order n is the n-th derivative along the direction of ones.
      const { results } = await service.ok('/v1/run', {
        graph: GRAPHS[name],
        values: inputs,
        transforms: [1, 2, 3].map(() => ({ transform: 'jvp', tangents: { x: ones } })),
      });
      const along = (wanted as number[][]).map((elements) => elements.reduce((sum, element) => sum + element));
      expectClose(
        results.map((made: Json) => Object.values(made)[0]),
        along,
        1e-5,
      );
    },
  );
});

const GRAPHS: Readonly<Record<string, string>> = {
  'sin tan prod sum': 'y = prod(sin(x) + tan(x)) + sum(x)',
  'tanh squared prod': 'y = prod(tanh(x) ** 2)',
  elu: 'y = sum(elu(x))',
  swish: 'y = sum(swish(x))',
};

describe('custom gradients', () => {
  testCases(service, [
    {
      title: 'testCustomGradientIdentity',
      request: {
        graph: {
          inputs: { x: {} },
          nodes: [node('y', 'custom_gradient', ['x'], { forward: { inputs: ['x'], outputs: ['x'] }, backward: twice })],
        },
        values: { x: 1 },
        sources: 'x',
      },
      expect: { values: { y: 1 }, gradients: 2 },
    },
    {
      title: 'testCustomGradientInEagerAndGraph',
      request: {
        graph: {
          inputs: { x: {} },
          nodes: [
            node('y', 'custom_vjp', ['x'], {
              forward: { inputs: ['x'], nodes: [node('s', 'mul', ['x', 'x'])], outputs: ['s'] },
              backward: { inputs: ['x', 'y', 'ct'], nodes: [node('g', 'mul', ['ct', 4])], outputs: ['g'] },
            }),
          ],
        },
        values: { x: 3 },
        sources: 'x',
      },
      expect: { values: { y: 9 }, gradients: 4 },
    },
    {
      title: 'testImplicitGradientsCustomGradientAndCachedVariableValue',
      request: {
        graph: {
          variables: { x: {} },
          nodes: [
            node('y', 'custom_gradient', ['x'], {
              forward: { inputs: ['x'], nodes: [node('s', 'square', ['x'])], outputs: ['s'] },
              backward: {
                inputs: ['x', 'y', 'ct'],
                nodes: [node('a', 'mul', ['ct', 2]), node('b', 'mul', ['a', 'x']), node('g', 'add', ['b', 1])],
                outputs: ['g'],
              },
            }),
          ],
        },
        values: { x: 3 },
      },
      expect: { gradients: { x: 7 } },
    },
    {
      title: 'testOverrideSecondOrderWithCustomGradient: a custom gradient inside a custom gradient',
      path: '/v1/run',
      request: {
        graph: {
          inputs: { c: {} },
          nodes: [
            node('f', 'custom_gradient', ['c'], {
              forward: { inputs: ['x'], nodes: [node('y', 'add', ['x', 10])], outputs: ['y'] },
              backward: {
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
            }),
            node('d', 'pow', ['f', 4]),
          ],
        },
        values: { c: 1 },
        transforms: derivatives(2, 'c'),
      },
      expect: {
        values: { d: 14641 },
        results: [
          { 'gradient(c)': 4 * 11 ** 3 * -1.1 },
          { 'gradient(c) (2)': 3 * 4 * 11 ** 2 * -1.1 * -1.1 + 4 * 11 ** 3 * -2.1 },
        ],
      },
    },
  ]);

  test('testCustomGradient: five steps of gradient descent', async () => {
    const losses: number[] = [];
    let x = 2;
    for (let step = 0; step < 5; step++) {
      const { values, gradients } = await service.ok('/v1/gradient', {
        graph: {
          inputs: { a: {} },
          variables: { x: {} },
          nodes: [
            node('loss', 'custom_gradient', ['a', 'x'], {
              forward: { inputs: ['a', 'x'], nodes: [node('y', 'mul', ['a', 'x'])], outputs: ['y'] },
              backward: {
                inputs: ['a', 'x', 'y', 'ct'],
                nodes: [node('da', 'mul', ['ct', 'x']), node('dx', 'mul', ['ct', 'a'])],
                outputs: ['da', 'dx'],
              },
            }),
          ],
        },
        values: { a: 2, x },
      });
      losses.push(values.loss);
      // The rate is a quarter of the test's, which scales its loss.
      x -= 0.25 * gradients.x;
    }
    expect(losses).toEqual([4, 3, 2, 1, 0]);
  });

  test('testErrors, testCustomGradientEmptyError: a backward that does not fit names the node', async () => {
    const custom = (backward: object): object => ({
      graph: {
        inputs: { x: {} },
        nodes: [node('mine', 'custom_gradient', ['x'], { forward: { inputs: ['x'], outputs: ['x'] }, backward })],
      },
      values: { x: [1, 2] },
      sources: 'x',
    });
    for (const [backward, detail] of [
      [{ inputs: ['x', 'y', 'ct'], outputs: [] }, "sub-graph 'backward' has 0 outputs, expected 1"],
      [{ inputs: ['ct'], outputs: ['ct'] }, "sub-graph 'backward' has 1 inputs, expected 3"],
      [
        { inputs: ['x', 'y', 'ct'], nodes: [node('s', 'sum', ['ct'])], outputs: ['s'] },
        "output 0 of sub-graph 'backward' is f32, expected f32[2]",
      ],
    ] as const) {
      const problem = await service.refused('/v1/gradient', custom(backward));
      expect(problem.detail).toContain(detail);
      expect(problem.node).toBe('mine');
    }
    // testExceptionSafety: the next good request is answered as usual.
    const good = await service.ok('/v1/gradient', custom(twice));
    expect(good.gradients).toEqual([2, 2]);
  });

  test('forward mode of a custom gradient is refused, and told what to use', async () => {
    const problem = await service.refused('/v1/jvp', {
      graph: {
        inputs: { x: {} },
        nodes: [node('y', 'custom_gradient', ['x'], { forward: { inputs: ['x'], outputs: ['x'] }, backward: twice })],
      },
      values: { x: 1 },
      tangents: { x: 1 },
    });
    expect(problem).toMatchObject({ status: 400, code: 'not_differentiable' });
    expect(problem.detail).toMatch(/use gradient, vjp or a reverse-mode Jacobian/);
  });
});

describe('forward mode', () => {
  test('ForwardAccumulator.jvp', async () => {
    const { inputs, tangent, value, jvp } = TENSORFLOW['forward accumulator'];
    const reply = await service.ok('/v1/jvp', {
      graph: 'y = sum(sin(x) * exp(x), axis=1)',
      values: inputs,
      tangents: { x: tangent },
    });
    expectClose(reply.values.y, value);
    expectClose(reply.tangents.y, jvp);
  });

  test('testMultipleWatchesAdd: a value that is read twice', async () => {
    const reply = await service.ok('/v1/jvp', { graph: 'y = x + x', values: { x: 2 }, tangents: { x: 3 } });
    expect(reply.tangents).toEqual({ y: 6 });
  });
});

test('a training loop: the client keeps the variables', async () => {
  const { inputs, losses, w, b } = TENSORFLOW['training loop'];
  const values = { ...inputs, w: 5, b: 0 };
  const seen: number[] = [];
  for (let step = 0; step < losses.length; step++) {
    const reply = await service.ok('/v1/gradient', {
      graph: 'loss = mean(square(y - (w * x + b)))',
      values,
      sources: { w: 'w', b: 'b' },
    });
    seen.push(reply.values.loss);
    values.w -= 0.1 * reply.gradients.w;
    values.b -= 0.1 * reply.gradients.b;
  }
  expectClose(seen, losses, 1e-5);
  expectClose([values.w, values.b], [w, b], 1e-5);
});

test('testUnknownUnconnectedGradientsValueGiven', async () => {
  const problem = await service.refused('/v1/gradient', {
    graph: 'y = x * x',
    values: { x: 1 },
    sources: 'x',
    unconnected_gradients: 'nonsense',
  });
  expect(problem).toMatchObject({ status: 400, pointer: '/unconnected_gradients' });
  expect(problem.detail).toContain("Unknown value for unconnected_gradients: 'nonsense'");
});

test('the reasons of several sources do not mix', async () => {
  const reply = await service.ok('/v1/gradient', {
    graph: {
      inputs: { a: {}, i: { dtype: 'int32' } },
      variables: { frozen: { trainable: false }, unread: {} },
      constants: { c: 2 },
      nodes: [
        node('stopped', 'stop_gradient', ['a']),
        node('p', 'mul', ['stopped', 'frozen']),
        node('q', 'mul', ['p', 'c']),
        node('y', 'mul', ['q', 'i']),
      ],
    },
    values: { a: 1, i: 2, frozen: 3, unread: 1 },
    sources: ['a', 'i', 'frozen', 'unread', 'c'],
  });
  expect(reply.gradients).toEqual([null, null, null, null, null]);
  expect(reasonsOf(reply)).toEqual({
    a: 'stop_gradient',
    i: 'integer_dtype',
    frozen: 'not_trainable',
    unread: 'not_on_path',
    c: 'constant',
  });
});
