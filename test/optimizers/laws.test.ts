import { describe, expect, test } from 'vitest';
import { EngineError } from '../../engine/errors.ts';
import { batchValues } from '../../engine/optimizers/batches.ts';
import { choose, OPTIMIZER_NAMES, type OptimizerName } from '../../engine/optimizers/index.ts';
import { minimize, type Stop } from '../../engine/optimizers/minimize.ts';
import { problemOf } from '../../engine/optimizers/program.ts';
import { slotTypes } from '../../engine/optimizers/slots.ts';
import { build } from '../../engine/program/build.ts';
import { Value } from '../../engine/program/value.ts';
import { formatType } from '../../engine/types.ts';
import {
  all,
  BACKENDS,
  begun,
  copied,
  engineOf,
  GRAPHS,
  networkSetup,
  prepared,
  type Setup,
  tensorValue,
  valuesOf,
} from './harness.ts';

const RATES: Record<OptimizerName, number> = {
  sgd: 0.1,
  momentum: 0.05,
  adam: 0.02,
  adamw: 0.02,
  lion: 0.01,
  lbfgs: 1,
};
/** A rate that tells one step from another. */
const scheduled = (name: OptimizerName) => (count: number) => RATES[name] / (1 + 0.1 * count);

describe.each(BACKENDS)('laws on %s', (_, backend) => {
  const engine = engineOf(backend);

  describe.each(OPTIMIZER_NAMES)('%s', (name) => {
    const setup = networkSetup(engine, name);
    const schedule = scheduled(name);

    test('going on from step 7 is going through, to the bit', async () => {
      const through = begun(setup, { schedule, stop: { steps: 20 } });
      const steps = await all(through);
      const first = begun(setup, { schedule, stop: { steps: 7 } });
      const begin = await all(first);
      const again = minimize(prepared(setup), {
        values: new Map([...setup.values, ...copied(first.variables())]),
        slots: copied(first.slots()),
        data: setup.data,
        schedule,
        stop: { steps: 13 },
      });
      const rest = await all(again);
      expect([...begin, ...rest].map(({ stopped, ...step }) => step)).toEqual(
        steps.map(({ stopped, ...step }) => step),
      );
      expect(steps.length).toBe(20);
      expect(copied(again.variables())).toEqual(copied(through.variables()));
      expect(copied(again.slots())).toEqual(copied(through.slots()));
    });

    test('asked for more steps after its end, it goes on', async () => {
      const through = begun(setup, { schedule, stop: { steps: 12 } });
      await all(through);
      const run = begun(setup, { schedule, stop: { steps: 6 } });
      await all(run);
      await all(run);
      expect(run.step).toBe(12);
      expect(copied(run.slots())).toEqual(copied(through.slots()));
      expect(copied(run.variables())).toEqual(copied(through.variables()));
    });

    test('the order in which variables are named changes no bit', async () => {
      const clipNorm = name === 'lbfgs' ? undefined : 0.1;
      const run = begun({ ...setup, clipNorm }, { schedule, stop: { steps: 5 } });
      const reversed = { ...setup, clipNorm, variables: [...(setup.variables as string[])].reverse() };
      const other = begun(reversed, { schedule, stop: { steps: 5 } });
      expect(await all(run)).toEqual(await all(other));
      expect(copied(run.variables())).toEqual(copied(other.variables()));
    });

    test('what it starts from is not written to', async () => {
      const before = new Map([...setup.values].map(([key, { data }]) => [key, data.slice()]));
      await all(begun(setup, { schedule, stop: { steps: 3 } }));
      for (const [key, { data }] of setup.values) expect(data).toEqual(before.get(key));
    });

    test('every step makes the loss of a bowl smaller', async () => {
      const bowl: Setup = {
        engine,
        graph: 'loss = sum((w - 3) ** 2)',
        variables: ['w'],
        optimizer: name,
        values: valuesOf({ w: [0, 10, -4] }, 'float64'),
      };
      const losses = (await all(begun(bowl, { schedule: () => RATES[name], stop: { steps: 6 } }))).map(
        ({ loss }) => loss,
      );
      // Newton's steps end at the bottom itself.
      for (let i = 1; i < losses.length && losses[i - 1] !== 0; i++)
        expect(losses[i]).toBeLessThan(losses[i - 1] as number);
    });
  });

  test.each(['sgd', 'momentum', 'adam'] as const)('where the gradient is zero, %s moves nothing', async (optimizer) => {
    const values = valuesOf({ w: [3, -1.7, 1e-3], c: [3, -1.7, 1e-3] }, 'float64');
    const setup: Setup = { engine, graph: 'loss = sum((w - c) ** 2)', variables: ['w'], optimizer, values };
    const run = begun(setup, { schedule: () => 0.1, stop: { steps: 4 } });
    await all(run);
    expect(run.variables().get('w')?.data).toEqual(values.get('c')?.data);
  });

  test.each(['adamw', 'lion'] as const)('where the gradient is zero, %s takes the decay alone', async (optimizer) => {
    const values = valuesOf({ w: [3, -2], c: [3, -2] }, 'float64');
    const setup: Setup = { engine, graph: 'loss = sum(stop_gradient(w - c) * w)', variables: ['w'], optimizer, values };
    const run = begun({ ...setup, params: { weight_decay: 0.25 } }, { schedule: () => 0.5, stop: { steps: 1 } });
    await all(run);
    expect(run.variables().get('w')?.data).toEqual(new Float64Array([3 * 0.875, -2 * 0.875]));
    const still = begun({ ...setup, params: { weight_decay: 0 } }, { schedule: () => 0.5, stop: { steps: 1 } });
    await all(still);
    expect(still.variables().get('w')?.data).toEqual(values.get('c')?.data);
  });

  describe('storage that is used again', () => {
    // Larger than what the pool leaves to the heap, and all of one size, so that each may get the storage of another.
    const size = 160;
    const matrix = (seed: number) =>
      new Value(
        'float32',
        [size, size],
        Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * seed) / 10),
      );
    const setupOf = (optimizer: OptimizerName): Setup => ({
      engine,
      graph: 'loss = mean((x @ w @ u - t) ** 2)',
      variables: ['w', 'u'],
      optimizer,
      params: optimizer === 'lbfgs' ? { history: 3 } : {},
      values: new Map([1.1, 1.2, 1.3, 1.4].map((seed, i) => [['x', 't', 'w', 'u'][i] as string, matrix(seed)])),
    });

    test.each(['adam', 'lbfgs'] as const)(
      'holds what it should: twelve steps of %s are twelve times one',
      async (name) => {
        const setup = setupOf(name);
        const schedule = scheduled(name);
        const run = begun(setup, { schedule, stop: { steps: 12 } });
        let values = setup.values;
        let slots: Map<string, Value> | undefined;
        for await (const { step } of run) {
          const one = minimize(prepared(setup), { values, slots, schedule, stop: { steps: 1 } });
          await all(one);
          values = new Map([...setup.values, ...copied(one.variables())]);
          slots = copied(one.slots());
          expect(copied(run.slots()), `step ${step}`).toEqual(slots);
          expect(new Map([...setup.values, ...copied(run.variables())])).toEqual(values);
        }
      },
    );

    test.each(['adam', 'lbfgs'] as const)(
      'is not what %s was started from, though a backend had lent it',
      async (name) => {
        const setup = setupOf(name);
        const schedule = scheduled(name);
        const first = begun(setup, { schedule, stop: { steps: 2 } });
        await all(first);
        const lent = new Map(
          [...first.variables(), ...first.slots()].map(([name, { type, data }]) => [
            name,
            new Value(type.dtype, type.shape, data),
          ]),
        );
        const before = new Map([...lent].map(([name, { data }]) => [name, data.slice()]));
        const values = new Map([...setup.values, ['w', lent.get('w')!], ['u', lent.get('u')!]]);
        await all(minimize(prepared(setup), { values, slots: lent, schedule, stop: { steps: 5 } }));
        for (const [name, { data }] of lent) expect(data, name).toEqual(before.get(name));
      },
    );
  });

  test('a history that leads nowhere is forgotten', async () => {
    const setup: Setup = {
      engine,
      graph: 'loss = sum(exp(w) - w)',
      variables: ['w'],
      optimizer: 'lbfgs',
      params: { history: 1 },
      values: valuesOf({ w: [1] }, 'float64'),
    };
    const slots = new Map([
      ['lbfgs/step', new Value('int64', [], BigInt64Array.of(1n))],
      ['lbfgs/s/w', tensorValue([[1e20]], 'float64')],
      ['lbfgs/y/w', tensorValue([[1e-20]], 'float64')],
    ]);
    const run = minimize(prepared(setup), {
      values: setup.values,
      slots,
      schedule: () => 1,
      stop: { steps: 50, gradientNorm: 1e-9 },
    });
    expect((await all(run)).at(-1)).toMatchObject({ stopped: 'gradient_norm' });
    expect(run.variables().get('w')?.data[0]).toBeCloseTo(0, 8);
  });

  describe('ends', () => {
    const end = async (graph: string, w: number, rate: number, stop: Stop, optimizer: OptimizerName = 'sgd') => {
      const values = valuesOf({ w }, 'float64');
      const run = begun({ engine, graph, variables: ['w'], optimizer, values }, { schedule: () => rate, stop });
      const steps = await all(run);
      expect(steps.filter(({ stopped }) => stopped).length).toBe(1);
      expect(steps.at(-1)?.step).toBe(run.step);
      return { last: steps.at(-1), w: Number(run.variables().get('w')?.data[0]), count: run.step };
    };

    test('after its steps', async () => {
      expect(await end('loss = w ** 2', 1, 0.25, { steps: 2 })).toEqual({
        last: { step: 2, loss: 0.25, gradientNorm: 1, rate: 0.25, stopped: 'steps' },
        w: 0.25,
        count: 2,
      });
    });

    test('at a loss, without the step that would follow', async () => {
      expect(await end('loss = w ** 2', 1, 0.25, { steps: 9, loss: 0.0625 })).toEqual({
        last: { step: 2, loss: 0.0625, gradientNorm: 0.5, rate: 0.25, stopped: 'loss' },
        w: 0.25,
        count: 2,
      });
    });

    test('at a gradient', async () => {
      expect(await end('loss = w ** 2', 1, 0.25, { steps: 9, gradientNorm: 0.5 })).toMatchObject({
        last: { step: 2, stopped: 'gradient_norm' },
      });
    });

    test('when nothing gets better', async () => {
      const improvement = { relative: 0.01, window: 3 };
      // Back and forth: the loss stays what it is.
      expect(await end('loss = w ** 2', 1, 1, { steps: 99, improvement })).toMatchObject({
        last: { step: 3, loss: 1, stopped: 'improvement' },
      });
      expect(await end('loss = w ** 2', 1, 0.1, { steps: 20, improvement })).toMatchObject({
        last: { stopped: 'steps' },
      });
    });

    test('at a loss that is NaN, with the last variables at which it was finite', async () => {
      // 1 -> 0.4 -> -1.1, whose logarithm there is none.
      const { last, w } = await end('loss = log(w)', 1, 0.6, { steps: 9 });
      expect(last).toMatchObject({ step: 1, stopped: 'non_finite_loss', loss: Math.log(0.4), rate: 0.6 });
      expect(w).toBeCloseTo(0.4, 12);
      expect(await end('loss = log(w)', -1, 0.6, { steps: 9 })).toMatchObject({
        last: { step: 0, loss: Number.NaN, stopped: 'non_finite_loss' },
        w: -1,
      });
    });

    test('at a gradient that is infinite, where it stands', async () => {
      expect(await end('loss = sqrt(w)', 0, 0.6, { steps: 9 })).toMatchObject({
        last: { step: 0, loss: 0, gradientNorm: Infinity, stopped: 'non_finite_gradient' },
        w: 0,
      });
    });

    test('lbfgs, where the loss is bounded by nothing, and where it is at the bottom already', async () => {
      expect(await end('loss = w ** 2', 0, 1, { steps: 9 }, 'lbfgs')).toMatchObject({
        last: { step: 0, stopped: 'gradient_norm' },
      });
      const { last } = await end('loss = -exp(w)', 0, 1, { steps: 99 }, 'lbfgs');
      expect(Number.isFinite(last?.loss)).toBe(true);
      expect(['line_search', 'non_finite_gradient']).toContain(last?.stopped);
    });
  });

  test('an interrupted minimization keeps its last step and can go on', async () => {
    const setup = networkSetup(engine, 'adam');
    let left = 200;
    const checkpoint = {
      left: () => Infinity,
      check: () => {
        if (left-- <= 0) throw new EngineError('cancelled', 'enough');
      },
    };
    const schedule = scheduled('adam');
    const run = begun(setup, { schedule, stop: { steps: 300 }, checkpoint });
    await expect(all(run)).rejects.toThrow('enough');
    expect(run.step).toBeGreaterThan(2);
    const through = begun(setup, { schedule, stop: { steps: run.step } });
    await all(through);
    expect(copied(run.variables())).toEqual(copied(through.variables()));
    expect(copied(run.slots())).toEqual(copied(through.slots()));
    left = Infinity;
    const before = run.step;
    await all(run);
    expect(run.step).toBe(before + 300);
  });
});

