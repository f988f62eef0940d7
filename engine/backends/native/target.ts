/** @file The processor that code is generated for, as far as the generated text depends on it. */
import type { VectorFeatures } from './ir.ts';

/** Bytes after which addresses share a set of the first-level cache, and of a page. */
export const PAGE = 4096;

/** What renderers know of the processor. */
export interface Target extends VectorFeatures {
  /** Bits of a vector register: 512, 256 or 128. */
  readonly vectorBits: number;
  /** Vector registers. */
  readonly registers: number;
  /** Whether loads and stores can leave out lanes at no cost. */
  readonly masks: boolean;
  /** Whether the functions of OpenBLAS can be called. */
  readonly blas: boolean;
  /** Whether phases may be divided among threads. */
  readonly threads: boolean;
  /** The number of the system's monotonic clock. */
  readonly clock: number;
  /** Bytes of a core's first- and second-level data caches. */
  readonly caches: readonly [first: number, second: number];
}
