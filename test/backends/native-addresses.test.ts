/** Native code writes its outputs and nothing beside them, whatever the sizes, and wherever tensors lie. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plan } from '../../engine/compile/plan.ts';
import { print } from '../../engine/program/print.ts';
import type { Program } from '../../engine/program/program.ts';
import { vmapAll } from '../../engine/transform/vmap.ts';
import { arrayFrom, type TypedArray } from '../../engine/types.ts';
import { expectSame } from '../laws/compare.ts';
import { subjectsOfControl } from '../laws/control.ts';
import { type Random, randomFrom, randomOf } from '../laws/draw.ts';
import { drawInputs, isRunnable } from '../laws/laws.ts';
import { guarded } from '../laws/memory.ts';
import { programFrom, recipes } from '../laws/programs.ts';
import { DEFINITION, evaluate, NATIVE } from '../laws/run.ts';
import { RUNS } from '../laws/runs.ts';
import { ENTRIES, node, type Subject, subjectsOfTable, typeOf, WITHOUT_CASES } from '../laws/table.ts';
import { widened } from '../laws/widen.ts';
import { derivative, graphProgram } from '../programs/graphs.ts';

/** What a run between canaries gives, against the reference. */
function check(program: Program, inputs: readonly TypedArray[]): void {
  const found = evaluate(program, inputs, guarded(NATIVE!));
  expectSame(found, evaluate(program, inputs, DEFINITION), NATIVE!.tolerance, 'native');
}

function checkDrawn(subject: Subject, random: Random): void {
  check(subject.program, drawInputs(subject, random));
}

/** Text graphs over `n` rows of `m`, whose kernels are gathered into bands where there are many. */
const GRAPHS: Readonly<
  Record<string, readonly [graph: string, inputs: (n: number, m: number) => Record<string, string>]>
> = {
  'row softmax': ['y = softmax(x, axis=1) * z', (n, m) => ({ x: `f32[${n},${m}]`, z: `f32[${m}]` })],
  'layer norm': ['y = layer_norm(x) * g + b', (n, m) => ({ x: `f32[${n},${m}]`, g: `f32[${m}]`, b: `f32[${m}]` })],
  'column sums': ['y = sum(exp(x) * x, axis=0) + max(x, axis=0)', (n, m) => ({ x: `f32[${n},${m}]` })],
  'sums of all': ['y = sum(sin(x)) / mean(x * x) + prod(1 + x / 1000)', (n, m) => ({ x: `f64[${n},${m}]` })],
  'logistic regression': [
    'z = x @ w + b\nloss = mean(softplus(z) - t * z) + 0.01 * sum(w * w)',
    (n, m) => ({ x: `f32[${n},${m}]`, w: `f32[${m}]`, b: 'f32', t: `f32[${n}]` }),
  ],
  'bools and integers': [
    'y = where(x > z, i + 3, i // 2) * argmin(i, axis=0) + any(x > z)',
    (n, m) => ({ x: `f32[${n},${m}]`, z: `f64[${m}]`, i: `i64[${n},${m}]` }),
  ],
};

/** Around the numbers of lanes; the last of each are many rows. */
const SIZES = [
  [1, 1],
  [1, 15],
  [15, 1],
  [16, 16],
  [17, 33],
  [33, 17],
  [1, 1000],
  [1000, 1],
  [1000, 33],
  [3000, 16],
] as const;

describe.skipIf(!NATIVE)('native code between canaries (needs libLLVM)', () => {
  test('worked cases of every row', () => {
    for (const entry of ENTRIES) {
      if (entry.name in WITHOUT_CASES) continue;
      for (const { inputs, params } of entry.cases) {
        const types = inputs.map(({ type }) => typeOf(type));
        const program = node(entry, types, params);
        if (isRunnable(program))
          check(
            program,
            inputs.map(({ data }, i) => arrayFrom(types[i]!.dtype, data)),
          );
      }
    }
  });

  test('17 samples of every row at once', () => {
    for (const { name, program, domains } of [...subjectsOfControl(), ...subjectsOfTable()]) {
      if (program.inputs.length === 0 || !isRunnable(program)) continue;
      const batched = vmapAll(
        program,
        program.inputs.map(() => true),
        17,
      );
      checkDrawn({ name, program: batched, domains }, randomOf(name));
    }
  });

  test('random programs', { timeout: 60_000 * RUNS.factor }, () => {
    const property = fc.property(recipes(), fc.nat(), (recipe, seed) => {
      const { program, ...rest } = programFrom(recipe);
      try {
        const subject = { ...rest, program };
        evaluate(program, drawInputs(subject, randomFrom(seed)), guarded(NATIVE!));
        // Compared in double precision: what single precision rounds differently may be as large as a program makes it.
        checkDrawn({ ...rest, program: widened(program) }, randomFrom(seed));
      } catch (reason) {
        throw new Error(`${(reason as Error).message}\n${print(program)}`, { cause: reason });
      }
    });
    fc.assert(property, { numRuns: RUNS.programs });
  });

  for (const [name, [graph, types]] of Object.entries(GRAPHS))
    test(name, () => {
      for (const [n, m] of SIZES) {
        const program = graphProgram(graph, types(n, m));
        for (const each of [program, derivative(program)])
          checkDrawn({ name, program: each, domains: [] }, randomOf(`${name} ${n} ${m}`));
      }
    });

  test('there are bands among these', () => {
    for (const [name, [graph, types]] of Object.entries(GRAPHS)) {
      const program = graphProgram(graph, types(1000, 33));
      const kinds = [program, derivative(program)].flatMap((each) => plan(each, NATIVE).steps.map(({ kind }) => kind));
      expect(kinds, name).toContain('band');
    }
  });
});
