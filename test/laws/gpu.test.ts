/**
 * The laws on the gpu, in float32. Laws ask for results at once and the gpu gives them later: a law is run with what is
 * known already, and again when what it asked for beside that is there, until it asks for nothing new.
 *
 * Without `ADJOINT_GPU_LAWS=all`, laws but that of the definition are checked of one sample of every row; the others are
 * skipped, and counted.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backends/backend.ts';
import { type Gpu, gpuRefusal } from '../../engine/backends/gpu/gpu.ts';
import { plan } from '../../engine/compile/plan.ts';
import { exp } from '../../engine/ops/exp.ts';
import { mul } from '../../engine/ops/mul.ts';
import { Builder } from '../../engine/program/builder.ts';
import { hashProgram } from '../../engine/program/hash.ts';
import type { Program } from '../../engine/program/program.ts';
import { executable } from '../../engine/runtime/execute.ts';
import { allocateArray, arrayFrom, sizeOf, type Tensor, type TypedArray } from '../../engine/types.ts';
import { gpuForTests } from '../gpu.ts';
import { expectCase, inputsOf, otherDtypes, type Relative } from './cases.ts';
import { expectSame, loosened, type Tolerance } from './compare.ts';
import { subjectsOfControl } from './control.ts';
import { isExtreme, isSubnormal, randomOf } from './draw.ts';
import { agree, hasFolds, insideDomain, isRunnable, LAWS, type Law } from './laws.ts';
import { bytesOfArray } from './memory.ts';
import { DEFINITION, runElsewhere, runPlan } from './run.ts';
import { ENTRIES, type Subject, subjectOf, WITHOUT_CASES } from './table.ts';
import { narrowed } from './widen.ts';

// Poisoned, so that what is read before it is written shows in every law.
const { gpu, on } = await gpuForTests({ isPoisoned: true });
afterAll(() => gpu?.close());

/**
 * What two ways to the same number may differ by. The gpu's functions are within 4 units of the last place; the laws
 * compare what several of them, sums and quotients have made.
 */
const LAWFUL: Tolerance = { float32: 2e-5, float64: 0 };
/** Against an oracle, of an element by itself. */
const WORKED: Relative = { float32: 2e-6, float64: 0, absolute: 2 ** -126 };
/** Against the definition, which rounds once where the gpu rounds each operation. */
const NEAR: Tolerance = { float32: 1e-4, float64: 0 };

const ALL = process.env.ADJOINT_GPU_LAWS === 'all';

/** Laws of the other backends' memory and order of sums; the gpu's memory has tests of its own. */
const OTHERS = new Set([
  'backendsAgree',
  'nativeAgrees',
  'fusedIsUnfusedInNative',
  'storageIsWritten',
  'memoryIsAsPlanned',
]);

const gpuLaws: readonly (readonly [string, Law])[] = gpu
  ? [
      [
        'gpuAgrees',
        agree([gpu.backend], (program) => (hasFolds(program) ? (x) => isExtreme(x) || isSubnormal(x) : isSubnormal)),
      ],
      ...Object.entries(LAWS).filter(([name]) => !OTHERS.has(name)),
    ]
  : [];

