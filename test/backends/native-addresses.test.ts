/** Native code gives what the reference gives and writes nothing beside it, for every kind of vectors and sizes around theirs. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backends/backend.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import type { Target } from '../../engine/backends/native/target.ts';
import { plan } from '../../engine/compile/plan.ts';
import { print } from '../../engine/program/print.ts';
import type { Program } from '../../engine/program/program.ts';
import { vmapAll } from '../../engine/transform/vmap.ts';
import { arrayFrom, type Tensor, type TypedArray } from '../../engine/types.ts';
import { expectSame } from '../laws/compare.ts';
import { subjectsOfControl } from '../laws/control.ts';
import { randomFrom, randomOf } from '../laws/draw.ts';
import { drawInputs, isRunnable } from '../laws/laws.ts';
import { guarded } from '../laws/memory.ts';
import { programFrom, recipes } from '../laws/programs.ts';
import { DEFINITION, evaluate, NATIVE } from '../laws/run.ts';
import { RUNS } from '../laws/runs.ts';
import { ENTRIES, type Entry, node, type Subject, subjectOf, typeOf, WITHOUT_CASES } from '../laws/table.ts';
import { widened } from '../laws/widen.ts';
import { derivative, graphProgram } from '../programs/graphs.ts';

/** The processor of this machine, and others whose code runs on it too. */
const TARGETS: Readonly<Record<string, Partial<Target>>> = {
  host: {},
  '512 bits, no masks': { vectorBits: 512, masks: false },
  '256 bits, no masks': { vectorBits: 256, registers: 16, masks: false },
  '128 bits, masks': { vectorBits: 128, masks: true },
  '128 bits, no masks, no fma': { vectorBits: 128, registers: 16, masks: false, fma: false },
};

/** A program with inputs and what the reference gives. */
interface Work {
  readonly name: string;
  readonly program: Program;
  readonly inputs: readonly TypedArray[];
  readonly expected: readonly Tensor[];
}

function workOf(name: string, program: Program, inputs: readonly TypedArray[]): Work {
  return { name, program, inputs, expected: evaluate(program, inputs, DEFINITION) };
}

function drawnWork(subject: Subject, random = randomOf(subject.name)): Work {
  return workOf(subject.name, subject.program, drawInputs(subject, random));
}

/** What a run between canaries gives, against the reference. */
function check({ name, program, inputs, expected }: Work, native: Backend): void {
  expectSame(evaluate(program, inputs, guarded(native)), expected, native.tolerance, name);
}

function casesOf(entry: Entry): Work[] {
  if (entry.name in WITHOUT_CASES) return [];
  return entry.cases.flatMap(({ inputs, params }, i) => {
    const types = inputs.map(({ type }) => typeOf(type));
    const program = node(entry, types, params);
    const data = inputs.map((tensor, k) => arrayFrom(types[k]!.dtype, tensor.data));
    return isRunnable(program) ? [workOf(`case ${i} of ${entry.name}`, program, data)] : [];
  });
}

/** 17 samples at once, which no number of lanes divides. */
function batched({ name, program, domains }: Subject): Work[] {
  if (program.inputs.length === 0 || !isRunnable(program)) return [];
  const all = program.inputs.map(() => true);
  return [drawnWork({ name, program: vmapAll(program, all, 17), domains })];
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
  layers: [
    'h = tanh(x @ w + b)\ny = softmax(h @ transpose(w), axis=1) * x',
    (n, m) => ({ x: `f64[${n},${m}]`, w: `f64[${m},40]`, b: 'f64[40]' }),
  ],
  'joined columns': [
    'y = concatenate([x[:, :1], sin(x), z + x[:, ::-1]], axis=1) * 2',
    (n, m) => ({ x: `f32[${n},${m}]`, z: `f32[${m}]` }),
  ],
  'joined rows': [
    'y = sum(concatenate([x[1:] * x[:-1], exp(x), x[:1]], axis=0), axis=1)',
    (n, m) => ({ x: `f64[${n},${m}]` }),
  ],
  'bools and integers': [
    'y = where(x > z, i + 3, i // 2) * argmin(i, axis=0) + any(x > z)',
    (n, m) => ({ x: `f32[${n},${m}]`, z: `f64[${m}]`, i: `i64[${n},${m}]` }),
  ],
};

/** Around the numbers of lanes; the last are many rows. */
const SIZES = [
  [1, 1],
  [1, 15],
  [15, 1],
  [17, 33],
  [1, 1000],
  [1000, 1],
  [2500, 17],
] as const;

/** A graph and its derivative in every size. */
function graphWorks(name: string): Work[] {
  const [graph, types] = GRAPHS[name]!;
  return SIZES.flatMap(([n, m]) => {
    const program = graphProgram(graph, types(n, m));
    return [program, derivative(program)].map((each) =>
      drawnWork({ name: `${name}, ${n} by ${m}`, program: each, domains: [] }),
    );
  });
}

/** Two samples of every row are enough for every target: the laws go through all of them. */
const SUBJECTS = [
  ...subjectsOfControl(),
  ...ENTRIES.flatMap((entry) => entry.samples.slice(0, 2).map((sample) => subjectOf(entry, sample))),
];

/** What is run for every target, computed by the reference once. */
const CASES = once(() => ENTRIES.flatMap(casesOf));
const SAMPLES = once(() => SUBJECTS.flatMap(batched));
const GRAPH_WORKS: Readonly<Record<string, () => readonly Work[]>> = Object.fromEntries(
  Object.keys(GRAPHS).map((name) => [name, once(() => graphWorks(name))]),
);

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

describe.skipIf(!NATIVE)('native code between canaries (needs libLLVM)', () => {
  describe.each(Object.entries(TARGETS))('for %s', (name, target) => {
    let native: Backend;
    beforeAll(() => {
      native = openNative({ threads: 2, target })!;
    });
    test('worked cases of every row', () => {
      for (const work of CASES()) check(work, native);
    });
    // The others are between these two.
    if (name === 'host' || target.fma === false)
      test('17 samples of every row at once', () => {
        for (const work of SAMPLES()) check(work, native);
      });
    test.each(Object.entries(GRAPH_WORKS))('%s', (_, works) => {
      for (const work of works()) check(work, native);
    });
  });

  test('random programs', { timeout: 60_000 * RUNS.factor }, () => {
    const property = fc.property(recipes(), fc.nat(), (recipe, seed) => {
      const { program, ...rest } = programFrom(recipe);
      try {
        const subject = { ...rest, program };
        evaluate(program, drawInputs(subject, randomFrom(seed)), guarded(NATIVE!));
        // Compared in double precision: what single precision rounds differently may be as large as a program makes it.
        check(drawnWork({ ...rest, program: widened(program) }, randomFrom(seed)), NATIVE!);
      } catch (reason) {
        throw new Error(`${(reason as Error).message}\n${print(program)}`, { cause: reason });
      }
    });
    fc.assert(property, { numRuns: RUNS.programs });
  });

  test('there are bands, routines and windows among these', () => {
    const programs = Object.values(GRAPH_WORKS).flatMap((works) => works().map(({ program }) => program));
    const steps = programs.flatMap((program) => plan(program, NATIVE).steps);
    const kernels = steps.flatMap((step) => (step.kind === 'kernel' ? [step.kernel] : []));
    expect(steps.filter(({ kind }) => kind === 'band').length).toBeGreaterThan(8);
    expect(steps.filter(({ kind }) => kind === 'routine').length).toBeGreaterThan(8);
    expect(kernels.filter(({ windows }) => windows.length > 0).length).toBeGreaterThan(8);
  });
});
