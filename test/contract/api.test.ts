/** @file The methods through the port: their own examples, their schemas, what documents and values may look like, and what errors say. */

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { METHODS } from '../../services/api/index.ts';
import { choice, client, expectClose, type Json, node } from '../tape/harness.ts';
import { pathIn, tell } from './story.ts';

const service = client();

const base64 = (array: Float32Array | Float64Array | Int32Array): string => new Uint8Array(array.buffer).toBase64();

const EXAMPLES = METHODS.flatMap(({ name, verb, path, response, examples }) =>
  examples.map(({ title, request }) => ({ name, verb, title, path, response, request })),
);

describe('the method table', () => {
  test.each(EXAMPLES)(
    "$name: the example '$title' is answered as its schema says",
    async ({ name, verb, path, request, response }) => {
      const story = await tell(service, { name });
      const { status, body } = await service.send(verb, pathIn(story, path), request);
      expect(status, body.detail).toBeLessThan(300);
      expect(response.parse(body)).toEqual(body);
    },
  );

  test.each(METHODS.filter(({ verb, content }) => verb === 'GET' && content === undefined))(
    '$name is answered as its schema says',
    async ({ name, path, response }) => {
      const { status, body } = await service.get(pathIn(await tell(service, { name }), path));
      expect(status).toBe(200);
      expect(response.parse(body)).toEqual(body);
    },
  );

  test.each(METHODS.filter(({ verb }) => verb === 'POST'))('$name has an example', ({ examples }) => {
    expect(examples.length).toBeGreaterThan(0);
  });

  test.each(METHODS.filter(({ verb }) => verb === 'POST'))(
    '$name refuses a field it does not know',
    async ({ path, request, examples }) => {
      const problem = await service.refused(path, { ...(examples[0]?.request as object), vlaues: {} });
      expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
      // Where there is no example, other fields are missing too.
      const fault = [problem, ...(problem.errors ?? [])].find(({ pointer }) => pointer === '/vlaues');
      expect(fault?.detail).toMatch(/^'vlaues' is not a known field\./);
      if (takesValues(request)) expect(fault.detail).toContain("Did you mean 'values'?");
    },
  );

  test('every op of GET /v1/ops is described, and its aliases are no other op', async () => {
    const { body } = await service.get('/v1/ops');
    const names = body.ops.flatMap(({ name, aliases }: Json) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const op of body.ops) expect(op.doc, op.name).toMatch(/[.…]$/);
    expect(names).not.toContain('custom_linear');
  });
});

function takesValues(request: z.ZodType): boolean {
  return request instanceof z.ZodObject && 'values' in request.shape;
}

