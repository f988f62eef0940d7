import { z } from 'zod';
import { add } from '../ops/add.ts';
import { axesSchema, normalAxes } from '../ops/axes.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { rsqrt } from '../ops/rsqrt.ts';
import { sub } from '../ops/sub.ts';
import { unreduce } from '../ops/unreduce.ts';
import { composite } from './composite.ts';
import { meanOf, varianceOf } from './statistics.ts';

/** `x` with mean 0 and variance 1 over axes. */
export const layerNorm = composite({
  name: 'layer_norm',
  doc: '`(x - mean) / sqrt(variance + epsilon)` over `axes` (the last), `epsilon` being 1e-5.',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    axes: axesSchema.optional(),
    axis: axesSchema.optional(),
    epsilon: z.number().min(0).max(1e6).optional(),
  }),
  positional: ['axes'],
  build: (b, [x], { axes, axis, epsilon = 1e-5 }) => {
    const { shape } = x.type;
    const over = normalAxes(axes ?? axis ?? (shape.length === 0 ? [] : -1), shape);
    const spread = varianceOf(b, x, over, 0);
    const scale = rsqrt(b, add(b, spread, b.full(epsilon, spread.type)));
    return mul(b, sub(b, x, unreduce(b, meanOf(b, x, over), shape, over)), unreduce(b, scale, shape, over));
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      outputs: [{ type: 'f32[2,3]', data: [0.46290955, -1.3887286, 0.9258191, -0.116247624, -1.1624762, 1.2787238] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f64[2,2]', data: [1, 2, 3, 4] }],
      params: { axes: 0, epsilon: 0.5 },
      outputs: [
        { type: 'f64[2,2]', data: [-0.816496580927726, -0.816496580927726, 0.816496580927726, 0.816496580927726] },
      ],
      source: 'jax',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { axes: [1, 2], epsilon: 0.1 } },
    { types: ['f32[4]'], params: {} },
  ],
});
