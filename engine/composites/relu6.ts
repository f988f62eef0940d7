import { ge } from '../ops/ge.ts';
import { le } from '../ops/le.ts';
import { operand } from '../ops/op.ts';
import { where } from '../ops/where.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** The positive part, cut off at 6. */
export const relu6: Composite = elementwiseComposite({
  name: 'relu6',
  doc: '`min(max(x, 0), 6)`. The derivatives at 0 and 6 are 0.',
  operands: [operand('x')],
  build: (b, [x]) => {
    const [zero, six] = [b.full(0, x.type), b.full(6, x.type)];
    return where(b, le(b, x, zero), zero, where(b, ge(b, x, six), six, x));
  },
  domain: [[0.1, 5.9]],
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [-1.5, 0, 2, 6, 7, Infinity] }],
      outputs: [{ type: 'f32[6]', data: [0, 0, 2, 6, 6, 6] }],
      source: 'tensorflow',
    },
    {
      inputs: [{ type: 'i32[3]', data: [-3, 5, 9] }],
      outputs: [{ type: 'i32[3]', data: [0, 5, 6] }],
      source: 'tensorflow',
    },
  ],
});
