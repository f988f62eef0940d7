/**
 * @file Renders kernels as gpu.js kernel source text. The text is made of table entries, numbers and indexed names alone;
 * nothing of a request reaches it.
 *
 * In: a kernel. Out: one pass, or two where a fold over much has few results: the first folds parts of it, the second the
 * parts. What a kernel reads and writes, it calls: `a0(i)` is element i of the first buffer, `o0(i, x)` writes one.
 */
import type { Expr, Fold, ScalarFn } from '../../compile/expr.ts';
import { analyse } from '../../compile/loops.ts';
import type { Kernel } from '../../compile/plan.ts';
import { reachable } from '../../compile/traverse.ts';
import type { Var } from '../../program/program.ts';
import { type DType, sizeOf, stridesOf } from '../../types.ts';
import type { NativeType } from './functions.ts';

/** What lies in a buffer: floats, integers, bools as integers, sums in two words. */
export type Element = 'f32' | 'i32' | 'bool' | 'pair';

/** A part of a kernel's work that one dispatch does. */
export interface Pass {
  /** The text of a gpu.js kernel. */
  readonly source: string;
  /** Invocations, or workgroups where `lanes` is more than 1. */
  readonly points: number;
  /** Invocations that share a point. */
  readonly lanes: number;
  readonly reads: readonly Element[];
  readonly writes: readonly Element[];
  /** What lanes exchange. */
  readonly shared: readonly Element[];
}

/** The passes of a kernel. */
export interface Rendered {
  /** With parts, it reads the kernel's inputs and writes the parts; the last pass reads the inputs, then the parts. */
  readonly passes: readonly Pass[];
  /** Elements of each buffer between two passes. */
  readonly parts: readonly { readonly element: Element; readonly size: number }[];
}

/** Invocations that fold one point together. */
export const LANES = 64;
/** A fold of at most this many elements is done by one invocation, */
const ALONE = 32;
/** and one of at most this many where there are points enough to keep a device busy. */
const ALONE_WHERE_MANY = 256;
const MANY = 16384;
/** Fewer points than this, each folding at least so many elements, are folded in parts of about that size. */
const FEW = 256;
const PART = 4096;
const MOST_PARTS = 256;

/** The kernel's dtype in storage. */
export function elementOf(dtype: DType): Element {
  switch (dtype) {
    case 'float32':
      return 'f32';
    case 'int32':
      return 'i32';
    case 'bool':
      return 'bool';
    case 'float64':
    case 'int64':
      throw new Error(`${dtype} is not stored on the gpu`);
    default:
      return dtype satisfies never;
  }
}

/** What an element is in the kernel language. */
export const NATIVE_TYPES = {
  f32: 'Number',
  i32: 'Integer',
  bool: 'Boolean',
  pair: 'Array(2)',
} as const satisfies Record<Element, NativeType>;

/**
 * A kernel as text; `reads` are the stored variables it loads, in the order of its buffers. Without `sharesFolds` each
 * point is one invocation's.
 */
export function renderKernel(kernel: Kernel, reads: readonly Var[], sharesFolds = true): Rendered {
  const { space, stores } = kernel;
  const folds = foldsOf(kernel);
  const points = sizeOf(space);
  const count = folds[0] ? sizeOf(folds[0].over) : 0;
  const inputs = reads.map(({ type }) => elementOf(type.dtype));
  const outputs = stores.map(({ target }) => elementOf(target.type.dtype));
  const { lanes, chunks, isAcross } = foldingOf(kernel, folds, points, count, sharesFolds);
  const source = (stage: Shape['stage']): string =>
    new Renderer(kernel, reads, folds, { lanes, chunks, isAcross, stage }).render();
  const accumulators = accumulatorsOf(folds);
  const shared = lanes > 1 ? accumulators : [];
  if (chunks === 1)
    return { passes: [{ source: source('whole'), points, lanes, reads: inputs, writes: outputs, shared }], parts: [] };
  const size = points * chunks;
  return {
    passes: [
      { source: source('parts'), points: size, lanes, reads: inputs, writes: accumulators, shared },
      { source: source('rest'), points, lanes, reads: [...inputs, ...accumulators], writes: outputs, shared },
    ],
    parts: accumulators.map((element) => ({ element, size })),
  };
}

