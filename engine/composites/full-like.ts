import { z } from 'zod';
import { operand } from '../ops/op.ts';
import { scalarSchema } from '../ops/scalar.ts';
import { dtypeSchema } from '../program/document.ts';
import { composite } from './composite.ts';

/** A tensor of one value of the shape of another. */
export const fullLike = composite({
  name: 'full_like',
  doc: 'A tensor of the shape of `x`, and of its dtype unless `dtype` is given, whose every element is `value` (0).',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    value: scalarSchema.optional(),
    fill_value: scalarSchema.optional(),
    dtype: dtypeSchema.optional(),
  }),
  positional: ['value', 'dtype'],
  build: (b, [x], { value, fill_value, dtype }) =>
    b.full(value ?? fill_value ?? 0, { dtype: dtype ?? x.type.dtype, shape: x.type.shape }),
  cases: [
    {
      inputs: [{ type: 'f32[2]', data: [1, 2] }],
      params: { value: 0.25 },
      outputs: [{ type: 'f32[2]', data: [0.25, 0.25] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2]', data: [1, 2] }],
      params: { value: 7, dtype: 'int32' },
      outputs: [{ type: 'i32[2]', data: [7, 7] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: { value: 2.5 } },
    { types: ['i32[2]'], params: { fill_value: -3, dtype: 'int64' } },
  ],
});
