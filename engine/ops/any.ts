import type { Op } from './op.ts';
import { type Axes, reduction } from './reduction.ts';

/** Whether any element over axes is true. */
export const any: Op<Axes> = reduction({
  name: 'any',
  aliases: ['reduce_any'],
  doc: 'Whether any element over `axes` is true; false where there are none.',
  kind: 'bool',
  jvp: ['integer_dtype'],
  monoid: (e) => ({ identity: [e.const(false, 'bool')], combine: ([a], [b]) => [e.or(a!, b!)] }),
  cases: [
    {
      inputs: [{ type: 'bool[2,2]', data: [false, false, true, false] }],
      params: { axes: [1] },
      outputs: [{ type: 'bool[2]', data: [false, true] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'bool[0,2]', data: [] }],
      params: { axes: [0] },
      outputs: [{ type: 'bool[2]', data: [false, false] }],
      source: 'numpy',
    },
  ],
});
