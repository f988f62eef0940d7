/** @file The microkernel of matrix products: one tile of the output, summed in registers. */
import type { Body, Element, Lanes, Module, Value } from '../ir.ts';
import type { Target } from '../target.ts';
import { addFunction, bytesOf, Integers, lanesOf, loopOnce, Memory } from './code.ts';
import { callCopy } from './pack.ts';

/** A tile of the output, and where the left operand lies. */
export interface Tile {
  readonly element: Element;
  readonly rows: number;
  /** The tile's width in registers. */
  readonly vectors: number;
  /** Elements from one row of the left operand to the next, and from one column to the next. */
  readonly aRow: number;
  readonly aStep: number;
  /** Whether the sums begin with what a pointer shows rather than with zeros. */
  readonly accumulates: boolean;
  /** Bytes of what is needed next that are brought to the cache with each term; 0 for none. */
  readonly prefetch: number;
}

/** What a tile is computed from, each as text: pointers, and strides in bytes. */
export interface TileOperands {
  readonly a: string;
  readonly b: string;
  /** From one row of the right operand to the next. */
  readonly bStep: string | number;
  readonly c: string;
  readonly cRow: string | number;
  /** Terms of each sum, at least one. */
  readonly k: string | number;
  /** Columns that are loaded and stored. Whole registers only where the processor has no masks. */
  readonly columns: string | number;
  /** What the sums begin with, where the tile accumulates. */
  readonly from: string;
  readonly fromRow: string | number;
  /** What is needed next. */
  readonly next: string;
}

/** The call of a tile's function. */
export function callTile(body: Body, name: string, accumulates: boolean, x: TileOperands): void {
  const from = accumulates ? `, ptr ${x.from}, i64 ${x.fromRow}` : '';
  body.line(
    `call void @${name}(ptr ${x.a}, ptr ${x.b}, i64 ${x.bStep}, ptr ${x.c}, i64 ${x.cRow}, i64 ${x.k}, i32 ${x.columns}, ptr ${x.next}${from})`,
  );
}

/** Adds the function of a tile: `c[r, j] = from[r, j] + Σₚ a[r, p] · b[p, j]`, the terms in order. */
export function addTile(module: Module, name: string, tile: Tile, target: Target): void {
  addFunction(module, name, paramsOf(tile), (body) => writeTile(body, tile, target));
}

function paramsOf({ accumulates }: Tile): string[] {
  const params = ['ptr %a', 'ptr %b', 'i64 %bStep', 'ptr %c', 'i64 %cRow', 'i64 %k', 'i32 %columns', 'ptr %next'];
  return accumulates ? [...params, 'ptr %from', 'i64 %fromRow'] : params;
}

/**
 * Adds a function that does for fewer columns than a register has what `tileName` does for whole registers: on a tile
 * of its own, whose first columns are copied to the output.
 */
export function addEdge(
  module: Module,
  name: string,
  tileName: string,
  copyName: string,
  tile: Tile,
  target: Target,
): void {
  const { element, rows, vectors, accumulates } = tile;
  const rowBytes = (vectors * target.vectorBits) / 8;
  const width = rowBytes / bytesOf(element);
  addFunction(module, name, paramsOf(tile), (body) => {
    const own = body.value(`alloca [${rows * width} x ${element}], align 64`);
    const part: readonly [number, string] = [rows, body.value('zext i32 %columns to i64')];
    if (accumulates) callCopy(body, copyName, [own, rowBytes], ['%from', '%fromRow'], part);
    const operands = {
      a: '%a',
      b: '%b',
      bStep: '%bStep',
      c: own,
      cRow: rowBytes,
      k: '%k',
      columns: width,
      next: '%next',
    };
    callTile(body, tileName, accumulates, { ...operands, from: own, fromRow: rowBytes });
    callCopy(body, copyName, ['%c', '%cRow'], [own, rowBytes], part);
  });
}

function writeTile(
  body: Body,
  { element, rows, vectors, aRow, aStep, accumulates, prefetch }: Tile,
  target: Target,
): void {
  const lanes = lanesOf(body, element, target);
  const memory = new Memory(lanes);
  const integers = new Integers(body);
  const bytes = bytesOf(element);
  const registers = Array.from({ length: vectors }, (_, v) => v);
  const memories = registers.map((v) =>
    target.masks ? memory.first(integers.sub32('%columns', v * lanes.count)) : memory,
  );
  const place = (pointer: string, v: number): string => integers.at(pointer, v * memory.vectorBytes(element));
  const load = (pointer: string, v: number): Value => memories[v]!.load(element, place(pointer, v));
  const rowsOf = (pointer: string, stride: string): string[] => {
    const all = [pointer];
    for (let r = 1; r < rows; r++) all.push(integers.at(all[r - 1]!, stride));
    return all;
  };
  const carried = [
    { type: 'ptr', first: '%a' },
    { type: 'ptr', first: '%b' },
    ...Array.from({ length: rows * vectors }, () => ({ type: lanes.type(element), first: 'zeroinitializer' })),
  ];
  if (accumulates)
    for (const row of rowsOf('%from', '%fromRow')) for (const v of registers) prefetchFrom(body, place(row, v));
  const [, , ...sums] = loopOnce(body, [0, '%k', 1], carried, (term, [a, b, ...sums]) => {
    if (prefetch > 0) prefetchFrom(body, integers.at('%next', integers.mul(term, prefetch)));
    const right = registers.map((v) => load(b!, v));
    const next = sums.map((text) => ({ element, text }));
    for (let r = 0; r < rows; r++) {
      const scalar = body.value(`load ${element}, ptr ${integers.at(a!, r * aRow * bytes)}, align ${bytes}`);
      const left = lanes.splat(element, scalar);
      for (const v of registers) {
        const at = r * vectors + v;
        next[at] = multiplyAdd(lanes, left, right[v]!, next[at]!);
      }
    }
    return [integers.at(a!, aStep * bytes), integers.at(b!, '%bStep'), ...next.map(({ text }) => text)];
  });
  const before = accumulates ? rowsOf('%from', '%fromRow') : undefined;
  for (const [r, row] of rowsOf('%c', '%cRow').entries())
    for (const v of registers) {
      const sum = { element, text: sums[r * vectors + v]! };
      memories[v]!.store(before ? lanes.add(load(before[r]!, v), sum) : sum, place(row, v));
    }
}

/** Brings a line to the second-level cache; any address will do. */
function prefetchFrom(body: Body, pointer: string): void {
  body.module.declare('void @llvm.prefetch.p0(ptr, i32, i32, i32)');
  body.line(`call void @llvm.prefetch.p0(ptr ${pointer}, i32 0, i32 2, i32 1)`);
}

/** x · y + z: fused for floats where the processor can, wrapping for integers. */
export function multiplyAdd(lanes: Lanes, x: Value, y: Value, z: Value): Value {
  const floating = x.element === 'float' || x.element === 'double';
  return floating ? lanes.fma(x, y, z) : lanes.add(lanes.mul(x, y), z);
}
