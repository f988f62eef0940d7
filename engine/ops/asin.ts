import { add } from './add.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { rsqrt } from './rsqrt.ts';
import { sub } from './sub.ts';

/** The inverse sine, in radians. */
export const asin: Op = elementwise({
  name: 'asin',
  aliases: ['arcsin'],
  doc: 'The inverse sine of `x`, from -π/2 to π/2; NaN outside [-1, 1].',
  operands: [operand('x', 'float')],
  // d asin x = dx / √((1 - x)(1 + x)), the factors being exact near ±1.
  jvp: [
    (b, dx, { x: [x] }) => {
      const one = b.full(1, x.type);
      return mul(b, dx, rsqrt(b, mul(b, sub(b, one, x), add(b, one, x))));
    },
  ],
  element: 'asin',
  domain: [[-0.9, 0.9]],
  cases: [
    {
      inputs: [{ type: 'f64[7]', data: [0, 0.5, -1, 0.999999, 1e-9, 1.5, NaN] }],
      outputs: [
        { type: 'f64[7]', data: [0, 0.5235987755982989, -1.5707963267948966, 1.5693821131146521, 1e-9, NaN, NaN] },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [0.25, -0.75] }],
      outputs: [{ type: 'f32[2]', data: [0.25268024, -0.8480621] }],
      source: 'mpmath',
    },
  ],
});
