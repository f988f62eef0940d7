import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { findSoftwareDriver } from '../../scripts/software-gpu.ts';
import { start } from '../service-process.ts';
import { serve, until } from './service.ts';

// The service looks for a gpu in a process of its own; here it is given SwiftShader, whatever the machine has.
const driver = findSoftwareDriver();
const environment = { VK_DRIVER_FILES: driver ?? '', ADJOINT_GPU: 'required', ADJOINT_GPU_SOFTWARE: '1' };
const reason = 'skipped: no SwiftShader here: sh scripts/system-libraries.sh software-gpu';

/** Cell N2 of the GradientTape notebook. */
const N2 = {
  graph: 'loss = mean((x @ w + b) ** 2)',
  values: {
    x: [[1, 2, 3]],
    w: [
      [0.1, 0.2],
      [0.3, 0.4],
      [0.5, 0.6],
    ],
    b: [0, 0],
  },
  sources: ['w', 'b'],
};
const N2_GRADIENTS = [
  [
    [2.2, 2.8],
    [4.4, 5.6],
    [6.6, 8.4],
  ],
  [2.2, 2.8],
];

function expectN2(gradients: unknown): void {
  const expected = N2_GRADIENTS.flat(2);
  (gradients as number[][]).flat(2).forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 5));
}

describe.skipIf(!driver)(`a service with a gpu${driver ? '' : ` (${reason})`}`, () => {
  test('tells of it, computes on it what asks for it, and refuses what it cannot hold', async () => {
    const service = await serve(environment);
    const adapter = { name: expect.stringMatching(/swiftshader/i), api: 'webgpu', software: true };
    const { devices } = (await service.send('GET', '/v1/devices')).body;
    expect(devices[1]).toMatchObject({ device: 'gpu', ...adapter, dtypes: ['float32', 'int32', 'bool'], ready: 1 });
    expect((await service.send('GET', '/readyz')).body).toMatchObject({
      status: 'ready',
      devices: [{ device: 'cpu' }, { device: 'gpu', ...adapter }],
    });
    const gpu = await service.send('POST', '/v1/gradient', { ...N2, options: { device: 'gpu' } });
    expect(gpu.body.meta).toMatchObject({ device: 'gpu', backend: 'gpu', adapter });
    expectN2(gpu.body.gradients);
    // What is small is quicker on the processor.
    const auto = await service.send('POST', '/v1/gradient', N2);
    expect(auto.body.meta.device).toBe('cpu');
    expect(auto.body.meta.adapter).toBeNull();
    const wide = { graph: 'y = sum(x)', values: { x: { dtype: 'float64', shape: [2], data: [1, 2] } } };
    const refused = await service.send('POST', '/v1/evaluate', { ...wide, options: { device: 'gpu' } });
    expect([refused.status, refused.body]).toMatchObject([
      422,
      { code: 'device_unfit', pointer: '/options/device', detail: expect.stringContaining("'x' is f64[2]") },
    ]);
    expect((await service.send('POST', '/v1/evaluate', wide)).body.values).toEqual({ y: 3 });
  });

  test('keeps tapes on it: what was recorded is differentiated where it lies', async () => {
    const service = await serve(environment);
    const variables = { w: { value: [1, 2, 3] } };
    const { session } = (await service.send('POST', '/v1/sessions', { variables })).body.session;
    const tapes = `/v1/sessions/${session}/tapes`;
    const options = { device: 'gpu' };
    await service.send('POST', tapes, { tape: 't', persistent: true });
    const recorded = await service.send('POST', `${tapes}/t/record`, { graph: 'loss = sum(w ** 3)', options });
    expect(recorded.body).toMatchObject({ values: { loss: 36 }, meta: { device: 'gpu' } });
    const ask = { targets: 'loss', sources: ['w'], options };
    const answer = await service.send('POST', `${tapes}/t/gradient`, ask);
    expect(answer.body).toMatchObject({ gradients: [[3, 12, 27]], meta: { device: 'gpu', forward_passes: 0 } });
    // The processor has no copy of the tape, and makes one.
    const elsewhere = await service.send('POST', `${tapes}/t/gradient`, { ...ask, options: { device: 'cpu' } });
    expect(elsewhere.body).toMatchObject({ gradients: [[3, 12, 27]], meta: { device: 'cpu', rebuilt: true } });
  });

  test('that fails is started again, and what was on it is computed again', async () => {
    const service = await serve(environment, true);
    const options = { device: 'gpu', timeout_ms: 60_000 };
    const before = await service.send('POST', '/v1/gradient', { ...N2, options });
    expectN2(before.body.gradients);
    const lost = await service.send('POST', '/v1/evaluate', {
      graph: 'y = fault_device(x)',
      values: { x: 1 },
      options,
    });
    expect([lost.status, lost.body.code]).toEqual([422, 'quarantined']);
    expect(lost.body.detail).toContain('the gpu failed');
    const after = await service.send('POST', '/v1/gradient', { ...N2, options });
    expect(after.body.meta).toMatchObject({ device: 'gpu' });
    expectN2(after.body.gradients);
    await until(async () => (await service.send('GET', '/v1/devices')).body.devices[1].restarts === 2);
    // It has failed twice. A third time, a service that needs it is not ready.
    expect((await service.send('GET', '/readyz')).status).toBe(200);
    await service.send('POST', '/v1/evaluate', { graph: 'z = fault_device(x)', values: { x: 1 }, options });
    expect((await service.send('GET', '/readyz')).body.status).toBe('no_engine');
  }, 120_000);

  test('is required and is a program on the processor: nothing starts unless that is accepted', async () => {
    const { child, printed } = start({ ...environment, ADJOINT_GPU_SOFTWARE: '0' });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(printed).toEqual([expect.stringMatching(/program on the processor; ADJOINT_GPU_SOFTWARE=1/)]);
  });
});

test('what needs a gpu is refused where there is none, with what to do', async () => {
  const service = await serve({ ADJOINT_GPU: 'off' });
  const refused = await service.send('POST', '/v1/gradient', { ...N2, options: { device: 'gpu' } });
  expect([refused.status, refused.body]).toMatchObject([
    422,
    {
      code: 'device_unfit',
      detail: "this service uses no gpu; use device 'auto' or 'cpu'",
      pointer: '/options/device',
    },
  ]);
});
