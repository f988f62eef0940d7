/** @file How a matrix product is cut up: the tile in registers, what is copied first, and which parts are units. */
import { commonDivisor } from '../../../divisor.ts';
import { BITS, type Element } from '../ir.ts';
import { PAGE, type Target } from '../target.ts';
import { bytesOf } from './code.ts';

/** The sizes of routine `matmul`: `[m, k] @ [k, n]`, strides in elements. */
export interface MatmulSizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lhs_batch: number;
  readonly lhs_m: number;
  readonly lhs_k: number;
  readonly rhs_batch: number;
  readonly rhs_k: number;
  readonly rhs_n: number;
}

/** How a product is computed. Depends on the sizes and the processor alone, and so does the order of every sum. */
export interface Plan {
  readonly sizes: MatmulSizes;
  readonly element: Element;
  /** Whether left and right were exchanged, so that a column of the output is a row. */
  readonly flipped: boolean;
  readonly grid: Grid;
  readonly kernel: TileKernel | DotKernel;
}

/** Parts that are computed independently of one another. */
export interface Grid {
  /** The sums are cut into chunks of `chunkTerms` terms, whose results are added at the end. */
  readonly chunks: number;
  readonly chunkTerms: number;
  readonly rowBlocks: number;
  readonly blockRows: number;
  readonly columnBlocks: number;
  readonly blockColumns: number;
  /** Parts of one unit. */
  readonly group: number;
}

/** Tiles whose columns are lanes, and whose left operand is broadcast. */
export interface TileKernel {
  readonly kind: 'tile';
  readonly height: number;
  /** The width in registers, and in columns. */
  readonly vectors: number;
  readonly width: number;
  /** Terms that are summed before the tile is stored. */
  readonly kBlock: number;
  readonly packLeft: boolean;
  /** Which panels of the right operand are copied first, `edge` the last one with fewer columns; or by `part`. */
  readonly packRight: 'none' | 'edge' | 'all' | 'part';
}

/** Tiles whose lanes are terms. */
export interface DotKernel {
  readonly kind: 'dots';
  readonly rows: number;
  readonly columns: number;
}

/** Units a large product has at least, where it can. */
const UNITS = 32;
/** Multiplications that are not worth dividing. */
const UNIT_PRODUCTS = 1 << 17;

/** The plan for a product without empty axes. */
export function planMatmul(given: MatmulSizes, element: Element, target: Target): Plan {
  const flipped = given.n === 1 && given.m > 1;
  const sizes = withUnitStrides(flipped ? flip(given) : given);
  if (isDots(sizes)) {
    const kernel = dotKernel(sizes, target);
    const grid = gridOf(sizes, element, { height: kernel.rows, width: kernel.columns, byColumns: true }, target);
    return { sizes, element, flipped, grid, kernel };
  }
  const { height, vectors } = tileShape(sizes, element, target);
  const width = (vectors * target.vectorBits) / BITS[element];
  const byColumns = isByColumns(sizes);
  const grid = gridOf(sizes, element, { height, width, byColumns }, target);
  const kernel = tileKernel(sizes, element, grid, { height, vectors, width }, target);
  return { sizes, element, flipped, grid, kernel };
}

/** Terms of the windows that are copied at a time. */
const WINDOW_TERMS = 256;

