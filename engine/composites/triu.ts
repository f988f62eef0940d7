import { z } from 'zod';
import { le } from '../ops/le.ts';
import { operand, TypeMismatch } from '../ops/op.ts';
import { where } from '../ops/where.ts';
import { positions } from './bands.ts';
import { composite } from './composite.ts';
import { offsetSchema } from './diagonal.ts';

/** The upper triangle of matrices. */
export const triu = composite({
  name: 'triu',
  doc: 'The matrices over the last two axes with zeros instead of what is not on or above diagonal number `k` (0).',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ k: offsetSchema.optional() }),
  positional: ['k'],
  build: (b, [x], { k = 0 }) => {
    if (x.type.shape.length < 2) throw new TypeMismatch(0, 'a tensor of rank 2 or more');
    const { row, column } = positions(b, x.type.shape, k);
    return where(b, le(b, row, column), x, b.full(0, x.type));
  },
  cases: [
    {
      inputs: [{ type: 'f32[3,2]', data: [1, 2, 3, 4, 5, 6] }],
      outputs: [{ type: 'f32[3,2]', data: [1, 2, 0, 4, 0, 0] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] }],
      params: { k: 1 },
      outputs: [{ type: 'i32[2,2,2]', data: [0, 2, 0, 0, 0, 6, 0, 0] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { k: 1 } },
    { types: ['f32[4,3]'], params: { k: -1 } },
    { types: ['i32[2,2]'], params: {} },
  ],
});
