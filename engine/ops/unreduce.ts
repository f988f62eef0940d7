/** @file What the derivative rules of reductions share. */
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { type Shape, sizeOf } from '../types.ts';
import { broadcastTo } from './broadcast-to.ts';
import { reshape } from './reshape.ts';

/** A reduced tensor repeated again along the axes that were folded away. */
export function unreduce(b: Builder, reduced: Var, shape: Shape, axes: readonly number[]): Var {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return broadcastTo(b, reshape(b, reduced, { shape: kept }), { shape });
}

/** How many elements fold into one. */
export function foldedSize(shape: Shape, axes: readonly number[]): number {
  return sizeOf(axes.map((axis) => shape[axis] as number));
}
