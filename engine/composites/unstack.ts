import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { composite } from './composite.ts';
import { sliceAxis } from './shaping.ts';

/** A tensor taken apart along an axis. */
export const unstack = composite({
  name: 'unstack',
  aliases: ['unbind'],
  doc: 'One output for each position along `axis` (0), without that axis.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ axis: axisSchema.optional() }),
  positional: ['axis'],
  build: (b, [x], { axis = 0 }) => {
    const { shape } = x.type;
    const along = normalAxis(axis, shape.length);
    const size = shape[along]!;
    if (size === 0 || size > 1024)
      throw new ParamMismatch('axis', `axis ${axis} of shape [${shape}] gives ${size} outputs; 1 to 1024 are possible`);
    const rest = shape.filter((_, other) => other !== along);
    return Array.from({ length: size }, (_, i) => reshape(b, sliceAxis(b, x, along, i, i + 1), { shape: rest }));
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,2]', data: [1, 2, 3, 4] }],
      outputs: [
        { type: 'f32[2]', data: [1, 2] },
        { type: 'f32[2]', data: [3, 4] },
      ],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,2]', data: [1, 2, 3, 4] }],
      params: { axis: 1 },
      outputs: [
        { type: 'f64[2]', data: [1, 3] },
        { type: 'f64[2]', data: [2, 4] },
      ],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: {} },
    { types: ['f32[2,2]'], params: { axis: -1 } },
  ],
});
