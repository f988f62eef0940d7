/**
 * @file Scalar expressions: what one element of a kernel's output is. A hash-consed graph, so that an expression that
 * occurs twice is one object and is computed once. Backends implement the functions of `SCALARS` and nothing else.
 */
import { Numbering } from '../program/numbering.ts';
import type { Var } from '../program/program.ts';
import { DTYPES, type DType } from '../types.ts';

interface ScalarRow {
  readonly arity: 1 | 2 | 3;
  /** Scalar operations it counts as in a plan's cost; measured against an addition. */
  readonly flops: number;
}

/** The closed list of scalar functions: the whole contract of a backend. */
export const SCALARS = {
  neg: { arity: 1, flops: 1 },
  abs: { arity: 1, flops: 1 },
  /** -1, 0 or 1; NaN of NaN. */
  sign: { arity: 1, flops: 1 },
  floor: { arity: 1, flops: 1 },
  ceil: { arity: 1, flops: 1 },
  /** To the nearest integer, halves to even. */
  round: { arity: 1, flops: 1 },
  sqrt: { arity: 1, flops: 4 },
  rsqrt: { arity: 1, flops: 8 },
  exp: { arity: 1, flops: 16 },
  expm1: { arity: 1, flops: 20 },
  log: { arity: 1, flops: 16 },
  log1p: { arity: 1, flops: 20 },
  sin: { arity: 1, flops: 20 },
  cos: { arity: 1, flops: 20 },
  tan: { arity: 1, flops: 24 },
  asin: { arity: 1, flops: 24 },
  acos: { arity: 1, flops: 24 },
  atan: { arity: 1, flops: 24 },
  sinh: { arity: 1, flops: 24 },
  cosh: { arity: 1, flops: 24 },
  tanh: { arity: 1, flops: 24 },
  erf: { arity: 1, flops: 32 },
  not: { arity: 1, flops: 1 },
  add: { arity: 2, flops: 1 },
  sub: { arity: 2, flops: 1 },
  mul: { arity: 2, flops: 1 },
  /** Of floats only. */
  div: { arity: 2, flops: 4 },
  /** Floor of the quotient; of integers, 0 when the divisor is 0. */
  floordiv: { arity: 2, flops: 8 },
  /** What floordiv leaves, with the divisor's sign; of integers, 0 when the divisor is 0. */
  mod: { arity: 2, flops: 8 },
  /** IEEE 754's; of integers, wrapped, and truncated for a negative power. */
  pow: { arity: 2, flops: 40 },
  atan2: { arity: 2, flops: 32 },
  /** NaN when either is. */
  min: { arity: 2, flops: 1 },
  /** NaN when either is. */
  max: { arity: 2, flops: 1 },
  eq: { arity: 2, flops: 1 },
  ne: { arity: 2, flops: 1 },
  lt: { arity: 2, flops: 1 },
  le: { arity: 2, flops: 1 },
  and: { arity: 2, flops: 1 },
  or: { arity: 2, flops: 1 },
  /** The second argument where the first is true, else the third. */
  select: { arity: 3, flops: 1 },
  /** To the expression's dtype: floats to integers truncate, anything to bool compares with 0. */
  cast: { arity: 1, flops: 1 },
} as const satisfies Record<string, ScalarRow>;

/** A scalar function of the contract. */
export type ScalarFn = keyof typeof SCALARS;

/** A fold over an index space, with expressions in the place of accumulators. */
export interface Fold {
  /** Sizes of the space folded over. */
  readonly over: readonly number[];
  readonly identity: readonly Expr[];
  /** What each step folds in. */
  readonly element: readonly Expr[];
  /** Two sets of accumulators as one: with n of them, `acc` 0 to n-1 are the left ones and n to 2n-1 the right ones. */
  readonly combine: readonly Expr[];
  /**
   * For a sum of float32 in float64: the element in float32. A backend may take sums of a few of these in float32, and
   * the sum of those in float64.
   */
  readonly narrow: Expr | undefined;
}

