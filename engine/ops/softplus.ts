import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { sigmoid } from './sigmoid.ts';

/** `log(1 + exp(x))`. */
export const softplus: Op = elementwise({
  name: 'softplus',
  doc: '`log(1 + exp(x))`, a smooth `max(x, 0)`.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, sigmoid(b, x))],
  // max(x, 0) + log(1 + exp(-|x|)), which never overflows.
  element: (e, [x]) => e.add(e.max(x, e.const(0, x.dtype)), e.log1p(e.exp(e.neg(e.abs(x))))),
  cases: [
    {
      inputs: [{ type: 'f64[9]', data: [0, 2, -2, 40, -40, 1e300, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[9]',
          data: [Math.LN2, 2.1269280110429727, 0.1269280110429725, 40, 4.248354255291589e-18, 1e300, NaN, Infinity, 0],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[4]', data: [0.5, -5, 80, -80] }],
      outputs: [{ type: 'f32[4]', data: [0.974077, 0.0067153485, 80, 1.8048513e-35] }],
      source: 'mpmath',
    },
  ],
});
