/** @file What routines are written with: functions, loops that begin with their body, addresses, masked vectors. */
import type { DType } from '../../../types.ts';
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
  /** The difference of an `i32` and a number. */
  sub32(x: string, y: number): string {
    return y === 0 ? x : this.#body.value(`sub i32 ${x}, ${y}`);
  }
  /** The same number as an `i32`. */
  narrow(x: string): string {
    return isConstant(x) ? x : this.#body.value(`trunc i64 ${x} to i32`);
  }
  /** The quotient of non-negative numbers. */
  div(x: string | number, y: number): string {
    return this.#fold(x, y, 'udiv', (a, b) => Math.floor(a / b), 1);
  }
  /** The remainder of non-negative numbers. */
  rem(x: string | number, y: number): string {
    return y === 1 ? '0' : this.#fold(x, y, 'urem', (a, b) => a % b);
  }
  /** Remainder and quotient of a non-negative number. */
  divide(x: string, y: number): readonly [remainder: string, quotient: string] {
    return [this.rem(x, y), this.div(x, y)];
  }
  /** Whether two numbers are equal, an `i1`. */
  equal(x: string, y: number): string {
    return this.#body.value(`icmp eq i64 ${x}, ${y}`);
  }
  /** One of two numbers. */
  pick(condition: string, x: string | number, y: string | number): string {
    return this.#body.value(`select i1 ${condition}, i64 ${x}, i64 ${y}`);
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

  #extreme(
    x: string | number,
    y: string | number,
    predicate: string,
    compute: (x: number, y: number) => number,
  ): string {
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

type Range = readonly [first: string | number, end: string | number, step: number];
type Turn = (index: string, values: readonly string[]) => readonly string[];

/**
 * A loop over `first`, `first + step`, … below `end`, which is entered at least once; returns what was carried last.
 * The test is at the end, since nobody rotates loops here.
 */
export function loopOnce(body: Body, range: Range, carried: readonly Carried[], each: Turn): readonly string[] {
  const [, end] = range;
  const again = body.label();
  const { index, values, close } = openLoop(body, again, range, carried);
  const next = each(index, values);
  const exit = body.label();
  const isBelow = body.value(`icmp slt i64 ${close(next)}, ${end}`);
  body.line(`br i1 ${isBelow}, label %${again}, label %${exit}`);
  body.begin(exit);
  return next;
}

/** The same for a loop that may have no turn. */
export function loopWhile(body: Body, range: Range, carried: readonly Carried[], each: Turn): readonly string[] {
  const [, end] = range;
  const again = body.label();
  const { index, values, close } = openLoop(body, again, range, carried);
  const [turn, exit] = [body.label(), body.label()];
  const isBelow = body.value(`icmp slt i64 ${index}, ${end}`);
  body.line(`br i1 ${isBelow}, label %${turn}, label %${exit}`);
  body.begin(turn);
  close(each(index, values));
  body.line(`br label %${again}`);
  body.begin(exit);
  return values;
}

/** The head of a loop: what it counts and carries. `close` counts on, and returns the next index. */
function openLoop(
  body: Body,
  label: string,
  [first, , step]: Range,
  carried: readonly Carried[],
): { index: string; values: readonly string[]; close(next: readonly string[]): string } {
  const from = body.block;
  body.line(`br label %${label}`);
  body.begin(label);
  const index = body.name();
  const values = carried.map(() => body.name());
  const phis = [index, ...values].map(() => body.reserve());
  const close = (next: readonly string[]): string => {
    const nextIndex = body.value(`add nsw i64 ${index}, ${step}`);
    const phi = (name: string, type: string, begin: string | number, again: string): string =>
      `${name} = phi ${type} [ ${begin}, %${from} ], [ ${again}, %${body.block} ]`;
    phis[0]!(phi(index, 'i64', first, nextIndex));
    for (const [i, { type, first }] of carried.entries()) phis[i + 1]!(phi(values[i]!, type, first, next[i]!));
    return nextIndex;
  };
  return { index, values, close };
}

/** A loop over `first`, `first + step`, … below `end`, perhaps none. */
export function loop(
  body: Body,
  first: string | number,
  end: string | number,
  step: number,
  each: (index: string) => void,
): void {
  const turn: Turn = (index) => {
    each(index);
    return [];
  };
  if (isConstant(first) && isConstant(end)) {
    const [from, to] = [Number(first), Number(end)];
    if (from >= to) return;
    if (from + step >= to) each(String(from));
    else loopOnce(body, [from, to, step], [], turn);
    return;
  }
  when(body, body.value(`icmp slt i64 ${first}, ${end}`), () => {
    loopOnce(body, [first, end, step], [], turn);
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

/** Loads and stores of vectors; with a mask, of the lanes it has set. */
export class Memory {
  readonly lanes: Lanes;
  readonly #mask: Value | undefined;

  constructor(lanes: Lanes, mask?: Value) {
    this.lanes = lanes;
    this.#mask = mask;
  }

  /** Bytes of a vector. */
  vectorBytes(element: Element): number {
    return this.lanes.count * bytesOf(element);
  }

  /** The same for the lanes below `count`, an `i32`. */
  first(count: string | number): Memory {
    const { lanes } = this;
    const places = lanes.each('i32', (lane) => lane);
    const counts = typeof count === 'number' ? lanes.const('i32', count) : lanes.splat('i32', count);
    return new Memory(lanes, lanes.compare('lt', places, counts));
  }

  /** The vector at an address; zeros in lanes that are masked out, whose memory is not touched. */
  load(element: Element, pointer: string): Value {
    const { body } = this.lanes;
    const type = this.lanes.type(element);
    const align = bytesOf(element);
    if (!this.#mask) return { element, text: body.value(`load ${type}, ptr ${pointer}, align ${align}`) };
    const mask = this.lanes.type('i1');
    const name = `@llvm.masked.load.${this.lanes.suffix(element)}.p0`;
    body.module.declare(`${type} ${name}(ptr, i32, ${mask}, ${type})`);
    const args = `ptr ${pointer}, i32 ${align}, ${mask} ${this.#mask.text}, ${type} zeroinitializer`;
    return { element, text: body.value(`call ${type} ${name}(${args})`) };
  }

  store({ element, text }: Value, pointer: string): void {
    const { body } = this.lanes;
    const type = this.lanes.type(element);
    const align = bytesOf(element);
    if (!this.#mask) {
      body.line(`store ${type} ${text}, ptr ${pointer}, align ${align}`);
      return;
    }
    const mask = this.lanes.type('i1');
    const name = `@llvm.masked.store.${this.lanes.suffix(element)}.p0`;
    body.module.declare(`void ${name}(${type}, ptr, i32, ${mask})`);
    body.line(`call void ${name}(${type} ${text}, ptr ${pointer}, i32 ${align}, ${mask} ${this.#mask.text})`);
  }
}

/**
 * The vectors of `count` elements in a row, and what is left: under a mask where the processor has masks, else one by
 * one.
 */
export function eachVector(
  body: Body,
  element: Element,
  count: string | number,
  target: Target,
  each: (memory: Memory, index: string) => void,
): void {
  const integers = new Integers(body);
  const memory = new Memory(lanesOf(body, element, target));
  const lanes = memory.lanes.count;
  const whole = integers.mul(integers.div(count, lanes), lanes);
  loop(body, '0', whole, lanes, (index) => each(memory, index));
  if (!target.masks) {
    loop(body, whole, count, 1, (index) => each(new Memory(new Lanes(body, 1, target)), index));
    return;
  }
  const left = integers.sub(count, whole);
  const last = (): void => each(memory.first(integers.narrow(left)), whole);
  if (!isConstant(left)) when(body, body.value(`icmp sgt i64 ${left}, 0`), last);
  else if (!isZero(left)) last();
}

/** Elements of a unit of a phase that does little with each. */
export const UNIT_ELEMENTS = 1 << 12;

/** The `size` elements of a buffer that lie in the units `%begin` to `%end - 1`, by where they are in bytes. */
export function eachElement(
  body: Body,
  element: Element,
  size: number,
  target: Target,
  each: (memory: Memory, offset: string) => void,
): void {
  const integers = new Integers(body);
  const first = integers.mul('%begin', UNIT_ELEMENTS);
  const end = integers.min(integers.mul('%end', UNIT_ELEMENTS), size);
  eachVector(body, element, integers.sub(end, first), target, (memory, index) =>
    each(memory, integers.mul(integers.add(first, index), bytesOf(element))),
  );
}

/** The type of a dtype's elements in registers, for those that routines compute with. */
export const ELEMENTS = {
  float32: 'float',
  float64: 'double',
  int32: 'i32',
  int64: 'i64',
  bool: undefined,
} as const satisfies Record<DType, Element | undefined>;
