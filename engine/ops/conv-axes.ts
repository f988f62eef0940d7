/** @file Which axes of two tensors a convolution pairs, and the windows along the spatial ones. */
import type { z } from 'zod';
import type { Var } from '../program/program.ts';
import type { Shape, TensorType } from '../types.ts';
import { axisIndicesSchema } from './axes.ts';
import { contractedShape, contractionParams, freeAxes } from './contraction.ts';
import { ParamMismatch, TypeMismatch } from './op.ts';
import { stepsSchema } from './sizes.ts';

/** Pairs of axes as a contraction has them, and pairs along which a window slides. */
export const convolutionParams = contractionParams.extend({
  lhs_spatial: axisIndicesSchema,
  rhs_spatial: axisIndicesSchema,
  strides: stepsSchema,
  dilations: stepsSchema,
});

/** The params of a convolution. */
export type Convolution = z.output<typeof convolutionParams>;

/** Axes of the operands that are in no pair, and where the axes of the result are. */
export interface Layout {
  readonly lhsFreeAxes: readonly number[];
  readonly rhsFreeAxes: readonly number[];
  readonly batch: readonly number[];
  readonly rhsFree: readonly number[];
  readonly lhsFree: readonly number[];
  readonly spatial: readonly number[];
}

/** The layout of a convolution. */
export function layoutOf(lhs: Shape, rhs: Shape, params: Convolution): Layout {
  const lhsFreeAxes = freeAxes(lhs.length, params.lhs_batch, [...params.lhs_contract, ...params.lhs_spatial]);
  const rhsFreeAxes = freeAxes(rhs.length, params.rhs_batch, [...params.rhs_contract, ...params.rhs_spatial]);
  let next = 0;
  const places = (axes: readonly number[]): number[] => axes.map(() => next++);
  return {
    lhsFreeAxes,
    rhsFreeAxes,
    batch: places(params.lhs_batch),
    rhsFree: places(rhsFreeAxes),
    lhsFree: places(lhsFreeAxes),
    spatial: places(params.lhs_spatial),
  };
}

/** A window along one axis, in elements of the axis. */
export interface Window {
  readonly size: number;
  /** How many elements it shows. */
  readonly taps: number;
  /** From the first offset to the last, both counted. */
  readonly extent: number;
  readonly places: number;
}

/** The window along each spatial axis. */
export function windowsOf(
  lhs: Shape,
  rhs: Shape,
  { lhs_spatial, rhs_spatial, strides, dilations }: Convolution,
): Window[] {
  return lhs_spatial.map((axis, i) => {
    const size = lhs[axis]!;
    const taps = rhs[rhs_spatial[i]!]!;
    const extent = (taps - 1) * dilations[i]! + 1;
    const places = size < extent ? 0 : Math.floor((size - extent) / strides[i]!) + 1;
    return { size, taps, extent, places };
  });
}

/** Throws where the axes do not fit. */
export function checkAxes(lhs: TensorType, rhs: TensorType, params: Convolution): void {
  // Spatial axes are free here: what is checked are the other pairs.
  contractedShape(lhs, rhs, params);
  for (const side of ['lhs', 'rhs'] as const) {
    const { shape } = side === 'lhs' ? lhs : rhs;
    const spatial = params[`${side}_spatial`];
    const used = [...params[`${side}_batch`], ...params[`${side}_contract`], ...spatial];
    if (used.some((axis) => axis >= shape.length) || new Set(used).size !== used.length)
      throw new ParamMismatch(
        `${side}_spatial`,
        `${side}_spatial [${spatial}] must name axes of shape [${shape}] that are in no other pair`,
      );
  }
  for (const name of ['rhs_spatial', 'strides', 'dilations'] as const)
    if (params[name].length !== params.lhs_spatial.length)
      throw new ParamMismatch(
        name,
        `${name} [${params[name]}] must have one entry for each of the ${params.lhs_spatial.length} axes of lhs_spatial`,
      );
  const empty = params.rhs_spatial.find((axis) => rhs.shape[axis] === 0);
  if (empty !== undefined) throw new TypeMismatch(1, `a window of at least one element along axis ${empty}`);
}

/** One entry for each axis of a tensor: what is said of the spatial ones, 0 for the others. */
export function alongSpatial(x: Var, spatial: readonly number[], entry: (i: number) => number): number[] {
  return x.type.shape.map((_, axis) => (spatial.includes(axis) ? entry(spatial.indexOf(axis)) : 0));
}
