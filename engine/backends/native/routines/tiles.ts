/** @file The parts of a matrix product as loops over tiles whose columns are lanes. */
import type { Body } from '../ir.ts';
import { Integers, loop, when } from './code.ts';
import type { Plan, TileKernel } from './matmul-plan.ts';
import { addCopy, callCopy } from './pack.ts';
import { addFill, type Fill } from './panels.ts';
import {
  columnsFrom,
  elementAt,
  leftBlock,
  operandsOf,
  type Part,
  type Product,
  packedPanels,
  rightBlock,
  rightMatrices,
  type WritePart,
} from './product.ts';
import { addEdge, addTile, callTile, type Tile, type TileOperands } from './tile.ts';
import { addWindows } from './windows.ts';

/** Adds the tiles' functions; returns what writes the loops over the tiles of a part. */
export function addTiles(product: Product, kernel: TileKernel): WritePart {
  const { plan, module, name, target } = product;
  const { sizes, grid, element } = plan;
  const { height, vectors, width, kBlock, packLeft } = kernel;
  const accumulates = grid.chunkTerms > kBlock;
  const { aRow, aStep } = packLeft
    ? leftBlock(sizes, grid, kernel, element)
    : { aRow: sizes.lhs_m, aStep: sizes.lhs_k };
  const isEdged = !target.masks && sizes.n % width !== 0;
  const prefetch = prefetchOf(product, kernel);
  for (const rows of heightsOf(sizes.m, height)) {
    const tile: Tile = { element, rows, vectors, aRow, aStep, accumulates, prefetch };
    addTile(module, `${name}_tile${rows}`, tile, target);
    if (isEdged) addEdge(module, `${name}_edge${rows}`, `${name}_tile${rows}`, `${name}_copy`, tile, target);
  }
  const fill = kernel.packRight === 'part' ? fillOf(product, kernel) : undefined;
  if (isEdged || packLeft) addCopy(module, `${name}_copy`, element, target);
  if (accumulates) module.add(`@${name}_nothing = internal constant [${width} x ${element}] zeroinitializer, align 64`);
  return (body, part) => {
    const tiles = new Tiles(body, product, kernel, { aRow, aStep, accumulates, isEdged, fill });
    if (!accumulates) tiles.write(part);
    else loop(body, '0', part.terms, kBlock, (term) => tiles.writeBlock(part, term));
  };
}

function fillOf(product: Product, kernel: TileKernel): Fill {
  const { plan, windows } = product;
  return windows ? addWindows(product, kernel, windows) : addFill(product, kernel, shortestBlock(plan, kernel));
}

/** The fewest terms that are summed at a time. */
function shortestBlock({ sizes, grid }: Plan, { kBlock }: TileKernel): number {
  const last = sizes.k - (grid.chunks - 1) * grid.chunkTerms;
  return Math.min(...[grid.chunkTerms, last].map((terms) => terms % kBlock || kBlock));
}

/** Bytes of the next panel that a tile prefetches with each term, so that all tiles of a block prefetch all of it. */
function prefetchOf({ plan, bytes }: Product, { height, width, packRight }: TileKernel): number {
  if (packRight !== 'all') return 0;
  return Math.ceil((width * bytes) / Math.ceil(plan.grid.blockRows / height));
}

/** The heights of tiles: only the last one of a matrix may be lower. */
function heightsOf(m: number, height: number): number[] {
  return [...new Set([height, m % height])].filter((rows) => rows > 0);
}

/** What the tiles of a product have in common. */
interface Form {
  readonly aRow: number;
  readonly aStep: number;
  readonly accumulates: boolean;
  readonly isEdged: boolean;
  readonly fill: Fill | undefined;
}

/** The loops over the tiles of a part. */
class Tiles {
  readonly #body: Body;
  readonly #integers: Integers;
  readonly #product: Product;
  readonly #kernel: TileKernel;
  readonly #form: Form;

  constructor(body: Body, product: Product, kernel: TileKernel, form: Form) {
    this.#body = body;
    this.#integers = new Integers(body);
    this.#product = product;
    this.#kernel = kernel;
    this.#form = form;
  }

  /** Sums all terms of a part. */
  write(part: Part): void {
    this.#writeColumns(part, this.#left(part), undefined);
  }

