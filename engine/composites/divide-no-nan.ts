import { div } from '../ops/div.ts';
import { eq } from '../ops/eq.ts';
import { operand } from '../ops/op.ts';
import { where } from '../ops/where.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `x / y`, or 0 where `y` is 0. */
export const divideNoNan: Composite = elementwiseComposite({
  name: 'divide_no_nan',
  aliases: ['div_no_nan'],
  doc: '`x / y`, or 0 where `y` is 0, and there its derivatives are 0 too.',
  operands: [operand('x', 'float'), operand('y', 'float')],
  build: (b, [x, y]) => {
    const zero = b.full(0, y.type);
    const vanishes = eq(b, y, zero);
    return where(b, vanishes, zero, div(b, x, where(b, vanishes, b.full(1, y.type), y)));
  },
  domain: [
    [-2, 2],
    [0.5, 2],
  ],
  cases: [
    {
      inputs: [
        { type: 'f64[4]', data: [1, 0, -3, Infinity] },
        { type: 'f64[4]', data: [4, 0, 0, 2] },
      ],
      outputs: [{ type: 'f64[4]', data: [0.25, 0, 0, Infinity] }],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'f32[1]', data: [1] },
        { type: 'f32[1]', data: [3] },
      ],
      outputs: [{ type: 'f32[1]', data: [0.33333334] }],
      source: 'tensorflow',
    },
  ],
});
