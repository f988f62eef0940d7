import { z } from 'zod';
import { axisSchema } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { composite } from './composite.ts';
import { movedAxes } from './shaping.ts';

/** Which diagonal: 0 the main one, positive ones above it, negative ones below. */
export const offsetSchema = z
  .number()
  .int()
  .min(-(2 ** 30))
  .max(2 ** 30);

/** The params that name a diagonal of matrices. */
export const diagonalSchema = z.strictObject({
  offset: offsetSchema.optional(),
  axis1: axisSchema.optional(),
  axis2: axisSchema.optional(),
});

/** A diagonal of matrices. */
export const diagonal = composite({
  name: 'diagonal',
  aliases: ['diag_part'],
  doc: 'The diagonal number `offset` (0, positive above) of the matrices over `axis1` (0) and `axis2` (1), as a last axis.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: diagonalSchema,
  positional: ['offset', 'axis1', 'axis2'],
  build: (b, [x], params) => diagonalOf(b, x, params),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      outputs: [{ type: 'f32[2]', data: [1, 5] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { offset: 1 },
      outputs: [{ type: 'f64[2]', data: [2, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] }],
      params: { offset: -1, axis1: 0, axis2: 2 },
      outputs: [{ type: 'i32[2,1]', data: [5, 7] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3,3]'], params: {} },
    { types: ['f64[2,4]'], params: { offset: 1 } },
    { types: ['f64[3,2,2]'], params: { offset: -1, axis1: 0, axis2: 2 } },
    { types: ['f32[2,2]'], params: { offset: 5 } },
  ],
});

/** A diagonal as a last axis; throws `ParamMismatch` for axes that make no matrices. */
export function diagonalOf(
  b: Builder,
  x: Var,
  { offset = 0, axis1 = 0, axis2 = 1 }: z.output<typeof diagonalSchema>,
): Var {
  if (x.type.shape.length < 2)
    throw new ParamMismatch('axis1', `a tensor of rank ${x.type.shape.length} has no diagonal`);
  const matrices = movedAxes(b, x, [axis1, axis2], [-2, -1]);
  const batch = matrices.type.shape.slice(0, -2);
  const [rows, columns] = matrices.type.shape.slice(-2) as [number, number];
  const count = Math.max(0, offset < 0 ? Math.min(rows + offset, columns) : Math.min(rows, columns - offset));
  // In row-major order the diagonal's elements are a row and a column apart.
  const first = count === 0 ? 0 : offset < 0 ? -offset * columns : offset;
  return slice(b, reshape(b, matrices, { shape: [...batch, rows * columns] }), {
    starts: [...batch.map(() => 0), first],
    stops: [...batch, count === 0 ? 0 : first + (count - 1) * (columns + 1) + 1],
    steps: [...batch.map(() => 1), columns + 1],
  });
}
