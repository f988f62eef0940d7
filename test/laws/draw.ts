/** @file Random elements, the same in every run: seeds come from names. */
import { allocateArray, isFloat, sizeOf, type TensorType, type TypedArray, toElement } from '../../engine/types.ts';

/** The interval that an input is drawn from. */
export type Domain = readonly [number, number];

const DEFAULT_DOMAIN: Domain = [-2, 2];

/** Numbers in [0, 1). */
export type Random = () => number;

/** Random numbers from a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Random numbers of a name's own (FNV-1a). */
export function randomOf(name: string): Random {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return randomFrom(hash);
}

/** Random elements: floats inside the domain and a little off its ends, small integers, bools. */
export function draw({ dtype, shape }: TensorType, random: Random, domain?: Domain): TypedArray {
  const [low, high] = domain ?? DEFAULT_DOMAIN;
  const data = allocateArray(dtype, sizeOf(shape));
  const margin = (high - low) / 200;
  for (let i = 0; i < data.length; i++) {
    const u = random();
    const value = isFloat(dtype)
      ? low + margin + (high - low - 2 * margin) * u
      : dtype === 'bool'
        ? Number(u < 0.5)
        : domain
          ? low + Math.floor((high - low) * u)
          : Math.floor(9 * u) - 4;
    data[i] = toElement(dtype, value);
  }
  return data;
}

const SPECIAL = {
  bool: [0, 1],
  int32: [0, 1, -1, 2, 7, 2 ** 31 - 1, -(2 ** 31), -3],
  int64: [0n, 1n, -1n, 2n, 7n, 2n ** 63n - 1n, -(2n ** 63n), -3n],
  float32: [0, -0, 1, -1, 0.5, -2.5, NaN, Infinity, -Infinity, 3e38, 1e-45, 16777216, -7.25, 1e-20],
  float64: [0, -0, 1, -1, 0.5, -2.5, NaN, Infinity, -Infinity, 1.7e308, 5e-324, 2 ** 53, -7.25, 1e-200],
} as const;

/**
 * Elements at the ends of the dtype: zeros of both signs, the infinities, NaN, the largest and the smallest, but those
 * that are left out.
 */
export function drawSpecial(
  { dtype, shape }: TensorType,
  random: Random,
  isLeftOut?: (x: number) => boolean,
): TypedArray {
  const data = allocateArray(dtype, sizeOf(shape));
  const all: readonly (number | bigint)[] = SPECIAL[dtype];
  const values = isLeftOut ? all.filter((x) => !isLeftOut(Number(x))) : all;
  for (let i = 0; i < data.length; i++)
    data[i] = toElement(dtype, values[Math.floor(random() * values.length)] as number | bigint);
  return data;
}

/** A fold over the largest and the smallest overflows, underflows or cancels in one order and not in another. */
export function isExtreme(x: number): boolean {
  return Number.isFinite(x) && x !== 0 && Math.abs(Math.log2(Math.abs(x))) > 4;
}

/** Numbers so small that a gpu may take them for zeros. */
export function isSubnormal(x: number): boolean {
  return x !== 0 && Math.abs(x) < 2 ** -126;
}
