/**
 * @file The functions that kernels may call: WGSL for the scalar functions whose built-ins are too coarse, or are not
 * what the contract says of NaN, infinities, zeros and the ends of the range.
 *
 * Nothing relies on a fused multiplication and addition, and nothing breaks where the device fuses: products that must be
 * exact are so by themselves.
 */

/** The types of gpu.js' kernel language that kernels are written in; `Array(2)` is a sum in two words. */
export type NativeType = 'Number' | 'Integer' | 'Boolean' | 'Array(2)';

/** What each type is in WGSL. */
export const WGSL_TYPES = {
  Number: 'f32',
  Integer: 'i32',
  Boolean: 'bool',
  'Array(2)': 'vec2<f32>',
} as const satisfies Record<NativeType, string>;

/** A function that kernels call, in WGSL. */
export interface NativeFunction {
  readonly takes: readonly NativeType[];
  readonly gives: NativeType;
  /** Statements; the parameters are `x`, `y` and `z`. */
  readonly body: string;
  /** Functions that the body calls, as `fn_<name>`. */
  readonly uses?: readonly string[];
}

/**
 * Not constants: an expression of constants that is no finite number is an error in WGSL. The zero is set when a kernel
 * begins, by what no compiler knows.
 */
export const SPECIAL_BITS =
  'var<private> infinity_bits : u32 = 0x7f800000u;\nvar<private> nan_bits : u32 = 0x7fc00000u;\nvar<private> zero_bits : u32;';

const NUMBER_1 = ['Number'] as const;
const NUMBER_2 = ['Number', 'Number'] as const;
const INTEGER_2 = ['Integer', 'Integer'] as const;
const BOOLEAN_2 = ['Boolean', 'Boolean'] as const;

function number(body: string, uses: readonly string[] = []): NativeFunction {
  return { takes: NUMBER_1, gives: 'Number', body, uses };
}

function numbers(body: string, uses: readonly string[] = []): NativeFunction {
  return { takes: NUMBER_2, gives: 'Number', body, uses };
}

function integers(body: string): NativeFunction {
  return { takes: INTEGER_2, gives: 'Integer', body };
}

function test(takes: readonly NativeType[], condition: string): NativeFunction {
  return { takes, gives: 'Boolean', body: `return ${condition};` };
}

/** c₀ + x (c₁ + x (c₂ + …)) */
function horner(x: string, coefficients: readonly number[]): string {
  const [last, ...others] = coefficients.toReversed() as [number, ...number[]];
  return others.reduce((sum, c) => `(${sum} * ${x} + (${literal(c)}))`, literal(last));
}

