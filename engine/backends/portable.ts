/**
 * @file The portable backend: renders kernels as JavaScript. The text is made of table entries, numbers and indexed
 * names alone; nothing of a request reaches it. This is the only file that makes code from text.
 */
import { setFlagsFromString } from 'node:v8';
import type { Expr, Fold, ScalarFn } from '../compile/expr.ts';
import type { Kernel } from '../compile/plan.ts';
import { reachable } from '../compile/traverse.ts';
import { poll } from '../interrupt.ts';
import { LruCache } from '../lru.ts';
import type { Var } from '../program/program.ts';
import { type DType, sizeOf } from '../types.ts';
import type { Backend } from './backend.ts';
import { erf } from './erf.ts';
import { floorDivide, floorRemainder, power, powInt32, powInt64, roundHalfEven, toInt32, toInt64 } from './scalar.ts';
import { type Code, stepwise } from './stepwise.ts';

/** JavaScript kernels on typed arrays: works on any machine. */
export const portable: Backend = stepwise({
  name: 'portable',
  tolerance: { float32: 0, float64: 0 },
  compile: (kernel, reads) => compile(renderKernel(kernel, reads)),
});

/** What kernels may call beside Math and BigInt. */
const HELPERS = {
  poll,
  fround: Math.fround,
  erf,
  floorDivide,
  floorRemainder,
  power,
  powInt32,
  powInt64,
  roundHalfEven,
  toInt32,
  toInt64,
};

// V8 remembers all text that code was made of, and the code with it, until several collections of its whole heap have
// passed; each comes later than the last where that makes the heap grow. What is worth remembering is remembered here.
setFlagsFromString('--no-compilation-cache');

/** The same kernel occurs in many plans: scalar losses, bias gradients. */
const compiled = new LruCache<Code>(2 ** 22);

/** Code takes so many times as much as its text. */
const COMPILED = 4;

function compile(text: string): Code {
  const make = (): Code => new Function(...Object.keys(HELPERS), `return ${text}`)(...Object.values(HELPERS)) as Code;
  return compiled.get(text, make, () => COMPILED * text.length).value;
}

/** A kernel as the text of a JavaScript function. */
export function renderKernel(kernel: Kernel, reads: readonly Var[]): string {
  return new Renderer(kernel, reads).render();
}

/** A loop nest under construction: statements by the depth at which their operands are known. */
class Renderer {
  readonly #kernel: Kernel;
  readonly #names = new Map<Expr, string>();
  readonly #sources = new Map<Var, string>();
  readonly #lines: string[] = [];
  #temporaries = 0;
  #indent = 1;
  #watch: Watch | undefined;

