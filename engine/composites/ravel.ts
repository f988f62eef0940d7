import { z } from 'zod';
import { operand } from '../ops/op.ts';
import { composite } from './composite.ts';
import { flattened } from './shaping.ts';

/** All elements in one axis. */
export const ravel = composite({
  name: 'ravel',
  aliases: ['flatten'],
  doc: 'The elements of `x` in row-major order as a vector.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({}),
  build: (b, [x]) => flattened(b, x),
  cases: [
    {
      inputs: [{ type: 'f32[2,2]', data: [1, 2, 3, 4] }],
      outputs: [{ type: 'f32[4]', data: [1, 2, 3, 4] }],
      source: 'numpy',
    },
    { inputs: [{ type: 'f64', data: [3] }], outputs: [{ type: 'f64[1]', data: [3] }], source: 'numpy' },
  ],
  samples: [
    { types: ['f64[2,3]'], params: {} },
    { types: ['f32'], params: {} },
    { types: ['bool[0,2]'], params: {} },
  ],
});