test('backends agree after 20 steps', async () => {
  const runs = await Promise.all(
    BACKENDS.map(async ([, backend]) => {
      const run = begun(networkSetup(engineOf(backend), 'adamw', 'float64'), {
        schedule: () => 0.02,
        stop: { steps: 20 },
      });
      await all(run);
      return [...run.variables().values()].flatMap(({ data }) => [...(data as Float64Array)]);
    }),
  );
  for (const found of runs) found.forEach((each, i) => expect(each).toBeCloseTo(runs[0]?.[i] as number, 11));
});

describe('slots', () => {
  test('have names and types for sessions to keep them under', () => {
    const types = (name: OptimizerName, params = {}): Record<string, string> =>
      Object.fromEntries(
        [
          ...slotTypes(
            choose(name, params),
            new Map([
              ['w', { dtype: 'float32', shape: [2, 3] }],
              ['b', { dtype: 'float64', shape: [] }],
            ] as const),
          ),
        ].map(([key, type]) => [key, formatType(type)]),
      );
    expect(types('sgd')).toEqual({ 'sgd/step': 'i64' });
    expect(types('adam')).toEqual({
      'adam/step': 'i64',
      'adam/m/w': 'f32[2,3]',
      'adam/v/w': 'f32[2,3]',
      'adam/m/b': 'f64',
      'adam/v/b': 'f64',
    });
    expect(types('lbfgs', { history: 4 })).toEqual({
      'lbfgs/step': 'i64',
      'lbfgs/s/w': 'f32[4,6]',
      'lbfgs/y/w': 'f32[4,6]',
      'lbfgs/s/b': 'f64[4,1]',
      'lbfgs/y/b': 'f64[4,1]',
    });
  });

  test('are those that a minimization gives', async () => {
    for (const name of OPTIMIZER_NAMES) {
      const setup = networkSetup(engineOf(BACKENDS[0]![1]), name);
      const { problem, chosen } = prepared(setup);
      const run = begun(setup, { schedule: () => 0.01, stop: { steps: 2 } });
      await all(run);
      const wanted = slotTypes(chosen, new Map(problem.names.map((each, i) => [each, problem.variables[i]!.type])));
      expect(new Map([...run.slots()].map(([key, { type }]) => [key, type]))).toEqual(wanted);
      expect(run.slots().get(`${name}/step`)?.data).toEqual(BigInt64Array.of(2n));
    }
  });
});

