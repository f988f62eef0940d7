/** @file Slices as Python writes them: bounds that may be negative, left out or out of range, and any step but 0. */
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { flip } from './flip.ts';
import { ParamMismatch } from './op.ts';
import { slice } from './slice.ts';

/** A start, stop and step, any of which may be left to the default. */
export type Bounds = readonly (number | null | undefined)[];

/** One `[start, stop, step]` per axis applied; throws `ParamMismatch` naming `param` for a step of 0. */
export function sliceAll(b: Builder, x: Var, bounds: readonly Bounds[], param: string): Var {
  const ranges = x.type.shape.map((size, axis) => rangeOf(bounds[axis] ?? [], size, param));
  const sliced = slice(b, x, {
    starts: ranges.map(({ start }) => start),
    stops: ranges.map(({ stop }) => stop),
    steps: ranges.map(({ step }) => step),
  });
  const axes = ranges.flatMap(({ backwards }, axis) => (backwards ? [axis] : []));
  return axes.length === 0 ? sliced : flip(b, sliced, { axes });
}

interface Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly backwards: boolean;
}

/** The positions taken as a range that ends right after its last one, in increasing order. */
function rangeOf([start, stop, step]: Bounds, size: number, param: string): Range {
  const stride = step ?? 1;
  if (stride === 0) throw new ParamMismatch(param, `the step of a slice must not be 0`);
  const backwards = stride < 0;
  const [low, high] = backwards ? [-1, size - 1] : [0, size];
  const clamp = (bound: number): number => Math.min(Math.max(bound < 0 ? bound + size : bound, low), high);
  const first = start === null || start === undefined ? (backwards ? high : low) : clamp(start);
  const end = stop === null || stop === undefined ? (backwards ? low : high) : clamp(stop);
  const count = Math.max(0, Math.ceil((end - first) / stride));
  if (count === 0) return { start: 0, stop: 0, step: 1, backwards: false };
  const last = first + (count - 1) * stride;
  return { start: Math.min(first, last), stop: Math.max(first, last) + 1, step: Math.abs(stride), backwards };
}
