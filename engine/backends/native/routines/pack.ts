/** @file Copies of parts of matrices that a product reads in another order than they lie in. */
import { type Body, type Element, Lanes, type Module, type Value } from '../ir.ts';
import type { Target } from '../target.ts';
import { addFunction, bytesOf, eachVector, Integers, lanesOf, loop, Memory } from './code.ts';

/**
 * Adds `name(to, toRow, from, fromRow, rows, columns)`: copies rows that are contiguous in both places; strides in
 * bytes.
 */
export function addCopy(module: Module, name: string, element: Element, target: Target): void {
  const params = ['ptr %to', 'i64 %toRow', 'ptr %from', 'i64 %fromRow', 'i64 %rows', 'i64 %columns'];
  addFunction(module, name, params, (body) => {
    const integers = new Integers(body);
    loop(body, '0', '%rows', 1, (row) => {
      const to = integers.at('%to', integers.mul(row, '%toRow'));
      const from = integers.at('%from', integers.mul(row, '%fromRow'));
      eachVector(body, element, '%columns', target, (memory, column) => {
        const offset = integers.mul(column, bytesOf(element));
        memory.store(memory.load(element, integers.at(from, offset)), integers.at(to, offset));
      });
    });
  });
}

/** The call of a function that copies rows. */
export function callCopy(
  body: Body,
  name: string,
  [to, toRow]: readonly [pointer: string, row: string | number],
  [from, fromRow]: readonly [pointer: string, row: string | number],
  [rows, columns]: readonly [string | number, string | number],
): void {
  body.line(`call void @${name}(ptr ${to}, i64 ${toRow}, ptr ${from}, i64 ${fromRow}, i64 ${rows}, i64 ${columns})`);
}

/** A panel: terms of sums one after the other, each a number of registers wide. */
export interface Panel {
  readonly element: Element;
  readonly vectors: number;
}

const PANEL_PARAMS = ['ptr %to', 'ptr %from', 'i64 %fromTerm', 'i64 %fromColumn', 'i64 %terms', 'i32 %columns'];

/** The call of a function that fills a panel; strides in bytes. */
export function callPanel(
  body: Body,
  name: string,
  x: {
    readonly to: string;
    readonly from: string;
    readonly fromTerm: number;
    readonly fromColumn: number;
    readonly terms: string | number;
    readonly columns: string | number;
  },
): void {
  body.line(
    `call void @${name}(ptr ${x.to}, ptr ${x.from}, i64 ${x.fromTerm}, i64 ${x.fromColumn}, i64 ${x.terms}, i32 ${x.columns})`,
  );
}

/**
 * Adds a function that fills a panel from columns that lie side by side: all of them where the processor has no masks,
 * else zeros beyond the last.
 */
export function addPanelOfRows(module: Module, name: string, { element, vectors }: Panel, target: Target): void {
  addFunction(module, name, PANEL_PARAMS, (body) => {
    const lanes = lanesOf(body, element, target);
    const memory = new Memory(lanes);
    const integers = new Integers(body);
    const registers = Array.from({ length: vectors }, (_, v) => v);
    const memories = registers.map((v) =>
      target.masks ? memory.first(integers.sub32('%columns', v * lanes.count)) : memory,
    );
    loop(body, '0', '%terms', 1, (term) => {
      const to = integers.at('%to', integers.mul(term, vectors * memory.vectorBytes(element)));
      const from = integers.at('%from', integers.mul(term, '%fromTerm'));
      for (const v of registers) {
        const offset = v * memory.vectorBytes(element);
        memory.store(memories[v]!.load(element, integers.at(from, offset)), integers.at(to, offset));
      }
    });
  });
}

/**
 * Adds a function that fills a panel from columns that each lie contiguously: squares of a register's lanes are
 * transposed in registers. Without masks there must be as many terms as a register has lanes; lanes beyond the last
 * column repeat it.
 */
export function addPanelOfColumns(
  module: Module,
  name: string,
  { element, vectors }: Panel,
  k: number,
  target: Target,
): void {
  addFunction(module, name, PANEL_PARAMS, (body) => {
    const lanes = lanesOf(body, element, target);
    const memory = new Memory(lanes);
    const integers = new Integers(body);
    const depth = Math.min(k, lanes.count);
    const width = vectors * memory.vectorBytes(element);
    const lastColumn = integers.sub(body.value('zext i32 %columns to i64'), 1);
    const source = depth < lanes.count ? memory.first(depth) : memory;
    loop(body, '0', '%terms', lanes.count, (begin) => {
      // The last square overlaps the one before.
      const term = integers.min(begin, integers.sub('%terms', depth));
      const from = integers.at('%from', integers.mul(term, bytesOf(element)));
      loop(body, 0, vectors * lanes.count, lanes.count, (first) => {
        const rows = Array.from({ length: lanes.count }, (_, i) => {
          const column = integers.min(integers.add(first, i), lastColumn);
          return source.load(element, integers.at(from, integers.mul(column, '%fromColumn')));
        });
        const corner = integers.at('%to', integers.mul(term, width));
        const to = integers.at(corner, integers.mul(first, bytesOf(element)));
        for (const [i, row] of transposed(lanes, rows).slice(0, depth).entries())
          memory.store(row, integers.at(to, i * width));
      });
    });
  });
}

/**
 * A square of lanes with its rows for columns. For each bit of the position: in two rows that differ in this bit, the
 * lanes that lie off the diagonal in this bit change places.
 */
function transposed(lanes: Lanes, rows: readonly Value[]): Value[] {
  const square = [...rows];
  for (let bit = 1; bit < lanes.count; bit *= 2)
    for (let i = 0; i < lanes.count; i++) {
      if (i & bit) continue;
      const [x, y] = [square[i]!, square[i + bit]!];
      square[i] = shuffle(lanes, x, y, (lane) => (lane & bit ? lanes.count + lane - bit : lane));
      square[i + bit] = shuffle(lanes, x, y, (lane) => (lane & bit ? lanes.count + lane : lane + bit));
    }
  return square;
}

/** A vector whose lanes are picked from two, those of the second counted on from those of the first. */
export function shuffle(lanes: Lanes, x: Value, y: Value, pick: (lane: number) => number): Value {
  const type = lanes.type(x.element);
  const picks = lanes.each('i32', pick).text;
  const text = `shufflevector ${type} ${x.text}, ${type} ${y.text}, <${lanes.count} x i32> ${picks}`;
  return { element: x.element, text: lanes.body.value(text) };
}

/** Adds a function that fills a panel from a matrix with any strides; zeros beyond the last column. */
export function addPanelOfScalars(module: Module, name: string, { element, vectors }: Panel, target: Target): void {
  addFunction(module, name, PANEL_PARAMS, (body) => {
    const lanes = lanesOf(body, element, target);
    const memory = new Memory(lanes);
    const integers = new Integers(body);
    const columns = body.value('zext i32 %columns to i64');
    loop(body, '0', '%terms', 1, (term) => {
      const to = integers.at('%to', integers.mul(term, vectors * memory.vectorBytes(element)));
      const from = integers.at('%from', integers.mul(term, '%fromTerm'));
      for (let v = 0; v < vectors; v++)
        memory.store(lanes.const(element, 0), integers.at(to, v * memory.vectorBytes(element)));
      const one = new Memory(new Lanes(body, 1, target));
      loop(body, '0', columns, 1, (column) => {
        const value = one.load(element, integers.at(from, integers.mul(column, '%fromColumn')));
        one.store(value, integers.at(to, integers.mul(column, bytesOf(element))));
      });
    });
  });
}
