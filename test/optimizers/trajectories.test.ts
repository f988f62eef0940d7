import { describe, expect, test } from 'vitest';
import type { OptimizerName } from '../../engine/optimizers/index.ts';
import { type Schedule, scheduleOf } from '../../engine/optimizers/schedules.ts';
import { all, BACKENDS, begun, engineOf, GOLDEN, type Golden, GRAPHS, type Setup, valuesOf } from './harness.ts';

type Trajectory = Golden['trajectories'][number];

/** Over 20 steps, against optax on the CPU: relative to the largest number of a kind. */
const TOLERANCE = { float64: 1e-12, float32: 2e-5 };

function difference(found: ArrayLike<number>, wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length);
  const size = Math.max(...wanted.map(Math.abs));
  return Math.max(...wanted.map((each, i) => Math.abs(each - (found[i] as number)))) / size;
}

function setupOf({ problem, optimizer, dtype }: Trajectory, backend: (typeof BACKENDS)[number][1]): [Setup, Schedule] {
  const { params, data, batch } = GOLDEN.problems[problem] as Golden['problems'][string];
  const {
    name,
    rate,
    params: options,
    clip_norm,
    schedule,
  } = GOLDEN.optimizers[optimizer] as Golden['optimizers'][string];
  const tensors = valuesOf(data, dtype);
  const setup: Setup = {
    engine: engineOf(backend),
    graph: GRAPHS[problem],
    variables: Object.keys(params),
    optimizer: name,
    params: options,
    clipNorm: clip_norm ?? undefined,
    values: new Map([...valuesOf(params, dtype), ...(batch === null ? tensors : [])]),
    data: batch === null ? undefined : { tensors, batch },
  };
  return [setup, schedule ? scheduleOf(schedule.name, rate, schedule.params) : () => rate];
}

describe.each(BACKENDS)('optax on %s', (_, backend) => {
  test.each(GOLDEN.trajectories)('$problem, $optimizer, $dtype', async (trajectory) => {
    const [setup, schedule] = setupOf(trajectory, backend);
    const { losses, norms, params, dtype } = trajectory;
    const run = begun(setup, { schedule, stop: { steps: losses.length } });
    const steps = await all(run);
    expect(steps.map(({ step }) => step)).toEqual(losses.map((_, i) => i + 1));
    expect(
      difference(
        steps.map(({ loss }) => loss),
        losses,
      ),
    ).toBeLessThan(TOLERANCE[dtype]);
    expect(
      difference(
        steps.map(({ gradientNorm }) => gradientNorm),
        norms,
      ),
    ).toBeLessThan(TOLERANCE[dtype]);
    for (const [name, { data }] of run.variables())
      expect(difference(data as Float64Array, [params[name]].flat(9) as number[]), name).toBeLessThan(TOLERANCE[dtype]);
  });
});

describe.each(BACKENDS)('minima on %s', (_, backend) => {
  test.each(GOLDEN.minima)('$problem from $x in about as many evaluations as SciPy', async (golden) => {
    let evaluations = 0;
    const base = engineOf(backend);
    const engine = {
      ...base,
      compile: (program: Parameters<typeof base.compile>[0]) => {
        const compiled = base.compile(program);
        // The loss is one of many outputs where the program tries a length; where it turns, a history comes last.
        const isTrial = program.outputs[0]?.type.shape.length === 0;
        return {
          ...compiled,
          run: (...args: Parameters<typeof compiled.run>) => {
            if (isTrial) evaluations++;
            return compiled.run(...args);
          },
        };
      },
    };
    const setup: Setup = {
      engine,
      graph: GRAPHS[golden.problem],
      variables: ['x'],
      optimizer: 'lbfgs' satisfies OptimizerName,
      values: valuesOf({ x: golden.x, ...golden.data }, 'float64'),
    };
    const run = begun(setup, { schedule: () => 1, stop: { steps: 1000, gradientNorm: 1e-6 } });
    const steps = await all(run);
    expect(steps.at(-1)).toMatchObject({ stopped: 'gradient_norm' });
    expect(steps.at(-1)?.loss).toBeCloseTo(golden.loss, 10);
    expect(difference(run.variables().get('x')?.data as Float64Array, golden.minimum)).toBeLessThan(1e-5);
    expect(evaluations).toBeGreaterThan(run.step);
    expect(evaluations).toBeLessThanOrEqual(1.25 * golden.evaluations);
  });
});

describe.each(BACKENDS)('minima in float32 on %s', (_, backend) => {
  test.each(GOLDEN.minima)('$problem from $x, until the loss has no digits left', async (golden) => {
    const setup: Setup = {
      engine: engineOf(backend),
      graph: GRAPHS[golden.problem],
      variables: ['x'],
      optimizer: 'lbfgs',
      values: valuesOf({ x: golden.x, ...golden.data }, 'float32'),
    };
    const run = begun(setup, { schedule: () => 1, stop: { steps: 1000, gradientNorm: 1e-7 } });
    const steps = await all(run);
    expect(['gradient_norm', 'line_search']).toContain(steps.at(-1)?.stopped);
    expect(run.step).toBeLessThanOrEqual(golden.iterations + 10);
    expect(difference(run.variables().get('x')?.data as Float32Array, golden.minimum)).toBeLessThan(1e-3);
  });
});

describe('schedules', () => {
  test.each(GOLDEN.schedules)('$name $params is that of optax', ({ name, rate, params, values }) => {
    const schedule = scheduleOf(name, rate, params);
    values.forEach((value, count) => {
      expect(schedule(count), `after ${count} steps`).toBeCloseTo(value, 14);
    });
  });
});
