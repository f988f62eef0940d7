import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { sub } from '../ops/sub.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `(x - y)²`. */
export const squaredDifference: Composite = elementwiseComposite({
  name: 'squared_difference',
  doc: '`(x - y) ** 2`.',
  operands: [operand('x'), operand('y')],
  build: (b, [x, y]) => {
    const difference = sub(b, x, y);
    return mul(b, difference, difference);
  },
  cases: [
    {
      inputs: [
        { type: 'f32[4]', data: [1, -2, 1e20, NaN] },
        { type: 'f32[4]', data: [3, 2.5, 0, 0] },
      ],
      outputs: [{ type: 'f32[4]', data: [4, 20.25, Infinity, NaN] }],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'i32[2]', data: [-3, 7] },
        { type: 'i32[2]', data: [4, 7] },
      ],
      outputs: [{ type: 'i32[2]', data: [49, 0] }],
      source: 'tensorflow',
    },
  ],
});
