import { z } from 'zod';
import type { Routine } from '../compile/routine.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { formatType, sizeOf, type TensorType } from '../types.ts';
import { axisSchema, orderedAxes } from './axes.ts';
import { broadcastTo } from './broadcast-to.ts';
import {
  type Contraction,
  contractedShape,
  contractionParams,
  freeAxes,
  relaid,
  sizesOf,
  sortedBy,
  sumOfProducts,
} from './contraction.ts';
import { moveAxis } from './indexing.ts';
import { matmulRoutine } from './matmul-routine.ts';
import { mul } from './mul.ts';
import { defineOp, type Form, type Op, operand, TypeMismatch } from './op.ts';
import { reshape } from './reshape.ts';
import { inverse, transpose } from './transpose.ts';

const axesParam = z.array(axisSchema).max(8).readonly();

/** The sums of products over pairs of axes. */
export const dotGeneral: Op<Contraction> = defineOp({
  name: 'dot_general',
  family: 'linalg',
  doc: 'The sums of products of `lhs` and `rhs` over the pairs of axes `lhs_contract` and `rhs_contract`, for each position along the pairs `lhs_batch` and `rhs_batch`. The axes of the result are the batch, what is left of `lhs`, what is left of `rhs`.',
  operands: [operand('lhs'), operand('rhs')],
  variadic: false,
  broadcast: false,
  params: contractionParams,
  surface: {
    params: z.strictObject({
      lhs_contract: axesParam,
      rhs_contract: axesParam,
      lhs_batch: axesParam.optional(),
      rhs_batch: axesParam.optional(),
    }),
    build: (b, [lhs, rhs], { lhs_contract, rhs_contract, lhs_batch = [], rhs_batch = [] }) =>
      dotGeneral(b, lhs, rhs, {
        lhs_contract: orderedAxes(lhs_contract, lhs.type.shape.length, 'lhs_contract'),
        rhs_contract: orderedAxes(rhs_contract, rhs.type.shape.length, 'rhs_contract'),
        lhs_batch: orderedAxes(lhs_batch, lhs.type.shape.length, 'lhs_batch'),
        rhs_batch: orderedAxes(rhs_batch, rhs.type.shape.length, 'rhs_batch'),
      }),
  },
  type: (types, params) => {
    const [lhs, rhs] = types as readonly [TensorType, TensorType];
    if (lhs.dtype === 'bool') throw new TypeMismatch(0, 'a number tensor');
    if (rhs.dtype !== lhs.dtype) throw new TypeMismatch(1, formatType({ dtype: lhs.dtype, shape: rhs.shape }));
    return [{ dtype: lhs.dtype, shape: contractedShape(lhs, rhs, params) }];
  },
  jvp: [
    (b, dx, { x: [, rhs], params }) => dotGeneral(b, dx, rhs, params),
    (b, dy, { x: [lhs], params }) => dotGeneral(b, lhs, dy, params),
  ],
  transpose: [
    (b, ct, { x: [lhs, rhs], params }) => {
      const { batch, lhsFree, rhsFree } = places(lhs.type, rhs.type, params);
      const found = dotGeneral(b, ct, rhs, {
        lhs_contract: rhsFree.map((_, i) => batch.length + lhsFree.length + i),
        rhs_contract: rhsFree,
        lhs_batch: batch,
        rhs_batch: params.rhs_batch,
      });
      const summed = sortedBy(params.lhs_contract, params.rhs_contract);
      return transpose(b, found, { axes: inverse([...params.lhs_batch, ...lhsFree, ...summed]) });
    },
    (b, ct, { x: [lhs, rhs], params }) => {
      const { batch, lhsFree, rhsFree } = places(lhs.type, rhs.type, params);
      const found = dotGeneral(b, lhs, ct, {
        lhs_contract: lhsFree,
        rhs_contract: lhsFree.map((_, i) => batch.length + i),
        lhs_batch: params.lhs_batch,
        rhs_batch: batch,
      });
      const summed = sortedBy(params.rhs_contract, params.lhs_contract);
      return transpose(b, found, { axes: inverse([...params.rhs_batch, ...summed, ...rhsFree]) });
    },
  ],
  batch: (b, { x: [lhs, rhs], params }, [lhsBatched, rhsBatched]) => {
    const later = (axes: readonly number[], by: boolean | undefined): number[] => axes.map((axis) => axis + Number(by));
    const { lhs_contract, rhs_contract, lhs_batch, rhs_batch } = params;
    const both = lhsBatched && rhsBatched ? [0] : [];
    const y = dotGeneral(b, lhs, rhs, {
      lhs_contract: later(lhs_contract, lhsBatched),
      rhs_contract: later(rhs_contract, rhsBatched),
      lhs_batch: [...both, ...later(lhs_batch, lhsBatched)],
      rhs_batch: [...both, ...later(rhs_batch, rhsBatched)],
    });
    if (both.length > 0) return { y: [y], batched: [true] };
    // A batch of one side alone is the first of its free axes.
    const lhsFree = lhs.type.shape.length - lhs_batch.length - lhs_contract.length;
    return { y: [moveAxis(b, y, lhs_batch.length + (rhsBatched ? lhsFree : 0), 0)], batched: [true] };
  },
  simplify: (b, { x: [lhs, rhs], params }, y) => {
    if (params.lhs_contract.length === 0) return outer(b, lhs, rhs, params, y);
    const left = relaid(b, lhs, params.lhs_batch, params.lhs_contract);
    const right = relaid(b, rhs, params.rhs_batch, params.rhs_contract);
    if (!left && !right) return null;
    return dotGeneral(b, left?.x ?? lhs, right?.x ?? rhs, {
      lhs_batch: left?.batch ?? params.lhs_batch,
      lhs_contract: left?.contract ?? params.lhs_contract,
      rhs_batch: right?.batch ?? params.rhs_batch,
      rhs_contract: right?.contract ?? params.rhs_contract,
    });
  },
  lower: {
    kind: 'reduce',
    reduction: (e, read, at, { x, params }) => {
      const [lhs, rhs] = x as readonly [TensorType, TensorType];
      const { lhs_contract, rhs_contract, lhs_batch, rhs_batch } = params;
      const { batch, lhsFree, rhsFree } = places(lhs, rhs, params);
      const split = batch.length + lhsFree.length;
      return sumOfProducts(e, read, [lhs, rhs], sizesOf(lhs.shape, lhs_contract), (summed) => {
        const kept = at.axes();
        return [
          { axes: [...lhs_batch, ...lhsFree, ...lhs_contract], indices: [...kept.slice(0, split), ...summed] },
          {
            axes: [...rhs_batch, ...rhsFree, ...rhs_contract],
            indices: [...kept.slice(0, batch.length), ...kept.slice(split), ...summed],
          },
        ];
      });
    },
    routine,
  },
  cases: [
    {
      inputs: [
        { type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'f32[3,2]', data: [1, 2, 3, 4, 5, 6] },
      ],
      params: { lhs_contract: [1], rhs_contract: [0] },
      outputs: [{ type: 'f32[2,2]', data: [22, 28, 49, 64] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'f64[2,2,3]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
        { type: 'f64[3,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
      ],
      params: { lhs_contract: [2], rhs_contract: [0], lhs_batch: [0], rhs_batch: [1] },
      outputs: [{ type: 'f64[2,2,2]', data: [38, 44, 83, 98, 176, 200, 239, 272] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'i64[2,3]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'i64[2,3]', data: [1, 2, 3, 4, 5, 6] },
      ],
      params: { lhs_contract: [0, 1], rhs_contract: [0, -1] },
      outputs: [{ type: 'i64', data: [91] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'i32[2]', data: [65536, 3] },
        { type: 'i32[2]', data: [65536, 5] },
      ],
      params: { lhs_contract: [0], rhs_contract: [0] },
      outputs: [{ type: 'i32', data: [15] }],
      source: 'jax',
    },
  ],
  samples: [
    { types: ['f64[2,3]', 'f64[3,4]'], params: dims([1], [0]) },
    { types: ['f64[3,2]', 'f64[4,3]'], params: dims([0], [1]) },
    { types: ['f64[3]', 'f64[3]'], params: dims([0], [0]) },
    { types: ['f64[2]', 'f64[3]'], params: dims([], []) },
    { types: ['f64[2,3,4]', 'f64[4,2,2,3]'], params: dims([2, 1], [0, 3]) },
    { types: ['f64[2,3,4]', 'f64[3,4,5]'], params: dims([2], [1], [1], [0]) },
    { types: ['f64[2,3,4,2]', 'f64[3,2,2,4]'], params: dims([3], [1], [2, 1], [3, 0]) },
    { types: ['f64[2,3]', 'f64[2,3]'], params: dims([], [], [0, 1], [0, 1]) },
    { types: ['f32[5,6]', 'f32[6,7]'], params: dims([1], [0]) },
    { types: ['f64[2,0]', 'f64[0,3]'], params: dims([1], [0]) },
    { types: ['f64[0,2]', 'f64[2,3]'], params: dims([1], [0]) },
    { types: ['i32[2,3]', 'i32[3,2]'], params: dims([1], [0]) },
    { types: ['i64[2,3]', 'i64[3]'], params: dims([1], [0]) },
  ],
});

/** Where the axes of each side are: the batch and both kinds of free axes, in the order of the result. */
function places(
  lhs: TensorType,
  rhs: TensorType,
  params: Contraction,
): Record<'batch' | 'lhsFree' | 'rhsFree', number[]> {
  return {
    batch: params.lhs_batch.map((_, i) => i),
    lhsFree: freeAxes(lhs.shape.length, params.lhs_batch, params.lhs_contract),
    rhsFree: freeAxes(rhs.shape.length, params.rhs_batch, params.rhs_contract),
  };
}

/** The product without a sum: each side repeated along the free axes of the other. */
function outer(b: Builder, lhs: Var, rhs: Var, params: Contraction, { shape }: TensorType): Var {
  const { batch, lhsFree, rhsFree } = places(lhs.type, rhs.type, params);
  const ones = lhsFree.map(() => 1);
  const left = transpose(b, lhs, { axes: [...params.lhs_batch, ...lhsFree] });
  const right = transpose(b, rhs, { axes: [...params.rhs_batch, ...rhsFree] });
  const spread = reshape(b, left, { shape: [...left.type.shape, ...rhsFree.map(() => 1)] });
  const aligned = reshape(b, right, {
    shape: [...right.type.shape.slice(0, batch.length), ...ones, ...right.type.shape.slice(batch.length)],
  });
  return mul(b, broadcastTo(b, spread, { shape }), broadcastTo(b, aligned, { shape }));
}

function routine({ x, params }: Form<Contraction>): Routine {
  const [lhs, rhs] = x as readonly [TensorType, TensorType];
  const { lhsFree, rhsFree } = places(lhs, rhs, params);
  return matmulRoutine(
    {
      batch: sizeOf(sizesOf(lhs.shape, params.lhs_batch)),
      m: sizeOf(sizesOf(lhs.shape, lhsFree)),
      n: sizeOf(sizesOf(rhs.shape, rhsFree)),
      k: sizeOf(sizesOf(lhs.shape, params.lhs_contract)),
    },
    { type: lhs, groups: [params.lhs_batch, lhsFree, params.lhs_contract] },
    { type: rhs, groups: [params.rhs_batch, params.rhs_contract, rhsFree] },
  );
}

function dims(
  lhs_contract: readonly number[],
  rhs_contract: readonly number[],
  lhs_batch: readonly number[] = [],
  rhs_batch: readonly number[] = [],
): Contraction {
  return { lhs_contract, rhs_contract, lhs_batch, rhs_batch };
}
