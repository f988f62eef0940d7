import { add } from './add.ts';
import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** The inverse tangent, in radians. */
export const atan: Op = elementwise({
  name: 'atan',
  aliases: ['arctan'],
  doc: 'The inverse tangent of `x`, from -π/2 to π/2.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => div(b, dx, add(b, mul(b, x, x), b.full(1, x.type)))],
  element: 'atan',
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 0.5, -1, 1e-9, 1000000000, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [
            0,
            0.4636476090008061,
            -0.7853981633974483,
            1e-9,
            1.5707963257948967,
            NaN,
            1.5707963267948966,
            -1.5707963267948966,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [0.25, -5] }],
      outputs: [{ type: 'f32[2]', data: [0.24497867, -1.3734008] }],
      source: 'mpmath',
    },
  ],
});
