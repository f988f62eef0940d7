/**
 * @file Kernels for headless GL: the same text as for WebGPU, where all is a float. WebGL 1 has no integers in storage, no
 * bits of numbers and one output a kernel; its functions are the driver's.
 */
import type { Rendered } from './kernel.ts';

/** A function in GLSL, of floats to a float; the parameters are `x`, `y` and `z`. */
interface GlslFunction {
  readonly arity: 0 | 1 | 2 | 3;
  readonly body: string;
}

/** All names are the table's with this before them: GLSL's own must not be defined again. */
const PREFIX = 'adj';

const one = (expression: string): GlslFunction => ({ arity: 1, body: `return ${expression};` });
const two = (expression: string): GlslFunction => ({ arity: 2, body: `return ${expression};` });
const three = (expression: string): GlslFunction => ({ arity: 3, body: `return ${expression};` });
const none = (expression: string): GlslFunction => ({ arity: 0, body: `return ${expression};` });

/** Zero that no compiler knows: pixels are counted from a half. */
const ZERO = 'min(gl_FragCoord.x, 0.0)';
const flag = (condition: string): string => `((${condition}) ? 1.0 : 0.0)`;
const nan = (x: string): string => `(${x} != ${x})`;
const same = one('x');

const ERF =
  'float m = min(abs(x), 4.0);' +
  'float p = m * (-5.4121433e-8 + m * (0.6366194 + m * (0.10277776 + m * (-0.019152788 + m * (-0.00016089324 + m * ' +
  '(0.001667508 + m * (-0.00063309027 + m * (0.0001177097 + m * -9.263643e-6))))))));' +
  'float e = 1.0 - exp(-(m * 1.1283792 + p));' +
  'return (m < 0.01) ? x * 1.1283792 * (1.0 - x * x / 3.0) : (x < 0.0) ? -e : (x > 0.0) ? e : x;';

const ASIN =
  'float m = abs(x); float q = (m <= 0.5) ? x * x : 0.5 - 0.5 * m; float t = (m <= 0.5) ? m : sqrt(q);' +
  't += t * q * (0.16666752 + q * (0.074953094 + q * (0.045469154 + q * (0.024184741 + q * 0.042158395))));' +
  'float r = (m <= 0.5) ? t : 1.5707964 - 2.0 * t;' +
  'return (x < 0.0) ? -r : r;';

