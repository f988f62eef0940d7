import type { Op } from './op.ts';
import { type Axes, reduction } from './reduction.ts';

/** Whether all elements over axes are true. */
export const all: Op<Axes> = reduction({
  name: 'all',
  aliases: ['reduce_all'],
  doc: 'Whether all elements over `axes` are true; true where there are none.',
  kind: 'bool',
  jvp: ['integer_dtype'],
  monoid: (e) => ({ identity: [e.const(true, 'bool')], combine: ([a], [b]) => [e.and(a!, b!)] }),
  cases: [
    {
      inputs: [{ type: 'bool[2,3]', data: [true, false, true, true, true, true] }],
      params: { axes: [1] },
      outputs: [{ type: 'bool[2]', data: [false, true] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'bool[0,2]', data: [] }],
      params: { axes: [0] },
      outputs: [{ type: 'bool[2]', data: [true, true] }],
      source: 'numpy',
    },
  ],
});
