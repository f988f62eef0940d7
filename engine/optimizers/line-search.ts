/**
 * @file A line search for the strong Wolfe conditions (Nocedal and Wright, 2006, algorithms 3.5 and 3.6), as a
 * generator that sees numbers alone: it asks for the loss and its slope at a length, and is told.
 */

/** The loss at a length along the direction, and its derivative along it. */
export interface Point {
  readonly t: number;
  readonly loss: number;
  readonly slope: number;
}

/** Sufficient decrease, and how much of the slope may be left: the usual constants of quasi-Newton methods. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
/** How far the next length may be from the last, before a minimum is bracketed. */
const GROWTH = [1.1, 4] as const;
/** How near to the ends of the bracket, as a part of it, the next length may be. */
const MARGIN = 0.1;
/** A bracket that is wider than this part of what it was two lengths before is halved. */
const SHRINKING = 0.66;

/**
 * Asks for points until one fulfils the conditions; then the point. Where the evaluations end before, the lowest point
 * with sufficient decrease, which need not be the last one asked for, or `undefined` without one.
 */
export function* strongWolfe(
  start: { readonly loss: number; readonly slope: number },
  first: number,
  evaluations: number,
): Generator<number, Point | undefined, Omit<Point, 't'>> {
  const origin: Point = { t: 0, ...start };
  const decreases = ({ t, loss }: Point): boolean =>
    Number.isFinite(loss) && loss <= origin.loss + DECREASE * t * origin.slope;
  const isFlat = ({ slope }: Point): boolean => Math.abs(slope) <= -CURVATURE * origin.slope;
  let best: Point | undefined;
  let left = evaluations;
  function* at(t: number): Generator<number, Point, Omit<Point, 't'>> {
    left--;
    const point = { t, ...(yield t) };
    // Not where rounding alone makes it as low as the start: that would be no end.
    if (decreases(point) && point.loss < (best ?? origin).loss) best = point;
    return point;
  }

  // A growing interval, until it holds a minimum.
  let last = origin;
  let ends: readonly [low: Point, high: Point] | undefined;
  for (let t = first; left > 0; ) {
    const point = yield* at(t);
    if (!decreases(point) || (last !== origin && point.loss >= last.loss)) {
      ends = [last, point];
      break;
    }
    if (isFlat(point)) return point;
    if (point.slope >= 0) {
      ends = [point, last];
      break;
    }
    const guess = cubicMinimum(last, point);
    const [least, most] = [t + (GROWTH[0] - 1) * (t - last.t), t * GROWTH[1]];
    last = point;
    t = guess > least && guess < most ? guess : guess >= most || Number.isNaN(guess) ? most : least;
  }
  if (!ends) return best;

  // A shrinking one: `low` is its lowest end with sufficient decrease, and falls towards `high`.
  let [low, high]: readonly [Point, Point] = ends;
  let [width, widthBefore] = [Infinity, Infinity];
  while (left > 0) {
    const isSlow = Math.abs(high.t - low.t) > SHRINKING * widthBefore;
    [width, widthBefore] = [Math.abs(high.t - low.t), width];
    if (width <= Number.EPSILON * Math.max(low.t, high.t)) break;
    const guess = isSlow ? Number.NaN : cubicMinimum(low, high);
    const [from, to] = low.t < high.t ? [low.t, high.t] : [high.t, low.t];
    const t = Number.isNaN(guess)
      ? (from + to) / 2
      : Math.min(Math.max(guess, from + MARGIN * width), to - MARGIN * width);
    const point: Point = yield* at(t);
    if (!decreases(point) || point.loss >= low.loss) {
      high = point;
      continue;
    }
    if (isFlat(point)) return point;
    if (point.slope * (high.t - low.t) >= 0) high = low;
    low = point;
  }
  return best;
}

/** Where the cubic through two points with their slopes is lowest; NaN where it is nowhere. */
function cubicMinimum(a: Point, c: Point): number {
  const d1 = a.slope + c.slope - (3 * (a.loss - c.loss)) / (a.t - c.t);
  const d2 = Math.sign(c.t - a.t) * Math.sqrt(d1 * d1 - a.slope * c.slope);
  return c.t - ((c.t - a.t) * (c.slope + d2 - d1)) / (c.slope - a.slope + 2 * d2);
}
