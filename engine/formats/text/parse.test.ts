import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../../errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../../limits.ts';
import { type GraphDocument, graphDocumentSchema } from '../../program/document.ts';
import { parseText } from './parse.ts';

const POSITIONAL: Readonly<Record<string, string>> = {
  reshape1: 'shape',
  transpose1: 'axes',
  sum1: 'axis',
  einsum0: 'equation',
};

function parse(text: string, limits: Partial<Limits> = {}): GraphDocument {
  return parseText(text, { ...DEFAULT_LIMITS, ...limits }, (op, index) => POSITIONAL[op + index]);
}

/** A document as lines: `in x`, `const c = 2`, `y = add(x, 1, {"axis":0})`, `out y`. */
function lines(document: GraphDocument): string[] {
  return [
    ...Object.keys(document.inputs).map((name) => `in ${name}`),
    ...Object.entries(document.constants).map(([name, value]) => `const ${name} = ${show(value)}`),
    ...document.nodes.map(({ name, op, inputs, params }) => {
      const keywords = Object.keys(params).length > 0 ? [show(params)] : [];
      return `${name} = ${op}(${[...inputs.map(String), ...keywords].join(', ')})`;
    }),
    ...(document.outputs ?? []).map((name) => `out ${name}`),
  ];
}

/** JSON, but with the numbers that JSON has not. */
function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function faultOf(text: string, limits: Partial<Limits> = {}): EngineError {
  try {
    parse(text, limits);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error(`no fault in ${text}`);
}

test('the whole document', () => {
  expect(parse('loss = mean((x @ w + b) ** 2)')).toEqual({
    inputs: { x: {}, w: {}, b: {} },
    variables: {},
    constants: {},
    nodes: [
      { name: 'loss/matmul', op: 'matmul', inputs: ['x', 'w'], params: {} },
      { name: 'loss/add', op: 'add', inputs: ['loss/matmul', 'b'], params: {} },
      { name: 'loss/pow', op: 'pow', inputs: ['loss/add', 2], params: {} },
      { name: 'loss', op: 'mean', inputs: ['loss/pow'], params: {} },
    ],
    outputs: ['loss'],
  });
});

describe('operators', () => {
  test.each([
    ['y = a + b', 'add(a, b)'],
    ['y = a - b', 'sub(a, b)'],
    ['y = a * b', 'mul(a, b)'],
    ['y = a / b', 'div(a, b)'],
    ['y = a // b', 'floor_divide(a, b)'],
    ['y = a % b', 'remainder(a, b)'],
    ['y = a ** b', 'pow(a, b)'],
    ['y = a @ b', 'matmul(a, b)'],
    ['y = a & b', 'logical_and(a, b)'],
    ['y = a | b', 'logical_or(a, b)'],
    ['y = a ^ b', 'logical_xor(a, b)'],
    ['y = a == b', 'eq(a, b)'],
    ['y = a != b', 'ne(a, b)'],
    ['y = a < b', 'lt(a, b)'],
    ['y = a <= b', 'le(a, b)'],
    ['y = a > b', 'gt(a, b)'],
    ['y = a >= b', 'ge(a, b)'],
    ['y = -a', 'neg(a)'],
    ['y = ~a', 'logical_not(a)'],
    ['y = a if c else b', 'where(c, a, b)'],
    ['y = ~True', 'logical_not(true)'],
    ['y = +a * 2', 'mul(a, 2)'],
    ['y = a * (1 / 2)', 'mul(a, 0.5)'],
    ['y = 1_000 * a', 'mul(1000, a)'],
    ['y = a - .5e-1', 'sub(a, 0.05)'],
    ['y = a + 0x1f', 'add(a, 31)'],
    ['y = a * 2 ** 0.5', `mul(a, ${Math.SQRT2})`],
    ['y = a * -2 ** 2', 'mul(a, -4)'],
    ['y = a * 2 ** 3 ** 2', 'mul(a, 512)'],
    ['y = a * 2 ** -1', 'mul(a, 0.5)'],
    // What Python 3.11 gives for these.
    ['y = a * (-7 // 2)', 'mul(a, -4)'],
    ['y = a * (7 % -3)', 'mul(a, -2)'],
    ['y = a * (-7 % 3)', 'mul(a, 2)'],
    ['y = a * (1 // 0.1)', 'mul(a, 9)'],
    ['y = a * (5.5 // -2)', 'mul(a, -3)'],
    ['y = a * (5.5 % -2)', 'mul(a, -0.5)'],
    ['y = a * np.pi', `mul(a, ${Math.PI})`],
    ['y = a * math.e', `mul(a, ${Math.E})`],
    ['y = maximum(a, -np.inf)', 'maximum(a, -Infinity)'],
    ['y = a * jnp.nan', 'mul(a, NaN)'],
    ['y = (a)', 'identity(a)'],
  ])('%s', (text, node) => {
    expect(lines(parse(text)).filter((line) => line.startsWith('y'))).toEqual([`y = ${node}`]);
  });

  test('what has no finite number is left to the engine', () => {
    expect(lines(parse('y = 1 / 0'))).toEqual(['y = div(1, 0)', 'out y']);
    expect(lines(parse('y = (-8) ** 0.5'))).toEqual(['y = pow(-8, 0.5)', 'out y']);
  });

  test('a chain of comparisons computes its middle once', () => {
    expect(lines(parse('y = 0 < exp(x) <= 1'))).toEqual([
      'in x',
      'y/exp = exp(x)',
      'y/lt = lt(0, y/exp)',
      'y/le = le(y/exp, 1)',
      'y = logical_and(y/lt, y/le)',
      'out y',
    ]);
    const nested = `y = ${'0 < ('.repeat(60)}x${') < 1'.repeat(60)}`;
    expect(parse(nested).nodes).toHaveLength(180);
  });
});

describe('calls', () => {
  test.each([
    ['y = concatenate([a, b], axis=0)', 'concatenate(a, b, {"axis":0})'],
    ['y = stack((a, 1.5, b))', 'stack(a, 1.5, b)'],
    ['y = reshape(a, (2, -3))', 'reshape(a, {"shape":[2,-3]})'],
    ['y = a.reshape((2, 3))', 'reshape(a, {"shape":[2,3]})'],
    ['y = reshape(a, ())', 'reshape(a, {"shape":[]})'],
    ['y = sum(a, 1)', 'sum(a, {"axis":1})'],
    ['y = sum(a, None)', 'sum(a, {"axis":null})'],
    ["y = einsum('ij,jk->ik', a, b)", 'einsum(a, b, {"equation":"ij,jk->ik"})'],
    ['y = clip(a, 0, 1)', 'clip(a, 0, 1)'],
    ['y = a.sum(axis=(0, 1), keepdims=True)', 'sum(a, {"axis":[0,1],"keepdims":true})'],
    ['y = f(a, p=None, q="s", r=[[1], [2 ** 3]], s=-1)', 'f(a, {"p":null,"q":"s","r":[[1],[8]],"s":-1})'],
    ['y = astype(a, dtype=np.float32)', 'astype(a, {"dtype":"float32"})'],
    ['y = np.sin(a)', 'sin(a)'],
    ['y = jax.nn.relu(a)', 'relu(a)'],
    ['y = tf.math.log1p(a)', 'log1p(a)'],
    ['y = a.T', 'transpose(a)'],
    ['y = f()', 'f()'],
    ['y = f(\n  a,  # the first\n  b,\n)', 'f(a, b)'],
    ['y = constructor(a, constructor=1, toString=2)', 'constructor(a, {"constructor":1,"toString":2})'],
    ['y = a[0]', 'index(a, {"items":[0]})'],
    ['y = a[i]', 'take(a, i, {"axis":0})'],
    [
      'y = a[1:3, :, None, ..., -1, ::2, np.newaxis,]',
      'index(a, {"items":[{"slice":[1,3,null]},{"slice":[null,null,null]},null,"...",-1,{"slice":[null,null,2]},null]})',
    ],
    [
      'y = a[-2:, :-1, 1:2:3]',
      'index(a, {"items":[{"slice":[-2,null,null]},{"slice":[null,-1,null]},{"slice":[1,2,3]}]})',
    ],
  ])('%s', (text, node) => {
    expect(lines(parse(text)).filter((line) => line.startsWith('y'))).toEqual([`y = ${node}`]);
  });

  test('methods chain, and read their object first', () => {
    expect(lines(parse('(x * y).T.mean(axis=0)'))).toEqual([
      'in x',
      'in y',
      'output/mul = mul(x, y)',
      'output/transpose = transpose(output/mul)',
      'output = mean(output/transpose, {"axis":0})',
      'out output',
    ]);
  });

  test('a tensor index picks along axis 0 after the plain items', () => {
    expect(lines(parse('y = x[i, 1:, 0]'))).toEqual([
      'in x',
      'in i',
      'y/index = index(x, {"items":[{"slice":[null,null,null]},{"slice":[1,null,null]},0]})',
      'y = take(y/index, i, {"axis":0})',
      'out y',
    ]);
  });
});

describe('statements and names', () => {
  test.each<[string, string[]]>([
    ['a = x * 2; b = a + 1\n\n# the end\n', ['in x', 'a = mul(x, 2)', 'b = add(a, 1)', 'out b']],
    ['  a = x * 2\r\n  b = a + 1', ['in x', 'a = mul(x, 2)', 'b = add(a, 1)', 'out b']],
    ['x', ['in x', 'out x']],
    ['x * 2', ['in x', 'output = mul(x, 2)', 'out output']],
    ['output * 2', ['in output', 'output_1 = mul(output, 2)', 'out output_1']],
    ['a = x * 2\na, x - 1, x', ['in x', 'a = mul(x, 2)', 'output = sub(x, 1)', 'out a', 'out output', 'out x']],
    ['(x * 2, x - 1)', ['in x', 'output = mul(x, 2)', 'output_1 = sub(x, 1)', 'out output', 'out output_1']],
    // An alias makes no node, but an output is called what the client calls it.
    ['y = x', ['in x', 'y = identity(x)', 'out y']],
    ['y = x; z = y + y', ['in x', 'z = add(x, x)', 'out z']],
    // The last assignment has the plain name.
    [
      'a = x * 2; a = a + 1; a = sin(a + 2)',
      ['in x', 'a.1 = mul(x, 2)', 'a.2 = add(a.1, 1)', 'a/add = add(a.2, 2)', 'a = sin(a/add)', 'out a'],
    ],
    ['a = f(x + 1); a = g(a)', ['in x', 'a.1/add = add(x, 1)', 'a.1 = f(a.1/add)', 'a = g(a.1)', 'out a']],
    ['a = x * 2; b = a; a = a + 1; b', ['in x', 'a.1 = mul(x, 2)', 'a = add(a.1, 1)', 'b = identity(a.1)', 'out b']],
    // An input keeps its name, whatever is assigned to it later.
    ['x += 1', ['in x', 'x.1 = add(x, 1)', 'out x.1']],
    ['x = x * 2; x **= 3', ['in x', 'x.1 = mul(x, 2)', 'x.2 = pow(x.1, 3)', 'out x.2']],
    ['x @= y', ['in x', 'in y', 'x.1 = matmul(x, y)', 'out x.1']],
    // Parts are told apart.
    [
      'y = x + (x + (x + 1)) ** 2',
      ['in x', 'y/add = add(x, 1)', 'y/add_1 = add(x, y/add)', 'y/pow = pow(y/add_1, 2)', 'y = add(x, y/pow)', 'out y'],
    ],
    [
      'y = g(f_1(x), f(x), f(x))',
      ['in x', 'y/f_1 = f_1(x)', 'y/f = f(x)', 'y/f_2 = f(x)', 'y = g(y/f_1, y/f, y/f_2)', 'out y'],
    ],
    // Several outputs.
    ['a, b = split(x)', ['in x', 'a = split(x)', 'b = identity(a:1)', 'out a', 'out b']],
    [
      'q, r = qr(x + 1)\nq @ r',
      ['in x', 'q/add = add(x, 1)', 'q = qr(q/add)', 'output = matmul(q, q:1)', 'out output'],
    ],
    ['a, b = x + 1, y', ['in x', 'in y', 'a = add(x, 1)', 'b = identity(y)', 'out a', 'out b']],
    ['a, b = b, a', ['in b', 'in a', 'a.1 = identity(b)', 'b.1 = identity(a)', 'out a.1', 'out b.1']],
    ['(a, b) = [x + 1, x]; a * b', ['in x', 'a = add(x, 1)', 'output = mul(a, x)', 'out output']],
    ['a = a = x; b = a; a', ['in x', 'a = identity(x)', 'out a']],
    ['a, a = f(x)', ['in x', 'a.1 = f(x)', 'a = identity(a.1:1)', 'out a', 'out a']],
    ['a = b = f(x)', ['in x', 'a = f(x)', 'b = identity(a)', 'out a', 'out b']],
    // Constants.
    ['c = 2; y = x * c', ['in x', 'const c = 2', 'y = mul(x, c)', 'out y']],
    ['c = 2; c = c / 4', ['const c.1 = 2', 'c = div(c.1, 4)', 'out c']],
    ['c = [[1, -2], [3, 4]]', ['const c = [[1,-2],[3,4]]', 'out c']],
    ['c = True', ['const c = true', 'out c']],
    ['c = -np.inf', ['const c = -Infinity', 'out c']],
    ['1 + 1', ['const output = 2', 'out output']],
    // A bare call before the end is kept for what it writes.
    ['assign_add(v, x); v * 2', ['in v', 'in x', 'assign_add = assign_add(v, x)', 'output = mul(v, 2)', 'out output']],
    // Ops and tensors do not share their names.
    ['mean = mean(x)', ['in x', 'mean = mean(x)', 'out mean']],
    ['constructor = toString + 1', ['in toString', 'constructor = add(toString, 1)', 'out constructor']],
  ])('%s', (text, document) => {
    expect(lines(parse(text))).toEqual(document);
    checkDocument(parse(text));
  });

  test('long names leave room for what is added', () => {
    const name = 'n'.repeat(128);
    const document = parse(`${name} = f(x + 1, x + 2); ${name} = ${name} + (x - 1) * 2`);
    expect(graphDocumentSchema.parse(document)).toEqual(document);
    expect(document.outputs).toEqual([name]);
    expect(new Set(document.nodes.map((node) => node.name)).size).toBe(document.nodes.length);
  });
});

describe('faults', () => {
  test.each([
    // Python that is not part of the language.
    ['y = lambda a: a', "line 1, column 5: 'lambda' is not part of the text graph language; "],
    ['y = 1\nimport os', "line 2, column 1: 'import' is not part of "],
    ['from os import path', "line 1, column 1: 'from' is not part of "],
    ['def f(x): return x', "line 1, column 1: 'def' is not part of "],
    ['class A: pass', "line 1, column 1: 'class' is not part of "],
    ['for i in x: y = i', "line 1, column 1: 'for' is not part of "],
    ['while x: y = 1', "line 1, column 1: 'while' is not part of "],
    ['if x: y = 1', "line 1, column 1: 'if' is not part of "],
    ['with x: y = 1', "line 1, column 1: 'with' is not part of "],
    ['try:\n  x\nfinally:\n  y', "line 1, column 1: 'try' is not part of "],
    ['@f\ndef g(): pass', "line 1, column 1: '@f…' is not part of "],
    ['return x', "line 1, column 1: 'return' is not part of "],
    ['del x', "line 1, column 1: 'del' is not part of "],
    ['assert x', "line 1, column 1: 'assert' is not part of "],
    ['global x', "line 1, column 1: 'global' is not part of "],
    ['pass', "line 1, column 1: 'pass' is not part of "],
    ['raise x', "line 1, column 1: 'raise' is not part of "],
    ['await x', "line 1, column 1: 'await' is not part of "],
    ['(yield x)', "line 1, column 2: 'yield' is not part of "],
    ['y = (a := 1)', "line 1, column 6: 'a := 1' is not part of "],
    ['f(a := 1)', "line 1, column 5: ':=' is not part of "],
    ['[a for a in b]', "line 1, column 4: 'for' is not part of "],
    ['f(a for a in b)', "line 1, column 5: 'for' is not part of "],
    ['{a: 1}', "line 1, column 1: '{a: 1}' is not part of "],
    ['{a, 1}', "line 1, column 1: '{a, 1}' is not part of "],
    ['f(*a)', "line 1, column 3: '*' is not part of "],
    ['f(**a)', "line 1, column 3: '**' is not part of "],
    ['[*a]', "line 1, column 2: '*' is not part of "],
    ['f"{x}"', `line 1, column 1: 'f"{x}"' is not part of `],
    ['y: int = 1', "line 1, column 2: ': int' is not part of "],
    ['x in y', "line 1, column 3: 'in' is not part of "],
    ['x is y', "line 1, column 3: 'is' is not part of "],
    ['x <> y', "line 1, column 3: '<>' is not part of "],
    ['x << 1', "line 1, column 3: '<<' is not part of "],
    ['x >>= 1', "line 1, column 3: '>>=' is not part of "],
    ['x + ...', "line 1, column 5: '...' is not part of "],
    ['x and y', "line 1, column 3: 'and' does not work on tensors; use &, with parentheses around comparisons"],
    ['x < 1 or y', "line 1, column 7: 'or' does not work on tensors; use |"],
    ['not x', "line 1, column 1: 'not' does not work on tensors; use ~"],
    // Broken text.
    ['', 'line 1, column 1: there is no statement; '],
    ['\n# nothing\n', 'line 1, column 1: there is no statement; '],
    ['y =', 'line 1, column 4: the text ends where more is expected'],
    ['y = \nz = 1', 'line 1, column 5: the line ends where more is expected'],
    ['y = f(x', 'line 1, column 8: the text ends where more is expected'],
    ['y = f(x))', "line 1, column 9: ')' is not expected here"],
    ['a = 1\r\nb = 2 +* 3', "line 2, column 8: '*' is not expected here"],
    ['x y', "line 1, column 3: 'y' is not expected here"],
    ['x $ y', "line 1, column 3: '$' is not expected here"],
    ['x \0 y', "line 1, column 3: '\\u{0}' is not expected here"],
    ['f(a b)', "line 1, column 5: 'b' is not expected here"],
    ['y = "abc', 'line 1, column 9: the text ends where more is expected'],
    ['a if b', 'line 1, column 7: the text ends where more is expected'],
    // Names.
    ['é = 1', "line 1, column 1: 'é' cannot be a name: names have at most 128 letters (a to z), digits and _"],
    ['y = 2 * х', "line 1, column 9: 'х' cannot be a name"],
    ['__proto__ = 1', "line 1, column 1: '__proto__' cannot be a name"],
    ['y = __proto__', "line 1, column 5: '__proto__' cannot be a name"],
    ['__proto__(x)', "line 1, column 1: '__proto__' cannot be a name"],
    ['f(x, __proto__=1)', "line 1, column 6: '__proto__' cannot be a name"],
    [`${'n'.repeat(129)} = 1`, `line 1, column 1: '${'n'.repeat(40)}…' cannot be a name`],
    ['np = 1', "line 1, column 1: 'np' stands for a module, as in 'np.pi'; give the tensor another name"],
    ['y = x * math', "line 1, column 9: 'math' stands for a module"],
    ['np.foo', "line 1, column 1: 'np.foo' is not known; there are pi, e, inf, nan, newaxis"],
    ['w.b', "line 1, column 3: '.b' is not known; the one attribute is .T, and methods are called: x.sum()"],
    ['x.a.sum()', "line 1, column 3: '.a' is not known"],
    // Targets and values.
    ['x[0] = 1', "line 1, column 1: 'x[0]' cannot be assigned to; only names can"],
    ['x.y = 1', "line 1, column 1: 'x.y' cannot be assigned to"],
    ['a, *b = f(x)', "line 1, column 4: '*' cannot be assigned to"],
    ['f(x) += 1', "line 1, column 1: 'f(x)' cannot be assigned to"],
    [
      'a, b = x',
      'line 1, column 8: the numbers of names (2) and values (1) differ; only a call has several outputs to unpack',
    ],
    ['a, b = x, y, z', 'line 1, column 8: the numbers of names (2) and values (3) differ'],
    ['a = x, y', 'line 1, column 5: the numbers of names (1) and values (2) differ'],
    ['a = b, c = f(x)', 'line 1, column 1: the numbers of names (2) and values (1) differ'],
    ['x += 1, 2', 'line 1, column 6: the numbers of names (1) and values (2) differ'],
    ['y = "text"', `line 1, column 5: '"text"' is no tensor`],
    ['y = None', "line 1, column 5: 'None' is no tensor"],
    ['y = [a, b]', "line 1, column 5: '[a, b]' is no tensor; stack([a, b]) makes one of several"],
    ['y = x * [1, 2]', "line 1, column 9: '[1, 2]' is no tensor; assign a list of numbers to a name first"],
    ['y = x + "a"', `line 1, column 9: '"a"' is no tensor`],
    // Arguments.
    ['f(x, axis=n)', "line 1, column 11: 'n' is no literal, which param 'axis' must be; pass tensors by position"],
    ['f(x, p=[1, n])', "line 1, column 8: '[1, n]' is no literal"],
    ['f(x, a=1, a=2)', "line 1, column 11: param 'a' is given twice"],
    ['reshape(x, (2, 3), shape=4)', "line 1, column 20: param 'shape' is given twice"],
    ['f(x, (2, 3))', "line 1, column 6: '(2, 3)' is no tensor; if it is a param give its name, as in f(..., name=...)"],
    ['f(x, "s")', `line 1, column 6: '"s"' is no tensor`],
    ['f([a, [b]])', "line 1, column 3: '[a, [b]]' is no tensor"],
    ['f(axis=0, x)', "line 1, column 11: 'x' must come before the keywords"],
    ['f(x)(y)', "line 1, column 1: 'f(x)' is no op to be called"],
    ['f(x, p="a\\n")', `line 1, column 8: '"a\\n"' must be a plain string without escapes`],
    ['f(x, p=b"a")', `line 1, column 8: 'b"a"' must be a plain string`],
    // Numbers and subscripts.
    ['x * 1j', "line 1, column 5: '1j' is not accepted: numbers are real"],
    ['x * 010', "line 1, column 5: '010' is not accepted"],
    ['x * 9007199254740993', "line 1, column 5: '9007199254740993' is not accepted"],
    ['x[1.5]', "line 1, column 3: '1.5' cannot be an index here"],
    ['x[:, i]', "line 1, column 6: 'i' cannot be an index here; for a tensor index write take(x, i, axis=1)"],
    ['x[True]', "line 1, column 3: 'True' cannot be an index here"],
    ['x[n:]', "line 1, column 3: 'n' is no integer, which slice bounds must be"],
  ])('%s', (text, message) => {
    const error = faultOf(text);
    expect(error.message).toContain(message);
    expect(error.code).toBe('invalid_text');
  });

  test('limits hold at the bound and not above it', () => {
    expect(parse('x + 1', { text_length: 5 }).nodes).toHaveLength(1);
    expect(faultOf('x + 10', { text_length: 5 })).toMatchObject({ code: 'limit_exceeded' });
    expect(parse('x + 1 + y', { nodes: 2 }).nodes).toHaveLength(2);
    expect(faultOf('x + 1 + y + z', { nodes: 2 })).toMatchObject({ code: 'limit_exceeded' });
    expect(faultOf('a = 1; b = 2; c = 3', { nodes: 2 })).toMatchObject({ code: 'limit_exceeded' });
    expect(faultOf('y = x', { nodes: 0 })).toMatchObject({ code: 'limit_exceeded' });
    expect(parse('n2 = n1 * 2', { name_length: 2 }).outputs).toEqual(['n2']);
    expect(faultOf('n23 = x', { name_length: 2 })).toMatchObject({ code: 'invalid_text' });
  });
});

describe('hostile text', () => {
  const size = 60_000;
  const repeat = (piece: string, end = '') => piece.repeat((size - end.length) / piece.length) + end;

  test.each([
    ['5,000 parentheses', `${'('.repeat(5000)}x${')'.repeat(5000)}`],
    ['parentheses', `${'('.repeat(size / 2)}x${')'.repeat(size / 2)}`],
    ['open parentheses', repeat('(')],
    ['calls', `${'f('.repeat(size / 3)}x${')'.repeat(size / 3)}`],
    ['open subscripts', repeat('x[')],
    ['signs', repeat('-', 'x')],
    ['powers', repeat('x**', 'x')],
    ['a sum', repeat('x+', 'x')],
    ['a sum of long names', repeat(`${'n'.repeat(100)}+`, 'x')],
    ['comparisons', repeat('x<', 'x')],
    ['attributes', `x${repeat('.T')}`],
    ['conditionals', repeat('a if b else ', 'c')],
    ['lambdas', repeat('lambda a:', 'a')],
    ['replacement fields', repeat('f"{')],
    ['indentation', Array.from({ length: 340 }, (_, depth) => `${' '.repeat(depth)}if x:\n`).join('')],
  ])('%s are refused as too deep', (_, text) => {
    expect(faultOf(text).message).toContain('nested more than 300 levels deep');
  });

  test.each([
    ['closing parentheses', repeat(')')],
    ['strange characters', repeat('$')],
    ['lone surrogates', repeat('\ud800')],
    ['dots', repeat('.')],
    ['stars', repeat('*')],
    ['backslashes', repeat('\\')],
    ['quotes', repeat("'")],
    ['soft keywords', repeat('match ')],
    ['unfinished assignments', repeat('x=')],
    ['a long name', repeat('x')],
    ['a long integer', repeat('9')],
    ['a fault after many lines', repeat('\n', '$')],
    ['a fault after much space', repeat(' ', '$')],
  ])('%s are refused', (_, text) => {
    expect(faultOf(text).code).toBe('invalid_text');
  });

  test.each<[string, string, number]>([
    ['statements', repeat('a=b+1\n'), 10_000],
    ['updates', repeat('a+=b;'), 12_000],
    ['arguments', `f(${repeat('x,')})`, 1],
    ['targets', `${repeat('a,')}=f(x)`, 2],
    ['chained targets', repeat('a=', 'x'), 1],
    ['results', repeat('f(y),'), 12_000],
    ['slices', `x[${repeat(':,')}]`, 1],
    [
      'parts with names cut alike',
      `${'n'.repeat(128)}=z(${Array.from({ length: 6000 }, (_, i) => `f${i}(x)`).join()})`,
      6001,
    ],
  ])('many %s are read', (_, text, nodes) => {
    const document = parse(text);
    expect(document.nodes).toHaveLength(nodes);
    expect(new Set(document.nodes.map(({ name }) => name)).size).toBe(nodes);
  });

  test('the deepest nesting is read', () => {
    expect(parse(`${'('.repeat(297)}x${')'.repeat(297)}`).outputs).toEqual(['x']);
    expect(faultOf(`${'('.repeat(298)}x${')'.repeat(298)}`).message).toContain('nested more than');
  });

  test('a stack that is nearly full holds', () => {
    const text = '('.repeat(size);
    const at = (frames: number): EngineError => (frames === 0 ? faultOf(text) : at(frames - 1));
    expect(at(5000).message).toContain('nested more than 300 levels deep');
  });

  test('what would be code elsewhere is only names here', () => {
    expect(faultOf("__import__('os').system('x')").code).toBe('invalid_text');
    expect(faultOf('x.__class__.__bases__').code).toBe('invalid_text');
    expect(lines(parse('process.exit(1); eval(x)'))).toEqual([
      'in process',
      'in x',
      'exit = exit(process, 1)',
      'output = eval(x)',
      'out output',
    ]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('any text gives a document or an EngineError', () => {
    const pieces =
      'x y c = + - * / ** @ ( ) [ ] , : ; . ... 1 2.5 True None "s" \n if else < == & ~ and not lambda f( np.pi .T = += # \\ { } __proto__ é \0';
    const soup = fc.array(fc.constantFrom(...pieces.split(' ')), { maxLength: 30 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), soup), (text) => {
        try {
          const document = parse(text);
          checkDocument(document);
          expect(graphDocumentSchema.parse(document)).toEqual(document);
        } catch (error) {
          if (!(error instanceof EngineError)) throw error;
          expect(error.code).toBe('invalid_text');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Names are unique and read only once they are defined. */
function checkDocument(document: GraphDocument): void {
  const defined = new Set([...Object.keys(document.inputs), ...Object.keys(document.constants)]);
  const resolve = (name: string) => expect(defined).toContain(name.replace(/:\d+$/, ''));
  for (const { name, inputs } of document.nodes) {
    for (const input of inputs) if (typeof input === 'string') resolve(input);
    expect(defined).not.toContain(name);
    defined.add(name);
  }
  document.outputs?.forEach(resolve);
}

describe('meaning', () => {
  /** Python's operators on numbers, truth as 0 and 1: the definition that documents and trees are both held to. */
  const OPS: Readonly<Record<string, (...operands: number[]) => number>> = {
    add: (a = 0, b = 0) => a + b,
    sub: (a = 0, b = 0) => a - b,
    mul: (a = 0, b = 0) => a * b,
    div: (a = 0, b = 0) => a / b,
    pow: (a = 0, b = 0) => a ** b,
    neg: (a = 0) => -a,
    lt: (a = 0, b = 0) => Number(a < b),
    ge: (a = 0, b = 0) => Number(a >= b),
    eq: (a = 0, b = 0) => Number(a === b),
    logical_and: (a, b) => Number(Boolean(a) && Boolean(b)),
    logical_or: (a, b) => Number(Boolean(a) || Boolean(b)),
    logical_xor: (a, b) => Number(Boolean(a) !== Boolean(b)),
    logical_not: (a) => Number(!a),
    where: (c, a = 0, b = 0) => (c ? a : b),
    sin: (a = 0) => Math.sin(a),
    identity: (a = 0) => a,
  };

  function evaluate(document: GraphDocument, values: Readonly<Record<string, number>>): (number | undefined)[] {
    const known = new Map<string, number>();
    for (const name of Object.keys(document.inputs)) known.set(name, values[name] as number);
    for (const [name, value] of Object.entries(document.constants)) known.set(name, Number(value));
    for (const { name, op, inputs } of document.nodes) {
      const operands = inputs.map((input) =>
        typeof input === 'string' ? (known.get(input) as number) : Number(input),
      );
      known.set(name, OPS[op]?.(...operands) as number);
    }
    return (document.outputs ?? []).map((name) => known.get(name));
  }

  type Tree = number | string | { readonly op: string; readonly operands: readonly Tree[] };

  /** Python's levels of binding, loosest first, and how each op is written. */
  const SYNTAX: Readonly<Record<string, { level: number; sign?: string }>> = {
    where: { level: 0 },
    lt: { level: 1, sign: '<' },
    ge: { level: 1, sign: '>=' },
    eq: { level: 1, sign: '==' },
    logical_or: { level: 2, sign: '|' },
    logical_xor: { level: 3, sign: '^' },
    logical_and: { level: 4, sign: '&' },
    add: { level: 5, sign: '+' },
    sub: { level: 5, sign: '-' },
    mul: { level: 6, sign: '*' },
    div: { level: 6, sign: '/' },
    neg: { level: 7, sign: '-' },
    logical_not: { level: 7, sign: '~' },
    pow: { level: 8, sign: '**' },
    sin: { level: 9 },
  };

  function print(tree: Tree, level: number, all: boolean): string {
    if (typeof tree !== 'object') return String(tree);
    const { level: own, sign } = SYNTAX[tree.op] as { level: number; sign?: string };
    const at = (place: number, least: number) => print(tree.operands[place] as Tree, least, all);
    const text = ((): string => {
      if (tree.op === 'sin') return `np.sin(${at(0, 0)})`;
      if (tree.op === 'where') return `${at(1, 1)} if ${at(0, 1)} else ${at(2, 0)}`;
      // The exponent may have a sign without parentheses; the base may not.
      if (tree.op === 'pow') return `${at(0, 9)} ** ${at(1, 7)}`;
      if (own === 7) return `${sign}${at(0, 7)}`;
      // Comparisons side by side would be a chain.
      return `${at(0, own === 1 ? 2 : own)} ${sign} ${at(1, own + 1)}`;
    })();
    return all || own < level ? `(${text})` : text;
  }

  function meaning(tree: Tree, values: Readonly<Record<string, number>>): number {
    if (typeof tree === 'number') return tree;
    if (typeof tree === 'string') return values[tree] as number;
    return OPS[tree.op]?.(...tree.operands.map((operand) => meaning(operand, values))) as number;
  }

  const node = (op: string, ...operands: fc.Arbitrary<Tree>[]) =>
    fc.tuple(...operands).map((trees): Tree => ({ op, operands: trees }));

  function trees(names: readonly string[]): fc.Arbitrary<Tree> {
    const leaf = fc.oneof(fc.constantFrom<Tree>(0, 1, 2, 3, 0.5, 1e-3), fc.constantFrom<Tree>(...names));
    return fc.letrec<{ tree: Tree }>((tie) => {
      const tree = tie('tree');
      const unary = ['neg', 'logical_not', 'sin'].map((op) => node(op, tree));
      const binary = Object.keys(SYNTAX)
        .filter((op) => !['neg', 'logical_not', 'sin', 'where'].includes(op))
        .map((op) => node(op, tree, tree));
      return {
        tree: fc.oneof({ maxDepth: 5, depthSize: 'large' }, leaf, ...unary, ...binary, node('where', tree, tree, tree)),
      };
    }).tree;
  }

  const numbers = fc.record({
    a: fc.double({ noNaN: true, min: -3, max: 3 }),
    b: fc.integer({ min: -3, max: 3 }),
    c: fc.constantFrom(0, 1),
  });

  test.each([
    ['fewest', false],
    ['most', true],
  ])('an expression with the %s parentheses means what it says', (_, all) => {
    fc.assert(
      fc.property(trees(['a', 'b', 'c']), numbers, (tree, values) => {
        const document = parse(`y = ${print(tree, 0, all)}`);
        checkDocument(document);
        expect(evaluate(document, values)).toEqual([meaning(tree, values)]);
      }),
      { numRuns: 500 },
    );
  });

  test('a chain of comparisons is the conjunction of its links', () => {
    const links = fc.array(fc.tuple(fc.constantFrom('<', '>=', '=='), fc.constantFrom('a', 'b', 'c', '1')), {
      minLength: 1,
    });
    fc.assert(
      fc.property(links, numbers, (chain, values) => {
        const of = (name: string) => (name === '1' ? 1 : (values[name as 'a'] as number));
        let left = 'b';
        let holds = true;
        for (const [sign, right] of chain) {
          const [x, y] = [of(left), of(right)];
          holds &&= sign === '<' ? x < y : sign === '>=' ? x >= y : x === y;
          left = right;
        }
        const text = `b ${chain.map((link) => link.join(' ')).join(' ')}`;
        expect(evaluate(parse(text), values)).toEqual([Number(holds)]);
      }),
    );
  });

  test('statements rebind names as Python does', () => {
    const names = ['a', 'b', 'c', 'output'];
    const statement = fc.tuple(fc.constantFrom(...names), fc.constantFrom('=', '+='), trees(names));
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 8 }), numbers, (statements, start) => {
        const initial = { ...start, output: 7 };
        const values: Record<string, number> = { ...initial };
        for (const [name, sign, tree] of statements) {
          const value = meaning(tree, values);
          values[name] = sign === '=' ? value : (values[name] as number) + value;
        }
        const text = statements.map(([name, sign, tree]) => `${name} ${sign} ${print(tree, 0, false)}`).join('\n');
        const document = parse(`${text}\n${names.join(', ')}`);
        checkDocument(document);
        expect(evaluate(document, initial)).toEqual(names.map((name) => values[name]));
      }),
      { numRuns: 300 },
    );
  });
});
