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
  cases: [],
});
