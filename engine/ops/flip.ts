import { z } from 'zod';
import { indexAt } from '../compile/index-space.ts';
import type { TensorType } from '../types.ts';
import { axesSchema, axisIndicesSchema, normalAxes } from './axes.ts';
import { movement } from './movement.ts';
import { type Op, ParamMismatch } from './op.ts';

const params = z.strictObject({ axes: axisIndicesSchema });

/** The elements in reverse order along axes. */
export const flip: Op<z.output<typeof params>> = movement({
  name: 'flip',
  aliases: ['reverse'],
  doc: 'The elements of `x` in reverse order along `axes`, by default along all.',
  params,
  surface: {
    params: z.strictObject({ axes: axesSchema.optional(), axis: axesSchema.optional() }),
    positional: ['axes'],
    build: (b, [x], { axes, axis }) => flip(b, x, { axes: normalAxes(axes ?? axis, x.type.shape) }),
  },
  type: ({ shape }, { axes }) => {
    if (axes.some((axis, i) => axis >= shape.length || (i > 0 && axis <= axes[i - 1]!)))
      throw new ParamMismatch('axes', `axes [${axes}] must be increasing and below the rank of shape [${shape}]`);
    return shape;
  },
  transpose: (b, ct, { params: { axes } }) => flip(b, ct, { axes }),
  batch: (b, x, { axes }) => flip(b, x, { axes: axes.map((axis) => axis + 1) }),
  simplify: (b, x, { axes }) => {
    if (axes.every((axis) => x.type.shape[axis]! <= 1)) return x;
    const inner = b.producer(x);
    if (inner?.op !== flip) return null;
    const before = (inner.params as z.output<typeof params>).axes;
    const odd = x.type.shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) !== before.includes(axis));
    return flip(b, inner.inputs[0]!, { axes: odd });
  },
  source: (e, at, { x: [x], params: { axes } }) => {
    const { shape } = x as TensorType;
    return indexAt(
      e,
      shape,
      at.axes().map((i, axis) => (axes.includes(axis) ? e.sub(e.at(shape[axis]! - 1), i) : i)),
    );
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      outputs: [{ type: 'f32[2,3]', data: [6, 5, 4, 3, 2, 1] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i64[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axes: -1 },
      outputs: [{ type: 'i64[2,3]', data: [3, 2, 1, 6, 5, 4] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8] }],
      params: { axes: [0, 2] },
      outputs: [{ type: 'f64[2,2,2]', data: [6, 5, 8, 7, 2, 1, 4, 3] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3]'], params: { axes: [0] } },
    { types: ['f64[2,3,2]'], params: { axes: [0, 2] } },
    { types: ['f32[2,0]'], params: { axes: [1] } },
    { types: ['f64'], params: { axes: [] } },
    { types: ['i64[2,3]'], params: { axes: [1] } },
    { types: ['bool[3,1]'], params: { axes: [0, 1] } },
  ],
});
