import { z } from 'zod';
import { convGeneral } from '../ops/conv-general.ts';
import { operand, ParamMismatch, TypeMismatch } from '../ops/op.ts';
import { pad } from '../ops/pad.ts';
import { reshape } from '../ops/reshape.ts';
import { sizeSchema } from '../ops/sizes.ts';
import { transpose } from '../ops/transpose.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { composite } from './composite.ts';

const step = sizeSchema.min(1);
const steps = z.union([step, z.array(step).max(6).readonly()]);

const params = z.strictObject({
  strides: steps.default(1),
  padding: z
    .union([
      z.enum(['valid', 'same', 'VALID', 'SAME']),
      sizeSchema,
      z
        .array(z.tuple([sizeSchema, sizeSchema]))
        .max(6)
        .readonly(),
    ])
    .default('valid'),
  dilations: steps.default(1),
  groups: step.default(1),
  data_format: z
    .enum(['channels_first', 'channels_last', 'NCW', 'NCHW', 'NCDHW', 'NWC', 'NHWC', 'NDHWC'])
    .default('channels_first'),
});

type Params = z.output<typeof params>;

/** The convolution layer of networks, in one or more dimensions. */
export const conv = composite<Params>({
  name: 'conv',
  aliases: ['convolution'],
  doc:
    'The cross-correlation of `x` with the windows of `kernel`, as layers of networks compute it. `x` is `[batch, channels, ...spatial]` and `kernel` `[outputs, channels / groups, ...window]`; ' +
    'with `data_format` `channels_last` they are `[batch, ...spatial, channels]` and `[...window, channels / groups, outputs]`. `padding` is `valid` (none), `same` (places = size / strides, rounded up), ' +
    'one number for all sides, or `[before, after]` for each spatial axis. `strides`, `dilations` and `groups` are 1 by default.',
  operands: [operand('x'), operand('kernel')],
  variadic: false,
  broadcast: false,
  params,
  build: (b, [x, kernel], { groups, data_format, ...given }) => {
    const rank = x.type.shape.length;
    if (rank < 3) throw new TypeMismatch(0, 'a tensor of rank 3 or more: a batch, channels, and spatial axes');
    if (kernel.type.shape.length !== rank) throw new TypeMismatch(1, `a tensor of rank ${rank}, as the first input's`);
    const isLast = data_format === 'channels_last' || data_format.endsWith('C');
    const axes = isLast ? channelsLast(rank) : channelsFirst(rank);
    checkChannels(x, kernel, axes, groups);
    const strides = listOf(given.strides, rank - 2, 'strides');
    const dilations = listOf(given.dilations, rank - 2, 'dilations');
    const extents = axes.window.map((axis, i) => (kernel.type.shape[axis]! - 1) * dilations[i]! + 1);
    const padding = paddingOf(x, axes, given.padding, strides, extents);
    const padded = pad(b, x, { ...padding, interior: x.type.shape.map(() => 0), value: 0 });
    checkWindow(padded, kernel, axes, extents);
    const [lhs, rhs] =
      groups === 1
        ? [padded, kernel]
        : [divided(b, padded, axes.channels, groups), divided(b, kernel, axes.outputs, groups)];
    // A divided axis is two: those behind it move.
    const behind = (axis: number, cut: number): number => axis + Number(groups > 1 && axis > cut);
    const inX = (axis: number): number => behind(axis, axes.channels);
    const inKernel = (axis: number): number => behind(axis, axes.outputs);
    const found = convGeneral(b, lhs, rhs, {
      lhs_batch: groups > 1 ? [axes.channels] : [],
      rhs_batch: groups > 1 ? [axes.outputs] : [],
      lhs_contract: [axes.channels + Number(groups > 1)],
      rhs_contract: [inKernel(axes.inputs)],
      lhs_spatial: axes.spatial.map(inX),
      rhs_spatial: axes.window.map(inKernel),
      strides,
      dilations,
    });
    // [(group,) output, batch, ...spatial]
    const outputs = groups > 1 ? [0, 1] : [0];
    const spatial = axes.spatial.map((_, i) => outputs.length + 1 + i);
    const order = isLast ? [outputs.length, ...spatial, ...outputs] : [outputs.length, ...outputs, ...spatial];
    const y = transpose(b, found, { axes: order });
    if (groups === 1) return y;
    const { shape } = found.type;
    const places = spatial.map((axis) => shape[axis]!);
    const channels = shape[0]! * shape[1]!;
    return reshape(b, y, { shape: isLast ? [shape[2]!, ...places, channels] : [shape[2]!, channels, ...places] });
  },
  cases: [
    {
      inputs: [
        { type: 'f32[1,2,4]', data: [1, 2, 3, 4, 5, 6, 7, 8] },
        { type: 'f32[2,2,3]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
      ],
      outputs: [{ type: 'f32[1,2,2]', data: [106, 127, 250, 307] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'f64[1,1,5,3]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] },
        { type: 'f64[2,1,3,2]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
      ],
      params: { padding: 'same', strides: [2, 1] },
      outputs: [
        {
          type: 'f64[1,2,3,3]',
          data: [61, 79, 39, 183, 204, 93, 127, 137, 57, 133, 175, 93, 453, 510, 255, 415, 449, 219],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [
        {
          type: 'f64[1,5,3,2]',
          data: [
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
            30,
          ],
        },
        { type: 'f64[3,2,2,1]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
      ],
      params: { padding: 'SAME', dilations: [1, 2], data_format: 'NHWC' },
      outputs: [
        { type: 'f64[1,5,3,1]', data: [272, 508, 220, 525, 960, 411, 795, 1428, 609, 1065, 1896, 807, 564, 948, 368] },
      ],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'f32[2,2,4]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] },
        { type: 'f32[4,1,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] },
      ],
      params: { groups: 2, padding: [[1, 0]], strides: 3 },
      outputs: [{ type: 'f32[2,4,2]', data: [2, 11, 4, 25, 30, 83, 40, 113, 18, 35, 36, 81, 78, 171, 104, 233] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'i32[1,1,2,2]', data: [1, 2, 3, 4] },
        { type: 'i32[1,1,2,2]', data: [1, 2, 3, 4] },
      ],
      params: { padding: 1 },
      outputs: [{ type: 'i32[1,1,3,3]', data: [4, 11, 6, 14, 30, 14, 6, 11, 4] }],
      source: 'jax',
    },
  ],
  samples: [
    { types: ['f64[2,3,6]', 'f64[4,3,3]'], params: {} },
    { types: ['f64[1,2,5,4]', 'f64[3,2,3,2]'], params: { padding: 'same', strides: [2, 1] } },
    { types: ['f64[2,5,5,2]', 'f64[3,3,2,3]'], params: { padding: 'SAME', dilations: 2, data_format: 'NHWC' } },
    { types: ['f64[2,4,5]', 'f64[6,2,2]'], params: { groups: 2, padding: 1 } },
    {
      types: ['f64[1,5,4,4]', 'f64[2,2,1,4]'],
      params: {
        groups: 4,
        padding: [
          [1, 0],
          [0, 2],
        ],
        data_format: 'channels_last',
      },
    },
    { types: ['f64[1,1,3,3,3]', 'f64[2,1,2,2,2]'], params: {} },
    { types: ['f32[2,3,4,4]', 'f32[5,3,1,1]'], params: { strides: 2 } },
    { types: ['i32[1,1,4]', 'i32[1,1,2]'], params: {} },
  ],
});

/** Where the axes of both operands are. */
interface Axes {
  readonly channels: number;
  readonly spatial: readonly number[];
  readonly inputs: number;
  readonly outputs: number;
  readonly window: readonly number[];
}

function channelsFirst(rank: number): Axes {
  const spatial = Array.from({ length: rank - 2 }, (_, i) => 2 + i);
  return { channels: 1, spatial, inputs: 1, outputs: 0, window: spatial };
}

function channelsLast(rank: number): Axes {
  const places = Array.from({ length: rank - 2 }, (_, i) => i);
  return { channels: rank - 1, spatial: places.map((i) => i + 1), inputs: rank - 2, outputs: rank - 1, window: places };
}

function checkChannels(x: Var, kernel: Var, { channels, inputs, outputs }: Axes, groups: number): void {
  const given = x.type.shape[channels]!;
  if (given % groups !== 0) throw new ParamMismatch('groups', `groups ${groups} must divide the ${given} channels`);
  if (kernel.type.shape[inputs] !== given / groups)
    throw new TypeMismatch(
      1,
      `size ${given / groups} along axis ${inputs}: the first input has ${given} channels${groups > 1 ? ` in ${groups} groups` : ''}`,
    );
  const made = kernel.type.shape[outputs]!;
  if (made % groups !== 0) throw new ParamMismatch('groups', `groups ${groups} must divide the ${made} outputs`);
}

/** A layer without outputs is a mistake; `conv_general` gives an empty tensor, as `lax` does. */
function checkWindow(x: Var, kernel: Var, { spatial, window }: Axes, extents: readonly number[]): void {
  for (const [i, axis] of spatial.entries()) {
    const size = x.type.shape[axis]!;
    const extent = extents[i]!;
    if (kernel.type.shape[window[i]!]! < 1 || extent > size)
      throw new TypeMismatch(
        1,
        `a window of 1 to ${size} elements along axis ${window[i]}, as many as the padded input has: it reaches over ${Math.max(0, extent)}`,
      );
  }
}

function listOf(steps: number | readonly number[], count: number, param: string): readonly number[] {
  if (typeof steps === 'number') return new Array<number>(count).fill(steps);
  if (steps.length !== count)
    throw new ParamMismatch(param, `${param} [${steps}] must have one entry for each of the ${count} spatial axes`);
  return steps;
}

function paddingOf(
  x: Var,
  { spatial }: Axes,
  padding: Params['padding'],
  strides: readonly number[],
  extents: readonly number[],
): { readonly low: number[]; readonly high: number[] } {
  const count = spatial.length;
  if (typeof padding === 'object' && padding.length !== count)
    throw new ParamMismatch('padding', `padding must have one pair for each of the ${count} spatial axes`);
  const pairs = spatial.map((axis, i): readonly [number, number] => {
    if (typeof padding === 'number') return [padding, padding];
    if (typeof padding === 'object') return padding[i]!;
    if (padding.toLowerCase() === 'valid') return [0, 0];
    const size = x.type.shape[axis]!;
    const missing = Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + extents[i]! - size);
    return [Math.floor(missing / 2), Math.ceil(missing / 2)];
  });
  const along = (side: 0 | 1): number[] =>
    x.type.shape.map((_, axis) => (spatial.includes(axis) ? pairs[spatial.indexOf(axis)]![side] : 0));
  return { low: along(0), high: along(1) };
}

/** The tensor with an axis divided into groups and what is in each. */
function divided(b: Builder, x: Var, axis: number, groups: number): Var {
  const { shape } = x.type;
  return reshape(b, x, { shape: [...shape.slice(0, axis), groups, shape[axis]! / groups, ...shape.slice(axis + 1)] });
}
