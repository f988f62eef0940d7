import { abs } from '../ops/abs.ts';
import { add } from '../ops/add.ts';
import { div } from '../ops/div.ts';
import { operand } from '../ops/op.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `x / (1 + |x|)`. */
export const softsign: Composite = elementwiseComposite({
  name: 'softsign',
  aliases: ['soft_sign'],
  doc: '`x / (1 + abs(x))`.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => div(b, x, add(b, abs(b, x), b.full(1, x.type))),
  domain: [[-2, -0.1]],
  cases: [
    {
      inputs: [{ type: 'f64[5]', data: [-1e300, -3, 0, 0.25, NaN] }],
      outputs: [{ type: 'f64[5]', data: [-1, -0.75, 0, 0.2, NaN] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[2]', data: [-0.1, 7] }],
      outputs: [{ type: 'f32[2]', data: [-0.09090909, 0.875] }],
      source: 'jax',
    },
  ],
});
