/** @file The positions of the largest and smallest elements. */
import { z } from 'zod';
import type { Expr, Exprs } from '../compile/expr.ts';
import { type DType, isFloat } from '../types.ts';
import { axisSchema, normalAxes } from './axes.ts';
import type { Op, OpRules } from './op.ts';
import { type Axes, kept, reduction } from './reduction.ts';

interface ArgExtremum extends Pick<OpRules, 'name' | 'aliases' | 'doc' | 'cases'> {
  /** Loses against every element. */
  worst(dtype: DType): number | bigint | boolean;
  /** Whether the element `x` is better than `y`, neither of them NaN. */
  beats(e: Exprs, x: Expr, y: Expr): Expr;
}

const surfaceParams = z.strictObject({
  axis: axisSchema.nullable().optional(),
  keepdims: z.boolean().optional(),
  keep_dims: z.boolean().optional(),
});

/** An op that gives the row-major position, among the elements folded, of the first best one; a NaN is the best. */
export function argExtremum({ worst, beats, ...rules }: ArgExtremum): Op<Axes> {
  const op: Op<Axes> = reduction({
    ...rules,
    kind: 'number',
    needsElements: true,
    result: () => 'int64',
    jvp: ['integer_dtype'],
    surface: {
      params: surfaceParams,
      positional: ['axis'],
      build: (b, [x], { axis, keepdims, keep_dims }) => {
        const axes = normalAxes(axis, x.type.shape);
        return kept(b, op(b, x, { axes }), x.type.shape, axes, keepdims ?? keep_dims);
      },
    },
    lift: (_, element, position) => [element, position],
    finish: (e, [, position]) => e.cast(position!, 'int64'),
    monoid: (e, dtype) => ({
      identity: [e.const(worst(dtype), dtype), e.at(2 ** 31 - 1)],
      combine: ([x, i], [y, j]) => {
        const better = isFloat(dtype) ? e.or(beats(e, y!, x!), e.and(nan(e, y!), e.eq(x!, x!))) : beats(e, y!, x!);
        const equal = isFloat(dtype) ? e.or(e.eq(x!, y!), e.and(nan(e, x!), nan(e, y!))) : e.eq(x!, y!);
        const second = e.or(better, e.and(equal, e.lt(j!, i!)));
        return [e.select(second, y!, x!), e.select(second, j!, i!)];
      },
    }),
  });
  return op;
}

function nan(e: Exprs, x: Expr): Expr {
  return e.ne(x, x);
}
