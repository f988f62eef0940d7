/** @file Seeded inputs: the same numbers in every run, on every machine. */
import { allocateArray, type DType, type Shape, sizeOf, type Tensor, type TypedArray } from '../../engine/types.ts';

/** Numbers from a seed. */
export interface Random {
  /** Evenly spread over [low, high). */
  uniform(low: number, high: number): number;
  /** Normal, with mean 0 and deviation 1. */
  normal(): number;
}

/** The generator of a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** A tensor of numbers that `element` gives one after the other. */
export function filled(dtype: DType, shape: Shape, element: (i: number) => number): Tensor {
  const data = allocateArray(dtype, sizeOf(shape)) as Exclude<TypedArray, BigInt64Array>;
  for (let i = 0; i < data.length; i++) data[i] = element(i);
  return { type: { dtype, shape }, data };
}
