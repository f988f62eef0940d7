/** @file What the composites that rearrange share. */
import { orderedAxes } from '../ops/axes.ts';
import { concatenate } from '../ops/concatenate.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import { transpose } from '../ops/transpose.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { sizeOf } from '../types.ts';

/** All elements in one axis. */
export function flattened(b: Builder, x: Var): Var {
  return reshape(b, x, { shape: [sizeOf(x.type.shape)] });
}

/** The tensor with axes of size 1 at these places of the result, increasing. */
export function withAxes(b: Builder, x: Var, places: readonly number[]): Var {
  const shape = [...x.type.shape];
  for (const place of places) shape.splice(place, 0, 1);
  return reshape(b, x, { shape });
}

/** The positions from `start` until before `stop` along an axis. */
export function sliceAxis(b: Builder, x: Var, axis: number, start: number, stop: number): Var {
  const { shape } = x.type;
  return slice(b, x, {
    starts: shape.map((_, other) => (other === axis ? start : 0)),
    stops: shape.map((size, other) => (other === axis ? stop : size)),
    steps: shape.map(() => 1),
  });
}

/** The elements moved on by `shift` along an axis, those that leave at the end coming in at the start. */
export function rolled(b: Builder, x: Var, shift: number, axis: number): Var {
  const size = x.type.shape[axis]!;
  const cut = size === 0 ? 0 : ((-shift % size) + size) % size;
  if (cut === 0) return x;
  return concatenate(b, sliceAxis(b, x, axis, cut, size), sliceAxis(b, x, axis, 0, cut), { axis });
}

/** The axes `source` moved to the places `destination`, the others staying in order. */
export function movedAxes(
  b: Builder,
  x: Var,
  source: number | readonly number[],
  destination: number | readonly number[],
): Var {
  const rank = x.type.shape.length;
  const from = orderedAxes(source, rank, 'source');
  const to = orderedAxes(destination, rank, 'destination');
  const axes = x.type.shape.map((_, axis) => axis).filter((axis) => !from.includes(axis));
  const moves = to.map((place, i) => [place, from[i]!] as const).sort(([p], [q]) => p - q);
  for (const [place, axis] of moves) axes.splice(place, 0, axis);
  return transpose(b, x, { axes });
}
