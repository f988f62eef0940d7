/**
 * @file Routines in native code: work in phases, each phase a number of units that do not depend on one another. A
 * unit's result does not depend on which thread does it or on what other units it is done with.
 */
import type { Routine } from '../../compile/routine.ts';
import type { TensorType } from '../../types.ts';
import type { Module } from './ir.ts';
import type { Target } from './target.ts';

/** One phase; the next begins when all of its units are done. */
export interface Phase {
  /** The function that does units `begin` to `end - 1`: `void (ptr input…, ptr output…, ptr scratch, i64 begin, i64 end)`. */
  readonly name: string;
  readonly units: number;
  /** Scalar operations of all units. */
  readonly flops: number;
  /**
   * Where each unit writes whole rows of output 0 (along its last axis), in order, and reads nothing written by other
   * units: the rows of one unit. The last unit may have fewer.
   */
  readonly rows?: number;
}

/** A routine as native code. */
export interface NativeRoutine {
  /** Bytes that all phases share, at a multiple of 64; undefined when the routine begins. */
  readonly scratchBytes: number;
  readonly phases: readonly Phase[];
}

/** Adds a routine's functions to a module, under names that begin with `name`; `undefined` for what it cannot do. */
export type RoutineRenderer = (
  routine: Routine,
  types: { readonly inputs: readonly TensorType[]; readonly outputs: readonly TensorType[] },
  module: Module,
  name: string,
  target: Target,
) => NativeRoutine | undefined;
