import { z } from 'zod';
import { isTensor } from '../program/program.ts';
import type { Tensor } from '../types.ts';
import { defineOp, type Op } from './op.ts';

const params = z.strictObject({ tensor: z.custom<Tensor>(isTensor) });

/** A tensor written in the graph. */
export const constant: Op<z.output<typeof params>> = defineOp({
  name: 'constant',
  family: 'creation',
  doc: 'A tensor written in the graph; documents write it under `constants`.',
  operands: [],
  variadic: false,
  broadcast: false,
  params,
  surface: null,
  type: (_, { tensor }) => [tensor.type],
  jvp: [],
  batch: (b, { params }) => ({ y: [constant(b, params)], batched: [false] }),
  lower: { kind: 'constant', data: ({ tensor }) => tensor.data },
  cases: [],
  samples: [{ types: [], params: { tensor: { type: { dtype: 'float32', shape: [2] }, data: Float32Array.of(1, 2) } } }],
});
