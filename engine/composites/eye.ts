import { z } from 'zod';
import { eq } from '../ops/eq.ts';
import { sizeSchema } from '../ops/sizes.ts';
import { where } from '../ops/where.ts';
import { dtypeSchema } from '../program/document.ts';
import { positions } from './bands.ts';
import { composite } from './composite.ts';
import { offsetSchema } from './diagonal.ts';

/** Ones on a diagonal. */
export const eye = composite({
  name: 'eye',
  doc: 'The matrix of `n` rows and `m` (`n`) columns with ones on the `k`-th diagonal (0) and zeros elsewhere.',
  operands: [],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    n: sizeSchema,
    m: sizeSchema.nullable().optional(),
    k: offsetSchema.optional(),
    dtype: dtypeSchema.optional(),
  }),
  positional: ['n', 'm', 'k'],
  build: (b, _, { n, m, k = 0, dtype }, { floatDtype }) => {
    const type = { dtype: dtype ?? floatDtype, shape: [n, m ?? n] };
    const { row, column } = positions(b, type.shape, k);
    return where(b, eq(b, row, column), b.full(1, type), b.full(0, type));
  },
  cases: [
    { inputs: [], params: { n: 2 }, outputs: [{ type: 'f32[2,2]', data: [1, 0, 0, 1] }], source: 'numpy' },
    {
      inputs: [],
      params: { n: 2, m: 3, k: 1, dtype: 'int32' },
      outputs: [{ type: 'i32[2,3]', data: [0, 1, 0, 0, 0, 1] }],
      source: 'numpy',
    },
    {
      inputs: [],
      params: { n: 3, k: -2 },
      outputs: [{ type: 'f32[3,3]', data: [0, 0, 0, 0, 0, 0, 1, 0, 0] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: [], params: { n: 3 } },
    { types: [], params: { n: 2, m: 4, k: 1, dtype: 'float64' } },
    { types: [], params: { n: 0, dtype: 'int32' } },
  ],
});
