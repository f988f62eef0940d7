/**
 * @file What things take while they are remembered, in bytes and within a factor of two, by what is known of them when
 * they are made. The figures are those of heaps before and after many of a kind were made.
 */
import type { Expr } from './compile/expr.ts';
import type { Kernel, Plan } from './compile/plan.ts';
import { isTensor, type Program, subprograms } from './program/program.ts';

/** Bytes of an equation with its variables and names. */
const EQUATION = 512;
/** Bytes of a buffer, and of a step without its expressions. */
const BUFFER = 512;
const STEP = 512;
/** Bytes of an expression: itself, and the code that it becomes. */
const EXPRESSION = 224;
/** Bytes of any code: what is whole pages, and what is known of it. */
const CODE = 2 ** 13;
/** A document in memory takes so many times as much as its JSON. */
const PARSED = 4;

/** Of a program. */
export function weightOfProgram({ eqns }: Program): number {
  let bytes = 0;
  for (const { params } of eqns) {
    bytes += EQUATION;
    if (isTensor(params.tensor)) bytes += params.tensor.data.byteLength;
    for (const program of subprograms(params)) bytes += weightOfProgram(program);
  }
  return bytes;
}

/** Of so many equations of a fragment: what it computes, and what its derivatives do. */
export function weightOfFragment(equations: number): number {
  return 2 * equations * EQUATION;
}

/** Of a document, by the length of its JSON. */
export function weightOfDocument(characters: number): number {
  return PARSED * characters;
}

/** Of a plan that is loaded: what it keeps between runs, itself, and its code. */
export function weightOfExecutable({ plan }: { readonly plan: Plan }): number {
  return plan.cost.heldBytes + CODE + weightOfPlan(plan);
}

function weightOfPlan({ buffers, steps }: Plan): number {
  let bytes = buffers.length * BUFFER;
  for (const { place } of buffers) if (place.kind === 'constant') bytes += place.data.byteLength;
  const expressions = new Set<Expr>();
  for (const step of steps) {
    bytes += STEP;
    if (step.kind === 'kernel') reach(expressions, step.kernel);
    else if (step.kind === 'band') for (const { kernel } of step.steps) reach(expressions, kernel);
    else if (step.kind === 'branch') for (const plan of step.plans) bytes += weightOfPlan(plan);
    else if (step.kind === 'loop') bytes += weightOfPlan(step.body);
  }
  for (const expr of expressions) {
    for (const arg of expr.args) expressions.add(arg);
    if (expr.fn !== 'fold') continue;
    for (const each of [...expr.fold.element, ...expr.fold.combine]) expressions.add(each);
  }
  return bytes + expressions.size * EXPRESSION;
}

function reach(expressions: Set<Expr>, { stores, windows }: Kernel): void {
  for (const { expr } of stores) expressions.add(expr);
  for (const window of windows) for (const { expr } of window.stores) expressions.add(expr);
}
