import { isFloat } from '../types.ts';
import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** The nearest integer towards zero. */
export const trunc: Op = elementwise({
  name: 'trunc',
  doc: '`x` without its fraction. It has no gradient, as `floor`.',
  operands: [operand('x')],
  jvp: ['no_gradient_defined'],
  element: (e, [x]) =>
    isFloat(x.dtype) ? e.select(e.lt(x, e.const(0, x.dtype)), e.apply('ceil', [x]), e.apply('floor', [x])) : x,
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [1.7, -1.7, 0.5, 2, 1e300, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'f64[8]', data: [1, -1, 0, 2, 1e300, NaN, Infinity, -Infinity] }],
      source: 'numpy',
    },
    { inputs: [{ type: 'i32[2]', data: [-3, 5] }], outputs: [{ type: 'i32[2]', data: [-3, 5] }], source: 'numpy' },
  ],
});