/** The element of a fold in float32, where the fold is a sum in float64 of float32 or of products of them. */
export function narrowSum(
  e: Exprs,
  identity: readonly Expr[],
  [element, ...others]: readonly Expr[],
  [combined]: readonly Expr[],
): Expr | undefined {
  const [zero] = identity;
  const isSum = combined?.fn === 'add' && combined.dtype === 'float64' && combined.args.every(({ fn }) => fn === 'acc');
  if (!element || others.length > 0 || !isSum || zero?.fn !== 'const' || zero.value !== 0) return undefined;
  const narrow = ({ fn, args: [x] }: Expr): Expr | undefined =>
    fn === 'cast' && x?.dtype === 'float32' ? x : undefined;
  if (element.fn !== 'mul') return narrow(element);
  const [p, q] = element.args.map(narrow);
  return p && q && e.mul(p, q);
}

/** A scalar expression. */
export type Expr = {
  /** Increasing in the order of creation: arguments have smaller ids. */
  readonly id: number;
  readonly dtype: DType;
  readonly args: readonly Expr[];
  /** For expressions that are indices: the largest value it takes; it is never negative. */
  readonly max: number | undefined;
} & (
  | { readonly fn: ScalarFn }
  | { readonly fn: 'const'; readonly value: number | bigint }
  /** The kernel's loop index along an axis of its space, or of the space folded over. */
  | { readonly fn: 'axis' | 'foldAxis'; readonly axis: number }
  /** The row-major position in the kernel's space, or in the space folded over. */
  | { readonly fn: 'linear' | 'foldLinear' }
  /** The element of a stored variable at a row-major offset, `args[0]`. */
  | { readonly fn: 'load'; readonly source: Var }
  /** Accumulator `index` of a fold's combination. */
  | { readonly fn: 'acc'; readonly index: number }
  /** The fold's accumulator `index` when it is done. */
  | { readonly fn: 'fold'; readonly fold: Fold; readonly index: number }
);

/** Makes expressions; equal ones are the same object. */
export class Exprs {
  readonly #interned = new Map<string | number, Expr>();
  readonly #variables = new Numbering<Var>();
  #count = 0;

  /** A constant of a dtype. */
  const(value: number | bigint | boolean, dtype: DType): Expr {
    const stored = dtype === 'int64' ? BigInt(value) : dtype === 'float32' ? Math.fround(Number(value)) : Number(value);
    const key = Object.is(stored, -0) ? '-0' : String(stored);
    const max = dtype === 'int32' && (stored as number) >= 0 ? (stored as number) : undefined;
    return this.#intern(`c${dtype}:${key}`, { fn: 'const', dtype, args: [], value: stored, max });
  }

  /** An index constant. */
  at(value: number): Expr {
    return this.const(value, 'int32');
  }

  /** The loop index along an axis of `size` steps. */
  axis(axis: number, size: number): Expr {
    if (size === 1) return this.at(0);
    return this.#intern(`a${axis}:${size}`, { fn: 'axis', dtype: 'int32', args: [], axis, max: size - 1 });
  }

  /** The loop index along an axis of the space folded over. */
  foldAxis(axis: number, size: number): Expr {
    if (size === 1) return this.at(0);
    return this.#intern(`r${axis}:${size}`, { fn: 'foldAxis', dtype: 'int32', args: [], axis, max: size - 1 });
  }

  /** The row-major position in a space of `size` points. */
  linear(size: number): Expr {
    if (size === 1) return this.at(0);
    return this.#intern(`l:${size}`, { fn: 'linear', dtype: 'int32', args: [], max: size - 1 });
  }

  /** The row-major position in the space folded over. */
  foldLinear(size: number): Expr {
    if (size === 1) return this.at(0);
    return this.#intern(`rl:${size}`, { fn: 'foldLinear', dtype: 'int32', args: [], max: size - 1 });
  }