/** The plan for a product whose right operand is read window by window: parts are blocks of columns that they copy. */
export function planConv(sizes: MatmulSizes, element: Element, target: Target): Plan {
  const { batch, m, n, k } = sizes;
  const { height, vectors } = tileShape(sizes, element, target);
  const width = (vectors * target.vectorBits) / BITS[element];
  const chunks = chunksOf(sizes, element, Math.ceil(n / width), target);
  const chunkTerms = Math.ceil(k / chunks);
  const kBlock = Math.min(chunkTerms, WINDOW_TERMS);
  // What is copied takes a quarter of the second-level cache.
  const most = Math.floor(target.caches[1] / (4 * kBlock * bytesOf(element)));
  const wanted = Math.max(1, Math.ceil(UNITS / (batch * chunks)));
  const [columnBlocks, blockColumns] = blocks(n, width, wanted, [width, Math.max(width, most)]);
  const parts = Math.ceil(k / chunkTerms) * batch * columnBlocks;
  const group = Math.max(
    Math.floor(parts / (2 * UNITS)),
    Math.min(parts, Math.floor(UNIT_PRODUCTS / (m * blockColumns * chunkTerms))),
    1,
  );
  return {
    sizes,
    element,
    flipped: true,
    grid: {
      chunks: Math.ceil(k / chunkTerms),
      chunkTerms,
      rowBlocks: 1,
      blockRows: m,
      columnBlocks,
      blockColumns,
      group,
    },
    kernel: {
      kind: 'tile',
      height,
      vectors,
      width,
      kBlock,
      packLeft: sizes.lhs_k !== 1 && m > height,
      packRight: 'part',
    },
  };
}

/** The transposed product: `(a b)ᵀ = bᵀ aᵀ`. */
function flip(x: MatmulSizes): MatmulSizes {
  return {
    batch: x.batch,
    m: x.n,
    n: x.m,
    k: x.k,
    lhs_batch: x.rhs_batch,
    lhs_m: x.rhs_n,
    lhs_k: x.rhs_k,
    rhs_batch: x.lhs_batch,
    rhs_k: x.lhs_k,
    rhs_n: x.lhs_m,
  };
}

/** Along an axis of size 1 any stride will do, so it is 1. */
export function withUnitStrides(x: MatmulSizes): MatmulSizes {
  return {
    ...x,
    lhs_m: x.m === 1 ? 1 : x.lhs_m,
    lhs_k: x.k === 1 ? 1 : x.lhs_k,
    rhs_k: x.k === 1 ? 1 : x.rhs_k,
    rhs_n: x.n === 1 ? 1 : x.rhs_n,
  };
}

/** Rows up to which transposing the right operand costs more than it saves. */
const DOT_ROWS = 24;

function isDots({ m, n, lhs_k, rhs_k, rhs_n }: MatmulSizes): boolean {
  return rhs_k === 1 && (rhs_n !== 1 || n === 1) && lhs_k === 1 && m <= DOT_ROWS;
}

function dotKernel({ m, n }: MatmulSizes, { registers }: Target): DotKernel {
  const most = registers >= 32 ? 4 : 3;
  const rows = Math.ceil(m / Math.ceil(m / most));
  // Sums, the rows of the left operand and a column of the right one stay in registers.
  const widest = Math.min(8, n, Math.floor((registers - 2 - rows) / rows));
  const widths = Array.from({ length: Math.ceil(widest / 2) }, (_, i) => widest - i);
  const columns = widths.find((width) => n % width === 0) ?? widest;
  return { kind: 'dots', rows, columns };
}

type TileForm = Pick<TileKernel, 'height' | 'vectors' | 'width'>;

function tileKernel(sizes: MatmulSizes, element: Element, grid: Grid, form: TileForm, target: Target): TileKernel {
  const packLeft = isLeftPacked(sizes, element, grid, form, target);
  const packRight = packedPanels(sizes, element, grid, form, target);
  const most = isStreamed(sizes, element, form.height, target) ? 16 : mostTerms(sizes, packLeft, packRight);
  return { kind: 'tile', ...form, kBlock: Math.min(sizes.k, most), packLeft, packRight };
}

/** Whether a right operand with long rows comes from far away, and all that it is used for is one row of tiles. */
function isStreamed(sizes: MatmulSizes, element: Element, height: number, target: Target): boolean {
  return sizes.m <= height && sizes.rhs_n === 1 && isLarge(sizes, element, target);
}

