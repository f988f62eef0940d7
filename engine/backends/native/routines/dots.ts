/** @file The microkernel of matrix products whose operands both lie along the sum: a tile of dot products. */
import type { Body, Element, Lanes, Module, Value } from '../ir.ts';
import type { Target } from '../target.ts';
import { addFunction, bytesOf, type Carried, Integers, lanesOf, loopOnce, loopWhile, Memory } from './code.ts';
import { shuffle } from './pack.ts';
import { multiplyAdd } from './tile.ts';

/** A tile of dot products; strides in elements. */
export interface DotTile {
  readonly element: Element;
  readonly rows: number;
  readonly columns: number;
  /** From one row of the left operand to the next, one column of the right to the next, one row of the output to the next. */
  readonly aRow: number;
  readonly bColumn: number;
  readonly cRow: number;
}

/** Adds `name(a, b, c, k)`: `c[r, j] = Σₚ a[r, p] · b[p, j]`; every lane of a register sums its own terms. */
export function addDotTile(module: Module, name: string, tile: DotTile, target: Target): void {
  addFunction(module, name, ['ptr %a', 'ptr %b', 'ptr noalias %c', 'i64 %k'], (body) => {
    const memory = new Memory(lanesOf(body, tile.element, target));
    const sums = target.masks ? sumMasked(body, memory, tile) : sumWhole(body, memory, tile);
    storeSums(body, memory.lanes, tile, sums);
  });
}

type Sums = readonly Value[];
type Load = (pointer: string) => Value;

function sumMasked(body: Body, memory: Memory, tile: DotTile): Sums {
  const integers = new Integers(body);
  const { lanes } = memory;
  const [first, again] = carriedSums(lanes, tile);
  return again(
    loopOnce(body, [0, '%k', lanes.count], first, (term, sums) => {
      const some = memory.first(integers.narrow(integers.sub('%k', term)));
      return addTerms(lanes, tile, term, again(sums), (at) => some.load(tile.element, at));
    }),
  );
}

/** Whole registers first, then what is left one by one in the first lane. */
function sumWhole(body: Body, memory: Memory, tile: DotTile): Sums {
  const integers = new Integers(body);
  const { lanes } = memory;
  const { element } = tile;
  const [zeros, again] = carriedSums(lanes, tile);
  const type = lanes.type(element);
  const loadOne: Load = (at) => {
    const value = body.value(`load ${element}, ptr ${at}, align ${bytesOf(element)}`);
    return { element, text: body.value(`insertelement ${type} zeroinitializer, ${element} ${value}, i32 0`) };
  };
  const whole = integers.mul(integers.div('%k', lanes.count), lanes.count);
  const sums = loopWhile(body, [0, whole, lanes.count], zeros, (term, sums) =>
    addTerms(lanes, tile, term, again(sums), (at) => memory.load(element, at)),
  );
  const carried = sums.map((first) => ({ type, first }));
  return again(
    loopWhile(body, [whole, '%k', 1], carried, (term, sums) => addTerms(lanes, tile, term, again(sums), loadOne)),
  );
}

function carriedSums(
  lanes: Lanes,
  { element, rows, columns }: DotTile,
): [Carried[], (texts: readonly string[]) => Sums] {
  const zero = { type: lanes.type(element), first: 'zeroinitializer' };
  return [Array.from({ length: rows * columns }, () => zero), (texts) => texts.map((text) => ({ element, text }))];
}

/** The sums with the terms from `term` on that a load brings. */
function addTerms(lanes: Lanes, tile: DotTile, term: string, sums: Sums, load: Load): string[] {
  const integers = new Integers(lanes.body);
  const bytes = bytesOf(tile.element);
  const offset = integers.mul(term, bytes);
  const a = integers.at('%a', offset);
  const b = integers.at('%b', offset);
  const left = Array.from({ length: tile.rows }, (_, r) => load(integers.at(a, r * tile.aRow * bytes)));
  const next = [...sums];
  for (let j = 0; j < tile.columns; j++) {
    const right = load(integers.at(b, j * tile.bColumn * bytes));
    for (const [r, row] of left.entries()) {
      const at = r * tile.columns + j;
      next[at] = multiplyAdd(lanes, row, right, next[at]!);
    }
  }
  return next.map(({ text }) => text);
}

function storeSums(body: Body, lanes: Lanes, { element, rows, columns, cRow }: DotTile, sums: Sums): void {
  const integers = new Integers(body);
  for (let r = 0; r < rows; r++)
    for (let j = 0; j < columns; j += lanes.count) {
      const count = Math.min(lanes.count, columns - j);
      const start = r * columns + j;
      const total = addLanes(lanes, sums.slice(start, start + count));
      const picks = Array.from({ length: count }, (_, lane) => `i32 ${lane}`).join(', ');
      const type = lanes.type(element);
      const part = body.value(`shufflevector ${type} ${total.text}, ${type} poison, <${count} x i32> <${picks}>`);
      const to = integers.at('%c', (r * cRow + j) * bytesOf(element));
      body.line(`store <${count} x ${element}> ${part}, ptr ${to}, align ${bytesOf(element)}`);
    }
}

/** A vector whose lane `i` is the sum of the lanes of vector `i`, of at most as many vectors as lanes. */
function addLanes(lanes: Lanes, vectors: Sums): Value {
  let parts = [...vectors];
  // Each part holds sums that are spread over `spread` lanes; two parts become one, with sums of half the spread.
  for (let spread = lanes.count; spread > 1; spread /= 2) {
    const joined: Value[] = [];
    for (let i = 0; i < parts.length; i += 2)
      joined.push(addHalves(lanes, parts[i]!, parts[i + 1] ?? parts[i]!, spread));
    parts = joined;
  }
  return parts[0]!;
}

function addHalves(lanes: Lanes, x: Value, y: Value, spread: number): Value {
  const half = spread / 2;
  const place = (lane: number): number => Math.floor(lane / half) * spread + (lane % half);
  return lanes.add(
    shuffle(lanes, x, y, place),
    shuffle(lanes, x, y, (lane) => place(lane) + half),
  );
}
