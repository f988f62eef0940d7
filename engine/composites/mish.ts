import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { softplus } from '../ops/softplus.ts';
import { tanh } from '../ops/tanh.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `x tanh(softplus(x))`. */
export const mish: Composite = elementwiseComposite({
  name: 'mish',
  doc: '`x * tanh(softplus(x))`.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => mul(b, x, tanh(b, softplus(b, x))),
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [-1000, -3, -0.5, 0, 1e-9, 2, 1000, NaN] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [-0, -0.1456474612756246, -0.22074377465173, 0, 6.000000003200001e-10, 1.9439589595339946, 1000, NaN],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[4]', data: [-20, -0.1, 0.1, 5] }],
      outputs: [{ type: 'f32[4]', data: [-4.122307e-8, -0.056788575, 0.06317942, 4.9995522] }],
      source: 'jax',
    },
  ],
});
