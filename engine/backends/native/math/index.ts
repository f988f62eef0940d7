/** @file Vector maths: the scalar functions that are no instruction of the processor, as code for lanes. */
import type { ScalarFn } from '../../../compile/expr.ts';
import type { Lanes, Value } from '../ir.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { cos, sin } from './sin-cos.ts';
import { tanh } from './tanh.ts';

/** The code of each function, for values whose element is `float` or `double`. */
export const MATH: Readonly<Partial<Record<ScalarFn, (v: Lanes, ...x: readonly Value[]) => Value>>> = {
  cos: unary(cos),
  exp: unary(exp),
  log: unary(log),
  sin: unary(sin),
  tanh: unary(tanh),
};

function unary(f: (v: Lanes, x: Value) => Value): (v: Lanes, ...x: readonly Value[]) => Value {
  return (v, ...x) => f(v, x[0]!);
}