describe('what an error says', () => {
  const evaluate = (graph: unknown, values: object = { x: [1, 2, 3], y: [[1, 2, 3]] }): Promise<Json> =>
    service.refused('/v1/evaluate', { graph, values });
  const inputs = { x: {}, y: {} };

  test.each([
    [
      'an op',
      { inputs, nodes: [node('z', 'sofmax', ['x'])] },
      { code: 'unknown_op', node: 'z' },
      "there is no op 'sofmax' (node 'z'). Did you mean 'softmax'?",
    ],
    [
      'a param',
      { inputs, nodes: [node('z', 'sum', ['x'], { axsi: 0 })] },
      { code: 'invalid_params', node: 'z', param: 'axsi', pointer: '/graph/nodes/0/params/axsi' },
      "'axsi' is not a known field. Did you mean 'axis'? (node 'z', op sum)",
    ],
    [
      'a value of a param',
      { inputs, nodes: [node('z', 'cast', ['x'], { dtype: 'flaot64' })] },
      { code: 'invalid_params', param: 'dtype' },
      "Did you mean 'float64'?",
    ],
    [
      'a name',
      { inputs: { logits: { shape: [] }, ...inputs }, nodes: [node('z', 'sin', ['logit'])] },
      { code: 'unknown_name', node: 'z', input: 'logit' },
      "'logit' is not defined before it is read (node 'z'). Did you mean 'logits'?",
    ],
    [
      'a field of the document',
      { inputs, node: [], nodes: [] },
      { code: 'invalid_graph', pointer: '/graph/node' },
      "'graph.node' is not a known field. Did you mean 'nodes'?",
    ],
    [
      'a field of a node',
      { inputs, nodes: [{ name: 'z', op: 'sin', inptus: ['x'] }] },
      { code: 'invalid_graph', node: 'z', pointer: '/graph/nodes/0/inptus' },
      "'graph.nodes[0].inptus' is not a known field. Did you mean 'inputs'? (node 'z')",
    ],
    [
      'a field of an input',
      { inputs: { x: { dtpe: 'float32' }, y: {} }, nodes: [] },
      { code: 'invalid_graph', pointer: '/graph/inputs/x/dtpe' },
      "'graph.inputs.x.dtpe' is not a known field. Did you mean 'dtype'?",
    ],
    [
      'a field of a sub-graph',
      { inputs, nodes: [node('z', 'scan', ['x'], { carry: 1, length: 1, body: { inputs: ['v'], output: ['v'] } })] },
      { code: 'invalid_graph', pointer: '/graph/nodes/0/params/body/output' },
      "'body.output' is not a known field. Did you mean 'outputs'?",
    ],
    [
      'a dtype',
      { inputs: { x: { dtype: 'float23' }, y: {} }, nodes: [] },
      { pointer: '/graph/inputs/x/dtype' },
      "Did you mean 'float32'?",
    ],
    [
      'an output',
      { inputs, nodes: [node('loss', 'sin', ['x'])], outputs: ['los'] },
      { code: 'unknown_name', pointer: '/graph/outputs/0' },
      "Did you mean 'loss'?",
    ],
  ])('a misspelt %s is met with the nearest one', async (_, graph, where, detail) => {
    const problem = await evaluate(graph);
    expect(problem).toMatchObject({ status: 400, ...where });
    expect(problem.detail).toContain(detail);
  });

  test.each([
    [
      'shapes that do not broadcast',
      { inputs, nodes: [node('z', 'add', ['x', 'w'])], constants: { w: [1, 2] } },
      { code: 'type_mismatch', node: 'z', op: 'add' },
      "'x' f32[3] and 'w' f32[2] do not broadcast together (node 'z', op add)",
    ],
    [
      'a matrix product that does not fit',
      { inputs, nodes: [node('z', 'matmul', ['y', 'y'])] },
      { code: 'type_mismatch', node: 'z', op: 'matmul' },
      "'y' is f32[1,3]",
    ],
    [
      'too few inputs',
      { inputs, nodes: [node('z', 'add', ['x'])] },
      { code: 'wrong_arity', node: 'z' },
      "op add takes 2 inputs (x, y), given 1 (node 'z')",
    ],
    [
      'too many inputs',
      { inputs, nodes: [node('z', 'sin', ['x', 'y'])] },
      { code: 'wrong_arity', node: 'z' },
      "op sin takes 1 input (x), given 2 (node 'z')",
    ],
    [
      'an axis out of range',
      { inputs, nodes: [node('z', 'sum', ['x'], { axis: 3 })] },
      { code: 'invalid_params', node: 'z', param: 'axis' },
      'axis 3',
    ],
    [
      'an axis that is none',
      { inputs, nodes: [node('z', 'sum', ['x'], { axis: 9 })] },
      { code: 'invalid_params', node: 'z', param: 'axis' },
      "'axis' is 9, expected at most 7 (node 'z', op sum)",
    ],
    [
      'a name defined twice',
      { inputs, nodes: [node('x', 'sin', ['y'])] },
      { code: 'duplicate_name', node: 'x' },
      "'x' is defined twice",
    ],
    [
      'an integer where a bool belongs',
      { inputs, nodes: [node('z', 'where', ['x', 'x', 'x'])] },
      { code: 'type_mismatch', node: 'z' },
      "'x' is f32[3], expected a bool tensor (node 'z', op where)",
    ],
    [
      'a constant that is no tensor',
      { inputs, constants: { c: 'abc' }, nodes: [] },
      { code: 'invalid_tensor', pointer: '/graph/constants/c' },
      '\'c\' is "abc"',
    ],
    [
      'a write to what is no variable',
      { inputs, nodes: [node('z', 'assign', ['x', 'x'])] },
      { code: 'type_mismatch', node: 'z', input: 'x' },
      "'x' is not a variable; op assign writes its first input (node 'z')",
    ],
    ['no graph', 5, { code: 'invalid_graph', pointer: '/graph' }, "'graph' must be a graph document or a line of text"],
    [
      'a node without an op',
      { inputs, nodes: [{ name: 'z', inputs: ['x'] }] },
      { code: 'invalid_graph', node: 'z', pointer: '/graph/nodes/0/op' },
      "'graph.nodes[0].op' is missing, expected a string (node 'z')",
    ],
  ])('%s', async (_, graph, where, detail) => {
    const problem = await evaluate(graph);
    expect(problem).toMatchObject({ status: 400, ...where });
    expect(problem.detail).toContain(detail);
  });

  test('a node in a sub-graph is named, with the place it lies', async () => {
    const problem = await evaluate({
      inputs,
      nodes: [
        node('loop', 'scan', ['x'], {
          carry: 1,
          length: 2,
          body: { inputs: ['v'], nodes: [node('inner', 'matmul', ['v', 2])], outputs: ['inner'] },
        }),
      ],
    });
    expect(problem).toMatchObject({ status: 400, node: 'inner', pointer: '/graph/nodes/0/params/body/nodes/0' });
  });

  test.each([
    [
      'a missing value',
      { x: [1, 2, 3] },
      { code: 'missing_value', input: 'y' },
      "'y' has no value and no declared shape; send one in 'values'",
    ],
    [
      'a value for nothing',
      { x: 1, y: 1, yy: 1 },
      { code: 'unexpected_value', input: 'yy', pointer: '/values/yy' },
      "the graph has no input or variable 'yy'",
    ],
    [
      'a ragged list',
      { x: [[1], [1, 2]], y: 1 },
      { code: 'invalid_tensor', pointer: '/values/x/1' },
      "'x'[1] has 2 elements, expected 1 like the lists before it",
    ],
    ['a word', { x: ['one'], y: 1 }, { code: 'invalid_tensor', pointer: '/values/x/0' }, 'is "one"'],
    [
      'null',
      { x: [1, null], y: 1 },
      { code: 'invalid_tensor', pointer: '/values/x/1' },
      'is null; send "NaN" for a missing number',
    ],
    [
      'the wrong number of bytes',
      { x: { dtype: 'float32', shape: [2], base64: 'AAAA' }, y: 1 },
      { code: 'invalid_tensor' },
      "'x' has 3 bytes, expected 8 for float32[2]",
    ],
    [
      'no base64',
      { x: { dtype: 'float32', shape: [1], base64: '!' }, y: 1 },
      { code: 'invalid_tensor', pointer: '/values/x/base64' },
      "'x' is not valid base64",
    ],
  ])('%s among the values', async (_, values, where, detail) => {
    const problem = await evaluate({ inputs, nodes: [node('z', 'add', ['x', 'y'])] }, values);
    expect(problem).toMatchObject({ status: 400, ...where });
    expect(problem.detail).toContain(detail);
  });

  test.each([
    ['a declared shape', { x: { shape: [2] } }, { x: [1, 2, 3] }, "the value of 'x' has shape [3], declared [2]"],
    [
      'a declared dtype',
      { x: { dtype: 'float32' } },
      { x: { dtype: 'int32', shape: [], data: [1] } },
      "'x' is i32, expected f32",
    ],
    ['fractions for integers', { x: { dtype: 'int32' } }, { x: [1.5] }, "'x' has the element 1.5, which is no int32"],
    ['numbers for bools', { x: { dtype: 'bool' } }, { x: [2] }, "'x' has the element 2, which is no bool"],
  ])('values that do not fit %s', async (_, declared, values, detail) => {
    const problem = await evaluate({ inputs: declared, nodes: [node('z', 'identity', ['x'])] }, values);
    expect(problem).toMatchObject({ status: 400, code: 'type_mismatch', input: 'x', pointer: '/values/x' });
    expect(problem.detail).toContain(detail);
  });
});