  /** Adds the terms of a block that begins `offset` after the part's first. */
  writeBlock(part: Part, offset: string): void {
    const integers = this.#integers;
    const terms = integers.min(integers.sub(part.terms, offset), this.#kernel.kBlock);
    const block = { ...part, term: integers.add(part.term, offset), terms };
    this.#writeColumns(block, this.#left(block), integers.equal(offset, 0));
  }

  /** The left operand's first element for a part: in place or, where it is packed, in a copy made here. */
  #left(part: Part): string {
    const { plan, bytes, scratch, name } = this.#product;
    const { sizes, grid, element } = plan;
    const integers = this.#integers;
    const [left] = operandsOf(plan);
    const from = elementAt(
      integers,
      left,
      bytes,
      [part.matrix, sizes.lhs_batch],
      [part.row, sizes.lhs_m],
      [part.term, sizes.lhs_k],
    );
    if (!this.#kernel.packLeft) return from;
    const block = leftBlock(sizes, grid, this.#kernel, element);
    const to = integers.at('%scratch', integers.add(integers.mul('%begin', block.bytes), scratch.left));
    if (sizes.lhs_k === 1)
      callCopy(
        this.#body,
        `${name}_copy`,
        [to, block.aRow * bytes],
        [from, sizes.lhs_m * bytes],
        [part.rows, part.terms],
      );
    else
      callCopy(
        this.#body,
        `${name}_copy`,
        [to, block.aStep * bytes],
        [from, sizes.lhs_k * bytes],
        [part.terms, part.rows],
      );
    return to;
  }

  #writeColumns(part: Part, a: string, isFirst: string | undefined): void {
    const { plan, bytes } = this.#product;
    const { n } = plan.sizes;
    const { width } = this.#kernel;
    const integers = this.#integers;
    if (this.#form.fill) this.#packRight(part, this.#form.fill);
    loop(this.#body, '0', part.columns, width, (at) => {
      const column = integers.add(part.column, at);
      const operands = {
        ...this.#right(part, at),
        a,
        c: integers.at(part.c, integers.mul(at, bytes)),
        cRow: n * bytes,
        k: part.terms,
        columns: columnsFrom(this.#body, column, n, width),
      };
      this.#writeRows(part, operands, isFirst);
    });
  }

  /** Copies the right operand to the part's own panels; rows in short runs, so that memory is read almost in order. */
  #packRight(part: Part, fill: Fill): void {
    const integers = this.#integers;
    const { width } = this.#kernel;
    const { windows, bytes, plan } = this.#product;
    const { n, rhs_n } = plan.sizes;
    const run = rhs_n === 1 && !windows ? 16 : this.#kernel.kBlock;
    loop(this.#body, '0', part.terms, run, (term) => {
      const terms = integers.min(integers.sub(part.terms, term), run);
      loop(this.#body, '0', part.columns, width, (at) => {
        const column = integers.add(part.column, at);
        const to = elementAt(integers, this.#ownPanel(at), bytes, [term, width]);
        const from = { matrix: part.matrix, term: integers.add(part.term, term), column };
        fill(this.#body, to, from, terms, columnsFrom(this.#body, column, n, width));
      });
    });
  }

  /** The panel that begins at a column of the part that is being computed. */
  #ownPanel(column: string): string {
    const { plan, bytes, scratch } = this.#product;
    const integers = this.#integers;
    const base = integers.at('%scratch', scratch.right);
    const block = rightBlock(plan.grid, this.#kernel);
    return elementAt(integers, base, bytes, ['%begin', block], [column, this.#kernel.kBlock]);
  }

  #rightInPlace(part: Part, column: string): string {
    const { plan, bytes } = this.#product;
    const { sizes } = plan;
    const [, right] = operandsOf(plan);
    const matrix = rightMatrices(sizes) === 1 ? '0' : part.matrix;
    return elementAt(
      this.#integers,
      right,
      bytes,
      [matrix, sizes.rhs_batch],
      [part.term, sizes.rhs_k],
      [column, sizes.rhs_n],
    );
  }

  /** Where the right operand's columns are, and bytes from one term to the next. */
  #right(part: Part, at: string): { readonly b: string; readonly bStep: string | number } {
    const { sizes } = this.#product.plan;
    const { bytes } = this.#product;
    const { width, packRight } = this.#kernel;
    const integers = this.#integers;
    const column = integers.add(part.column, at);
    const [inPlace, packed] = [sizes.rhs_k * bytes, width * bytes];
    switch (packRight) {
      case 'none':
        return { b: this.#rightInPlace(part, column), bStep: inPlace };
      case 'part':
        return { b: this.#ownPanel(at), bStep: packed };
      case 'all':
        return { b: this.#packedPanel(part, column), bStep: packed };
      case 'edge': {
        const isEdge = this.#body.value(`icmp sgt i64 ${integers.add(column, width)}, ${sizes.n}`);
        const [edge, other] = [this.#packedPanel(part, column), this.#rightInPlace(part, column)];
        const b = this.#body.value(`select i1 ${isEdge}, ptr ${edge}, ptr ${other}`);
        return { b, bStep: integers.pick(isEdge, packed, inPlace) };
      }
      default:
        return packRight satisfies never;
    }
  }

  /** The panel that was copied before all else, of a column. */
  #packedPanel({ matrix, term }: Part, column: string): string {
    const { plan, bytes, scratch } = this.#product;
    const { sizes } = plan;
    const { n, k } = sizes;
    const { width } = this.#kernel;
    const integers = this.#integers;
    const panels = packedPanels(sizes, this.#kernel);
    const first = (Math.ceil(n / width) - panels) * width;
    const index = rightMatrices(sizes) === 1 ? '0' : matrix;
    const base = integers.at('%scratch', scratch.right);
    // A panel holds k terms, so its first column times k is where it begins.
    return elementAt(
      integers,
      base,
      bytes,
      [index, panels * k * width],
      [integers.sub(column, first), k],
      [term, width],
    );
  }

  /** The tiles one below the other: those of full height, then what is left at the end of the matrix. */
  #writeRows(part: Part, operands: Omit<TileOperands, 'from' | 'fromRow' | 'next'>, isFirst: string | undefined): void {
    const { m } = this.#product.plan.sizes;
    const { height } = this.#kernel;
    const integers = this.#integers;
    const whole = integers.mul(integers.div(part.rows, height), height);
    loop(this.#body, '0', whole, height, (row) => this.#writeTile(row, height, operands, isFirst));
    const left = m % height;
    if (left > 0) loop(this.#body, whole, part.rows, height, (row) => this.#writeTile(row, left, operands, isFirst));
  }

  #writeTile(
    row: string,
    rows: number,
    operands: Omit<TileOperands, 'from' | 'fromRow' | 'next'>,
    isFirst: string | undefined,
  ): void {
    const { plan, bytes, name } = this.#product;
    const { n } = plan.sizes;
    const { width, height } = this.#kernel;
    const { aRow, accumulates, isEdged } = this.#form;
    const integers = this.#integers;
    const c = elementAt(integers, operands.c, bytes, [row, n]);
    const from = isFirst ? this.#body.value(`select i1 ${isFirst}, ptr @${name}_nothing, ptr ${c}`) : 'null';
    const fromRow = isFirst ? integers.pick(isFirst, 0, n * bytes) : 0;
    const prefetch = prefetchOf(this.#product, this.#kernel);
    const panel = integers.mul(this.#product.plan.sizes.k, width * bytes);
    const own = integers.mul(integers.mul(integers.div(row, height), String(operands.k)), prefetch);
    const next = prefetch > 0 ? integers.at(integers.at(operands.b, panel), own) : 'null';
    const tile = { ...operands, next, a: elementAt(integers, operands.a, bytes, [row, aRow]), c, from, fromRow };
    const call = (kind: 'tile' | 'edge'): void => callTile(this.#body, `${name}_${kind}${rows}`, accumulates, tile);
    if (!isEdged) {
      call('tile');
      return;
    }
    const isWhole = this.#body.value(`icmp eq i32 ${operands.columns}, ${width}`);
    when(this.#body, isWhole, () => call('tile'));
    when(this.#body, this.#body.value(`xor i1 ${isWhole}, true`), () => call('edge'));
  }
}
