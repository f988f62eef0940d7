/** @file Shapes as documents write them: a list of sizes, or one size. */
import { z } from 'zod';
import { shapeSchema } from '../program/document.ts';
import type { Shape } from '../types.ts';

/** A size along one axis. */
export const sizeSchema = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);

/** Steps along axes, such as strides and dilations. */
export const stepsSchema = z.array(sizeSchema.min(1)).max(8).readonly();

/** A shape, or the size of a vector. */
export const shapeOrSizeSchema = z.union([sizeSchema, shapeSchema]);

/** The sizes of a shape as a document writes it. */
export function sizesFrom(shape: number | Shape): Shape {
  return typeof shape === 'number' ? [shape] : shape;
}
