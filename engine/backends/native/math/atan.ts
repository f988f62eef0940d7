import type { Lanes, Value } from '../ir.ts';
import { HALF_PI } from './asin-acos.ts';
import { type Constants, constant, formatOf, horner } from './float.ts';

/** (atan(t) - t) / t³ as a polynomial in t², on |t| ≤ 1; the error of atan(t) is below 2^-25 and 2^-57. */
const ATAN_REST: Constants = {
  float: [-0.33333153, 0.19993767, -0.14211, 0.10665756, -0.07551616, 0.043204032, -0.016362673, 0.002919276],
  double: [
    -0.3333333333333307, 0.1999999999995175, -0.14285714282588166, 0.11111111007344066, -0.09090907007829901,
    0.07692279889221576, -0.06666404425464423, 0.05880529819108196, -0.05253526826729017, 0.04722348516943688,
    -0.042192440103025725, 0.036643169694911396, -0.02990576445089958, 0.021987100381759127, -0.013902599404990787,
    0.007197899421207725, -0.0028856155828592407, 0.0008315612678262254, -0.0001522114119966171, 1.323001926880952e-5,
  ],
};

/** atan(x) where |x| ≤ 1, π/2 - atan(1/x) above it, of |x| with its sign. */
export function atan(v: Lanes, x: Value): Value {
  const magnitude = v.abs(x);
  const one = constant(v, x, 1);
  const isSteep = v.compare('gt', magnitude, one);
  const t = v.select(isSteep, v.div(one, magnitude), magnitude);
  return v.copysign(atanReduced(v, t, isSteep), x);
}

/** The angle of the point (x, y): atan(y/x) of the magnitudes, mirrored into the quadrant that the signs say. */
export function atan2(v: Lanes, y: Value, x: Value): Value {
  const { element, integer } = formatOf(x);
  const [zero, one, infinity] = [0, 1, Infinity].map((value) => constant(v, x, value)) as [Value, Value, Value];
  const [height, width] = [v.abs(y), v.abs(x)];
  const isSteep = v.compare('gt', height, width);
  const [smaller, larger] = [v.select(isSteep, width, height), v.select(isSteep, height, width)];
  // 0/0 is 0 here, and ∞/∞ is 1.
  const quotient = v.div(smaller, v.select(v.compare('eq', larger, zero), one, larger));
  const t = v.select(v.compare('eq', smaller, infinity), one, quotient);
  const angle = atanReduced(v, t, isSteep);
  const [high, low] = HALF_PI[element].map((part) => constant(v, x, 2 * part)) as [Value, Value];
  const mirrored = v.sub(high, v.sub(angle, low));
  const isLeft = v.compare('lt', v.bitcast(x, integer), v.const(integer, 0));
  const result = v.copysign(v.select(isLeft, mirrored, angle), y);
  return v.select(v.or(v.isNaN(x), v.isNaN(y)), constant(v, x, NaN), result);
}

/** atan(t), or π/2 less that where it is steep. */
function atanReduced(v: Lanes, t: Value, isSteep: Value): Value {
  const [high, low] = HALF_PI[formatOf(t).element].map((part) => constant(v, t, part)) as [Value, Value];
  const square = v.mul(t, t);
  const rest = v.mul(v.mul(t, square), horner(v, square, ATAN_REST));
  return v.select(isSteep, v.sub(high, v.add(v.sub(rest, low), t)), v.add(t, rest));
}
