/**
 * @file What the benchmark says to a contestant: one line of JSON on its standard input, one line back on its standard
 * output. A contestant computes between the two and at no other time. The contestants in Python speak it too.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { allocateArray, type DType, type Shape, sizeOf, type Tensor } from '../../engine/types.ts';
import type { CaseDType } from './cases.ts';
import type { ScalarNode } from './graphs.ts';

/** A tensor that lies in a file, little-endian and row-major. */
export interface Filed {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly file: string;
}

/** What a contestant is asked. */
export type Question =
  /** Load the inputs of a case. The reply may be `unsupported`. */
  | {
      readonly ask: 'prepare';
      readonly title: string;
      readonly computation: string;
      readonly dtype: CaseDType;
      readonly inputs: readonly Filed[];
      readonly nodes: readonly ScalarNode[];
      readonly threads: number;
    }
  /** Make the case ready and run it; its results go to files in `folder`. */
  | { readonly ask: 'first'; readonly folder: string }
  /** Run it again and again. */
  | { readonly ask: 'time'; readonly seconds: number; readonly most_seconds: number }
  /** Run it once more; its results go to files in `folder`. */
  | { readonly ask: 'again'; readonly folder: string };

/** The reply to each question. */
export interface Replies {
  readonly prepare: { readonly version: string };
  readonly first: {
    readonly ms: number;
    readonly results: readonly Filed[];
    /** By how much memory grew, inputs included; ours alone tells. */
    readonly peak_bytes?: number | null;
    /** What the plan says of the same. */
    readonly planned_bytes?: number;
  };
  readonly time: {
    /** Milliseconds of one call: the median of samples. */
    readonly ms: number;
    readonly calls: number;
  };
  readonly again: { readonly results: readonly Filed[] };
}

/** Writes a tensor to a file. */
export function toFile(name: string, { type, data }: Tensor, file: string): Filed {
  writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { name, ...type, file };
}

/** Reads a tensor from its file. */
export function fromFile({ dtype, shape, file }: Filed): Tensor {
  const data = allocateArray(dtype, sizeOf(shape));
  // Straight to where it belongs: what is read twice over would be seen in the memory that a case takes.
  const descriptor = openSync(file, 'r');
  const count = readSync(descriptor, data);
  closeSync(descriptor);
  if (count !== data.byteLength) throw new Error(`${file} has ${count} bytes, expected ${data.byteLength}`);
  return { type: { dtype, shape }, data };
}
