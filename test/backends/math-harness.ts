/** @file Runs the native backend's vector maths on arrays, and measures the results in units of the last place. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Body, Lanes, Module, type Value } from '../../engine/backends/native/ir.ts';
import { MATH } from '../../engine/backends/native/math/index.ts';
import { applyScalar } from '../../engine/backends/reference.ts';
import { SCALARS, type ScalarFn } from '../../engine/compile/expr.ts';
import type { DType } from '../../engine/types.ts';
import type { Jit } from './jit-shim.ts';

/** The element types that vector maths has code for. */
export type MathElement = 'float' | 'double' | 'i32' | 'i64';

/** An array of one of them. */
export type Numbers = Float32Array | Float64Array | Int32Array | BigInt64Array;

/** An array for each element type. */
export const ARRAYS = { float: Float32Array, double: Float64Array, i32: Int32Array, i64: BigInt64Array } as const;

/** The dtype of each element type. */
export const DTYPE_OF = { float: 'float32', double: 'float64', i32: 'int32', i64: 'int64' } as const satisfies Record<
  MathElement,
  DType
>;

/** The functions that there is code for, in the order of the table. */
export const FUNCTIONS = Object.keys(MATH) as readonly ScalarFn[];

/** How many operands a function takes. */
export function arityOf(fn: ScalarFn): number {
  return SCALARS[fn].arity;
}

/** What is compiled: a function for lanes of an element type, their number, and whether there is fma. */
export interface Variant {
  readonly fn: ScalarFn;
  readonly element: MathElement;
  readonly count: number;
  readonly fma: boolean;
}

/** A module with one function, `void f(x, [y,] z, n)`, that computes z for n elements, whole vectors only. */
export function kernelText({ fn, element, count, fma }: Variant, name: string): string {
  const compute = MATH[fn];
  if (!compute) throw new Error(`no vector code for ${fn}`);
  const module = new Module();
  const body = new Body(module);
  const v = new Lanes(body, count, { fma });
  const type = v.type(element);
  const operands = ['%x', '%y'].slice(0, arityOf(fn));
  const [loop, end] = [body.label(), body.label()];
  body.line(`br label %${loop}`);
  body.begin(loop);
  const index = body.name();
  const phi = body.reserve();
  const at = (base: string): string => body.value(`getelementptr ${element}, ptr ${base}, i64 ${index}`);
  const values = operands.map((operand): Value => {
    return { element, text: body.value(`load ${type}, ptr ${at(operand)}, align 4`) };
  });
  const result = compute(v, ...values);
  body.line(`store ${type} ${result.text}, ptr ${at('%z')}, align 4`);
  const next = body.value(`add i64 ${index}, ${count}`);
  phi(`${index} = phi i64 [0, %entry], [${next}, %${body.block}]`);
  body.line(`br i1 ${body.value(`icmp slt i64 ${next}, %n`)}, label %${loop}, label %${end}`);
  body.begin(end);
  body.line('ret void');
  const parameters = [...operands, '%z'].map((operand) => `ptr noalias ${operand}`).join(', ');
  module.add(`define void @${name}(${parameters}, i64 %n) nounwind {\nentry:\n${body}\n}`);
  return module.toString();
}

let kernels = 0;

/** Compiles a variant; what comes back applies it to arrays of one length. */
export function compileVariant(jit: Jit, variant: Variant): (inputs: readonly Numbers[]) => Numbers {
  const name = `math${kernels++}`;
  const run = jit.compile(kernelText(variant, name), name, `${'void*, '.repeat(arityOf(variant.fn) + 1)}int64_t`);
  return (inputs) => {
    const length = inputs[0]!.length;
    const padded = Math.ceil(length / variant.count) * variant.count;
    const lengthened = (input?: Numbers): Numbers => {
      const copy = new ARRAYS[variant.element](padded);
      if (input) copy.set(input as never);
      return copy;
    };
    const output = lengthened();
    run(...inputs.map(lengthened), output, BigInt(padded));
    return output.subarray(0, length);
  };
}

const view = new DataView(new ArrayBuffer(8));

