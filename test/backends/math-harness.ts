/** @file Runs the native backend's vector maths on arrays, and measures what it gives in units of the last place. */

import { Body, type Element, Lanes, Module, type Value } from '../../engine/backends/native/ir.ts';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { MATH } from '../../engine/backends/native/math/index.ts';
import type { ScalarFn } from '../../engine/compile/expr.ts';
import type { Jit } from './jit-shim.ts';

export type Numbers = Float32Array | Float64Array | Int32Array | BigInt64Array;

/** Makes an array for values of an element type. */
export function arrayOf(element: Element, length: number): Numbers {
  switch (element) {
    case 'float':
      return new Float32Array(length);
    case 'double':
      return new Float64Array(length);
    case 'i64':
      return new BigInt64Array(length);
    default:
      return new Int32Array(length);
  }
}

/** What is measured: a function, the element type of its lanes, their number, and whether there is fma. */
export interface Variant {
  readonly fn: ScalarFn;
  readonly arity: 1 | 2;
  readonly element: Element;
  readonly count: number;
  readonly fma: boolean;
}

/** A module with one function, `void f(x, [y,] z, n)`, that applies a function of MATH to n elements: whole vectors only. */
export function kernelText({ fn, arity, element, count, fma }: Variant, name: string): string {
  const module = new Module();
  const body = new Body(module);
  const v = new Lanes(body, count, { fma });
  const operands = ['%x', '%y'].slice(0, arity);
  const [loop, end] = [body.label(), body.label()];
  body.line(`br label %${loop}`);
  body.begin(loop);
  const index = body.name();
  const phi = body.reserve();
  const at = (base: string): string => body.value(`getelementptr ${element}, ptr ${base}, i64 ${index}`);
  const values = operands.map((operand): Value => {
    return { element, text: body.value(`load ${v.type(element)}, ptr ${at(operand)}, align 4`) };
  });
  const result = MATH[fn]!(v, ...values);
  body.line(`store ${v.type(element)} ${result.text}, ptr ${at('%z')}, align 4`);
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
export function compileVariant(jit: Jit, variant: Variant): (...inputs: readonly Numbers[]) => Numbers {
  const name = `math${kernels++}`;
  const parameters = `${'void*, '.repeat(variant.arity + 1)}int64_t`;
  const run = jit.compile(kernelText(variant, name), name, parameters);
  return (...inputs) => {
    const length = inputs[0]!.length;
    const padded = Math.ceil(length / variant.count) * variant.count;
    const output = arrayOf(variant.element, padded);
    const whole = inputs.map((input) => {
      if (input.length === padded) return input;
      const copy = arrayOf(variant.element, padded);
      copy.set(input as never);
      return copy;
    });
    run(...whole, output, BigInt(padded));
    return output.subarray(0, length);
  };
}

/** The distance between floats of a magnitude; at zero and below the normal numbers, the smallest there is. */
export function unitOf(x: number, element: 'float' | 'double'): number {
  const [fraction, least] = element === 'float' ? [23, -126] : [52, -1022];
  view.setFloat64(0, x);
  const exponent = ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
  return 2 ** (Math.max(exponent, least) - fraction);
}

const view = new DataView(new ArrayBuffer(8));

/**
 * By how many units of the last place a result differs from the exact value nearest + rest, rest in units too. Infinite
 * where one of them alone is NaN, or a zero has the other sign; infinity stands where the next power of two would.
 */
export function ulps(got: number, nearest: number, rest: number, element: 'float' | 'double'): number {
  if (Object.is(got, nearest)) return Math.abs(rest);
  if (Number.isNaN(got) || Number.isNaN(nearest)) return Infinity;
  const [a, b] = [finite(got, element), finite(nearest, element)];
  if (a === 0 && b === 0) return Infinity;
  const unit = unitOf(b, element);
  return Math.abs(a / unit - b / unit - rest);
}

/** The largest number for infinity. */
function finite(x: number, element: 'float' | 'double'): number {
  const largest = element === 'float' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  return Math.min(largest, Math.max(-largest, x));
}

/** The same where float64 is all but exact for float32. */
export function ulps32(got: number, exact: number): number {
  const nearest = Math.fround(exact);
  if (!Number.isFinite(nearest) || !Number.isFinite(exact)) return ulps(got, nearest, 0, 'float');
  return ulps(got, nearest, (exact - nearest) / unitOf(nearest, 'float'), 'float');
}

/** Inputs and exact results of a float64 function. */
export interface Oracle {
  readonly inputs: readonly Float64Array[];
  readonly nearest: Float64Array;
  /** 256ths of a unit in the last place by which the exact result is larger. */
  readonly rest: Int8Array;
}

/** Reads a table of test/oracles/vector_maths.py. */
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
