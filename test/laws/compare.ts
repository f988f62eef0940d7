/** @file Whether two results are the same: to the bit, or within a tolerance; what differs is said in full. */
import { type DType, formatType, isFloat, sameType, type Tensor, type TypedArray } from '../../engine/types.ts';

/** The largest error by dtype, relative to the element or to 1 if that is larger; integers and bools are always exact. */
export interface Tolerance {
  readonly float32: number;
  readonly float64: number;
}

/** The same bits; NaN is NaN. */
export const EXACT: Tolerance = { float32: 0, float64: 0 };

/** The same mathematics with roundings in other places. */
export const ROUNDED: Tolerance = { float32: 1e-5, float64: 1e-12 };

let least: Tolerance = EXACT;

/** Runs `body` with at least this tolerance everywhere: for backends that round each time as they like. */
export function loosened(tolerance: Tolerance, body: () => void): void {
  least = tolerance;
  try {
    body();
  } finally {
    least = EXACT;
  }
}

/** Throws unless the tensors are the same, types included. */
export function expectSame(
  actual: readonly Tensor[],
  expected: readonly Tensor[],
  wanted: Tolerance,
  what: string,
): void {
  const tolerance =
    least === EXACT
      ? wanted
      : {
          float32: Math.max(wanted.float32, least.float32),
          float64: Math.max(wanted.float64, least.float64),
        };
  if (actual.length !== expected.length)
    throw new Error(`${what}: ${actual.length} tensors, expected ${expected.length}`);
  actual.forEach((tensor, i) => expectSameTensor(tensor, expected[i] as Tensor, tolerance, `${what}, output ${i}`));
}

function expectSameTensor(actual: Tensor, expected: Tensor, tolerance: Tolerance, what: string): void {
  if (!sameType(actual.type, expected.type))
    throw new Error(`${what}: is ${formatType(actual.type)}, expected ${formatType(expected.type)}`);
  if (actual.data.length !== expected.data.length)
    throw new Error(`${what}: has ${actual.data.length} elements, expected ${expected.data.length}`);
  const { dtype } = expected.type;
  const scale = tolerance === EXACT ? 0 : Math.max(1, largest(expected.data));
  for (let i = 0; i < expected.data.length; i++) {
    const [a, e] = [actual.data[i], expected.data[i]] as [number, number];
    if (!sameElement(a, e, dtype, tolerance, scale))
      throw new Error(
        `${what}: element ${i} of ${formatType(expected.type)} is ${a}, expected ${e}\n` +
          `  is       [${head(actual.data)}]\n  expected [${head(expected.data)}]`,
      );
  }
}

function sameElement(a: number, e: number, dtype: DType, tolerance: Tolerance, scale: number): boolean {
  if (Object.is(a, e)) return true;
  const allowed = isFloat(dtype) ? tolerance[dtype] : 0;
  if (allowed === 0) return false;
  return a === e || Math.abs(a - e) <= allowed * scale;
}

/** The largest finite magnitude: sums of large terms that cancel are as exact as the terms. */
function largest(data: TypedArray): number {
  let most = 0;
  for (const element of data) {
    const magnitude = Math.abs(Number(element));
    if (magnitude > most && magnitude < Infinity) most = magnitude;
  }
  return most;
}

function head(data: TypedArray): string {
  const shown = Array.from(data.slice(0, 12) as Float64Array, String).join(', ');
  return data.length > 12 ? `${shown}, …` : shown;
}
