import { div } from '../ops/div.ts';
import { log } from '../ops/log.ts';
import { operand } from '../ops/op.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** The logarithm to base 2. */
export const log2: Composite = elementwiseComposite({
  name: 'log2',
  doc: 'The logarithm of `x` to base 2.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => div(b, log(b, x), b.full(Math.LN2, x.type)),
  domain: [[0.2, 3]],
  cases: [
    {
      inputs: [{ type: 'f64[7]', data: [1, 8, 0.1, 1e300, 0, -1, Infinity] }],
      outputs: [{ type: 'f64[7]', data: [0, 3, -3.321928094887362, 996.5784284662087, -Infinity, NaN, Infinity] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2]', data: [10, 0.5] }],
      outputs: [{ type: 'f32[2]', data: [3.321928, -1] }],
      source: 'numpy',
    },
  ],
});
