import { operand } from '../ops/op.ts';
import { sum } from '../ops/sum.ts';
import { composite } from './composite.ts';
import { diagonalOf, diagonalSchema } from './diagonal.ts';

/** The sum of a diagonal. */
export const trace = composite({
  name: 'trace',
  doc: 'The sum of the diagonal number `offset` (0) of the matrices over `axis1` (0) and `axis2` (1).',
  operands: [operand('x')],
  variadic: false,
  broadcast: false,
  params: diagonalSchema,
  positional: ['offset', 'axis1', 'axis2'],
  build: (b, [x], params) => {
    const elements = diagonalOf(b, x, params);
    return sum(b, elements, { axes: [elements.type.shape.length - 1] });
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      outputs: [{ type: 'f32', data: [6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] }],
      params: { axis1: -2, axis2: -1 },
      outputs: [{ type: 'i32[2]', data: [5, 13] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { offset: 1, axis1: -2, axis2: -1 } },
    { types: ['i32[2,2]'], params: { offset: -1 } },
  ],
});
