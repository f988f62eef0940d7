/** @file Positions in a shape, held as one index per axis, as a row-major offset, or both; each is derived when asked for. */
import { type Shape, sizeOf, stridesOf } from '../types.ts';
import type { Expr, Exprs } from './expr.ts';

/** A position in a shape. */
export interface Index {
  readonly shape: Shape;
  /** One index per axis. */
  axes(): readonly Expr[];
  /** The row-major offset. */
  linear(): Expr;
}

/** The position with these indices. */
export function indexAt(e: Exprs, shape: Shape, axes: readonly Expr[]): Index {
  let linear: Expr | undefined;
  return { shape, axes: () => axes, linear: () => (linear ??= ravel(e, shape, axes)) };
}

/** The position with this row-major offset. */
export function indexAtLinear(e: Exprs, shape: Shape, linear: Expr): Index {
  let axes: readonly Expr[] | undefined;
  return { shape, axes: () => (axes ??= unravel(e, shape, linear)), linear: () => linear };
}

/** The kernel's own position in its space. */
export function spaceIndex(e: Exprs, shape: Shape): Index {
  const axes = shape.map((size, axis) => e.axis(axis, size));
  const linear = e.linear(sizeOf(shape));
  return { shape, axes: () => axes, linear: () => linear };
}

/** The position in the space folded over. */
export function foldIndex(e: Exprs, shape: Shape): Index {
  const axes = shape.map((size, axis) => e.foldAxis(axis, size));
  const linear = e.foldLinear(sizeOf(shape));
  return { shape, axes: () => axes, linear: () => linear };
}

function ravel(e: Exprs, shape: Shape, axes: readonly Expr[]): Expr {
  const strides = stridesOf(shape);
  let linear = e.at(0);
  shape.forEach((size, axis) => {
    if (size !== 1) linear = e.add(linear, e.mul(axes[axis] as Expr, e.at(strides[axis] as number)));
  });
  return linear;
}

function unravel(e: Exprs, shape: Shape, linear: Expr): Expr[] {
  const strides = stridesOf(shape);
  return shape.map((size, axis) => e.mod(e.floordiv(linear, e.at(strides[axis] as number)), e.at(size)));
}
