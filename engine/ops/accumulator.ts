/** @file The precision that sums are held in. */
import type { DType } from '../types.ts';

/** What sums of a dtype accumulate in: float32 in float64, rounded once at the end; the error does not grow with the count. */
export function accumulatorOf(dtype: DType): DType {
  return dtype === 'float32' ? 'float64' : dtype;
}
