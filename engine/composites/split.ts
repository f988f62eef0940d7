import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { sizeSchema } from '../ops/sizes.ts';
import { composite } from './composite.ts';
import { sliceAxis } from './shaping.ts';

const MOST = 1024;
const list = z.array(sizeSchema).min(1).max(MOST).readonly();

/** A tensor cut along an axis. */
export const split = composite({
  name: 'split',
  doc: '`x` cut along `axis` (0) into as many equal `sections`, into parts of `sizes`, or before each of `indices`: one output each.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    sections: z.number().int().min(1).max(MOST).optional(),
    sizes: list.optional(),
    indices: list.optional(),
    axis: axisSchema.optional(),
  }),
  positional: ['sections', 'axis'],
  build: (b, [x], { sections, sizes, indices, axis = 0 }) => {
    const along = normalAxis(axis, x.type.shape.length);
    const size = x.type.shape[along]!;
    const cuts = cutsOf(size, sections, sizes, indices);
    return cuts.slice(1).map((stop, i) => sliceAxis(b, x, along, Math.min(cuts[i]!, stop), stop));
  },
  cases: [
    {
      inputs: [{ type: 'f32[4]', data: [1, 2, 3, 4] }],
      params: { sections: 2 },
      outputs: [
        { type: 'f32[2]', data: [1, 2] },
        { type: 'f32[2]', data: [3, 4] },
      ],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { sizes: [1, 2], axis: -1 },
      outputs: [
        { type: 'i32[2,1]', data: [1, 4] },
        { type: 'i32[2,2]', data: [2, 3, 5, 6] },
      ],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[3]', data: [1, 2, 3] }],
      params: { indices: [1, 1, 9] },
      outputs: [
        { type: 'f64[1]', data: [1] },
        { type: 'f64[0]', data: [] },
        { type: 'f64[2]', data: [2, 3] },
        { type: 'f64[0]', data: [] },
      ],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[6]'], params: { sections: 3 } },
    { types: ['f64[2,5]'], params: { sizes: [1, 4], axis: 1 } },
    { types: ['f32[5,2]'], params: { indices: [2, 2, 9] } },
  ],
});

/** Where each part starts, and where the last one ends. */
function cutsOf(
  size: number,
  sections: number | undefined,
  sizes: readonly number[] | undefined,
  indices: readonly number[] | undefined,
): number[] {
  if ([sections, sizes, indices].filter((given) => given !== undefined).length !== 1)
    throw new ParamMismatch('sections', 'split needs exactly one of sections, sizes and indices');
  if (indices) return [0, ...indices.map((index) => Math.min(index, size)), size];
  if (sizes) {
    const cuts = [0];
    for (const part of sizes) cuts.push(cuts.at(-1)! + part);
    if (cuts.at(-1) !== size) throw new ParamMismatch('sizes', `sizes [${sizes}] do not add up to ${size}`);
    return cuts;
  }
  const count = sections!;
  if (size % count !== 0)
    throw new ParamMismatch('sections', `size ${size} does not divide into ${count} equal sections`);
  return Array.from({ length: count + 1 }, (_, i) => (i * size) / count);
}
