/** @file Batched matrix products of strided operands, in plain loops. */
import type { Routine } from '../compile/routine.ts';
import { poll } from '../interrupt.ts';
import { type Shape, stridesOf, type TensorType, type TypedArray } from '../types.ts';
import { groupStrides } from './contraction.ts';

/** How many matrices, and their sizes: `[m, k] @ [k, n]`. */
export interface MatmulSizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** An operand, and which of its axes make up the batch, the rows and the columns. */
export interface MatmulOperand {
  readonly type: TensorType;
  readonly groups: readonly [readonly number[], readonly number[], readonly number[]];
}

/**
 * The routine `matmul`: floats are accumulated in float64 and rounded once, integers wrap around. Its sizes tell a
 * backend the strides of both operands, in elements; where `strided` is false an operand has no such strides, and they
 * are those of a copy.
 */
export function matmulRoutine(sizes: MatmulSizes, lhs: MatmulOperand, rhs: MatmulOperand): Routine {
  const { batch, m, n, k } = sizes;
  const left = layoutOf(lhs);
  const right = layoutOf(rhs);
  const multiply = kernelFor(lhs.type);
  return {
    name: 'matmul',
    sizes: {
      ...sizes,
      lhs_batch: left.strides[0],
      lhs_m: left.strides[1],
      lhs_k: left.strides[2],
      rhs_batch: right.strides[0],
      rhs_k: right.strides[1],
      rhs_n: right.strides[2],
      strided: left.strided && right.strided,
    },
    flops: 2 * batch * m * n * k,
    run: ([x, y], [out]) => {
      const a = left.read(x as TypedArray);
      const c = right.read(y as TypedArray);
      for (let i = 0; i < batch; i++)
        multiply(
          { data: a, offset: i * left.strides[0], row: left.strides[1], column: left.strides[2] },
          { data: c, offset: i * right.strides[0], row: right.strides[1], column: right.strides[2] },
          { data: out as TypedArray, offset: i * m * n, row: n, column: 1 },
          m,
          n,
          k,
        );
    },
  };
}

/** A matrix in storage. */
export interface Matrix<A = TypedArray> {
  readonly data: A;
  readonly offset: number;
  readonly row: number;
  readonly column: number;
}

/** Writes the product of two matrices. */
export type Kernel<A> = (a: Matrix<A>, b: Matrix<A>, out: Matrix<A>, m: number, n: number, k: number) => void;

interface Layout {
  readonly strides: readonly [number, number, number];
  readonly strided: boolean;
  /** The storage that the strides are of. */
  read(data: TypedArray): TypedArray;
}

/** How the matrices of an operand lie. */
export function layoutOf({ type: { shape }, groups }: MatmulOperand): Layout {
  const strides = groupStrides(shape, groups);
  if (strides) return { strides, strided: true, read: (data) => data };
  const [, rows, columns] = groups.map((axes) => axes.reduce((size, axis) => size * shape[axis]!, 1));
  const order = groups.flat();
  return { strides: [rows! * columns!, columns!, 1], strided: false, read: (data) => permuted(data, shape, order) };
}

/** Elements that are moved between two polls. */
const PIECE = 2 ** 16;

function permuted(data: TypedArray, shape: Shape, order: readonly number[]): TypedArray {
  const copy = data.slice() as Float64Array;
  const strides = stridesOf(shape);
  const counters = order.map(() => 0);
  let from = 0;
  for (let to = 0; to < copy.length; to++) {
    if (to % PIECE === 0) poll(PIECE);
    copy[to] = data[from] as number;
    for (let place = order.length - 1; place >= 0; place--) {
      const axis = order[place]!;
      from += strides[axis]!;
      if (++counters[place]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      counters[place] = 0;
    }
  }
  return copy;
}

/** The product of matrices of a dtype. */
export function kernelFor({ dtype }: TensorType): Kernel<TypedArray> {
  switch (dtype) {
    case 'float32':
    case 'float64':
      return multiplyFloats as Kernel<Float64Array> as Kernel<TypedArray>;
    case 'int64':
      return multiplyBigints as Kernel<TypedArray>;
    case 'int32':
    case 'bool':
      return multiplyInts as Kernel<TypedArray>;
    default:
      return dtype satisfies never;
  }
}

/** Rows and columns of the tile that is kept in registers. */
const TILE = 4;

function multiplyFloats(
  a: Matrix<Float64Array>,
  b: Matrix<Float64Array>,
  out: Matrix<Float64Array>,
  m: number,
  n: number,
  k: number,
): void {
  if (m >= TILE && n >= TILE && k >= TILE) multiplyTiles(a, b, out, m, n, k);
  else if (a.column === 1 && b.row === 1) multiplyDots(a, b, out, m, n, k);
  else if (b.column === 1) multiplyRows(a, b, out, m, n, k);
  // The same for the transposed product.
  else if (a.row === 1) multiplyRows(flipped(b), flipped(a), flipped(out), n, m, k);
  else multiplyDots(a, b, out, m, n, k);
}

function flipped<A>({ data, offset, row, column }: Matrix<A>): Matrix<A> {
  return { data, offset, row: column, column: row };
}

/** Each element is a dot product: for operands that lie along the sum. */
function multiplyDots(
  a: Matrix<Float64Array>,
  b: Matrix<Float64Array>,
  out: Matrix<Float64Array>,
  m: number,
  n: number,
  k: number,
): void {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      poll(k);
      let total = 0;
      let p = a.offset + i * a.row;
      let q = b.offset + j * b.column;
      for (let t = 0; t < k; t++, p += a.column, q += b.row) total += a.data[p]! * b.data[q]!;
      out.data[out.offset + i * out.row + j * out.column] = total;
    }
}

