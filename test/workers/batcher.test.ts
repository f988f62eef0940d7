import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { mul } from '../../engine/ops/mul.ts';
import { Builder } from '../../engine/program/builder.ts';
import { print } from '../../engine/program/print.ts';
import type { Program } from '../../engine/program/program.ts';
import type { TypedArray } from '../../engine/types.ts';
import type { Compiled, Ran } from '../../services/api/compute.ts';
import { Locks } from '../../services/sessions/locks.ts';
import { Batcher, type Machine } from '../../services/workers/batcher.ts';
import { Board, PLACES } from '../../services/workers/board.ts';
import { RunningJob } from '../../services/workers/running.ts';
import { EXACT, expectSame, ROUNDED } from '../laws/compare.ts';
import { draw, randomFrom } from '../laws/draw.ts';
import { hasFolds } from '../laws/laws.ts';
import { programFrom, recipes } from '../laws/programs.ts';
import { BACKENDS } from '../laws/run.ts';
import { RUNS } from '../laws/runs.ts';

/** What would make anything worth stacking. */
const SLOW_TO_BEGIN: Machine = {
  rates: { launch: 1, step: 0, up: 1e9, down: 1e9, flops: 1e12, bytes: 1e12 },
  bytes: Infinity,
};

const folder = mkdtempSync(join(tmpdir(), 'batcher-'));
let board: Board;
beforeAll(() => {
  board = Board.create(folder, 'board');
});
afterAll(() => {
  board.close();
  rmSync(folder, { recursive: true });
});

function compiledBy(engine: Engine, program: Program): Compiled {
  return { program, executable: engine.compile(program) };
}

/** A worker's turn, and jobs that take it one after the other. */
class Jobs {
  readonly floor = new Locks();
  readonly batcher: Batcher;
  readonly compiled: Compiled;
  #places = 0;

  constructor(batcher: Batcher, compiled: Compiled) {
    this.batcher = batcher;
    this.compiled = compiled;
  }

