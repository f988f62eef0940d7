/** @file The family of ops that compare two tensors element by element. */
import type { Expr, Exprs } from '../compile/expr.ts';
import { elementwise } from './elementwise.ts';
import { folded } from './fold.ts';
import { type Op, type OpRules, operand } from './op.ts';

interface Comparison extends Pick<OpRules, 'name' | 'aliases' | 'doc' | 'cases'> {
  readonly element: (e: Exprs, x: Expr, y: Expr) => Expr;
  /** What `element` says of plain numbers. */
  holds(x: number, y: number): boolean;
}

/** An op that compares; its result is bool. */
export function comparison(rules: Comparison): Op {
  const { element, holds, ...rest } = rules;
  return elementwise({
    ...rest,
    operands: [operand('x', 'any'), operand('y', 'any')],
    result: () => 'bool',
    jvp: ['integer_dtype'],
    simplify: (b, { x: [x, y] }, type) => folded(b, [x, y], type, holds),
    element: (e, [x, y]) => element(e, x, y),
  });
}
