import type { Op } from './op.ts';
import { type Axes, reduction } from './reduction.ts';
import { unreduce } from './unreduce.ts';

/** The sum over axes. */
export const sum: Op<Axes> = reduction({
  name: 'sum',
  aliases: ['reduce_sum'],
  doc: 'The sum over `axes`.',
  kind: 'number',
  jvp: 'linear',
  transpose: [(b, ct, { x: [x], params }) => unreduce(b, ct, x.type.shape, params.axes)],
  monoid: (e, dtype) => ({ identity: [e.const(0, dtype)], combine: ([a], [b]) => [e.add(a!, b!)] }),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axes: [1] },
      outputs: [{ type: 'f32[2]', data: [6, 15] }],
      source: 'numpy',
    },
  ],
});
