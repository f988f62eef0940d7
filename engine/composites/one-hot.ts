import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { eq } from '../ops/eq.ts';
import { iota } from '../ops/iota.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { scalarSchema } from '../ops/scalar.ts';
import { sizeSchema } from '../ops/sizes.ts';
import { where } from '../ops/where.ts';
import { dtypeSchema } from '../program/document.ts';
import { composite } from './composite.ts';
import { withAxes } from './shaping.ts';

/** Integers as unit vectors. */
export const oneHot = composite({
  name: 'one_hot',
  doc: 'Each integer `i` as a vector of `depth` elements along a new `axis` (-1): `on_value` (1) at `i`, `off_value` (0) elsewhere and where `i` is out of range.',
  operands: [operand('indices', 'integer')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    depth: sizeSchema.optional(),
    num_classes: sizeSchema.optional(),
    axis: axisSchema.optional(),
    on_value: scalarSchema.optional(),
    off_value: scalarSchema.optional(),
    dtype: dtypeSchema.optional(),
  }),
  positional: ['depth'],
  build: (b, [indices], { depth, num_classes, axis = -1, on_value = 1, off_value = 0, dtype }, { floatDtype }) => {
    const size = depth ?? num_classes;
    if (size === undefined) throw new ParamMismatch('depth', 'one_hot needs a depth, the size of the vectors');
    const place = normalAxis(axis, indices.type.shape.length + 1);
    const shape = [...indices.type.shape.slice(0, place), size, ...indices.type.shape.slice(place)];
    const hot = eq(
      b,
      broadcastTo(b, withAxes(b, indices, [place]), { shape }),
      iota(b, { dtype: indices.type.dtype, shape, axis: place }),
    );
    const type = { dtype: dtype ?? floatDtype, shape };
    return where(b, hot, b.full(on_value, type), b.full(off_value, type));
  },
  cases: [
    {
      inputs: [{ type: 'i32[4]', data: [0, 2, -1, 3] }],
      params: { depth: 3 },
      outputs: [{ type: 'f32[4,3]', data: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'i64[2]', data: [1, 0] }],
      params: { depth: 2, axis: 0, on_value: 5, off_value: -1, dtype: 'int32' },
      outputs: [{ type: 'i32[2,2]', data: [-1, 5, 5, -1] }],
      source: 'jax',
    },
  ],
  samples: [
    { types: ['i32[4]'], params: { depth: 3 } },
    { types: ['i64[2,2]'], params: { depth: 2, axis: 0, dtype: 'float64', on_value: 5, off_value: -1 } },
    { types: ['i32'], params: { num_classes: 0, dtype: 'int32' } },
  ],
});