/** How a fold is shared out. */
interface Folding {
  /** Invocations that fold a point, or a part of one, together. */
  readonly lanes: number;
  /** Parts that are folded before they are folded with one another. */
  readonly chunks: number;
  /** Whether neighbouring invocations fold neighbouring points, and not neighbouring elements of one. */
  readonly isAcross: boolean;
}

function foldingOf(
  kernel: Kernel,
  folds: readonly Fold[],
  points: number,
  count: number,
  sharesFolds: boolean,
): Folding {
  const alone = { lanes: 1, chunks: 1, isAcross: false };
  if (!sharesFolds || count <= ALONE || (count <= ALONE_WHERE_MANY && points >= MANY)) return alone;
  if (points >= LANES && readsAcross(kernel, folds)) {
    const chunks = Math.min(MOST_PARTS, Math.floor(count / ALONE), Math.ceil(MANY / points));
    return { lanes: 1, chunks: Math.max(1, chunks), isAcross: true };
  }
  const isLong = points < FEW && count >= 2 * PART;
  return { lanes: LANES, chunks: isLong ? Math.min(MOST_PARTS, Math.ceil(count / PART)) : 1, isAcross: false };
}

/** Whether what a fold loads lies side by side for neighbouring points, and not for neighbouring elements. */
function readsAcross(kernel: Kernel, folds: readonly Fold[]): boolean {
  const { sums } = analyse(kernel);
  const [own, over] = [kernel.space, folds[0]?.over ?? []];
  const along = own.findLastIndex((size) => size > 1);
  const folded = own.length + over.findLastIndex((size) => size > 1);
  const loads = reachable(folds.flatMap((fold) => (fold.narrow ? [fold.narrow] : fold.element))).loads;
  const steps = loads.flatMap(({ args: [offset] }) => sums.get(offset as Expr) ?? []);
  return (
    steps.some(({ coefficients: c }) => c[along] === 1 && c[folded] !== 1) &&
    !steps.some(({ coefficients: c }) => c[folded] === 1)
  );
}

function foldsOf({ stores }: Kernel): readonly Fold[] {
  return [...new Set(reachable(stores.map(({ expr }) => expr)).folds.map(({ fold }) => fold))];
}

/** What each fold holds: sums of float32 in two words, where the definition holds them in float64. */
function accumulatorsOf(folds: readonly Fold[]): Element[] {
  return folds.flatMap((fold) =>
    fold.narrow ? ['pair'] : fold.identity.map(({ dtype }) => wordOf(dtype)),
  ) as Element[];
}

/** float64 occurs in expressions as what folds hold. */
function wordOf(dtype: DType): Element {
  return dtype === 'float64' ? 'f32' : elementOf(dtype);
}

interface Shape extends Folding {
  /** All of the kernel, the folds of parts, or the fold of those and what follows. */
  readonly stage: 'whole' | 'parts' | 'rest';
}

class Renderer {
  readonly #kernel: Kernel;
  readonly #folds: readonly Fold[];
  readonly #reads: readonly Var[];
  readonly #shape: Shape;
  readonly #sources = new Map<Var, string>();
  readonly #names = new Map<Expr, string>();
  readonly #lines: string[] = [];
  #temporaries = 0;
  #indent = 1;

