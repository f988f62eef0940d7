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
  cases: [],
});
