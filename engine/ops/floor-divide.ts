import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** The floor of the quotient. */
export const floorDivide: Op = elementwise({
  name: 'floor_divide',
  aliases: ['floordiv', 'floor_div'],
  doc: 'The floor of `x / y`; of integers, 0 where `y` is 0. It has no gradient, as in TensorFlow.',
  operands: [operand('x'), operand('y')],
  jvp: ['no_gradient_defined'],
  element: 'floordiv',
  cases: [
    {
      inputs: [
        { type: 'f64[5]', data: [7, -7, 7, -7, 0.5] },
        { type: 'f64[5]', data: [2, 2, -2, -2, 3] },
      ],
      outputs: [{ type: 'f64[5]', data: [3, -4, -4, 3, 0] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[6]', data: [-0.5, 0.5, 0.5, -0.5, 0, NaN] },
        { type: 'f64[6]', data: [Infinity, -Infinity, Infinity, -Infinity, -Infinity, Infinity] },
      ],
      outputs: [{ type: 'f64[6]', data: [-1, -1, 0, 0, -0, NaN] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[6]', data: [7, -7, 7, -7, 5, 0] },
        { type: 'i32[6]', data: [2, 2, -2, -2, 0, 3] },
      ],
      outputs: [{ type: 'i32[6]', data: [3, -4, -4, 3, 0, 0] }],
      source: 'numpy',
    },
  ],
});