  constructor(kernel: Kernel, reads: readonly Var[], folds: readonly Fold[], shape: Shape) {
    this.#kernel = kernel;
    this.#folds = folds;
    this.#reads = reads;
    this.#shape = shape;
    reads.forEach((variable, i) => this.#sources.set(variable, `a${i}`));
  }

  render(): string {
    const { stores } = this.#kernel;
    const { lanes, chunks, isAcross, stage } = this.#shape;
    this.#lines.push('function () {');
    if (stage === 'parts') {
      this.#line('const p = this.thread.x;');
      const inner = isAcross ? sizeOf(this.#kernel.space) : chunks;
      const [first, second] = isAcross ? ['c', 'l'] : ['l', 'c'];
      this.#line(`const ${first} = quotient(p, ${inner});`);
      this.#line(`const ${second} = rest(p, ${inner});`);
    } else this.#line('const l = this.thread.x;');
    const { all, folds } = reachable(stores.map(({ expr }) => expr));
    const inner = reachable(this.#folds.flatMap((fold) => this.#elements(fold))).all;
    if (this.#folds.length > 0) {
      if (stage !== 'rest') {
        const varying = varyingIn(inner);
        for (const expr of inner) if (!varying.has(expr)) this.#define(expr);
      }
      const accumulators = this.#fold(inner);
      if (stage === 'parts') {
        this.#only(lanes, () => accumulators.flat().forEach((name, i) => this.#line(`o${i}(p, ${name});`)));
        return this.#end();
      }
      for (const expr of folds) this.#nameFold(expr, accumulators);
    }
    this.#only(lanes, () => {
      for (const expr of all) if (!this.#names.has(expr)) this.#define(expr);
      stores.forEach(({ expr }, i) => this.#line(`o${i}(l, ${this.#value(expr)});`));
    });
    return this.#end();
  }

  #end(): string {
    this.#lines.push('}');
    return this.#lines.join('\n');
  }

  /** What a fold takes in: of sums in two words, the element in one. */
  #elements(fold: Fold): readonly Expr[] {
    return fold.narrow ? [fold.narrow] : fold.element;
  }

  /** Statements that the first of several lanes does. */
  #only(lanes: number, body: () => void): void {
    if (lanes === 1) {
      body();
      return;
    }
    this.#line('if (lane() === 0) {');
    this.#indent++;
    body();
    this.#indent--;
    this.#line('}');
  }

  #nameFold(expr: Extract<Expr, { fn: 'fold' }>, accumulators: readonly (readonly string[])[]): void {
    const name = accumulators[this.#folds.indexOf(expr.fold)]?.[expr.index] as string;
    if (!expr.fold.narrow) {
      this.#names.set(expr, name);
      return;
    }
    const total = this.#temporary();
    this.#line(`const ${total} = total(${name});`);
    this.#names.set(expr, total);
  }

