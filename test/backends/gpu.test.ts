/** @file The gpu backend beside what the laws say: the device, what can go wrong with it, its memory, and large kernels. */
import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import { type Backend, UNLIMITED } from '../../engine/backends/backend.ts';
import { calibrate, type GpuRates, secondsOnGpu } from '../../engine/backends/gpu/cost.ts';
import { Device } from '../../engine/backends/gpu/device.ts';
import { type Gpu, GpuError, gpuRefusal, type openGpu } from '../../engine/backends/gpu/gpu.ts';
import { type DeviceMemory, Pool, Residents, USAGE } from '../../engine/backends/gpu/memory.ts';
import { Run } from '../../engine/backends/gpu/plan.ts';
import { checkNumbers } from '../../engine/backends/gpu/self-test.ts';
import { portable } from '../../engine/backends/portable.ts';
import { plan } from '../../engine/compile/plan.ts';
import { add } from '../../engine/ops/add.ts';
import { all } from '../../engine/ops/all.ts';
import { cast } from '../../engine/ops/cast.ts';
import { concatenate } from '../../engine/ops/concatenate.ts';
import { convGeneral } from '../../engine/ops/conv-general.ts';
import { dotGeneral } from '../../engine/ops/dot-general.ts';
import { exp } from '../../engine/ops/exp.ts';
import { gt } from '../../engine/ops/gt.ts';
import { max } from '../../engine/ops/max.ts';
import { mul } from '../../engine/ops/mul.ts';
import { scan } from '../../engine/ops/scan.ts';
import { scatterAdd } from '../../engine/ops/scatter-add.ts';
import { sin } from '../../engine/ops/sin.ts';
import { sum } from '../../engine/ops/sum.ts';
import { Builder } from '../../engine/program/builder.ts';
import type { Program, Var } from '../../engine/program/program.ts';
import { executable } from '../../engine/runtime/execute.ts';
import type { DType, Shape, Tensor, TypedArray } from '../../engine/types.ts';
import { gpuForTests, openTestGpu } from '../gpu.ts';
import { expectSame } from '../laws/compare.ts';
import { draw, randomFrom } from '../laws/draw.ts';

const { gpu, on } = await gpuForTests({ isPoisoned: true });
afterAll(() => gpu?.close());

const random = randomFrom(7);

/** A program of one function. */
function program(
  types: readonly (readonly [DType, Shape])[],
  make: (b: Builder, inputs: readonly Var[]) => Var | readonly Var[],
): Program {
  const b = new Builder();
  const made = make(
    b,
    types.map(([dtype, shape]) => b.input({ dtype, shape })),
  );
  return b.build('type' in made ? [made] : made);
}

function drawFor({ inputs }: Program): TypedArray[] {
  return inputs.map(({ type }) => draw(type, random));
}

async function run(
  made: Program,
  inputs: readonly TypedArray[],
  backend: Backend = (gpu as Gpu).backend,
): Promise<Tensor[]> {
  return executable(plan(made), backend).run(inputs);
}

/** The gpu's outputs are those of the portable backend. */
async function expectRight(
  made: Program,
  inputs = drawFor(made),
  float32 = 2e-6,
  backend = (gpu as Gpu).backend,
): Promise<void> {
  expectSame(
    await run(made, inputs, backend),
    await run(made, inputs, portable),
    { float32, float64: 0 },
    'on the gpu',
  );
}

/** A gpu of its own, closed after the test. */
async function withGpu(options: Parameters<typeof openGpu>[0], body: (own: Gpu) => Promise<void>): Promise<void> {
  const own = await openTestGpu(options);
  if ('reason' in own) throw new Error(own.reason);
  try {
    await body(own);
  } finally {
    own.close();
  }
}

const square = program([['float32', [2000]]], (b, [x]) => mul(b, x!, x!));