/** Terms that are summed before a tile is stored: what is copied for them stays in the second-level cache. */
function mostTerms({ lhs_k }: MatmulSizes, packLeft: boolean, packRight: TileKernel['packRight']): number {
  if (packRight === 'part') return 256;
  return packLeft && lhs_k !== 1 ? 512 : 1024;
}

/**
 * Whether the left operand is copied block by block: where the rows of a tile would lie in few sets of the cache, or
 * every term on another page.
 */
function isLeftPacked(
  sizes: MatmulSizes,
  element: Element,
  { rowBlocks }: Grid,
  { height, width }: TileForm,
  target: Target,
): boolean {
  const { m, n, lhs_m, lhs_k } = sizes;
  if (n < 4 * width || m < 4 * height || rowBlocks === 1) return false;
  if (lhs_k !== 1) return isLarge(sizes, element, target);
  return height * commonDivisor(lhs_m * bytesOf(element), PAGE) > 8 * PAGE;
}

function packedPanels(
  sizes: MatmulSizes,
  element: Element,
  { rowBlocks }: Grid,
  { height, width }: TileForm,
  target: Target,
): TileKernel['packRight'] {
  const { m, n, rhs_n } = sizes;
  // What only one part reads is copied by this part, and stays in its cache.
  const copied = rowBlocks === 1 ? 'part' : 'all';
  if (rhs_n !== 1 || (isLarge(sizes, element, target) && m > height)) return copied;
  return target.masks || n % width === 0 ? 'none' : 'edge';
}

/** Whether the right operand is too large for the second-level cache. */
function isLarge({ n, k }: MatmulSizes, element: Element, { caches }: Target): boolean {
  return k * n * bytesOf(element) > caches[1];
}

/** Multiplications whose time is more than that of compiling them. */
const LONG_PRODUCTS = 1 << 27;

interface TileShape {
  readonly height: number;
  readonly vectors: number;
}

/** Of the tiles that take hardly longer than the fastest, that with the least code. */
function tileShape(sizes: MatmulSizes, element: Element, target: Target): TileShape {
  const shapes = Array.from({ length: 8 }, (_, i) => i + 1).flatMap((vectors) =>
    Array.from({ length: Math.min(sizes.m, mostRows(vectors, target)) }, (_, i) => ({ height: i + 1, vectors })),
  );
  const costs = shapes.map((shape) => costOf(sizes, element, shape, target));
  const isLong = sizes.m === 1 || sizes.m * sizes.n * sizes.k >= LONG_PRODUCTS;
  const most = (isLong ? 1.005 : 1.05) * Math.min(...costs);
  return shapes
    .filter((_, i) => costs[i]! <= most)
    .reduce((best, shape) => (codeOf(sizes, shape) < codeOf(sizes, best) ? shape : best));
}

/** Sums in registers of all the tiles' functions: the time that compiling takes grows with them. */
function codeOf({ m }: MatmulSizes, { height, vectors }: TileShape): number {
  return [height, m % height].reduce((sum, rows) => sum + (rows && 4 + rows * vectors), 0);
}

/** Sums, one row of the right operand, one broadcast element, and a product where it is not fused. */
function mostRows(vectors: number, { registers, fma }: Target): number {
  return Math.floor((registers - vectors - (fma ? 1 : 2)) / vectors);
}

/** Cycles that one matrix takes, by how many multiplications and loads a processor starts at once. */
function costOf(
  { m, n, k, rhs_k, rhs_n }: MatmulSizes,
  element: Element,
  { height, vectors }: TileShape,
  target: Target,
): number {
  const width = (vectors * target.vectorBits) / BITS[element];
  const panels = Math.ceil(n / width);
  const isNear = k * width * bytesOf(element) <= target.caches[0];
  // Else every register that is loaded lies in two lines of the cache.
  const isAligned = rhs_n !== 1 || (rhs_k * bytesOf(element)) % 64 === 0;
  const tile = (rows: number): number => {
    if (rows === 0) return 0;
    const products = Math.max((rows * vectors) / 2, 4);
    const loads = (rows + vectors * (isAligned ? 1 : 2)) * 0.57;
    // The second-level cache gives about 30 bytes a cycle.
    const far = isNear ? 0 : (vectors * target.vectorBits) / 8 / 30;
    return k * (Math.max(products, loads, far) + 0.8) + 20 + 2 * rows * vectors;
  };
  return panels * (Math.floor(m / height) * tile(height) + tile(m % height));
}