  /** All folds, in one loop; the names of their accumulators. */
  #fold(inner: readonly Expr[]): readonly (readonly string[])[] {
    const { lanes, chunks, isAcross, stage } = this.#shape;
    const over = (this.#folds[0] as Fold).over;
    const count = sizeOf(over);
    let named = 0;
    const accumulators = this.#folds.map(({ narrow, identity }) =>
      (narrow ? identity.slice(0, 1) : identity).map(() => `q${named++}`),
    );
    this.#folds.forEach((fold, f) =>
      accumulators[f]?.forEach((name, i) => {
        const identity = this.#constant(fold.identity[i] as Expr);
        this.#line(`let ${name} = ${fold.narrow ? `pair(${identity})` : identity};`);
      }),
    );
    if (stage === 'rest') {
      this.#loop('c', chunks, lanes, 1, () => {
        this.#line(`const e = ${isAcross ? `c * ${sizeOf(this.#kernel.space)} + l` : `l * ${chunks} + c`};`);
        let next = this.#reads.length;
        this.#folds.forEach((fold, f) => {
          const own = accumulators[f] as readonly string[];
          this.#merge(
            fold,
            own,
            own.map(() => `a${next++}(e)`),
          );
        });
      });
    } else {
      this.#loop('k', count, lanes, stage === 'parts' ? chunks : 1, () => {
        const before = new Map(this.#names);
        this.#foldIndices(inner, over);
        for (const expr of inner) if (!this.#names.has(expr)) this.#define(expr);
        this.#folds.forEach((fold, f) => {
          const own = accumulators[f] as readonly string[];
          const elements = this.#elements(fold).map((expr) => this.#value(expr));
          if (fold.narrow) this.#line(`${own[0]} = plus(${own[0]}, ${elements[0]});`);
          else this.#combine(fold, own, elements);
        });
        this.#names.clear();
        for (const [expr, name] of before) this.#names.set(expr, name);
      });
    }
    if (lanes > 1) this.#tree(lanes, accumulators);
    return accumulators;
  }

  /** Every `lanes`th of the counts, or of those of a part where `chunks` share them. */
  #loop(name: string, count: number, lanes: number, chunks: number, body: () => void): void {
    const stride = lanes * chunks;
    const rounds = Math.ceil(count / stride);
    if (rounds === 0) return;
    const lane = lanes > 1 ? (chunks > 1 ? `c * ${lanes} + lane()` : 'lane()') : chunks > 1 ? 'c' : '';
    this.#line(`for (let r = 0; r < ${rounds}; r++) {`);
    this.#indent++;
    this.#line(`const ${name} = ${lane === '' ? 'r' : `r * ${stride} + ${lane}`};`);
    const isRagged = count % stride !== 0;
    if (isRagged) {
      this.#line(`if (${name} < ${count}) {`);
      this.#indent++;
    }
    body();
    if (isRagged) {
      this.#indent--;
      this.#line('}');
    }
    this.#indent--;
    this.#line('}');
  }

  /** The lanes' accumulators as one, halving their number; the order is the same in every run. */
  #tree(lanes: number, accumulators: readonly (readonly string[])[]): void {
    const flat = accumulators.flat();
    for (let half = lanes / 2; half >= 1; half /= 2) {
      flat.forEach((name, i) => this.#line(`s${i}(${name});`));
      this.#line('sync();');
      let next = 0;
      this.#folds.forEach((fold, f) => {
        const own = accumulators[f] as readonly string[];
        this.#merge(
          fold,
          own,
          own.map(() => `g${next++}(${half})`),
        );
      });
      this.#line('sync();');
    }
  }

  /** Accumulators with others. */
  #merge(fold: Fold, own: readonly string[], others: readonly string[]): void {
    const named = others.map((text) => {
      const name = this.#temporary();
      this.#line(`const ${name} = ${text};`);
      return name;
    });
    if (fold.narrow) this.#line(`${own[0]} = join(${own[0]}, ${named[0]});`);
    else this.#combine(fold, own, named);
  }

  /** Accumulators with what is folded in, all at once. */
  #combine({ combine }: Fold, own: readonly string[], others: readonly string[]): void {
    const both = [...own, ...others];
    const { all } = reachable(combine);
    const before = new Map(all.map((expr) => [expr, this.#names.get(expr)]));
    // Constants apart, what a combination names is its own.
    for (const expr of all) if (expr.fn === 'acc') this.#names.set(expr, both[expr.index] as string);
    for (const expr of all) if (expr.fn !== 'acc') this.#define(expr);
    const values = combine.map((expr) => this.#value(expr));
    const parts = values.map((value) => {
      if (values.length === 1) return value;
      const name = this.#temporary();
      this.#line(`const ${name} = ${value};`);
      return name;
    });
    parts.forEach((part, i) => this.#line(`${own[i]} = ${part};`));
    for (const [expr, name] of before) {
      if (name === undefined) this.#names.delete(expr);
      else this.#names.set(expr, name);
    }
  }

  /** The indices of the space folded over that are used, from the count `k`. */
  #foldIndices(inner: readonly Expr[], over: readonly number[]): void {
    const strides = stridesOf(over);
    for (const expr of inner) {
      if (expr.fn === 'foldLinear') this.#names.set(expr, 'k');
      if (expr.fn === 'foldAxis') this.#nameIndex(expr, 'k', strides[expr.axis] as number, expr.axis === 0);
    }
  }

  #nameIndex(expr: Expr, linear: string, stride: number, isFirst: boolean): void {
    if (stride === 1 && isFirst) {
      this.#names.set(expr, linear);
      return;
    }
    const name = this.#temporary();
    const size = (expr.max as number) + 1;
    const quotient = stride === 1 ? linear : `quotient(${linear}, ${stride})`;
    this.#line(`const ${name} = ${isFirst ? quotient : `rest(${quotient}, ${size})`};`);
    this.#names.set(expr, name);
  }

  #define(expr: Expr): void {
    switch (expr.fn) {
      case 'acc':
      case 'fold':
      case 'foldAxis':
      case 'foldLinear':
        return;
      case 'linear':
        this.#names.set(expr, 'l');
        return;
      case 'axis': {
        const stride = stridesOf(this.#kernel.space)[expr.axis] as number;
        this.#nameIndex(expr, 'l', stride, expr.axis === 0);
        return;
      }
      default: {
        const name = this.#temporary();
        this.#line(`const ${name} = ${this.#text(expr)};`);
        this.#names.set(expr, name);
      }
    }
  }

  #value(expr: Expr): string {
    const name = this.#names.get(expr);
    if (name === undefined) throw new Error(`no value for ${expr.fn} here`);
    return name;
  }

  #text(expr: Expr): string {
    switch (expr.fn) {
      case 'const':
        return this.#constant(expr);
      case 'load':
        return `${this.#sources.get(expr.source)}(${this.#value(expr.args[0] as Expr)})`;
      case 'axis':
      case 'foldAxis':
      case 'linear':
      case 'foldLinear':
      case 'acc':
      case 'fold':
        throw new Error(`no value for ${expr.fn} here`);
      default: {
        const from = wordOf((expr.args[0] as Expr).dtype);
        const args = expr.args.map((arg) => this.#value(arg));
        const isIndex = expr.max !== undefined;
        if (isIndex && expr.fn === 'floordiv') return `quotient(${args.join(', ')})`;
        if (isIndex && expr.fn === 'mod') return `rest(${args.join(', ')})`;
        return scalarText(expr.fn, wordOf(expr.dtype), from, args);
      }
    }
  }

  #constant(expr: Expr): string {
    if (expr.fn !== 'const') throw new Error(`${expr.fn} is no constant`);
    const value = Number(expr.value);
    switch (wordOf(expr.dtype)) {
      case 'bool':
        return value ? 'yes()' : 'no()';
      case 'i32':
        return `int(${integerText(value)})`;
      default:
        return numberText(Math.fround(value));
    }
  }

  #temporary(): string {
    return `t${this.#temporaries++}`;
  }

  #line(text: string): void {
    this.#lines.push('  '.repeat(this.#indent) + text);
  }
}

