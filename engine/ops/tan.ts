import { add } from './add.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** `tan x`, x in radians. */
export const tan: Op = elementwise({
  name: 'tan',
  doc: '`tan(x)`, `x` in radians.',
  operands: [operand('x', 'float')],
  // d tan x = (1 + tan² x) dx
  jvp: [(b, dx, { y: [y] }) => mul(b, dx, add(b, mul(b, y, y), b.full(1, y.type)))],
  element: 'tan',
  domain: [[-1.2, 1.2]],
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 0.5, -2, 1.5, 1e-9, NaN, Infinity, -Infinity] }],
      outputs: [
        { type: 'f64[8]', data: [0, 0.5463024898437905, 2.185039863261519, 14.101419947171719, 1e-9, NaN, NaN, NaN] },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[3]', data: [0.5, -1.5, 3] }],
      outputs: [{ type: 'f32[3]', data: [0.5463025, -14.10142, -0.14254655] }],
      source: 'mpmath',
    },
  ],
});
