/** @file Which outputs of a kernel may lie where an input lies: those that read it at their own position alone. */
import type { Var } from '../program/program.ts';
import { sizeOf } from '../types.ts';
import { analyse } from './loops.ts';
import type { Kernel } from './plan.ts';

/** The stored variables that a kernel reads nowhere but at the point it writes. */
export function readInPlace(kernel: Kernel): Set<Var> {
  const { values, sums, position, folds } = analyse(kernel);
  const size = sizeOf(kernel.space);
  const fitting = new Set<Var>();
  const others = new Set<Var>();
  for (const expr of values) {
    if (expr.fn !== 'load') continue;
    const place = expr.args[0] && sums.get(expr.args[0]);
    const isOwn =
      folds.length === 0 &&
      place !== undefined &&
      place.constant === position.constant &&
      place.coefficients.every((c, axis) => c === position.coefficients[axis]) &&
      sizeOf(expr.source.type.shape) === size;
    (isOwn ? fitting : others).add(expr.source);
  }
  return fitting.difference(others);
}
