import { add } from '../ops/add.ts';
import { reduceSchema } from '../ops/axes.ts';
import { exp } from '../ops/exp.ts';
import { isfinite } from '../ops/isfinite.ts';
import { log } from '../ops/log.ts';
import { max } from '../ops/max.ts';
import { operand } from '../ops/op.ts';
import { stopGradient } from '../ops/stop-gradient.ts';
import { sub } from '../ops/sub.ts';
import { sum } from '../ops/sum.ts';
import { unreduce } from '../ops/unreduce.ts';
import { where } from '../ops/where.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { type Composite, composite } from './composite.ts';
import { reduceOver } from './statistics.ts';

/** The logarithm of the sum of exponentials. */
export const logsumexp: Composite = composite({
  name: 'logsumexp',
  aliases: ['reduce_logsumexp'],
  doc: '`log(sum(exp(x)))` over `axes`, without overflow.',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params: reduceSchema,
  positional: ['axes'],
  build: (b, [x], params) => reduceOver(b, x, params, (axes) => shiftedLogSum(b, x, axes)),
  cases: [
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, -3, 1000, -1000, 999.5] }],
      outputs: [{ type: 'f64', data: [1000.4740769841801] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f64[4,2]', data: [-Infinity, -Infinity, Infinity, 1, 0, -Infinity, NaN, 0] }],
      params: { axes: [1] },
      outputs: [{ type: 'f64[4]', data: [-Infinity, Infinity, 0, NaN] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[2,3]', data: [0.5, -1, 2, 80, -80, 79] }],
      params: { axes: [0], keepdims: true },
      outputs: [{ type: 'f32[1,3]', data: [80, -1, 79] }],
      source: 'jax',
    },
  ],
  samples: [{ types: ['f64[2,3]'] }, { types: ['f64[2,3]'], params: { axes: [1] } }, { types: ['f32[2,3]'] }],
});

function shiftedLogSum(b: Builder, x: Var, axes: readonly number[]): Var {
  // Any shift gives the same value, so it is a constant to derivatives; a finite one, because ∞ - ∞ is NaN.
  const largest = stopGradient(b, max(b, x, { axes }));
  const shift = where(b, isfinite(b, largest), largest, b.full(0, largest.type));
  const weights = exp(b, sub(b, x, unreduce(b, shift, x.type.shape, axes)));
  return add(b, log(b, sum(b, weights, { axes })), shift);
}
