/** @file The scalar functions of the contract on vectors of lanes. */
import type { ScalarFn } from '../../compile/expr.ts';
import type { DType } from '../../types.ts';
import { Body, type Element, isFloating, Lanes, type Value } from './ir.ts';
import { MATH } from './math/index.ts';

/** What each dtype is in registers. */
export const ELEMENT = {
  bool: 'i1',
  int32: 'i32',
  int64: 'i64',
  float32: 'float',
  float64: 'double',
} as const satisfies Record<DType, Element>;

/** A scalar function of the contract applied in every lane; `dtype` is the result's. */
export function applyScalar(v: Lanes, fn: ScalarFn, dtype: DType, args: readonly Value[]): Value {
  const [x, y, z] = args as readonly [Value, Value, Value];
  switch (fn) {
    case 'add':
      return v.add(x, y);
    case 'sub':
      return v.sub(x, y);
    case 'mul':
      return v.mul(x, y);
    case 'div':
      return v.div(x, y);
    case 'neg':
      return v.neg(x);
    case 'sqrt':
      return v.sqrt(x);
    case 'abs':
      return isFloating(x) ? v.abs(x) : math(v, fn, args);
    case 'floor':
    case 'ceil':
    case 'round':
      return isFloating(x) ? math(v, fn, args) : x;
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
      return v.compare(fn, ordered(v, x), ordered(v, y));
    case 'and':
      return v.and(x, y);
    case 'or':
      return v.or(x, y);
    case 'not':
      return v.not(x);
    case 'select':
      return v.select(x, y, z);
    case 'cast':
      return cast(v, x, ELEMENT[dtype]);
    default:
      return math(v, fn, args);
  }
}

/** Bools compare as the numbers 0 and 1, where a signed bit would be 0 and -1. */
function ordered(v: Lanes, x: Value): Value {
  return x.element === 'i1' ? v.resize(x, 'i32') : x;
}

/** Floats to integers truncate and clamp, NaN to 0; anything to bool compares with 0, and NaN is no 0. */
function cast(v: Lanes, x: Value, to: Element): Value {
  if (x.element === to) return x;
  switch (to) {
    case 'i1':
      return v.compare('ne', x, v.const(x.element, 0));
    case 'float':
    case 'double':
      return isFloating(x) ? v.toFloat(x, to) : v.fromInteger(x, to);
    case 'i32':
    case 'i64':
      return isFloating(x) ? v.saturate(x, to) : v.resize(x, to);
    case 'i8':
      return v.resize(x, to);
    default:
      return to satisfies never;
  }
}

/** Functions of many instructions are written once per module and called, where there is one lane to compute. */
function math(v: Lanes, fn: ScalarFn, args: readonly Value[]): Value {
  const [{ element }] = args as readonly [Value];
  const write = MATH[fn];
  if (!write) throw new Error(`no native code for ${fn}`);
  if (v.count > 1) return write(v, ...args);
  const name = `@${fn}.${element}`;
  const type = v.type(element);
  v.body.module.define(name, () => {
    const body = new Body(v.body.module);
    const result = write(new Lanes(body, v.count, v.features), ...args.map((_, i) => ({ element, text: `%x${i}` })));
    body.line(`ret ${type} ${result.text}`);
    const parameters = args.map((_, i) => `${type} %x${i}`).join(', ');
    return `define internal ${type} ${name}(${parameters}) nounwind {\nentry:\n${body}\n}`;
  });
  const given = args.map(({ text }) => `${type} ${text}`).join(', ');
  return { element, text: v.body.value(`call ${type} ${name}(${given})`) };
}