/** The functions that a kernel may call, by the names of the table for WebGPU. */
export const GLSL: Readonly<Record<string, GlslFunction>> = {
  num: same,
  int: same,
  nan: none(`(${ZERO}) / (${ZERO})`),
  inf: none(`1.0 / (${ZERO})`),
  yes: none('1.0'),
  no: none('0.0'),
  pair: same,
  total: same,
  plus: two('x + y'),
  isNaN: one(flag(nan('x'))),
  isZero: one(flag('x == 0.0')),
  negf: one('-x'),
  absf: one('abs(x)'),
  absi: one('abs(x)'),
  sign: one('(x > 0.0) ? 1.0 : (x < 0.0) ? -1.0 : x'),
  signi: one('sign(x)'),
  floor: one('floor(x)'),
  ceil: one('ceil(x)'),
  round: {
    arity: 1,
    body: 'float f = floor(x); float r = x - f; return (r < 0.5 || (r == 0.5 && mod(f, 2.0) == 0.0)) ? f : ceil(x);',
  },
  sqrt: one('sqrt(x)'),
  rsqrt: one('1.0 / sqrt(x)'),
  exp: one('exp(x)'),
  expm1: one(
    '(abs(x) < 0.1) ? x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0)))) : exp(x) - 1.0',
  ),
  log: one('log(x)'),
  log1p: one(
    '(abs(x) < 0.05) ? x * (1.0 - x * (1.0 / 2.0 - x * (1.0 / 3.0 - x * (1.0 / 4.0 - x * (1.0 / 5.0 - x / 6.0))))) : log(1.0 + x)',
  ),
  sin: one('sin(x)'),
  cos: one('cos(x)'),
  tan: one('sin(x) / cos(x)'),
  // Drivers' own are right to three digits.
  asin: { arity: 1, body: ASIN },
  acos: {
    arity: 1,
    body: ASIN.replace('return (x < 0.0) ? -r : r;', 'return 1.5707964 - ((x < 0.0) ? -r : r);'),
  },
  atan: one('atan(x)'),
  atan2: two(`(${nan('x')} || ${nan('y')}) ? x + y : (x == 0.0 && y == 0.0) ? 0.0 : atan(x, y)`),
  sinh: one('(abs(x) < 0.1) ? x * (1.0 + x * x / 6.0 * (1.0 + x * x / 20.0)) : 0.5 * (exp(x) - exp(-x))'),
  cosh: one('0.5 * (exp(x) + exp(-x))'),
  tanh: one(
    '(abs(x) < 0.05) ? x * (1.0 - x * x / 3.0 * (1.0 - x * x * 0.4)) : (x > 10.0) ? 1.0 : (x < -10.0) ? -1.0 : 1.0 - 2.0 / (exp(2.0 * x) + 1.0)',
  ),
  erf: { arity: 1, body: ERF },
  pow: {
    arity: 2,
    body:
      'if (y == 0.0 || x == 1.0) { return 1.0; }' +
      'if (x == 0.0) { return (y > 0.0) ? 0.0 : 1.0 / (' +
      `${ZERO});` +
      ' }' +
      'float m = exp2(y * log2(abs(x)));' +
      `if (x > 0.0 || floor(y) == y && mod(y, 2.0) == 0.0) { return m; }` +
      `return (floor(y) == y) ? -m : (${ZERO}) / (${ZERO});`,
  },
  min: two(`(${nan('x')} || ${nan('y')}) ? x + y : min(x, y)`),
  max: two(`(${nan('x')} || ${nan('y')}) ? x + y : max(x, y)`),
  mini: two('min(x, y)'),
  maxi: two('max(x, y)'),
  mod: two('x - y * floor(x / y)'),
  floordiv: two('floor(x / y)'),
  floordivi: two('(y == 0.0) ? 0.0 : floor((x + 0.5) / y)'),
  modi: two('(y == 0.0) ? 0.0 : x - y * floor((x + 0.5) / y)'),
  // Indices: whole numbers below 2^22, of which a half more is a float.
  quotient: two('floor((x + 0.5) / y)'),
  rest: two('x - y * floor((x + 0.5) / y)'),
  toNumber: same,
  toInteger: one(`${nan('x')} ? 0.0 : (x < 0.0) ? ceil(x) : floor(x)`),
  boolToNumber: same,
  boolToInteger: same,
  numberToBool: one(flag('!(x == 0.0)')),
  integerToBool: one(flag('x != 0.0')),
  eq: two(flag('x == y')),
  ne: two(flag('!(x == y)')),
  lt: two(flag('x < y')),
  le: two(flag('x <= y')),
  eqi: two(flag('x == y')),
  nei: two(flag('x != y')),
  lti: two(flag('x < y')),
  lei: two(flag('x <= y')),
  not: one('1.0 - x'),
  and: two('x * y'),
  or: two('max(x, y)'),
  differ: two('abs(x - y)'),
  select: three('(x != 0.0) ? y : z'),
  selecti: three('(x != 0.0) ? y : z'),
  selectb: three('(x != 0.0) ? y : z'),
};

/** A function as gpu.js takes it. */
export interface GlslNative {
  readonly name: string;
  readonly source: string;
  readonly argumentTypes: Readonly<Record<string, 'Number'>>;
}

/** All functions of the table. */
export const GLSL_NATIVES: readonly GlslNative[] = Object.entries(GLSL).map(([name, { arity, body }]) => {
  const names = ['x', 'y', 'z'].slice(0, arity);
  return {
    name: `${PREFIX}${name}`,
    source: `float ${PREFIX}${name}(${names.map((each) => `float ${each}`).join(', ')}) { ${body} }`,
    argumentTypes: Object.fromEntries(names.map((each) => [each, 'Number' as const])),
  };
});

/** For each store of a kernel rendered without sharing, the text of a gpu.js kernel that returns it. */
export function glslSources({ passes }: Rendered): string[] {
  const [pass] = passes as [Rendered['passes'][number]];
  const parameters = pass.reads.map((_, i) => `a${i}`).join(', ');
  const text = pass.source
    .replace('function () {', `function (${parameters}) {`)
    // What is loaded from is a name, and so is where.
    .replace(/\b(a\d+)\((\w+)\)/g, '$1[$2]')
    .replace(/\b([A-Za-z]\w*)\(/g, (call, name: string) => (name in GLSL ? `${PREFIX}${call}` : call));
  const stores = /^ *o(\d+)\(l, (\w+)\);\n?/gm;
  return pass.writes.map((_, i) => {
    const own = [...text.matchAll(stores)].find(([, index]) => Number(index) === i) as RegExpExecArray;
    return text.replace(stores, '').replace(/\}$/, `  return ${own[2]};\n}`);
  });
}
