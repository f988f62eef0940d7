/** @file Sums and products without error: pairs of floats whose sum is the exact value. */
import type { Lanes, Value } from '../ir.ts';
import { constant, formatOf } from './float.ts';

/** The sum of two floats, the second no larger than half a unit in the last place of the first. */
export interface DoubleWord {
  readonly high: Value;
  readonly low: Value;
}

/** x + y exactly, where |x| ≥ |y| or x is 0. */
export function orderedSum(v: Lanes, x: Value, y: Value): DoubleWord {
  const high = v.add(x, y);
  return { high, low: v.sub(y, v.sub(high, x)) };
}

/** x · y exactly, where nothing overflows or becomes subnormal. */
export function product(v: Lanes, x: Value, y: Value): DoubleWord {
  const high = v.mul(x, y);
  if (v.features.fma) return { high, low: v.fma(x, y, v.neg(high)) };
  // The products of halves of words are exact.
  const [a, b] = [halves(v, x), halves(v, y)];
  const cross = (left: Value, right: Value, rest: Value): Value => v.add(v.mul(left, right), rest);
  const begin = v.sub(v.mul(a.high, b.high), high);
  return { high, low: cross(a.low, b.low, cross(a.low, b.high, cross(a.high, b.low, begin))) };
}

/** (x + xLow) · y, to the last place of a double word. */
export function scaled(v: Lanes, x: DoubleWord, y: Value): DoubleWord {
  const { high, low } = product(v, x.high, y);
  return { high, low: v.fma(x.low, y, low) };
}

/** x · y, nearly to the last place of a double word. */
export function multiplied(v: Lanes, x: DoubleWord, y: DoubleWord): DoubleWord {
  const { high, low } = product(v, x.high, y.high);
  return { high, low: v.fma(x.high, y.low, v.fma(x.low, y.high, low)) };
}

/** A float as the sum of two with half its bits. */
function halves(v: Lanes, x: Value): DoubleWord {
  const shifted = v.mul(x, constant(v, x, 2 ** Math.ceil((formatOf(x).fraction + 1) / 2) + 1));
  const high = v.sub(shifted, v.sub(shifted, x));
  return { high, low: v.sub(x, high) };
}
