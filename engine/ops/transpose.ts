import { z } from 'zod';
import { indexAt } from '../compile/index-space.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { TensorType } from '../types.ts';
import { axisIndicesSchema, axisSchema, orderedAxes } from './axes.ts';
import { movement } from './movement.ts';
import { type Op, ParamMismatch } from './op.ts';

const params = z.strictObject({ axes: axisIndicesSchema });

const order = z.array(axisSchema).max(8).readonly().nullable().optional();

/** The axes of `x` in another order: axis `i` of the output is axis `axes[i]` of `x`. */
export const transpose: Op<z.output<typeof params>> = movement({
  name: 'transpose',
  aliases: ['permute_dims', 'permute'],
  doc: 'The axes of `x` in another order: axis `i` of the output is axis `axes[i]` of `x`. Without `axes` their order is reversed.',
  params,
  surface: {
    params: z.strictObject({ axes: order, perm: order }),
    positional: ['axes'],
    build: (b, [x], { axes, perm }) => {
      const wanted = axes ?? perm;
      const reversed = x.type.shape.map((_, axis) => axis).reverse();
      return transpose(b, x, { axes: wanted ? orderedAxes(wanted, x.type.shape.length) : reversed });
    },
  },
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
    const before = inner.params.axes as readonly number[];
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
    {
      inputs: [{ type: 'i32[2,1,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axes: [-1, 0, 1] },
      outputs: [{ type: 'i32[3,2,1]', data: [1, 4, 2, 5, 3, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,2]', data: [1, 2, 3, 4] }],
      outputs: [{ type: 'f64[2,2]', data: [1, 3, 2, 4] }],
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

/**
 * What a tensor is a transposition of, and where its axes were; `undefined` where it is none, or where axes whose order
 * matters would change theirs.
 */
export function beforeTranspose(
  b: Builder,
  x: Var,
  ordered: readonly number[],
): { readonly x: Var; axesOf(axes: readonly number[]): number[] } | undefined {
  const inner = b.producer(x);
  if (inner?.op !== transpose) return undefined;
  const order = inner.params.axes as readonly number[];
  const axesOf = (axes: readonly number[]): number[] => axes.map((axis) => order[axis]!);
  const kept = axesOf(ordered);
  return kept.every((axis, i) => i === 0 || axis > kept[i - 1]!) ? { x: inner.inputs[0]!, axesOf } : undefined;
}
