/** Results do not depend, to the bit, on how many threads share the work, nor on what ran before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backends/backend.ts';
import { hostTarget } from '../../engine/backends/native/host.ts';
import { openLlvm } from '../../engine/backends/native/llvm.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { renderPlan } from '../../engine/backends/native/plan.ts';
import { PARALLEL } from '../../engine/backends/native/team.ts';
import { portable } from '../../engine/backends/portable.ts';
import { plan } from '../../engine/compile/plan.ts';
import type { Program } from '../../engine/program/program.ts';
import { type Executable, executable } from '../../engine/runtime/execute.ts';
import type { Tensor, TypedArray } from '../../engine/types.ts';
import { EXACT, expectSame } from '../laws/compare.ts';
import { programOf } from '../laws/control.ts';
import { draw, randomOf } from '../laws/draw.ts';
import { dataOf, evaluate } from '../laws/run.ts';
import { derivative, graphProgram } from '../programs/graphs.ts';

/** Programs whose steps are large enough to be divided. */
const PROGRAMS: Readonly<Record<string, () => Program>> = {
  elementwise: () =>
    graphProgram('y = exp(-x * x) * sin(z) + x / (1 + z * z)', { x: 'f32[1000003]', z: 'f32[1000003]' }),
  'row sums': () => graphProgram('y = sum(exp(x), axis=1)', { x: 'f32[777,513]' }),
  'column sums': () => graphProgram('y = sum(exp(x), axis=0)', { x: 'f32[777,513]' }),
  'column extrema': () => graphProgram('y = argmax(x, axis=0) + argmin(x, axis=0)', { x: 'f32[1000,513]' }),
  'sum of all': () => graphProgram('y = sum(x * sin(x))', { x: 'f32[1000,400]' }),
  'row softmax': () => derivative(graphProgram('y = softmax(x, axis=1) * z', { x: 'f32[2000,129]', z: 'f32[129]' })),
  'layer norm': () =>
    derivative(graphProgram('y = layer_norm(x) * g + b', { x: 'f32[1000,260]', g: 'f32[260]', b: 'f32[260]' })),
  'logistic regression': () =>
    derivative(
      graphProgram('z = x @ w\nloss = mean(softplus(z) - t * z)', { x: 'f32[4000,50]', w: 'f32[50]', t: 'f32[4000]' }),
    ),
  matmul: () => graphProgram('y = x @ w + 1', { x: 'f32[203,300]', w: 'f32[300,257]' }),
  'matmul, double': () => graphProgram('y = transpose(x) @ w', { x: 'f64[203,200]', w: 'f64[203,257]' }),
  'scatter add': () =>
    derivative(graphProgram('y = sin(take(table, ids, 0))', { table: 'f32[3000,64]', ids: 'i32[5000]' })),
  loop: () =>
    programOf({
      inputs: { h: 'f32[100000]', xs: 'f32[5,100000]' },
      nodes: [
        {
          name: 'y',
          op: 'scan',
          inputs: ['h', 'xs'],
          params: {
            body: {
              inputs: ['a', 'x'],
              nodes: [
                { name: 'b', op: 'add', inputs: ['a', 'x'] },
                { name: 'c', op: 'tanh', inputs: ['b'] },
                { name: 's', op: 'sum', inputs: ['c'] },
              ],
              outputs: ['c', 's'],
            },
            carry: 1,
          },
        },
      ],
      outputs: ['y', 'y:1'],
    }),
};

function inputsOf(program: Program, name: string): TypedArray[] {
  return program.inputs.map(({ type }) => draw(type, randomOf(name), type.dtype === 'int32' ? [0, 3000] : undefined));
}

function run(bound: Executable, inputs: readonly TypedArray[]): Tensor[] {
  return bound.run(inputs) as Tensor[];
}

const ALONE = openNative({ threads: 1 });
const TOGETHER = openNative({ threads: 2 });

describe.skipIf(!ALONE)('threads (needs libLLVM)', () => {
  const bind = (program: Program, backend: Backend | undefined): Executable =>
    executable(plan(program, backend), backend as Backend);

  test.each(Object.entries(PROGRAMS))('%s: as with one thread, every time', (name, program) => {
    const made = program();
    const inputs = inputsOf(made, name);
    const expected = run(bind(made, ALONE), inputs);
    expectSame(expected, evaluate(made, inputs, portable), ALONE!.tolerance, 'one thread');
    // What is not divided says nothing here.
    expect(renderPlan(plan(made, ALONE), hostTarget(openLlvm()!).target).ir).toContain(`call void @${PARALLEL}(`);
    const bound = bind(made, TOGETHER);
    for (let i = 0; i < 5; i++) expectSame(run(bound, inputs), expected, EXACT, `run ${i}`);
  });

  test('three threads where there may be fewer processors', () => {
    const program = PROGRAMS['layer norm']!();
    const inputs = inputsOf(program, 'three');
    const expected = run(bind(program, ALONE), inputs);
    const bound = bind(program, openNative({ threads: 3 }));
    for (let i = 0; i < 20; i++) expectSame(run(bound, inputs), expected, EXACT, `run ${i}`);
  });

  test('plans by turns, at once and after members fell asleep', async () => {
    const works = ['row softmax', 'sum of all', 'matmul', 'scatter add'].map((name) => {
      const program = PROGRAMS[name]!();
      const inputs = inputsOf(program, name);
      return { bound: bind(program, TOGETHER), inputs, expected: run(bind(program, ALONE), inputs) };
    });
    for (let turn = 0; turn < 6; turn++) {
      for (const { bound, inputs, expected } of works) expectSame(run(bound, inputs), expected, EXACT, `turn ${turn}`);
      await sleep(turn % 2 === 0 ? 0 : 5);
    }
  });

  test('ten thousand small runs', () => {
    const program = graphProgram('y = x * x + 1', { x: 'f64[5]' });
    const bound = bind(program, TOGETHER);
    const input = new Float64Array(5);
    for (let i = 0; i < 10_000; i++) {
      input[i % 5] = i;
      const [y] = dataOf(run(bound, [input])) as [Float64Array];
      if (y[i % 5] !== i * i + 1) expect(y[i % 5]).toBe(i * i + 1);
    }
  });
});
