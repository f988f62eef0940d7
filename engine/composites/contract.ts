/** @file Products of matrices as contractions, in NumPy's terms. */

import { dotGeneral } from '../ops/dot-general.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';

/** The sums of products over pairs of axes. */
export function contract(
  b: Builder,
  lhs: Var,
  rhs: Var,
  lhs_contract: readonly number[],
  rhs_contract: readonly number[],
): Var {
  return dotGeneral(b, lhs, rhs, { lhs_contract, rhs_contract, lhs_batch: [], rhs_batch: [] });
}
