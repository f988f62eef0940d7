import { z } from 'zod';
import { indexAt } from '../compile/index-space.ts';
import type { TensorType } from '../types.ts';
import { movement } from './movement.ts';
import { type Op, ParamMismatch } from './op.ts';

const params = z.strictObject({ axes: z.array(z.number().int().min(0).max(7)).max(8).readonly() });

/** The axes of `x` in another order: axis `i` of the output is axis `axes[i]` of `x`. */
export const transpose: Op<z.output<typeof params>> = movement({
  name: 'transpose',
  doc: 'The axes of `x` in another order: axis `i` of the output is axis `axes[i]` of `x`.',
  params,
  type: (x, { axes }) => {
    const sorted = [...axes].sort((a, b) => a - b);
    if (axes.length !== x.shape.length || sorted.some((axis, i) => axis !== i))
      throw new ParamMismatch('axes', `axes [${axes}] must name each of the ${x.shape.length} axes once`);
    return axes.map((axis) => x.shape[axis] as number);
  },
  transpose: (b, ct, { params }) => transpose(b, ct, { axes: inverse(params.axes) }),
  batch: (b, x, { axes }) => transpose(b, x, { axes: [0, ...axes.map((axis) => axis + 1)] }),
  simplify: (b, x, { axes }) => {
    if (axes.every((axis, i) => axis === i)) return x;
    const inner = b.producer(x);
    if (inner?.op !== transpose) return null;
    const before = inner.params['axes'] as readonly number[];
    return transpose(b, inner.inputs[0] as typeof x, { axes: axes.map((axis) => before[axis] as number) });
  },
  source: (e, at, { x: [x], params }) => {
    const axes = at.axes();
    return indexAt(
      e,
      (x as TensorType).shape,
      inverse(params.axes).map((axis) => axes[axis] as (typeof axes)[number]),
    );
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axes: [1, 0] },
      outputs: [{ type: 'f32[3,2]', data: [1, 4, 2, 5, 3, 6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3,4]'], params: { axes: [2, 0, 1] } },
    { types: ['i64[2,3]'], params: { axes: [1, 0] } },
  ],
});

/** The permutation that undoes another. */
export function inverse(axes: readonly number[]): number[] {
  const undo = new Array<number>(axes.length);
  axes.forEach((axis, i) => {
    undo[axis] = i;
  });
  return undo;
}
