/** @file Numbers as params: of an equation, and as documents write them. */
import { z } from 'zod';
import { type DType, isInteger } from '../types.ts';
import { ParamMismatch } from './op.ts';

/** Any number, not finite ones too, as an equation holds it. */
export const scalarParam = z.custom<number>((value) => typeof value === 'number');

/** Any number as a document writes it; JSON has no word for those that are not finite. */
export const scalarSchema = z.union([
  z.number().min(-Number.MAX_VALUE).max(Number.MAX_VALUE),
  z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number),
  z.custom<number>((value) => typeof value === 'number' && !Number.isFinite(value)),
]);

/** Throws `ParamMismatch` when a dtype does not hold the value of a param. */
export function checkScalar(value: number, dtype: DType, param: string): void {
  const [low, high] = dtype === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : [-(2 ** 63), 2 ** 63 - 1024];
  if (isInteger(dtype) && !(Number.isInteger(value) && value >= low && value <= high))
    throw new ParamMismatch(param, `${param} ${value} is no ${dtype}`);
}
