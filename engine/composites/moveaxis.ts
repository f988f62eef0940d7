import { z } from 'zod';
import { axisSchema } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { composite } from './composite.ts';
import { movedAxes } from './shaping.ts';

const places = z.union([axisSchema, z.array(axisSchema).max(8).readonly()]);

/** Axes moved to other places. */
export const moveaxis = composite({
  name: 'moveaxis',
  aliases: ['movedim'],
  doc: '`x` with its axes `source` moved to the places `destination`; the others stay in order.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ source: places, destination: places }),
  positional: ['source', 'destination'],
  build: (b, [x], { source, destination }) => {
    if ([source].flat().length !== [destination].flat().length)
      throw new ParamMismatch('destination', 'source and destination must name the same number of axes');
    return movedAxes(b, x, source, destination);
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { source: 0, destination: -1 },
      outputs: [{ type: 'f32[3,2]', data: [1, 4, 2, 5, 3, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,1,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { source: [0, 2], destination: [1, 0] },
      outputs: [{ type: 'i32[3,2,1]', data: [1, 4, 2, 5, 3, 6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3,4]'], params: { source: 0, destination: -1 } },
    { types: ['f64[2,3,4]'], params: { source: [0, 2], destination: [1, 0] } },
  ],
});
