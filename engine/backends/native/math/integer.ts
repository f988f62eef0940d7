/** @file Integer functions: wrapped around, and never trapping. */
import type { Lanes, Value } from '../ir.ts';
import { anyLane } from './rare.ts';

/** ⌊x/y⌋, 0 where y is 0; the least integer by -1 is itself. */
export function integerFloorDivide(v: Lanes, x: Value, y: Value): Value {
  return divided(v, x, y).floor;
}

/** What floor division leaves, with the sign of y; 0 where y is 0. */
export function integerRemainder(v: Lanes, x: Value, y: Value): Value {
  return divided(v, x, y).remainder;
}

function divided(v: Lanes, x: Value, y: Value): { floor: Value; remainder: Value } {
  const [zero, one, minusOne] = [0, 1, -1].map((value) => v.const(x.element, value)) as [Value, Value, Value];
  const isZero = v.compare('eq', y, zero);
  const isMinusOne = v.compare('eq', y, minusOne);
  // Both trap, the second for the least integer.
  const divisor = v.select(v.or(isZero, isMinusOne), one, y);
  const truncated = truncatedQuotient(v, x, divisor);
  const rest = v.sub(x, v.mul(truncated, divisor));
  const isAbove = v.and(v.compare('ne', rest, zero), v.compare('lt', v.xor(rest, divisor), zero));
  const floor = v.select(isMinusOne, v.neg(x), v.select(isAbove, v.sub(truncated, one), truncated));
  return {
    floor: v.select(isZero, zero, floor),
    remainder: v.select(isAbove, v.add(rest, divisor), rest),
  };
}

/** The quotient towards zero. There are no vector instructions for it, but float64 has the quotient of 32 bits exactly. */
function truncatedQuotient(v: Lanes, x: Value, y: Value): Value {
  const isConstant = !y.text.startsWith('%');
  if (x.element !== 'i32' || isConstant || v.count === 1) return v.divInteger(x, y);
  return v.toInteger(v.div(v.fromInteger(x, 'double'), v.fromInteger(y, 'double')), 'i32');
}

/** x to the power y, wrapped; towards zero where y is negative, and 0 of 0 there. */
export function integerPower(v: Lanes, x: Value, y: Value): Value {
  const [zero, one, minusOne] = [0, 1, -1].map((value) => v.const(x.element, value)) as [Value, Value, Value];
  const isOdd = v.compare('ne', v.and(y, one), zero);
  const ofMinusOne = v.select(isOdd, minusOne, one);
  const ofNegative = v.select(v.compare('eq', x, one), one, v.select(v.compare('eq', x, minusOne), ofMinusOne, zero));
  return v.select(v.compare('lt', y, zero), ofNegative, squared(v, x, y));
}

/** The product of x^(2^k) for the bits k of y ≥ 0, in a loop that ends when no lane has bits left. */
function squared(v: Lanes, x: Value, y: Value): Value {
  const { body } = v;
  const { element } = x;
  const type = v.type(element);
  const [zero, one] = [v.const(element, 0), v.const(element, 1)];
  const power = v.select(v.compare('lt', y, zero), zero, y);
  const before = body.block;
  const [loop, after] = [body.label(), body.label()];
  body.line(`br label %${loop}`);
  body.begin(loop);
  const carried = [one, x, power].map((first) => {
    const value: Value = { element, text: body.name() };
    return { first, value, phi: body.reserve() };
  });
  const [result, square, rest] = carried.map(({ value }) => value) as [Value, Value, Value];
  const hasBit = v.compare('ne', v.and(rest, one), zero);
  const next = [v.select(hasBit, v.mul(result, square), result), v.mul(square, square), v.shiftRight(rest, 1)];
  carried.forEach(({ first, value, phi }, i) =>
    phi(`${value.text} = phi ${type} [${first.text}, %${before}], [${next[i]!.text}, %${loop}]`),
  );
  body.line(`br i1 ${anyLane(v, v.compare('ne', next[2]!, zero))}, label %${loop}, label %${after}`);
  body.begin(after);
  return next[0]!;
}
