/** @file Routines: whole-op kernels that are no expression. */
import type { TypedArray } from '../types.ts';

/** An axis that a routine counts along: how many places it has, and the elements from one to the next in storage. */
export interface Stride {
  readonly size: number;
  readonly step: number;
}

/**
 * A tensor as matrices whose columns are windows over it: the axes that the number of a matrix, an element of a window
 * and a place of the window count along, outermost first.
 */
export interface Windows {
  readonly batch: readonly Stride[];
  readonly terms: readonly Stride[];
  readonly columns: readonly Stride[];
}

/** A kernel that reads its inputs' storage and writes its outputs' whole storage, all row-major. */
export interface Routine {
  /** Which routine it is, for backends that bring a faster one: `matmul`, `conv`, `scatter_add`. */
  readonly name: string;
  /** Sizes and flags that a backend's own routine needs. */
  readonly sizes: Readonly<Record<string, number | boolean>>;
  /** How its first input is read, where that is window by window. */
  readonly windows?: Windows;
  /** Scalar operations it takes. */
  readonly flops: number;
  /** The definition: every output element is written. */
  run(inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void;
}
