/** @file Routines: whole-op kernels that are no expression. */
import type { TypedArray } from '../types.ts';

/** A kernel that reads its inputs' storage and writes its outputs' whole storage, all row-major. */
export interface Routine {
  /** Which routine it is, for backends that bring a faster one: `matmul`, `scatter_add`. */
  readonly name: string;
  /** Sizes and flags that a backend's own routine needs. */
  readonly sizes: Readonly<Record<string, number | boolean>>;
  /** Scalar operations it takes. */
  readonly flops: number;
  /** The definition: every output element is written. */
  run(inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void;
}
