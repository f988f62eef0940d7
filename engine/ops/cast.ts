import { z } from 'zod';
import { dtypeSchema } from '../program/document.ts';
import { isFloat } from '../types.ts';
import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

const params = z.strictObject({ dtype: dtypeSchema });

/** The same values in another dtype. */
export const cast: Op<z.output<typeof params>> = elementwise({
  name: 'cast',
  aliases: ['astype', 'convert_element_type'],
  doc: '`x` in another `dtype`: floats lose their fraction on the way to integers, and whatever is not 0 is true.',
  operands: [operand('x', 'any')],
  params,
  surface: { params, positional: ['dtype'], build: (b, [x], { dtype }) => cast(b, x, { dtype }) },
  result: (_, { dtype }) => dtype,
  jvp: (b, { x: [x], params }, [dx]) => ({
    y: [cast(b, x, params)],
    dy: [dx && isFloat(params.dtype) ? cast(b, dx, params) : null],
  }),
  transpose: [(b, ct, { x: [x] }) => cast(b, ct, { dtype: x.type.dtype })],
  simplify: (_, { x: [x], params: { dtype } }) => (x.type.dtype === dtype ? x : null),
  element: (e, [x], { params: { dtype } }) => e.cast(x, dtype),
  cases: [
    {
      inputs: [{ type: 'f64[4]', data: [1.9, -1.9, 0, 3] }],
      params: { dtype: 'int32' },
      outputs: [{ type: 'i32[4]', data: [1, -1, 0, 3] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[4]', data: [0.1, 1e300, -Infinity, NaN] }],
      params: { dtype: 'float32' },
      outputs: [{ type: 'f32[4]', data: [0.1, Infinity, -Infinity, NaN] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[3]', data: [0.5, 0, NaN] }],
      params: { dtype: 'bool' },
      outputs: [{ type: 'bool[3]', data: [true, false, true] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'bool[2]', data: [true, false] }],
      params: { dtype: 'float32' },
      outputs: [{ type: 'f32[2]', data: [1, 0] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i64[2]', data: [9007199254740992, -3] }],
      params: { dtype: 'int32' },
      outputs: [{ type: 'i32[2]', data: [0, -3] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: { dtype: 'float32' } },
    { types: ['f32[2,3]'], params: { dtype: 'float64' } },
    { types: ['f64[2,3]'], params: { dtype: 'int64' } },
    { types: ['i32[2,3]'], params: { dtype: 'float32' } },
    { types: ['i64[2,3]'], params: { dtype: 'bool' } },
    { types: ['bool[2,3]'], params: { dtype: 'int32' } },
  ],
});
