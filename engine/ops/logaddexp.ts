import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { sigmoid } from './sigmoid.ts';
import { sub } from './sub.ts';

/** `log(exp(x) + exp(y))`. */
export const logaddexp: Op = elementwise({
  name: 'logaddexp',
  doc: '`log(exp(x) + exp(y))`, without overflow.',
  operands: [operand('x', 'float'), operand('y', 'float')],
  // d = σ(x - y) dx + σ(y - x) dy
  jvp: [
    (b, dx, { x: [x, y] }) => mul(b, dx, sigmoid(b, sub(b, x, y))),
    (b, dy, { x: [x, y] }) => mul(b, dy, sigmoid(b, sub(b, y, x))),
  ],
  // Equal inputs apart, because the difference of equal infinities is NaN.
  element: (e, [x, y]) => {
    const apart = e.add(e.max(x, y), e.log1p(e.exp(e.neg(e.abs(e.sub(x, y))))));
    return e.select(e.eq(x, y), e.add(x, e.const(Math.LN2, x.dtype)), apart);
  },
  cases: [
    {
      inputs: [
        { type: 'f64[8]', data: [0, 1, -1000, 1000, -Infinity, Infinity, Infinity, NaN] },
        { type: 'f64[8]', data: [0, -2, -1001, 999, -Infinity, Infinity, -Infinity, 1] },
      ],
      outputs: [
        {
          type: 'f64[8]',
          data: [
            Math.LN2,
            1.048587351573742,
            -999.6867383124818,
            1000.3132616875182,
            -Infinity,
            Infinity,
            Infinity,
            NaN,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [
        { type: 'f32[2]', data: [0.5, 100] },
        { type: 'f32[2]', data: [-0.5, 99] },
      ],
      outputs: [{ type: 'f32[2]', data: [0.8132617, 100.31326] }],
      source: 'mpmath',
    },
  ],
});
