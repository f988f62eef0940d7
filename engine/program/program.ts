/**
 * @file The program: a checked graph. Equations in order, each applying an op to earlier variables; every variable is
 * assigned once and typed. Everything between the document and the plan is a function from programs to programs.
 */
import type { OpRules } from '../ops/op.ts';
import type { Tensor, TensorType } from '../types.ts';

/** A variable: assigned once, identified by the object itself. */
export interface Var {
  readonly type: TensorType;
  /** What the client calls it; for messages only. */
  readonly name: string | undefined;
}

/** A param of an equation: plain data, a constant's tensor, or a sub-program. */
export type Param = null | boolean | number | string | Tensor | Program | readonly Param[];

/** The params of an equation by name. */
export type Params = { readonly [name: string]: Param };

/** An equation: `outputs = op[params](inputs)`. */
export interface Eqn {
  readonly op: OpRules;
  readonly inputs: readonly Var[];
  readonly params: Params;
  readonly outputs: readonly Var[];
  /** The client's node that it comes from; for messages only. */
  readonly node: string | undefined;
}

/** Inputs, equations in order, outputs. */
export interface Program {
  readonly inputs: readonly Var[];
  readonly eqns: readonly Eqn[];
  readonly outputs: readonly Var[];
}

/** Whether a param is a sub-program. */
export function isProgram(param: unknown): param is Program {
  return typeof param === 'object' && param !== null && 'eqns' in param;
}

/** Whether a param is a constant's tensor. */
export function isTensor(param: unknown): param is Tensor {
  return typeof param === 'object' && param !== null && 'data' in param && 'type' in param;
}

/** The sub-programs among an equation's params, in the order of their names. */
export function subprograms(params: Params): Program[] {
  const found: Program[] = [];
  for (const param of Object.values(params)) {
    if (isProgram(param)) found.push(param);
    else if (Array.isArray(param)) found.push(...param.filter(isProgram));
  }
  return found;
}
