/**
 * @file Plans on the device. A run records its commands and submits them together; what steps hand to one another stays
 * on the device. The host takes part where it must: it chooses branches by what the device computed, counts loops, and
 * runs the routines that the device has no code for.
 */

import type { BufferId, Plan, Step } from '../../compile/plan.ts';
import type { Routine } from '../../compile/routine.ts';
import { allocateArray, sizeOf, type TensorType, type TypedArray } from '../../types.ts';
import type { Checkpoint, Memory } from '../backend.ts';
import { type Device, groupsFor, type Pipeline } from './device.ts';
import { type Element, elementOf, type Pass, renderKernel } from './kernel.ts';
import { type Block, type DeviceMemory, type Resident, takeBlock } from './memory.ts';
import { Recorder } from './recorder.ts';
import { deviceRoutine, type RoutineOptions } from './routines.ts';
import type { Binding } from './translate.ts';

/** Bytes of an element on the device. */
const WORD_BYTES = { f32: 4, i32: 4, bool: 4, pair: 8 } as const satisfies Record<Element, number>;
/** Arrays of at least this many bytes are looked for on the device before they are sent; smaller ones are sent. */
const RESIDENT_BYTES = 4096;
/** Commands and scalar operations after which a run is submitted, so that it can end before it is done; */
const SUBMIT = { commands: 512, flops: 2 ** 32 } as const;
/** on a processor far fewer operations take as long. */
const SOFTWARE_FLOPS = 2 ** 26;
/** Submissions that a run may be ahead of the device. */
const AHEAD = 2;

/** A tensor on the device, for as long as somebody refers to it. */
class DeviceTensor {
  readonly type: TensorType;
  readonly block: Block;
  /** The same elements on the host, where they came from there. */
  readonly host: TypedArray | undefined;
  #references = 1;
  #end: (() => void) | undefined;

  constructor(type: TensorType, block: Block, host: TypedArray | undefined, end: () => void) {
    this.type = type;
    this.block = block;
    this.host = host;
    this.#end = end;
  }

  get bytes(): number {
    return deviceBytes(this.type);
  }

  refer(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (--this.#references > 0) return;
    this.#end?.();
    this.#end = undefined;
  }

  /** Takes the block for good: what ends the tensor does not end the block. */
  disown(): void {
    this.#end = undefined;
  }
}

function deviceBytes({ dtype, shape }: TensorType): number {
  return sizeOf(shape) * WORD_BYTES[elementOf(dtype)];
}

/** One run of a plan. */
export class Run {
  readonly device: Device;
  readonly memory: DeviceMemory;
  readonly recorder: Recorder;
  readonly checkpoint: Checkpoint;
  readonly #pinned: Resident[] = [];
  /** Arrays that stay where they are until the run is done: a loop sends its body's constants each time. */
  readonly #lasting = new Map<TypedArray, DeviceTensor>();
  /** Blocks that nobody has given back yet. */
  readonly #owned = new Set<Block>();
  readonly #ahead: Promise<undefined>[] = [];
  #flops = 0;

  constructor(device: Device, memory: DeviceMemory, checkpoint: Checkpoint) {
    this.device = device;
    this.memory = memory;
    this.checkpoint = checkpoint;
    this.recorder = new Recorder(device, memory);
  }

  /** A tensor that the next commands write. */
  make(type: TensorType): DeviceTensor {
    return this.#own(type, this.scratch(deviceBytes(type)), undefined);
  }

  /** A block that the next commands write. */
  scratch(bytes: number): Block {
    const block = this.recorder.take(bytes);
    this.#owned.add(block);
    return block;
  }

  /** Ends a block that no later command reads. */
  end(block: Block): void {
    this.#owned.delete(block);
    this.recorder.retire(block);
  }

  /** An array of the host on the device; sent, unless it lies there. */
  send(type: TensorType, array: TypedArray, isLasting = array.byteLength >= RESIDENT_BYTES): DeviceTensor {
    const known = this.#lasting.get(array);
    if (known) return known.refer();
    const resident = this.memory.residents.pin(array);
    if (resident) return this.#last(type, array, resident);
    // Written before any command that is not submitted yet: no block of theirs may be taken.
    const block = takeBlock(this.memory, deviceBytes(type));
    const words = wordsOf(array);
    this.device.gpu.queue.writeBuffer(block.buffer, 0, words);
    this.memory.moved.sent += words.byteLength;
    if (isLasting) return this.#last(type, array, this.memory.residents.keep(array, block, 1));
    this.#owned.add(block);
    return this.#own(type, block, array);
  }

