import type { Lanes, Value } from '../ir.ts';
import {
  atLeast,
  atMost,
  type Constants,
  constant,
  formatOf,
  nearest,
  polynomial,
  powerOfTwo,
  subtractMultiple,
} from './float.ts';

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

/**
 * exp(x) = 2^m · 2^(n-m) · exp(r), where x = n ln 2 + r, |r| ≤ ln 2 / 2 and m is half of n: 2^n itself would leave the
 * range of exponents before the result does. The last multiplication rounds to subnormals.
 */
export function exp(v: Lanes, given: Value): Value {
  const { bias } = formatOf(given);
  const x = atMost(v, atLeast(v, given, LOWEST), HIGHEST);
  // The biases of both powers are in the bits, so that halving them shares the biases out too.
  const { n, r } = reduced(v, x, 2 * bias);
  const half = v.shiftRight(n, 1);
  const other = v.sub(n, half);
  const p = v.add(expm1Reduced(v, r), constant(v, x, 1));
  return v.mul(v.mul(p, powerOfTwo(v, half, x)), powerOfTwo(v, other, x));
}

/** exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), where 2^n is no subnormal number and finite. */
export function expm1Small(v: Lanes, x: Value): Value {
  const { n, r } = reduced(v, x, formatOf(x).bias);
  const power = powerOfTwo(v, n, x);
  return v.fma(power, expm1Reduced(v, r), v.sub(power, constant(v, x, 1)));
}

/** x = n ln 2 + r, with `offset` added to n. */
function reduced(v: Lanes, x: Value, offset: number): { n: Value; r: Value } {
  const n = nearest(v, x, 1 / Math.LN2, offset);
  return { n: n.bits, r: subtractMultiple(v, x, n.float, LN2[formatOf(x).element]) };
}

/** exp(r) - 1 = r + r² P(r) */
function expm1Reduced(v: Lanes, r: Value): Value {
  return v.fma(v.mul(r, r), polynomial(v, r, EXP_REST), r);
}
