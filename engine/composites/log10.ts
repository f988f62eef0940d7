import { div } from '../ops/div.ts';
import { log } from '../ops/log.ts';
import { operand } from '../ops/op.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** The logarithm to base 10. */
export const log10: Composite = elementwiseComposite({
  name: 'log10',
  doc: 'The logarithm of `x` to base 10.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => div(b, log(b, x), b.full(Math.LN10, x.type)),
  domain: [[0.2, 3]],
  cases: [
    {
      inputs: [{ type: 'f64[7]', data: [1, 1000, 0.2, 1e300, 0, -1, Infinity] }],
      outputs: [{ type: 'f64[7]', data: [0, 3, -0.6989700043360187, 300, -Infinity, NaN, Infinity] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2]', data: [2, 0.5] }],
      outputs: [{ type: 'f32[2]', data: [0.30103, -0.30103] }],
      source: 'numpy',
    },
  ],
});
