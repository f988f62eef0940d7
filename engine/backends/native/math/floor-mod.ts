import type { Lanes, Value } from '../ir.ts';
import { constant, formatOf } from './float.ts';
import { patchRare } from './rare.ts';

/** x - y ⌊x/y⌋, with the sign of y; exact but for one rounding where x and y have different signs. */
export function floorRemainder(v: Lanes, x: Value, y: Value): Value {
  if (!v.features.fma) return exactRemainder(v, x, y);
  const { isRare, remainder } = nearby(v, x, y);
  return patchRare(v, isRare, remainder, 'mod', exactRemainder, x, y);
}

/** ⌊x/y⌋ of the exact quotient. */
export function floorDivide(v: Lanes, x: Value, y: Value): Value {
  if (!v.features.fma) return exactDivide(v, x, y);
  const { isRare, floor } = nearby(v, x, y);
  return patchRare(v, isRare, withZeroOf(v, y, floor), 'floordiv', exactDivide, x, y);
}

/**
 * Floor and remainder of quotients whose floor k is exact. Rounding x/y never takes it below an integer but may take it up
 * to one, and then x - k y has the wrong sign; the difference is a float in both cases.
 */
function nearby(v: Lanes, x: Value, y: Value): { floor: Value; remainder: Value; isRare: Value } {
  const infinity = constant(v, x, Infinity);
  const quotient = v.div(x, y);
  const k = v.floor(quotient);
  const difference = v.fma(v.neg(k), y, x);
  const isOver = hasOtherSign(v, difference, y);
  const isNear = v.compare('lt', v.abs(quotient), constant(v, x, 2 ** formatOf(x).fraction));
  return {
    floor: v.select(isOver, v.sub(k, constant(v, x, 1)), k),
    remainder: withZeroOf(v, x, v.select(isOver, v.add(difference, y), difference)),
    isRare: v.not(v.and(isNear, v.compare('lt', v.abs(y), infinity))),
  };
}

/** The remainder of any numbers: the library's, which is exact and has the sign of x. */
function exactRemainder(v: Lanes, ...[x, y]: readonly Value[]): Value {
  const remainder = v.scalarCall(x!.element === 'float' ? 'fmodf' : 'fmod', x!, y!);
  return v.select(hasOtherSign(v, remainder, y!), v.add(remainder, y!), remainder);
}

/**
 * The floor of any quotient: that of the rounded one, which is infinite or NaN too; by an infinite number -1 where the
 * signs differ, else that zero; or (x - remainder) / y, of which float64 is to be rounded where float32 would round twice.
 */
function exactDivide(v: Lanes, ...given: readonly Value[]): Value {
  const [x, y] = given.map((operand) => v.toFloat(operand, 'double')) as [Value, Value];
  const quotient = v.div(x, y);
  const whole = v.roundEven(v.div(v.sub(x, exactRemainder(v, x, y)), y));
  const infinity = constant(v, x, Infinity);
  const endless = v.select(hasOtherSign(v, x, y), constant(v, x, -1), quotient);
  const finite = v.select(v.compare('lt', v.abs(y), infinity), whole, endless);
  const isOrdinary = v.compare('lt', v.abs(quotient), infinity);
  return v.toFloat(v.select(isOrdinary, finite, v.floor(quotient)), formatOf(given[0]!).element);
}

/** Whether x is no zero and on the other side of it than y. */
function hasOtherSign(v: Lanes, x: Value, y: Value): Value {
  const { integer } = formatOf(x);
  const signs = v.xor(v.bitcast(x, integer), v.bitcast(y, integer));
  return v.and(v.compare('lt', signs, v.const(integer, 0)), v.compare('ne', x, constant(v, x, 0)));
}

/** A result whose zeros have the sign of a value. */
function withZeroOf(v: Lanes, sign: Value, result: Value): Value {
  const zero = constant(v, result, 0);
  return v.select(v.compare('eq', result, zero), v.copysign(zero, sign), result);
}
