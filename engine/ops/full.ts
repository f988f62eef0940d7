import { z } from 'zod';
import { dtypeSchema, shapeSchema } from '../program/document.ts';
import { toElement } from '../types.ts';
import { defineOp, type Op } from './op.ts';
import { checkScalar, scalarParam, scalarSchema } from './scalar.ts';
import { shapeOrSizeSchema, sizesFrom } from './sizes.ts';

const params = z.strictObject({ value: scalarParam, dtype: dtypeSchema, shape: shapeSchema });

/** Every element is `value`. */
export const full: Op<z.output<typeof params>> = defineOp({
  name: 'full',
  family: 'creation',
  doc: 'A tensor of `shape` whose every element is `value`.',
  operands: [],
  variadic: false,
  broadcast: false,
  params,
  surface: {
    params: z.strictObject({
      shape: shapeOrSizeSchema,
      value: scalarSchema.optional(),
      fill_value: scalarSchema.optional(),
      dtype: dtypeSchema.optional(),
    }),
    positional: ['shape', 'value', 'dtype'],
    build: (b, _, { shape, value, fill_value, dtype }, { floatDtype }) =>
      full(b, { value: value ?? fill_value ?? 0, dtype: dtype ?? floatDtype, shape: sizesFrom(shape) }),
  },
  type: (_, { value, dtype, shape }) => {
    checkScalar(value, dtype, 'value');
    return [{ dtype, shape }];
  },
  jvp: [],
  batch: (b, { params }) => ({ y: [full(b, params)], batched: [false] }),
  uniform: ({ value }) => value,
  lower: {
    kind: 'map',
    element: (e, _read, _at, { params }) => e.const(toElement(params.dtype, params.value), params.dtype),
  },
  cases: [
    {
      inputs: [],
      params: { shape: [2, 2], value: 1.5 },
      outputs: [{ type: 'f32[2,2]', data: [1.5, 1.5, 1.5, 1.5] }],
      source: 'numpy',
    },
    {
      inputs: [],
      params: { shape: 2, value: -3, dtype: 'int64' },
      outputs: [{ type: 'i64[2]', data: [-3, -3] }],
      source: 'numpy',
    },
    {
      inputs: [],
      params: { shape: [], value: Infinity },
      outputs: [{ type: 'f32', data: [Infinity] }],
      source: 'numpy',
    },
  ],
  samples: [{ types: [], params: { value: 3, dtype: 'float64', shape: [2] } }],
});