function gridOf(
  sizes: MatmulSizes,
  element: Element,
  { height, width, byColumns }: { height: number; width: number; byColumns: boolean },
  target: Target,
): Grid {
  const { batch, m, n, k } = sizes;
  // Blocks of long rows are wide, so that memory is read almost in order.
  const columns = isStreamed(sizes, element, height, target) ? Math.max(width, LONG_RUN) : width;
  const chunks = chunksOf(sizes, element, byColumns ? Math.ceil(n / columns) : Math.ceil(m / (2 * BLOCK_ROWS)), target);
  const chunkTerms = Math.ceil(k / chunks);
  const products = m * n * chunkTerms;
  const wanted = Math.max(1, Math.min(Math.ceil(UNITS / (batch * chunks)), Math.ceil(products / UNIT_PRODUCTS)));
  // A block of rows reads the whole right operand.
  const least = isLarge(sizes, element, target) ? BLOCK_ROWS / 2 : 1;
  const most = chunks > 1 ? 2 * BLOCK_ROWS : BLOCK_ROWS;
  const [rowBlocks, blockRows] = byColumns ? [1, m] : blocks(m, height, wanted, [least, most]);
  const [columnBlocks, blockColumns] = byColumns ? blocks(n, width, wanted, [columns, n]) : [1, n];
  const single = rowBlocks * columnBlocks * chunks === 1;
  const group = single ? Math.min(batch, Math.max(1, Math.floor(UNIT_PRODUCTS / products))) : 1;
  return { chunks: Math.ceil(k / chunkTerms), chunkTerms, rowBlocks, blockRows, columnBlocks, blockColumns, group };
}

/** Elements side by side after which it costs little to read elsewhere. */
const LONG_RUN = 1024;

/** Rows of a block, about: enough to use a panel often, few enough that they stay in the cache with it. */
const BLOCK_ROWS = 56;

/** Whether units are blocks of columns: where rows are few, and so long that their blocks would be too few. */
function isByColumns({ batch, m, n, k }: MatmulSizes): boolean {
  const isLow = batch * m < 2 * BLOCK_ROWS && n > 4 * m && m * n * k > 32 * UNIT_PRODUCTS;
  return m < 32 || isLow;
}

/** About as many blocks as wanted, of whole tiles, their sizes between two bounds. */
function blocks(
  size: number,
  tile: number,
  wanted: number,
  [least, most]: readonly [number, number],
): [count: number, size: number] {
  const tiles = Math.floor(Math.ceil(size / tile) / wanted);
  const bounded = Math.min(Math.max(Math.ceil(least / tile), tiles, 1), Math.max(1, Math.floor(most / tile)));
  const block = Math.min(size, tile * bounded);
  return [Math.ceil(size / block), block];
}

/** Into how many parts sums are cut: where operands are read from far away, and blocks of the output are few. */
function chunksOf({ batch, m, n, k }: MatmulSizes, element: Element, blocks: number, { caches }: Target): number {
  const isFar = k * (m + n) * bytesOf(element) > caches[1] && m * n * k > 16 * UNIT_PRODUCTS;
  const wanted = batch * blocks < UNITS / 2 ? Math.ceil(UNITS / (batch * blocks)) : 1;
  // The partial results are written and read once more: at most half of what is read of the operands.
  const most = Math.floor((k * (m + n)) / (4 * m * n));
  return isFar && most >= 4 ? Math.min(most, wanted) : 1;
}
