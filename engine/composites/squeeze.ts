import { z } from 'zod';
import { axesSchema, normalAxes } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { composite } from './composite.ts';

/** Axes of size 1 dropped. */
export const squeeze = composite({
  name: 'squeeze',
  doc: '`x` without `axes`, which must have size 1; by default without all axes of size 1.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ axes: axesSchema.optional(), axis: axesSchema.optional() }),
  positional: ['axes'],
  build: (b, [x], { axes, axis }) => {
    const { shape } = x.type;
    const wanted = axes ?? axis ?? shape.flatMap((size, i) => (size === 1 ? [i] : []));
    const dropped = normalAxes(wanted, shape);
    const wide = dropped.find((place) => shape[place] !== 1);
    if (wide !== undefined)
      throw new ParamMismatch('axes', `axis ${wide} of shape [${shape}] has size ${shape[wide]}, not 1`);
    return reshape(b, x, { shape: shape.filter((_, place) => !dropped.includes(place)) });
  },
  cases: [
    { inputs: [{ type: 'f32[1,2,1]', data: [1, 2] }], outputs: [{ type: 'f32[2]', data: [1, 2] }], source: 'numpy' },
    {
      inputs: [{ type: 'f64[1,2,1]', data: [1, 2] }],
      params: { axes: -1 },
      outputs: [{ type: 'f64[1,2]', data: [1, 2] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[1,2,1]'], params: {} },
    { types: ['f64[2,1,1]'], params: { axis: -1 } },
    { types: ['i32[1]'], params: { axes: [0] } },
  ],
});
