/** @file Which axes of two tensors a contraction runs together, sums over, and keeps. */
import { z } from 'zod';
import type { Expr, Exprs } from '../compile/expr.ts';
import { indexAt } from '../compile/index-space.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { type Shape, stridesOf, type TensorType } from '../types.ts';
import { accumulatorOf } from './accumulator.ts';
import { axisIndicesSchema } from './axes.ts';
import { ParamMismatch, type Read, type Reduction, TypeMismatch } from './op.ts';
import { beforeTranspose, transpose } from './transpose.ts';

/** Pairs of axes to sum over and pairs that run together, as in `lax.dot_general`. */
export const contractionParams = z.strictObject({
  lhs_contract: axisIndicesSchema,
  rhs_contract: axisIndicesSchema,
  lhs_batch: axisIndicesSchema,
  rhs_batch: axisIndicesSchema,
});

/** The params of a contraction. */
export type Contraction = z.output<typeof contractionParams>;

/** The axes that are neither batch nor contracted, increasing. */
export function freeAxes(rank: number, batch: readonly number[], contract: readonly number[]): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter(
    (axis) => !batch.includes(axis) && !contract.includes(axis),
  );
}

/** The sizes of some axes. */
export function sizesOf(shape: Shape, axes: readonly number[]): number[] {
  return axes.map((axis) => shape[axis] as number);
}

/** Axes in the order that makes their partners increase. */
export function sortedBy(axes: readonly number[], partners: readonly number[]): number[] {
  return axes
    .map((axis, i) => [partners[i]!, axis] as const)
    .sort(([p], [q]) => p - q)
    .map(([, axis]) => axis);
}

/** The shape of a contraction: batch, then what is free of each side; throws when the axes do not fit. */
export function contractedShape(lhs: TensorType, rhs: TensorType, params: Contraction): number[] {
  const { lhs_batch, rhs_batch, lhs_contract, rhs_contract } = params;
  checkAxes('lhs', lhs.shape, lhs_batch, lhs_contract);
  checkAxes('rhs', rhs.shape, rhs_batch, rhs_contract);
  checkPairs('rhs_batch', lhs.shape, lhs_batch, rhs.shape, rhs_batch);
  checkPairs('rhs_contract', lhs.shape, lhs_contract, rhs.shape, rhs_contract);
  return [
    ...sizesOf(lhs.shape, lhs_batch),
    ...sizesOf(lhs.shape, freeAxes(lhs.shape.length, lhs_batch, lhs_contract)),
    ...sizesOf(rhs.shape, freeAxes(rhs.shape.length, rhs_batch, rhs_contract)),
  ];
}

function checkAxes(side: 'lhs' | 'rhs', shape: Shape, batch: readonly number[], contract: readonly number[]): void {
  const used = [...batch, ...contract];
  if (used.some((axis) => axis < 0 || axis >= shape.length) || new Set(used).size !== used.length)
    throw new ParamMismatch(
      `${side}_contract`,
      `${side}_contract [${contract}] and ${side}_batch [${batch}] must name different axes of shape [${shape}]`,
    );
}

function checkPairs(
  param: string,
  lhs: Shape,
  lhsAxes: readonly number[],
  rhs: Shape,
  rhsAxes: readonly number[],
): void {
  const given = sizesOf(rhs, rhsAxes);
  const wanted = sizesOf(lhs, lhsAxes);
  if (given.length !== wanted.length)
    throw new ParamMismatch(param, `${param} [${rhsAxes}] must name ${wanted.length} axes, as on the left`);
  const wrong = given.findIndex((size, i) => size !== wanted[i]);
  if (wrong >= 0)
    throw new TypeMismatch(
      1,
      `a tensor of size ${wanted[wrong]} along axis ${rhsAxes[wrong]}, as the left has along axis ${lhsAxes[wrong]}`,
    );
}

/** The stride of a group of axes that are one axis of their joint size in storage; `undefined` when they are not. */
function jointStride(shape: Shape, axes: readonly number[]): number | undefined {
  const strides = stridesOf(shape);
  let joint: number | undefined;
  let expected: number | undefined;
  for (const axis of axes.filter((axis) => shape[axis] !== 1).reverse()) {
    joint ??= strides[axis];
    if (expected !== undefined && strides[axis] !== expected) return undefined;
    expected = strides[axis]! * shape[axis]!;
  }
  return joint ?? 0;
}

/** One stride for each group of axes; `undefined` when a group has none, or none of the last two has stride 1. */
export function groupStrides(
  shape: Shape,
  groups: readonly [batch: readonly number[], readonly number[], readonly number[]],
): readonly [number, number, number] | undefined {
  const [batch, first, second] = groups.map((axes) => jointStride(shape, axes));
  if (batch === undefined || first === undefined || second === undefined) return undefined;
  return first <= 1 || second <= 1 ? [batch, first, second] : undefined;
}

/** A side without the transposition before it, or with one, where that lets it be read with one stride per group. */
export function relaid(
  b: Builder,
  x: Var,
  batch: readonly number[],
  contract: readonly number[],
): { readonly x: Var; readonly batch: readonly number[]; readonly contract: readonly number[] } | null {
  const free = freeAxes(x.type.shape.length, batch, contract);
  const before = beforeTranspose(b, x, free);
  if (before) {
    const [from, kept, summed] = [batch, free, contract].map(before.axesOf);
    if (groupStrides(before.x.type.shape, [from!, kept!, summed!]))
      return { x: before.x, batch: from!, contract: summed! };
  }
  if (groupStrides(x.type.shape, [batch, free, contract])) return null;
  return {
    x: transpose(b, x, { axes: [...batch, ...free, ...contract] }),
    batch: batch.map((_, i) => i),
    contract: contract.map((_, i) => batch.length + free.length + i),
  };
}

/** An operand's axes in some order, and an index along each. */
export interface Place {
  readonly axes: readonly number[];
  readonly indices: readonly Expr[];
}

/** The sum over a space of products of two operands' elements, in the accumulator's dtype; `places` says where they are. */
export function sumOfProducts(
  e: Exprs,
  read: Read,
  types: readonly [TensorType, TensorType],
  over: Shape,
  places: (summed: readonly Expr[]) => readonly [Place, Place],
): Reduction {
  const [{ dtype }] = types;
  const wide = accumulatorOf(dtype);
  return {
    over,
    monoid: { identity: [e.const(0, wide)], combine: ([p], [q]) => [e.add(p!, q!)] },
    element: (r) => {
      const [p, q] = places(r.axes()).map(({ axes, indices }, i) => {
        const { shape } = types[i]!;
        const inOrder = shape.map((_, axis) => indices[axes.indexOf(axis)]!);
        return read(i, indexAt(e, shape, inOrder));
      });
      return [e.mul(e.cast(p!, wide), e.cast(q!, wide))];
    },
    finish: ([total]) => e.cast(total!, dtype),
  };
}