describe.skipIf(!gpu)(`the device ${on}`, () => {
  test('says what it is', () => {
    const { device } = gpu as Gpu;
    expect(device).toMatchObject({ api: 'webgpu', name: expect.stringMatching(/./), software: expect.any(Boolean) });
    if (/swiftshader/i.test(device.driver)) expect(device.software).toBe(true);
  });

  test('is not used when its numbers are wrong', async () => {
    expect(await checkNumbers(portable)).toBeUndefined();
    const wrong: Backend = {
      ...portable,
      load: (planned) => ({
        backend: 'wrong',
        run: (inputs, checkpoint) => {
          const outputs = portable.load(planned).run(inputs, checkpoint) as readonly Float32Array[];
          return outputs.map((data, i) => (i === 1 ? data.map((y) => y + 1e-3) : data));
        },
      }),
    };
    expect(await checkNumbers(wrong)).toMatch(/element 0 of sin is/);
  });

  const child = (code: string, env: NodeJS.ProcessEnv = {}): Promise<{ stdout: string }> =>
    promisify(execFile)(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { openGpu } from '${import.meta.resolve('../../engine/backends/gpu/gpu.ts')}';\n${code}`,
      ],
      { env: { ...process.env, ...env } },
    );

  test('is missed in words where there is none, and nothing takes its place', async () => {
    const { stdout } = await child('console.log(JSON.stringify(await openGpu()))', {
      VK_DRIVER_FILES: '/nowhere.json',
      VK_ICD_FILENAMES: '/nowhere.json',
      DISPLAY: '',
    });
    expect(JSON.parse(stdout)).toEqual({ reason: expect.stringContaining('no WebGPU adapter') });
  });

  test('does not keep a process from ending, closed or not', async () => {
    const { stdout } = await child('const gpu = await openGpu(); console.log(gpu.device.api)');
    expect(stdout.trim()).toBe('webgpu');
    await child('(await openGpu()).close()');
  });
});

describe.skipIf(!gpu)(`faults ${on}`, () => {
  test('a lost device rejects the run and all after it, and another can be opened', async () => {
    await withGpu({}, async (own) => {
      const heard: GpuError[] = [];
      own.onFault((fault) => heard.push(fault));
      const loaded = own.backend.load(plan(square));
      const inputs = drawFor(square);
      await loaded.run(inputs, UNLIMITED);
      const running = loaded.run(inputs, UNLIMITED);
      own.fail('device_lost');
      await expect(running).rejects.toThrow(GpuError);
      await expect(loaded.run(inputs, UNLIMITED)).rejects.toMatchObject({ code: 'device_lost' });
      expect(() => own.backend.load(plan(square))).toThrow(GpuError);
      expect(heard).toEqual([own.fault()]);
    });
    await expectRight(square);
  });

  test('what the device itself says of an error ends it too', async () => {
    await withGpu({}, async (own) => {
      const dead = new Promise<GpuError>((resolve) => own.onFault(resolve));
      own.fail('device_error');
      expect(await dead).toMatchObject({ code: 'device_error' });
    });
  });

  test('more memory than there may be is refused, and what fits runs on', async () => {
    await withGpu({ memory: 2 ** 20 }, async (own) => {
      const large = program([['float32', [2 ** 20]]], (b, [x]) => mul(b, x!, x!));
      await expect(run(large, drawFor(large), own.backend)).rejects.toMatchObject({ code: 'out_of_memory' });
      expect(own.fault()).toBeUndefined();
      expect(own.memory().used).toBe(0);
      await run(square, drawFor(square), own.backend);
    });
  });

  test('float64 and int64 are refused by name', () => {
    const wide = program([['float32', [3]]], (b, [x]) => cast(b, x!, { dtype: 'float64' }));
    expect(gpuRefusal(wide)).toContain('a tensor is f64[3]: the gpu holds float32, int32, bool');
    const b = new Builder();
    b.input({ dtype: 'int64', shape: [2] }, 'ids');
    expect(gpuRefusal(b.build([]))).toContain("'ids' is i64[2]");
    expect(gpuRefusal(square)).toBeUndefined();
    expect(() => (gpu as Gpu).backend.load(plan(wide))).toThrow('float64 is not stored on the gpu');
  });
});

describe.skipIf(!gpu)(`memory ${on}`, () => {
  const sent = (own: Gpu, body: () => Promise<unknown>): Promise<number> => {
    const before = own.memory().sent;
    return body().then(() => own.memory().sent - before);
  };

  test('an array is sent once, and what came from the device is not sent at all', async () => {
    await withGpu({}, async (own) => {
      const bound = executable(plan(square), own.backend);
      const inputs = drawFor(square);
      expect(own.missing(inputs)).toBe(8000);
      expect(await sent(own, async () => bound.run(inputs))).toBe(8000);
      expect(own.missing(inputs)).toBe(0);
      let outputs: Tensor[] = [];
      expect(
        await sent(own, async () => {
          outputs = await bound.run(inputs);
        }),
      ).toBe(0);
      const [{ data }] = outputs as [Tensor];
      let next: Tensor[] = [];
      expect(
        await sent(own, async () => {
          next = await bound.run([data]);
        }),
      ).toBe(0);
      expectSame(
        next,
        await run(square, [data.slice() as TypedArray], portable),
        { float32: 1e-6, float64: 0 },
        'handed back',
      );
      // Given back, it may hold other elements from now on.
      bound.release(outputs);
      (data as Float32Array).fill(3);
      expect(
        await sent(own, async () => {
          next = await bound.run([data]);
        }),
      ).toBe(8000);
      expect(next[0]?.data[1999]).toBe(9);
    });
  });

  test('what is kept has a bound, and nothing is in use after a run but that', async () => {
    await withGpu({ memory: 2 ** 20, resident: 40_000 }, async (own) => {
      const bound = executable(plan(square), own.backend);
      for (let i = 0; i < 20; i++) {
        await bound.run(drawFor(square));
        const { used, resident, held } = own.memory();
        expect(resident).toBeLessThanOrEqual(40_000);
        expect(used).toBe(resident);
        expect(held).toBeLessThan(200_000);
      }
    });
  });

  test('arrays that nobody has any more leave the device', async () => {
    v8.setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await withGpu({}, async (own) => {
      await run(square, drawFor(square), own.backend);
      expect(own.memory().resident).toBeGreaterThan(0);
      // Finalizers run in turns of their own.
      for (let i = 0; i < 100 && own.memory().resident > 0; i++) {
        collect();
        await setImmediate();
      }
      expect(own.memory().resident).toBe(0);
    });
  });

  test('fresh memory is poisoned, and memory that is used again too: what is not written shows', async () => {
    const device = await Device.open();
    if (typeof device === 'string') throw new Error(device);
    const tensors = new Pool(device, 2 ** 20);
    const memory: DeviceMemory = {
      moved: { sent: 0, fetched: 0 },
      tensors,
      staging: new Pool(device, 2 ** 20, USAGE.mapRead | USAGE.copyTarget),
      residents: new Residents(tensors, 0),
      isPoisoned: true,
    };
    const type = { dtype: 'float32', shape: [8] } as const;
    for (let i = 0; i < 2; i++) {
      const own = new Run(device, memory, UNLIMITED);
      const written = own.send(type, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
      written.release();
      const [data] = await own.fetch([own.make(type)], () => new Float32Array(8));
      expect([...(data as Float32Array)]).toEqual(new Array(8).fill(NaN));
      own.finish();
    }
    device.close();
  });

  test('runs side by side have memory of their own', async () => {
    const chain = program([['float32', [5000]]], (b, [x]) => {
      let y = x as Var;
      for (let i = 0; i < 6; i++) y = mul(b, sin(b, y), b.full(1.5, y.type));
      return [y, sum(b, y, { axes: [0] })];
    });
    const inputs = Array.from({ length: 8 }, () => drawFor(chain));
    const outputs = await Promise.all(inputs.map((each) => run(chain, each)));
    for (const [i, each] of inputs.entries())
      expectSame(outputs[i] as Tensor[], await run(chain, each, portable), { float32: 2e-5, float64: 0 }, `run ${i}`);
  });
});

describe.skipIf(!gpu)(`kernels ${on}`, () => {
  test('folds of every size are trees that give the same bits each time', { timeout: 120_000 }, async () => {
    for (const [rows, count] of [
      [1, 1],
      [3, 31],
      [3, 33],
      [5, 64],
      [2, 65],
      [1, 1000],
      [300, 100],
      [7, 8191],
      [3, 8192],
      [2, 70_001],
      [1, 1_000_003],
    ] as const) {
      const folds = program(
        [
          ['float32', [rows, count]],
          ['int32', [rows, count]],
        ],
        (b, [x, n]) => [
          sum(b, exp(b, x!), { axes: [1] }),
          max(b, x!, { axes: [1] }),
          sum(b, n!, { axes: [1] }),
          all(b, gt(b, x!, b.full(-1.999, x!.type)), { axes: [1] }),
        ],
      );
      const inputs = drawFor(folds);
      await expectRight(folds, inputs);
      expectSame(await run(folds, inputs), await run(folds, inputs), { float32: 0, float64: 0 }, 'a second time');
    }
  });

  test('a sum of many float32 is right to the last place', async () => {
    const total = program([['float32', [2 ** 20]]], (b, [x]) => sum(b, x!, { axes: [0] }));
    const data = Float32Array.from({ length: 2 ** 20 }, () => 1 + random());
    const exact = data.reduce((a, x) => a + x, 0);
    const [{ data: given }] = (await run(total, [data])) as [Tensor];
    expect(Math.abs(Number(given[0]) - exact)).toBeLessThanOrEqual(exact * 2 ** -24);
  });

  test('folds whose neighbouring points are neighbours in storage', async () => {
    for (const [count, columns] of [
      [40, 64],
      [1000, 100],
      [5000, 300],
      [33, 20_000],
    ] as const)
      await expectRight(
        program(
          [
            ['float32', [count, columns]],
            ['int32', [count, columns]],
          ],
          (b, [x, n]) => [sum(b, mul(b, x!, x!), { axes: [0] }), max(b, x!, { axes: [0] }), sum(b, n!, { axes: [0] })],
        ),
      );
  });

  test('a fold along the outer axis, and a value and folds in one kernel', async () => {
    await expectRight(
      program([['float32', [3000, 5]]], (b, [x]) => {
        const y = sin(b, x!);
        return [y, sum(b, y, { axes: [0] }), sum(b, mul(b, y, y), { axes: [0, 1] })];
      }),
    );
  });

  test('more buffers than a device binds travel in one', async () => {
    const types = Array.from({ length: 40 }, (_, i) => [i % 3 === 2 ? 'int32' : 'float32', [i + 1]] as const);
    await expectRight(
      program(types, (b, inputs) => {
        const floats = inputs.map((x) => (x.type.dtype === 'int32' ? cast(b, x, { dtype: 'float32' }) : x));
        return concatenate(b, ...floats, { axis: 0 });
      }),
    );
    const [first, ...others] = Array.from({ length: 30 }, () => ['float32', [50]] as const);
    await expectRight(
      program([first!, ...others], (b, inputs) =>
        inputs.map((x, i) => add(b, x, inputs[(i + 1) % inputs.length] as Var)),
      ),
    );
  });

  const none = { lhs_batch: [], rhs_batch: [] };
  const products = (
    sizes: readonly (readonly [m: number, k: number, n: number])[],
    dtypes: readonly DType[],
  ): Program[] =>
    sizes.flatMap(([m, k, n]) =>
      dtypes.flatMap((dtype) =>
        [0, 1].flatMap((lhs) =>
          [0, 1].map((rhs) =>
            program(
              [
                [dtype, lhs === 1 ? [m, k] : [k, m]],
                [dtype, rhs === 0 ? [k, n] : [n, k]],
              ],
              (b, [x, y]) => dotGeneral(b, x!, y!, { lhs_contract: [lhs], rhs_contract: [rhs], ...none }),
            ),
          ),
        ),
      ),
    );
  const batched = program(
    [
      ['float32', [3, 40, 50]],
      ['float32', [3, 50, 60]],
    ],
    (b, [x, y]) => dotGeneral(b, x!, y!, { lhs_contract: [2], rhs_contract: [1], lhs_batch: [0], rhs_batch: [0] }),
  );

  test('matrix products of all layouts, and of sizes at the ends of tiles', { timeout: 120_000 }, async () => {
    const sizes = [
      [64, 64, 64],
      [65, 70, 33],
      [1, 5000, 40],
      [200, 3, 200],
    ] as const;
    for (const product of [...products(sizes, ['float32', 'int32']), batched]) await expectRight(product);
    // No strides describe the left side: this one runs on the host.
    await expectRight(
      program(
        [
          ['float32', [20, 3, 50]],
          ['float32', [20, 50, 60]],
        ],
        (b, [x, y]) => dotGeneral(b, x!, y!, { lhs_contract: [0, 2], rhs_contract: [0, 1], ...none }),
      ),
    );
  });

  test('matrix products whose workgroups share tiles', { timeout: 240_000 }, async () => {
    await withGpu({ sharesTiles: true, isPoisoned: true }, async (own) => {
      for (const product of [
        ...products([[70, 40, 33]], ['float32']),
        ...products([[20, 50, 80]], ['int32']).slice(0, 1),
        batched,
      ])
        await expectRight(product, drawFor(product), 2e-6, own.backend);
    });
  });

  /** Windows over planes, in a batch of their own, along axes in any order. */
  const convolutions = (dtypes: readonly DType[]): Program[] =>
    dtypes.flatMap((dtype) => [
      program(
        [
          [dtype, [3, 5, 9, 12]],
          [dtype, [33, 5, 3, 2]],
        ],
        (b, [x, w]) =>
          convGeneral(b, x!, w!, {
            ...{ ...none, lhs_contract: [1], rhs_contract: [1], lhs_spatial: [2, 3], rhs_spatial: [2, 3] },
            ...{ strides: [2, 1], dilations: [1, 3] },
          }),
      ),
      program(
        [
          [dtype, [2, 40, 3, 7]],
          [dtype, [4, 2, 5, 7]],
        ],
        (b, [x, w]) =>
          convGeneral(b, x!, w!, {
            ...{ lhs_batch: [0], rhs_batch: [1], lhs_contract: [3], rhs_contract: [3] },
            ...{ lhs_spatial: [1], rhs_spatial: [0], strides: [1], dilations: [2] },
          }),
      ),
    ]);

  test('convolutions', { timeout: 120_000 }, async () => {
    for (const convolution of convolutions(['float32', 'int32'])) await expectRight(convolution);
  });

  test('convolutions whose workgroups share tiles', { timeout: 240_000 }, async () => {
    await withGpu({ sharesTiles: true, isPoisoned: true }, async (own) => {
      for (const convolution of convolutions(['float32']))
        await expectRight(convolution, drawFor(convolution), 2e-6, own.backend);
    });
  });

  test('updates at the same position add up in their order', async () => {
    const scatter = program(
      [
        ['float32', [50, 8]],
        ['int32', [300]],
        ['float32', [300, 8]],
      ],
      (b, [x, i, u]) => scatterAdd(b, x!, i!, u!, { axis: 0, batch_dims: 0 }),
    );
    const [x, , u] = drawFor(scatter) as [TypedArray, TypedArray, TypedArray];
    const places = Int32Array.from({ length: 300 }, () => Math.floor(random() * 60) - 5);
    expectSame(
      await run(scatter, [x, places, u]),
      await run(scatter, [x, places, u], portable),
      { float32: 0, float64: 0 },
      'scatter',
    );
  });
});

describe.skipIf(!gpu)(`loops ${on}`, () => {
  const trips = 3000;
  const body = program(
    [
      ['float32', [4]],
      ['float32', []],
    ],
    (b, [state, x]) => {
      const next = add(b, state!, sin(b, state!));
      return [next, mul(b, x!, x!)];
    },
  );
  const loop = program(
    [
      ['float32', [4]],
      ['float32', [trips]],
    ],
    (b, [state, xs]) => b.emit(scan, [state!, xs!], { body, constants: 0, carried: 1, length: trips, reverse: false }),
  );

  test('many trips are as one by one', async () => {
    await expectRight(loop, drawFor(loop), 1e-5);
  });

  test('a run ends when its checkpoint says so, and gives its memory back', async () => {
    let checks = 0;
    const { used } = (gpu as Gpu).memory();
    const ended = (gpu as Gpu).backend.load(plan(loop)).run(drawFor(loop), {
      left: () => Infinity,
      check: () => {
        if (++checks > 1000) throw new Error('time is up');
      },
    });
    await expect(ended).rejects.toThrow('time is up');
    expect((gpu as Gpu).memory().used - used).toBeLessThanOrEqual((gpu as Gpu).memory().resident);
    await expectRight(square);
  });
});

test('a run costs its launch, what is moved, and the slower of arithmetic and memory', () => {
  const rates: GpuRates = { launch: 1, step: 0.5, up: 10, down: 5, flops: 100, bytes: 1000 };
  const body = plan(program([['float32', [4]]], (b, [x]) => exp(b, x!)));
  const cost = { ...body.cost, flops: 300, bytes: 500 };
  const step = body.steps[0]!;
  expect(secondsOnGpu({ cost, steps: [step, step] }, { up: 20, down: 20 }, rates)).toBe(1 + 1 + 2 + 4 + 3);
  expect(secondsOnGpu({ cost: { ...cost, bytes: 5000 }, steps: [] }, { up: 0, down: 0 }, rates)).toBe(1 + 5);
});

test.skipIf(!gpu)(`rates are measured ${on}`, async () => {
  const rates = await calibrate((gpu as Gpu).backend, () => performance.now());
  for (const rate of [rates.launch, rates.up, rates.down, rates.flops, rates.bytes]) {
    expect(rate).toBeGreaterThan(0);
    expect(rate).toBeLessThan(Infinity);
  }
  expect(rates.step).toBeGreaterThanOrEqual(0);
});
