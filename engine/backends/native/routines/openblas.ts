/** @file Matrix products by OpenBLAS: one call a unit, single-threaded, under the names of its C interface. */
import { sizeOf, type TensorType } from '../../../types.ts';
import type { Body, Module } from '../ir.ts';
import type { NativeRoutine, RoutineRenderer } from '../routine.ts';
import type { Target } from '../target.ts';
import { bytesOf, ELEMENTS, Integers, loop } from './code.ts';
import { matmulSizes } from './matmul.ts';
import { type MatmulSizes, withUnitStrides } from './matmul-plan.ts';
import { addPhase, elementAt } from './product.ts';

/** The functions of OpenBLAS that are called. */
export const BLAS_FUNCTIONS = ['cblas_sgemm', 'cblas_dgemm', 'cblas_sgemv', 'cblas_dgemv'] as const;

/** `CblasRowMajor`, `CblasNoTrans` and `CblasTrans`. */
const [ROW_MAJOR, AS_IS, TRANSPOSED] = [101, 111, 112] as const;

/** OpenBLAS counts in 32 bits. */
const LARGEST = 2 ** 31 - 1;

/**
 * Whether OpenBLAS is the better choice for a product. Where it was measured, with its kernels for AVX-512, AVX2 and
 * SSE against our code for the same registers, it is not: docs/adr/0008-matrix-products.md has the figures. ARM was not
 * measured.
 */
export function preferBlas({ m, n, k }: MatmulSizes, { vectorBits, fma }: Target): boolean {
  return vectorBits === 128 && fma && Math.min(m, n, k) >= BLOCK;
}

/** `matmul` of floats by OpenBLAS, for sizes other than 0. */
export const openblasMatmul: RoutineRenderer = (routine, { outputs }, module, name) => {
  const output = outputs[0]!;
  const element = ELEMENTS[output.dtype];
  const sizes = withUnitStrides(matmulSizes(routine));
  const { m, n, k } = sizes;
  if ((element !== 'float' && element !== 'double') || !routine.sizes.strided) return undefined;
  if (sizeOf(output.shape) === 0 || k === 0 || Math.max(m * k, k * n, m * n) > LARGEST) return undefined;
  const product = {
    sizes,
    element,
    bytes: bytesOf(element),
    prefix: element === 'float' ? 'cblas_s' : 'cblas_d',
  } as const;
  return m === 1 || n === 1 ? renderVector(product, module, name) : renderMatrix(product, output, module, name);
};

/** Rows or columns that a call has at least. */
const BLOCK = 64;

/** About sixteen blocks, none small. */
function blockOf(size: number): number {
  return Math.min(size, Math.max(BLOCK, Math.ceil(size / 16 / 16) * 16));
}

/** A product that is being written. */
interface Product {
  readonly sizes: MatmulSizes;
  readonly element: 'float' | 'double';
  readonly bytes: number;
  readonly prefix: 'cblas_s' | 'cblas_d';
}

/** Matrices: units are blocks of rows or of columns. */
function renderMatrix(product: Product, output: TensorType, module: Module, name: string): NativeRoutine {
  const { batch, m, n, k } = product.sizes;
  // Every call copies the whole other operand: blocks are few and high, of columns where rows are few.
  const [rowBlock, columnBlock] = m < n && m < 4 * BLOCK ? [m, blockOf(n)] : [blockOf(m), n];
  const [rowBlocks, columnBlocks] = [Math.ceil(m / rowBlock), Math.ceil(n / columnBlock)];
  addPhase(module, `${name}_multiply`, (body) => {
    const integers = new Integers(body);
    loop(body, '%begin', '%end', 1, (unit) => {
      const [columnAt, above] = integers.divide(unit, columnBlocks);
      const [rowAt, matrix] = integers.divide(above, rowBlocks);
      const [row, column] = [integers.mul(rowAt, rowBlock), integers.mul(columnAt, columnBlock)];
      const rows = integers.min(integers.sub(m, row), rowBlock);
      const columns = integers.min(integers.sub(n, column), columnBlock);
      callGemm(body, product, { matrix, row, rows, column, columns });
    });
  });
  const isSplit = rowBlocks > 1 && batch > 1 && m % rowBlock > 0;
  const rows = (rowBlock * n) / (output.shape.at(-1) ?? 1);
  const phase = { name: `${name}_multiply`, units: batch * rowBlocks * columnBlocks, flops: 2 * batch * m * n * k };
  const isRows = columnBlocks === 1 && !isSplit && Number.isInteger(rows);
  return { scratchBytes: 0, phases: [isRows ? { ...phase, rows } : phase] };
}