/** The distance between floats of a magnitude; at zero and below the normal numbers, the smallest there is. */
export function unitOf(x: number, element: 'float' | 'double'): number {
  const [fraction, least] = element === 'float' ? [23, -126] : [52, -1022];
  view.setFloat64(0, x);
  const exponent = ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
  return 2 ** (Math.max(exponent, least) - fraction);
}

/**
 * By how many units in the last place of `nearest` a result differs from the exact value, which is `rest` of such units
 * above it. Infinite where one of them alone is NaN or infinite, or a zero has the other sign.
 */
export function ulps(got: number, nearest: number, rest: number, element: 'float' | 'double'): number {
  if (Object.is(got, nearest)) return Math.abs(rest);
  if (got === nearest || !Number.isFinite(got) || !Number.isFinite(nearest)) {
    return isLargest(got, element) || isLargest(nearest, element) ? 1 : Infinity;
  }
  const unit = unitOf(nearest, element);
  return Math.abs(got / unit - nearest / unit - rest);
}

/** Whether the next float is infinite. */
function isLargest(x: number, element: 'float' | 'double'): boolean {
  return Math.abs(x) === (element === 'float' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE);
}

/** The same of float32, for which float64 is as good as exact. */
export function ulpsOfFloat(got: number, exact: number): number {
  const nearest = Math.fround(exact);
  const rest = Number.isFinite(nearest) ? (exact - nearest) / unitOf(nearest, 'float') : 0;
  return ulps(got, nearest, rest, 'float');
}

/** A function by its definition, in float64. */
export function definition(fn: ScalarFn, args: readonly number[]): number {
  return applyScalar(fn, 'float64', 'float64', args) as number;
}

/** The operands at a position. */
export function operandsAt(inputs: readonly Numbers[], i: number): number[] {
  return inputs.map((input) => input[i] as number);
}

/** Inputs and exact results of a float64 function. */
export interface Oracle {
  readonly inputs: readonly Float64Array[];
  readonly nearest: Float64Array;
  /** The exact results less the nearest floats, in 256ths of a unit in the last place. */
  readonly rest: Int8Array;
}

/** Reads a file of test/oracles/vector_maths.py. */
export function readOracles(path: string): ReadonlyMap<string, Oracle> {
  const { buffer } = new Uint8Array(gunzipSync(readFileSync(path)));
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header: Record<string, { arity: number; count: number }> = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, 8, length)),
  );
  let at = 8 + length;
  return new Map(
    Object.entries(header).map(([name, { arity, count }]) => {
      const column = (): Float64Array => {
        const values = new Float64Array(buffer, at, count);
        at += values.byteLength;
        return values;
      };
      const inputs = Array.from({ length: arity }, column);
      const nearest = column();
      const rest = new Int8Array(buffer, at, count);
      at += Math.ceil(count / 8) * 8;
      return [name, { inputs, nearest, rest }];
    }),
  );
}

/** The largest error found, and the operands that cause it. */
export interface Worst {
  readonly error: number;
  readonly operands: readonly number[];
}

/** The largest of errors that are given by position. */
export function worstOf(inputs: readonly Numbers[], errorAt: (i: number) => number): Worst {
  let [error, at] = [-1, 0];
  for (let i = 0; i < inputs[0]!.length; i++) {
    const found = errorAt(i);
    if (found > error || Number.isNaN(found)) [error, at] = [found, i];
  }
  return { error, operands: operandsAt(inputs, at) };
}

/** The error of float32 results against the definition in float64. */
export function worstOfFloat(fn: ScalarFn, inputs: readonly Numbers[], got: Numbers): Worst {
  return worstOf(inputs, (i) => ulpsOfFloat(got[i] as number, definition(fn, operandsAt(inputs, i))));
}

/** The error of float64 results against exact ones, or against the definition where that is exact. */
export function worstOfDouble(
  fn: ScalarFn,
  oracle: Oracle | undefined,
  inputs: readonly Numbers[],
  got: Numbers,
): Worst {
  return worstOf(inputs, (i) => {
    const result = got[i] as number;
    if (oracle) return ulps(result, oracle.nearest[i]!, oracle.rest[i]! / 256, 'double');
    return ulps(result, definition(fn, operandsAt(inputs, i)), 0, 'double');
  });
}
