/**
 * @file The reference backend: interprets kernels, one element at a time, in plain loops. It is the definition that the
 * other backends are compared with: every function is computed in float64 and rounded to its dtype.
 */
import type { Expr, Fold, ScalarFn } from '../compile/expr.ts';
import type { Kernel } from '../compile/plan.ts';
import { reachable } from '../compile/traverse.ts';
import { poll } from '../interrupt.ts';
import type { Var } from '../program/program.ts';
import { type DType, sizeOf, type TypedArray } from '../types.ts';
import type { Backend } from './backend.ts';
import { erf } from './erf.ts';
import { floorDivide, floorRemainder, power, powInt64, roundHalfEven, toInt32, toInt64 } from './scalar.ts';
import { stepwise } from './stepwise.ts';

/** Kernels interpreted: slow, and right by being plain. */
export const reference: Backend = stepwise({
  name: 'reference',
  tolerance: { float32: 0, float64: 0 },
  compile: (kernel, reads) => (inputs, outputs) =>
    interpret(kernel, new Map(reads.map((v, i) => [v, inputs[i] as TypedArray])), outputs),
});

type Scalar = number | bigint;

/** Where in the two spaces evaluation stands. */
interface Point {
  readonly axes: readonly number[];
  readonly linear: number;
  readonly foldAxes: readonly number[];
  readonly foldLinear: number;
  readonly accumulators: readonly Scalar[];
}

function interpret(kernel: Kernel, sources: ReadonlyMap<Var, TypedArray>, outputs: readonly TypedArray[]): void {
  const roots = kernel.stores.map(({ expr }) => expr);
  const order = reachable(roots).all;
  const size = sizeOf(kernel.space);
  for (let linear = 0; linear < size; linear++) {
    const point: Point = { axes: unravel(kernel.space, linear), linear, foldAxes: [], foldLinear: 0, accumulators: [] };
    const values = evaluateAll(order, point, sources, new Map());
    roots.forEach((root, i) => {
      (outputs[i] as TypedArray)[linear] = values.get(root) as never;
    });
  }
}

function evaluateAll(
  order: readonly Expr[],
  point: Point,
  sources: ReadonlyMap<Var, TypedArray>,
  folds: Map<Fold, readonly Scalar[]>,
): Map<Expr, Scalar> {
  const values = new Map<Expr, Scalar>();
  poll();
  for (const expr of order) values.set(expr, elementOf(expr, values, point, sources, folds));
  return values;
}

function elementOf(
  expr: Expr,
  values: ReadonlyMap<Expr, Scalar>,
  point: Point,
  sources: ReadonlyMap<Var, TypedArray>,
  folds: Map<Fold, readonly Scalar[]>,
): Scalar {
  switch (expr.fn) {
    case 'const':
      return expr.value;
    case 'axis':
      return point.axes[expr.axis] as number;
    case 'foldAxis':
      return point.foldAxes[expr.axis] as number;
    case 'linear':
      return point.linear;
    case 'foldLinear':
      return point.foldLinear;
    case 'acc':
      return point.accumulators[expr.index] as Scalar;
    case 'load': {
      const offset = values.get(expr.args[0] as Expr) as number;
      return (sources.get(expr.source) as TypedArray)[offset] as Scalar;
    }
    case 'fold': {
      const known = folds.get(expr.fold) ?? foldOver(expr.fold, point, sources);
      folds.set(expr.fold, known);
      return known[expr.index] as Scalar;
    }
    default:
      return applyScalar(
        expr.fn,
        expr.dtype,
        (expr.args[0] as Expr).dtype,
        expr.args.map((arg) => values.get(arg) as Scalar),
      );
  }
}

function foldOver(fold: Fold, point: Point, sources: ReadonlyMap<Var, TypedArray>): readonly Scalar[] {
  const order = reachable(fold.element).all;
  const combination = reachable(fold.combine).all;
  let accumulators: readonly Scalar[] = fold.identity.map((expr) => (expr as Extract<Expr, { fn: 'const' }>).value);
  const size = sizeOf(fold.over);
  for (let foldLinear = 0; foldLinear < size; foldLinear++) {
    const step: Point = { ...point, foldAxes: unravel(fold.over, foldLinear), foldLinear };
    const elements = evaluateAll(order, step, sources, new Map());
    const both = [...accumulators, ...fold.element.map((expr) => elements.get(expr) as Scalar)];
    const combined = evaluateAll(combination, { ...step, accumulators: both }, sources, new Map());
    accumulators = fold.combine.map((expr) => combined.get(expr) as Scalar);
  }
  return accumulators;
}

