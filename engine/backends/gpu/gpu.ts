/** @file The gpu backend: opens a device, makes sure that it computes, and runs plans on it. */

import type { TypedArray } from '../../types.ts';
import { type Backend, type Checkpoint, HOST_MEMORY, type Loaded, type Memory, UNLIMITED } from '../backend.ts';
import { Device, type DeviceReport, GpuError, type GpuFault } from './device.ts';
import { openGl, WEBGL } from './gl.ts';
import { type DeviceMemory, Pool, Residents, USAGE } from './memory.ts';
import { DevicePlan, fetchOutputs, Run } from './plan.ts';
import { gpuRefusal } from './refusal.ts';
import { checkNumbers } from './self-test.ts';

export { calibrate, type GpuRates, type Moved, secondsOnGpu } from './cost.ts';
export { type DeviceReport, GpuError, type GpuFault } from './device.ts';
export { gpuRefusal } from './refusal.ts';

/** How a gpu is used; every part has a default. */
export interface GpuOptions {
  /** The ways to a gpu that are tried, in this order; by default WebGPU, then headless GL. */
  readonly apis?: readonly DeviceReport['api'][];
  /** Bytes of the device that may be used; by default 4 GiB. */
  readonly memory?: number;
  /** Bytes of those that inputs and outputs may keep between runs; by default half. */
  readonly resident?: number;
  /** Whether matrix products copy tiles to shared memory; by default where the gpu is no program on the processor. */
  readonly sharesTiles?: boolean;
  /** For tests: fresh memory of the device holds a pattern that as a float is NaN. */
  readonly isPoisoned?: boolean;
}

/** The device's memory in bytes. */
export interface GpuMemory {
  /** Allocated, whether in use or waiting to be used again. */
  readonly held: number;
  readonly used: number;
  /** Of those in use, what keeps arrays of the host between runs. */
  readonly resident: number;
  /** Moved since the gpu was opened. */
  readonly sent: number;
  readonly fetched: number;
}

/** A gpu that runs plans. */
export interface Gpu {
  readonly backend: Backend;
  readonly device: DeviceReport;
  /** Bytes that a run with these inputs has to send: what does not lie on the device yet. */
  missing(inputs: readonly TypedArray[]): number;
  /** Its memory now, and what was moved so far. */
  memory(): GpuMemory;
  /** Why it runs nothing any more, if so. */
  fault(): GpuError | undefined;
  /** Called once, when it is dead. */
  onFault(listener: (fault: GpuError) => void): void;
  /** Marks it dead as if the device had said so: for tests. */
  fail(code: GpuFault): void;
  /** Frees the device. */
  close(): void;
}

/**
 * WGSL promises no correct rounding of quotients and roots (2.5 units in the last place) and none of subnormal numbers;
 * the rest is docs/gpu-math.md.
 */
const TOLERANCE = { float32: 2e-6, float64: 0 } as const;

/** Opens the gpu of this machine; where there is none, or it does not compute right, says why. */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu | { readonly reason: string }> {
  const reasons: string[] = [];
  for (const api of options.apis ?? (['webgpu', 'webgl'] as const)) {
    const opened = api === 'webgpu' ? await openWebGpu(options) : openWebGl();
    if ('reason' in opened) {
      reasons.push(opened.reason);
      continue;
    }
    const wrong = await checkNumbers(opened.backend).catch((error: unknown) => (error as Error).message);
    if (wrong === undefined) return opened;
    opened.close();
    reasons.push(`${opened.device.name} fails its self-test: ${wrong}`);
  }
  return { reason: reasons.join('; ') };
}

async function openWebGpu(options: GpuOptions): Promise<Gpu | { readonly reason: string }> {
  const device = await Device.open();
  return typeof device === 'string' ? { reason: device } : gpuOf(device, options);
}

/** What is moved and held is moved and held by each kernel, and not counted; a context that is lost throws. */
function openWebGl(): Gpu | { readonly reason: string } {
  const opened = openGl();
  if ('reason' in opened) return opened;
  const { backend, device, close } = opened;
  let fault: GpuError | undefined;
  const listeners: ((fault: GpuError) => void)[] = [];
  return {
    device,
    backend: {
      ...backend,
      refusal: (program) => gpuRefusal(program, WEBGL),
      load: (plan, memory) => {
        if (fault) throw fault;
        const loaded = backend.load(plan, memory);
        return {
          backend: loaded.backend,
          run: (inputs, checkpoint) => {
            if (fault) throw fault;
            return loaded.run(inputs, checkpoint);
          },
        };
      },
    },
    missing: (inputs) => inputs.reduce((bytes, { length }) => bytes + 4 * length, 0),
    memory: () => ({ held: 0, used: 0, resident: 0, sent: 0, fetched: 0 }),
    fault: () => fault,
    onFault: (listener) => listeners.push(listener),
    fail: (code) => {
      fault ??= new GpuError(code, `a test asked for it: ${code}`);
      for (const listener of listeners.splice(0)) listener(fault);
    },
    close,
  };
}

function gpuOf(device: Device, options: GpuOptions): Gpu {
  const { memory: limit = 2 ** 32, resident = limit / 2, isPoisoned = false } = options;
  const { sharesTiles = !device.report.software } = options;
  const tensors = new Pool(device, limit);
  const memory: DeviceMemory = {
    tensors,
    staging: new Pool(device, limit, USAGE.mapRead | USAGE.copyTarget),
    residents: new Residents(tensors, resident),
    isPoisoned,
    moved: { sent: 0, fetched: 0 },
  };
  return {
    device: device.report,
    backend: {
      name: 'gpu',
      tolerance: TOLERANCE,
      hasBands: false,
      refusal: (program) => gpuRefusal(program),
      load: (plan, host) => load(device, memory, new DevicePlan(plan, device, { sharesTiles }), host),
    },
    missing: (inputs) =>
      inputs.reduce((bytes, input) => bytes + (memory.residents.has(input) ? 0 : 4 * input.length), 0),
    memory: () => ({
      held: tensors.held + memory.staging.held,
      used: tensors.used,
      resident: memory.residents.bytes,
      ...memory.moved,
    }),
    fault: () => device.fault,
    onFault: (listener) => device.onFault(listener),
    fail: (code) => device.fail(code, `a test asked for it: ${code}`),
    close: () => device.close(),
  };
}

function load(device: Device, memory: DeviceMemory, loaded: DevicePlan, host: Memory = HOST_MEMORY): Loaded {
  device.check();
  return {
    backend: 'gpu',
    run: (inputs, checkpoint) => execute(device, memory, loaded, inputs, checkpoint, host),
    release: (outputs) => {
      for (const output of outputs) memory.residents.forget(output);
    },
  };
}

async function execute(
  device: Device,
  memory: DeviceMemory,
  loaded: DevicePlan,
  inputs: Parameters<Loaded['run']>[0],
  checkpoint: Checkpoint = UNLIMITED,
  host: Memory,
): Promise<readonly TypedArray[]> {
  device.check();
  checkpoint.check();
  let run: Run | undefined;
  try {
    await loaded.ready();
    run = new Run(device, memory, checkpoint);
    const { inputs: types } = loaded.plan;
    const sent = inputs.map((array, i) => (run as Run).send(types[i]!, array));
    const outputs = await loaded.execute(run, sent);
    const arrays = await fetchOutputs(run, outputs, host);
    device.check();
    return arrays;
  } catch (reason) {
    // What a device that is gone leaves undone fails in words of its own.
    throw device.fault ?? reason;
  } finally {
    run?.finish();
  }
}
