import { z } from 'zod';
import { operand } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { sizeOf } from '../types.ts';
import { composite } from './composite.ts';
import { contract } from './contract.ts';

/** All products of two vectors' elements. */
export const outer = composite({
  name: 'outer',
  aliases: ['ger'],
  doc: 'Element `[i, j]` is `x[i] * y[j]`; inputs of any other rank are flattened first.',
  operands: [operand('x'), operand('y')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({}),
  build: (b, [x, y]) => {
    const [left, right] = [x, y].map((side) => reshape(b, side, { shape: [sizeOf(side.type.shape)] }));
    return contract(b, left!, right!, [], []);
  },
  cases: [
    {
      inputs: [
        { type: 'f32[2]', data: [1, 2] },
        { type: 'f32[3]', data: [3, 4, 5] },
      ],
      outputs: [{ type: 'f32[2,3]', data: [3, 4, 5, 6, 8, 10] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i64[2,1]', data: [1, 2] },
        { type: 'i64[1]', data: [7] },
      ],
      outputs: [{ type: 'i64[2,1]', data: [7, 14] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2]', 'f64[3]'], params: {} },
    { types: ['f64[2,2]', 'f64'], params: {} },
    { types: ['f32[0]', 'f32[2]'], params: {} },
    { types: ['i64[2]', 'i64[2]'], params: {} },
  ],
});
