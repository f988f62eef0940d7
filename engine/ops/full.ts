import { z } from 'zod';
import { dtypeSchema, shapeSchema } from '../program/document.ts';
import { toElement } from '../types.ts';
import { defineOp, type Op } from './op.ts';

const params = z.strictObject({
  value: z.custom<number>((value) => typeof value === 'number'),
  dtype: dtypeSchema,
  shape: shapeSchema,
});

/** Every element is `value`. */
export const full: Op<z.output<typeof params>> = defineOp({
  name: 'full',
  family: 'creation',
  doc: 'A tensor of `shape` whose every element is `value`.',
  operands: [],
  variadic: false,
  broadcast: false,
  params,
  type: (_, { dtype, shape }) => [{ dtype, shape }],
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
      params: { value: 1.5, dtype: 'float32', shape: [2, 2] },
      outputs: [{ type: 'f32[2,2]', data: [1.5, 1.5, 1.5, 1.5] }],
      source: 'definition',
    },
  ],
  samples: [{ types: [], params: { value: 3, dtype: 'float64', shape: [2] } }],
});
