import { accumulatorOf } from './accumulator.ts';
import type { Op } from './op.ts';
import { type Axes, reduction } from './reduction.ts';
import { unreduce } from './unreduce.ts';

/** The sum over axes. */
export const sum: Op<Axes> = reduction({
  name: 'sum',
  aliases: ['reduce_sum'],
  doc: 'The sum over `axes`. float32 is accumulated in float64 and rounded once.',
  kind: 'number',
  jvp: 'linear',
  transpose: [(b, ct, { x: [x], params }) => unreduce(b, ct, x.type.shape, params.axes)],
  accumulator: accumulatorOf,
  monoid: (e, dtype) => ({ identity: [e.const(0, dtype)], combine: ([a], [b]) => [e.add(a!, b!)] }),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axes: [1] },
      outputs: [{ type: 'f32[2]', data: [6, 5] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, Infinity, -Infinity, NaN, 2, 3] }],
      params: { axes: 0 },
      outputs: [{ type: 'f64[3]', data: [NaN, Infinity, -Infinity] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2]', data: [2147483647, 1] }],
      params: { axes: [0] },
      outputs: [{ type: 'i32', data: [-2147483648] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2,0]', data: [] }],
      params: { axes: [-1], keepdims: true },
      outputs: [{ type: 'f32[2,1]', data: [0, 0] }],
      source: 'numpy',
    },
  ],
});
