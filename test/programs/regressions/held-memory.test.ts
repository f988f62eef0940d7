/** The peak that a plan states once left out the arenas of branches that had run before, and the spare state of loops. */
import { expect, test } from 'vitest';
import type { Backend } from '../../../engine/backends/backend.ts';
import { type Plan, plan } from '../../../engine/compile/plan.ts';
import { sizeOf, type TypedArray } from '../../../engine/types.ts';
import { programOf } from '../../laws/control.ts';
import { counted } from '../../laws/memory.ts';
import { BACKENDS, NATIVE, runSeveral } from '../../laws/run.ts';

/** Each branch keeps a matrix product of its own in its arena. */
const branch = (factor: string) => ({
  inputs: ['a'],
  nodes: [
    { name: 'm', op: 'matmul', inputs: ['a', 'a'] },
    { name: 'n', op: 'matmul', inputs: ['m', factor] },
    { name: 'o', op: 'matmul', inputs: ['n', 'a'] },
  ],
  outputs: ['o'],
});

const program = programOf({
  inputs: { a0: 'f64[9,9]', ps: 'bool[4]', w: 'f64[9,9]', v: 'f64[9,9]' },
  nodes: [
    {
      name: 'y',
      op: 'scan',
      inputs: ['a0', 'ps'],
      params: {
        body: {
          inputs: ['a', 'p'],
          nodes: [
            {
              name: 'b',
              op: 'cond',
              inputs: ['p', 'a'],
              // biome-ignore lint/suspicious/noThenProperty: documents call a branch so.
              params: { then: branch('w'), else: branch('v') },
            },
          ],
          outputs: ['b'],
        },
        carry: 1,
      },
    },
  ],
});

const inputs = program.inputs.map(({ type }): TypedArray => {
  const elements = Array.from({ length: sizeOf(type.shape) }, (_, i) => i % 2);
  return type.dtype === 'bool' ? Uint8Array.from(elements) : Float64Array.from(elements);
});

for (const under of BACKENDS) {
  const planned = plan(program, under);

  test(`a run that takes every branch holds what the plan says, ${under.name}`, () => {
    const { peakBytes } = planned.cost;
    if (under === NATIVE) {
      // Small tensors, the context and the scratch of routines lie beside the arena.
      expect(held(planned, under, 1)).toBeLessThanOrEqual(1.1 * peakBytes + 4096);
      expect(held(planned, under, 1)).toBeGreaterThanOrEqual(peakBytes);
    } else expect(held(planned, under, 1)).toBe(peakBytes);
  });

  test(`a second run asks for its inputs and outputs alone, ${under.name}`, () => {
    const { peakBytes, heldBytes } = planned.cost;
    expect(held(planned, under, 2) - held(planned, under, 1)).toBe(peakBytes - heldBytes);
  });
}

function held(planned: Plan, under: Backend, runs: number): number {
  const { backend, bytes } = counted(under);
  runSeveral(planned, new Array(runs).fill(inputs), backend);
  return bytes();
}
