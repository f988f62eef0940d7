import { z } from 'zod';
import { axisSchema, orderedAxes } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { composite } from './composite.ts';
import { contract } from './contract.ts';

const side = z.union([axisSchema, z.array(axisSchema).max(8).readonly()]);

/** Sums of products over pairs of axes, as NumPy writes them. */
export const tensordot = composite({
  name: 'tensordot',
  doc: 'The sums of products over `axes`: a number of axes (2), the last ones of `x` and the first ones of `y`; or a pair of lists, which axes of `x` go with which of `y`.',
  operands: [operand('x'), operand('y')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ axes: z.union([z.number().int().min(0).max(8), z.tuple([side, side])]).optional() }),
  positional: ['axes'],
  build: (b, [x, y], { axes = 2 }) => {
    const [xRank, yRank] = [x.type.shape.length, y.type.shape.length];
    if (typeof axes !== 'number') return contract(b, x, y, orderedAxes(axes[0], xRank), orderedAxes(axes[1], yRank));
    if (axes > xRank || axes > yRank)
      throw new ParamMismatch('axes', `axes ${axes} is more than the ranks ${xRank} and ${yRank}`);
    const count = Array.from({ length: axes }, (_, i) => i);
    return contract(
      b,
      x,
      y,
      count.map((i) => xRank - axes + i),
      count,
    );
  },
  cases: [
    {
      inputs: [
        { type: 'f32[2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] },
        { type: 'f32[2,2]', data: [1, 2, 3, 4] },
      ],
      outputs: [{ type: 'f32[2]', data: [30, 70] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'f64[3,2]', data: [1, 2, 3, 4, 5, 6] },
      ],
      params: {
        axes: [
          [0, 1],
          [1, 0],
        ],
      },
      outputs: [{ type: 'f64', data: [86] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[2]', data: [1, 2] },
        { type: 'f64[2]', data: [3, 4] },
      ],
      params: { axes: 0 },
      outputs: [{ type: 'f64[2,2]', data: [3, 4, 6, 8] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3,4]', 'f64[3,4,2]'], params: {} },
    { types: ['f64[2,3]', 'f64[3,4]'], params: { axes: 1 } },
    { types: ['f64[2]', 'f64[3]'], params: { axes: 0 } },
    {
      types: ['f64[3,4,2]', 'f64[4,3,2]'],
      params: {
        axes: [
          [0, 1],
          [1, 0],
        ],
      },
    },
    { types: ['f32[2,3]', 'f32[3]'], params: { axes: [-1, 0] } },
  ],
});