describe('refusals', () => {
  const engine = engineOf(BACKENDS[0]![1]);
  const values = valuesOf({ w: [1, 2], v: [1, 2] }, 'float64');
  const problem = (graph: unknown, variables?: string[], given = values) =>
    problemOf(build(engine.readGraph(graph), given, engine.limits), 'loss', variables);
  const refused = (code: string, message: RegExp, more: object = {}) =>
    expect.objectContaining({ name: 'EngineError', code, message: expect.stringMatching(message), ...more });

  test('of graphs and variables, in the names of the client', () => {
    const graph = 'loss = sum(w * v)';
    expect(() => problem(graph, ['ww'])).toThrow(refused('invalid_source', /no variable 'ww'\. There is 'w', 'v'\./));
    expect(() => problem(graph)).toThrow(refused('invalid_source', /no trainable variable/));
    expect(() => problem('loss = w * v', ['w'])).toThrow(refused('type_mismatch', /'loss' is f64\[2\].*mean or sum/));
    expect(() => problem('loss = all(w > v)', ['w'])).toThrow(refused('not_differentiable', /'loss' is bool/));
    expect(() => problem('loss = sum(w * stop_gradient(v))', ['w', 'v'])).toThrow(
      refused('invalid_source', /reaches 'v' \(stop_gradient\)/),
    );
    const whole = new Map([...values, ['w', tensorValue([1, 2], 'int32')]]);
    expect(() => problem(graph, ['w'], whole)).toThrow(refused('not_differentiable', /'w' is i32\[2\]/));
    const stateful = {
      variables: { w: {}, v: {} },
      nodes: [
        { name: 'u', op: 'assign_add', inputs: ['w', 'v'] },
        { name: 'loss', op: 'sum', inputs: ['u'] },
      ],
    };
    expect(() => problem(stateful)).toThrow(refused('invalid_graph', /a node writes 'w'/));
  });

  test('trainable variables are those that move, and those that the loss does not need are left out', () => {
    const graph = (trainable: boolean) => ({
      inputs: { x: { shape: [2], dtype: 'float64' } },
      variables: { v: { trainable }, w: {}, spare: { shape: [2] } },
      nodes: [
        { name: 'wv', op: 'mul', inputs: ['w', 'v'] },
        { name: 'loss', op: 'sum', inputs: ['wv'] },
      ],
    });
    expect(problem(graph(true)).names).toEqual(['v', 'w']);
    expect(problem(graph(false)).names).toEqual(['w']);
    expect(problem(graph(false), ['v']).names).toEqual(['v']);
  });

  test('of starts that do not fit', () => {
    const setup = networkSetup(engine, 'adam');
    const ready = prepared(setup);
    const start = { values: setup.values, data: setup.data, schedule: () => 0.1, stop: { steps: 1 } };
    const data = setup.data!;
    const without = (name: string) => new Map([...setup.values].filter(([key]) => key !== name));
    expect(() => minimize(ready, { ...start, values: without('w1') })).toThrow(refused('missing_value', /'w1'/));
    expect(() => minimize(ready, { ...start, data: undefined })).toThrow(refused('missing_value', /'(rows|labels)'/));
    expect(() => minimize(ready, { ...start, slots: new Map() })).toThrow(refused('missing_value', /'adam\/step'/));
    const slots = copied(minimize(ready, start).slots());
    expect(() =>
      minimize(ready, { ...start, slots: new Map([...slots, ['adam/m/b1', tensorValue([1], 'float32')]]) }),
    ).toThrow(refused('type_mismatch', /'adam\/m\/b1' has shape \[1\], expected f32\[8\]/));
    const negative = new Value('int64', [], BigInt64Array.of(-1n));
    expect(() => minimize(ready, { ...start, slots: new Map([...slots, ['adam/step', negative]]) })).toThrow(
      refused('invalid_tensor', /'adam\/step' is -1/),
    );
    const cut = (tensors: object, batch = 4) =>
      minimize(ready, { ...start, data: { tensors: new Map([...data.tensors, ...Object.entries(tensors)]), batch } });
    expect(() => cut({ rows: tensorValue([[1, 2, 3, 4, 5]], 'float32') })).toThrow(
      refused('type_mismatch', /'rows' has 1 row/),
    );
    expect(() => cut({ labels: tensorValue([0, 1, 2, 0, 1], 'int32') })).toThrow(
      refused('type_mismatch', /'labels' has 5 rows and 'rows' 10/),
    );
    expect(() => cut({ labels: tensorValue(1, 'int32') })).toThrow(refused('type_mismatch', /'labels' is a scalar/));
    expect(() => cut({}, 5)).toThrow(refused('type_mismatch', /'rows' is f32\[4,5\], expected a batch of 5/));
    expect(() => cut({}, 11)).toThrow(refused('type_mismatch', /fewer than the batch of 11/));
    expect(() => cut({ label: tensorValue([1], 'int32') })).toThrow(
      refused('unexpected_value', /no input 'label'\. Did you mean 'labels'\?/),
    );
    expect(() => cut({ b1: tensorValue([1], 'float32') })).toThrow(refused('unexpected_value', /'b1' is moved/));
    expect(() =>
      minimize(ready, { ...start, values: new Map([...setup.values, ['labels', tensorValue([1], 'int32')]]) }),
    ).toThrow(refused('unexpected_value', /'values' and in 'data'/));
  });

  test('of what lbfgs cannot do', () => {
    const setup = networkSetup(engine, 'lbfgs');
    const { data } = networkSetup(engine, 'sgd');
    const batched = { ...setup, values: new Map([...setup.values].filter(([key]) => !data!.tensors.has(key))), data };
    expect(() => begun(batched, { schedule: () => 1, stop: { steps: 1 } })).toThrow(
      refused('invalid_request', /takes no batches|batches are apart/),
    );
    expect(() => choose('lbfgs', {}, 1)).toThrow(refused('invalid_request', /clips no gradient/));
  });

  test('of params beyond their bounds', () => {
    expect(() => choose('adam', { beta1: 1 })).toThrow();
    expect(() => choose('adam', { epsilon: 0 })).toThrow();
    expect(() => choose('adam', { beta3: 0.5 })).toThrow();
    expect(() => choose('lbfgs', { history: 65 })).toThrow();
    expect(choose('lbfgs', { history: 64 }).params).toMatchObject({ history: 64 });
  });

  test('of programs that would cost too much', () => {
    const small = engineOf(BACKENDS[0]![1]);
    const tight = { ...small, limits: { ...small.limits, equations: 10 } };
    expect(() => prepared(networkSetup(tight, 'adam'))).toThrow(refused('limit_exceeded', /'equations' is 10/));
  });
});

test('a graph is checked with the types of a batch', () => {
  const data = {
    tensors: new Map([
      ['x', tensorValue([[1], [2], [3]], 'float64')],
      ['t', new Value(undefined, [3], Float64Array.of(0.5, 1, 2))],
    ]),
    batch: 2,
  };
  const shapes = [...batchValues(data)].map(([name, { dtype, shape }]) => [name, dtype, shape]);
  expect(shapes).toEqual([
    ['x', 'float64', [2, 1]],
    ['t', undefined, [2]],
  ]);
  expect(GRAPHS.network).toContain('labels');
});
