import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { concatenate } from '../ops/concatenate.ts';
import { operand, TypeMismatch } from '../ops/op.ts';
import { formatType, sameType } from '../types.ts';
import { composite } from './composite.ts';
import { withAxes } from './shaping.ts';

/** Tensors of one shape joined along a new axis. */
export const stack = composite({
  name: 'stack',
  doc: 'The inputs, all of one shape, joined along a new axis at place `axis` (0) of the result.',
  operands: [operand('x', 'any')],
  variadic: true,
  broadcast: false,
  params: z.strictObject({ axis: axisSchema.optional() }),
  positional: ['axis'],
  build: (b, x, { axis = 0 }) => {
    const { type } = x[0];
    x.forEach((input, i) => {
      if (!sameType(input.type, type)) throw new TypeMismatch(i, formatType(type));
    });
    const place = normalAxis(axis, type.shape.length + 1);
    return concatenate(b, ...x.map((input) => withAxes(b, input, [place])), { axis: place });
  },
  cases: [
    {
      inputs: [
        { type: 'f32[2]', data: [1, 2] },
        { type: 'f32[2]', data: [3, 4] },
      ],
      outputs: [{ type: 'f32[2,2]', data: [1, 2, 3, 4] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[2]', data: [1, 2] },
        { type: 'f64[2]', data: [3, 4] },
        { type: 'f64[2]', data: [5, 6] },
      ],
      params: { axis: -1 },
      outputs: [{ type: 'f64[2,3]', data: [1, 3, 5, 2, 4, 6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2]', 'f64[2]', 'f64[2]'], params: {} },
    { types: ['f64[2,3]', 'f64[2,3]'], params: { axis: -1 } },
    { types: ['f64', 'f64'], params: {} },
    { types: ['i32[2]'], params: { axis: 1 } },
  ],
});
