/** @file What the largest and smallest elements share. */
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { DType } from '../types.ts';
import { div } from './div.ts';
import { eq } from './eq.ts';
import { mul } from './mul.ts';
import { sum } from './sum.ts';
import { unreduce } from './unreduce.ts';
import { where } from './where.ts';

/** The largest value of a dtype. */
export function highest(dtype: DType): number | bigint | boolean {
  switch (dtype) {
    case 'bool':
      return true;
    case 'int32':
      return 2 ** 31 - 1;
    case 'int64':
      return 2n ** 63n - 1n;
    case 'float32':
    case 'float64':
      return Infinity;
    default:
      return dtype satisfies never;
  }
}

/** The smallest value of a dtype. */
export function lowest(dtype: DType): number | bigint | boolean {
  switch (dtype) {
    case 'bool':
      return false;
    case 'int32':
      return -(2 ** 31);
    case 'int64':
      return -(2n ** 63n);
    case 'float32':
    case 'float64':
      return -Infinity;
    default:
      return dtype satisfies never;
  }
}

/** The tangent of an extremum `y` of `x` over axes: the mean of the tangents of all elements that equal it, if any. */
export function tiedTangent(b: Builder, dx: Var, x: Var, y: Var, axes: readonly number[]): Var {
  const { shape } = x.type;
  const tied = where(b, eq(b, x, unreduce(b, y, shape, axes)), b.full(1, x.type), b.full(0, x.type));
  // Nothing equals NaN: the weights are 0 / 0, in forward mode as in reverse.
  const weight = div(b, tied, unreduce(b, sum(b, tied, { axes }), shape, axes));
  return sum(b, mul(b, dx, weight), { axes });
}