  /** The element of a stored variable at a row-major offset. */
  load(source: Var, offset: Expr): Expr {
    return this.#intern(`m${this.#variables.of(source)}:${offset.id}`, {
      fn: 'load',
      dtype: source.type.dtype,
      args: [offset],
      source,
      max: undefined,
    });
  }

  /** An accumulator of a fold's combination. */
  acc(index: number, dtype: DType): Expr {
    return this.#intern(`q${index}:${dtype}`, { fn: 'acc', dtype, args: [], index, max: undefined });
  }

  /** The accumulators when a fold is done. */
  fold(fold: Fold): Expr[] {
    const parts = [fold.over.join('x'), ...[fold.identity, fold.element, fold.combine].map(ids)];
    return fold.element.map((element, index) =>
      this.#intern(`f${parts.join('|')}:${index}`, {
        fn: 'fold',
        dtype: element.dtype,
        args: [],
        fold,
        index,
        max: undefined,
      }),
    );
  }

  /** A scalar function applied; `dtype` is the result's, and must be given for `cast` alone. */
  apply(fn: ScalarFn, args: readonly Expr[], dtype = resultDtype(fn, args)): Expr {
    const simple = simplified(this, fn, args, dtype);
    if (simple) return simple;
    const [x, y] = args as [Expr, Expr | undefined];
    const key =
      args.length < 3 && this.#count < MAX_PACKED
        ? ((x.id * MAX_PACKED + (y ? y.id + 1 : 0)) * DTYPES.length + DTYPES.indexOf(dtype)) * FNS.size +
          (FNS.get(fn) as number)
        : `${fn}${dtype}:${ids(args)}`;
    return this.#intern(key, { fn, dtype, args, max: maxOf(fn, args) });
  }

  neg(x: Expr): Expr {
    return this.apply('neg', [x]);
  }
  abs(x: Expr): Expr {
    return this.apply('abs', [x]);
  }
  exp(x: Expr): Expr {
    return this.apply('exp', [x]);
  }
  log1p(x: Expr): Expr {
    return this.apply('log1p', [x]);
  }
  add(x: Expr, y: Expr): Expr {
    return this.apply('add', [x, y]);
  }
  sub(x: Expr, y: Expr): Expr {
    return this.apply('sub', [x, y]);
  }
  mul(x: Expr, y: Expr): Expr {
    return this.apply('mul', [x, y]);
  }
  div(x: Expr, y: Expr): Expr {
    return this.apply('div', [x, y]);
  }
  floordiv(x: Expr, y: Expr): Expr {
    return this.apply('floordiv', [x, y]);
  }
  mod(x: Expr, y: Expr): Expr {
    return this.apply('mod', [x, y]);
  }
  min(x: Expr, y: Expr): Expr {
    return this.apply('min', [x, y]);
  }
  max(x: Expr, y: Expr): Expr {
    return this.apply('max', [x, y]);
  }
  eq(x: Expr, y: Expr): Expr {
    return this.apply('eq', [x, y]);
  }
  ne(x: Expr, y: Expr): Expr {
    return this.apply('ne', [x, y]);
  }
  lt(x: Expr, y: Expr): Expr {
    return this.apply('lt', [x, y]);
  }
  le(x: Expr, y: Expr): Expr {
    return this.apply('le', [x, y]);
  }
  and(x: Expr, y: Expr): Expr {
    return this.apply('and', [x, y]);
  }
  or(x: Expr, y: Expr): Expr {
    return this.apply('or', [x, y]);
  }
  not(x: Expr): Expr {
    return this.apply('not', [x]);
  }
  select(condition: Expr, x: Expr, y: Expr): Expr {
    return this.apply('select', [condition, x, y]);
  }
  cast(x: Expr, dtype: DType): Expr {
    return x.dtype === dtype ? x : this.apply('cast', [x], dtype);
  }
  /** An index of any dtype brought into 0..size-1, as an index. */
  clampIndex(x: Expr, size: number): Expr {
    if (x.max !== undefined && x.max < size) return x;
    const zero = this.const(0, x.dtype);
    const last = this.const(size - 1, x.dtype);
    const clamped = this.cast(this.min(this.max(x, zero), last), 'int32');
    return this.#intern(`k${clamped.id}:${size}`, { fn: 'cast', dtype: 'int32', args: [clamped], max: size - 1 });
  }

  #intern(key: string | number, parts: Parts): Expr {
    const known = this.#interned.get(key);
    if (known) return known;
    const expr = { ...parts, id: this.#count++ } as Expr;
    this.#interned.set(key, expr);
    return expr;
  }
}

