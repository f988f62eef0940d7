import { z } from 'zod';
import type { Expr } from '../compile/expr.ts';
import { indexAt } from '../compile/index-space.ts';
import { shapeSchema } from '../program/document.ts';
import { type TensorType, toElement } from '../types.ts';
import { defineOp, type Op, operand, ParamMismatch } from './op.ts';
import { checkScalar, scalarParam, scalarSchema } from './scalar.ts';
import { shapeOrSizeSchema, sizeSchema } from './sizes.ts';
import { slice } from './slice.ts';
import { beforeTranspose, inverse, transpose } from './transpose.ts';

const params = z.strictObject({ low: shapeSchema, high: shapeSchema, interior: shapeSchema, value: scalarParam });

const pair = z.tuple([sizeSchema, sizeSchema]);
const widths = z.union([sizeSchema, pair, z.array(pair).max(8)]).readonly();

/** `x` with `value` before, after and between its elements along each axis. */
export const pad: Op<z.output<typeof params>> = defineOp({
  name: 'pad',
  family: 'movement',
  doc: '`x` with `value` (0) around it: `pads` is `[before, after]` for each axis, one such pair for all axes, or one number for all sides. `interior` is how many go between neighbours along each axis.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params,
  surface: {
    params: z.strictObject({
      pads: widths.optional(),
      pad_width: widths.optional(),
      paddings: widths.optional(),
      interior: shapeOrSizeSchema.optional(),
      value: scalarSchema.optional(),
      constant_values: scalarSchema.optional(),
    }),
    positional: ['pads'],
    build: (b, [x], { pads, pad_width, paddings, interior = 0, value, constant_values }) => {
      const { shape } = x.type;
      const pairs = pairsOf(pads ?? pad_width ?? paddings ?? 0, shape.length);
      return pad(b, x, {
        low: pairs.map(([low]) => low),
        high: pairs.map(([, high]) => high),
        interior: typeof interior === 'number' ? shape.map(() => interior) : interior,
        value: value ?? constant_values ?? 0,
      });
    },
  },
  type: ([x], { low, high, interior, value }) => {
    const { dtype, shape } = x as TensorType;
    for (const [param, list] of Object.entries({ pads: low, high, interior }))
      if (list.length !== shape.length)
        throw new ParamMismatch(param, `[${list}] must have one entry for each of the ${shape.length} axes`);
    checkScalar(value, dtype, 'value');
    return [
      {
        dtype,
        shape: shape.map((size, axis) => low[axis]! + high[axis]! + size + Math.max(0, size - 1) * interior[axis]!),
      },
    ];
  },
  jvp: [(b, dx, { params }) => pad(b, dx, { ...params, value: 0 })],
  transpose: [
    (b, ct, { x: [x], params: { low, interior } }) =>
      slice(b, ct, {
        starts: low,
        stops: x.type.shape.map((size, axis) => low[axis]! + (size === 0 ? 0 : (size - 1) * (interior[axis]! + 1) + 1)),
        steps: interior.map((between) => between + 1),
      }),
  ],
  batch: (b, { x: [x], params: { low, high, interior, value } }) => ({
    y: [pad(b, x, { low: [0, ...low], high: [0, ...high], interior: [0, ...interior], value })],
    batched: [true],
  }),
  simplify: (b, { x: [x], params: { low, high, interior, value } }, y) => {
    const nothing = x.type.shape.every(
      (size, axis) => low[axis] === 0 && high[axis] === 0 && (interior[axis] === 0 || size <= 1),
    );
    if (nothing) return x;
    // Who reads a transposition may read what is before it, and so it goes last.
    const before = beforeTranspose(b, x, []);
    if (before) {
      const axes = before.axesOf(x.type.shape.map((_, axis) => axis));
      const along = (entries: readonly number[]): number[] => inverse(axes).map((axis) => entries[axis]!);
      const padded = pad(b, before.x, { low: along(low), high: along(high), interior: along(interior), value });
      return transpose(b, padded, { axes });
    }
    return b.uniform(x) === value || x.type.shape.includes(0) ? b.full(value, y) : null;
  },
  lower: {
    kind: 'map',
    element: (e, read, at, { x: [x], params: { low, high, interior, value } }) => {
      const { dtype, shape } = x as TensorType;
      const fill = e.const(toElement(dtype, value), dtype);
      if (shape.includes(0)) return fill;
      const conditions: Expr[] = [];
      const axes = at.axes().map((i, axis) => {
        const size = shape[axis]!;
        const step = interior[axis]! + 1;
        const shifted = e.sub(i, e.at(low[axis]!));
        if (step > 1) conditions.push(e.eq(e.mod(shifted, e.at(step)), e.at(0)));
        const j = step > 1 ? e.floordiv(shifted, e.at(step)) : shifted;
        if (low[axis]! > 0) conditions.push(e.le(e.at(0), j));
        if (high[axis]! > 0) conditions.push(e.lt(j, e.at(size)));
        return e.clampIndex(j, size);
      });
      const inside = conditions.reduce<Expr | null>((all, one) => (all ? e.and(all, one) : one), null);
      const element = read(0, indexAt(e, shape, axes));
      return inside ? e.select(inside, element, fill) : element;
    },
  },
  cases: [
    {
      inputs: [{ type: 'f32[3]', data: [1, 2, 3] }],
      params: { pads: [1, 2] },
      outputs: [{ type: 'f32[6]', data: [0, 1, 2, 3, 0, 0] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f64[2,2]', data: [1, 2, 3, 4] }],
      params: {
        pads: [
          [1, 0],
          [0, 2],
        ],
        value: -Infinity,
      },
      outputs: [
        {
          type: 'f64[3,4]',
          data: [-Infinity, -Infinity, -Infinity, -Infinity, 1, 2, -Infinity, -Infinity, 3, 4, -Infinity, -Infinity],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'i32[3]', data: [1, 2, 3] }],
      params: { pads: 1, interior: 2, value: 7 },
      outputs: [{ type: 'i32[9]', data: [7, 1, 7, 7, 2, 7, 7, 3, 7] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[0,2]', data: [] }],
      params: {
        pads: [
          [1, 1],
          [0, 1],
        ],
        interior: [3, 0],
        value: 0.5,
      },
      outputs: [{ type: 'f32[2,3]', data: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5] }],
      source: 'jax',
    },
  ],
  samples: [
    { types: ['f64[3]'], params: { low: [1], high: [2], interior: [0], value: 0 } },
    { types: ['f64[2,3]'], params: { low: [0, 2], high: [1, 0], interior: [1, 2], value: 1.5 } },
    { types: ['f32[2,1,2]'], params: { low: [0, 1, 0], high: [0, 1, 3], interior: [0, 4, 1], value: -1 } },
    { types: ['f64[0,2]'], params: { low: [2, 0], high: [1, 1], interior: [1, 0], value: 7 } },
    { types: ['f64'], params: { low: [], high: [], interior: [], value: 3 } },
    { types: ['i32[2]'], params: { low: [1], high: [0], interior: [1], value: -4 } },
    { types: ['i64[2]'], params: { low: [0], high: [2], interior: [0], value: 9 } },
    { types: ['bool[2]'], params: { low: [1], high: [1], interior: [0], value: 1 } },
  ],
});

function pairsOf(
  pads: number | readonly [number, number] | readonly (readonly [number, number])[],
  rank: number,
): readonly (readonly [number, number])[] {
  if (typeof pads === 'number') return new Array(rank).fill([pads, pads]);
  return isPair(pads) ? new Array(rank).fill(pads) : (pads as readonly (readonly [number, number])[]);
}

function isPair(pads: readonly unknown[]): pads is readonly [number, number] {
  return typeof pads[0] === 'number';
}