function unravel(shape: readonly number[], linear: number): number[] {
  const axes = new Array<number>(shape.length);
  let rest = linear;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    axes[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return axes;
}

/** A scalar function by its definition, rounded to the result's dtype. */
export function applyScalar(fn: ScalarFn, dtype: DType, from: DType, args: readonly Scalar[]): Scalar {
  if (fn === 'cast') return cast(args[0] as Scalar, from, dtype);
  if (fn === 'select') return (args[0] ? args[1] : args[2]) as Scalar;
  const value =
    from === 'int64' || from === 'int32' ? integers(fn, args.map(BigInt)) : floats(fn, args as readonly number[]);
  return rounded(value, dtype);
}

function rounded(value: Scalar | boolean, dtype: DType): Scalar {
  switch (dtype) {
    case 'bool':
      // NaN is no zero.
      return value === false || value === 0 || value === 0n ? 0 : 1;
    case 'int32':
      return Number(BigInt.asIntN(32, BigInt(value)));
    case 'int64':
      return BigInt.asIntN(64, BigInt(value));
    case 'float32':
      return Math.fround(Number(value));
    case 'float64':
      return Number(value);
    default:
      return dtype satisfies never;
  }
}

function cast(x: Scalar, from: DType, to: DType): Scalar {
  const isFloat = from === 'float32' || from === 'float64';
  if (isFloat && to === 'int32') return toInt32(x as number);
  if (isFloat && to === 'int64') return toInt64(x as number);
  return rounded(x, to);
}

function integers(fn: ScalarFn, args: readonly bigint[]): bigint | boolean {
  const [x, y] = args as [bigint, bigint];
  const remainder = (): bigint => (y === 0n ? 0n : ((x % y) + y) % y);
  switch (fn) {
    case 'neg':
      return -x;
    case 'abs':
      return x < 0n ? -x : x;
    case 'sign':
      return x > 0n ? 1n : x < 0n ? -1n : 0n;
    case 'floor':
    case 'ceil':
    case 'round':
      return x;
    case 'add':
      return x + y;
    case 'sub':
      return x - y;
    case 'mul':
      return x * y;
    case 'floordiv':
      return y === 0n ? 0n : (x - remainder()) / y;
    case 'mod':
      return remainder();
    case 'pow':
      return powInt64(x, y);
    case 'min':
      return x < y ? x : y;
    case 'max':
      return x > y ? x : y;
    case 'eq':
      return x === y;
    case 'ne':
      return x !== y;
    case 'lt':
      return x < y;
    case 'le':
      return x <= y;
    default:
      throw new Error(`scalar function ${fn} is not defined on integers`);
  }
}

function floats(fn: Exclude<ScalarFn, 'cast' | 'select'>, args: readonly number[]): number | boolean {
  const [x, y] = args as [number, number];
  switch (fn) {
    case 'neg':
      return -x;
    case 'abs':
      return Math.abs(x);
    case 'sign':
      return Math.sign(x);
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round':
      return roundHalfEven(x);
    case 'sqrt':
      return Math.sqrt(x);
    case 'rsqrt':
      return 1 / Math.sqrt(x);
    case 'exp':
      return Math.exp(x);
    case 'expm1':
      return Math.expm1(x);
    case 'log':
      return Math.log(x);
    case 'log1p':
      return Math.log1p(x);
    case 'sin':
      return Math.sin(x);
    case 'cos':
      return Math.cos(x);
    case 'tan':
      return Math.tan(x);
    case 'asin':
      return Math.asin(x);
    case 'acos':
      return Math.acos(x);
    case 'atan':
      return Math.atan(x);
    case 'sinh':
      return Math.sinh(x);
    case 'cosh':
      return Math.cosh(x);
    case 'tanh':
      return Math.tanh(x);
    case 'erf':
      return erf(x);
    case 'not':
      return !x;
    case 'add':
      return x + y;
    case 'sub':
      return x - y;
    case 'mul':
      return x * y;
    case 'div':
      return x / y;
    case 'floordiv':
      return floorDivide(x, y);
    case 'mod':
      return floorRemainder(x, y);
    case 'pow':
      return power(x, y);
    case 'atan2':
      return Math.atan2(x, y);
    case 'min':
      return Math.min(x, y);
    case 'max':
      return Math.max(x, y);
    case 'eq':
      return x === y;
    case 'ne':
      return x !== y;
    case 'lt':
      return x < y;
    case 'le':
      return x <= y;
    case 'and':
      return Boolean(x) && Boolean(y);
    case 'or':
      return Boolean(x) || Boolean(y);
    default:
      return fn satisfies never;
  }
}
