import { z } from 'zod';
import { add } from '../ops/add.ts';
import { iota } from '../ops/iota.ts';
import { mul } from '../ops/mul.ts';
import { ParamMismatch } from '../ops/op.ts';
import { dtypeSchema } from '../program/document.ts';
import { composite } from './composite.ts';

const bound = z
  .number()
  .min(-(2 ** 53))
  .max(2 ** 53);

/** Numbers a step apart. */
export const arange = composite({
  name: 'arange',
  aliases: ['range'],
  doc: 'The numbers `start` (0), `start + step`, … until before `stop`; a single bound is `stop`. int32 where all three are whole numbers, else float, unless `dtype` is given.',
  operands: [],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    start: bound.optional(),
    stop: bound.nullable().optional(),
    step: bound.optional(),
    dtype: dtypeSchema.optional(),
  }),
  positional: ['start', 'stop', 'step'],
  build: (b, _, params, { floatDtype }) => {
    const { step = 1 } = params;
    const [start, stop] = typeof params.stop === 'number' ? [params.start ?? 0, params.stop] : [0, params.start];
    if (stop === undefined) throw new ParamMismatch('stop', 'arange needs a stop');
    if (step === 0) throw new ParamMismatch('step', 'the step must not be 0');
    const count = Math.max(0, Math.ceil((stop - start) / step));
    if (count > 2 ** 31 - 1) throw new ParamMismatch('stop', `arange would have ${count} elements`);
    const dtype = params.dtype ?? ([start, stop, step].every(Number.isInteger) ? 'int32' : floatDtype);
    const places = iota(b, { dtype, shape: [count], axis: 0 });
    return add(b, b.full(start, places.type), mul(b, places, b.full(step, places.type)));
  },
  cases: [
    { inputs: [], params: { start: 3 }, outputs: [{ type: 'i32[3]', data: [0, 1, 2] }], source: 'numpy' },
    {
      inputs: [],
      params: { start: 5, stop: -1, step: -2 },
      outputs: [{ type: 'i32[3]', data: [5, 3, 1] }],
      source: 'numpy',
    },
    {
      inputs: [],
      params: { start: 0, stop: 1, step: 0.25, dtype: 'float64' },
      outputs: [{ type: 'f64[4]', data: [0, 0.25, 0.5, 0.75] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: [], params: { start: 5 } },
    { types: [], params: { start: 1, stop: 2, step: 0.25, dtype: 'float64' } },
    { types: [], params: { start: 7, stop: -2, step: -3 } },
    { types: [], params: { stop: 0 } },
  ],
});
