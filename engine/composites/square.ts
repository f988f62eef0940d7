import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `x²`. */
export const square: Composite = elementwiseComposite({
  name: 'square',
  doc: '`x * x`.',
  operands: [operand('x')],
  build: (b, [x]) => mul(b, x, x),
  cases: [
    {
      inputs: [{ type: 'f32[4]', data: [-1.5, 0, 1e20, NaN] }],
      outputs: [{ type: 'f32[4]', data: [2.25, 0, Infinity, NaN] }],
      source: 'tensorflow',
    },
    {
      inputs: [{ type: 'i64[2]', data: [-3, 67108864] }],
      outputs: [{ type: 'i64[2]', data: [9, 4503599627370496] }],
      source: 'tensorflow',
    },
  ],
});
