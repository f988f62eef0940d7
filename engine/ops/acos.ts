import { add } from './add.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';
import { rsqrt } from './rsqrt.ts';
import { sub } from './sub.ts';

/** The inverse cosine, in radians. */
export const acos: Op = elementwise({
  name: 'acos',
  aliases: ['arccos'],
  doc: 'The inverse cosine of `x`, from 0 to π; NaN outside [-1, 1].',
  operands: [operand('x', 'float')],
  // d acos x = -dx / √((1 - x)(1 + x)), the factors being exact near ±1.
  jvp: [
    (b, dx, { x: [x] }) => {
      const one = b.full(1, x.type);
      return mul(b, dx, neg(b, rsqrt(b, mul(b, sub(b, one, x), add(b, one, x)))));
    },
  ],
  element: 'acos',
  domain: [[-0.9, 0.9]],
  cases: [
    {
      inputs: [{ type: 'f64[7]', data: [0, 0.5, -1, 1, 0.999999, 1.5, NaN] }],
      outputs: [
        { type: 'f64[7]', data: [1.5707963267948966, 1.0471975511965979, Math.PI, 0, 0.0014142136802445852, NaN, NaN] },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [0.25, -0.75] }],
      outputs: [{ type: 'f32[2]', data: [1.3181161, 2.4188583] }],
      source: 'mpmath',
    },
  ],
});
