/** @file The second way to the gpu, headless GL, on Mesa where there is no gpu: what it runs is what the definition gives. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { UNLIMITED } from '../../engine/backends/backend.ts';
import { type Gpu, GpuError, openGpu } from '../../engine/backends/gpu/gpu.ts';
import { lay, type plan } from '../../engine/compile/plan.ts';
import { argmax } from '../../engine/ops/argmax.ts';
import { Builder } from '../../engine/program/builder.ts';
import type { Program } from '../../engine/program/program.ts';
import { executable } from '../../engine/runtime/execute.ts';
import type { Tensor, TypedArray } from '../../engine/types.ts';
import { expectSame, loosened } from '../laws/compare.ts';
import { subjectsOfControl } from '../laws/control.ts';
import { isExtreme, randomOf } from '../laws/draw.ts';
import { agree, insideDomain, isRunnable, LAWS, type Law } from '../laws/laws.ts';
import { DEFINITION, runElsewhere } from '../laws/run.ts';
import { type Subject, subjectsOfTable } from '../laws/table.ts';
import { narrowed } from '../laws/widen.ts';

/** An X server without a screen, for the life of this file; none where there is no such program. */
async function startXServer(): Promise<{ stop(): void } | undefined> {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '64x64x24', '-nolisten', 'tcp', '-terminate'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  // Hooks do not run where a pattern leaves out every test.
  process.once('exit', () => server.kill());
  const failed = once(server, 'error').then(
    () => undefined,
    () => undefined,
  );
  const pipe = server.stdio[3] as NodeJS.ReadableStream;
  const named = createInterface({ input: pipe })[Symbol.asyncIterator]().next();
  const said = await Promise.race([named, failed]);
  if (!said || said.done) return undefined;
  process.env.DISPLAY = `:${said.value}`;
  return { stop: () => server.kill() };
}

const display = process.env.DISPLAY ? undefined : await startXServer();
const opened = await openGpu({ apis: ['webgl'] });
const gl = 'reason' in opened ? undefined : opened;
const on =
  'reason' in opened ? `on headless GL (skipped: ${opened.reason})` : `on headless GL, ${opened.device.driver}`;
afterAll(() => {
  gl?.close();
  display?.stop();
});

const EVERYDAY = (x: number): boolean => !Number.isFinite(x) || isExtreme(x) || x === 0;

/** Laws of results, as far as a backend that rounds as it likes has to keep them; those in float64 are not the gpu's. */
const KEPT = [
  'primalIsValue',
  'linearizeIsJvp',
  'vmapIsLoop',
  'stackedDerivativesAreLoops',
  'fusedIsUnfused',
  'simplifiedIsSame',
];

function single(subject: Subject): Subject | undefined {
  try {
    const program = narrowed(subject.program);
    return gl?.backend.refusal?.(program) !== undefined || !isRunnable(program) ? undefined : { ...subject, program };
  } catch {
    // Ops that promote to float64 cannot be narrowed from without.
    return undefined;
  }
}

const SUBJECTS = gl ? [...subjectsOfControl(), ...subjectsOfTable()].flatMap((subject) => single(subject) ?? []) : [];

/** Without `ADJOINT_GPU_LAWS=all`, one sample of every row. */
const ALL = process.env.ADJOINT_GPU_LAWS === 'all';
const ROWS = Map.groupBy(SUBJECTS, ({ name }) => /^[^(]*/.exec(name)?.[0]);
const DRAWN = new Set(
  [...ROWS.values()].flatMap((row) => {
    const drawn = Math.floor(randomOf(row[0]?.name ?? '')() * row.length);
    return row.filter((_, i) => ALL || i === drawn);
  }),
);

function check(law: Law, subject: Subject): void {
  const { backend } = gl as Gpu;
  const run = (program: Program, inputs: readonly TypedArray[], compile: typeof plan): Tensor[] => {
    // What a law makes of a program may have dtypes that the device has not.
    const runs = backend.refusal?.(program) === undefined ? backend : DEFINITION;
    return executable(compile(program), runs).run(inputs) as Tensor[];
  };
  runElsewhere({ backend, run }, () =>
    loosened({ float32: 2e-4, float64: 0 }, () => insideDomain(() => law(subject, randomOf(subject.name)))),
  );
}

describe.skipIf(!gl)(
  `what the definition gives, ${on}${ALL ? '' : ', of one sample a row (of all with ADJOINT_GPU_LAWS=all)'}`,
  () => {
    test('there are enough programs in float32 and bool alone', () => {
      expect(SUBJECTS.length).toBeGreaterThan(300);
    });

    for (const subject of SUBJECTS)
      test.skipIf(!DRAWN.has(subject))(
        `${subject.name}${DRAWN.has(subject) ? '' : ' (with ADJOINT_GPU_LAWS=all)'}`,
        () =>
          check(
            agree([(gl as Gpu).backend], () => EVERYDAY),
            subject,
          ),
      );
  },
);

describe.skipIf(!gl)(`laws ${on}`, () => {
  for (const name of KEPT)
    test(name, { timeout: 240_000 }, () => {
      for (const subject of [...DRAWN].filter((_, i) => i % 2 === 0)) {
        try {
          check(LAWS[name] as Law, subject);
        } catch (reason) {
          throw new Error(`${subject.name}: ${(reason as Error).message}`, { cause: reason });
        }
      }
    });
});

describe.skipIf(!gl)(`the device ${on}`, () => {
  test('says what it is, and counts as software, since GL does not tell', () => {
    expect((gl as Gpu).device).toMatchObject({ api: 'webgl', software: true });
  });

  test('refuses int32, and a fault ends it', async () => {
    const b = new Builder();
    const x = b.input({ dtype: 'float32', shape: [3] }, 'x');
    expect((gl as Gpu).backend.refusal?.(b.build([argmax(b, x, { axes: [0] })]))).toContain('i64');
    const other = await openGpu({ apis: ['webgl'] });
    if ('reason' in other) throw new Error(other.reason);
    const program = b.build([x]);
    const loaded = other.backend.load(lay(program));
    expectSame(
      [{ type: x.type, data: (await loaded.run([Float32Array.of(1, 2, 3)], UNLIMITED))[0] as Float32Array }],
      [{ type: x.type, data: Float32Array.of(1, 2, 3) }],
      { float32: 0, float64: 0 },
      'identity',
    );
    other.fail('device_lost');
    expect(() => loaded.run([Float32Array.of(1, 2, 3)], UNLIMITED)).toThrow(GpuError);
    other.close();
  });
});
