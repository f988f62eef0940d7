/** @file What routines are written with: functions, loops that begin with their body, addresses, masked vectors. */
import { BITS, Body, type Element, Lanes, type Module, type Value } from '../ir.ts';
import type { Target } from '../target.ts';

/** Adds a function without result; `linkage` is empty for what the engine calls. */
export function addFunction(
  module: Module,
  name: string,
  params: readonly string[],
  write: (body: Body) => void,
  linkage: 'internal' | '' = 'internal',
): void {
  const body = new Body(module);
  write(body);
  body.line('ret void');
  module.add(`define ${linkage}${linkage && ' '}void @${name}(${params.join(', ')}) nounwind {\nentry:\n${body}\n}`);
}

/** Bytes of an element in memory. */
export function bytesOf(element: Element): number {
  return element === 'i1' ? 1 : BITS[element] / 8;
}

/** The lanes of one register. */
export function lanesOf(body: Body, element: Element, target: Target): Lanes {
  return new Lanes(body, target.vectorBits / BITS[element], target);
}

/** Integer arithmetic on `i64`, folded where both sides are constants. */
export class Integers {
  readonly #body: Body;

  constructor(body: Body) {
    this.#body = body;
  }

  add(x: string | number, y: string | number): string {
    return this.#fold(x, y, 'add', (a, b) => a + b, 0);
  }
  sub(x: string | number, y: string | number): string {
    return this.#fold(x, y, 'sub', (a, b) => a - b, 0);
  }
  mul(x: string | number, y: string | number): string {
    if (isZero(x) || isZero(y)) return '0';
    return this.#fold(x, y, 'mul', (a, b) => a * b, 1);
  }
  /** The quotient of non-negative numbers. */
  div(x: string | number, y: number): string {
    return this.#fold(x, y, 'udiv', (a, b) => Math.floor(a / b), 1);
  }
  /** The remainder of non-negative numbers. */
  rem(x: string | number, y: number): string {
    return y === 1 ? '0' : this.#fold(x, y, 'urem', (a, b) => a % b);
  }
  min(x: string | number, y: string | number): string {
    return this.#extreme(x, y, 'slt', Math.min);
  }
  max(x: string | number, y: string | number): string {
    return this.#extreme(x, y, 'sgt', Math.max);
  }
  /** The pointer `bytes` beyond another. */
  at(pointer: string, bytes: string | number): string {
    return isZero(bytes) ? pointer : this.#body.value(`getelementptr i8, ptr ${pointer}, i64 ${bytes}`);
  }

  #fold(
    x: string | number,
    y: string | number,
    operation: string,
    compute: (x: number, y: number) => number,
    neutral?: number,
  ): string {
    if (isConstant(x) && isConstant(y)) return String(compute(Number(x), Number(y)));
    if (isConstant(y) && Number(y) === neutral) return String(x);
    return this.#body.value(`${operation} i64 ${x}, ${y}`);
  }

  #extreme(x: string | number, y: string | number, predicate: string, compute: (x: number, y: number) => number): string {
    if (isConstant(x) && isConstant(y)) return String(compute(Number(x), Number(y)));
    const isFirst = this.#body.value(`icmp ${predicate} i64 ${x}, ${y}`);
    return this.#body.value(`select i1 ${isFirst}, i64 ${x}, i64 ${y}`);
  }
}

function isConstant(x: string | number): boolean {
  return typeof x === 'number' || !x.startsWith('%');
}

function isZero(x: string | number): boolean {
  return isConstant(x) && Number(x) === 0;
}

/** A value that a loop carries from one turn to the next. */
export interface Carried {
  readonly type: string;
  readonly first: string;
}

/**
 * A loop over `first`, `first + step`, … below `end`, which is entered at least once; returns what was carried last.
 * The test is at the end, since nobody rotates loops here.
 */
