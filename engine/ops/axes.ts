/** @file Axes as documents write them: one or several, counted from either end, or all. */
import { z } from 'zod';
import type { Shape } from '../types.ts';
import { ParamMismatch } from './op.ts';

/** One axis, negative ones counted from the end. */
export const axisSchema = z.number().int().min(-8).max(7);

/** Axes of an equation, counted from the front. */
export const axisIndicesSchema = z.array(z.number().int().min(0).max(7)).max(8).readonly();

/** One axis, several, or `null` for all. */
export const axesSchema = z.union([axisSchema, z.array(axisSchema).max(8).readonly(), z.null()]);

/** The params of a reduction as documents write them; `axis` and `keep_dims` are other spellings. */
export const reduceSchema = z.strictObject({
  axes: axesSchema.optional(),
  axis: axesSchema.optional(),
  keepdims: z.boolean().optional(),
  keep_dims: z.boolean().optional(),
});

/** One axis as an index from the front; throws `ParamMismatch` when there is no such axis. */
export function normalAxis(axis: number, rank: number, param = 'axis'): number {
  if (axis < -rank || axis >= rank) throw new ParamMismatch(param, `axis ${axis} is out of range for rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}

/** Axes as increasing indices from the front; throws `ParamMismatch` when one is missing or given twice. */
export function normalAxes(axes: number | readonly number[] | null | undefined, shape: Shape): number[] {
  if (axes === null || axes === undefined) return shape.map((_, axis) => axis);
  return orderedAxes(axes, shape.length).sort((a, b) => a - b);
}

/** Axes as indices from the front in the order given; throws `ParamMismatch` when one is missing or given twice. */
export function orderedAxes(axes: number | readonly number[], rank: number, param = 'axes'): number[] {
  const list = typeof axes === 'number' ? [axes] : axes;
  const normal = list.map((axis) => normalAxis(axis, rank, param));
  if (new Set(normal).size !== normal.length) throw new ParamMismatch(param, `${param} [${list}] name an axis twice`);
  return normal;
}

/** The shape with the reduced axes kept at size 1. */
export function keptShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}
