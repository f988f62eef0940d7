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
  cases: [],
});
