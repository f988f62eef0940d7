import { z } from 'zod';
import { indexAt } from '../compile/index-space.ts';
import { shapeSchema } from '../program/document.ts';
import { type Shape, sameShape, type TensorType } from '../types.ts';
import { movement } from './movement.ts';
import { type Op, ParamMismatch } from './op.ts';
import { reshape } from './reshape.ts';
import { sum } from './sum.ts';

const params = z.strictObject({ shape: shapeSchema });

/** `x` repeated along new leading axes and along axes of size 1. */
export const broadcastTo: Op<z.output<typeof params>> = movement({
  name: 'broadcast_to',
  doc: "`x` repeated along new leading axes and along its axes of size 1 until it has `shape` (NumPy's rules).",
  params,
  surface: { params, positional: ['shape'], build: (b, [x], { shape }) => broadcastTo(b, x, { shape }) },
  type: (x, { shape }) => {
    const lead = shape.length - x.shape.length;
    if (lead < 0 || x.shape.some((size, axis) => size !== 1 && size !== shape[axis + lead]))
      throw new ParamMismatch('shape', `shape [${x.shape}] does not broadcast to [${shape}]`);
    return shape;
  },
  transpose: (b, ct, { x: [x] }) => {
    const axes = repeatedAxes(x.type.shape, ct.type.shape);
    return reshape(b, sum(b, ct, { axes }), { shape: x.type.shape });
  },
  batch: (b, x, { shape }, size) => {
    const [, ...rest] = x.type.shape;
    const ones = new Array<number>(shape.length - rest.length).fill(1);
    return broadcastTo(b, reshape(b, x, { shape: [size, ...ones, ...rest] }), { shape: [size, ...shape] });
  },
  simplify: (_, x, { shape }) => (sameShape(x.type.shape, shape) ? x : null),
  source: (e, at, { x: [x] }) => {
    const { shape } = x as TensorType;
    const lead = at.shape.length - shape.length;
    // A new leading axis of size 1 repeats nothing: the offset stays as it is.
    return indexAt(
      e,
      shape,
      shape.map((size, axis) => (size === 1 ? e.at(0) : (at.axes()[axis + lead] as ReturnType<typeof e.at>))),
    );
  },
  cases: [
    {
      inputs: [{ type: 'f32[3]', data: [1, 2, 3] }],
      params: { shape: [2, 3] },
      outputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 1, 2, 3] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i64[2,1]', data: [4, 5] }],
      params: { shape: [2, 2, 2] },
      outputs: [{ type: 'i64[2,2,2]', data: [4, 4, 5, 5, 4, 4, 5, 5] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3]'], params: { shape: [2, 3] } },
    { types: ['f64[2,1]'], params: { shape: [4, 2, 3] } },
    { types: ['i32[]'], params: { shape: [2] } },
  ],
});

/** The axes of `to` along which a tensor of shape `from` is repeated. */
function repeatedAxes(from: Shape, to: Shape): number[] {
  const lead = to.length - from.length;
  return to.map((_, axis) => axis).filter((axis) => axis < lead || (from[axis - lead] === 1 && to[axis] !== 1));
}