  add(left = 60_000): RunningJob {
    return new RunningJob(this.#places++ % PLACES, left, this.floor, board);
  }

  /** What comes of a job, as `use` has it before it is given back. */
  async run<T>(job: RunningJob, inputs: readonly TypedArray[], use: (ran: Ran) => T): Promise<T> {
    await job.begin();
    try {
      const ran = await this.batcher.execute(job, this.compiled, inputs);
      const result = use(ran);
      ran.release();
      return result;
    } finally {
      job.close();
    }
  }
}

function jobsFor(program: Program, options: { size?: number; windowMicroseconds?: number } = {}): Jobs {
  const engine = createEngine({ backend: portable });
  const batcher = new Batcher(engine, { windowMicroseconds: 1000, size: 8, ...options }, SLOW_TO_BEGIN);
  return new Jobs(batcher, compiledBy(engine, program));
}

/** x · y of two numbers. */
function product(): Program {
  const b = new Builder();
  const [x, y] = [b.input({ dtype: 'float64', shape: [] }), b.input({ dtype: 'float64', shape: [] })];
  return b.build([mul(b, x, y)]);
}

const numbers = (x: number, y: number): Float64Array[] => [Float64Array.of(x), Float64Array.of(y)];

const told = ({ outputs, together }: Ran): unknown => [Number(outputs[0]?.data[0]), together];

/** The first time is by itself whatever there is. */
async function warmed(jobs: Jobs): Promise<Jobs> {
  expect(await jobs.run(jobs.add(), numbers(2, 3), told)).toEqual([6, 1]);
  return jobs;
}

describe('jobs of one computation', () => {
  test('run as one, up to the size of a batch, and each has its own result', async () => {
    const jobs = await warmed(jobsFor(product()));
    const results = await Promise.all(Array.from({ length: 13 }, (_, i) => jobs.run(jobs.add(), numbers(i, 10), told)));
    expect(results).toEqual(Array.from({ length: 13 }, (_, i) => [10 * i, i < 8 ? 8 : 5]));
  });

  test('run by themselves when nobody comes', async () => {
    const jobs = await warmed(jobsFor(product()));
    expect(await jobs.run(jobs.add(), numbers(4, 5), told)).toEqual([20, 1]);
    expect(await jobs.run(jobs.add(), numbers(6, 7), told)).toEqual([42, 1]);
  });

  test('that are not wanted any more leave the others alone, the one that would run them included', async () => {
    const gone = new EngineError('cancelled', 'gone');
    for (const leaving of [[0], [3], [0, 1, 2], [1, 4], [0, 1, 2, 3, 4]]) {
      const jobs = await warmed(jobsFor(product()));
      const all = Array.from({ length: 5 }, () => jobs.add());
      const results = all.map((job, i) => jobs.run(job, numbers(i, 2), told).catch((reason: unknown) => reason));
      // When all have come, and none is told yet to run them.
      for (let i = 0; i < 50; i++) await Promise.resolve();
      for (const at of leaving) all[at]?.cancel(gone);
      const stayed = all.length - leaving.length;
      expect(await Promise.all(results)).toEqual(all.map((_, i) => (leaving.includes(i) ? gone : [2 * i, stayed])));
      expect(jobs.floor.has('engine')).toBe(false);
    }
  });

  test('go on when the one that runs them has to end meanwhile', async () => {
    const jobs = await warmed(jobsFor(product()));
    const [first, second] = [jobs.add(5), jobs.add()];
    const results = [first, second].map((job, i) =>
      jobs.run(job, numbers(i, 2), told).catch(({ code }: EngineError) => code),
    );
    // Nothing is heard while the processor is busy: at its turn, the first is too late.
    const end = performance.now() + 20;
    await Promise.resolve();
    while (performance.now() < end);
    expect(await Promise.all(results)).toEqual(['deadline_exceeded', [2, 1]]);
  });

  test('share what their batch held the worker for', async () => {
    const jobs = await warmed(jobsFor(product()));
    const all = Array.from({ length: 8 }, () => jobs.add());
    await Promise.all(all.map((job, i) => jobs.run(job, numbers(i, 2), told)));
    // Of eight that did the same, none had much more of the worker than all together by eighths.
    const busy = all.map((job) => job.busy);
    const sum = busy.reduce((total, each) => total + each);
    for (const each of busy) {
      expect(each).toBeGreaterThan(0);
      expect(each).toBeLessThan(sum);
    }
  });

  test('run by themselves where stacking saves nothing, or is over the limits', async () => {
    const program = product();
    const strict = createEngine({ backend: portable, limits: { ...DEFAULT_LIMITS, elements: 1 } });
    const dear = { ...SLOW_TO_BEGIN, rates: { ...SLOW_TO_BEGIN.rates, launch: 0, flops: 1, bytes: 1 } };
    const small = { ...SLOW_TO_BEGIN, bytes: 16 };
    for (const [engine, machine] of [
      [strict, SLOW_TO_BEGIN],
      [createEngine({ backend: portable }), dear],
      [createEngine({ backend: portable }), small],
    ] as const) {
      const batcher = new Batcher(engine, { windowMicroseconds: 1000, size: 8 }, machine);
      const jobs = await warmed(new Jobs(batcher, compiledBy(engine, program)));
      const all = Array.from({ length: 4 }, () => jobs.add());
      const results = await Promise.all(all.map((job, i) => jobs.run(job, numbers(i, 2), told)));
      expect(results).toEqual(all.map((_, i) => [2 * i, 1]));
      expect(all.map(({ isStackable }) => isStackable)).toEqual(all.map(() => false));
    }
  });

  test('run in the largest batches that the limits allow', async () => {
    const engine = createEngine({ backend: portable, limits: { ...DEFAULT_LIMITS, elements: 3 } });
    const batcher = new Batcher(engine, { windowMicroseconds: 1000, size: 8 }, SLOW_TO_BEGIN);
    const jobs = await warmed(new Jobs(batcher, compiledBy(engine, product())));
    const results = await Promise.all(Array.from({ length: 4 }, (_, i) => jobs.run(jobs.add(), numbers(i, 2), told)));
    expect(results).toEqual([0, 2, 4, 6].map((number) => [number, 2]));
  });
});

describe('random programs', () => {
  for (const backend of BACKENDS)
    test(`give together what each gives alone, on ${backend.name}`, { timeout: 120_000 * RUNS.factor }, async () => {
      const engine = createEngine({ backend });
      let batched = 0;
      await fc.assert(
        fc.asyncProperty(recipes(6, 1), fc.nat(), fc.integer({ min: 2, max: 5 }), async (recipe, seed, count) => {
          const { program, domains } = programFrom(recipe);
          const random = randomFrom(seed);
          const compiled = compiledBy(engine, program);
          const batcher = new Batcher(engine, { windowMicroseconds: 100, size: 8 }, SLOW_TO_BEGIN);
          const jobs = new Jobs(batcher, compiled);
          const all = Array.from({ length: count }, () =>
            program.inputs.map(({ type }, i) => draw(type, random, domains[i])),
          );
          const alone: Ran['outputs'][] = [];
          for (const inputs of all) alone.push(copyOf(await compiled.executable.run(inputs)));
          await jobs.run(jobs.add(), all[0] as TypedArray[], () => {});
          const results = await Promise.all(
            all.map((inputs) =>
              jobs.run(jobs.add(), inputs, ({ outputs, together }) => ({ outputs: copyOf(outputs), together })),
            ),
          );
          // Sums may be taken in another order.
          const tolerance = backend.tolerance.float64 === 0 && !hasFolds(program) ? EXACT : ROUNDED;
          results.forEach(({ outputs, together }, i) => {
            if (together > 1) batched++;
            expectSame(outputs, alone[i] as Ran['outputs'], tolerance, print(program));
          });
        }),
        { numRuns: RUNS.programs },
      );
      expect(batched).toBeGreaterThan(RUNS.programs);
    });
});

function copyOf(outputs: Ran['outputs']): Ran['outputs'] {
  return outputs.map(({ type, data }) => ({ type, data: data.slice() }));
}