/** Each row is a sum of rows of `b`. */
function multiplyRows(
  a: Matrix<Float64Array>,
  b: Matrix<Float64Array>,
  out: Matrix<Float64Array>,
  m: number,
  n: number,
  k: number,
): void {
  const totals = new Float64Array(n);
  const { data: x, column: step } = a;
  const { data: y, row: width } = b;
  for (let i = 0; i < m; i++) {
    poll(n * k);
    totals.fill(0);
    let p = a.offset + i * a.row;
    let q = b.offset;
    let t = 0;
    // Four rows at once, so that the totals are read and written a quarter as often.
    for (; t + 3 < k; t += 4, p += 4 * step, q += 4 * width) {
      const f0 = x[p]!;
      const f1 = x[p + step]!;
      const f2 = x[p + 2 * step]!;
      const f3 = x[p + 3 * step]!;
      for (let j = 0; j < n; j++)
        totals[j] =
          totals[j]! +
          f0 * y[q + j]! +
          f1 * y[q + width + j]! +
          f2 * y[q + 2 * width + j]! +
          f3 * y[q + 3 * width + j]!;
    }
    for (; t < k; t++, p += step, q += width) {
      const factor = x[p]!;
      for (let j = 0; j < n; j++) totals[j] = totals[j]! + factor * y[q + j]!;
    }
    for (let j = 0; j < n; j++) out.data[out.offset + i * out.row + j * out.column] = totals[j]!;
  }
}

/** Copies both operands to panels that are read in order, and sums each tile of the result in registers. */
function multiplyTiles(
  a: Matrix<Float64Array>,
  b: Matrix<Float64Array>,
  out: Matrix<Float64Array>,
  m: number,
  n: number,
  k: number,
): void {
  const columns = Math.ceil(n / TILE);
  const panels = new Float64Array(columns * TILE * k);
  for (let j = 0; j < columns; j++) {
    poll(TILE * k);
    fillPanel(panels.subarray(j * TILE * k, (j + 1) * TILE * k), flipped(b), j * TILE, n, k);
  }
  const rows = new Float64Array(TILE * k);
  const tile = new Float64Array(TILE * TILE);
  for (let i = 0; i < m; i += TILE) {
    fillPanel(rows, a, i, m, k);
    const height = Math.min(TILE, m - i);
    for (let j = 0; j < n; j += TILE) {
      poll(TILE * TILE * k);
      sumTile(tile, rows, panels, j * k, k);
      const width = Math.min(TILE, n - j);
      for (let r = 0; r < height; r++)
        for (let c = 0; c < width; c++)
          out.data[out.offset + (i + r) * out.row + (j + c) * out.column] = tile[r * TILE + c]!;
    }
  }
}

/** `TILE` rows from row `first` on, side by side; zeros beyond the last. */
function fillPanel(panel: Float64Array, x: Matrix<Float64Array>, first: number, rows: number, k: number): void {
  for (let r = 0; r < TILE; r++) {
    const start = x.offset + (first + r) * x.row;
    const present = first + r < rows;
    for (let t = 0; t < k; t++) panel[t * TILE + r] = present ? x.data[start + t * x.column]! : 0;
  }
}

function sumTile(tile: Float64Array, rows: Float64Array, panels: Float64Array, start: number, k: number): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c23 = 0;
  let c30 = 0;
  let c31 = 0;
  let c32 = 0;
  let c33 = 0;
  for (let p = 0, q = start, end = k * TILE; p < end; p += TILE, q += TILE) {
    const a0 = rows[p]!;
    const a1 = rows[p + 1]!;
    const a2 = rows[p + 2]!;
    const a3 = rows[p + 3]!;
    const b0 = panels[q]!;
    const b1 = panels[q + 1]!;
    const b2 = panels[q + 2]!;
    const b3 = panels[q + 3]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
  }
  tile[0] = c00;
  tile[1] = c01;
  tile[2] = c02;
  tile[3] = c03;
  tile[4] = c10;
  tile[5] = c11;
  tile[6] = c12;
  tile[7] = c13;
  tile[8] = c20;
  tile[9] = c21;
  tile[10] = c22;
  tile[11] = c23;
  tile[12] = c30;
  tile[13] = c31;
  tile[14] = c32;
  tile[15] = c33;
}

function multiplyInts(
  a: Matrix<Int32Array>,
  b: Matrix<Int32Array>,
  out: Matrix<Int32Array>,
  m: number,
  n: number,
  k: number,
): void {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      poll(k);
      let total = 0;
      let p = a.offset + i * a.row;
      let q = b.offset + j * b.column;
      for (let t = 0; t < k; t++, p += a.column, q += b.row) total = (total + Math.imul(a.data[p]!, b.data[q]!)) | 0;
      out.data[out.offset + i * out.row + j * out.column] = total;
    }
}

function multiplyBigints(
  a: Matrix<BigInt64Array>,
  b: Matrix<BigInt64Array>,
  out: Matrix<BigInt64Array>,
  m: number,
  n: number,
  k: number,
): void {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      poll(64 * k);
      let total = 0n;
      let p = a.offset + i * a.row;
      let q = b.offset + j * b.column;
      for (let t = 0; t < k; t++, p += a.column, q += b.row) total += a.data[p]! * b.data[q]!;
      // Storing keeps the low 64 bits.
      out.data[out.offset + i * out.row + j * out.column] = total;
    }
}
