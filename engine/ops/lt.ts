import { comparison } from './comparison.ts';
import type { Op } from './op.ts';

/** Whether `x < y`. */
export const lt: Op = comparison({
  name: 'lt',
  aliases: ['less'],
  doc: 'Whether `x < y`; false where either is NaN.',
  element: (e, x, y) => e.lt(x, y),
  holds: (x, y) => x < y,
  cases: [
    {
      inputs: [
        { type: 'f32[5]', data: [1, 2, -3, NaN, Infinity] },
        { type: 'f32[5]', data: [2, 2, -4, NaN, Infinity] },
      ],
      outputs: [{ type: 'bool[5]', data: [true, false, false, false, false] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i64[3]', data: [-5, 9007199254740992, 7] },
        { type: 'i64[3]', data: [-5, 9007199254740991, 8] },
      ],
      outputs: [{ type: 'bool[3]', data: [false, false, true] }],
      source: 'numpy',
    },
  ],
});
