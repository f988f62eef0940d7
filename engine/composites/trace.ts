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
  cases: [],
  samples: [
    { types: ['f64[3,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { offset: 1, axis1: -2, axis2: -1 } },
    { types: ['i32[2,2]'], params: { offset: -1 } },
  ],
});
