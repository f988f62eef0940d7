import { lowest, tiedTangent } from './extremum.ts';
import type { Op } from './op.ts';
import { type Axes, reduction } from './reduction.ts';

/** The largest element over axes. */
export const max: Op<Axes> = reduction({
  name: 'max',
  aliases: ['reduce_max', 'amax'],
  doc: 'The largest element over `axes`; NaN where there is one. The derivative is shared equally among ties.',
  kind: 'number',
  needsElements: true,
  jvp: [(b, dx, { x: [x], y: [y], params }) => tiedTangent(b, dx, x, y, params.axes)],
  monoid: (e, dtype) => ({ identity: [e.const(lowest(dtype), dtype)], combine: ([a], [b]) => [e.max(a!, b!)] }),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axes: [1] },
      outputs: [{ type: 'f32[2]', data: [4, 9] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, NaN, 3, Infinity, -Infinity, 2] }],
      params: { axes: 0, keepdims: true },
      outputs: [{ type: 'f64[1,3]', data: [Infinity, NaN, 3] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i64[3]', data: [-1099511627776, -3, -2199023255552] }],
      params: { axes: [0] },
      outputs: [{ type: 'i64', data: [-3] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2]', data: [-Infinity, -Infinity] }],
      outputs: [{ type: 'f32', data: [-Infinity] }],
      source: 'numpy',
    },
  ],
});
