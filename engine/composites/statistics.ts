/** @file What the composites that reduce share. */
import type { z } from 'zod';
import { normalAxes, type reduceSchema } from '../ops/axes.ts';
import { div } from '../ops/div.ts';
import { eq } from '../ops/eq.ts';
import { mul } from '../ops/mul.ts';
import { kept } from '../ops/reduction.ts';
import { sqrt } from '../ops/sqrt.ts';
import { sub } from '../ops/sub.ts';
import { sum } from '../ops/sum.ts';
import { foldedSize, unreduce } from '../ops/unreduce.ts';
import { where } from '../ops/where.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';

/** The params of a reduction as documents write them. */
type Reduce = z.output<typeof reduceSchema>;

/** A reduction over the axes that a document names, kept at size 1 if it says so. */
export function reduceOver(
  b: Builder,
  x: Var,
  { axes, axis, keepdims, keep_dims }: Reduce,
  reduce: (axes: readonly number[]) => Var,
): Var {
  const folded = normalAxes(axes ?? axis, x.type.shape);
  return kept(b, reduce(folded), x.type.shape, folded, keepdims ?? keep_dims);
}

/** The mean over axes; NaN of nothing. */
export function meanOf(b: Builder, x: Var, axes: readonly number[]): Var {
  const total = sum(b, x, { axes });
  return div(b, total, b.full(foldedSize(x.type.shape, axes), total.type));
}

/** The squared distances from the mean, summed over axes and divided by their number less `correction`. */
export function varianceOf(b: Builder, x: Var, axes: readonly number[], correction: number): Var {
  const { shape } = x.type;
  const distance = sub(b, x, unreduce(b, meanOf(b, x, axes), shape, axes));
  const total = sum(b, mul(b, distance, distance), { axes });
  return div(b, total, b.full(Math.max(0, foldedSize(shape, axes) - correction), total.type));
}

/** The square root of a sum of squares; where that is 0, so is the derivative, one of the subgradients. */
export function rootOf(b: Builder, x: Var): Var {
  const zero = b.full(0, x.type);
  const flat = eq(b, x, zero);
  return where(b, flat, zero, sqrt(b, where(b, flat, b.full(1, x.type), x)));
}
