import { add } from './add.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { rsqrt } from './rsqrt.ts';

/** The inverse hyperbolic sine. */
export const asinh: Op = elementwise({
  name: 'asinh',
  aliases: ['arcsinh'],
  doc: 'The inverse hyperbolic sine of `x`.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, rsqrt(b, add(b, mul(b, x, x), b.full(1, x.type))))],
  // ±log(1 + (a + a² / (1 + √(1 + a²)))) for a = |x|, which is log 2a where 1 is lost beside a.
  element: (e, [x]) => {
    const one = e.const(1, x.dtype);
    const a = e.abs(x);
    const square = e.mul(a, a);
    const near = e.log1p(e.add(a, e.div(square, e.add(one, e.apply('sqrt', [e.add(one, square)])))));
    const far = e.add(e.apply('log', [a]), e.const(Math.LN2, x.dtype));
    return e.mul(e.apply('sign', [x]), e.select(e.lt(a, e.const(1e9, x.dtype)), near, far));
  },
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 0.5, -2, 1e-9, -1e300, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [0, 0.48121182505960347, -1.4436354751788103, 1e-9, -691.4686750787737, NaN, Infinity, -Infinity],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[3]', data: [0.001, -3, 1e30] }],
      outputs: [{ type: 'f32[3]', data: [0.0009999999, -1.8184465, 69.7707] }],
      source: 'mpmath',
    },
  ],
});
