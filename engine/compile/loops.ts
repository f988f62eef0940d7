/**
 * @file The loop nest of a kernel: which axes are one loop, in what order the loops run, and which of them runs over
 * vector lanes. In: a kernel. Out: loops, and every index that the kernel uses as a sum over them.
 */

import { poll } from '../interrupt.ts';
import { sizeOf } from '../types.ts';
import { type Affine, AffineForms } from './affine.ts';
import type { Expr, Fold } from './expr.ts';
import type { Kernel } from './plan.ts';
import { reachable } from './traverse.ts';
import type { Window } from './windows.ts';

/** One loop; its index counts an axis, or several that lie in storage as one. */
export interface Loop {
  readonly size: number;
  /** Where its index begins: not at 0 in a window. */
  readonly first: number;
  /** Whether it belongs to the space folded over. */
  readonly isFold: boolean;
  /** The axis of both spaces whose coefficients are the loop's: the innermost of those it counts. */
  readonly axis: number;
}

/** A part of one axis. */
type Range = Pick<Window, 'axis' | 'from' | 'to'>;

/** The indices and values of a kernel, before an order is chosen. */
export interface Analysis {
  /** Every expression that is computed, arguments first; indices that are sums are not among them. */
  readonly values: readonly Expr[];
  /** Indices that are sums: offsets of loads, and values. */
  readonly sums: ReadonlyMap<Expr, Affine>;
  /** The row-major position of a store. */
  readonly position: Affine;
  readonly folds: readonly Fold[];
  /** Loops of the space, then of the space folded over, outermost first. */
  readonly loops: readonly Loop[];
}

/** What a kernel computes at each point, sums of float32 in float32 where that is allowed, and the fewest loops that reach all points. */
export function analyse({ space, stores }: Pick<Kernel, 'space' | 'stores'>, window?: Range): Analysis {
  const roots = stores.map(({ expr }) => expr);
  const folds = [...new Set(reachable(roots).folds.map(({ fold }) => fold))];
  const over = folds[0]?.over ?? [];
  const forms = new AffineForms(space, over);
  const sums = new Map<Expr, Affine>();
  const values = new Set<Expr>();
  const pending = [...roots];
  for (let expr = pending.pop(); expr; expr = pending.pop()) {
    poll();
    if (values.has(expr) || sums.has(expr)) continue;
    const sum = isIndex(expr) ? forms.of(expr) : undefined;
    if (sum) {
      sums.set(expr, sum);
      continue;
    }
    values.add(expr);
    // The elements of a fold over nothing are never read.
    if (expr.fn === 'fold' && sizeOf(over) > 0)
      pending.push(...(expr.fold.narrow ? [expr.fold.narrow] : expr.fold.element));
    const [offset] = expr.args;
    const place = expr.fn === 'load' ? forms.of(offset as Expr) : undefined;
    if (place) sums.set(offset as Expr, place);
    else pending.push(...expr.args);
  }
  const position = forms.linear;
  const used = [...sums.values(), position];
  return {
    values: [...values].sort((a, b) => a.id - b.id),
    sums,
    position,
    folds,
    loops: [...collapse(space, 0, false, used, window), ...collapse(over, space.length, true, used)],
  };
}

/** Index arithmetic that cannot wrap around; other integers are the client's. */
function isIndex(expr: Expr): boolean {
  return expr.dtype === 'int32' && expr.fn !== 'const' && expr.max !== undefined && expr.max < 2 ** 31;
}

/** Neighbouring axes are one loop where every index steps along the outer as a whole pass along the inner. */
function collapse(
  shape: readonly number[],
  offset: number,
  isFold: boolean,
  used: readonly Affine[],
  window?: Range,
): Loop[] {
  const loops: { size: number; first: number; isFold: boolean; axis: number }[] = [];
  shape.forEach((size, at) => {
    if (size === 1) return;
    const axis = offset + at;
    const outer = loops.at(-1);
    if (window && at === window.axis) {
      loops.push({ size: window.to - window.from, first: window.from, isFold, axis });
      return;
    }
    const isOne =
      outer &&
      outer.axis !== window?.axis &&
      used.every(({ coefficients: c }) => (c[outer.axis] as number) === (c[axis] as number) * size);
    if (isOne) {
      outer.size *= size;
      outer.axis = axis;
    } else loops.push({ size, first: 0, isFold, axis });
  });
  return loops;
}
