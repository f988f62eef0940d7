import { z } from 'zod';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { composite } from './composite.ts';
import { contract } from './contract.ts';

/** NumPy's `dot`. */
export const dot = composite({
  name: 'dot',
  doc: 'The sums of products over the last axis of `x` and the last but one of `y` (its only one if it is a vector); the product if one is a scalar.',
  operands: [operand('x'), operand('y')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({}),
  build: (b, [x, y]) => {
    const [xRank, yRank] = [x.type.shape.length, y.type.shape.length];
    if (xRank === 0) return mul(b, broadcastTo(b, x, { shape: y.type.shape }), y);
    if (yRank === 0) return mul(b, x, broadcastTo(b, y, { shape: x.type.shape }));
    return contract(b, x, y, [xRank - 1], [Math.max(0, yRank - 2)]);
  },
  cases: [
    {
      inputs: [
        { type: 'f32[3]', data: [1, 2, 3] },
        { type: 'f32[3]', data: [4, 5, 6] },
      ],
      outputs: [{ type: 'f32', data: [32] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'f64[3]', data: [1, 0, -1] },
      ],
      outputs: [{ type: 'f64[2]', data: [-2, -2] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[2]', data: [1, 2] },
        { type: 'i32[2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] },
      ],
      outputs: [{ type: 'i32[2,2]', data: [7, 10, 19, 22] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64', data: [2] },
        { type: 'f64[2]', data: [1, 2] },
      ],
      outputs: [{ type: 'f64[2]', data: [2, 4] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3]', 'f64[3]'], params: {} },
    { types: ['f64[2,3]', 'f64[3]'], params: {} },
    { types: ['f64[2,3]', 'f64[4,3,2]'], params: {} },
    { types: ['f64', 'f64[2]'], params: {} },
    { types: ['f32[2]', 'f32'], params: {} },
    { types: ['i32[2,3]', 'i32[3,2]'], params: {} },
  ],
});