export function loopOnce(
  body: Body,
  [first, end, step]: readonly [first: string | number, end: string | number, step: number],
  carried: readonly Carried[],
  each: (index: string, values: readonly string[]) => readonly string[],
): readonly string[] {
  const label = body.label();
  const from = body.block;
  body.line(`br label %${label}`);
  body.begin(label);
  const index = body.name();
  const values = carried.map(() => body.name());
  const phis = [index, ...values].map(() => body.reserve());
  const next = each(index, values);
  const nextIndex = body.value(`add nsw i64 ${index}, ${step}`);
  const last = body.block;
  const phi = (name: string, type: string, begin: string | number, again: string): string =>
    `${name} = phi ${type} [ ${begin}, %${from} ], [ ${again}, %${last} ]`;
  phis[0]!(phi(index, 'i64', first, nextIndex));
  for (const [i, { type, first }] of carried.entries()) phis[i + 1]!(phi(values[i]!, type, first, next[i]!));
  const exit = body.label();
  const again = body.value(`icmp slt i64 ${nextIndex}, ${end}`);
  body.line(`br i1 ${again}, label %${label}, label %${exit}`);
  body.begin(exit);
  return next;
}

/** A loop over `first`, `first + step`, … below `end`, perhaps none. */
export function loop(
  body: Body,
  first: string | number,
  end: string | number,
  step: number,
  each: (index: string) => void,
): void {
  if (isConstant(first) && isConstant(end)) {
    const [from, to] = [Number(first), Number(end)];
    if (from >= to) return;
    if (from + step >= to) each(String(from));
    else loopOnce(body, [from, to, step], [], (index) => (each(index), []));
    return;
  }
  when(body, body.value(`icmp slt i64 ${first}, ${end}`), () => {
    loopOnce(body, [first, end, step], [], (index) => (each(index), []));
  });
}

/** What is done only where the `i1` is set. */
export function when(body: Body, condition: string, then: () => void): void {
  const [yes, after] = [body.label(), body.label()];
  body.line(`br i1 ${condition}, label %${yes}, label %${after}`);
  body.begin(yes);
  then();
  body.line(`br label %${after}`);
  body.begin(after);
}

/** Loads and stores of whole vectors and of their first lanes. */
export class Memory {
  readonly lanes: Lanes;

  constructor(lanes: Lanes) {
    this.lanes = lanes;
  }

  load(element: Element, pointer: string): Value {
    const text = `load ${this.lanes.type(element)}, ptr ${pointer}, align ${bytesOf(element)}`;
    return { element, text: this.lanes.body.value(text) };
  }

  store(value: Value, pointer: string): void {
    this.lanes.body.line(
      `store ${this.lanes.type(value.element)} ${value.text}, ptr ${pointer}, align ${bytesOf(value.element)}`,
    );
  }

  /** A mask of the lanes below `count`, an `i32`. */
  firstLanes(count: string): Value {
    const { lanes } = this;
    return lanes.compare('lt', lanes.each('i32', (lane) => lane), lanes.splat('i32', count));
  }

  /** The lanes of the mask; zeros in the others, whose memory is not touched. */
  loadMasked(element: Element, pointer: string, mask: Value): Value {
    const { body } = this.lanes;
    const type = this.lanes.type(element);
    const name = `@llvm.masked.load.${this.lanes.suffix(element)}.p0`;
    const maskType = this.lanes.type('i1');
    body.module.declare(`${type} ${name}(ptr, i32, ${maskType}, ${type})`);
    const args = `ptr ${pointer}, i32 ${bytesOf(element)}, ${maskType} ${mask.text}, ${type} zeroinitializer`;
    return { element, text: body.value(`call ${type} ${name}(${args})`) };
  }

  storeMasked(value: Value, pointer: string, mask: Value): void {
    const { body } = this.lanes;
    const type = this.lanes.type(value.element);
    const name = `@llvm.masked.store.${this.lanes.suffix(value.element)}.p0`;
    const maskType = this.lanes.type('i1');
    body.module.declare(`void ${name}(${type}, ptr, i32, ${maskType})`);
    const args = `${type} ${value.text}, ptr ${pointer}, i32 ${bytesOf(value.element)}, ${maskType} ${mask.text}`;
    body.line(`call void ${name}(${args})`);
  }
}
