import { z } from 'zod';
import type { Expr, Exprs } from '../compile/expr.ts';
import { type Index, indexAt } from '../compile/index-space.ts';
import { withBatch } from '../transform/vmap.ts';
import { formatType, type TensorType } from '../types.ts';
import { axisSchema, normalAxis } from './axes.ts';
import { defineOp, type Op, operand, ParamMismatch, type Read, TypeMismatch } from './op.ts';
import { slice } from './slice.ts';

const params = z.strictObject({ axis: z.number().int().min(0).max(7) });

/** Tensors joined along an axis. */
export const concatenate: Op<z.output<typeof params>> = defineOp({
  name: 'concatenate',
  aliases: ['concat', 'cat'],
  family: 'movement',
  doc: 'The inputs joined along `axis` (0), in order; all other sizes must agree.',
  operands: [operand('x', 'any')],
  variadic: true,
  broadcast: false,
  params,
  surface: {
    params: z.strictObject({ axis: axisSchema.optional() }),
    positional: ['axis'],
    build: (b, x, { axis = 0 }) => concatenate(b, ...x, { axis: normalAxis(axis, x[0].type.shape.length) }),
  },
  type: (x, { axis }) => {
    const { dtype, shape } = x[0] as TensorType;
    if (axis >= shape.length) throw new ParamMismatch('axis', `axis ${axis} is out of range for rank ${shape.length}`);
    x.forEach((type, i) => {
      const fitting = shape.map((size, other) => (other === axis ? (type.shape[axis] ?? 1) : size));
      if (
        type.dtype !== dtype ||
        type.shape.length !== shape.length ||
        type.shape.some((size, k) => size !== fitting[k])
      )
        throw new TypeMismatch(i, formatType({ dtype, shape: fitting }));
    });
    const joined = x.reduce((total, type) => total + type.shape[axis]!, 0);
    return [{ dtype, shape: shape.map((size, other) => (other === axis ? joined : size)) }];
  },
  jvp: 'linear',
  transpose: (b, [ct], { x, params: { axis } }, linear) => {
    let offset = 0;
    return x.map(({ type: { shape } }, i) => {
      const start = offset;
      offset += shape[axis]!;
      if (!ct || !linear[i]) return null;
      return slice(b, ct, {
        starts: shape.map((_, other) => (other === axis ? start : 0)),
        stops: shape.map((size, other) => (other === axis ? start + size : size)),
        steps: shape.map(() => 1),
      });
    });
  },
  batch: (b, { x, params: { axis } }, batched, size) => ({
    y: [concatenate(b, ...x.map((input, i) => withBatch(b, input, batched[i]!, size)), { axis: axis + 1 })],
    batched: [true],
  }),
  simplify: (b, { x, params }) => {
    const filled = x.filter((input) => input.type.shape[params.axis] !== 0);
    if (filled.length <= 1) return filled[0] ?? x[0];
    return filled.length < x.length ? concatenate(b, ...filled, params) : null;
  },
  lower: { kind: 'map', element: (e, read, at, { x, params: { axis } }) => pick(e, read, at, x, axis) },
  cases: [
    {
      inputs: [
        { type: 'f32[2]', data: [1, 2] },
        { type: 'f32[1]', data: [3] },
        { type: 'f32[2]', data: [4, 5] },
      ],
      outputs: [{ type: 'f32[5]', data: [1, 2, 3, 4, 5] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[2,1]', data: [1, 2] },
        { type: 'i32[2,2]', data: [1, 2, 3, 4] },
      ],
      params: { axis: -1 },
      outputs: [{ type: 'i32[2,3]', data: [1, 1, 2, 2, 3, 4] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[0]', data: [] },
        { type: 'f64[1]', data: [6] },
      ],
      outputs: [{ type: 'f64[1]', data: [6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2]', 'f64[3]'], params: { axis: 0 } },
    { types: ['f64[2,1]', 'f64[2,3]', 'f64[2,2]'], params: { axis: 1 } },
    { types: ['f32[1,2]', 'f32[0,2]', 'f32[3,2]', 'f32[1,2]', 'f32[2,2]'], params: { axis: 0 } },
    { types: ['f64[0]', 'f64[0]'], params: { axis: 0 } },
    { types: ['f64[2,2,2]'], params: { axis: 1 } },
    { types: ['i32[2]', 'i32[1]'], params: { axis: 0 } },
    { types: ['bool[1]', 'bool[2]'], params: { axis: 0 } },
  ],
});

/** A balanced tree of comparisons finds the input that holds position `at`. */
function pick(e: Exprs, read: Read, at: Index, x: readonly TensorType[], axis: number): Expr {
  const parts: { readonly i: number; readonly start: number }[] = [];
  let offset = 0;
  x.forEach(({ shape }, i) => {
    if (shape[axis] !== 0) parts.push({ i, start: offset });
    offset += shape[axis]!;
  });
  const position = at.axes()[axis]!;
  const search = (from: number, to: number): Expr => {
    if (to - from <= 1) {
      const { i, start } = parts[from] ?? { i: 0, start: 0 };
      const { shape } = x[i] as TensorType;
      const inside = e.clampIndex(e.sub(position, e.at(start)), shape[axis]!);
      return read(
        i,
        indexAt(
          e,
          shape,
          at.axes().map((index, other) => (other === axis ? inside : index)),
        ),
      );
    }
    const middle = (from + to) >> 1;
    return e.select(e.lt(position, e.at(parts[middle]!.start)), search(from, middle), search(middle, to));
  };
  return search(0, parts.length);
}
