/** @file Products of a matrix with the windows over a tensor, in plain loops. */
import type { Routine, Stride, Windows } from '../compile/routine.ts';
import { poll } from '../interrupt.ts';
import { allocateArray, sizeOf, type TypedArray } from '../types.ts';
import { sizesOf } from './contraction.ts';
import { kernelFor, layoutOf, type MatmulOperand } from './matmul-routine.ts';

/** Elements of the windows that are copied at a time, about. */
const BLOCK = 2 ** 16;

/**
 * The routine `conv`: products of matrices `[m, k]` and of windows `[k, n]`, with the sums of `matmul`. Its sizes tell a
 * backend the strides of the matrices.
 */
export function convRoutine(matrices: MatmulOperand, windows: Windows): Routine {
  const left = layoutOf(matrices);
  const m = sizeOf(sizesOf(matrices.type.shape, matrices.groups[1]));
  const [batch, k, n] = [windows.batch, windows.terms, windows.columns].map(countOf) as [number, number, number];
  const multiply = kernelFor(matrices.type);
  const { dtype } = matrices.type;
  return {
    name: 'conv',
    sizes: {
      ...{ batch, m, n, k },
      lhs_batch: left.strides[0],
      lhs_m: left.strides[1],
      lhs_k: left.strides[2],
      strided: left.strided,
    },
    windows,
    flops: 2 * batch * m * n * k,
    run: ([x, y], [out]) => {
      const a = left.read(y as TypedArray);
      const width = Math.min(n, Math.max(1, Math.ceil(BLOCK / Math.max(1, k))));
      const block = allocateArray(dtype, k * width);
      const terms = offsetsOf(windows.terms, k);
      for (let i = 0; i < batch; i++)
        for (let column = 0; column < n; column += width) {
          const columns = Math.min(width, n - column);
          copyWindows(block, x as TypedArray, offsetOf(windows.batch, i), terms, windows.columns, column, columns);
          multiply(
            { data: a, offset: i * left.strides[0], row: left.strides[1], column: left.strides[2] },
            { data: block, offset: 0, row: columns, column: 1 },
            { data: out as TypedArray, offset: i * m * n + column, row: n, column: 1 },
            m,
            columns,
            k,
          );
        }
    },
  };
}

function countOf(axes: readonly Stride[]): number {
  return axes.reduce((count, { size }) => count * size, 1);
}

/** Where the element of a number lies. */
function offsetOf(axes: readonly Stride[], index: number): number {
  let offset = 0;
  for (const { size, step } of [...axes].reverse()) {
    offset += (index % size) * step;
    index = Math.floor(index / size);
  }
  return offset;
}

function offsetsOf(axes: readonly Stride[], count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => offsetOf(axes, i));
}

/** Copies `columns` columns from `first` on, a term after the other. */
function copyWindows(
  block: TypedArray,
  x: TypedArray,
  base: number,
  terms: Float64Array,
  axes: readonly Stride[],
  first: number,
  columns: number,
): void {
  const [to, from] = [block as Float64Array, x as Float64Array];
  const places = Float64Array.from({ length: columns }, (_, j) => base + offsetOf(axes, first + j));
  for (let t = 0, next = 0; t < terms.length; t++) {
    poll(columns);
    const shift = terms[t]!;
    for (let j = 0; j < columns; j++) to[next++] = from[places[j]! + shift]!;
  }
}
