/** @file Commands for the device, recorded until they are submitted as one. */
import type { Device, Pipeline } from './device.ts';
import { type Block, type DeviceMemory, takeBlock } from './memory.ts';

/** Bytes at a time that a poisoned block is filled with. */
const PATTERN = 2 ** 16;

const patterns = new WeakMap<Device, GPUBuffer>();

function patternOf(device: Device): GPUBuffer {
  let buffer = patterns.get(device);
  if (!buffer) {
    buffer = device.gpu.createBuffer({ size: PATTERN, usage: 4 | 8 });
    device.gpu.queue.writeBuffer(buffer, 0, new Uint8Array(PATTERN).fill(0xff));
    patterns.set(device, buffer);
  }
  return buffer;
}

/** Records commands; what they read and write may be used again by later ones. */
export class Recorder {
  readonly #device: Device;
  readonly #memory: DeviceMemory;
  /** Blocks that no later command reads, free for later commands but not yet for others: they are not submitted. */
  readonly #retired: Block[] = [];
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #commands = 0;

  constructor(device: Device, memory: DeviceMemory) {
    this.#device = device;
    this.#memory = memory;
  }

  /** Commands that wait to be submitted. */
  get commands(): number {
    return this.#commands;
  }

  /** A block that the next commands write. */
  take(bytes: number): Block {
    const at = this.#retired.findIndex(({ size }) => size >= bytes && size <= Math.max(1024, 2 * bytes));
    const block = at >= 0 ? (this.#retired.splice(at, 1)[0] as Block) : takeBlock(this.#memory, bytes);
    if (this.#memory.isPoisoned)
      for (let offset = 0; offset < block.size; offset += PATTERN)
        this.copy(patternOf(this.#device), 0, block.buffer, offset, Math.min(PATTERN, block.size - offset));
    return block;
  }

  /** Takes back a block that no later command reads. */
  retire(block: Block): void {
    this.#retired.push(block);
  }

  /** Starts a pipeline on buffers, in the order of its bindings. */
  dispatch({ pipeline, layout }: Pipeline, buffers: readonly GPUBuffer[], [x, y, z]: readonly number[]): void {
    this.#pass ??= this.#encoding().beginComputePass();
    const pass = this.#pass;
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      this.#device.gpu.createBindGroup({
        layout,
        entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
      }),
    );
    pass.dispatchWorkgroups(x as number, y, z);
    this.#commands++;
  }

  /** Copies bytes, in multiples of four. */
  copy(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    if (bytes === 0) return;
    this.#endPass();
    this.#encoding().copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
    this.#commands++;
  }

  /** Submits what was recorded. */
  submit(): void {
    this.#endPass();
    if (this.#encoder) this.#device.gpu.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#commands = 0;
    for (const block of this.#retired.splice(0)) this.#memory.tensors.give(block);
  }

  /** Forgets what was recorded. */
  discard(): void {
    this.#endPass();
    this.#encoder = undefined;
    this.#commands = 0;
    for (const block of this.#retired.splice(0)) this.#memory.tensors.give(block);
  }

  #encoding(): GPUCommandEncoder {
    this.#encoder ??= this.#device.gpu.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
