import type { Lanes, Value } from '../ir.ts';
import { LN2 } from './exp.ts';
import { constant, formatOf, keepTiny, polynomial } from './float.ts';

/** (log(1 + f) - f + f²/2) / f³ on √½ ≤ 1 + f ≤ √2; the error of the logarithm is below 2^-27. */
const LOG_REST = [
  0.33333313, -0.2500003, 0.20002049, -0.1666763, 0.14220522, -0.12367338, 0.118141174, -0.12147345, 0.07741694,
];

/** (2 atanh(s) - 2s) / s³ as a polynomial in s², on s ≤ (√2 - 1) / (√2 + 1); the error of the logarithm is below 2^-58. */
const ATANH_REST = [
  0.6666666666666734, 0.3999999999941706, 0.2857142874188945, 0.22222198621936193, 0.18183561891893757,
  0.1531411068472151, 0.14795366648952687,
];

/** log(x) = e ln 2 + log(1 + f), where x = 2^e (1 + f) and √½ ≤ 1 + f < √2. */
export function log(v: Lanes, x: Value): Value {
  const { exponent, mantissa } = splitAny(v, x);
  return logOrSpecial(v, x, logReduced(v, exponent, v.sub(mantissa, constant(v, x, 1))));
}

/** log(1 + x) = log(u) + (x - (u - 1)) / u nearly, where u is 1 + x rounded. */
export function log1p(v: Lanes, x: Value): Value {
  const { integer, element, fraction, bias } = formatOf(x);
  const one = constant(v, x, 1);
  const u = v.add(x, one);
  const { biased, exponent, mantissa } = split(v, u);
  // u = 2^e (1 + f), so what is missing from u is 2^-e times as much of f. Half of it by twice of that, which is no
  // power out of the range of exponents.
  const power = v.shiftLeft(v.sub(v.const(integer, 2 * bias + 1), biased), fraction);
  const missing = v.mul(v.sub(x, v.sub(u, one)), constant(v, x, 0.5));
  const f = v.fma(missing, v.bitcast(power, element), v.sub(mantissa, one));
  return keepTiny(v, x, logOrSpecial(v, u, logReduced(v, exponent, f)));
}

/** A positive number that is 2^exponent · mantissa. */
interface Split {
  /** The exponent as an integer, with the format's bias. */
  readonly biased: Value;
  readonly exponent: Value;
  /** From √½ to √2. */
  readonly mantissa: Value;
}

/** Splits a positive number. */
export function splitAny(v: Lanes, x: Value): Split {
  const { fraction, bias } = formatOf(x);
  const isSubnormal = v.compare('lt', x, constant(v, x, 2 ** (1 - bias)));
  return split(v, v.select(isSubnormal, v.mul(x, constant(v, x, 2 ** fraction)), x), isSubnormal);
}

/** Splits a normal number, which may have been multiplied with 2^fraction. */
function split(v: Lanes, x: Value, isLifted?: Value): Split {
  const { element, integer, fraction, bias } = formatOf(x);
  const bitsOf = (value: Value): Value => v.bitcast(value, integer);
  const places = BigInt(fraction);
  // Counted from √½, the exponent rises at the powers of two times √½.
  const root = bitsOf(constant(v, x, Math.SQRT1_2));
  const above = v.add(v.sub(bitsOf(x), root), v.const(integer, BigInt(bias) << places));
  const mantissa = v.add(v.and(above, v.const(integer, (1n << places) - 1n)), root);
  const biased = v.shiftRight(above, fraction);
  // 2^fraction has the unit as its last place, so that a small integer in its bits is added to it.
  const unit = 2 ** fraction;
  const shifted = v.bitcast(v.or(biased, bitsOf(constant(v, x, unit))), element);
  const excess = constant(v, x, unit + bias);
  const lifted = isLifted ? v.select(isLifted, constant(v, x, unit + bias + fraction), excess) : excess;
  return { biased, exponent: v.sub(shifted, lifted), mantissa: v.bitcast(mantissa, element) };
}

/** e ln 2 + log(1 + f) */
function logReduced(v: Lanes, e: Value, f: Value): Value {
  const [high, low] = LN2[formatOf(f).element].map((part) => constant(v, f, part)) as [Value, Value];
  const square = v.mul(f, f);
  const tail = v.mul(e, low);
  if (f.element === 'float') {
    // f + (f³ P(f) - f²/2)
    const cubic = v.fma(v.mul(square, f), polynomial(v, f, LOG_REST), tail);
    return v.fma(e, high, v.add(v.fma(square, constant(v, f, -0.5), cubic), f));
  }
  // With s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - (f²/2 - s (f²/2 + s² P(s²)))
  const s = v.div(f, v.add(f, constant(v, f, 2)));
  const s2 = v.mul(s, s);
  const half = v.mul(square, constant(v, f, 0.5));
  const rest = v.fma(s2, polynomial(v, s2, ATANH_REST), half);
  return v.fma(e, high, v.sub(f, v.sub(half, v.fma(s, rest, tail))));
}

/** The logarithm of `x`, which is `result` where `x` is positive and finite. */
function logOrSpecial(v: Lanes, x: Value, result: Value): Value {
  const zero = constant(v, x, 0);
  const ofNegative = v.select(v.compare('eq', x, zero), constant(v, x, -Infinity), constant(v, x, NaN));
  const ofPositive = v.select(v.compare('lt', x, constant(v, x, Infinity)), result, x);
  return v.select(v.compare('le', x, zero), ofNegative, ofPositive);
}
