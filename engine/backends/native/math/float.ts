/** @file Pieces of vector maths: the formats of floats, polynomials, powers of two, reductions, rare lanes. */
import { Body, type Element, Lanes, type Value } from '../ir.ts';

/** What the arithmetic of a float's bits needs to know of its format. */
export interface Format {
  readonly element: 'float' | 'double';
  /** The integer of the same width. */
  readonly integer: 'i32' | 'i64';
  readonly width: number;
  /** Bits of the fraction, the leading one not counted. */
  readonly fraction: number;
  /** What is added to an exponent to store it. */
  readonly bias: number;
}

const FLOAT: Format = { element: 'float', integer: 'i32', width: 32, fraction: 23, bias: 127 };
const DOUBLE: Format = { element: 'double', integer: 'i64', width: 64, fraction: 52, bias: 1023 };

/** The format of a value of floats. */
export function formatOf({ element }: Value): Format {
  return element === 'float' ? FLOAT : DOUBLE;
}

/** A number for each format. */
export type Constant = Readonly<Record<Format['element'], number>>;

/** Numbers for each format, such as the coefficients of a polynomial from the lowest power. */
export type Constants = Readonly<Record<Format['element'], readonly number[]>>;

/** A constant of the element type of `like`. */
export function constant(v: Lanes, like: Value, value: number | Constant): Value {
  return v.const(like.element, typeof value === 'number' ? value : value[formatOf(like).element]);
}

/** c₀ + x (c₁ + x (c₂ + …)) */
export function polynomial(v: Lanes, x: Value, coefficients: readonly number[] | Constants): Value {
  const list = Array.isArray(coefficients)
    ? (coefficients as readonly number[])
    : (coefficients as Constants)[formatOf(x).element];
  return list.slice(0, -1).reduceRight((sum, c) => v.fma(sum, x, v.const(x.element, c)), constant(v, x, list.at(-1)!));
}

/** `x`, or a bound where it is smaller; NaN stays. */
export function atLeast(v: Lanes, x: Value, low: number | Constant): Value {
  const bound = constant(v, x, low);
  return v.select(v.compare('lt', x, bound), bound, x);
}

/** `x`, or a bound where it is larger; NaN stays. */
export function atMost(v: Lanes, x: Value, high: number | Constant): Value {
  const bound = constant(v, x, high);
  return v.select(v.compare('gt', x, bound), bound, x);
}

/** The integer nearest to a float of moderate size: as a float, and in the low bits of an integer, above which is rubbish. */
export interface Nearest {
  readonly float: Value;
  readonly bits: Value;
}

/**
 * The integer nearest to x · factor, and it plus `offset` in the low bits. A float of 1.5 · 2^fraction has the unit as its
 * last bit, so adding it rounds.
 */
export function nearest(v: Lanes, x: Value, factor: number, offset = 0): Nearest {
  const { fraction, integer } = formatOf(x);
  const shift = constant(v, x, 1.5 * 2 ** fraction + offset);
  const shifted = v.fma(x, constant(v, x, factor), shift);
  return { float: v.sub(shifted, shift), bits: v.bitcast(shifted, integer) };
}

/** 2ⁿ, where the low bits hold n + bias. */
export function powerOfTwo(v: Lanes, bits: Value, like: Value): Value {
  const { element, fraction } = formatOf(like);
  return v.bitcast(v.shiftLeft(bits, fraction), element);
}

/** x - n · (p₀ + p₁ + …), where each product is exact or all that follow are below what x is known to. */
export function subtractMultiple(v: Lanes, x: Value, n: Value, parts: readonly number[]): Value {
  return parts.reduce((rest, part) => v.fma(n, constant(v, x, -part), rest), x);
}

/** `x` where it is so small that f(x) = x to the last place, else a result: for what loses subnormal numbers or -0. */
export function keepTiny(v: Lanes, x: Value, result: Value): Value {
  const { fraction } = formatOf(x);
  return v.select(v.compare('lt', v.abs(x), constant(v, x, 2 ** (-fraction - 3))), x, result);
}

/** The bit of an integer that is a float's sign. */
export function signBit(v: Lanes, like: Value): Value {
  const { integer, width } = formatOf(like);
  return v.const(integer, 1n << BigInt(width - 1));
}

/** `x` with its sign changed where the highest bit of an integer is set. */
export function flipSign(v: Lanes, x: Value, bits: Value): Value {
  const { element, integer } = formatOf(x);
  return v.bitcast(v.xor(v.bitcast(x, integer), v.and(bits, signBit(v, x))), element);
}

/** A function that writes its code, for every lane. */
export type Lanewise = (v: Lanes, ...operands: readonly Value[]) => Value;

/**
 * `usual`, but `rare` of the operands where `isRare`: one branch, not taken unless a lane needs it, to a function of its
 * own, as what is rare is long. `name` is unique to the rare computation.
 */
export function patchRare(
  v: Lanes,
  isRare: Value,
  usual: Value,
  name: string,
  rare: Lanewise,
  ...operands: readonly Value[]
): Value {
  const { body } = v;
  const { element } = usual;
  const type = v.type(element);
  const slow = outlined(v, name, rare, element, operands.length);
  const before = body.block;
  const [patch, after] = [body.label(), body.label()];
  body.line(`br i1 ${unlikely(v, anyLane(v, isRare))}, label %${patch}, label %${after}`);
  body.begin(patch);
  const call = `call ${type} ${slow}(${operands.map(({ text }) => `${type} ${text}`).join(', ')})`;
  const patched = v.select(isRare, { element, text: body.value(call) }, usual);
  body.line(`br label %${after}`);
  body.begin(after);
  return { element, text: body.value(`phi ${type} [${usual.text}, %${before}], [${patched.text}, %${patch}]`) };
}

/** Whether a mask is set in any lane: a scalar. */
export function anyLane(v: Lanes, mask: Value): string {
  if (v.count === 1) return mask.text;
  const name = `@llvm.vector.reduce.or.${v.suffix('i1')}`;
  v.body.module.declare(`i1 ${name}(${v.type('i1')})`);
  return v.body.value(`call i1 ${name}(${v.type('i1')} ${mask.text})`);
}

function unlikely(v: Lanes, condition: string): string {
  v.body.module.declare('i1 @llvm.expect.i1(i1, i1)');
  return v.body.value(`call i1 @llvm.expect.i1(i1 ${condition}, i1 false)`);
}

function outlined(v: Lanes, rare: string, compute: Lanewise, element: Element, arity: number): string {
  const { module } = v.body;
  const name = `@rare.${rare}.${v.suffix(element)}`;
  const type = v.type(element);
  module.define(name, () => {
    const lanes = new Lanes(new Body(module), v.count, v.features);
    const operands = Array.from({ length: arity }, (_, i): Value => ({ element, text: `%x${i}` }));
    const result = compute(lanes, ...operands);
    const parameters = operands.map(({ text }) => `${type} ${text}`).join(', ');
    // It reads and writes no memory, or no load could be moved across the branch.
    const header = `define internal ${type} ${name}(${parameters}) noinline cold nounwind readnone willreturn`;
    return `${header} {\nentry:\n${lanes.body}\n  ret ${type} ${result.text}\n}`;
  });
  return name;
}
