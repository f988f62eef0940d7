/** @file Copies of parts of matrices that a product reads in another order than they lie in. */
import { BITS, type Body, type Element, Lanes, type Module, type Value } from '../ir.ts';
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

/** Terms that a panel of columns has at least: as many as 128 bits hold. */
export function leastTerms(element: Element): number {
  return 128 / BITS[element];
}

/**
 * Adds a function that fills a panel from columns that each lie contiguously. Squares of 128 bits are transposed, as
 * many side by side as a register holds: compilers and processors are slow with larger ones. Lanes beyond the last
 * column repeat it.
 */
export function addPanelOfColumns(module: Module, name: string, { element, vectors }: Panel, target: Target): void {
  addFunction(module, name, PANEL_PARAMS, (body) => {
    const lanes = lanesOf(body, element, target);
    const memory = new Memory(lanes);
    const integers = new Integers(body);
    const part = leastTerms(element);
    const width = vectors * memory.vectorBytes(element);
    const lastColumn = integers.sub(body.value('zext i32 %columns to i64'), 1);
    loop(body, '0', '%terms', part, (begin) => {
      // The last squares overlap those before.
      const term = integers.min(begin, integers.sub('%terms', part));
      const from = integers.at('%from', integers.mul(term, bytesOf(element)));
      loop(body, 0, vectors * lanes.count, lanes.count, (first) => {
        const columns = Array.from({ length: lanes.count }, (_, i) => {
          const column = integers.min(integers.add(first, i), lastColumn);
          return integers.at(from, integers.mul(column, '%fromColumn'));
        });
        const corner = integers.at('%to', integers.mul(term, width));
        const to = integers.at(corner, integers.mul(first, bytesOf(element)));
        for (const [i, row] of transposedParts(lanes, element, columns).entries())
          memory.store(row, integers.at(to, i * width));
      });
    });
  });
}

/** The first terms of as many columns as a register has lanes: one register a term. */
function transposedParts(lanes: Lanes, element: Element, columns: readonly string[]): Value[] {
  const part = leastTerms(element);
  const rows = Array.from({ length: part }, (_, i) =>
    loadParts(
      lanes,
      element,
      columns.filter((_, column) => column % part === i),
    ),
  );
  for (let run = 1; run < part; run *= 2)
    for (let i = 0; i < part; i++) {
      if (i & run) continue;
      const [x, y] = [rows[i]!, rows[i + run]!];
      rows[i] = shuffle(lanes, x, y, (lane) => interleaved(lanes.count, part, run, lane));
      rows[i + run] = shuffle(lanes, x, y, (lane) => interleaved(lanes.count, part, run, lane) + part / 2);
    }
  // Interleaving leaves the terms in the order of their reversed bits: 0 2 1 3.
  return rows.map((_, i) => rows[part === 4 ? [0, 2, 1, 3][i]! : i]!);
}

/** A register of 128 bits from each address. */
function loadParts(lanes: Lanes, element: Element, addresses: readonly string[]): Value {
  const { body, features } = lanes;
  const memory = new Memory(new Lanes(body, leastTerms(element), features));
  let parts = addresses.map((address) => memory.load(element, address));
  for (let { count } = memory.lanes; parts.length > 1; count *= 2)
    parts = parts.flatMap((x, i) => (i % 2 ? [] : [joined(lanes, count, x, parts[i + 1]!)]));
  return parts[0]!;
}

/** Two vectors of `count` lanes, one after the other. */
function joined({ body }: Lanes, count: number, { element, text }: Value, next: Value): Value {
  const picks = Array.from({ length: 2 * count }, (_, lane) => `i32 ${lane}`).join(', ');
  const type = `<${count} x ${element}>`;
  return {
    element,
    text: body.value(`shufflevector ${type} ${text}, ${type} ${next.text}, <${2 * count} x i32> <${picks}>`),
  };
}

/** Where a lane comes from when runs of two vectors are taken in turn, from the first half of every part. */
function interleaved(count: number, part: number, run: number, lane: number): number {
  const within = lane % part;
  const isSecond = Math.floor(within / run) % 2;
  return isSecond * count + (lane - within) + Math.floor(within / (2 * run)) * run + (within % run);
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