  #last(type: TensorType, array: TypedArray, resident: Resident): DeviceTensor {
    this.#pinned.push(resident);
    const tensor = new DeviceTensor(type, resident.block, array, () => {});
    this.#lasting.set(array, tensor);
    return tensor.refer();
  }

  /** Tensors as arrays of the host, in memory of their own. */
  async fetch(tensors: readonly DeviceTensor[], allocate: (type: TensorType) => TypedArray): Promise<TypedArray[]> {
    const offsets: number[] = [];
    let bytes = 0;
    for (const tensor of tensors) {
      offsets.push(bytes);
      bytes += Math.ceil(tensor.bytes / 8) * 8;
    }
    if (bytes === 0) {
      this.recorder.submit();
      return tensors.map(({ type }) => allocate(type));
    }
    const staging = takeStaging(this.memory, bytes);
    try {
      tensors.forEach(({ block, bytes }, i) => {
        this.recorder.copy(block.buffer, 0, staging.buffer, offsets[i] as number, bytes);
      });
      this.recorder.submit();
      this.#flops = 0;
      await staging.buffer.mapAsync(1, 0, bytes);
      const mapped = staging.buffer.getMappedRange(0, bytes);
      const arrays = tensors.map(({ type }, i) => {
        const array = allocate(type);
        fill(array, mapped, offsets[i] as number);
        return array;
      });
      staging.buffer.unmap();
      this.memory.moved.fetched += bytes;
      return arrays;
    } finally {
      // A buffer that could not be mapped is not used again.
      if (this.device.fault) staging.buffer.destroy();
      else this.memory.staging.give(staging);
    }
  }

