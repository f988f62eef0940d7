import { z } from 'zod';
import { axisSchema, orderedAxes } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { composite } from './composite.ts';
import { withAxes } from './shaping.ts';

const places = z.union([axisSchema, z.array(axisSchema).max(8).readonly()]);

/** New axes of size 1. */
export const expandDims = composite({
  name: 'expand_dims',
  aliases: ['unsqueeze'],
  doc: '`x` with an axis of size 1 at place `axis`, or at each of several places, of the result.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ axis: places.optional(), axes: places.optional() }),
  positional: ['axis'],
  build: (b, [x], { axis, axes }) => {
    const wanted = axis ?? axes;
    if (wanted === undefined) throw new ParamMismatch('axis', 'expand_dims needs the place of the new axis');
    const count = typeof wanted === 'number' ? 1 : wanted.length;
    return withAxes(
      b,
      x,
      orderedAxes(wanted, x.type.shape.length + count, 'axis').sort((p, q) => p - q),
    );
  },
  cases: [
    {
      inputs: [{ type: 'f32[2]', data: [1, 2] }],
      params: { axis: -1 },
      outputs: [{ type: 'f32[2,1]', data: [1, 2] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2]', data: [1, 2] }],
      params: { axis: [0, 2] },
      outputs: [{ type: 'i32[1,2,1]', data: [1, 2] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: { axis: 1 } },
    { types: ['f64[2]'], params: { axis: [0, -1] } },
    { types: ['bool'], params: { axis: 0 } },
  ],
});
