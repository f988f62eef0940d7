import type { Lanes, Value } from '../ir.ts';
import { atLeast, atMost, type Constants, constant, formatOf, nearest, polynomial, powerOfTwo } from './float.ts';

/** (exp(r) - 1 - r) / r² on |r| ≤ ln 2 / 2; the error of exp(r) is below 2^-28 and 2^-56. */
const EXP_REST: Constants = {
  float: [0.49999994, 0.16666517, 0.041668102, 0.008369194, 0.0013839065],
  double: [
    0.5000000000000011, 0.1666666666666797, 0.04166666666654815, 0.008333333332598768, 0.0013888888934844152,
    0.00019841271229032465, 2.4801504981261646e-5, 2.7556220091698204e-6, 2.762535936796279e-7, 2.5385453829772964e-8,
  ],
};

/** ln 2, its first part so short that its products with exponents are exact. */
export const LN2: Constants = {
  float: [0.69314575, 1.4286068e-6],
  double: [0.693147180559663, 2.8235290563031577e-13],
};

/** Where the result has become 0 or infinite. */
const LOWEST = { float: -104, double: -746 };
const HIGHEST = { float: 89, double: 710 };

/** exp(x) */
export function exp(v: Lanes, x: Value): Value {
  return expOfSum(v, x);
}

/**
 * exp(x + low) = 2^m · 2^(n-m) · exp(r), where x + low = n ln 2 + r, |r| ≤ ln 2 / 2 and m is half of n: 2^n itself would
 * leave the range of exponents before the result does. The last multiplication rounds to subnormals.
 */
export function expOfSum(v: Lanes, sum: Value, low?: Value): Value {
  const { bias } = formatOf(sum);
  const x = atMost(v, atLeast(v, sum, LOWEST), HIGHEST);
  // The biases of both powers are in the bits, so that halving them shares the biases out too.
  const { n, r } = reduceByLn2(v, x, 2 * bias, low);
  const half = v.shiftRight(n, 1);
  const other = v.sub(n, half);
  const p = v.add(expm1Reduced(v, r), constant(v, x, 1));
  return v.mul(v.mul(p, powerOfTwo(v, half, x)), powerOfTwo(v, other, x));
}

/** x + low = n ln 2 + r; n is an integer, with `offset` added to it. */
export function reduceByLn2(v: Lanes, x: Value, offset: number, low?: Value): { n: Value; r: Value } {
  const [ln2, ln2Low] = LN2[formatOf(x).element].map((part) => constant(v, x, -part)) as [Value, Value];
  const n = nearest(v, x, 1 / Math.LN2, offset);
  const exact = v.fma(n.float, ln2, x);
  const r = low ? v.add(exact, v.fma(n.float, ln2Low, low)) : v.fma(n.float, ln2Low, exact);
  return { n: n.bits, r };
}

/** exp(r) - 1 = r + r² P(r), for |r| ≤ ln 2 / 2. */
export function expm1Reduced(v: Lanes, r: Value): Value {
  return v.fma(v.mul(r, r), polynomial(v, r, EXP_REST), r);
}
