/** @file Jacobians by TensorFlow's JacobianTest and BatchJacobianTest: the numbers, the shapes and the words of the errors. */
import { describe, expect, test } from 'vitest';
import { choice, client, expectClose, node, shapeOf, testCases } from './harness.ts';

const service = client();

const diagonal = (a: number, b: number): number[][] => [
  [a, 0],
  [0, b],
];

describe('jacobian', () => {
  testCases(
    service,
    ['auto', 'forward', 'reverse'].flatMap((mode) => [
      {
        title: `x * x * y by both of its inputs (${mode})`,
        path: '/v1/jacobian',
        request: { graph: 'z = x * x * y', values: { x: [1, 2], y: [3, 4] }, sources: ['x', 'y'], mode },
        expect: { values: { z: [3, 16] }, jacobians: [diagonal(6, 16), diagonal(1, 4)] },
      },
      {
        title: `of a matrix product (${mode})`,
        path: '/v1/jacobian',
        request: { graph: 'y = x @ w', values: { x: [[1, 2]], w: [[3], [4]] }, sources: { x: 'x', w: 'w' }, mode },
        expect: { values: { y: [[11]] }, jacobians: { x: [[[[3, 4]]]], w: [[[[1], [2]]]] } },
      },
      {
        title: `by an intermediate value (${mode})`,
        path: '/v1/jacobian',
        request: { graph: 'y = x * x; z = y * y', values: { x: [1, 3] }, target: 'z', sources: 'y', mode },
        expect: { jacobians: diagonal(2, 18) },
      },
      {
        title: `test_indexed_slices: rows of a table (${mode})`,
        path: '/v1/jacobian',
        request: {
          graph: 'i = [1, 1]; y = take(x, i, axis=0) * 2',
          values: { x: [5, 6] },
          sources: 'x',
          mode,
        },
        expect: {
          jacobians: [
            [0, 2],
            [0, 2],
          ],
        },
      },
      {
        title: `of a branch (${mode})`,
        path: '/v1/jacobian',
        request: {
          graph: {
            inputs: { p: { dtype: 'bool' }, x: {} },
            nodes: [
              choice(
                'y',
                ['p'],
                { nodes: [node('s', 'mul', ['x', 'x'])], outputs: ['s'] },
                { nodes: [node('d', 'mul', ['x', 3])], outputs: ['d'] },
              ),
            ],
          },
          values: { p: false, x: [1, 2] },
          sources: 'x',
          mode,
        },
        expect: { jacobians: diagonal(3, 3) },
      },
      {
        title: `of a loop's steps (${mode})`,
        path: '/v1/jacobian',
        request: {
          graph: {
            inputs: { xs: {} },
            nodes: [
              node('last', 'scan', [0, 'xs'], {
                carry: 1,
                body: { inputs: ['sum', 'x'], nodes: [node('s', 'add', ['sum', 'x'])], outputs: ['s', 's'] },
              }),
            ],
          },
          values: { xs: [1, 2, 3] },
          target: 'last:1',
          sources: 'xs',
          mode,
        },
        // Running sums: each depends on the elements up to its own.
        expect: {
          values: { last: 6, 'last:1': [1, 3, 6] },
          jacobians: [
            [1, 0, 0],
            [1, 1, 0],
            [1, 1, 1],
          ],
        },
      },
    ]),
  );

  test('test_nested_jacobian: a Jacobian of a Jacobian', async () => {
    const { results } = await service.ok('/v1/run', {
      graph: 'y = x ** 3',
      values: { x: [1, 2] },
      transforms: [
        { transform: 'jacobian', sources: ['x'] },
        { transform: 'jacobian', sources: ['x'] },
      ],
    });
    expect(results[0]).toEqual({ 'jacobian(y, x)': diagonal(3, 12) });
    const [second] = Object.values(results[1]);
    expect(shapeOf(second)).toEqual([2, 2, 2]);
    expectClose(second, [diagonal(6, 0), diagonal(0, 12)]);
  });

  test.each(['auto', 'forward', 'reverse'])('test_empty_tensor_consistent_jacobian (%s)', async (mode) => {
    const empty = { dtype: 'float32', shape: [0, 2], data: [] };
    const reply = await service.ok('/v1/jacobian', {
      graph: 'y = x * x',
      values: { x: empty },
      sources: 'x',
      mode,
      options: { encoding: 'flat' },
    });
    expect(reply.jacobians).toEqual({ dtype: 'float32', shape: [0, 2, 0, 2], data: [] });
  });

  test('target must be one tensor', async () => {
    const problem = await service.refused('/v1/jacobian', {
      graph: 'a = x * x; b = 2 * x; a, b',
      values: { x: 1 },
      sources: 'x',
    });
    expect(problem).toMatchObject({ status: 400, code: 'invalid_source', pointer: '/target' });
    expect(problem.detail).toContain('a, b');
  });

  test.each([
    ['a target that does not exist', { target: 'ouput', sources: 'x' }, /no tensor 'ouput'\. Did you mean 'output'\?/],
    ['a source that does not exist', { target: 'output', sources: ['xx'] }, /no tensor 'xx'/],
    ['an integer source', { target: 'output', sources: 'i' }, /'i' is i32.*only float32 and float64/],
    ['an integer target', { target: 'j', sources: 'x' }, /'j' is i32.*only float32 and float64/],
  ])('%s', async (_, asked, detail) => {
    const problem = await service.refused('/v1/jacobian', {
      graph: {
        inputs: { x: {}, i: { dtype: 'int32' } },
        nodes: [node('j', 'add', ['i', 1]), node('output', 'mul', ['x', 'j'])],
      },
      values: { x: [1, 2], i: 3 },
      ...asked,
    });
    expect(problem.status).toBe(400);
    expect(problem.detail).toMatch(detail);
  });
});

describe('batch_jacobian', () => {
  testCases(service, [
    {
      title: 'row by row',
      path: '/v1/batch_jacobian',
      request: {
        graph: 'z = x * x * y',
        values: {
          x: [
            [1, 2],
            [3, 4],
          ],
          y: [
            [3, 4],
            [5, 6],
          ],
        },
        sources: 'x',
      },
      expect: { jacobians: [diagonal(6, 16), diagonal(30, 48)] },
    },
  ]);

  test('test_degenerate_shape', async () => {
    const reply = await service.ok('/v1/batch_jacobian', {
      graph: 'y = tanh(x)',
      values: { x: { dtype: 'float32', shape: [1, 0], data: [] } },
      sources: 'x',
      options: { encoding: 'flat' },
    });
    expect(reply.jacobians).toEqual({ dtype: 'float32', shape: [1, 0, 0], data: [] });
  });

  const matrix = [
    [1, 2],
    [3, 4],
  ];
  test.each([
    [
      'testBadShape',
      'y = concatenate(x, x, axis=0)',
      matrix,
      /Need first dimension of target shape .* and source shape .* to match/,
    ],
    ['testBadInputRank', 'y = x * 2', [1, 2], /must have rank at least 2/],
    ['testBadOutputRank', 'y = sum(x, axis=1)', matrix, /must have rank at least 2/],
  ])('%s has the words of TensorFlow', async (_, graph, x, detail) => {
    const problem = await service.refused('/v1/batch_jacobian', { graph, values: { x }, sources: 'x' });
    expect(problem).toMatchObject({ status: 400, code: 'type_mismatch' });
    expect(problem.detail).toMatch(detail);
  });
});
