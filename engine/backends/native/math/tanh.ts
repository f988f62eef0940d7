import type { Lanes, Value } from '../ir.ts';
import { clamp, constant, polynomial } from './float.ts';

/** tanh(x) / x = P(x²) / Q(x²) on |x| ≤ 9.02, where it has become 1 in float32; the error is below 2^-25. */
const NUMERATOR = [1, 0.13084917, 0.0031049296, 1.1163403e-5, -2.025561e-8, 5.289101e-11, -8.508756e-14];
const DENOMINATOR = [1, 0.46418247, 0.024499161, 0.00025474987];

export function tanh(v: Lanes, given: Value): Value {
  const x = clamp(v, given, { float: -9.02, double: -9.02 }, { float: 9.02, double: 9.02 });
  const square = v.mul(x, x);
  return v.div(v.mul(x, polynomial(v, square, NUMERATOR)), polynomial(v, square, DENOMINATOR));
}