function literal(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** (exp(r) - 1 - r) / r² on |r| ≤ ln 2 / 2; the error of exp(r) is below 2^-28. */
const EXP_REST = [0.49999994, 0.16666517, 0.041668102, 0.008369194, 0.0013839065];
/** (log(1 + f) - f + f²/2) / f³ on √½ ≤ 1 + f ≤ √2; the error of the logarithm is below 2^-27. */
const LOG_REST = [
  0.33333313, -0.2500003, 0.20002049, -0.1666763, 0.14220522, -0.12367338, 0.118141174, -0.12147345, 0.07741694,
];
/** (2 atanh(s) - 2s - 2/3 s³) / s⁵ as a polynomial in s². */
const ATANH_SECOND_REST = [2 / 5, 2 / 7, 2 / 9, 2 / 11, 2 / 13];
/** (sin(r) - r) / r³ and cos(r) as polynomials in r², on |r| a little above π/4. */
const SIN_REST = [-0.16666654, 0.0083321, -0.00019506495];
const COS = [1, -0.5, 0.04166664, -0.001388713, 2.4412086e-5];
/** (asin(r) - r) / r³ as a polynomial in r², on |r| ≤ ½. */
const ASIN_REST = [0.16666752, 0.074953094, 0.045469154, 0.024184741, 0.042158395];
/** (atan(t) - t) / t³ as a polynomial in t², on |t| ≤ 1. */
const ATAN_REST = [-0.33333153, 0.19993767, -0.14211, 0.10665756, -0.07551616, 0.043204032, -0.016362673, 0.002919276];
/** -log(erfc(x)) / x without the leading word of 2/√π. */
const ERFC_LOG = [
  -5.4121433e-8, 0.6366194, 0.10277776, -0.019152788, -0.00016089324, 0.001667508, -0.00063309027, 0.0001177097,
  -9.263643e-6,
];

/** ln 2, its first part so short that its products with exponents are exact. */
const [LN2, LN2_LOW] = ['0.69314575', '1.4286068e-6'];
/** π/2 in two words. */
const [HALF_PI, HALF_PI_LOW] = ['1.5707964', '-4.371139e-8'];
/** 2/3 in two words. */
const [TWO_THIRDS, TWO_THIRDS_LOW] = ['0.6666667', '-1.9868216e-8'];
/** Angles up to here are reduced by multiples of π/2 in four parts, whose products with the multiple are exact. */
const NEAR = '8192.0';

/** All functions by name. */
export const FUNCTIONS: Readonly<Record<string, NativeFunction>> = {
  // Constants: gpu.js decides by the context what type a literal is, and a parameter is context.
  num: number('return x;'),
  int: { takes: ['Integer'], gives: 'Integer', body: 'return x;' },
  nan: { takes: [], gives: 'Number', body: 'return bitcast<f32>(nan_bits);' },
  inf: { takes: [], gives: 'Number', body: 'return bitcast<f32>(infinity_bits);' },
  yes: { takes: [], gives: 'Boolean', body: 'return true;' },
  no: { takes: [], gives: 'Boolean', body: 'return false;' },

  isNaN: {
    takes: NUMBER_1,
    gives: 'Boolean',
    body: 'return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;',
  },
  // What a compiler knows nothing of: it may take (x + 1) - 1 for x.
  opaque: number('return bitcast<f32>(bitcast<u32>(x) ^ zero_bits);'),
  // Of subnormal numbers by their bits: comparisons may take them for zeros.
  isZero: { takes: NUMBER_1, gives: 'Boolean', body: 'return (bitcast<u32>(x) << 1u) == 0u;' },
  withSign: numbers('return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(y) & 0x80000000u));'),
  powerOfTwo: { takes: ['Integer'], gives: 'Number', body: 'return bitcast<f32>((x + 127) << 23u);' },

  absf: number('return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu);'),
  negf: number('return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u);'),
  sign: number('return select(select(x, -1.0, x < 0.0), 1.0, x > 0.0);'),
  floor: number('return floor(x);'),
  ceil: number('return ceil(x);'),
  round: number('return round(x);'),
  sqrt: number('return sqrt(x);'),
  rsqrt: number('return 1.0 / sqrt(x);'),
  min: numbers(
    'let smaller = select(y, x, x < y);\n' +
      'let equal = bitcast<f32>(bitcast<u32>(x) | bitcast<u32>(y));\n' +
      'return select(select(smaller, equal, x == y), bitcast<f32>(nan_bits), fn_isNaN(x) || fn_isNaN(y));',
    ['isNaN'],
  ),
  max: numbers(
    'let larger = select(y, x, x > y);\n' +
      'let equal = bitcast<f32>(bitcast<u32>(x) & bitcast<u32>(y));\n' +
      'return select(select(larger, equal, x == y), bitcast<f32>(nan_bits), fn_isNaN(x) || fn_isNaN(y));',
    ['isNaN'],
  ),

  // exp(r) - 1 = r + r² P(r), for |r| ≤ ln 2 / 2
  expm1Reduced: number(`return x * x * ${horner('x', EXP_REST)} + x;`),
  // exp(x + y) = 2^m · 2^(n-m) · exp(r), m being half of n: 2^n itself would leave the range before the result does.
  expOfSum: numbers(
    'let c = select(select(x, 89.0, x > 89.0), -104.0, x < -104.0);\n' +
      'let n = round(c * 1.442695);\n' +
      `let r = (c - n * ${LN2}) - n * ${LN2_LOW} + y;\n` +
      'let i = i32(n);\n' +
      'let half = i >> 1u;\n' +
      'return (fn_expm1Reduced(r) + 1.0) * fn_powerOfTwo(half) * fn_powerOfTwo(i - half);',
    ['expm1Reduced', 'powerOfTwo'],
  ),
  exp: number('return fn_expOfSum(x, 0.0);', ['expOfSum']),
  // 2^k (exp(x) - 1), for k ≤ 0 and where 2^(n + k) is in range
  expm1Scaled: {
    takes: ['Number', 'Integer'],
    gives: 'Number',
    body:
      'let n = round(x * 1.442695);\n' +
      `let r = (x - n * ${LN2}) - n * ${LN2_LOW};\n` +
      'let power = fn_powerOfTwo(i32(n) + y);\n' +
      'return power * fn_expm1Reduced(r) + (power - fn_powerOfTwo(y));',
    uses: ['expm1Reduced', 'powerOfTwo'],
  },
  expm1: number(
    'let c = select(select(x, 89.0, x > 89.0), -18.0, x < -18.0);\n' +
      'let half = fn_expm1Scaled(c, -1);\n' +
      'return select(half + half, x, abs(x) < 1.4901161e-8);',
    ['expm1Scaled'],
  ),

  // e ln 2 + log(1 + f)
  logReduced: numbers(
    'let square = y * y;\n' +
      `let cubic = square * y * ${horner('y', LOG_REST)} + x * ${LN2_LOW};\n` +
      `return x * ${LN2} + ((cubic - 0.5 * square) + y);`,
  ),
  logOrSpecial: numbers(
    'let negative = select(bitcast<f32>(nan_bits), -bitcast<f32>(infinity_bits), fn_isZero(x));\n' +
      'let positive = select(x, y, x < bitcast<f32>(infinity_bits));\n' +
      'return select(positive, negative, x < 0.0 || fn_isZero(x));',
    ['isZero'],
  ),
  // x = 2^e m, with √½ ≤ m < √2
  split: {
    takes: NUMBER_1,
    gives: 'Array(2)',
    body:
      'let is_subnormal = (bitcast<u32>(x) & 0x7f800000u) == 0u;\n' +
      // The fraction as an integer: multiplied, a subnormal number may be taken for zero.
      'let lifted = f32(bitcast<u32>(x) & 0x7fffffu) * 1.1754944e-38;\n' +
      'let bits = bitcast<i32>(select(x, lifted, is_subnormal));\n' +
      'let above = bits - 0x3f3504f3 + (127 << 23u);\n' +
      'let mantissa = bitcast<f32>((above & 0x7fffff) + 0x3f3504f3);\n' +
      'return vec2<f32>(f32((above >> 23u) - select(127, 150, is_subnormal)), mantissa);',
  },
  log: number('let parts = fn_split(x);\nreturn fn_logOrSpecial(x, fn_logReduced(parts.x, parts.y - 1.0));', [
    'split',
    'logOrSpecial',
    'logReduced',
  ]),
  // log(1 + x) = log(u) + (x - (u - 1)) / u nearly, where u is 1 + x rounded
  log1p: number(
    'let u = fn_opaque(x + 1.0);\n' +
      'let parts = fn_split(u);\n' +
      'let missing = (x - (u - 1.0)) * 0.5;\n' +
      'let scale = bitcast<f32>((128 - i32(parts.x)) << 23u);\n' +
      'let f = missing * scale + (parts.y - 1.0);\n' +
      'return select(fn_logOrSpecial(u, fn_logReduced(parts.x, f)), x, abs(x) < 1.4901161e-8);',
    ['opaque', 'split', 'logOrSpecial', 'logReduced'],
  ),

  // r and what it lost, where |x| = n π/2 + r, and n: for |x| up to `NEAR`
  reduceNear: number(
    'let n = round(x * 0.63661975);\n' +
      'let exact = (x - n * 1.5703125) - n * 0.0004837513;\n' +
      'let product = n * 7.5495336e-8;\n' +
      'let r = exact - product;\n' +
      'reduced_tail = ((exact - r) - product) - n * 2.563344e-12;\n' +
      'reduced_quadrant = i32(n);\n' +
      'return r;',
  ),
  // The same for any finite |x|: the product of its fraction with the 96 bits of 2/π that reach beyond the quadrants
  reduceFar: number(
    'let bits = bitcast<u32>(x);\n' +
      'let fraction = (bits << 8u) | 0x80000000u;\n' +
      'let exponent = (bits >> 23u) - 126u;\n' +
      'let shift = exponent & 31u;\n' +
      'let word = exponent >> 5u;\n' +
      'var p0 = TWO_OVER_PI[word];\n' +
      'var p1 = TWO_OVER_PI[word + 1u];\n' +
      'var p2 = TWO_OVER_PI[word + 2u];\n' +
      'let p3 = TWO_OVER_PI[word + 3u];\n' +
      'if (shift > 0u) {\n' +
      'p0 = (p0 << shift) | (p1 >> (32u - shift));\n' +
      'p1 = (p1 << shift) | (p2 >> (32u - shift));\n' +
      'p2 = (p2 << shift) | (p3 >> (32u - shift));\n' +
      '}\n' +
      // The middle word of three, from halves; the lowest word's lower half decides nothing.
      'let f_low = fraction & 0xffffu;\n' +
      'let f_high = fraction >> 16u;\n' +
      'let carry = ((f_low * (p2 >> 16u)) >> 16u) + ((f_high * (p2 & 0xffffu)) >> 16u);\n' +
      'let low_word = f_high * (p2 >> 16u) + carry;\n' +
      'let q0 = f_low * (p1 & 0xffffu);\n' +
      'let q1 = f_low * (p1 >> 16u);\n' +
      'let q2 = f_high * (p1 & 0xffffu);\n' +
      'let middle = (q0 >> 16u) + (q1 & 0xffffu) + (q2 & 0xffffu);\n' +
      'let product_low = (q0 & 0xffffu) | (middle << 16u);\n' +
      'var high = f_high * (p1 >> 16u) + (q1 >> 16u) + (q2 >> 16u) + (middle >> 16u) + fraction * p0;\n' +
      'var low = product_low + low_word;\n' +
      'if (low < product_low) { high = high + 1u; }\n' +
      'var quadrant = i32(high >> 30u);\n' +
      'high = high & 0x3fffffffu;\n' +
      'var sign = 1.0;\n' +
      'if (high >= 0x20000000u) {\n' +
      'quadrant = quadrant + 1;\n' +
      'sign = -1.0;\n' +
      'high = 0x3fffffffu - high;\n' +
      'low = 0xffffffffu - low + 1u;\n' +
      'if (low == 0u) { high = high + 1u; }\n' +
      '}\n' +
      'reduced_tail = 0.0;\n' +
      'reduced_quadrant = quadrant;\n' +
      // 2^-30 π/2, and 2^-62 π/2
      'return sign * (f32(high) * 1.4629181e-9 + f32(low) * 3.4061215e-19);',
  ),
  reduceAngle: number(
    `if (x < ${NEAR}) { return fn_reduceNear(x); }\n` +
      'if (x < bitcast<f32>(infinity_bits)) { return fn_reduceFar(x); }\n' +
      'reduced_tail = 0.0;\nreduced_quadrant = 0;\nreturn bitcast<f32>(nan_bits);',
    ['reduceNear', 'reduceFar'],
  ),
  sinReduced: numbers(`let square = x * (x + 2.0 * y);\nreturn square * x * ${horner('square', SIN_REST)} + y + x;`),
  cosReduced: numbers(`let square = x * (x + 2.0 * y);\nreturn ${horner('square', COS)};`),
  sin: number(
    'let r = fn_reduceAngle(abs(x));\n' +
      'let magnitude = select(fn_sinReduced(r, reduced_tail), fn_cosReduced(r, reduced_tail), (reduced_quadrant & 1) != 0);\n' +
      'let flip = (u32(reduced_quadrant) << 30u) ^ bitcast<u32>(x);\n' +
      'return bitcast<f32>(bitcast<u32>(magnitude) ^ (flip & 0x80000000u));',
    ['reduceAngle', 'sinReduced', 'cosReduced'],
  ),
  cos: number(
    'let r = fn_reduceAngle(abs(x));\n' +
      'let magnitude = select(fn_cosReduced(r, reduced_tail), fn_sinReduced(r, reduced_tail), (reduced_quadrant & 1) != 0);\n' +
      'let flip = u32(reduced_quadrant + 1) << 30u;\n' +
      'return bitcast<f32>(bitcast<u32>(magnitude) ^ (flip & 0x80000000u));',
    ['reduceAngle', 'sinReduced', 'cosReduced'],
  ),
  tan: number(
    'let r = fn_reduceAngle(abs(x));\n' +
      'let is_odd = (reduced_quadrant & 1) != 0;\n' +
      'let sine = fn_sinReduced(r, reduced_tail);\n' +
      'let cosine = fn_cosReduced(r, reduced_tail);\n' +
      'let quotient = select(sine, cosine, is_odd) / select(cosine, sine, is_odd);\n' +
      'let flip = (u32(reduced_quadrant) << 31u) ^ bitcast<u32>(x);\n' +
      'return bitcast<f32>(bitcast<u32>(quotient) ^ (flip & 0x80000000u));',
    ['reduceAngle', 'sinReduced', 'cosReduced'],
  ),

  asin: number(
    'let size = abs(x);\n' +
      'let square = select(0.5 - 0.5 * size, x * x, size <= 0.5);\n' +
      'let root = select(sqrt(square), size, size <= 0.5);\n' +
      `let rest = root * square * ${horner('square', ASIN_REST)};\n` +
      `let outer = ${HALF_PI} - ((2.0 * rest + (root + root)) - (${HALF_PI_LOW}));\n` +
      'return fn_withSign(select(outer, root + rest, size <= 0.5), x);',
    ['withSign'],
  ),
  acos: number(
    'let size = abs(x);\n' +
      'let square = select(0.5 - 0.5 * size, x * x, size <= 0.5);\n' +
      'let root = select(sqrt(square), size, size <= 0.5);\n' +
      `let rest = root * square * ${horner('square', ASIN_REST)};\n` +
      `let inner = ${HALF_PI} - ((fn_withSign(rest, x) - (${HALF_PI_LOW})) + fn_withSign(root, x));\n` +
      'let double = 2.0 * rest + (root + root);\n' +
      `let outer = ${HALF_PI} + (${HALF_PI} + (2.0 * (${HALF_PI_LOW}) - double));\n` +
      'return select(select(double, outer, x < 0.0), inner, size <= 0.5);',
    ['withSign'],
  ),
  atanReduced: {
    takes: ['Number', 'Boolean'],
    gives: 'Number',
    body:
      'let square = x * x;\n' +
      `let rest = x * square * ${horner('square', ATAN_REST)};\n` +
      `return select(x + rest, ${HALF_PI} - ((rest - (${HALF_PI_LOW})) + x), y);`,
  },
  atan: number(
    'let size = abs(x);\n' +
      'let is_steep = size > 1.0;\n' +
      'return fn_withSign(fn_atanReduced(select(size, 1.0 / size, is_steep), is_steep), x);',
    ['withSign', 'atanReduced'],
  ),
  // x is the ordinate
  atan2: numbers(
    'let height = fn_absf(x);\n' +
      'let width = fn_absf(y);\n' +
      'let is_steep = height > width;\n' +
      'let smaller = select(height, width, is_steep);\n' +
      'let larger = select(width, height, is_steep);\n' +
      // Quotients of numbers near the ends of the range are those of numbers nearer to 1.
      'let scale = select(select(1.0, 0.0009765625, larger > 1e30), 16777216.0, larger < 1e-30);\n' +
      'let quotient = (smaller * scale) / select(larger * scale, 1.0, fn_isZero(larger));\n' +
      'let t = select(quotient, 1.0, smaller == bitcast<f32>(infinity_bits));\n' +
      'let is_flat = larger == bitcast<f32>(infinity_bits) && smaller < larger;\n' +
      'let angle = fn_atanReduced(select(t, 0.0, is_flat), is_steep);\n' +
      `let mirrored = 2.0 * ${HALF_PI} - (angle - 2.0 * (${HALF_PI_LOW}));\n` +
      'let result = fn_withSign(select(angle, mirrored, bitcast<i32>(y) < 0), x);\n' +
      'return select(result, bitcast<f32>(nan_bits), fn_isNaN(x) || fn_isNaN(y));',
    ['absf', 'isNaN', 'isZero', 'withSign', 'atanReduced'],
  ),

  sinh: number(
    'let size = abs(x);\n' +
      'let quarter = fn_expm1Scaled(select(size, 89.42, size > 89.42), -2);\n' +
      'let half = quarter + quarter / (quarter * 4.0 + 1.0);\n' +
      'return select(fn_withSign(half + half, x), x, size < 1.4901161e-8);',
    ['expm1Scaled', 'withSign'],
  ),
  cosh: number(
    'let size = abs(x);\n' +
      'let c = select(size, 89.42, size > 89.42);\n' +
      'let n = round(c * 1.442695);\n' +
      `let r = (c - n * ${LN2}) - n * ${LN2_LOW};\n` +
      'let power = fn_powerOfTwo(i32(n) - 2);\n' +
      'let quarter = power * fn_expm1Reduced(r) + power;\n' +
      'return quarter * 2.0 + 0.125 / quarter;',
    ['expm1Reduced', 'powerOfTwo'],
  ),
  tanh: number(
    'let size = abs(x);\n' +
      'let c = select(size, 10.0, size > 10.0);\n' +
      'let excess = fn_expm1Scaled(c + c, 0);\n' +
      'return select(fn_withSign(excess / (excess + 2.0), x), x, size < 1.4901161e-8);',
    ['expm1Scaled', 'withSign'],
  ),
  erf: number(
    'let magnitude = abs(x);\n' +
      'let size = select(magnitude, 4.0, magnitude > 4.0);\n' +
      `let rest = size * ${horner('size', ERFC_LOG)};\n` +
      'let result = fn_withSign(fn_expm1Scaled(-(size * 1.1283792 + rest), 0), x);\n' +
      'return select(result, x * 1.1283792, magnitude < 1.4901161e-8);',
    ['expm1Scaled', 'withSign'],
  ),

  // Sums and products in two words
  product: {
    takes: NUMBER_2,
    gives: 'Array(2)',
    body:
      'let high = x * y;\n' +
      'let cx = fn_opaque(x * 4097.0);\nlet xh = cx - (cx - x);\nlet xl = x - xh;\n' +
      'let cy = fn_opaque(y * 4097.0);\nlet yh = cy - (cy - y);\nlet yl = y - yh;\n' +
      'return vec2<f32>(high, ((xh * yh - high) + xh * yl + xl * yh) + xl * yl);',
    uses: ['opaque'],
  },
  multiplied: {
    takes: ['Array(2)', 'Array(2)'],
    gives: 'Array(2)',
    body: 'let p = fn_product(x.x, y.x);\nreturn vec2<f32>(p.x, p.y + (x.x * y.y + x.y * y.x));',
    uses: ['product'],
  },
  // log(x) of x > 0 in two words: e ln 2 + 2s + s³ (2/3 + s² P(s²)), s = f / (2 + f)
  logInTwo: {
    takes: NUMBER_1,
    gives: 'Array(2)',
    body:
      'let parts = fn_split(x);\n' +
      'let f = parts.y - 1.0;\n' +
      'let d = fn_opaque(2.0 + f);\n' +
      'let d_low = f - (d - 2.0);\n' +
      'let s = f / d;\n' +
      'let covered = fn_product(s, d);\n' +
      'let s_low = (((f - covered.x) - covered.y) - s * d_low) / d;\n' +
      'let both = vec2<f32>(s, s_low);\n' +
      'let square = fn_multiplied(both, both);\n' +
      `let small = square.x * ${horner('square.x', ATANH_SECOND_REST)};\n` +
      `let first = fn_opaque(${TWO_THIRDS} + small);\n` +
      `let factor = vec2<f32>(first, (small - (first - ${TWO_THIRDS})) + (${TWO_THIRDS_LOW}));\n` +
      'let cubic = fn_multiplied(fn_multiplied(both, square), factor);\n' +
      'let twice = s + s;\n' +
      'let mantissa = twice + cubic.x;\n' +
      'let mantissa_low = (cubic.x - (mantissa - twice)) + (s_low * 2.0 + cubic.y);\n' +
      `let whole = parts.x * ${LN2};\n` +
      'let sum = whole + mantissa;\n' +
      // The exponent's part is the larger one unless it is zero.
      'let sum_low = select(mantissa - (sum - whole), 0.0, whole == 0.0);\n' +
      `let low = sum_low + (parts.x * ${LN2_LOW} + mantissa_low);\n` +
      'let high = sum + low;\n' +
      'return vec2<f32>(high, low - (high - sum));',
    uses: ['opaque', 'split', 'product', 'multiplied'],
  },
  powOfSize: numbers(
    'let logarithm = fn_logInTwo(x);\n' +
      'let is_end = fn_isZero(x) || !(x < bitcast<f32>(infinity_bits));\n' +
      'let end = select(x, -bitcast<f32>(infinity_bits), fn_isZero(x));\n' +
      'let p = fn_product(logarithm.x, y);\n' +
      'let high = select(p.x, end * y, is_end);\n' +
      'let low = select(0.0, p.y + logarithm.y * y, abs(high) < 200.0);\n' +
      'return fn_expOfSum(high, select(low, 0.0, is_end));',
    ['logInTwo', 'product', 'expOfSum', 'isZero'],
  ),
  pow: numbers(
    // Beyond this size a power is as good as infinite for any number but 1.
    'let power = select(select(y, 4294967296.0, y > 4294967296.0), -4294967296.0, y < -4294967296.0);\n' +
      'let magnitude = fn_powOfSize(fn_absf(x), power);\n' +
      'let half = power * 0.5;\n' +
      'let is_whole = floor(power) == power;\n' +
      'let is_odd = is_whole && floor(half) != half;\n' +
      'let signed = select(magnitude, fn_withSign(magnitude, x), is_odd);\n' +
      'let is_negative = x < 0.0 && x > -bitcast<f32>(infinity_bits);\n' +
      'let real = select(signed, bitcast<f32>(nan_bits), (is_negative && !is_whole) || fn_isNaN(x) || fn_isNaN(y));\n' +
      'return select(real, 1.0, x == 1.0 || fn_isZero(y) || (x == -1.0 && abs(y) == bitcast<f32>(infinity_bits)));',
    ['powOfSize', 'absf', 'withSign', 'isNaN', 'isZero'],
  ),

  // x - y trunc(x/y) exactly, of sizes: long division of the fractions, bit by bit
  remainderOfSizes: numbers(
    'if (x < y) { return x; }\n' +
      'let xb = bitcast<u32>(x);\nlet yb = bitcast<u32>(y);\n' +
      'var xe = i32(xb >> 23u);\nvar ye = i32(yb >> 23u);\n' +
      'var xf = xb & 0x7fffffu;\nvar yf = yb & 0x7fffffu;\n' +
      'if (xe == 0) { xe = 1; } else { xf = xf | 0x800000u; }\n' +
      'if (ye == 0) { ye = 1; } else { yf = yf | 0x800000u; }\n' +
      'for (; xe > ye; xe = xe - 1) {\n' +
      'if (xf >= yf) { xf = xf - yf; }\n' +
      'xf = xf << 1u;\n' +
      '}\n' +
      'if (xf >= yf) { xf = xf - yf; }\n' +
      'if (xf == 0u) { return 0.0; }\n' +
      'for (; xf < 0x800000u && xe > 1; xe = xe - 1) { xf = xf << 1u; }\n' +
      'return bitcast<f32>(select(xf, (xf & 0x7fffffu) | (u32(xe) << 23u), xf >= 0x800000u));',
  ),
  mod: numbers(
    'let size = fn_absf(y);\n' +
      'let is_wrong = fn_isNaN(x) || fn_isNaN(y) || fn_isZero(y) || fn_absf(x) == bitcast<f32>(infinity_bits);\n' +
      'if (is_wrong) { return bitcast<f32>(nan_bits); }\n' +
      'let rest = fn_withSign(fn_remainderOfSizes(fn_absf(x), size), x);\n' +
      'return select(rest, rest + y, !fn_isZero(rest) && (rest < 0.0) != (y < 0.0));',
    ['absf', 'isNaN', 'isZero', 'withSign', 'remainderOfSizes'],
  ),
  floordiv: numbers(
    'let quotient = x / y;\n' +
      'let endless = bitcast<f32>(infinity_bits);\n' +
      'if (fn_isNaN(x) || fn_isNaN(y) || fn_isZero(y) || !(fn_absf(x) < endless)) { return floor(quotient); }\n' +
      'if (fn_absf(y) == endless) { return select(quotient, -1.0, !fn_isZero(x) && (x < 0.0) != (y < 0.0)); }\n' +
      'if (!(fn_absf(quotient) < endless)) { return quotient; }\n' +
      'let rest = fn_withSign(fn_remainderOfSizes(fn_absf(x), fn_absf(y)), x);\n' +
      'let towards_zero = round((x - rest) / y);\n' +
      'let whole = select(towards_zero, towards_zero - 1.0, !fn_isZero(rest) && (rest < 0.0) != (y < 0.0));\n' +
      'return select(whole, fn_withSign(whole, quotient), whole == 0.0);',
    ['absf', 'isNaN', 'isZero', 'withSign', 'remainderOfSizes'],
  ),

  absi: { takes: ['Integer'], gives: 'Integer', body: 'return select(x, -x, x < 0);' },
  signi: { takes: ['Integer'], gives: 'Integer', body: 'return select(select(0, -1, x < 0), 1, x > 0);' },
  mini: integers('return select(y, x, x < y);'),
  maxi: integers('return select(y, x, x > y);'),
  floordivi: integers(
    'if (y == 0) { return 0; }\n' +
      'if (y == -1) { return -x; }\n' +
      'let quotient = x / y;\n' +
      'return select(quotient, quotient - 1, quotient * y != x && ((x ^ y) < 0));',
  ),
  modi: integers(
    'if (y == 0 || y == -1) { return 0; }\n' +
      'let rest = x % y;\n' +
      'return select(rest, rest + y, rest != 0 && ((rest ^ y) < 0));',
  ),
  powi: integers(
    'if (y < 0) { return select(select(0, select(1, -1, (y & 1) != 0), x == -1), 1, x == 1); }\n' +
      'var result = 1;\nvar square = x;\n' +
      'for (var rest = y; rest > 0; rest = rest >> 1u) {\n' +
      'if ((rest & 1) != 0) { result = result * square; }\n' +
      'square = square * square;\n' +
      '}\nreturn result;',
  ),
  // Indices are never negative, and their divisors are positive constants.
  quotient: integers('return i32(u32(x) / u32(y));'),
  rest: integers('return i32(u32(x) % u32(y));'),

  toNumber: { takes: ['Integer'], gives: 'Number', body: 'return f32(x);' },
  // Truncated and clamped; 0 of NaN
  toInteger: {
    takes: NUMBER_1,
    gives: 'Integer',
    body:
      'if (x >= 2147483648.0) { return 2147483647; }\n' +
      'if (x <= -2147483648.0) { return -2147483648; }\n' +
      'return select(i32(x), 0, fn_isNaN(x));',
    uses: ['isNaN'],
  },
  boolToNumber: { takes: ['Boolean'], gives: 'Number', body: 'return select(0.0, 1.0, x);' },
  boolToInteger: { takes: ['Boolean'], gives: 'Integer', body: 'return select(0, 1, x);' },
  numberToBool: { takes: NUMBER_1, gives: 'Boolean', body: 'return !fn_isZero(x);', uses: ['isZero'] },
  integerToBool: { takes: ['Integer'], gives: 'Boolean', body: 'return x != 0;' },
  eq: test(NUMBER_2, 'x == y'),
  // WGSL's inequality is false of NaN.
  ne: test(NUMBER_2, '!(x == y)'),
  lt: test(NUMBER_2, 'x < y'),
  le: test(NUMBER_2, 'x <= y'),
  eqi: test(INTEGER_2, 'x == y'),
  nei: test(INTEGER_2, 'x != y'),
  lti: test(INTEGER_2, 'x < y'),
  lei: test(INTEGER_2, 'x <= y'),
  not: test(['Boolean'], '!x'),
  and: test(BOOLEAN_2, 'x && y'),
  or: test(BOOLEAN_2, 'x || y'),
  differ: test(BOOLEAN_2, 'x != y'),
  select: {
    takes: ['Boolean', 'Number', 'Number'],
    gives: 'Number',
    body: 'return select(z, y, x);',
  },
  selecti: { takes: ['Boolean', 'Integer', 'Integer'], gives: 'Integer', body: 'return select(z, y, x);' },
  selectb: { takes: ['Boolean', 'Boolean', 'Boolean'], gives: 'Boolean', body: 'return select(z, y, x);' },

  // A sum in two words: the second holds what rounding the first has lost.
  pair: { takes: NUMBER_1, gives: 'Array(2)', body: 'return vec2<f32>(x, 0.0);' },
  plus: {
    takes: ['Array(2)', 'Number'],
    gives: 'Array(2)',
    body:
      'let sum = fn_opaque(x.x + y);\n' +
      'let part = sum - x.x;\n' +
      'return vec2<f32>(sum, x.y + ((x.x - (sum - part)) + (y - part)));',
    uses: ['opaque'],
  },
  join: {
    takes: ['Array(2)', 'Array(2)'],
    gives: 'Array(2)',
    body: 'let sum = fn_plus(x, y.x);\nreturn vec2<f32>(sum.x, sum.y + y.y);',
    uses: ['plus'],
  },
  // Where the sum is infinite, what was lost is NaN.
  total: {
    takes: ['Array(2)'],
    gives: 'Number',
    body: 'return select(x.x, x.x + x.y, abs(x.x) < bitcast<f32>(infinity_bits));',
  },
};

/** The words that functions keep beside what they give. */
const STATE: Readonly<Record<string, string>> = {
  reduceAngle:
    'var<private> reduced_tail : f32;\n' +
    'var<private> reduced_quadrant : i32;\n' +
    // 2/π, 32 bits a word
    'const TWO_OVER_PI = array<u32, 8>(0x00000000u, 0x28be60dbu, 0x9391054au, 0x7f09d5f4u, 0x7d4d3770u, 0x36d8a566u, 0x4f10e410u, 0x7f9458eau);',
};

/** The WGSL of functions and of those that they use, each once and before its callers. */
export function libraryOf(names: Iterable<string>): string {
  const parts: string[] = [];
  const done = new Set<string>();
  const add = (name: string): void => {
    const own = FUNCTIONS[name];
    if (!own || done.has(name)) return;
    done.add(name);
    const state = STATE[name];
    if (state) parts.push(state);
    for (const used of own.uses ?? []) add(used);
    parts.push(declaration(name, own));
  };
  for (const name of names) add(name);
  return parts.join('\n');
}

function declaration(name: string, { takes, gives, body }: NativeFunction): string {
  const parameters = takes.map((type, i) => `${'xyz'[i]} : ${WGSL_TYPES[type]}`).join(', ');
  return `fn fn_${name}(${parameters}) -> ${WGSL_TYPES[gives]} {\n${body}\n}`;
}
