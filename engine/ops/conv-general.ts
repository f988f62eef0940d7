import { z } from 'zod';
import type { Expr } from '../compile/expr.ts';
import type { Routine, Stride } from '../compile/routine.ts';
import { commonDivisor } from '../divisor.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { formatType, stridesOf, type TensorType } from '../types.ts';
import { add } from './add.ts';
import { axisSchema, orderedAxes } from './axes.ts';
import { relaid, sizesOf, sortedBy, sumOfProducts } from './contraction.ts';
import {
  alongSpatial,
  type Convolution,
  checkAxes,
  convolutionParams,
  layoutOf,
  type Window,
  windowsOf,
} from './conv-axes.ts';
import { convRoutine } from './conv-routine.ts';
import { dotGeneral } from './dot-general.ts';
import { flip } from './flip.ts';
import { moveAxis } from './indexing.ts';
import { defineOp, type Form, type Op, operand, TypeMismatch } from './op.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { stepsSchema } from './sizes.ts';
import { slice } from './slice.ts';
import { beforeTranspose, inverse, transpose } from './transpose.ts';

const NO_PAIRS = { lhs_batch: [], rhs_batch: [], lhs_contract: [], rhs_contract: [] } as const;

const axesParam = z.array(axisSchema).max(8).readonly();

