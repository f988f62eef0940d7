import type { Lanes, Value } from '../ir.ts';
import { type Constants, constant, formatOf, polynomial } from './float.ts';

/** (asin(r) - r) / r³ as a polynomial in r², on |r| ≤ ½; the error of asin(r) is below 2^-27 and 2^-55. */
const ASIN_REST: Constants = {
  float: [0.16666752, 0.074953094, 0.045469154, 0.024184741, 0.042158395],
  double: [
    0.16666666666665408, 0.07500000000337119, 0.04464285682824606, 0.030381959140309847, 0.022371757970296304,
    0.017359705978546046, 0.013885223376125366, 0.012169291621348425, 0.0065276266387680765, 0.0195292271318883,
    -0.01622577505237729, 0.03191332221359509,
  ],
};

/** π/2 in two words. */
export const HALF_PI: Constants = {
  float: [1.5707964, -4.371139e-8],
  double: [1.5707963267948966, 6.123233995736766e-17],
};

/** asin(x) where |x| ≤ ½, π/2 - 2 asin(√((1 - x) / 2)) above it, of |x| with its sign. */
export function asin(v: Lanes, x: Value): Value {
  const { isInner, root, rest } = reduced(v, x);
  const [high, low] = halfPi(v, x);
  const inner = v.add(root, rest);
  // π/2 - 2 (root + rest) from the small parts on
  const outer = v.sub(high, v.sub(v.fma(rest, constant(v, x, 2), v.add(root, root)), low));
  return v.copysign(v.select(isInner, inner, outer), x);
}

/** π/2 - asin(x) where |x| ≤ ½, 2 asin(√((1 - x) / 2)) above it, and π less that of -x below it. */
export function acos(v: Lanes, x: Value): Value {
  const { isInner, root, rest } = reduced(v, x);
  const [high, low] = halfPi(v, x);
  const signed = (part: Value): Value => v.copysign(part, x);
  // π/2 - (x + rest)
  const inner = v.sub(high, v.add(v.sub(signed(rest), low), signed(root)));
  const double = v.fma(rest, constant(v, x, 2), v.add(root, root));
  const outer = v.add(high, v.add(high, v.sub(v.add(low, low), double)));
  const isNegative = v.compare('lt', x, constant(v, x, 0));
  return v.select(isInner, inner, v.select(isNegative, outer, double));
}

/** With r = |x| up to ½ and √((1 - |x|) / 2) above it: r, and asin(r) - r. */
function reduced(v: Lanes, x: Value): { isInner: Value; root: Value; rest: Value } {
  const half = constant(v, x, 0.5);
  const magnitude = v.abs(x);
  const isInner = v.compare('le', magnitude, half);
  const square = v.select(isInner, v.mul(x, x), v.fma(magnitude, v.neg(half), half));
  const root = v.select(isInner, magnitude, v.sqrt(square));
  return { isInner, root, rest: v.mul(v.mul(root, square), polynomial(v, square, ASIN_REST)) };
}

function halfPi(v: Lanes, like: Value): readonly [Value, Value] {
  return HALF_PI[formatOf(like).element].map((part) => constant(v, like, part)) as [Value, Value];
}
