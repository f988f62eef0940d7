/** @file What ops that pick along one axis by tensors of positions share. */
import { z } from 'zod';
import type { Expr, Exprs } from '../compile/expr.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { isInteger, type Shape, sizeOf, type TensorType } from '../types.ts';
import { ParamMismatch, TypeMismatch } from './op.ts';
import { transpose } from './transpose.ts';

const rank = z.number().int().min(0).max(7);

/** Picks along `axis`; the first `batch_dims` axes of the tensor and of the positions run together. */
export const pickParams = z.strictObject({ axis: rank, batch_dims: rank });

/** The params of an op that picks. */
export type PickParams = z.output<typeof pickParams>;

/** The shape picked: the axis replaced by those of the positions that are no batch; throws when they do not fit. */
export function pickedShape(x: TensorType, indices: TensorType, { axis, batch_dims }: PickParams): number[] {
  if (!isInteger(indices.dtype)) throw new TypeMismatch(1, 'an integer tensor');
  const { shape } = x;
  if (axis >= shape.length) throw new ParamMismatch('axis', `axis ${axis} is out of range for rank ${shape.length}`);
  const batch = shape.slice(0, batch_dims);
  if (batch_dims > axis) throw new ParamMismatch('batch_dims', `batch_dims ${batch_dims} is more than axis ${axis}`);
  if (batch.some((size, i) => size !== indices.shape[i]))
    throw new TypeMismatch(1, `a tensor whose first axes are [${batch}]`);
  const places = indices.shape.slice(batch_dims);
  if (shape[axis] === 0 && sizeOf(places) > 0)
    throw new ParamMismatch('axis', `axis ${axis} of shape [${shape}] has no elements to index`);
  return [...shape.slice(0, axis), ...places, ...shape.slice(axis + 1)];
}

/** A position brought into 0..size-1: negative ones count from the end, then those out of range are clamped. */
export function wrappedIndex(e: Exprs, index: Expr, size: number): Expr {
  const fromEnd = e.add(index, e.const(size, index.dtype));
  return e.clampIndex(e.select(e.lt(index, e.const(0, index.dtype)), fromEnd, index), size);
}

/** The same of a number. */
export function wrapIndex(index: number, size: number): number {
  return Math.min(Math.max(index < 0 ? index + size : index, 0), size - 1);
}

/** The tensor with axis `from` moved to place `to`. */
export function moveAxis(b: Builder, x: Var, from: number, to: number): Var {
  const axes = x.type.shape.map((_, axis) => axis);
  axes.splice(to, 0, ...axes.splice(from, 1));
  return transpose(b, x, { axes });
}

/** The sizes that a pick loops over: the batch, what lies between it and the axis, the axis, and what follows it. */
export function extents(
  shape: Shape,
  { axis, batch_dims }: PickParams,
): { outer: number; middle: number; size: number; inner: number } {
  return {
    outer: sizeOf(shape.slice(0, batch_dims)),
    middle: sizeOf(shape.slice(batch_dims, axis)),
    size: shape[axis]!,
    inner: sizeOf(shape.slice(axis + 1)),
  };
}
