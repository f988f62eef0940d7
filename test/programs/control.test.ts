/** Programs with branches and loops: values, gradients and Hessian-vector products, against JAX (test/oracles/control.py). */
import { expect, test } from 'vitest';
import type { Program } from '../../engine/program/program.ts';
import { gradient, pushforward } from '../../engine/transform/compose.ts';
import { arrayFrom, isFloat, sizeOf, type Tensor, type TensorType, type TypedArray } from '../../engine/types.ts';
import { expectSame } from '../laws/compare.ts';
import { controlProgram } from '../laws/control.ts';
import { evaluate } from '../laws/run.ts';
import expected from './control.json' with { type: 'json' };

/** Relative to the largest element; JAX rounds float32 in other places. */
const TOLERANCE = { float32: 3e-6, float64: 1e-13 };

for (const [name, worked] of Object.entries(expected))
  test(name, () => {
    const program = controlProgram(name);
    const inputs = program.inputs.map(({ type }, k) => elements(type, k));
    const floats: Program = { ...program, outputs: program.outputs.filter(({ type }) => isFloat(type.dtype)) };
    const sources = program.inputs.flatMap(({ type }, i) => (isFloat(type.dtype) ? [i] : []));
    const values = floats.outputs.length;

    expectSame(evaluate(program, inputs), typed(program.outputs, worked.outputs), TOLERANCE, 'values');

    const derived = gradient(floats, values, sources);
    const gradients: Program = { ...derived, outputs: derived.outputs.slice(values) };
    expectSame(evaluate(gradients, inputs), typed(gradients.outputs, worked.gradients), TOLERANCE, 'gradients');

    const pushed = pushforward(gradients, sources.length, sources, undefined);
    const products: Program = { ...pushed, outputs: pushed.outputs.slice(sources.length) };
    const ones = sources.map((i) => inputs[i]?.map((() => 1) as never) as TypedArray);
    const tolerance = { ...TOLERANCE, float32: 3e-5 };
    expectSame(evaluate(products, [...inputs, ...ones]), typed(products.outputs, worked.hvp), tolerance, 'hvp');
  });

test('there are as many as the script has', () => {
  expect(Object.keys(expected)).toHaveLength(13);
});

/** The inputs that the script says, exact in binary. */
function elements({ dtype, shape }: TensorType, k: number): TypedArray {
  const of = (i: number): number =>
    dtype === 'bool' ? Number((i + k) % 2 === 0) : isFloat(dtype) ? (((7 * i + 3 * k) % 11) - 5) / 4 : (i + k) % 4;
  return arrayFrom(
    dtype,
    Array.from({ length: sizeOf(shape) }, (_, i) => of(i)),
  );
}

function typed(variables: Program['outputs'], numbers: readonly (readonly number[])[]): Tensor[] {
  return variables.map(({ type }, i) => ({ type, data: arrayFrom(type.dtype, numbers[i] as readonly number[]) }));
}
