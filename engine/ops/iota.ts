import { z } from 'zod';
import { dtypeSchema, shapeSchema } from '../program/document.ts';
import { axisSchema, normalAxis } from './axes.ts';
import { defineOp, type Op, ParamMismatch } from './op.ts';
import { shapeOrSizeSchema, sizesFrom } from './sizes.ts';

const params = z.strictObject({ dtype: dtypeSchema, shape: shapeSchema, axis: z.number().int().min(0).max(7) });

/** Every element is its position along an axis. */
export const iota: Op<z.output<typeof params>> = defineOp({
  name: 'iota',
  family: 'creation',
  doc: 'A tensor of `shape` whose every element is its position along `axis` (0): 0, 1, 2, …',
  operands: [],
  variadic: false,
  broadcast: false,
  params,
  surface: {
    params: z.strictObject({
      shape: shapeOrSizeSchema,
      dtype: dtypeSchema.optional(),
      axis: axisSchema.optional(),
    }),
    positional: ['shape', 'dtype'],
    build: (b, _, { shape, dtype = 'int32', axis = 0 }) => {
      const sizes = sizesFrom(shape);
      return iota(b, { dtype, shape: sizes, axis: normalAxis(axis, sizes.length) });
    },
  },
  type: (_, { dtype, shape, axis }) => {
    if (dtype === 'bool') throw new ParamMismatch('dtype', 'positions are numbers, not bool');
    if (axis < 0 || axis >= shape.length)
      throw new ParamMismatch('axis', `axis ${axis} is out of range for rank ${shape.length}`);
    return [{ dtype, shape }];
  },
  jvp: [],
  batch: (b, { params }) => ({ y: [iota(b, params)], batched: [false] }),
  simplify: (b, { params: { shape, axis } }, y) => (shape[axis]! <= 1 ? b.full(0, y) : null),
  lower: {
    kind: 'map',
    element: (e, _read, at, { params: { dtype, axis } }) => e.cast(at.axes()[axis]!, dtype),
  },
  cases: [
    { inputs: [], params: { shape: 4 }, outputs: [{ type: 'i32[4]', data: [0, 1, 2, 3] }], source: 'jax' },
    {
      inputs: [],
      params: { shape: [2, 3], dtype: 'float32', axis: 1 },
      outputs: [{ type: 'f32[2,3]', data: [0, 1, 2, 0, 1, 2] }],
      source: 'jax',
    },
  ],
  samples: [
    { types: [], params: { dtype: 'float64', shape: [4], axis: 0 } },
    { types: [], params: { dtype: 'int32', shape: [2, 3], axis: 1 } },
    { types: [], params: { dtype: 'int64', shape: [2, 3, 2], axis: 0 } },
    { types: [], params: { dtype: 'float32', shape: [0, 3], axis: 1 } },
  ],
});
