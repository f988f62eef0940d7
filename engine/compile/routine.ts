/** @file Routines: whole-op kernels that are no expression. */
import type { TypedArray } from '../types.ts';

/** An axis that a routine counts along: how many places it has, and the elements from one to the next in storage. */
export interface Stride {
  readonly size: number;
  readonly step: number;
}

/** A kernel that reads its inputs' storage and writes its outputs' whole storage, all row-major. */
export interface Routine {
  /** Which routine it is, for backends that bring a faster one: `matmul`, `conv`, `scatter_add`. */
  readonly name: string;
  /** Sizes and flags that a backend's own routine needs. */
  readonly sizes: Readonly<Record<string, number | boolean>>;
  /** Of an operand that is read in another order than it lies in, the axes that an index counts along, outermost first. */
  readonly strides?: Readonly<Record<string, readonly Stride[]>>;
  /** Scalar operations it takes. */
  readonly flops: number;
  /** The definition: every output element is written. */
  run(inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void;
}
