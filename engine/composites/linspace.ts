import { z } from 'zod';
import { add } from '../ops/add.ts';
import { div } from '../ops/div.ts';
import { iota } from '../ops/iota.ts';
import { mul } from '../ops/mul.ts';
import { sizeSchema } from '../ops/sizes.ts';
import { sub } from '../ops/sub.ts';
import { composite } from './composite.ts';

const bound = z.number().min(-1e300).max(1e300);

/** Numbers evenly spread over an interval. */
export const linspace = composite({
  name: 'linspace',
  doc: '`num` (50) numbers evenly spread from `start` to `stop`, or until before `stop` without `endpoint`.',
  operands: [],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    start: bound,
    stop: bound,
    num: sizeSchema.optional(),
    endpoint: z.boolean().optional(),
    dtype: z.enum(['float32', 'float64']).optional(),
  }),
  positional: ['start', 'stop', 'num'],
  build: (b, _, { start, stop, num = 50, endpoint = true, dtype }, { floatDtype }) => {
    const places = iota(b, { dtype: dtype ?? floatDtype, shape: [num], axis: 0 });
    const steps = Math.max(1, endpoint ? num - 1 : num);
    // Weights of both ends rather than steps from one, so that both are met exactly.
    const weight = div(b, places, b.full(steps, places.type));
    const rest = sub(b, b.full(1, places.type), weight);
    return add(b, mul(b, rest, b.full(start, places.type)), mul(b, weight, b.full(stop, places.type)));
  },
  cases: [
    {
      inputs: [],
      params: { start: 0, stop: 1, num: 5 },
      outputs: [{ type: 'f32[5]', data: [0, 0.25, 0.5, 0.75, 1] }],
      source: 'numpy',
    },
    {
      inputs: [],
      params: { start: -1, stop: 1, num: 4, endpoint: false, dtype: 'float64' },
      outputs: [{ type: 'f64[4]', data: [-1, -0.5, 0, 0.5] }],
      source: 'numpy',
    },
    { inputs: [], params: { start: 3, stop: 9, num: 1 }, outputs: [{ type: 'f32[1]', data: [3] }], source: 'numpy' },
  ],
  samples: [
    { types: [], params: { start: 0, stop: 1, num: 5 } },
    { types: [], params: { start: -1, stop: 2, num: 4, endpoint: false, dtype: 'float64' } },
    { types: [], params: { start: 3, stop: 4, num: 1 } },
    { types: [], params: { start: 3, stop: 4, num: 0 } },
  ],
});
