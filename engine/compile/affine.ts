/**
 * @file Index expressions as sums: `constant + Σ coefficient · axis`, over the axes of a kernel's space and then those of
 * the space it folds over. What loads from neighbouring points, and which axes are one axis in storage, is read off them.
 */
import { type Shape, stridesOf } from '../types.ts';
import type { Expr } from './expr.ts';

/** A sum over the axes of both spaces. */
export interface Affine {
  /** One coefficient per axis of the space, then one per axis of the space folded over. */
  readonly coefficients: readonly number[];
  readonly constant: number;
}

/** Reads index expressions of one kernel as sums. */
export class AffineForms {
  readonly #sizes: Shape;
  readonly #split: number;
  readonly #space: readonly number[];
  readonly #over: readonly number[];
  readonly #known = new Map<Expr, Affine | undefined>();

  constructor(space: Shape, over: Shape) {
    this.#sizes = [...space, ...over];
    this.#split = space.length;
    this.#space = [...stridesOf(space), ...over.map(() => 0)];
    this.#over = [...space.map(() => 0), ...stridesOf(over)];
  }

  /** The row-major position in the space. */
  get linear(): Affine {
    return { coefficients: this.#space, constant: 0 };
  }

  /** The expression as a sum; `undefined` when it is none. */
  of(root: Expr): Affine | undefined {
    const stack = [root];
    for (let expr = stack.at(-1); expr; expr = stack.at(-1)) {
      const pending = this.#known.has(expr) ? [] : expr.args.filter((arg) => !this.#known.has(arg));
      if (pending.length > 0) {
        stack.push(...pending);
        continue;
      }
      if (!this.#known.has(expr)) this.#known.set(expr, this.#form(expr));
      stack.pop();
    }
    return this.#known.get(root);
  }

  #form(expr: Expr): Affine | undefined {
    switch (expr.fn) {
      case 'const':
        return typeof expr.value === 'number' ? this.#constant(expr.value) : undefined;
      case 'axis':
        return this.#axis(expr.axis);
      case 'foldAxis':
        return this.#axis(this.#split + expr.axis);
      case 'linear':
        return this.linear;
      case 'foldLinear':
        return { coefficients: this.#over, constant: 0 };
      case 'cast':
        return expr.dtype === 'int32' && expr.args[0]?.dtype === 'int32' ? this.#known.get(expr.args[0]) : undefined;
      case 'add':
      case 'sub':
      case 'mul':
      case 'floordiv':
      case 'mod':
        return this.#combined(expr.fn, expr.args);
      default:
        return undefined;
    }
  }

  #combined(fn: 'add' | 'sub' | 'mul' | 'floordiv' | 'mod', args: readonly Expr[]): Affine | undefined {
    const [x, y] = args.map((arg) => this.#known.get(arg));
    if (!x || !y) return undefined;
    switch (fn) {
      case 'add':
        return this.#unwrapped(sum(x, y, 1));
      case 'sub':
        return this.#unwrapped(sum(x, y, -1));
      case 'mul':
        if (!isConstant(x) && !isConstant(y)) return undefined;
        return this.#unwrapped(isConstant(x) ? scaled(y, x.constant) : scaled(x, y.constant));
      case 'floordiv':
        return isConstant(y) ? this.#divided(x, y.constant)?.quotient : undefined;
      case 'mod':
        return isConstant(y) ? this.#divided(x, y.constant)?.rest : undefined;
      default:
        return fn satisfies never;
    }
  }

  /** `x = quotient · divisor + rest` where what the divisor does not divide stays within 0 and the divisor. */
  #divided(x: Affine, divisor: number): { readonly quotient: Affine; readonly rest: Affine } | undefined {
    if (divisor <= 0) return undefined;
    const whole = Math.floor(x.constant / divisor);
    const quotient = {
      coefficients: x.coefficients.map((c) => (c % divisor === 0 ? c / divisor : 0)),
      constant: whole,
    };
    const rest = {
      coefficients: x.coefficients.map((c) => (c % divisor === 0 ? 0 : c)),
      constant: x.constant - whole * divisor,
    };
    let most = rest.constant;
    for (const [axis, c] of rest.coefficients.entries()) {
      if (c < 0) return undefined;
      most += c * Math.max(0, (this.#sizes[axis] as number) - 1);
    }
    return most < divisor ? { quotient, rest } : undefined;
  }

  /** The sum, if it is an int32 at every point: arithmetic of the client's may wrap around, and is none then. */
  #unwrapped(form: Affine): Affine | undefined {
    let [least, most] = [form.constant, form.constant];
    for (const [axis, c] of form.coefficients.entries()) {
      const last = c * Math.max(0, (this.#sizes[axis] as number) - 1);
      least += Math.min(0, last);
      most += Math.max(0, last);
    }
    return least >= -(2 ** 31) && most < 2 ** 31 ? form : undefined;
  }

  #constant(constant: number): Affine {
    return { coefficients: this.#sizes.map(() => 0), constant };
  }

  #axis(at: number): Affine {
    return { coefficients: this.#sizes.map((_, axis) => Number(axis === at)), constant: 0 };
  }
}

function isConstant({ coefficients }: Affine): boolean {
  return coefficients.every((c) => c === 0);
}

function scaled({ coefficients, constant }: Affine, factor: number): Affine {
  return { coefficients: coefficients.map((c) => c * factor), constant: constant * factor };
}

function sum(x: Affine, y: Affine, sign: 1 | -1): Affine {
  return {
    coefficients: x.coefficients.map((c, axis) => c + sign * (y.coefficients[axis] as number)),
    constant: x.constant + sign * y.constant,
  };
}