interface Block {
  readonly matrix: string;
  readonly row: string;
  readonly rows: string;
  readonly column: string;
  readonly columns: string;
}

/** Whether a matrix is stored by columns, and the elements from one row or column to the next. */
function layout(row: number, column: number, columns: number, rows: number): readonly [order: number, leading: number] {
  return column === 1 ? [AS_IS, rows === 1 ? columns : row] : [TRANSPOSED, columns === 1 ? rows : column];
}

function callGemm(
  body: Body,
  { sizes, element, bytes, prefix }: Product,
  { matrix, row, rows, column, columns }: Block,
): void {
  const { m, n, k, lhs_batch, lhs_m, lhs_k, rhs_batch, rhs_k, rhs_n } = sizes;
  const integers = new Integers(body);
  const a = elementAt(integers, '%x', bytes, [matrix, lhs_batch], [row, lhs_m]);
  const b = elementAt(integers, '%y', bytes, [matrix, rhs_batch], [column, rhs_n]);
  const c = elementAt(integers, '%out', bytes, [matrix, m * n], [row, n], [column, 1]);
  const [leftOrder, leftStride] = layout(lhs_m, lhs_k, k, m);
  const [rightOrder, rightStride] = layout(rhs_k, rhs_n, n, k);
  const function_ = `@${prefix}gemm`;
  body.module.declare(
    `void ${function_}(i32, i32, i32, i32, i32, i32, ${element}, ptr, i32, ptr, i32, ${element}, ptr, i32)`,
  );
  const shape = `i32 ${integers.narrow(rows)}, i32 ${integers.narrow(columns)}, i32 ${k}`;
  body.line(
    `call void ${function_}(i32 ${ROW_MAJOR}, i32 ${leftOrder}, i32 ${rightOrder}, ${shape}, ${element} 1.0, ptr ${a}, i32 ${leftStride}, ptr ${b}, i32 ${rightStride}, ${element} 0.0, ptr ${c}, i32 ${n})`,
  );
}

/** A matrix and a vector: units are blocks of the result. */
function renderVector({ sizes, element, bytes, prefix }: Product, module: Module, name: string): NativeRoutine {
  const { batch, m, n, k } = sizes;
  const isRight = n === 1;
  const size = isRight ? m : n;
  // The matrix as one row for each element of the result.
  const matrix = isRight
    ? { pointer: '%x', batch: sizes.lhs_batch, row: sizes.lhs_m, column: sizes.lhs_k }
    : { pointer: '%y', batch: sizes.rhs_batch, row: sizes.rhs_n, column: sizes.rhs_k };
  const vector = isRight
    ? { pointer: '%y', batch: sizes.rhs_batch, step: sizes.rhs_k }
    : { pointer: '%x', batch: sizes.lhs_batch, step: sizes.lhs_k };
  const block = blockOf(size);
  const blocks = Math.ceil(size / block);
  const [order, leading] = layout(matrix.row, matrix.column, k, size);
  const function_ = `@${prefix}gemv`;
  module.declare(`void ${function_}(i32, i32, i32, i32, ${element}, ptr, i32, ptr, i32, ${element}, ptr, i32)`);
  addPhase(module, `${name}_multiply`, (body) => {
    const integers = new Integers(body);
    loop(body, '%begin', '%end', 1, (unit) => {
      const [at, index] = integers.divide(unit, blocks);
      const first = integers.mul(at, block);
      const count = integers.narrow(blocks === 1 ? String(size) : integers.min(integers.sub(size, first), block));
      const a = elementAt(integers, matrix.pointer, bytes, [index, matrix.batch], [first, matrix.row]);
      const x = elementAt(integers, vector.pointer, bytes, [index, vector.batch]);
      const y = elementAt(integers, '%out', bytes, [index, size], [first, 1]);
      // The shape is that of what is stored: of the transposed matrix where it lies by columns.
      const shape = order === AS_IS ? `i32 ${count}, i32 ${k}` : `i32 ${k}, i32 ${count}`;
      body.line(
        `call void ${function_}(i32 ${ROW_MAJOR}, i32 ${order}, ${shape}, ${element} 1.0, ptr ${a}, i32 ${leading}, ptr ${x}, i32 ${vector.step}, ${element} 0.0, ptr ${y}, i32 1)`,
      );
    });
  });
  return {
    scratchBytes: 0,
    phases: [{ name: `${name}_multiply`, units: batch * blocks, flops: 2 * batch * m * n * k }],
  };
}
