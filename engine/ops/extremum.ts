/** @file What the largest and smallest elements share. */
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { DType } from '../types.ts';
import { div } from './div.ts';
import { eq } from './eq.ts';
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

/** The tangent of an extremum `y` of `x` over axes: the mean of the tangents of all elements that equal it. */
export function tiedTangent(b: Builder, dx: Var, x: Var, y: Var, axes: readonly number[]): Var {
  const tied = eq(b, x, unreduce(b, y, x.type.shape, axes));
  const zero = b.full(0, x.type);
  const total = sum(b, where(b, tied, dx, zero), { axes });
  const count = sum(b, where(b, tied, b.full(1, x.type), zero), { axes });
  return div(b, total, count);
}
