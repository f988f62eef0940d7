import { isFloat } from '../types.ts';
import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** The nearest integer, halves to even. */
export const round: Op = elementwise({
  name: 'round',
  aliases: ['rint'],
  doc: 'The integer nearest to `x`, halves to even. It has no gradient, as in TensorFlow.',
  operands: [operand('x')],
  jvp: ['no_gradient_defined'],
  element: (e, [x]) => (isFloat(x.dtype) ? e.apply('round', [x]) : x),
  cases: [
    {
      inputs: [{ type: 'f64[11]', data: [0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6, 1e300, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'f64[11]', data: [0, 2, 2, -0, -2, 2, -3, 1e300, NaN, Infinity, -Infinity] }],
      source: 'numpy',
    },
    { inputs: [{ type: 'i32[2]', data: [-3, 5] }], outputs: [{ type: 'i32[2]', data: [-3, 5] }], source: 'numpy' },
  ],
});