describe('what an error of a derivative says', () => {
  const Y = { graph: 'y = x * 2', values: { x: [1, 2, 3] } };
  const run = (...transforms: object[]): object => ({ ...Y, transforms });

  test.each([
    ['no graph', '/v1/gradient', { sources: 'x' }, "'graph' is missing", '/graph'],
    [
      'no variable',
      '/v1/gradient',
      Y,
      "the graph has no trainable variable; name the sources in 'sources'",
      '/sources',
    ],
    [
      'a source that is nothing',
      '/v1/gradient',
      { ...Y, sources: 'q' },
      "the graph has no tensor 'q'. There is 'x', 'y'.",
      undefined,
    ],
    [
      'no targets',
      '/v1/gradient',
      { ...Y, sources: 'x', targets: [] },
      "there is nothing to differentiate: name 'targets', or outputs of the graph",
      undefined,
    ],
    [
      'no nodes',
      '/v1/gradient',
      { graph: { inputs: { x: {} }, nodes: [] }, values: { x: 1 }, sources: 'x' },
      'there is nothing to differentiate',
      undefined,
    ],
    [
      'an op like none',
      '/v1/evaluate',
      { graph: 'y = qqq(x)', values: { x: 1 } },
      "there is no op 'qqq' (node 'y'). GET /v1/ops lists them all.",
      '/graph/nodes/0',
    ],
    [
      'a transform misspelt',
      '/v1/run',
      run({ transform: 'gradeint', sources: ['x'] }),
      "Did you mean 'gradient'?",
      '/transforms/0/transform',
    ],
    [
      'a target made later',
      '/v1/run',
      run({ transform: 'gradient', sources: ['x'], targets: 'gradient(x)' }),
      "there is no output 'gradient(x)' here. There is 'y'.",
      undefined,
    ],
    [
      'a batch of nothing',
      '/v1/run',
      run({ transform: 'vmap', inputs: ['q'] }),
      "'q' has no value to batch. There is 'x'.",
      '/transforms/0/inputs',
    ],
    [
      'an input that nothing feeds',
      '/v1/run',
      run({ transform: 'apply', graph: 'z = g + h', inputs: { g: 'y' } }),
      "nothing feeds 'h' of the graph in transform 1",
      '/transforms/0/inputs',
    ],
    [
      'a fault in an applied graph',
      '/v1/run',
      run({ transform: 'apply', graph: 'z = matmul(g, 2)', inputs: { g: 'y' } }),
      "(node 'z', op matmul)",
      '/transforms/0/graph/nodes/0',
    ],
    [
      'no tangents',
      '/v1/run',
      run({ transform: 'jvp', tangents: {} }),
      "'tangents' is empty",
      '/transforms/0/tangents',
    ],
    [
      'branches of different types',
      '/v1/evaluate',
      {
        graph: { inputs: { p: {}, x: {} }, nodes: [choice('y', ['p'], { outputs: ['x'] }, { outputs: [1] })] },
        values: { p: true, x: [1] },
      },
      "output 0 of sub-graph 'then' is f32[1], expected f32 as that of 'else' (node 'y', op cond)",
      '/graph/nodes/0/params/then',
    ],
  ])('%s', async (_, path, request, detail, pointer) => {
    const problem = await service.refused(path, request);
    expect(problem.status).toBe(400);
    expect(problem.detail).toContain(detail);
    expect(problem.pointer).toBe(pointer);
  });
});

