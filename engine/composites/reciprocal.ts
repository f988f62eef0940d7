import { div } from '../ops/div.ts';
import { operand } from '../ops/op.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `1 / x`. */
export const reciprocal: Composite = elementwiseComposite({
  name: 'reciprocal',
  doc: '`1 / x`.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => div(b, b.full(1, x.type), x),
  domain: [[0.5, 2]],
  cases: [
    {
      inputs: [{ type: 'f64[5]', data: [-4, 3, 0, 1e300, Infinity] }],
      outputs: [{ type: 'f64[5]', data: [-0.25, 0.3333333333333333, Infinity, 1e-300, 0] }],
      source: 'tensorflow',
    },
    {
      inputs: [{ type: 'f32[1]', data: [3] }],
      outputs: [{ type: 'f32[1]', data: [0.33333334] }],
      source: 'tensorflow',
    },
  ],
});
