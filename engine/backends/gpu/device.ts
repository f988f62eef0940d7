/**
 * @file A gpu: the adapter and its device, what can go wrong with it, and the pipelines of kernels.
 *
 * One Dawn instance serves the process and is never collected: devices of an instance that is gone end the process.
 */
import { hash } from 'node:crypto';
import type { Pass } from './kernel.ts';
import { type Binding, bound, GROUP, wgslOf } from './translate.ts';

/** What went wrong with a gpu. */
export type GpuFault = 'device_lost' | 'out_of_memory' | 'device_error';

/** A run failed because of the gpu, and not because of what was run. */
export class GpuError extends Error {
  readonly code: GpuFault;

  constructor(code: GpuFault, detail: string) {
    super(detail);
    this.name = 'GpuError';
    this.code = code;
  }
}

/** What a gpu is. */
export interface DeviceReport {
  readonly name: string;
  readonly api: 'webgpu' | 'webgl';
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  /** Whether it is a program on the processor: SwiftShader, llvmpipe, lavapipe, or what cannot be told from them. */
  readonly software: boolean;
  /** Bytes that one buffer may have at most; WebGPU does not tell the memory of the device. */
  readonly largestBuffer: number;
}

/** A pass that can be dispatched. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;

/** Numbers that the WebGPU standard fixes. */
const READ_ONLY = 'read-only-storage';
const STORAGE = 'storage';
const COMPUTE_STAGE = 4;

/** Pipelines that are kept. */
const MAX_PIPELINES = 1024;

let instance: GPU | undefined;

async function dawn(): Promise<GPU> {
  if (instance) return instance;
  const { create } = await import('webgpu');
  instance ??= create([]);
  return instance;
}

/** A gpu that is open. */
export class Device {
  readonly report: DeviceReport;
  readonly gpu: GPUDevice;
  readonly maxBuffers: number;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();
  #fault: GpuError | undefined;
  #isClosed = false;
  #listeners: ((fault: GpuError) => void)[] = [];

  private constructor(gpu: GPUDevice, report: DeviceReport) {
    this.gpu = gpu;
    this.report = report;
    this.maxBuffers = gpu.limits.maxStorageBuffersPerShaderStage;
    // Never rejects, by the standard.
    void gpu.lost.then(({ message }) => this.#isClosed || this.fail('device_lost', message || 'the device was lost'));
    gpu.addEventListener('uncapturederror', (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      const isMemory = error.constructor.name === 'GPUOutOfMemoryError';
      this.fail(isMemory ? 'out_of_memory' : 'device_error', error.message);
    });
  }

  /** The gpu of this machine, or why there is none. */
  static async open(): Promise<Device | string> {
    let gpu: GPU;
    try {
      gpu = await dawn();
    } catch (reason) {
      return `Dawn does not load here: ${(reason as Error).message}`;
    }
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return 'there is no WebGPU adapter: no Vulkan driver was found that Dawn takes';
    const { limits } = adapter;
    const device = await adapter.requestDevice({
      requiredLimits: {
        maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      },
    });
    return new Device(device, reportOf(adapter));
  }

  /** Why nothing can be run any more, if so. */
  get fault(): GpuError | undefined {
    return this.#fault;
  }

  /** Marks the device dead and ends it, so that nothing waits for it; the first reason stays. */
  fail(code: GpuFault, detail: string): void {
    if (this.#fault) return;
    this.#fault = new GpuError(code, detail);
    this.gpu.destroy();
    for (const listener of this.#listeners.splice(0)) listener(this.#fault);
  }

  /** Called once, when the device is dead. */
  onFault(listener: (fault: GpuError) => void): void {
    if (this.#fault) listener(this.#fault);
    else this.#listeners.push(listener);
  }

  /** Throws when the device is dead. */
  check(): void {
    if (this.#fault) throw this.#fault;
  }

  /** Ends the device; the process can end when no device is left. */
  close(): void {
    this.#isClosed = true;
    this.#fault ??= new GpuError('device_lost', 'the device was closed');
    this.gpu.destroy();
  }

  /** The pipeline of a pass; the same text is compiled once. */
  pipeline(pass: Pass, reads: readonly Binding[], writes: readonly Binding[]): Promise<Pipeline> {
    const { source, points, lanes } = pass;
    const key = JSON.stringify([points, lanes, pass.reads, pass.writes, reads, writes, source]);
    return this.#compiled(key, () => ({
      wgsl: wgslOf(pass, reads, writes),
      reads: bound(reads),
      writes: bound(writes),
    }));
  }

  /** The pipeline of a module, which binds what it reads first. */
  module(wgsl: string, reads: number, writes: number): Promise<Pipeline> {
    return this.#compiled(wgsl, () => ({ wgsl, reads, writes }));
  }

  #compiled(key: string, source: () => { wgsl: string; reads: number; writes: number }): Promise<Pipeline> {
    const id = hash('sha256', key, 'base64');
    const known = this.#pipelines.get(id);
    if (known) {
      this.#pipelines.delete(id);
      this.#pipelines.set(id, known);
      return known;
    }
    const { wgsl, reads, writes } = source();
    const made = this.#compile(wgsl, reads, writes);
    // What failed is told to those that wait for it now, and tried again by others.
    made.catch(() => this.#pipelines.delete(id));
    if (this.#pipelines.size >= MAX_PIPELINES) this.#pipelines.delete(this.#pipelines.keys().next().value as string);
    this.#pipelines.set(id, made);
    return made;
  }

  async #compile(code: string, reads: number, writes: number): Promise<Pipeline> {
    this.check();
    const entries = Array.from({ length: reads + writes }, (_, binding) => ({
      binding,
      visibility: COMPUTE_STAGE,
      buffer: { type: binding < reads ? READ_ONLY : STORAGE } as const,
    }));
    const layout = this.gpu.createBindGroupLayout({ entries });
    // Code that is no WGSL is a fault of ours and not of the device: it fails what was to be compiled.
    this.gpu.pushErrorScope('validation');
    const module = this.gpu.createShaderModule({ code });
    const wrong = this.gpu.popErrorScope();
    const pipeline = this.gpu.createComputePipelineAsync({
      layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    const [error, compiled] = await Promise.all([wrong, pipeline.catch((reason: Error) => reason)]);
    if (error) throw new Error(`${error.message}\n${code}`);
    if (compiled instanceof Error) throw compiled;
    return { pipeline: compiled, layout };
  }
}

/** How many workgroups to start along each axis for so many invocations or workgroups. */
export function groupsFor({ points, lanes }: Pass): readonly [number, number] {
  return spread(lanes > 1 ? points : Math.ceil(points / GROUP));
}

/** A number of workgroups along two axes, each within its limit. */
export function spread(groups: number): readonly [number, number] {
  const rows = Math.ceil(groups / 65535);
  return [Math.ceil(groups / Math.max(rows, 1)), rows];
}

function reportOf({ info, limits }: GPUAdapter): DeviceReport {
  const { vendor, architecture, device, description } = info;
  const name = device || description || vendor || 'gpu';
  return {
    name,
    api: 'webgpu',
    vendor,
    architecture,
    driver: description,
    software: info.isFallbackAdapter || SOFTWARE.test([vendor, architecture, device, description].join(' ')),
    largestBuffer: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
  };
}
