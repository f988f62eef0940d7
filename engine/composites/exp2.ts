import { operand } from '../ops/op.ts';
import { pow } from '../ops/pow.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** 2 to the power `x`. */
export const exp2: Composite = elementwiseComposite({
  name: 'exp2',
  doc: '`2 ** x`.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => pow(b, b.full(2, x.type), x),
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 10, -3, 0.3, 1000.5, NaN, Infinity, -Infinity] }],
      outputs: [
        { type: 'f64[8]', data: [1, 1024, 0.125, 1.2311444133449163, 1.5153420044823246e301, NaN, Infinity, 0] },
      ],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2]', data: [0.7, 200] }],
      outputs: [{ type: 'f32[2]', data: [1.6245048, Infinity] }],
      source: 'numpy',
    },
  ],
});
