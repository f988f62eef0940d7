/** @file Vector maths: the scalar functions that are no instruction of the processor, as code for lanes. */
import type { ScalarFn } from '../../../compile/expr.ts';
import { isFloating, type Lanes, type Value } from '../ir.ts';
import { acos, asin } from './asin-acos.ts';
import { atan, atan2 } from './atan.ts';
import { erf } from './erf.ts';
import { exp } from './exp.ts';
import { expm1 } from './expm1.ts';
import { constant } from './float.ts';
import { floorDivide, floorRemainder } from './floor-mod.ts';
import { integerFloorDivide, integerPower, integerRemainder } from './integer.ts';
import { log, log1p } from './log.ts';
import { max, min } from './min-max.ts';
import { pow } from './pow.ts';
import type { Lanewise } from './rare.ts';
import { abs, sign } from './sign.ts';
import { cos, sin, tan } from './sin-cos-tan.ts';
import { cosh, sinh } from './sinh-cosh.ts';
import { tanh } from './tanh.ts';

/** The code of each function, for operands of one element type: floats, and integers where the function takes them. */
export const MATH: Readonly<Partial<Record<ScalarFn, Lanewise>>> = {
  abs: unary(abs),
  acos: unary(acos),
  asin: unary(asin),
  atan: unary(atan),
  atan2: binary(atan2),
  ceil: unary((v, x) => (isFloating(x) ? v.ceil(x) : x)),
  cos: unary(cos),
  cosh: unary(cosh),
  erf: unary(erf),
  exp: unary(exp),
  expm1: unary(expm1),
  floor: unary((v, x) => (isFloating(x) ? v.floor(x) : x)),
  floordiv: binary((v, x, y) => (isFloating(x) ? floorDivide : integerFloorDivide)(v, x, y)),
  log: unary(log),
  log1p: unary(log1p),
  max: binary(max),
  min: binary(min),
  mod: binary((v, x, y) => (isFloating(x) ? floorRemainder : integerRemainder)(v, x, y)),
  pow: binary((v, x, y) => (isFloating(x) ? pow : integerPower)(v, x, y)),
  round: unary((v, x) => (isFloating(x) ? v.roundEven(x) : x)),
  rsqrt: unary((v, x) => v.div(constant(v, x, 1), v.sqrt(x))),
  sign: unary(sign),
  sin: unary(sin),
  sinh: unary(sinh),
  tan: unary(tan),
  tanh: unary(tanh),
};

function unary(f: (v: Lanes, x: Value) => Value): Lanewise {
  return (v, ...operands) => f(v, operands[0]!);
}

function binary(f: (v: Lanes, x: Value, y: Value) => Value): Lanewise {
  return (v, ...operands) => f(v, operands[0]!, operands[1]!);
}