/** What a law has asked for, by program and inputs. */
class Answers {
  readonly #backend: Backend;
  readonly #known = new Map<string, Tensor[]>();
  readonly #pending: Promise<void>[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Checks a law; its last run asked for nothing new. */
  async check(law: Law, subject: Subject, seed: string): Promise<boolean> {
    for (let round = 0; round < 12; round++) {
      let failure: unknown;
      let heard = false;
      try {
        runElsewhere({ backend: gpu!.backend, run: (...asked) => this.#answer(...asked) }, () =>
          loosened(LAWFUL, () => {
            heard = insideDomain(() => law(subject, randomOf(seed)));
          }),
        );
      } catch (reason) {
        failure = reason;
      }
      if (this.#pending.length === 0) {
        if (failure) throw failure;
        return heard;
      }
      // Judged too early: some of the answers were not the gpu's.
      await Promise.all(this.#pending.splice(0));
    }
    throw new Error('a law does not come to an end: its questions depend on its answers');
  }

  #answer(program: Program, inputs: readonly TypedArray[], compile: typeof plan): Tensor[] {
    const key = `${compile.name} ${hashProgram(program)} ${inputs.map((input) => Buffer.from(bytesOfArray(input)).toString('base64'))}`;
    const known = this.#known.get(key);
    if (known) return known;
    const provisional = runPlan(compile(program), inputs);
    if (gpuRefusal(program)) {
      this.#known.set(key, provisional);
      this.#pending.push(this.#near(program, inputs, compile));
      return provisional;
    }
    const given = Promise.resolve(executable(compile(program), this.#backend).run(inputs));
    this.#pending.push(given.then((outputs) => void this.#known.set(key, outputs)));
    return provisional;
  }

  /** What a law does in double precision, the gpu does in single, near the definition's single. */
  async #near(program: Program, inputs: readonly TypedArray[], compile: typeof plan): Promise<void> {
    const single = narrowed(program);
    if (gpuRefusal(single)) return;
    const given = single.inputs.map(({ type: { dtype } }, i) => arrayFrom(dtype, inputs[i] as TypedArray));
    const planned = compile(single);
    const outputs = await executable(planned, this.#backend).run(given);
    const expected = runPlan(planned, given, DEFINITION);
    expectSame(outputs.map(finite), expected.map(finite), NEAR, 'in single precision');
  }
}

/** With zeros where a number has left the range of float32, as rounding decides whether it has. */
function finite({ type, data }: Tensor): Tensor {
  const kept = allocateArray(type.dtype, sizeOf(type.shape));
  for (let i = 0; i < kept.length; i++) if (Math.abs(Number(data[i])) < 1e30) kept[i] = data[i] as number;
  return { type, data: kept };
}

/** The subjects of each row. */
const GROUPS: readonly (readonly Subject[])[] = [
  ...subjectsOfControl().map((subject) => [subject]),
  ...ENTRIES.map((entry) => entry.samples.map((sample) => subjectOf(entry, sample))),
];

/** Every subject in float32, and whether it is drawn: all laws are checked of one sample of a row, one of all. */
const SUBJECTS = GROUPS.flatMap((subjects) => {
  const singles = subjects.flatMap((subject) => single(subject) ?? []);
  const drawn = Math.floor(randomOf(subjects[0]?.name ?? '')() * singles.length);
  return singles.map((subject, i) => ({ subject, isDrawn: ALL || i === drawn }));
});

describe.skipIf(!gpu)(`the gpu gives what the definition gives ${on}`, () => {
  for (const { subject } of SUBJECTS) test(subject.name, () => checkAll(subject, gpuLaws.slice(0, 1)));
});

describe.skipIf(!gpu)(
  `every other law ${on}${ALL ? '' : ', of one sample a row (of all with ADJOINT_GPU_LAWS=all)'}`,
  () => {
    for (const { subject, isDrawn } of SUBJECTS)
      test.skipIf(!isDrawn)(
        `${subject.name}${isDrawn ? '' : ' (with ADJOINT_GPU_LAWS=all)'}`,
        { timeout: 120_000 },
        () => checkAll(subject, gpuLaws.slice(1)),
      );
  },
);

async function checkAll(subject: Subject, laws: typeof gpuLaws): Promise<void> {
  const answers = new Answers((gpu as Gpu).backend);
  for (const [name, law] of laws) {
    try {
      await answers.check(law, subject, name + subject.name);
    } catch (reason) {
      throw new Error(`${name}: ${(reason as Error).message}`, { cause: reason });
    }
  }
}

/** The subject in float32, if the gpu runs it then. */
function single(subject: Subject): Subject | undefined {
  try {
    const program = narrowed(subject.program);
    return gpuRefusal(program) || !isRunnable(program) ? undefined : { ...subject, program };
  } catch {
    // Ops that promote to float64 cannot be narrowed from without.
    return undefined;
  }
}

/** Rows of int64, which the gpu has not. */
const WITHOUT: readonly string[] = ['argmax', 'argmin'];

test('every row is tried, but those of dtypes that the gpu has not', () => {
  const untried = GROUPS.filter((subjects) => subjects.length > 0 && !subjects.some(single)).map(
    ([subject]) => subject?.name.replace(/\W.*/, '') ?? '',
  );
  expect(untried).toEqual(WITHOUT);
});

describe.skipIf(!gpu)(`worked cases ${on}`, () => {
  for (const entry of ENTRIES) {
    if (entry.name in WITHOUT_CASES) continue;
    const runnable = entry.cases.flatMap((worked) =>
      [undefined, ...otherDtypes(worked)].flatMap((dtype) => {
        const { program, inputs } = inputsOf(entry, worked, dtype);
        const isTiny = inputs.some((data) => data.some((x: number | bigint) => isSubnormal(Number(x))));
        return gpuRefusal(program) || isTiny ? [] : [{ worked, dtype, program, inputs }];
      }),
    );
    test.skipIf(runnable.length === 0)(
      `${entry.name}${runnable.length === 0 ? ' (int64 or float64 alone)' : ''}`,
      async () => {
        for (const { worked, dtype, program, inputs } of runnable) {
          const outputs = await executable(plan(program), gpu!.backend).run(inputs);
          expectCase(worked, outputs, dtype, WORKED);
        }
      },
    );
  }
});

describe.skipIf(!gpu)('laws fail where they should', () => {
  const b = new Builder();
  const x = b.input({ dtype: 'float32', shape: [4] });
  const subject: Subject = { name: 'wrong', program: b.build([exp(b, mul(b, x, x))]), domains: [] };
  const wrong: Backend = {
    name: 'wrong',
    tolerance: { float32: 0, float64: 0 },
    hasBands: false,
    load: (planned) => {
      const loaded = gpu!.backend.load(planned);
      return {
        backend: 'wrong',
        run: async (inputs, checkpoint) => {
          const outputs = await loaded.run(inputs, checkpoint);
          return outputs.map((data) => (data as Float32Array).map((y) => y * (1 + 1e-3 * Math.random())));
        },
      };
    },
  };
  for (const name of [
    'gpuAgrees',
    'primalIsValue',
    'jvpIsDifference',
    'linearizeIsJvp',
    'vmapIsLoop',
    'fusedIsUnfused',
  ])
    test(name, async () => {
      const law = gpuLaws.find(([other]) => other === name)?.[1] as Law;
      await new Answers(gpu!.backend).check(law, subject, 'seed');
      await expect(new Answers(wrong).check(law, subject, 'seed')).rejects.toThrow('expected');
    });
});