/** What changes along a fold. */
function varyingIn(inner: readonly Expr[]): Set<Expr> {
  const varying = new Set<Expr>();
  for (const expr of inner)
    if (expr.fn === 'foldAxis' || expr.fn === 'foldLinear' || expr.args.some((arg) => varying.has(arg)))
      varying.add(expr);
  return varying;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'nan()';
  if (value === Infinity) return 'inf()';
  if (value === -Infinity) return 'negf(inf())';
  return `num(${value < 0 || Object.is(value, -0) ? `-${-value}` : value})`;
}

function integerText(value: number): string {
  if (!Number.isInteger(value)) throw new Error(`${value} is no integer`);
  return String(value);
}

/** How each function of floats is written. */
const NUMBERS = {
  neg: (x) => `negf(${x})`,
  abs: (x) => `absf(${x})`,
  sign: (x) => `sign(${x})`,
  floor: (x) => `floor(${x})`,
  ceil: (x) => `ceil(${x})`,
  round: (x) => `round(${x})`,
  sqrt: (x) => `sqrt(${x})`,
  rsqrt: (x) => `rsqrt(${x})`,
  exp: (x) => `exp(${x})`,
  expm1: (x) => `expm1(${x})`,
  log: (x) => `log(${x})`,
  log1p: (x) => `log1p(${x})`,
  sin: (x) => `sin(${x})`,
  cos: (x) => `cos(${x})`,
  tan: (x) => `tan(${x})`,
  asin: (x) => `asin(${x})`,
  acos: (x) => `acos(${x})`,
  atan: (x) => `atan(${x})`,
  sinh: (x) => `sinh(${x})`,
  cosh: (x) => `cosh(${x})`,
  tanh: (x) => `tanh(${x})`,
  erf: (x) => `erf(${x})`,
  not: (x) => `isZero(${x})`,
  add: (x, y) => `${x} + ${y}`,
  sub: (x, y) => `${x} - ${y}`,
  mul: (x, y) => `${x} * ${y}`,
  div: (x, y) => `${x} / ${y}`,
  floordiv: (x, y) => `floordiv(${x}, ${y})`,
  mod: (x, y) => `mod(${x}, ${y})`,
  pow: (x, y) => `pow(${x}, ${y})`,
  atan2: (x, y) => `atan2(${x}, ${y})`,
  min: (x, y) => `min(${x}, ${y})`,
  max: (x, y) => `max(${x}, ${y})`,
  // A comparison of a number with itself asks for NaN, which a compiler may take for impossible.
  eq: (x, y) => (x === y ? `not(isNaN(${x}))` : `eq(${x}, ${y})`),
  ne: (x, y) => (x === y ? `isNaN(${x})` : `ne(${x}, ${y})`),
  lt: (x, y) => `lt(${x}, ${y})`,
  le: (x, y) => `le(${x}, ${y})`,
  and: (x, y) => `and(numberToBool(${x}), numberToBool(${y}))`,
  or: (x, y) => `or(numberToBool(${x}), numberToBool(${y}))`,
} as const satisfies Record<Exclude<ScalarFn, 'cast' | 'select'>, (x: string, y: string) => string>;

