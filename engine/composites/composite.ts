/** @file What a composite is: an op of documents that is written as equations of other ops. */
import type { Case, Operand, Sample, Surface } from '../ops/op.ts';

/** A document-level op that expands into equations; it needs no rules, since its equations have theirs. */
export interface Composite<W = any> extends Surface<W> {
  readonly name: string;
  /** Other spellings that documents may use. */
  readonly aliases?: readonly string[];
  readonly family: 'composite';
  /** What it computes, in one or two sentences of Markdown; the mathematics first. */
  readonly doc: string;
  readonly operands: readonly Operand[];
  readonly variadic: boolean;
  /** The fewest inputs a node may have, where that is not one per operand. */
  readonly minimum?: number;
  /** Whether inputs are broadcast against one another before it is expanded. */
  readonly broadcast: boolean;
  readonly cases: readonly Case[];
  readonly samples: readonly Sample[];
}

/** A composite from its parts. */
export function composite<W>(parts: Omit<Composite<W>, 'family'>): Composite<W> {
  return { ...parts, family: 'composite' };
}
