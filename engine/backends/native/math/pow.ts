import type { Lanes, Value } from '../ir.ts';
import { type DoubleWord, multiplied, orderedSum, product, scaled } from './double-word.ts';
import { expOfSum, LN2 } from './exp.ts';
import { atLeast, atMost, constant, flipSign, formatOf, nearest, polynomial, powerOfTwo } from './float.ts';
import { splitAny } from './log.ts';

/** log2(1 + f) / f on √½ ≤ 1 + f ≤ √2, in float64; the error is below 2^-37. */
const LOG2 = [
  1.4426950408865737, -0.7213475203275312, 0.480898348803256, -0.3606737931396235, 0.28853879568833946,
  -0.24044643345561015, 0.20610712450172977, -0.18043675402027487, 0.1602166441535023, -0.14249859508838267,
  0.1302758040354566, -0.13462852766820452, 0.1325094722919121, -0.06973984649377027,
];

/** 2^r on |r| ≤ ½, in float64; the error is below 2^-28. */
const EXP2 = [
  1, 0.6931472149761493, 0.24022652786736146, 0.05550310536347412, 0.009617692383148387, 0.001340664868012829,
  0.00015594858243533446,
];

/** (2 atanh(s) - 2s - 2/3 s³) / s⁵ as a polynomial in s², for s ≤ (√2 - 1) / (√2 + 1); the error of the logarithm is below 2^-72. */
const ATANH_SECOND_REST = [
  0.3999999999999998, 0.28571428571443835, 0.22222222217791798, 0.18181818843693195, 0.153845584506732,
  0.13336263617156924, 0.11675798797254394, 0.11981603501341971,
];

/** 2/3 in two words. */
const TWO_THIRDS = [0.6666666666666666, 3.700743415417188e-17] as const;

/** `x` to the power `y`, by IEEE 754. */
export function pow(v: Lanes, x: Value, y: Value): Value {
  const size = v.abs(x);
  // An infinite power of 1 is 1; for any other number, one of this size is as good as infinite.
  const power = atMost(v, atLeast(v, y, -(2 ** 66)), 2 ** 66);
  const magnitude = x.element === 'float' ? powFloat(v, size, power) : powDouble(v, size, power);
  return ofSigned(v, x, y, magnitude);
}

/** The power of a number of any sign, from that of its magnitude. */
function ofSigned(v: Lanes, x: Value, y: Value, magnitude: Value): Value {
  const [zero, one] = [constant(v, x, 0), constant(v, x, 1)];
  const half = v.mul(y, constant(v, y, 0.5));
  const isWhole = v.compare('eq', v.floor(y), y);
  const isOdd = v.and(isWhole, v.compare('ne', v.floor(half), half));
  const signed = v.select(isOdd, flipSign(v, magnitude, v.bitcast(x, formatOf(x).integer)), magnitude);
  const isNegative = v.and(v.compare('lt', x, zero), v.compare('gt', x, constant(v, x, -Infinity)));
  const real = v.select(v.and(isNegative, v.not(isWhole)), constant(v, x, NaN), signed);
  return v.select(v.or(v.compare('eq', x, one), v.compare('eq', y, zero)), one, real);
}

/** 2^(y log2(x)) in float64, rounded once; overflow and subnormal results are the rounding's. */
function powFloat(v: Lanes, x: Value, y: Value): Value {
  const { exponent, mantissa } = splitAny(v, x);
  const f = v.toFloat(v.sub(mantissa, constant(v, x, 1)), 'double');
  const logarithm = v.fma(f, polynomial(v, f, LOG2), v.toFloat(orLimit(v, x, exponent), 'double'));
  const t = atMost(v, atLeast(v, v.mul(v.toFloat(y, 'double'), logarithm), -200), 200);
  const n = nearest(v, t, 1, formatOf(t).bias);
  const result = v.mul(polynomial(v, v.sub(t, n.float), EXP2), powerOfTwo(v, n.bits, t));
  return v.toFloat(result, 'float');
}

/** exp(y log(x)) with the logarithm and the product as double words. */
function powDouble(v: Lanes, x: Value, y: Value): Value {
  const { exponent, mantissa } = splitAny(v, x);
  const sum = logDoubleWord(v, exponent, v.sub(mantissa, constant(v, x, 1)));
  const { high, low } = scaled(v, { high: orLimit(v, x, sum.high), low: sum.low }, y);
  // Beyond the range of results the low word is rubbish.
  const isOrdinary = v.compare('lt', v.abs(high), constant(v, x, 1000));
  return expOfSum(v, high, v.select(isOrdinary, low, constant(v, x, 0)));
}

/** A logarithm of `x` ≥ 0, where `x` is neither 0 nor infinite nor NaN. */
function orLimit(v: Lanes, x: Value, logarithm: Value): Value {
  const finite = v.select(v.compare('lt', x, constant(v, x, Infinity)), logarithm, x);
  return v.select(v.compare('eq', x, constant(v, x, 0)), constant(v, x, -Infinity), finite);
}

/** e ln 2 + log(1 + f), where log(1 + f) = 2s + s³ (2/3 + s² P(s²)) with s = f / (2 + f). */
function logDoubleWord(v: Lanes, e: Value, f: Value): DoubleWord {
  const [ln2, ln2Low] = LN2.double.map((part) => constant(v, f, part)) as [Value, Value];
  const [twoThirds, twoThirdsLow] = TWO_THIRDS.map((part) => constant(v, f, part)) as [Value, Value];
  const s = quotient(v, f, orderedSum(v, constant(v, f, 2), f));
  const square = multiplied(v, s, s);
  const first = orderedSum(v, twoThirds, v.mul(square.high, polynomial(v, square.high, ATANH_SECOND_REST)));
  const factor = { high: first.high, low: v.add(first.low, twoThirdsLow) };
  const cubic = multiplied(v, multiplied(v, s, square), factor);
  const mantissa = orderedSum(v, v.add(s.high, s.high), cubic.high);
  const mantissaLow = v.add(mantissa.low, v.fma(s.low, constant(v, f, 2), cubic.low));
  const sum = orderedSum(v, v.mul(e, ln2), mantissa.high);
  return orderedSum(v, sum.high, v.add(sum.low, v.fma(e, ln2Low, mantissaLow)));
}

/** x / y as a double word: what the quotient of the words leaves over is divided too. */
function quotient(v: Lanes, x: Value, y: DoubleWord): DoubleWord {
  const inverse = v.div(constant(v, x, 1), y.high);
  const high = v.mul(x, inverse);
  const covered = product(v, high, y.high);
  const left = v.sub(v.sub(v.sub(x, covered.high), covered.low), v.mul(high, y.low));
  return { high, low: v.mul(left, inverse) };
}