const INTEGERS: Readonly<Partial<Record<ScalarFn, (x: string, y: string) => string>>> = {
  neg: (x) => `-${x}`,
  abs: (x) => `absi(${x})`,
  sign: (x) => `signi(${x})`,
  floor: (x) => x,
  ceil: (x) => x,
  round: (x) => x,
  add: (x, y) => `${x} + ${y}`,
  sub: (x, y) => `${x} - ${y}`,
  mul: (x, y) => `${x} * ${y}`,
  floordiv: (x, y) => `floordivi(${x}, ${y})`,
  mod: (x, y) => `modi(${x}, ${y})`,
  pow: (x, y) => `powi(${x}, ${y})`,
  min: (x, y) => `mini(${x}, ${y})`,
  max: (x, y) => `maxi(${x}, ${y})`,
  eq: (x, y) => `eqi(${x}, ${y})`,
  ne: (x, y) => `nei(${x}, ${y})`,
  lt: (x, y) => `lti(${x}, ${y})`,
  le: (x, y) => `lei(${x}, ${y})`,
};

const BOOLS: Readonly<Partial<Record<ScalarFn, (x: string, y: string) => string>>> = {
  not: (x) => `not(${x})`,
  and: (x, y) => `and(${x}, ${y})`,
  or: (x, y) => `or(${x}, ${y})`,
  eq: (x, y) => `not(differ(${x}, ${y}))`,
  ne: (x, y) => `differ(${x}, ${y})`,
  lt: (x, y) => `and(not(${x}), ${y})`,
  le: (x, y) => `or(not(${x}), ${y})`,
  min: (x, y) => `and(${x}, ${y})`,
  max: (x, y) => `or(${x}, ${y})`,
  add: (x, y) => `or(${x}, ${y})`,
  mul: (x, y) => `and(${x}, ${y})`,
  sub: (x, y) => `differ(${x}, ${y})`,
};

const BY_WORD = { f32: NUMBERS, i32: INTEGERS, bool: BOOLS, pair: {} } as const satisfies Record<
  Element,
  Readonly<Partial<Record<ScalarFn, (x: string, y: string) => string>>>
>;

/** The text of one scalar function; arguments are names, so that repeating one repeats no work. */
function scalarText(fn: ScalarFn, to: Element, from: Element, args: readonly string[]): string {
  const [x, y, z] = args as [string, string, string];
  if (fn === 'cast') return castText(x, from, to);
  if (fn === 'select') return `${to === 'f32' ? 'select' : to === 'i32' ? 'selecti' : 'selectb'}(${x}, ${y}, ${z})`;
  const render = (BY_WORD[from] as Readonly<Partial<Record<ScalarFn, (x: string, y: string) => string>>>)[fn];
  if (!render) throw new Error(`scalar function ${fn} is not defined on ${from}`);
  return render(x, y);
}

function castText(x: string, from: Element, to: Element): string {
  switch (`${from} ${to}`) {
    case 'f32 i32':
      return `toInteger(${x})`;
    case 'f32 bool':
      return `numberToBool(${x})`;
    case 'i32 f32':
      return `toNumber(${x})`;
    case 'i32 bool':
      return `integerToBool(${x})`;
    case 'bool f32':
      return `boolToNumber(${x})`;
    case 'bool i32':
      return `boolToInteger(${x})`;
    default:
      return x;
  }
}