const FNS: ReadonlyMap<string, number> = new Map(Object.keys(SCALARS).map((fn, i) => [fn, i]));

/** Up to this many expressions, an application's key is one exact number; numbers are faster keys than texts. */
const MAX_PACKED = 2 ** 22;

type Parts = Expr extends infer E ? (E extends Expr ? Omit<E, 'id'> : never) : never;

function ids(exprs: readonly Expr[]): string {
  return exprs.map((expr) => expr.id).join(',');
}

function resultDtype(fn: ScalarFn, args: readonly Expr[]): DType {
  switch (fn) {
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'and':
    case 'or':
    case 'not':
      return 'bool';
    case 'select':
      return (args[1] as Expr).dtype;
    default:
      return (args[0] as Expr).dtype;
  }
}

/** The bound of an index expression, where its arguments have bounds. */
function maxOf(fn: ScalarFn, args: readonly Expr[]): number | undefined {
  const [x, y] = args.map((arg) => arg.max);
  if (x === undefined || y === undefined) return undefined;
  const divisor = constantOf(args[1] as Expr);
  switch (fn) {
    case 'add':
      return x + y;
    case 'mul':
      return x * y;
    case 'floordiv':
      return divisor ? Math.floor(x / divisor) : undefined;
    case 'mod':
      return divisor ? Math.min(x, divisor - 1) : undefined;
    default:
      return undefined;
  }
}

function constantOf(expr: Expr): number | undefined {
  return expr.fn === 'const' && typeof expr.value === 'number' ? expr.value : undefined;
}

/** The identities of index arithmetic; none of them touches floats, whose rounding is the program's business. */
function simplified(e: Exprs, fn: ScalarFn, args: readonly Expr[], dtype: DType): Expr | undefined {
  const [x, y, z] = args;
  if (fn === 'select' && x?.fn === 'const') return x.value ? y : z;
  if (fn === 'select' && y === z) return y;
  if (dtype !== 'int32' || !x || !y) return undefined;
  const a = constantOf(x);
  const b = constantOf(y);
  const bounded = x.max !== undefined && y.max !== undefined;
  switch (fn) {
    case 'add':
      if (a !== undefined && b !== undefined) return e.at((a + b) | 0);
      if (a === 0) return y;
      if (b === 0) return x;
      return bounded ? rejoined(x, y) : undefined;
    case 'sub':
      return b === 0 ? x : undefined;
    case 'mul':
      if (a !== undefined && b !== undefined) return e.at(Math.imul(a, b));
      if (a === 0 || b === 0) return e.at(0);
      if (a === 1) return y;
      return b === 1 ? x : undefined;
    case 'floordiv':
      if (!bounded || !b) return undefined;
      if (b === 1) return x;
      return (x.max as number) < b ? e.at(0) : undefined;
    case 'mod':
      if (!bounded || !b) return undefined;
      if (b === 1) return e.at(0);
      return (x.max as number) < b ? x : undefined;
    default:
      return undefined;
  }
}

/** (i div c) · c + i mod c = i. */
function rejoined(x: Expr, y: Expr): Expr | undefined {
  if (x.fn !== 'mul' || y.fn !== 'mod') return undefined;
  const [quotient, factor] = x.args;
  const [dividend, divisor] = y.args;
  return quotient?.fn === 'floordiv' &&
    quotient.args[0] === dividend &&
    quotient.args[1] === divisor &&
    factor === divisor
    ? dividend
    : undefined;
}