describe('dtypes', () => {
  test.each([
    ['untyped numbers', 'y = x / 3', { x: 1 }, 'float32', '0.33333334'],
    ['float64 values', 'y = x / 3', { x: { dtype: 'float64', shape: [], data: [1] } }, 'float64', '0.3333333333333333'],
    ['int32 values', 'y = x * 2', { x: { dtype: 'int32', shape: [], data: [7] } }, 'int32', '14'],
    ['int32 divided', 'y = x / 2', { x: { dtype: 'int32', shape: [], data: [7] } }, 'float64', '3.5'],
    [
      'int64 beyond 2^53',
      'y = x + 1',
      { x: { dtype: 'int64', shape: [], data: ['9007199254740993'] } },
      'int64',
      '9007199254740994',
    ],
    ['bools', 'y = x', { x: { dtype: 'bool', shape: [], data: [true] } }, 'bool', 'true'],
    ['untyped bools', 'y = x', { x: true }, 'bool', 'true'],
    ['comparisons', 'y = x > 1', { x: 2 }, 'bool', 'true'],
    ['float16 on the wire', 'y = x', { x: { dtype: 'float16', shape: [], data: [0.1] } }, 'float32', '0.099975586'],
  ])('%s', async (_, graph, values, dtype, printed) => {
    const { text } = await service.post('/v1/evaluate', { graph, values });
    expect(text).toContain(`"values":{"y":${printed}}`);
    const { values: flat } = await service.ok('/v1/evaluate', { graph, values, options: { encoding: 'flat' } });
    expect(flat.y.dtype).toBe(dtype);
  });

  test('a float64 document computes in float64, its literals too', async () => {
    const { values, gradients } = await service.ok('/v1/gradient', {
      graph: {
        dtype: 'float64',
        inputs: { x: {} },
        constants: { c: 0.1 },
        nodes: [node('y', 'mul', ['x', 'c']), node('z', 'add', ['y', 0.2])],
      },
      values: { x: 1 },
      sources: 'x',
    });
    expect(values.z).toBe(0.1 + 0.2);
    expect(gradients).toBe(0.1);
  });

  test('a float32 document rounds at every step', async () => {
    const { values } = await service.ok('/v1/evaluate', { graph: 'y = (x + 1e8) - 1e8', values: { x: 3 } });
    expect(values.y).toBe(0);
  });

  test('untyped whole numbers that some op reads as indices are int32', async () => {
    const { values } = await service.ok('/v1/evaluate', {
      graph: {
        inputs: { x: {}, i: {} },
        constants: { c: [2, 0] },
        nodes: [node('a', 'take', ['x', 'i']), node('b', 'take', ['x', 'c'])],
        outputs: ['a', 'b'],
      },
      values: { x: [10, 20, 30], i: [1, 1] },
    });
    expect(values).toEqual({ a: [20, 20], b: [30, 10] });
  });

  test.each([
    ['a derivative at a pole', 'y = 1 / x', 0, 'Infinity', '-Infinity'],
    ['a logarithm of 0', 'y = log(x)', 0, '-Infinity', 'Infinity'],
    ['an overflow', 'y = exp(x)', 1000, 'Infinity', 'Infinity'],
    ['0 / 0', 'y = x / x', 0, 'NaN', 'NaN'],
    ['NaN sent', 'y = x * 2', 'NaN', 'NaN', 2],
    ['Infinity sent', 'y = x * 2', '-Infinity', '-Infinity', 2],
  ])('%s is told as it is', async (_, graph, x, value, derivative) => {
    const reply = await service.ok('/v1/gradient', { graph, values: { x }, sources: 'x' });
    expect([reply.values.y, reply.gradients]).toEqual([value, derivative]);
  });
});

