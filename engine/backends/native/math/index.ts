/** @file Vector maths: the scalar functions that are no instruction of the processor, as code for lanes. */
import type { ScalarFn } from '../../../compile/expr.ts';
import type { Lanes, Value } from '../ir.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { cos, sin } from './sin-cos.ts';
import { tanh } from './tanh.ts';

const lib = (name: string) => (v: Lanes, ...x: readonly Value[]): Value => v.scalarCall(x[0]!.element === 'float' ? `${name}f` : name, ...(x as [Value]));
const pick = (p: 'lt' | 'gt') => (v: Lanes, ...[x, y]: readonly Value[]): Value =>
  x!.element === 'float' || x!.element === 'double' ? v.select(v.isNaN(x!), x!, v.select(v.isNaN(y!), y!, v.select(v.compare(p, x!, y!), x!, y!))) : v.select(v.compare(p, x!, y!), x!, y!);
const STOPGAP: Partial<Record<ScalarFn, (v: Lanes, ...x: readonly Value[]) => Value>> = {
  min: pick('lt'), max: pick('gt'), floor: (v, x) => v.floor(x!), ceil: (v, x) => v.ceil(x!), round: (v, x) => v.roundEven(x!),
  erf: lib('erf'), pow: lib('pow'), expm1: lib('expm1'), log1p: lib('log1p'), tanh: lib('tanh'), tan: lib('tan'), atan2: lib('atan2'), asin: lib('asin'), acos: lib('acos'), atan: lib('atan'), sinh: lib('sinh'), cosh: lib('cosh'),
  rsqrt: (v, x) => v.div(v.const(x!.element, 1), v.sqrt(x!)),
};

/** The code of each function, for values whose element is `float` or `double`. */
export const MATH: Readonly<Partial<Record<ScalarFn, (v: Lanes, ...x: readonly Value[]) => Value>>> = {
  ...STOPGAP,
  cos: unary(cos),
  exp: unary(exp),
  log: unary(log),
  sin: unary(sin),
  tanh: unary(tanh),
};

function unary(f: (v: Lanes, x: Value) => Value): (v: Lanes, ...x: readonly Value[]) => Value {
  return (v, ...x) => f(v, x[0]!);
}
