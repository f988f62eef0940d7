import type { Lanes, Value } from '../ir.ts';
import { expm1Reduced, reduceByLn2 } from './exp.ts';
import { atLeast, atMost, constant, formatOf, keepTiny, powerOfTwo } from './float.ts';

/** Where the result has become -1 or infinite. */
const LOWEST = { float: -18, double: -39 };
const HIGHEST = { float: 89, double: 710 };

/**
 * exp(x) - 1 = 2 (2^(n-1) (exp(r) - 1) + (2^(n-1) - 1/2)), where x = n ln 2 + r: 2^n itself would overflow before the
 * result does.
 */
export function expm1(v: Lanes, given: Value): Value {
  const x = atMost(v, atLeast(v, given, LOWEST), HIGHEST);
  const half = expm1Scaled(v, x, -1);
  return keepTiny(v, given, v.add(half, half));
}

/** 2^scale (exp(x) - 1), for scale ≤ 0 and where 2^(n + scale) is finite and no subnormal number. */
export function expm1Scaled(v: Lanes, x: Value, scale: number): Value {
  const { n, r } = reduceByLn2(v, x, formatOf(x).bias + scale);
  const power = powerOfTwo(v, n, x);
  return v.fma(power, expm1Reduced(v, r), v.sub(power, constant(v, x, 2 ** scale)));
}
