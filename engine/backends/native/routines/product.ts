/** @file What the functions of one matrix product share: its plan, its scratch memory, and where its parts lie. */
import type { Windows } from '../../../compile/routine.ts';
import type { Body, Module } from '../ir.ts';
import type { Target } from '../target.ts';
import { addFunction, bytesOf, Integers } from './code.ts';
import type { Grid, MatmulSizes, Plan, TileKernel } from './matmul-plan.ts';

/** A product whose functions are being written. */
export interface Product {
  readonly plan: Plan;
  /** How the right operand is read, where that is no matrix with strides. */
  readonly windows: Windows | undefined;
  /** Bytes of an element. */
  readonly bytes: number;
  readonly scratch: Scratch;
  readonly module: Module;
  /** What the names of its functions begin with. */
  readonly name: string;
  readonly target: Target;
}

/** Where the parts of the scratch memory begin, in bytes, and its size. */
export interface Scratch {
  readonly right: number;
  readonly left: number;
  readonly partial: number;
  readonly size: number;
}

/** A product by its plan. */
export function productOf(
  plan: Plan,
  module: Module,
  name: string,
  target: Target,
  windows: Windows | undefined,
): Product {
  return { plan, windows, bytes: bytesOf(plan.element), scratch: layScratch(plan), module, name, target };
}

function layScratch({ sizes, grid, kernel, element }: Plan): Scratch {
  const { batch, m, n, k } = sizes;
  const lines = (size: number): number => Math.ceil((size * bytesOf(element)) / 64) * 64;
  // Parts that are done one after the other use the same memory.
  const units = Math.ceil(partsOf(sizes, grid) / grid.group);
  const [right, left] =
    kernel.kind === 'dots'
      ? [0, 0]
      : [
          kernel.packRight === 'part'
            ? units * lines(rightBlock(grid, kernel))
            : lines(packedPanels(sizes, kernel) * rightMatrices(sizes) * k * kernel.width),
          kernel.packLeft ? units * leftBlock(sizes, grid, kernel, element).bytes : 0,
        ];
  const partial = grid.chunks > 1 ? lines(grid.chunks * batch * m * n) : 0;
  return { right: 0, left: right, partial: right + left, size: right + left + partial };
}

/** Elements of the panels that a part copies. */
export function rightBlock({ blockColumns }: Grid, { kBlock, width }: TileKernel): number {
  return Math.ceil(blockColumns / width) * kBlock * width;
}

/** How many parts the output has, those of every chunk counted. */
export function partsOf({ batch }: MatmulSizes, { chunks, rowBlocks, columnBlocks }: Grid): number {
  return chunks * batch * rowBlocks * columnBlocks;
}

/** How many different right operands there are. */
export function rightMatrices({ batch, rhs_batch }: MatmulSizes): number {
  return rhs_batch === 0 ? 1 : batch;
}

/** How many panels of each right operand are copied before all else: the last ones. */
export function packedPanels({ n }: MatmulSizes, { packRight, width }: TileKernel): number {
  return { none: 0, part: 0, edge: 1, all: Math.ceil(n / width) }[packRight];
}

/** How a block of the left operand lies once it is copied: strides in elements, and its size. */
export function leftBlock(
  { lhs_k }: MatmulSizes,
  { blockRows }: Grid,
  { kBlock }: TileKernel,
  element: Plan['element'],
): { readonly aRow: number; readonly aStep: number; readonly bytes: number } {
  const line = 64 / bytesOf(element);
  // An odd number of cache lines, so that the rows of a tile do not all lie in one set of the cache.
  const stride = (2 * Math.ceil((lhs_k === 1 ? kBlock : blockRows) / (2 * line)) + 1) * line;
  const bytes = stride * (lhs_k === 1 ? blockRows : kBlock) * bytesOf(element);
  return lhs_k === 1 ? { aRow: stride, aStep: 1, bytes } : { aRow: 1, aStep: stride, bytes };
}

/** Adds the function of a phase of a routine with two inputs and one output. */
export function addPhase(module: Module, name: string, write: (body: Body) => void): void {
  const params = ['ptr %x', 'ptr %y', 'ptr %out', 'ptr %scratch', 'i64 %begin', 'i64 %end'];
  addFunction(module, name, params, write, '');
}

/** The operands as the plan sees them. */
export function operandsOf({ flipped }: Plan): readonly [left: string, right: string] {
  return flipped ? ['%y', '%x'] : ['%x', '%y'];
}

/** The address of an element: indices along some axes, and the strides of these. */
export function elementAt(
  integers: Integers,
  pointer: string,
  bytes: number,
  ...steps: readonly (readonly [index: string | number, stride: number])[]
): string {
  return steps.reduce((at, [index, stride]) => integers.at(at, integers.mul(index, stride * bytes)), pointer);
}

/** The columns of a panel that begins at a column, an `i32`. */
export function columnsFrom(body: Body, column: string, n: number, width: number): string | number {
  if (n <= width || n % width === 0) return Math.min(n, width);
  const integers = new Integers(body);
  return integers.narrow(integers.min(integers.sub(n, column), width));
}

/** A part of the output, and the terms that are summed for it. */
export interface Part {
  /** Its number. */
  readonly index: string;
  readonly matrix: string;
  readonly row: string;
  readonly rows: string;
  readonly column: string;
  readonly columns: string;
  readonly term: string;
  readonly terms: string;
  /** The address of its first element. */
  readonly c: string;
}

/** The part of a number: columns run fastest, then rows, matrices and chunks. */
export function partOf(integers: Integers, index: string, { plan, bytes, scratch }: Product): Part {
  const { batch, m, n, k } = plan.sizes;
  const { chunks, chunkTerms, rowBlocks, blockRows, columnBlocks, blockColumns } = plan.grid;
  const [columnBlock, above] = integers.divide(index, columnBlocks);
  const [rowBlock, plane] = integers.divide(above, rowBlocks);
  const [matrix, chunk] = chunks === 1 ? [plane, '0'] : integers.divide(plane, batch);
  const column = integers.mul(columnBlock, blockColumns);
  const row = integers.mul(rowBlock, blockRows);
  const term = integers.mul(chunk, chunkTerms);
  const partial = integers.add(integers.mul(chunk, batch * m * n * bytes), scratch.partial);
  const output = chunks === 1 ? '%out' : integers.at('%scratch', partial);
  return {
    index,
    matrix,
    row,
    rows: rowBlocks === 1 ? String(m) : integers.min(integers.sub(m, row), blockRows),
    column,
    columns: columnBlocks === 1 ? String(n) : integers.min(integers.sub(n, column), blockColumns),
    term,
    terms: chunks === 1 ? String(k) : integers.min(integers.sub(k, term), chunkTerms),
    c: elementAt(integers, output, bytes, [matrix, m * n], [row, n], [column, 1]),
  };
}

/** Writes what computes a part. */
export type WritePart = (body: Body, part: Part) => void;
