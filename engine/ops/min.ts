import { highest, tiedTangent } from './extremum.ts';
import type { Op } from './op.ts';
import { type Axes, reduction } from './reduction.ts';

/** The smallest element over axes. */
export const min: Op<Axes> = reduction({
  name: 'min',
  aliases: ['reduce_min', 'amin'],
  doc: 'The smallest element over `axes`; NaN where there is one. The derivative is shared equally among ties.',
  kind: 'number',
  needsElements: true,
  jvp: [(b, dx, { x: [x], y: [y], params }) => tiedTangent(b, dx, x, y, params.axes)],
  monoid: (e, dtype) => ({ identity: [e.const(highest(dtype), dtype)], combine: ([a], [b]) => [e.min(a!, b!)] }),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axes: [1] },
      outputs: [{ type: 'f32[2]', data: [-1, -5] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, NaN, 3, Infinity, -Infinity, 2] }],
      params: { axes: 0, keepdims: true },
      outputs: [{ type: 'f64[1,3]', data: [1, NaN, 2] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[3]', data: [7, -2147483648, 2147483647] }],
      outputs: [{ type: 'i32', data: [-2147483648] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2]', data: [Infinity, Infinity] }],
      outputs: [{ type: 'f32', data: [Infinity] }],
      source: 'numpy',
    },
  ],
});
