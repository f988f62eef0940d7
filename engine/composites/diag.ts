import { z } from 'zod';
import { operand, TypeMismatch } from '../ops/op.ts';
import { pad } from '../ops/pad.ts';
import { reshape } from '../ops/reshape.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { composite } from './composite.ts';
import { diagonalOf, offsetSchema } from './diagonal.ts';

/** A vector as a diagonal, or the diagonal of a matrix. */
export const diag = composite({
  name: 'diag',
  doc: 'Of a vector, the square matrix that has it as diagonal number `k` (0, positive above) and zeros elsewhere; of a matrix, that diagonal.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  // A matrix of more rows is over any limit on elements.
  params: z.strictObject({
    k: offsetSchema
      .min(-(2 ** 20))
      .max(2 ** 20)
      .optional(),
  }),
  positional: ['k'],
  build: (b, [x], { k = 0 }) => {
    const rank = x.type.shape.length;
    if (rank !== 1 && rank !== 2) throw new TypeMismatch(0, 'a vector or a matrix');
    return rank === 1 ? matrixOf(b, x, k) : diagonalOf(b, x, { offset: k });
  },
  cases: [
    {
      inputs: [{ type: 'f32[2]', data: [1, 2] }],
      outputs: [{ type: 'f32[2,2]', data: [1, 0, 0, 2] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2]', data: [1, 2] }],
      params: { k: -1 },
      outputs: [{ type: 'i32[3,3]', data: [0, 0, 0, 1, 0, 0, 0, 2, 0] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { k: 1 },
      outputs: [{ type: 'f64[2]', data: [2, 6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3]'], params: {} },
    { types: ['f64[2]'], params: { k: 1 } },
    { types: ['f32[2]'], params: { k: -2 } },
    { types: ['f64[0]'], params: { k: 2 } },
    { types: ['f64[2,3]'], params: { k: 1 } },
    { types: ['i32[2]'], params: {} },
  ],
});

/** In row-major order the diagonal's elements are a row and a column apart. */
function matrixOf(b: Builder, x: Var, k: number): Var {
  const count = x.type.shape[0]!;
  const size = count + Math.abs(k);
  const first = k < 0 ? -k * size : k;
  const reach = count === 0 ? 0 : (count - 1) * (size + 1) + 1;
  const [low, high] = count === 0 ? [0, size * size] : [first, size * size - first - reach];
  const flat = pad(b, x, { low: [low], high: [high], interior: [size], value: 0 });
  return reshape(b, flat, { shape: [size, size] });
}
