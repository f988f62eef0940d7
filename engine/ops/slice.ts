import { z } from 'zod';
import { indexAt } from '../compile/index-space.ts';
import { shapeSchema } from '../program/document.ts';
import type { TensorType } from '../types.ts';
import { movement } from './movement.ts';
import { type Op, ParamMismatch } from './op.ts';
import { pad } from './pad.ts';
import { stepsSchema } from './sizes.ts';
import { sliceAll } from './slicing.ts';

const LARGEST = 2 ** 31 - 1;

const params = z.strictObject({ starts: shapeSchema, stops: shapeSchema, steps: stepsSchema });

/** A bound or step of a slice, or `null` for the default. */
export const boundSchema = z.number().int().min(-LARGEST).max(LARGEST).nullable();

const bounds = z.array(boundSchema).max(8).readonly();

/** Every `step`-th element from `start` until before `stop`, along each axis. */
export const slice: Op<z.output<typeof params>> = movement({
  name: 'slice',
  aliases: ['strided_slice'],
  doc: 'Along each axis every `steps`-th element from `starts` until before `stops`. Negative bounds count from the end, null ones are the default, and those out of range are clamped, as in Python; a negative step goes backwards.',
  params,
  surface: {
    params: z.strictObject({ starts: bounds, stops: bounds, steps: bounds.optional() }),
    positional: ['starts', 'stops', 'steps'],
    build: (b, [x], { starts, stops, steps: strides }) => {
      for (const [param, list] of Object.entries({ starts, stops, steps: strides }))
        if (list && list.length !== x.type.shape.length)
          throw new ParamMismatch(
            param,
            `${param} [${list}] must have one entry for each of the ${x.type.shape.length} axes`,
          );
      return sliceAll(
        b,
        x,
        x.type.shape.map((_, axis) => [starts[axis], stops[axis], strides?.[axis]]),
        'steps',
      );
    },
  },
  type: ({ shape }, { starts, stops, steps }) => {
    const fits = [starts, stops, steps].every(({ length }) => length === shape.length);
    if (!fits || shape.some((size, axis) => starts[axis]! > stops[axis]! || stops[axis]! > size))
      throw new ParamMismatch(
        'starts',
        `starts [${starts}], stops [${stops}] and steps [${steps}] do not fit shape [${shape}]`,
      );
    return shape.map((_, axis) => Math.ceil((stops[axis]! - starts[axis]!) / steps[axis]!));
  },
  transpose: (b, ct, { x: [x], params: { starts, steps } }) => {
    const reach = ct.type.shape.map((count, axis) => (count === 0 ? 0 : (count - 1) * steps[axis]! + 1));
    return pad(b, ct, {
      low: starts,
      high: x.type.shape.map((size, axis) => size - starts[axis]! - reach[axis]!),
      interior: steps.map((step) => step - 1),
      value: 0,
    });
  },
  batch: (b, x, { starts, stops, steps }, size) =>
    slice(b, x, { starts: [0, ...starts], stops: [size, ...stops], steps: [1, ...steps] }),
  simplify: (b, x, { starts, stops, steps }) => {
    if (x.type.shape.every((size, axis) => starts[axis] === 0 && stops[axis] === size && steps[axis] === 1)) return x;
    const inner = b.producer(x);
    if (inner?.op !== slice) return null;
    const before = inner.params as z.output<typeof params>;
    const through = (i: number, axis: number): number => before.starts[axis]! + i * before.steps[axis]!;
    return slice(b, inner.inputs[0]!, {
      starts: starts.map(through),
      stops: stops.map((stop, axis) =>
        stop > starts[axis]! ? through(stop - 1, axis) + 1 : through(starts[axis]!, axis),
      ),
      steps: steps.map((step, axis) => step * before.steps[axis]!),
    });
  },
  source: (e, at, { x: [x], params: { starts, steps } }) =>
    indexAt(
      e,
      (x as TensorType).shape,
      at.axes().map((i, axis) => e.add(e.mul(i, e.at(steps[axis]!)), e.at(starts[axis]!))),
    ),
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [1, 2, 3, 4, 5, 6] }],
      params: { starts: [1], stops: [6], steps: [2] },
      outputs: [{ type: 'f32[3]', data: [2, 4, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[3,4]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }],
      params: { starts: [-2, null], stops: [99, null], steps: [1, -3] },
      outputs: [{ type: 'i32[2,2]', data: [8, 5, 12, 9] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[4]', data: [1, 2, 3, 4] }],
      params: { starts: [3], stops: [1] },
      outputs: [{ type: 'f64[0]', data: [] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[5]'], params: { starts: [1], stops: [5], steps: [2] } },
    { types: ['f64[2,3,4]'], params: { starts: [0, 1, 1], stops: [2, 3, 4], steps: [1, 1, 3] } },
    { types: ['f32[4,3]'], params: { starts: [1, 0], stops: [3, 3], steps: [1, 1] } },
    { types: ['f64[3,2]'], params: { starts: [2, 0], stops: [2, 2], steps: [1, 1] } },
    { types: ['f64[0,2]'], params: { starts: [0, 0], stops: [0, 1], steps: [1, 1] } },
    { types: ['i32[6]'], params: { starts: [0], stops: [6], steps: [4] } },
    { types: ['bool[3]'], params: { starts: [0], stops: [2], steps: [1] } },
  ],
});
