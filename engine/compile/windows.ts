/**
 * @file Windows: ranges of one axis of a kernel in which its comparisons of indices are decided. Padding, joining and
 * slicing choose by index what an element is; within a window nothing is left to choose, and loads are of neighbours.
 */
import { type Affine, AffineForms } from './affine.ts';
import type { Expr, Exprs } from './expr.ts';
import type { Store } from './plan.ts';
import { reachable, rewrite } from './traverse.ts';

/** The stores of a kernel where the index along `axis` is at least `from` and below `to`. */
export interface Window {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  readonly stores: readonly Store[];
}

/** More windows than this are not worth their code. */
const MAX_WINDOWS = 8;

/** The windows of a kernel without folds; none where no comparison is decided by them. */
export function windowsOf(e: Exprs, space: readonly number[], stores: readonly Store[]): Window[] {
  const { all, folds } = reachable(stores.map(({ expr }) => expr));
  if (folds.length > 0) return [];
  const forms = new AffineForms(space, []);
  const cuts = space.map(() => new Set<number>());
  for (const expr of all) {
    const flip = flipOf(expr, forms);
    if (flip && flip.at > 0 && flip.at < (space[flip.axis] as number)) cuts[flip.axis]?.add(flip.at);
  }
  const axis = cuts.reduce((best, { size }, at) => (size > (cuts[best] as Set<number>).size ? at : best), 0);
  const places = [...(cuts[axis] ?? [])].sort((a, b) => a - b);
  if (places.length === 0 || places.length >= MAX_WINDOWS) return [];
  const ends = [...places, space[axis] as number];
  return ends.map((to, i) => {
    const from = i === 0 ? 0 : (ends[i - 1] as number);
    const decided = (expr: Expr): Expr | undefined => decide(e, expr, forms, space, { axis, from, to });
    const known = new Map<Expr, Expr>();
    return {
      axis,
      from,
      to,
      stores: stores.map(({ target, expr }) => ({ target, expr: rewrite(e, expr, decided, known) })),
    };
  });
}

/** Where a comparison of an index with a constant turns: from there on along the axis it is another than before. */
function flipOf(expr: Expr, forms: AffineForms): { readonly axis: number; readonly at: number } | undefined {
  if (expr.fn !== 'lt' && expr.fn !== 'le') return undefined;
  const difference = differenceOf(expr, forms);
  if (!difference) return undefined;
  const axes = difference.coefficients.flatMap((c, axis) => (c === 0 ? [] : [axis]));
  const [axis] = axes;
  if (axis === undefined || axes.length > 1) return undefined;
  const step = difference.coefficients[axis] as number;
  // step · i + constant against 0: the first i for which the sign is the other one.
  const zero = -difference.constant / step;
  const isAfter = (expr.fn === 'lt') === step > 0;
  return { axis, at: isAfter ? Math.ceil(zero) : Math.floor(zero) + 1 };
}

/** x - y of a comparison of indices. */
function differenceOf({ args: [x, y] }: Expr, forms: AffineForms): Affine | undefined {
  if (x?.dtype !== 'int32' || y?.dtype !== 'int32') return undefined;
  const [p, q] = [forms.of(x), forms.of(y)];
  if (!p || !q) return undefined;
  return {
    coefficients: p.coefficients.map((c, axis) => c - (q.coefficients[axis] as number)),
    constant: p.constant - q.constant,
  };
}

/** What a comparison, or the smaller or larger of two indices, is everywhere in a window. */
function decide(
  e: Exprs,
  expr: Expr,
  forms: AffineForms,
  space: readonly number[],
  { axis, from, to }: Pick<Window, 'axis' | 'from' | 'to'>,
): Expr | undefined {
  const { fn } = expr;
  if (fn !== 'lt' && fn !== 'le' && fn !== 'min' && fn !== 'max') return undefined;
  const difference = differenceOf(expr, forms);
  if (!difference) return undefined;
  let [least, most] = [difference.constant, difference.constant];
  difference.coefficients.forEach((c, at) => {
    const [first, last] = at === axis ? [from, to - 1] : [0, (space[at] as number) - 1];
    least += Math.min(c * first, c * last);
    most += Math.max(c * first, c * last);
  });
  const [x, y] = expr.args as readonly [Expr, Expr];
  switch (fn) {
    case 'lt':
      return most < 0 || least >= 0 ? e.const(most < 0, 'bool') : undefined;
    case 'le':
      return most <= 0 || least > 0 ? e.const(most <= 0, 'bool') : undefined;
    case 'min':
      return most <= 0 ? x : least >= 0 ? y : undefined;
    case 'max':
      return least >= 0 ? x : most <= 0 ? y : undefined;
    default:
      return fn satisfies never;
  }
}