  /** Called between steps: submits what was recorded when there is much of it, and ends the run when it must end. */
  async pace(flops: number): Promise<void> {
    this.#flops += flops;
    const most = this.device.report.software ? SOFTWARE_FLOPS : SUBMIT.flops;
    if (this.recorder.commands < SUBMIT.commands && this.#flops < most) return;
    this.recorder.submit();
    this.#flops = 0;
    this.#ahead.push(this.device.gpu.queue.onSubmittedWorkDone());
    if (this.#ahead.length > AHEAD) await this.#ahead.shift();
    this.device.check();
    this.checkpoint.check();
  }

  /** Hands a tensor's block to an array of the host that has its elements. */
  keep(array: TypedArray, tensor: DeviceTensor): void {
    if (tensor.host || array.byteLength < RESIDENT_BYTES || !this.#owned.delete(tensor.block)) return;
    tensor.disown();
    this.memory.residents.keep(array, tensor.block);
  }

  /** Gives back all that the run holds. */
  finish(): void {
    this.recorder.discard();
    for (const block of this.#owned) this.memory.tensors.give(block);
    this.#owned.clear();
    for (const resident of this.#pinned) this.memory.residents.unpin(resident);
    this.#pinned.length = 0;
  }

  #own(type: TensorType, block: Block, host: TypedArray | undefined): DeviceTensor {
    return new DeviceTensor(type, block, host, () => this.end(block));
  }
}

function takeStaging(memory: DeviceMemory, bytes: number): Block {
  const block = memory.staging.take(bytes);
  if (!block) throw new Error(`no staging buffer of ${bytes} bytes`);
  return block;
}

/** An array as the device stores it. */
function wordsOf(array: TypedArray): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  if (array instanceof Float32Array || array instanceof Int32Array) return array as Float32Array<ArrayBuffer>;
  if (array instanceof Uint8Array) return Int32Array.from(array);
  throw new Error(`${array.constructor.name} is not stored on the gpu`);
}

function fill(array: TypedArray, mapped: ArrayBuffer, offset: number): void {
  if (array instanceof Float32Array) array.set(new Float32Array(mapped, offset, array.length));
  else (array as Int32Array | Uint8Array).set(new Int32Array(mapped, offset, array.length));
}

/** What a step does in a run. */
type Dispatch = (run: Run, tensors: (DeviceTensor | undefined)[]) => Promise<void> | void;

interface Bound {
  readonly step: Step;
  readonly dispatch: Dispatch;
  /** Buffers that no later step reads. */
  readonly last: readonly BufferId[];
}

/** A plan made ready for a device. */
export class DevicePlan {
  readonly plan: Plan;
  readonly #device: Device;
  readonly #options: RoutineOptions;
  readonly #steps: readonly Bound[];
  readonly #pending: Promise<unknown>[] = [];
  readonly #within: DevicePlan[] = [];
  #ready: Promise<void> | undefined;

  constructor(plan: Plan, device: Device, options: RoutineOptions) {
    this.plan = plan;
    this.#device = device;
    this.#options = options;
    const last = lastUses(plan);
    this.#steps = plan.steps.map((step, at) => ({ step, dispatch: this.#bind(step), last: last[at] as BufferId[] }));
  }

  /** Waits until all code is compiled. */
  ready(): Promise<void> {
    this.#ready ??= Promise.all([...this.#pending, ...this.#within.map((plan) => plan.ready())]).then(() => {});
    return this.#ready;
  }

  /** The outputs, each referred to once more for the caller. */
  async execute(run: Run, inputs: readonly DeviceTensor[]): Promise<DeviceTensor[]> {
    const { buffers, outputs } = this.plan;
    const tensors: (DeviceTensor | undefined)[] = buffers.map(({ type, place }) => {
      if (place.kind === 'input') return inputs[place.index]?.refer();
      return place.kind === 'constant' ? run.send(type, place.data, true) : undefined;
    });
    const kept = new Set(outputs);
    for (const { step, dispatch, last } of this.#steps) {
      run.checkpoint.check();
      const done = dispatch(run, tensors);
      if (done) await done;
      for (const id of last)
        if (!kept.has(id)) {
          tensors[id]?.release();
          tensors[id] = undefined;
        }
      await run.pace(flopsOf(step));
    }
    const results = outputs.map((id) => (tensors[id] as DeviceTensor).refer());
    for (const tensor of tensors) tensor?.release();
    return results;
  }

  #bind(step: Step): Dispatch {
    switch (step.kind) {
      case 'kernel':
        return this.#bindKernel(step);
      case 'band':
        throw new Error('bands are not run on the gpu');
      case 'routine':
        return this.#bindRoutine(step);
      case 'branch': {
        const branches = step.plans.map((plan) => this.#inner(plan));
        return async (run, tensors) => {
          const [selector, ...inputs] = pick(tensors, step.inputs) as [DeviceTensor, ...DeviceTensor[]];
          const [value] = selector.host ? [selector.host] : await run.fetch([selector], newArray);
          run.checkpoint.check();
          const chosen = Math.min(Math.max(Number(value?.[0]), 0), branches.length - 1);
          const outputs = await (branches[chosen] as DevicePlan).execute(run, inputs);
          assign(tensors, step.outputs, outputs);
        };
      }
      case 'loop':
        return this.#bindLoop(step);
      default:
        return step satisfies never;
    }
  }

  #inner(plan: Plan): DevicePlan {
    const inner = new DevicePlan(plan, this.#device, this.#options);
    this.#within.push(inner);
    return inner;
  }

  #typeOf(id: BufferId): TensorType {
    return (this.plan.buffers[id] as { type: TensorType }).type;
  }

  /** Compiled while the plan is being loaded; waited for before it is run. */
  #compile(pipeline: Promise<Pipeline>): () => Pipeline {
    let compiled: Pipeline | undefined;
    const pending = pipeline.then((made) => {
      compiled = made;
    });
    pending.catch(() => {});
    this.#pending.push(pending);
    return () => compiled as Pipeline;
  }

  #bindKernel(step: Extract<Step, { kind: 'kernel' }>): Dispatch {
    const { kernel, reads } = step;
    const make = (run: Run): DeviceTensor[] => step.outputs.map((id) => run.make(this.#typeOf(id)));
    if (kernel.space.includes(0)) return (run, tensors) => assign(tensors, step.outputs, make(run));
    const { passes, parts } = renderKernel(kernel, reads);
    const sizes = (ids: readonly BufferId[]): number[] => ids.map((id) => sizeOf(this.#typeOf(id).shape));
    const partSizes = parts.map(({ size }) => size);
    const bound = passes.map((pass, i) => {
      const isLast = i === passes.length - 1;
      return new BoundPass(
        pass,
        isLast ? [...sizes(step.inputs), ...partSizes] : sizes(step.inputs),
        isLast ? sizes(step.outputs) : partSizes,
        this.#device,
        (pipeline) => this.#compile(pipeline),
      );
    });
    return (run, tensors) => {
      const inputs = pick(tensors, step.inputs).map(({ block }) => block);
      const partBlocks = parts.map(({ element, size }) => run.scratch(size * WORD_BYTES[element]));
      const outputs = make(run);
      bound.forEach((pass, i) => {
        const isLast = i === bound.length - 1;
        const reads = isLast ? [...inputs, ...partBlocks] : inputs;
        pass.dispatch(run, reads, isLast ? outputs.map(({ block }) => block) : partBlocks);
      });
      for (const block of partBlocks) run.end(block);
      assign(tensors, step.outputs, outputs);
    };
  }

  #bindRoutine(step: Extract<Step, { kind: 'routine' }>): Dispatch {
    const { routine } = step;
    const own = deviceRoutine(
      routine,
      step.inputs.map((id) => this.#typeOf(id).dtype),
      this.#options,
    );
    if (!own || step.outputs.length > 1) return this.#onHost(step, routine);
    const pipeline = this.#compile(this.#device.module(own.wgsl, step.inputs.length, 1));
    return (run, tensors) => {
      const inputs = pick(tensors, step.inputs);
      const output = run.make(this.#typeOf(step.outputs[0] as BufferId));
      run.recorder.dispatch(
        pipeline(),
        [...inputs, output].map(({ block }) => block.buffer),
        own.groups,
      );
      assign(tensors, step.outputs, [output]);
    };
  }

  /** A routine by its own definition, between two submissions. */
  #onHost(step: Extract<Step, { kind: 'routine' }>, routine: Routine): Dispatch {
    return async (run, tensors) => {
      const inputs = pick(tensors, step.inputs);
      const missing = inputs.filter(({ host }) => !host);
      const fetched = missing.length > 0 ? await run.fetch(missing, newArray) : [];
      run.checkpoint.check();
      let next = 0;
      const arrays = inputs.map(({ host }) => host ?? (fetched[next++] as TypedArray));
      const outputs = step.outputs.map((id) => newArray(this.#typeOf(id)));
      routine.run(arrays, outputs);
      assign(
        tensors,
        step.outputs,
        outputs.map((array, i) => run.send(this.#typeOf(step.outputs[i] as BufferId), array, false)),
      );
    };
  }

  #bindLoop(step: Extract<Step, { kind: 'loop' }>): Dispatch {
    const { constants, carried, trips, reverse } = step;
    const body = this.#inner(step.body);
    return async (run, tensors) => {
      const inputs = pick(tensors, step.inputs);
      const fixed = inputs.slice(0, constants);
      const stacks = inputs.slice(constants + carried);
      const stacked = step.outputs.slice(carried).map((id) => run.make(this.#typeOf(id)));
      let state = inputs.slice(constants, constants + carried).map((tensor) => tensor.refer());
      for (let trip = 0; trip < trips; trip++) {
        run.checkpoint.check();
        const at = reverse ? trips - 1 - trip : trip;
        const slices = stacks.map((stack, i) => {
          const row = run.make(step.body.inputs[constants + carried + i] as TensorType);
          run.recorder.copy(stack.block.buffer, at * row.bytes, row.block.buffer, 0, row.bytes);
          return row;
        });
        const results = await body.execute(run, [...fixed, ...state, ...slices]);
        for (const tensor of [...state, ...slices]) tensor.release();
        state = results.slice(0, carried);
        results.slice(carried).forEach((row, i) => {
          run.recorder.copy(row.block.buffer, 0, (stacked[i] as DeviceTensor).block.buffer, at * row.bytes, row.bytes);
          row.release();
        });
      }
      assign(tensors, step.outputs, [...state, ...stacked]);
    };
  }
}

/** A buffer of a pass, whatever tensor lies in it. */
interface Slot {
  readonly element: Element;
  readonly size: number;
}

/** A pass with its pipeline, and how its buffers are bound: those over the device's limit travel in one buffer. */
class BoundPass {
  readonly #pass: Pass;
  readonly #pipeline: () => Pipeline;
  readonly #reads: Packing;
  readonly #writes: Packing;

  constructor(
    pass: Pass,
    readSizes: readonly number[],
    writeSizes: readonly number[],
    device: Device,
    compile: (pipeline: Promise<Pipeline>) => () => Pipeline,
  ) {
    this.#pass = pass;
    const used = pass.reads.map((_, i) => pass.source.includes(`a${i}(`));
    const reads = used.filter(Boolean).length;
    const most = device.maxBuffers;
    const isOver = reads + pass.writes.length > most;
    const forWrites = isOver ? Math.min(pass.writes.length, most >> 1) : pass.writes.length;
    this.#writes = packing(
      slots(pass.writes, writeSizes),
      pass.writes.map(() => true),
      forWrites,
    );
    this.#reads = packing(slots(pass.reads, readSizes), used, isOver ? most - forWrites : reads);
    this.#pipeline = compile(device.pipeline(pass, this.#reads.bindings, this.#writes.bindings));
  }

  dispatch(run: Run, reads: readonly Block[], writes: readonly Block[]): void {
    const from = this.#reads.bytes > 0 ? run.scratch(this.#reads.bytes) : undefined;
    const to = this.#writes.bytes > 0 ? run.scratch(this.#writes.bytes) : undefined;
    for (const { index, offset, bytes } of this.#reads.packed)
      run.recorder.copy((reads[index] as Block).buffer, 0, (from as Block).buffer, offset, bytes);
    const buffers = [
      ...this.#reads.own.map((index) => reads[index] as Block),
      ...(from ? [from] : []),
      ...this.#writes.own.map((index) => writes[index] as Block),
      ...(to ? [to] : []),
    ];
    run.recorder.dispatch(
      this.#pipeline(),
      buffers.map(({ buffer }) => buffer),
      [...groupsFor(this.#pass), 1],
    );
    for (const { index, offset, bytes } of this.#writes.packed)
      run.recorder.copy((to as Block).buffer, offset, (writes[index] as Block).buffer, 0, bytes);
    if (from) run.end(from);
    if (to) run.end(to);
  }
}

function slots(elements: readonly Element[], sizes: readonly number[]): Slot[] {
  return elements.map((element, i) => ({ element, size: sizes[i] as number }));
}

/** How buffers are bound, and what is copied where for those that share one. */
interface Packing {
  readonly bindings: readonly Binding[];
  readonly own: readonly number[];
  readonly packed: readonly { readonly index: number; readonly offset: number; readonly bytes: number }[];
  /** Bytes of the shared buffer. */
  readonly bytes: number;
}

/** Binds the first of the used buffers on their own and the others together, so that no more than `most` are bound. */
function packing(all: readonly Slot[], used: readonly boolean[], most: number): Packing {
  const wanted = all.flatMap((_, i) => (used[i] ? [i] : []));
  const own = wanted.length <= most ? wanted : wanted.slice(0, most - 1);
  let words = 0;
  const packed = wanted.slice(own.length).map((index) => {
    const { element, size } = all[index] as Slot;
    const offset = 4 * words;
    words += (size * WORD_BYTES[element]) / 4;
    return { index, offset, bytes: size * WORD_BYTES[element] };
  });
  const bindings = all.map((_, i): Binding => {
    if (own.includes(i)) return { kind: 'own' };
    const place = packed.find(({ index }) => index === i);
    return place ? { kind: 'packed', offset: place.offset / 4 } : { kind: 'unused' };
  });
  return { bindings, own, packed, bytes: packed.length > 0 ? Math.max(4, 4 * words) : 0 };
}

function pick(tensors: readonly (DeviceTensor | undefined)[], ids: readonly BufferId[]): DeviceTensor[] {
  return ids.map((id) => tensors[id] as DeviceTensor);
}

function assign(
  tensors: (DeviceTensor | undefined)[],
  ids: readonly BufferId[],
  values: readonly DeviceTensor[],
): void {
  ids.forEach((id, i) => {
    tensors[id] = values[i];
  });
}

function newArray({ dtype, shape }: TensorType): TypedArray {
  return allocateArray(dtype, sizeOf(shape));
}

/** For each step, the buffers that neither it nor a later one reads again. */
function lastUses({ steps }: Plan): BufferId[][] {
  const last = new Map<BufferId, number>();
  steps.forEach((step, at) => {
    for (const id of [...step.inputs, ...step.outputs]) last.set(id, at);
  });
  const byStep: BufferId[][] = steps.map(() => []);
  for (const [id, at] of last) (byStep[at] as BufferId[]).push(id);
  return byStep;
}

/** Scalar operations that a step records; those of plans within are counted there. */
function flopsOf(step: Step): number {
  switch (step.kind) {
    case 'kernel':
      return step.kernel.flops;
    case 'routine':
      return step.routine.flops;
    case 'band':
    case 'branch':
    case 'loop':
      return 0;
    default:
      return step satisfies never;
  }
}

/** The outputs of a run as arrays of the host: those that came from there are what they were. */
export async function fetchOutputs(run: Run, outputs: readonly DeviceTensor[], memory: Memory): Promise<TypedArray[]> {
  const unique = [...new Set(outputs)].filter(({ host }) => !host);
  const arrays = await run.fetch(unique, (type) => memory.tensor(type));
  const byTensor = new Map(unique.map((tensor, i) => [tensor, arrays[i] as TypedArray]));
  for (const [tensor, array] of byTensor) run.keep(array, tensor);
  return outputs.map((tensor) => tensor.host ?? (byTensor.get(tensor) as TypedArray));
}

export type { DeviceTensor };