  constructor(kernel: Kernel, reads: readonly Var[]) {
    this.#kernel = kernel;
    reads.forEach((variable, i) => this.#sources.set(variable, `a${i}`));
  }

  render(): string {
    const { space, stores } = this.#kernel;
    this.#lines.push('(inputs, outputs) => {');
    for (const name of this.#sources.values()) this.#line(`const ${name} = inputs[${name.slice(1)}];`);
    stores.forEach((_, i) => this.#line(`const o${i} = outputs[${i}];`));
    if (!space.includes(0)) this.#body();
    this.#lines.push('}');
    return this.#lines.join('\n');
  }

  #body(): void {
    const { space, stores } = this.#kernel;
    const { all, folds } = reachable(stores.map(({ expr }) => expr));
    const fold = folds[0]?.fold;
    const inner = fold
      ? reachable(folds.flatMap(({ fold: { element, combine } }) => [...element, ...combine])).all
      : [];
    const everything = [...new Set([...all, ...inner])].sort((a, b) => a.id - b.id);
    const outer = nest(space, everything, 'axis', 'linear', 'i', 'l');
    const folded = fold ? nest(fold.over, everything, 'foldAxis', 'foldLinear', 'r', 'k') : undefined;
    const depths = depthsOf(everything, outer, folded);
    this.#watch = watchOf(this.#kernel, everything.length, [...outer.loops, ...(folded?.loops ?? [])]);
    const afterFold = new Set(all);
    const emit = (depth: number, which: readonly Expr[]): void => {
      for (const expr of which) if (depths.get(expr) === depth && !this.#names.has(expr)) this.#define(expr);
    };
    const innermost = outer.loops.length;
    // Before and inside the space's loops: whatever is known at each depth and needs no fold.
    this.#counters(outer);
    emit(0, everything);
    outer.loops.forEach((loop, depth) => {
      this.#open(loop);
      emit(depth + 1, everything);
    });
    if (fold && folded) {
      const foldSet = [...new Map(folds.map((expr) => [expr.fold, expr.fold])).values()];
      const accumulators = foldSet.map((each, f) => each.identity.map((_, i) => `q${f}_${i}`));
      foldSet.forEach((each, f) =>
        each.identity.forEach((identity, i) => this.#line(`let ${accumulators[f]?.[i]} = ${this.#value(identity)};`)),
      );
      for (const expr of folds) this.#names.set(expr, accumulators[foldSet.indexOf(expr.fold)]?.[expr.index] as string);
      this.#counters(folded);
      folded.loops.forEach((loop, depth) => {
        this.#open(loop);
        if (depth < folded.loops.length - 1) emit(innermost + depth + 1, inner);
      });
      foldSet.forEach((each, f) => this.#step(each, accumulators[f] as readonly string[]));
      this.#close(folded);
      // What follows the fold in the same iteration.
      for (const expr of all) if (!this.#names.has(expr) && afterFold.has(expr)) this.#define(expr);
    }
    stores.forEach(({ expr }, i) => this.#line(`o${i}[${outer.position}] = ${this.#value(expr)};`));
    this.#close(outer);
  }

  /** One step of a fold: the expressions it folds in, then all accumulators at once. */
  #step({ element, combine }: Fold, accumulators: readonly string[]): void {
    for (const expr of reachable(element).all) if (!this.#names.has(expr)) this.#define(expr);
    const both = [...accumulators, ...element.map((expr) => this.#value(expr))];
    const bound = new Map<Expr, string>();
    const { all } = reachable(combine);
    for (const expr of all) if (expr.fn === 'acc') bound.set(expr, both[expr.index] as string);
    const outerNames = new Map<Expr, string | undefined>();
    for (const [expr, name] of bound) {
      outerNames.set(expr, this.#names.get(expr));
      this.#names.set(expr, name);
    }
    const local: Expr[] = [];
    for (const expr of all)
      if (!this.#names.has(expr)) {
        this.#define(expr);
        local.push(expr);
      }
    const values = combine.map((expr) => this.#value(expr));
    if (values.length === 1) this.#line(`${accumulators[0]} = ${values[0]};`);
    else {
      const parts = values.map((value) => {
        const name = `t${this.#temporaries++}`;
        this.#line(`const ${name} = ${value};`);
        return name;
      });
      parts.forEach((part, i) => this.#line(`${accumulators[i]} = ${part};`));
    }
    // Expressions over an accumulator belong to this fold alone.
    for (const expr of local) if (dependsOnAcc(expr)) this.#names.delete(expr);
    for (const [expr, name] of outerNames) {
      if (name === undefined) this.#names.delete(expr);
      else this.#names.set(expr, name);
    }
  }

  #counters(loops: Nest): void {
    if (loops.counter && loops.loops.length > 0) this.#line(`let ${loops.counter} = 0;`);
    if (loops.linear) this.#names.set(loops.linear, loops.position);
    for (const { expr, name } of loops.loops) if (expr) this.#names.set(expr, name);
  }

  #open(loop: Loop): void {
    const { name, size } = loop;
    this.#line(`for (let ${name} = 0; ${name} < ${size}; ${name}++) {`);
    this.#indent++;
    if (this.#watch?.loop !== loop) return;
    const { every, operations } = this.#watch;
    this.#line(`${every === 1 ? '' : `if ((${name} & ${every - 1}) === 0) `}poll(${operations});`);
  }

  #close(loops: Nest): void {
    loops.loops.forEach((_, depth) => {
      if (depth === 0 && loops.counter) this.#line(`${loops.counter}++;`);
      this.#indent--;
      this.#line('}');
    });
  }

  #define(expr: Expr): void {
    if (expr.fn === 'const' || expr.fn === 'acc' || expr.fn === 'fold') return;
    const text = this.#text(expr);
    const name = `t${this.#temporaries++}`;
    this.#line(`const ${name} = ${text};`);
    this.#names.set(expr, name);
  }

  #value(expr: Expr): string {
    const name = this.#names.get(expr);
    if (name !== undefined) return name;
    if (expr.fn === 'const') return literal(expr.value);
    return this.#text(expr);
  }

  #text(expr: Expr): string {
    switch (expr.fn) {
      case 'const':
        return literal(expr.value);
      case 'load':
        return `${this.#sources.get(expr.source)}[${this.#value(expr.args[0] as Expr)}]`;
      case 'axis':
      case 'foldAxis':
      case 'linear':
      case 'foldLinear':
      case 'acc':
      case 'fold':
        throw new Error(`no value for ${expr.fn} here`);
      default:
        return scalarText(
          expr.fn,
          expr.dtype,
          (expr.args[0] as Expr).dtype,
          expr.args.map((arg) => this.#value(arg)),
        );
    }
  }

  #line(text: string): void {
    poll();
    this.#lines.push('  '.repeat(this.#indent) + text);
  }
}

interface Loop {
  readonly name: string;
  readonly size: number;
  readonly expr: Expr | undefined;
}

/** The loops over a space: one per axis where an axis index is used, else one flat loop. */
interface Nest {
  readonly loops: readonly Loop[];
  /** The text of the row-major position. */
  readonly position: string;
  /** The running position's name, where loops are per axis. */
  readonly counter: string | undefined;
  readonly linear: Expr | undefined;
}

/** The loop of a long kernel that polls, in one turn of so many, and the operations between two polls. */
interface Watch {
  readonly loop: Loop;
  readonly every: number;
  readonly operations: number;
}

/** Operations of a kernel from which it polls, and those that it does between two polls at least. */
const LONG = 2 ** 20;
const BETWEEN = 2 ** 14;

/** The outermost loop whose turns are short polls, now and then; a kernel that is soon done does not. */
function watchOf({ space, flops }: Kernel, expressions: number, loops: readonly Loop[]): Watch | undefined {
  const turns = sizeOf(loops.map(({ size }) => size));
  let inside = flops + expressions * sizeOf(space) + turns;
  if (inside < LONG) return undefined;
  for (const loop of loops) {
    inside /= loop.size;
    if (inside >= LONG / 4) continue;
    const every = 2 ** Math.max(0, Math.ceil(Math.log2(BETWEEN / inside)));
    return { loop, every, operations: Math.ceil(every * inside) };
  }
  return undefined;
}

function nest(
  space: readonly number[],
  exprs: readonly Expr[],
  axisFn: 'axis' | 'foldAxis',
  linearFn: 'linear' | 'foldLinear',
  axisName: string,
  linearName: string,
): Nest {
  const axes = exprs.filter((expr) => expr.fn === axisFn);
  const linear = exprs.find((expr) => expr.fn === linearFn);
  const size = sizeOf(space);
  if (size === 1) return { loops: [], position: '0', counter: undefined, linear };
  if (axes.length === 0)
    return { loops: [{ name: linearName, size, expr: linear }], position: linearName, counter: undefined, linear };
  const loops = space.flatMap((extent, axis): Loop[] =>
    extent === 1
      ? []
      : [{ name: `${axisName}${axis}`, size: extent, expr: axes.find((expr) => 'axis' in expr && expr.axis === axis) }],
  );
  return { loops, position: linearName, counter: linearName, linear };
}

/** The number of loops, outermost first, that must be open before an expression has a value. */
function depthsOf(exprs: readonly Expr[], outer: Nest, folded: Nest | undefined): Map<Expr, number> {
  const depths = new Map<Expr, number>();
  const inside = outer.loops.length;
  const all = inside + (folded?.loops.length ?? 0);
  outer.loops.forEach(({ expr }, depth) => expr && depths.set(expr, depth + 1));
  folded?.loops.forEach(({ expr }, depth) => expr && depths.set(expr, inside + depth + 1));
  for (const expr of exprs) {
    if (depths.has(expr)) continue;
    if (expr.fn === 'linear') depths.set(expr, inside);
    // A fold's result is known after the loops that no statement may be placed before: it is defined there.
    else if (expr.fn === 'fold') depths.set(expr, all + 1);
    else if (expr.fn === 'foldLinear' || expr.fn === 'acc') depths.set(expr, all + 1);
    else
      depths.set(
        expr,
        expr.args.reduce((depth, arg) => Math.max(depth, depths.get(arg) ?? 0), 0),
      );
  }
  return depths;
}

function dependsOnAcc(expr: Expr): boolean {
  return reachable([expr]).all.some(({ fn }) => fn === 'acc');
}

function literal(value: number | bigint): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Number.isNaN(value)) return 'NaN';
  if (Object.is(value, -0)) return '(-0)';
  return value < 0 ? `(${value})` : String(value);
}

/** How each function is written for the number types; integers and rounding are dealt with around it. */
const NUMBER = {
  neg: (x) => `-${x}`,
  abs: (x) => `Math.abs(${x})`,
  sign: (x) => `Math.sign(${x})`,
  floor: (x) => `Math.floor(${x})`,
  ceil: (x) => `Math.ceil(${x})`,
  round: (x) => `roundHalfEven(${x})`,
  sqrt: (x) => `Math.sqrt(${x})`,
  rsqrt: (x) => `1 / Math.sqrt(${x})`,
  exp: (x) => `Math.exp(${x})`,
  expm1: (x) => `Math.expm1(${x})`,
  log: (x) => `Math.log(${x})`,
  log1p: (x) => `Math.log1p(${x})`,
  sin: (x) => `Math.sin(${x})`,
  cos: (x) => `Math.cos(${x})`,
  tan: (x) => `Math.tan(${x})`,
  asin: (x) => `Math.asin(${x})`,
  acos: (x) => `Math.acos(${x})`,
  atan: (x) => `Math.atan(${x})`,
  sinh: (x) => `Math.sinh(${x})`,
  cosh: (x) => `Math.cosh(${x})`,
  tanh: (x) => `Math.tanh(${x})`,
  erf: (x) => `erf(${x})`,
  not: (x) => `1 - ${x}`,
  add: (x, y) => `${x} + ${y}`,
  sub: (x, y) => `${x} - ${y}`,
  mul: (x, y) => `${x} * ${y}`,
  div: (x, y) => `${x} / ${y}`,
  floordiv: (x, y) => `floorDivide(${x}, ${y})`,
  mod: (x, y) => `floorRemainder(${x}, ${y})`,
  pow: (x, y) => `power(${x}, ${y})`,
  atan2: (x, y) => `Math.atan2(${x}, ${y})`,
  min: (x, y) => `Math.min(${x}, ${y})`,
  max: (x, y) => `Math.max(${x}, ${y})`,
  eq: (x, y) => `${x} === ${y} ? 1 : 0`,
  ne: (x, y) => `${x} !== ${y} ? 1 : 0`,
  lt: (x, y) => `${x} < ${y} ? 1 : 0`,
  le: (x, y) => `${x} <= ${y} ? 1 : 0`,
  and: (x, y) => `${x} & ${y}`,
  or: (x, y) => `${x} | ${y}`,
  select: (c, x, y) => `${c} ? ${x} : ${y}`,
} as const satisfies Record<Exclude<ScalarFn, 'cast'>, (x: string, y: string, z: string) => string>;

const BIGINT: Partial<Record<ScalarFn, (x: string, y: string) => string>> = {
  abs: (x) => `${x} < 0n ? -${x} : ${x}`,
  sign: (x) => `${x} > 0n ? 1n : ${x} < 0n ? -1n : 0n`,
  floor: (x) => x,
  ceil: (x) => x,
  round: (x) => x,
  floordiv: (x, y) => `${y} === 0n ? 0n : (${x} - ((${x} % ${y} + ${y}) % ${y})) / ${y}`,
  mod: (x, y) => `${y} === 0n ? 0n : (${x} % ${y} + ${y}) % ${y}`,
  pow: (x, y) => `powInt64(${x}, ${y})`,
  min: (x, y) => `${x} < ${y} ? ${x} : ${y}`,
  max: (x, y) => `${x} > ${y} ? ${x} : ${y}`,
};

const INT32: Partial<Record<ScalarFn, (x: string, y: string) => string>> = {
  mul: (x, y) => `Math.imul(${x}, ${y})`,
  pow: (x, y) => `powInt32(${x}, ${y})`,
  floordiv: (x, y) => `${y} === 0 ? 0 : Math.floor(${x} / ${y})`,
  mod: (x, y) => `${y} === 0 ? 0 : (${x} % ${y} + ${y}) % ${y}`,
};

const ROUNDED: Record<DType, (text: string) => string> = {
  bool: (text) => `(${text})`,
  int32: (text) => `((${text}) | 0)`,
  int64: (text) => `BigInt.asIntN(64, ${text})`,
  float32: (text) => `fround(${text})`,
  float64: (text) => `(${text})`,
};

/** The JavaScript of one scalar function; arguments are names or literals, so that repeating one repeats no work. */
function scalarText(fn: ScalarFn, dtype: DType, from: DType, args: readonly string[]): string {
  const [x, y, z] = args as [string, string, string];
  if (fn === 'cast') return castText(x, from, dtype);
  const special = from === 'int64' ? BIGINT[fn] : from === 'int32' ? INT32[fn] : undefined;
  const text = special ? special(x, y) : NUMBER[fn](x, y, z);
  // These return one of their arguments, which is of the dtype already.
  if (fn === 'select' || fn === 'min' || fn === 'max') return `(${text})`;
  return ROUNDED[dtype](text);
}

function castText(x: string, from: DType, to: DType): string {
  if (from === to) return x;
  const isBig = from === 'int64';
  switch (to) {
    case 'bool':
      return `(${x} ${isBig ? '!== 0n' : '!== 0'} ? 1 : 0)`;
    case 'int32':
      return isBig ? `Number(BigInt.asIntN(32, ${x}))` : from === 'bool' ? x : `toInt32(${x})`;
    case 'int64':
      return from === 'float32' || from === 'float64' ? `toInt64(${x})` : `BigInt(${x})`;
    case 'float32':
      return isBig ? `fround(Number(${x}))` : `fround(${x})`;
    case 'float64':
      return isBig ? `Number(${x})` : x;
    default:
      return to satisfies never;
  }
}
