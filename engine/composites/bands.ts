/** @file Where the elements of matrices are. */
import { add } from '../ops/add.ts';
import { iota } from '../ops/iota.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { Shape } from '../types.ts';

/** For each element of matrices its row plus `k`, and its column: equal on the `k`-th diagonal. */
export function positions(b: Builder, shape: Shape, k: number): { readonly row: Var; readonly column: Var } {
  const row = iota(b, { dtype: 'int32', shape, axis: shape.length - 2 });
  const column = iota(b, { dtype: 'int32', shape, axis: shape.length - 1 });
  return { row: add(b, row, b.full(k, row.type)), column };
}
