import type { Lanes, Value } from '../ir.ts';
import { expm1Reduced, reduceByLn2 } from './exp.ts';
import { expm1Scaled } from './expm1.ts';
import { atMost, constant, formatOf, keepTiny, powerOfTwo } from './float.ts';

/** Where the result has become infinite; a quarter of exp(x) has not. */
const HIGHEST = { float: 89.42, double: 710.48 };

/** sinh(x) = (e + e / (e + 1)) / 2 with e = exp(x) - 1, of |x|, with its sign. */
export function sinh(v: Lanes, x: Value): Value {
  const quarter = expm1Scaled(v, atMost(v, v.abs(x), HIGHEST), -2);
  // Where e overflows, the quotient is nothing beside it.
  const half = v.add(quarter, v.div(quarter, v.fma(quarter, constant(v, x, 4), constant(v, x, 1))));
  return keepTiny(v, x, v.copysign(v.add(half, half), x));
}

/** cosh(x) = 2q + 1 / (8q) with q = exp(x) / 4, of |x|. */
export function cosh(v: Lanes, x: Value): Value {
  const { n, r } = reduceByLn2(v, atMost(v, v.abs(x), HIGHEST), formatOf(x).bias - 2);
  const power = powerOfTwo(v, n, x);
  const quarter = v.fma(power, expm1Reduced(v, r), power);
  return v.fma(quarter, constant(v, x, 2), v.div(constant(v, x, 1 / 8), quarter));
}
