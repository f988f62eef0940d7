import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { isInteger, type TensorType } from '../types.ts';

/** What a function makes of uniform inputs, in every element of type `y`; `null` when they are not all uniform. */
export function folded(
  b: Builder,
  x: readonly Var[],
  y: TensorType,
  value: (...x: readonly number[]) => number | boolean,
): Var | null {
  const held: number[] = [];
  for (const input of x) {
    const uniform = b.uniform(input);
    if (uniform === undefined) return null;
    held.push(input.type.dtype === 'float32' ? Math.fround(uniform) : uniform);
  }
  const result = Number(value(...held));
  // An integer out of range would have to wrap around.
  return isInteger(y.dtype) && result !== (result | 0) ? null : b.full(result, y);
}