describe('tensors', () => {
  test.each([
    [
      'nested',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['flat with a shape', { shape: [2, 2], data: [1, 2, 3, 4] }],
    [
      'typed',
      {
        dtype: 'float32',
        shape: [2, 2],
        data: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    ['base64', { dtype: 'float32', shape: [2, 2], base64: base64(Float32Array.of(1, 2, 3, 4)) }],
    ['base64 of float64', { dtype: 'float64', shape: [2, 2], base64: base64(Float64Array.of(1, 2, 3, 4)) }],
    ['base64 of int32', { dtype: 'int32', shape: [2, 2], base64: base64(Int32Array.of(1, 2, 3, 4)) }],
  ])('%s values', async (_, x) => {
    expect((await service.ok('/v1/evaluate', { graph: 'y = x * 2', values: { x } })).values.y).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });

  test.each([
    ['nested', [[2, 4]]],
    ['flat', { dtype: 'float32', shape: [1, 2], data: [2, 4] }],
    ['base64', { dtype: 'float32', shape: [1, 2], base64: base64(Float32Array.of(2, 4)) }],
  ])('%s replies, values and gradients alike', async (encoding, expected) => {
    const reply = await service.ok('/v1/gradient', {
      graph: 'y = x * 2',
      values: { x: [[1, 2]] },
      sources: ['x'],
      output_gradients: [[1, 2]],
      options: { encoding },
    });
    expect(reply.values.y).toEqual(expected);
    expect(reply.gradients).toEqual([expected]);
  });

  test.each([
    ['no elements', { shape: [0, 3], data: [] }, []],
    ['no rows to print', { shape: [2, 0], data: [] }, [[], []]],
    ['rank 8', [[[[[[[[5]]]]]]]], [[[[[[[[5]]]]]]]]],
  ])('%s', async (_, x, y) => {
    const reply = await service.ok('/v1/gradient', { graph: 'y = sin(x) * 0 + x', values: { x }, sources: 'x' });
    expect(reply.values.y).toEqual(y);
  });

  test('a reply too long for JSON is refused, and told what to ask for', async () => {
    const problem = await service.refused('/v1/evaluate', { graph: 'y = zeros((4097, 4096)) + x', values: { x: 1 } });
    expect(problem).toMatchObject({ status: 400, code: 'limit_exceeded' });
    expect(problem.detail).toContain("ask for the encoding 'binary'");
  });
});

describe('graphs', () => {
  const DOCUMENT = {
    inputs: { x: {}, w: {}, b: {} },
    nodes: [
      node('xw', 'matmul', ['x', 'w']),
      node('y', 'add', ['xw', 'b']),
      node('sq', 'pow', ['y', 2]),
      node('loss', 'mean', ['sq']),
    ],
  };
  const values = {
    x: [[1, 2, 3]],
    w: [
      [0.5, -1],
      [1, 0.25],
      [-0.5, 2],
    ],
    b: [0, 0],
  };

  test('a text and a document of the same graph give the same', async () => {
    const sources = ['w', 'b', 'x'];
    const document = await service.ok('/v1/gradient', { graph: DOCUMENT, values, sources });
    const text = await service.ok('/v1/gradient', { graph: 'loss = mean((x @ w + b) ** 2)', values, sources });
    expect(text.gradients).toEqual(document.gradients);
    expect(text.values).toEqual({ loss: 15.625 });
  });

  test('names do not change what a graph is, numbers do', async () => {
    const hashOf = async (graph: string, names: object): Promise<string> =>
      (await service.ok('/v1/evaluate', { graph, values: names })).meta.graph;
    const hash = await hashOf('y = sin(x) * 2', { x: 1 });
    expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await hashOf('other = sin(name) * 2', { name: 5 })).toBe(hash);
    expect(await hashOf('y = sin(x) * 3', { x: 1 })).not.toBe(hash);
    expect(await hashOf('y = sin(x) * 2', { x: [1] })).not.toBe(hash);
  });

  test('what was prepared before is used again for other values, not for other types', async () => {
    const fresh = client();
    const request = (x: unknown): object => ({ graph: 'y = tanh(x)', values: { x }, sources: 'x' });
    expect((await fresh.ok('/v1/gradient', request(1))).meta.cached).toBe(false);
    const again = await fresh.ok('/v1/gradient', request(0));
    expect(again.meta.cached).toBe(true);
    expect(again.gradients).toBe(1);
    expect((await fresh.ok('/v1/gradient', request([1]))).meta.cached).toBe(false);
    expect((await fresh.ok('/v1/gradient', request({ dtype: 'float64', shape: [], data: [1] }))).meta.cached).toBe(
      false,
    );
  });

  test('an output may be an input, a constant, and the same tensor twice', async () => {
    const { values: made } = await service.ok('/v1/evaluate', {
      graph: {
        inputs: { x: {} },
        constants: { c: [1, 2] },
        nodes: [node('y', 'sin', ['x'])],
        outputs: ['x', 'c', 'y', 'y'],
      },
      values: { x: 0 },
    });
    expect(made).toEqual({ x: 0, c: [1, 2], y: 0 });
  });

  test('several outputs of a node have names of their own', async () => {
    const { values: made } = await service.ok('/v1/evaluate', {
      graph: {
        inputs: { x: {} },
        nodes: [node('part', 'split', ['x'], { sections: 3 })],
        outputs: ['part', 'part:0', 'part:1', 'part:2'],
      },
      values: { x: [1, 2, 3] },
    });
    expect(made).toEqual({ part: [1], 'part:0': [1], 'part:1': [2], 'part:2': [3] });
  });

  test('variables that nodes write are in the reply, and reads after a write see it', async () => {
    const reply = await service.ok('/v1/evaluate', {
      graph: {
        variables: { v: {} },
        nodes: [node('a', 'mul', ['v', 10]), node('w', 'assign_sub', ['v', 1]), node('b', 'mul', ['v', 10])],
        outputs: ['a', 'b'],
      },
      values: { v: 5 },
    });
    expect(reply.values).toEqual({ a: 50, b: 40 });
    expect(reply.variables).toEqual({ v: 4 });
  });

  test('evaluate gives the tensors it is asked for, intermediates too', async () => {
    const { values: made } = await service.ok('/v1/evaluate', { graph: DOCUMENT, values, outputs: ['y', 'loss'] });
    expect(made).toEqual({ y: [[1, 5.5]], loss: 15.625 });
  });

  test.each([
    ['statements', 'a = x + 1; b = a * a; a * b', [1], [12]],
    ['a choice for each element', 'y = where(x > 2, x, -x)', [1, 3], [-1, 1]],
    ['a choice of a branch', 'y = x if x > 2 else -x', 1, -1],
    ['slices', 'c = [10, 1]; y = x[::-1] * c', [1, 2], [1, 10]],
    ['an update', 'y = x; y *= x', 3, 6],
  ])('a text with %s', async (_, graph, x, gradients) => {
    expect((await service.ok('/v1/gradient', { graph, values: { x }, sources: 'x' })).gradients).toEqual(gradients);
  });
});

describe('check', () => {
  test('types, connections and cost, with nothing run', async () => {
    const body = await service.ok('/v1/check', {
      graph: {
        inputs: { x: { shape: [2, 3] }, i: { dtype: 'int32', shape: [] } },
        nodes: [node('y', 'mul', ['x', 'i']), node('loss', 'sum', ['y'])],
      },
      sources: ['x', 'i'],
    });
    // NumPy's promotion: int32 does not fit in float32.
    expect(body.types).toEqual({ x: 'f32[2,3]', i: 'i32', y: 'f64[2,3]', loss: 'f64' });
    expect(body.connected).toEqual(['x']);
    expect(body.unconnected.i.reason).toBe('integer_dtype');
    expect(body.cost.evaluate.flops).toBeGreaterThan(0);
  });

  test('a graph that would cost too much is refused as it would be when run', async () => {
    const x = { dtype: 'float64', shape: [11_000, 11_000] };
    const graph = { inputs: { x }, nodes: [node('a', 'sin', ['x']), node('b', 'cos', ['x'])], outputs: ['a', 'b'] };
    const problem = await service.refused('/v1/check', { graph });
    expect(problem).toMatchObject({ status: 422, code: 'cost_exceeded' });
    expect(problem.detail).toContain("the limit 'peak_bytes' is 2147483648");
  });
});

describe('jvp, vjp, hvp', () => {
  test('tangents of different stacks are refused', async () => {
    const problem = await service.refused('/v1/jvp', {
      graph: 'y = a * b',
      values: { a: 1, b: 2 },
      tangents: { a: [1, 2], b: [1, 2, 3] },
    });
    expect(problem).toMatchObject({ status: 400, code: 'type_mismatch', pointer: '/tangents' });
  });

  test.each([
    ['/v1/jvp', 'tangents', { x: [1, 2] }],
    ['/v1/vjp', 'cotangents', { y: [1, 2] }],
    ['/v1/hvp', 'tangents', { x: [1, 2] }],
  ])('%s of the wrong shape says which', async (path, field, directions) => {
    const problem = await service.refused(path, {
      graph: 'y = sum(x ** 2, keepdims=True)',
      values: { x: [1, 2, 3] },
      ...(path === '/v1/vjp' && { sources: 'x' }),
      [field]: directions,
    });
    expect(problem).toMatchObject({ status: 400, code: 'type_mismatch' });
    expect(problem.pointer).toMatch(`/${field}/`);
  });

  test.each([
    ['/v1/jvp', { tangents: {} }],
    ['/v1/hvp', { tangents: {} }],
    ['/v1/vjp', { cotangents: {}, sources: 'x' }],
  ])('%s of nothing is refused', async (path, directions) => {
    const problem = await service.refused(path, { graph: 'y = x * x', values: { x: 1 }, ...directions });
    expect(problem.detail).toMatch(/'(co)?tangents' is empty/);
  });

  test('a vjp of two targets adds, whatever the order of the cotangents', async () => {
    for (const cotangents of [
      { a: 1, b: 10 },
      { b: 10, a: 1 },
    ]) {
      const reply = await service.ok('/v1/vjp', {
        graph: 'a = x * 2; b = x * 3; a, b',
        values: { x: 1 },
        cotangents,
        sources: 'x',
      });
      expect(reply.cotangents).toBe(32);
      const { results } = await service.ok('/v1/run', {
        graph: 'a = x * 2; b = x * 3; a, b',
        values: { x: 1 },
        transforms: [{ transform: 'vjp', targets: ['a', 'b'], sources: ['x'], cotangents }],
      });
      expect(Object.values(results[0])).toEqual([32]);
    }
  });

  test('a run names the cotangent that is missing', async () => {
    const problem = await service.refused('/v1/run', {
      graph: 'a = x * 2; b = x * 3; a, b',
      values: { x: 1 },
      transforms: [{ transform: 'vjp', targets: ['a', 'b'], sources: ['x'], cotangents: { a: 1 } }],
    });
    expect(problem.detail).toContain("the target 'b' has no cotangent");
    expect(problem.pointer).toBe('/transforms/0/cotangents');
  });

  test('a Hessian times the columns of the identity is the Hessian', async () => {
    const request = { graph: 'y = prod(x) + sum(x ** 3)', values: { x: [1, 2, 3] } };
    const { hessians } = await service.ok('/v1/hessian', { ...request, sources: 'x' });
    const { products } = await service.ok('/v1/hvp', {
      ...request,
      tangents: {
        x: [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
      },
    });
    expectClose(products.x, hessians);
    // By hand: d²/dx_i dx_j of x0 x1 x2 is the third one; of x³ it is 6x.
    expectClose(hessians, [
      [6, 3, 2],
      [3, 12, 1],
      [2, 1, 18],
    ]);
  });

  test('per-example gradients: a vmap of a gradient', async () => {
    const { results } = await service.ok('/v1/run', {
      graph: 'loss = sum((x * w) ** 2)',
      values: {
        x: [
          [1, 2],
          [3, 4],
        ],
        w: [1, 1],
      },
      transforms: [
        { transform: 'gradient', sources: ['w'] },
        { transform: 'vmap', inputs: ['x'] },
      ],
    });
    expect(Object.values(results[0])).toEqual([
      [
        [2, 8],
        [18, 32],
      ],
    ]);
  });
});
