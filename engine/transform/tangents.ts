/** @file The vector space that tangents and cotangents live in: sums and zeros. */
import { add } from '../ops/add.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { TensorType } from '../types.ts';

/** The sum of tangents of one type; `null`, the zero tangent, when there are none. */
export function sumOf(b: Builder, terms: readonly (Var | null)[]): Var | null {
  let total: Var | null = null;
  for (const term of terms) if (term) total = total ? add(b, total, term) : term;
  return total;
}

/** A tangent with zero made explicit. */
export function instantiate(b: Builder, tangent: Var | null, type: TensorType): Var {
  return tangent ?? b.full(0, type);
}
