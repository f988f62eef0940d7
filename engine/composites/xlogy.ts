import { eq } from '../ops/eq.ts';
import { log } from '../ops/log.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { where } from '../ops/where.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `x log y`, or 0 where `x` is 0. */
export const xlogy: Composite = elementwiseComposite({
  name: 'xlogy',
  doc: '`x * log(y)`, or 0 where `x` is 0, and there its derivatives are 0 too.',
  operands: [operand('x', 'float'), operand('y', 'float')],
  build: (b, [x, y]) => {
    const zero = b.full(0, x.type);
    const vanishes = eq(b, x, zero);
    return where(b, vanishes, zero, mul(b, x, log(b, where(b, vanishes, b.full(1, y.type), y))));
  },
  domain: [
    [0.3, 2],
    [0.3, 2],
  ],
  cases: [
    {
      inputs: [
        { type: 'f64[5]', data: [0, 0, 2, -1, 3] },
        { type: 'f64[5]', data: [0, -1, 5, 0, -1] },
      ],
      outputs: [{ type: 'f64[5]', data: [0, 0, 3.2188758248682006, Infinity, NaN] }],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'f32[1]', data: [2] },
        { type: 'f32[1]', data: [0.7] },
      ],
      outputs: [{ type: 'f32[1]', data: [-0.71334994] }],
      source: 'tensorflow',
    },
  ],
});
