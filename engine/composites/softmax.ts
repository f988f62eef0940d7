import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { div } from '../ops/div.ts';
import { exp } from '../ops/exp.ts';
import { max } from '../ops/max.ts';
import { operand } from '../ops/op.ts';
import { stopGradient } from '../ops/stop-gradient.ts';
import { sub } from '../ops/sub.ts';
import { sum } from '../ops/sum.ts';
import { unreduce } from '../ops/unreduce.ts';
import { type Composite, composite } from './composite.ts';

const params = z.strictObject({ axis: axisSchema.default(-1) });

/** Exponentials that sum to one along an axis. */
export const softmax: Composite<z.output<typeof params>> = composite({
  name: 'softmax',
  doc: '`exp(x) / sum(exp(x))` along `axis` (-1).',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params,
  positional: ['axis'],
  build: (b, [x], { axis }) => {
    const { shape } = x.type;
    const axes = [normalAxis(axis, shape.length)];
    // Softmax is the same for shifted exponents, so the shift is a constant to derivatives.
    const weights = exp(b, sub(b, x, unreduce(b, stopGradient(b, max(b, x, { axes })), shape, axes)));
    return div(b, weights, unreduce(b, sum(b, weights, { axes }), shape, axes));
  },
  cases: [
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, -3, 1000, -1000, 999.5] }],
      outputs: [
        {
          type: 'f64[2,3]',
          data: [
            0.2676231541498623, 0.7274751568004648, 0.004901689049672922, 0.6224593312018546, 0, 0.37754066879814546,
          ],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f64[3,2]', data: [0, -Infinity, Infinity, 1, NaN, 1] }],
      outputs: [{ type: 'f64[3,2]', data: [1, 0, NaN, NaN, NaN, NaN] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[2,3]', data: [0.5, -1, 2, 80, -80, 79] }],
      params: { axis: 0 },
      outputs: [{ type: 'f32[2,3]', data: [2.9756968e-35, 1, 3.625141e-34, 1, 4.906095e-35, 1] }],
      source: 'jax',
    },
  ],
  samples: [{ types: ['f64[2,3]'] }, { types: ['f32[2,3]'], params: { axis: 0 } }],
});
