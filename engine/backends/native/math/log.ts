import type { Lanes, Value } from '../ir.ts';
import { LN2 } from './exp.ts';
import { constant, formatOf, polynomial } from './float.ts';

/** (log(1 + f) - f + f²/2) / f³ on √½ ≤ 1 + f ≤ √2; the error of the logarithm is below 2^-27. */
const LOG_REST = [
  0.33333313, -0.2500003, 0.20002049, -0.1666763, 0.14220522, -0.12367338, 0.118141174, -0.12147345, 0.07741694,
];

/** (2 atanh(s) - 2s) / s³ as a polynomial in s², on s ≤ (√2 - 1) / (√2 + 1); the error of the logarithm is below 2^-59. */
const ATANH_REST = [
  0.6666666666666734, 0.3999999999941706, 0.2857142874188945, 0.22222198621936193, 0.18183561891893757,
  0.1531411068472151, 0.14795366648952687,
];

/** log(x) = e ln 2 + log(1 + f), where x = 2^e (1 + f) and √½ ≤ 1 + f < √2. */
export function log(v: Lanes, x: Value): Value {
  const { exponent, mantissa } = split(v, x);
  const result = logReduced(v, exponent, v.sub(mantissa, constant(v, x, 1)));
  const infinity = constant(v, x, Infinity);
  const ofNegative = v.select(v.compare('eq', x, constant(v, x, 0)), constant(v, x, -Infinity), constant(v, x, NaN));
  const ofPositive = v.select(v.compare('lt', x, infinity), result, x);
  return v.select(v.compare('le', x, constant(v, x, 0)), ofNegative, ofPositive);
}

/** Positive `x` as 2^exponent · mantissa, with the mantissa from √½ to √2 and the exponent as a float. */
export function split(v: Lanes, x: Value): { exponent: Value; mantissa: Value } {
  const { element, integer, fraction, bias } = formatOf(x);
  const bitsOf = (value: Value): Value => v.bitcast(value, integer);
  const integerOne = (places: number): bigint => 1n << BigInt(places);
  // Subnormal numbers first become normal ones.
  const isSubnormal = v.compare('lt', x, constant(v, x, 2 ** (1 - bias)));
  const normal = v.select(isSubnormal, v.mul(x, constant(v, x, 2 ** fraction)), x);
  // The distance from √½, in which the exponent rises at the powers of two times √½.
  const half = bitsOf(constant(v, x, Math.SQRT1_2));
  const above = v.sub(bitsOf(normal), v.sub(half, v.const(integer, BigInt(bias) << BigInt(fraction))));
  const mantissa = v.add(v.and(above, v.const(integer, integerOne(fraction) - 1n)), half);
  // An integer below the last place of 2^fraction, which has the unit there, is that much added.
  const shift = 2 ** fraction;
  const shifted = v.bitcast(v.or(v.shiftRight(above, fraction), bitsOf(constant(v, x, shift))), element);
  const excess = v.select(isSubnormal, constant(v, x, shift + bias + fraction), constant(v, x, shift + bias));
  return { exponent: v.sub(shifted, excess), mantissa: v.bitcast(mantissa, element) };
}

/** e ln 2 + log(1 + f) */
export function logReduced(v: Lanes, e: Value, f: Value): Value {
  const [high, low] = LN2[formatOf(f).element].map((part) => constant(v, f, part)) as [Value, Value];
  const square = v.mul(f, f);
  const tail = v.mul(e, low);
  if (f.element === 'float') {
    // f + (f³ P(f) - f²/2)
    const cubic = v.fma(v.mul(square, f), polynomial(v, f, LOG_REST), tail);
    return v.fma(e, high, v.add(v.fma(square, constant(v, f, -0.5), cubic), f));
  }
  // With s = f/(2 + f): log(1 + f) = 2 atanh(s) = f - (f²/2 - s (f²/2 + s² P(s²)))
  const s = v.div(f, v.add(f, constant(v, f, 2)));
  const s2 = v.mul(s, s);
  const half = v.mul(square, constant(v, f, 0.5));
  const rest = v.fma(s2, polynomial(v, s2, ATANH_REST), half);
  return v.fma(e, high, v.sub(f, v.sub(half, v.fma(s, rest, tail))));
}
