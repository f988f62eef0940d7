/** @file What an optimizer is: a rule that moves a variable against its gradient, as equations of a program. */
import type { z } from 'zod';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { cast } from '../ops/cast.ts';
import { mul } from '../ops/mul.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { TensorType } from '../types.ts';

/** What an optimizer keeps of each variable between steps; it begins as zeros. */
export interface Slot<P> {
  readonly name: string;
  /** One sentence for the documentation. */
  readonly doc: string;
  /** The slot's type for a variable's. */
  type(variable: TensorType, params: P): TensorType;
}

/** What every optimizer states of itself. */
interface Row<P> {
  readonly name: string;
  /** The update as a formula, and whose it is. */
  readonly doc: string;
  /** The learning rate where nobody gives one. */
  readonly learningRate: number;
  readonly params: z.ZodType<P>;
  readonly slots: readonly Slot<P>[];
}

/** A variable at one step. */
export interface Site {
  readonly param: Var;
  readonly gradient: Var;
  /** In the order of the optimizer's slots. */
  readonly slots: readonly Var[];
  /** The learning rate, a float64 scalar. */
  readonly rate: Var;
  /** The number of the step, a float64 scalar; the first is 1. */
  readonly step: Var;
}

/** A variable after a step. */
export interface Moved {
  readonly param: Var;
  readonly slots: readonly Var[];
}

/** An optimizer that looks at one gradient for each step. */
export interface FirstOrder<P> extends Row<P> {
  readonly kind: 'first_order';
  /** Emits the step of one variable. */
  update(b: Builder, at: Site, params: P): Moved;
}

/** An optimizer that searches along a direction, which it finds from the steps before. */
export interface QuasiNewton<P> extends Row<P> {
  readonly kind: 'quasi_newton';
  /** Emits the direction of one step from what is kept of all variables. */
  turn(b: Builder, at: readonly Turning[], params: P): Turned;
  /** The most evaluations of the loss in one step. */
  evaluations(params: P): number;
}

/** A variable between two steps, its tensors flat. */
export interface Turning {
  /** How it moved and how its gradient changed in the step before. */
  readonly moved: Var;
  readonly changed: Var;
  readonly gradient: Var;
  readonly slots: readonly Var[];
}

/** Where the next step goes. */
export interface Turned {
  /** For each variable, flat. */
  readonly directions: readonly Var[];
  /** For each variable, its slots. */
  readonly slots: readonly (readonly Var[])[];
  /** A float64 scalar: positive once the direction knows a curvature. */
  readonly curvature: Var;
}

/** A row of the table of optimizers. */
export type Optimizer<P> = FirstOrder<P> | QuasiNewton<P>;

/** An optimizer with its params' type inferred from their schema. */
export function firstOrder<S extends z.ZodType>(
  row: Omit<FirstOrder<z.output<S>>, 'kind' | 'params'> & { readonly params: S },
): FirstOrder<z.output<S>> {
  return { kind: 'first_order', ...row } as FirstOrder<z.output<S>>;
}

/** A slot of the variable's own type. */
export function slotLikeVariable(name: string, doc: string): Slot<unknown> {
  return { name, doc, type: (variable) => variable };
}

/** A float64 scalar in every element of a type. */
export function spread(b: Builder, scalar: Var, { dtype, shape }: TensorType): Var {
  return broadcastTo(b, cast(b, scalar, { dtype }), { shape });
}

/** `factor · x` for a number. */
export function scale(b: Builder, factor: number, x: Var): Var {
  return mul(b, b.full(factor, x.type), x);
}
