/** @file Pieces of vector maths: the formats of floats, polynomials, bounds, rounding, powers of two, signs. */
import type { Lanes, Value } from '../ir.ts';

/** What the arithmetic of a float's bits needs to know of its format. */
export interface Format {
  readonly element: 'float' | 'double';
  /** The integer of the same width. */
  readonly integer: 'i32' | 'i64';
  readonly width: number;
  /** Bits of the fraction, the leading one not counted. */
  readonly fraction: number;
  /** What is added to an exponent to store it. */
  readonly bias: number;
}

const FLOAT: Format = { element: 'float', integer: 'i32', width: 32, fraction: 23, bias: 127 };
const DOUBLE: Format = { element: 'double', integer: 'i64', width: 64, fraction: 52, bias: 1023 };

/** The format of a value of floats. */
export function formatOf({ element }: Value): Format {
  return element === 'float' ? FLOAT : DOUBLE;
}

/** A number for each format. */
export type Constant = Readonly<Record<Format['element'], number>>;

/** Numbers for each format, such as the coefficients of a polynomial from the lowest power. */
export type Constants = Readonly<Record<Format['element'], readonly number[]>>;

/** A constant of the element type of `like`. */
export function constant(v: Lanes, like: Value, value: number | Constant): Value {
  return v.const(like.element, typeof value === 'number' ? value : value[formatOf(like).element]);
}

/** The longest polynomial by Horner's rule: of a longer one, the chain of dependent instructions is what takes time. */
const HORNER = 8;

/**
 * c₀ + c₁ x + c₂ x² + … A long one is the sum of its even powers and of x times its odd ones, polynomials in x² both; what
 * they cancel of each other is lost.
 */
export function polynomial(v: Lanes, x: Value, coefficients: readonly number[] | Constants): Value {
  const list = listFor(x, coefficients);
  if (list.length <= HORNER) return horner(v, x, list);
  const square = v.mul(x, x);
  const [even, odd] = [0, 1].map((parity) => list.filter((_, power) => power % 2 === parity)) as [number[], number[]];
  return v.fma(polynomial(v, square, odd), x, polynomial(v, square, even));
}

/** c₀ + x (c₁ + x (c₂ + …)) */
export function horner(v: Lanes, x: Value, coefficients: readonly number[] | Constants): Value {
  const [last, ...others] = listFor(x, coefficients)
    .map((c) => constant(v, x, c))
    .reverse() as [Value, ...Value[]];
  return others.reduce((sum, c) => v.fma(sum, x, c), last);
}

function listFor(x: Value, coefficients: readonly number[] | Constants): readonly number[] {
  return 'float' in coefficients ? coefficients[formatOf(x).element] : coefficients;
}

/** `x`, or a bound where it is smaller; NaN stays. */
export function atLeast(v: Lanes, x: Value, low: number | Constant): Value {
  const bound = constant(v, x, low);
  return v.select(v.compare('lt', x, bound), bound, x);
}

/** `x`, or a bound where it is larger; NaN stays. */
export function atMost(v: Lanes, x: Value, high: number | Constant): Value {
  const bound = constant(v, x, high);
  return v.select(v.compare('gt', x, bound), bound, x);
}

/** The integer nearest to a float of moderate size: as a float, and in the low bits of an integer, above which is rubbish. */
export interface Nearest {
  readonly float: Value;
  readonly bits: Value;
}

/**
 * The integer nearest to x · factor, and it plus `offset` in the low bits. A float of 1.5 · 2^fraction has the unit as its
 * last bit, so adding it rounds.
 */
export function nearest(v: Lanes, x: Value, factor: number, offset = 0): Nearest {
  const { fraction, integer } = formatOf(x);
  const shift = constant(v, x, 1.5 * 2 ** fraction + offset);
  const shifted = v.fma(x, constant(v, x, factor), shift);
  return { float: v.sub(shifted, shift), bits: v.bitcast(shifted, integer) };
}

/** 2ⁿ, where the low bits hold n + bias. */
export function powerOfTwo(v: Lanes, bits: Value, like: Value): Value {
  const { element, fraction } = formatOf(like);
  return v.bitcast(v.shiftLeft(bits, fraction), element);
}

/** x - n · (p₀ + p₁ + …), where each product is exact or all that follow are below what x is known to. */
export function subtractMultiple(v: Lanes, x: Value, n: Value, parts: readonly number[]): Value {
  return parts.reduce((rest, part) => v.fma(n, constant(v, x, -part), rest), x);
}

/** `x` where it is so small that f(x) = x to the last place, else a result: for what loses subnormal numbers or -0. */
export function keepTiny(v: Lanes, x: Value, result: Value): Value {
  const { fraction } = formatOf(x);
  return v.select(v.compare('lt', v.abs(x), constant(v, x, 2 ** (-fraction - 3))), x, result);
}

/** The bit of an integer that is a float's sign. */
export function signBit(v: Lanes, like: Value): Value {
  const { integer, width } = formatOf(like);
  return v.const(integer, 1n << BigInt(width - 1));
}

/** `x` with its sign changed where the highest bit of an integer is set. */
export function flipSign(v: Lanes, x: Value, bits: Value): Value {
  const { element, integer } = formatOf(x);
  return v.bitcast(v.xor(v.bitcast(x, integer), v.and(bits, signBit(v, x))), element);
}
