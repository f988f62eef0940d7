import { isFloating, type Lanes, type Value } from '../ir.ts';

/** -1, 0 or 1; zeros and NaN are themselves. */
export function sign(v: Lanes, x: Value): Value {
  const [zero, one, minusOne] = [0, 1, -1].map((value) => v.const(x.element, value)) as [Value, Value, Value];
  return v.select(v.compare('gt', x, zero), one, v.select(v.compare('lt', x, zero), minusOne, x));
}

/** |x|; of the least integer, which has no opposite, itself. */
export function abs(v: Lanes, x: Value): Value {
  return isFloating(x) ? v.abs(x) : v.select(v.compare('lt', x, v.const(x.element, 0)), v.neg(x), x);
}
