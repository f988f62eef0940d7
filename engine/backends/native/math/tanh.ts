import type { Lanes, Value } from '../ir.ts';
import { expm1Scaled } from './expm1.ts';
import { atMost, constant } from './float.ts';

/** Where the result has become 1. */
const HIGHEST = { float: 10, double: 20 };

/** tanh(x) = (exp(2x) - 1) / (exp(2x) + 1), of |x|, with its sign. */
export function tanh(v: Lanes, x: Value): Value {
  const magnitude = atMost(v, v.abs(x), HIGHEST);
  const excess = expm1Scaled(v, v.add(magnitude, magnitude), 0);
  return v.copysign(v.div(excess, v.add(excess, constant(v, x, 2))), x);
}