/** The sums of products of a window that slides over a tensor. */
export const convGeneral: Op<Convolution> = defineOp({
  name: 'conv_general',
  family: 'linalg',
  doc: 'The sums of products of `rhs` and of what a window over `lhs` shows, for each place of the window: `lhs` is read at `place * strides + offset * dilations` along `lhs_spatial`, `rhs` at `offset` along `rhs_spatial`. It is a cross-correlation without padding, as in `lax.conv_general_dilated`. Pairs of axes `lhs_contract` and `rhs_contract` are summed over too, and pairs `lhs_batch` and `rhs_batch` run together. The axes of the result are the batch, what is left of `rhs`, what is left of `lhs`, the places of the window.',
  operands: [operand('lhs'), operand('rhs')],
  variadic: false,
  broadcast: false,
  params: convolutionParams,
  surface: {
    params: z.strictObject({
      lhs_spatial: axesParam,
      rhs_spatial: axesParam,
      lhs_contract: axesParam.optional(),
      rhs_contract: axesParam.optional(),
      lhs_batch: axesParam.optional(),
      rhs_batch: axesParam.optional(),
      strides: stepsSchema.optional(),
      dilations: stepsSchema.optional(),
    }),
    build: (b, [lhs, rhs], { strides, dilations, ...given }) => {
      const axes = (name: Exclude<keyof Convolution, 'strides' | 'dilations'>, x: Var): number[] =>
        orderedAxes(given[name] ?? [], x.type.shape.length, name);
      return convGeneral(b, lhs, rhs, {
        lhs_batch: axes('lhs_batch', lhs),
        lhs_contract: axes('lhs_contract', lhs),
        lhs_spatial: axes('lhs_spatial', lhs),
        rhs_batch: axes('rhs_batch', rhs),
        rhs_contract: axes('rhs_contract', rhs),
        rhs_spatial: axes('rhs_spatial', rhs),
        strides: strides ?? given.lhs_spatial.map(() => 1),
        dilations: dilations ?? given.lhs_spatial.map(() => 1),
      });
    },
  },
  type: (types, params) => {
    const [lhs, rhs] = types as readonly [TensorType, TensorType];
    if (lhs.dtype === 'bool') throw new TypeMismatch(0, 'a number tensor');
    if (rhs.dtype !== lhs.dtype) throw new TypeMismatch(1, formatType({ dtype: lhs.dtype, shape: rhs.shape }));
    checkAxes(lhs, rhs, params);
    const { lhsFreeAxes, rhsFreeAxes } = layoutOf(lhs.shape, rhs.shape, params);
    const shape = [
      ...sizesOf(lhs.shape, params.lhs_batch),
      ...sizesOf(rhs.shape, rhsFreeAxes),
      ...sizesOf(lhs.shape, lhsFreeAxes),
      ...windowsOf(lhs.shape, rhs.shape, params).map(({ places }) => places),
    ];
    return [{ dtype: lhs.dtype, shape }];
  },
  jvp: [
    (b, dx, { x: [, rhs], params }) => convGeneral(b, dx, rhs, params),
    (b, dy, { x: [lhs], params }) => convGeneral(b, lhs, dy, params),
  ],
  transpose: [
    (b, ct, { x: [lhs, rhs], params }) => pullbackOfLhs(b, ct, lhs.type, rhs, params),
    (b, ct, { x: [lhs, rhs], params }) => pullbackOfRhs(b, ct, lhs, rhs.type, params),
  ],
  batch: (b, { x: [lhs, rhs], params }, [lhsBatched, rhsBatched]) => {
    const later = (axes: readonly number[], by: boolean | undefined): number[] => axes.map((axis) => axis + Number(by));
    const both = lhsBatched && rhsBatched ? [0] : [];
    const y = convGeneral(b, lhs, rhs, {
      ...params,
      lhs_batch: [...both, ...later(params.lhs_batch, lhsBatched)],
      lhs_contract: later(params.lhs_contract, lhsBatched),
      lhs_spatial: later(params.lhs_spatial, lhsBatched),
      rhs_batch: [...both, ...later(params.rhs_batch, rhsBatched)],
      rhs_contract: later(params.rhs_contract, rhsBatched),
      rhs_spatial: later(params.rhs_spatial, rhsBatched),
    });
    if (both.length > 0) return { y: [y], batched: [true] };
    // A batch of one side alone is the first of its free axes.
    const rhsFree = rhs.type.shape.length - [params.rhs_batch, params.rhs_contract, params.rhs_spatial].flat().length;
    const place = params.lhs_batch.length + (lhsBatched ? rhsFree : 0);
    return { y: [moveAxis(b, y, place, 0)], batched: [true] };
  },
  simplify: (b, { x: [lhs, rhs], params }) => {
    const isPoint = params.rhs_spatial.every((axis) => rhs.type.shape[axis] === 1);
    if (isPoint && params.strides.every((step) => step === 1)) return pointwise(b, lhs, rhs, params);
    const { lhsFreeAxes } = layoutOf(lhs.type.shape, rhs.type.shape, params);
    const shown = beforeTranspose(b, lhs, lhsFreeAxes);
    // Places that are neighbours in memory are read together.
    if (shown && shown.axesOf(params.lhs_spatial.slice(-1))[0] === lhs.type.shape.length - 1)
      return convGeneral(b, shown.x, rhs, {
        ...params,
        lhs_batch: shown.axesOf(params.lhs_batch),
        lhs_contract: shown.axesOf(params.lhs_contract),
        lhs_spatial: shown.axesOf(params.lhs_spatial),
      });
    const matrix = relaid(b, rhs, params.rhs_batch, [...params.rhs_contract, ...params.rhs_spatial]);
    if (!matrix) return null;
    const contracted = params.rhs_contract.length;
    return convGeneral(b, lhs, matrix.x, {
      ...params,
      rhs_batch: matrix.batch,
      rhs_contract: matrix.contract.slice(0, contracted),
      rhs_spatial: matrix.contract.slice(contracted),
    });
  },
  lower: {
    kind: 'reduce',
    reduction: (e, read, at, { x, params }) => {
      const [lhs, rhs] = x as readonly [TensorType, TensorType];
      const layout = layoutOf(lhs.shape, rhs.shape, params);
      const contracted = params.lhs_contract.length;
      const over = [...sizesOf(lhs.shape, params.lhs_contract), ...sizesOf(rhs.shape, params.rhs_spatial)];
      return sumOfProducts(e, read, [lhs, rhs], over, (summed) => {
        const kept = at.axes();
        const pick = (places: readonly number[]): Expr[] => places.map((place) => kept[place]!);
        const shown = pick(layout.spatial).map((place, i) =>
          e.add(e.mul(place, e.at(params.strides[i]!)), e.mul(summed[contracted + i]!, e.at(params.dilations[i]!))),
        );
        return [
          {
            axes: [...params.lhs_batch, ...layout.lhsFreeAxes, ...params.lhs_contract, ...params.lhs_spatial],
            indices: [...pick(layout.batch), ...pick(layout.lhsFree), ...summed.slice(0, contracted), ...shown],
          },
          {
            axes: [...params.rhs_batch, ...layout.rhsFreeAxes, ...params.rhs_contract, ...params.rhs_spatial],
            indices: [...pick(layout.batch), ...pick(layout.rhsFree), ...summed],
          },
        ];
      });
    },
    routine,
  },
  cases: [
    {
      inputs: [
        { type: 'f32[2,5]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
        { type: 'f32[3]', data: [1, -1, 2] },
      ],
      params: { lhs_spatial: [1], rhs_spatial: [0], strides: [2] },
      outputs: [{ type: 'f32[2,2]', data: [5, 9, 15, 19] }],
      source: 'jax',
    },
    {
      inputs: [
        {
          type: 'f64[1,2,4,3]',
          data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
        },
        { type: 'f64[2,2,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] },
      ],
      params: { lhs_spatial: [2, 3], rhs_spatial: [2, 3], lhs_contract: [1], rhs_contract: [1], dilations: [2, 1] },
      outputs: [{ type: 'f64[2,1,2,2]', data: [500, 536, 608, 644, 1172, 1272, 1472, 1572] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'f64[4,2,2]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] },
        { type: 'f64[2,3,2]', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
      ],
      params: { lhs_spatial: [0], rhs_spatial: [0], lhs_batch: [2], rhs_batch: [-1], strides: [1], dilations: [3] },
      outputs: [{ type: 'f64[2,3,2,1]', data: [92, 108, 120, 144, 148, 180, 116, 136, 148, 176, 180, 216] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'i64[4]', data: [1, 2, 3, 4] },
        { type: 'i64[2]', data: [1, 2] },
      ],
      params: { lhs_spatial: [0], rhs_spatial: [0] },
      outputs: [{ type: 'i64[3]', data: [5, 8, 11] }],
      source: 'jax',
    },
    {
      inputs: [
        { type: 'i32[3]', data: [65536, 3, 1] },
        { type: 'i32[2]', data: [65536, 5] },
      ],
      params: { lhs_spatial: [0], rhs_spatial: [0] },
      outputs: [{ type: 'i32[2]', data: [15, 196613] }],
      source: 'jax',
    },
  ],
  samples: [
    { types: ['f64[5]', 'f64[2]'], params: { ...NO_PAIRS, ...spatial([0], [0]) } },
    {
      types: ['f64[2,3,4,5]', 'f64[2,3,2,3]'],
      params: { ...NO_PAIRS, lhs_contract: [1], rhs_contract: [1], ...spatial([2, 3], [2, 3]) },
    },
    {
      types: ['f64[6,2,7,3]', 'f64[3,2,3,2]'],
      params: { ...NO_PAIRS, lhs_contract: [3], rhs_contract: [2], ...spatial([0, 2], [0, 1], [2, 3], [2, 1]) },
    },
    {
      types: ['f64[2,3,2,7]', 'f64[3,2,2,2]'],
      params: {
        ...{ lhs_batch: [0, 1], rhs_batch: [3, 0], lhs_contract: [2], rhs_contract: [1] },
        ...spatial([3], [2], [2], [3]),
      },
    },
    {
      types: ['f64[2,3,4]', 'f64[5,3,1]'],
      params: { ...NO_PAIRS, lhs_contract: [1], rhs_contract: [1], ...spatial([2], [2]) },
    },
    { types: ['f64[2,19]', 'f64[3]'], params: { ...NO_PAIRS, ...spatial([1], [0], [4], [6]) } },
    { types: ['f64[2,4]', 'f64[3,1]'], params: { ...NO_PAIRS, ...spatial([1], [1], [2]) } },
    { types: ['f64[2,3]', 'f64[4]'], params: { ...NO_PAIRS, ...spatial([1], [0]) } },
    { types: ['f64[0,5]', 'f64[2,2]'], params: { ...NO_PAIRS, ...spatial([1], [1]) } },
    {
      types: ['f64[0,5]', 'f64[0,2]'],
      params: { ...NO_PAIRS, lhs_contract: [0], rhs_contract: [0], ...spatial([1], [1]) },
    },
    {
      types: ['f64[2,3]', 'f64[3,4]'],
      params: { ...NO_PAIRS, lhs_contract: [1], rhs_contract: [0], ...spatial([], []) },
    },
    {
      types: ['f32[2,6,6,4]', 'f32[3,3,4,8]'],
      params: { ...NO_PAIRS, lhs_contract: [3], rhs_contract: [2], ...spatial([1, 2], [0, 1]) },
    },
    { types: ['i32[2,5]', 'i32[3]'], params: { ...NO_PAIRS, ...spatial([1], [0], [2]) } },
    {
      types: ['i64[2,5]', 'i64[2,3]'],
      params: { ...NO_PAIRS, lhs_contract: [0], rhs_contract: [0], ...spatial([1], [1]) },
    },
  ],
});

/**
 * What the elements of `lhs` have added to a cotangent. Those at one remainder of the places by the strides are shown at
 * every so many offsets alone: each remainder is a convolution of its own, and none multiplies zeros.
 */
function pullbackOfLhs(b: Builder, ct: Var, lhs: TensorType, rhs: Var, params: Convolution): Var {
  if (ct.type.shape.includes(0)) return b.full(0, lhs);
  const layout = layoutOf(lhs.shape, rhs.type.shape, params);
  const windows = windowsOf(lhs.shape, rhs.type.shape, params);
  const remainders = windows.map((window, i) => remaindersOf(window, params.strides[i]!, params.dilations[i]!));
  const parts = remainders.reduce<Remainder[][]>(
    (chosen, next) => chosen.flatMap((some) => next.map((one) => [...some, one])),
    [[]],
  );
  const found = parts.map((part) => {
    const { shape } = rhs.type;
    const along = (entry: (one: Remainder) => number, otherwise: (size: number) => number): number[] =>
      shape.map((size, axis) => {
        const i = params.rhs_spatial.indexOf(axis);
        return i < 0 ? otherwise(size) : entry(part[i]!);
      });
    const offsets = slice(b, rhs, {
      starts: along(
        ({ first }) => first,
        () => 0,
      ),
      stops: along(
        ({ first, step, taps }) => first + (taps - 1) * step + 1,
        (size) => size,
      ),
      steps: along(
        ({ step }) => step,
        () => 1,
      ),
    });
    // An element at offset t from the first of a place is at -t for it: the window's offsets are reversed.
    const reach = part.map(({ taps, dilation }) => (taps - 1) * dilation);
    const wide = pad(b, ct, {
      low: alongSpatial(ct, layout.spatial, (i) => reach[i]! + part[i]!.shift),
      high: alongSpatial(ct, layout.spatial, (i) => part[i]!.count - part[i]!.shift - windows[i]!.places),
      interior: ct.type.shape.map(() => 0),
      value: 0,
    });
    const sums = convGeneral(b, wide, flip(b, offsets, { axes: [...params.rhs_spatial].sort((p, q) => p - q) }), {
      lhs_batch: layout.batch,
      rhs_batch: params.rhs_batch,
      lhs_contract: layout.rhsFree,
      rhs_contract: layout.rhsFreeAxes,
      lhs_spatial: layout.spatial,
      rhs_spatial: params.rhs_spatial,
      strides: params.strides.map(() => 1),
      dilations: part.map(({ dilation }) => dilation),
    });
    const spatial = layout.spatial.map((_, i) => sums.type.shape.length - layout.spatial.length + i);
    return pad(b, sums, {
      low: alongSpatial(sums, spatial, (i) => part[i]!.remainder),
      high: alongSpatial(sums, spatial, (i) => {
        const { remainder, count } = part[i]!;
        return windows[i]!.size - remainder - (count - 1) * params.strides[i]! - 1;
      }),
      interior: alongSpatial(sums, spatial, (i) => params.strides[i]! - 1),
      value: 0,
    });
  });
  const summed = sortedBy(params.lhs_contract, params.rhs_contract);
  const order = [...params.lhs_batch, ...summed, ...layout.lhsFreeAxes, ...params.lhs_spatial];
  const all = found.reduce((sum, one) => add(b, sum, one));
  return transpose(b, all, { axes: inverse(order) });
}

/** Elements at `remainder`, `remainder + stride`, … and the offsets at which windows show them. */
interface Remainder {
  readonly remainder: number;
  readonly count: number;
  /** The offsets `first`, `first + step`, …, `taps` of them. */
  readonly first: number;
  readonly step: number;
  readonly taps: number;
  /** At the first of these offsets, element number i is shown at place i - shift; at the next, at `dilation` less. */
  readonly shift: number;
  readonly dilation: number;
}

function remaindersOf({ size, taps }: Window, stride: number, dilation: number): Remainder[] {
  const common = commonDivisor(stride, dilation);
  const step = stride / common;
  // Offsets that are `step` apart lead to the same remainder.
  return Array.from({ length: Math.min(step, taps) }, (_, first) => {
    const remainder = (first * dilation) % stride;
    return {
      remainder,
      count: Math.ceil((size - remainder) / stride),
      ...{ first, step },
      taps: Math.floor((taps - 1 - first) / step) + 1,
      shift: Math.floor((first * dilation) / stride),
      dilation: dilation / common,
    };
  });
}

/** What the offsets of `rhs` have added to a cotangent: each is a place of a window over `lhs` that the cotangent is. */
function pullbackOfRhs(b: Builder, ct: Var, lhs: Var, rhs: TensorType, params: Convolution): Var {
  if (ct.type.shape.includes(0)) return b.full(0, rhs);
  const layout = layoutOf(lhs.type.shape, rhs.shape, params);
  const found = convGeneral(b, lhs, ct, {
    lhs_batch: params.lhs_batch,
    rhs_batch: layout.batch,
    lhs_contract: layout.lhsFreeAxes,
    rhs_contract: layout.lhsFree,
    lhs_spatial: params.lhs_spatial,
    rhs_spatial: layout.spatial,
    strides: params.dilations,
    dilations: params.strides,
  });
  // Elements of `lhs` beyond the last place make places beyond the last offset.
  const kept = [...found.type.shape];
  const first = kept.length - params.rhs_spatial.length;
  for (const [i, axis] of params.rhs_spatial.entries()) kept[first + i] = rhs.shape[axis]!;
  const offsets = slice(b, found, { starts: kept.map(() => 0), stops: kept, steps: kept.map(() => 1) });
  const summed = sortedBy(params.rhs_contract, params.lhs_contract);
  const order = [...params.rhs_batch, ...layout.rhsFreeAxes, ...summed, ...params.rhs_spatial];
  return transpose(b, offsets, { axes: inverse(order) });
}

/** A window of one element: a contraction, which keeps the spatial axes with those that are free. */
function pointwise(b: Builder, lhs: Var, rhs: Var, params: Convolution): Var {
  const { lhsFreeAxes, batch, rhsFree } = layoutOf(lhs.type.shape, rhs.type.shape, params);
  const kept = rhs.type.shape.map((_, axis) => axis).filter((axis) => !params.rhs_spatial.includes(axis));
  const within = (axes: readonly number[]): number[] => axes.map((axis) => kept.indexOf(axis));
  const matrix = reshape(b, rhs, { shape: sizesOf(rhs.type.shape, kept) });
  const found = dotGeneral(b, matrix, lhs, {
    lhs_batch: within(params.rhs_batch),
    lhs_contract: within(params.rhs_contract),
    rhs_batch: params.lhs_batch,
    rhs_contract: params.lhs_contract,
  });
  const first = batch.length + rhsFree.length;
  const wanted = [...lhsFreeAxes, ...params.lhs_spatial];
  const order = [...wanted].sort((p, q) => p - q);
  const axes = [...Array(first).keys(), ...wanted.map((axis) => first + order.indexOf(axis))];
  return transpose(b, found, { axes });
}

function routine({ x, params }: Form<Convolution>): Routine {
  const [lhs, rhs] = x as readonly [TensorType, TensorType];
  const { lhsFreeAxes, rhsFreeAxes } = layoutOf(lhs.shape, rhs.shape, params);
  const steps = stridesOf(lhs.shape);
  const along = (axes: readonly number[]): Stride[] =>
    axes.map((axis) => ({ size: lhs.shape[axis]!, step: steps[axis]! }));
  const windows = windowsOf(lhs.shape, rhs.shape, params);
  return convRoutine(
    { type: rhs, groups: [params.rhs_batch, rhsFreeAxes, [...params.rhs_contract, ...params.rhs_spatial]] },
    {
      batch: along(params.lhs_batch),
      terms: [
        ...along(params.lhs_contract),
        ...params.lhs_spatial.map((axis, i) => ({
          size: rhs.shape[params.rhs_spatial[i]!]!,
          step: steps[axis]! * params.dilations[i]!,
        })),
      ],
      columns: [
        ...along(lhsFreeAxes),
        ...params.lhs_spatial.map((axis, i) => ({
          size: windows[i]!.places,
          step: steps[axis]! * params.strides[i]!,
        })),
      ],
    },
  );
}

function spatial(
  lhs: readonly number[],
  rhs: readonly number[],
  strides: readonly number[] = lhs.map(() => 1),
  dilations: readonly number[] = lhs.map(() => 1),
): Pick<Convolution, 'lhs_spatial' | 'rhs_spatial' | 'strides' | 'dilations'> {
  return { lhs_spatial: lhs, rhs_spatial: rhs, strides, dilations };
}
