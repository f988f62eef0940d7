import { isFloat } from '../types.ts';
import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** The least integer not below. */
export const ceil: Op = elementwise({
  name: 'ceil',
  doc: 'The least integer not below `x`. It has no gradient, as in TensorFlow.',
  operands: [operand('x')],
  jvp: ['no_gradient_defined'],
  element: (e, [x]) => (isFloat(x.dtype) ? e.apply('ceil', [x]) : x),
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [1.5, -1.5, 0.5, 2, 1e300, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'f64[8]', data: [2, -1, 1, 2, 1e300, NaN, Infinity, -Infinity] }],
      source: 'numpy',
    },
    { inputs: [{ type: 'i32[2]', data: [-3, 5] }], outputs: [{ type: 'i32[2]', data: [-3, 5] }], source: 'numpy' },
  ],
});
