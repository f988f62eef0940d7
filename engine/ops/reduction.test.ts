import { expect, test } from 'vitest';
import { reference } from '../backends/reference.ts';
import { plan } from '../compile/plan.ts';
import { Builder } from '../program/builder.ts';
import type { Program, Var } from '../program/program.ts';
import { executable } from '../runtime/execute.ts';
import { gradient, hessian } from '../transform/compose.ts';
import { max } from './max.ts';
import { min } from './min.ts';
import { prod } from './prod.ts';
import { sum } from './sum.ts';

// The expected numbers are JAX's: test/oracles/tensor_gradients.py.

test('the derivatives of a product are exact where factors are zero', async () => {
  const whole = (b: Builder, x: Var): Var => prod(b, x, { axes: [0] });
  expect(await gradientAt(whole, [3], [2, 0, 3])).toEqual([0, 6, 0]);
  expect(await hessianAt(whole, [3], [2, 0, 3])).toEqual([0, 3, 0, 3, 0, 2, 0, 2, 0]);
  expect(await gradientAt(whole, [3], [0, 0, 5])).toEqual([0, 0, 0]);
  expect(await hessianAt(whole, [3], [0, 0, 5])).toEqual([0, 5, 0, 5, 0, 0, 0, 0, 0]);
  expect(await gradientAt(whole, [5], [2, -1, 3, 0.5, 4])).toEqual([-6, 12, -4, -24, -3]);
  const rows = (b: Builder, x: Var): Var => sum(b, prod(b, x, { axes: [1] }), { axes: [0] });
  expect(await gradientAt(rows, [2, 2], [0, 4, 3, 5])).toEqual([4, 0, 5, 3]);
});

test('the derivative of an extremum is shared equally among ties, and is NaN with it', async () => {
  const largest = (b: Builder, x: Var): Var => max(b, x, { axes: [0] });
  expect(await gradientAt(largest, [5], [1, 3, 3, 2, 3])).toEqual([0, 1 / 3, 1 / 3, 0, 1 / 3]);
  expect(await gradientAt(largest, [2], [1, NaN])).toEqual([NaN, NaN]);
  const columns = (b: Builder, x: Var): Var => sum(b, min(b, x, { axes: [0] }), { axes: [0] });
  expect(await gradientAt(columns, [2, 2], [1, 4, 1, 2])).toEqual([0.5, 0, 0.5, 1]);
});

type Scalar = (b: Builder, x: Var) => Var;

function programOf(f: Scalar, shape: readonly number[]): Program {
  const b = new Builder();
  return b.build([f(b, b.input({ dtype: 'float64', shape }))]);
}

async function lastOutput(program: Program, x: readonly number[]): Promise<number[]> {
  const outputs = await executable(plan(program), reference).run([Float64Array.from(x)]);
  // Zeros of either sign are equal here.
  return Array.from(outputs.at(-1)!.data as Float64Array, (value) => value + 0);
}

function gradientAt(f: Scalar, shape: readonly number[], x: readonly number[]): Promise<number[]> {
  return lastOutput(gradient(programOf(f, shape), 1, [0]), x);
}

function hessianAt(f: Scalar, shape: readonly number[], x: readonly number[]): Promise<number[]> {
  return lastOutput(hessian(programOf(f, shape), [0]), x);
}
