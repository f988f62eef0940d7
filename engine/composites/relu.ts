import { le } from '../ops/le.ts';
import { operand } from '../ops/op.ts';
import { where } from '../ops/where.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** The positive part. */
export const relu: Composite = elementwiseComposite({
  name: 'relu',
  doc: '`max(x, 0)`. The derivative at 0 is 0.',
  operands: [operand('x')],
  build: (b, [x]) => {
    const zero = b.full(0, x.type);
    return where(b, le(b, x, zero), zero, x);
  },
  domain: [[0.1, 2]],
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [-1.5, 0, 2, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'f32[6]', data: [0, 0, 2, NaN, Infinity, 0] }],
      source: 'tensorflow',
    },
    {
      inputs: [{ type: 'i32[3]', data: [-3, 0, 5] }],
      outputs: [{ type: 'i32[3]', data: [0, 0, 5] }],
      source: 'tensorflow',
    },
  ],
});
