import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { exp } from '../ops/exp.ts';
import { log } from '../ops/log.ts';
import { max } from '../ops/max.ts';
import { operand } from '../ops/op.ts';
import { stopGradient } from '../ops/stop-gradient.ts';
import { sub } from '../ops/sub.ts';
import { sum } from '../ops/sum.ts';
import { unreduce } from '../ops/unreduce.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { type Composite, composite } from './composite.ts';

const params = z.strictObject({ axis: axisSchema.default(-1) });

/** The logarithm of the softmax. */
export const logSoftmax: Composite<z.output<typeof params>> = composite({
  name: 'log_softmax',
  doc: '`x - log(sum(exp(x)))` along `axis` (-1).',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params,
  positional: ['axis'],
  build: (b, [x], { axis }) => logProbabilities(b, x, normalAxis(axis, x.type.shape.length)),
  cases: [
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, -3, 1000, -1000, 999.5] }],
      outputs: [
        {
          type: 'f64[2,3]',
          data: [
            -1.3181754292474541, -0.318175429247454, -5.318175429247454, -0.4740769841801067, -2000.47407698418,
            -0.9740769841801067,
          ],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f64[1,2]', data: [0, -Infinity] }],
      outputs: [{ type: 'f64[1,2]', data: [0, -Infinity] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[2,3]', data: [0.5, -1, 2, 80, -80, 79] }],
      params: { axis: 0 },
      outputs: [{ type: 'f32[2,3]', data: [-79.5, 0, -77, 0, -79, 0] }],
      source: 'jax',
    },
  ],
  samples: [{ types: ['f64[2,3]'] }, { types: ['f32[2,3]'], params: { axis: 0 } }],
});

/** `log_softmax` as equations; the axis is counted from the front. */
export function logProbabilities(b: Builder, x: Var, axis: number): Var {
  const { shape } = x.type;
  const axes = [axis];
  // The value is the same for shifted exponents, so the shift is a constant to derivatives.
  const shifted = sub(b, x, unreduce(b, stopGradient(b, max(b, x, { axes })), shape, axes));
  return sub(b, shifted, unreduce(b, log(b, sum(b, exp(b, shifted), { axes })), shape, axes));
}
