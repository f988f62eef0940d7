/** @file What plans promise of memory, and backends that hold them to it. */
import koffi from 'koffi';
import type { Backend, Memory } from '../../engine/backends/backend.ts';
import type { Plan, Step } from '../../engine/compile/plan.ts';
import { BYTES, bytesOf, sizeOf, type TensorType, type TypedArray, viewArray } from '../../engine/types.ts';

/** The backend with every fresh storage full of garbage: what is read before it is written shows in the result. */
export function poisoned(backend: Backend): Backend {
  // As a float this is NaN.
  return inMemory(backend, (bytes) => new Uint8Array(bytes).fill(0xff).buffer);
}

/** The backend with a count of the bytes it held: what it took, and the inputs it was given. */
export function counted(backend: Backend): { readonly backend: Backend; bytes(): number } {
  let bytes = 0;
  const taking = inMemory(backend, (size) => {
    bytes += size;
    return new ArrayBuffer(size);
  });
  return {
    bytes: () => bytes,
    backend: {
      ...taking,
      load: (plan) => {
        const loaded = taking.load(plan);
        return {
          backend: loaded.backend,
          run: (inputs, checkpoint) => {
            for (const { byteLength } of inputs) bytes += byteLength;
            return loaded.run(inputs, checkpoint);
          },
        };
      },
    },
  };
}

/** Bytes that nobody may write, on each side of a storage. */
const MARGIN = 64;
const CANARY = 0xa5;

/**
 * The backend with all storage between canaries, inputs too, at multiples of the elements' size and of nothing larger.
 * A run that writes beside its storage, or to its inputs, throws.
 */
export function guarded(backend: Backend): Backend {
  const guards: { readonly before: Uint8Array; readonly after: Uint8Array }[] = [];
  const storage = (bytes: number, unit: number): { readonly buffer: ArrayBuffer; readonly start: number } => {
    const whole = new Uint8Array(bytes + 3 * MARGIN).fill(CANARY);
    const start = 2 * MARGIN - Number(koffi.address(whole) % BigInt(MARGIN)) + unit;
    guards.push({ before: whole.subarray(0, start), after: whole.subarray(start + bytes) });
    return { buffer: whole.buffer, start };
  };
  const tensor = ({ dtype, shape }: TensorType): TypedArray => {
    const size = sizeOf(shape);
    const { buffer, start } = storage(size * BYTES[dtype], BYTES[dtype]);
    return viewArray(dtype, buffer, start, size);
  };
  const block = (bytes: number): ArrayBuffer => {
    const { buffer, start } = storage(bytes, 8);
    // A buffer of its own over a part of the larger one, which the guards keep.
    return bytes === 0 ? new ArrayBuffer(0) : koffi.view(koffi.address(buffer) + BigInt(start), bytes);
  };
  return {
    ...backend,
    load: (plan) => {
      const loaded = backend.load(plan, { block, tensor });
      return {
        backend: loaded.backend,
        run: (inputs, checkpoint) => {
          const given = inputs.map((data, i) => {
            const own = tensor(plan.inputs[i] as TensorType);
            (own as Uint8Array).set(data as Uint8Array);
            return own;
          });
          const outputs = loaded.run(given, checkpoint);
          for (const side of guards.flatMap(({ before, after }) => [before, after]))
            if (side.some((byte) => byte !== CANARY)) throw new Error('a run wrote beside its storage');
          given.forEach((data, i) => {
            if (Buffer.compare(bytesOfArray(data), bytesOfArray(inputs[i] as TypedArray)) !== 0)
              throw new Error(`a run wrote to input ${i}`);
          });
          return outputs;
        },
      };
    },
  };
}

/** An array's bytes. */
export function bytesOfArray({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function inMemory(backend: Backend, block: Memory['block']): Backend {
  const memory: Memory = {
    block,
    tensor: (type) => viewArray(type.dtype, block(bytesOf(type)), 0, sizeOf(type.shape)),
  };
  return { ...backend, load: (plan) => backend.load(plan, memory) };
}

function subplans(step: Step): readonly Plan[] {
  switch (step.kind) {
    case 'branch':
      return step.plans;
    case 'loop':
      return [step.body];
    case 'kernel':
    case 'routine':
    case 'band':
      return [];
    default:
      return step satisfies never;
  }
}

interface Span {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly firstUse: number;
  lastUse: number;
}

/** Throws unless buffers are written before they are read, and no two that are alive share a byte of the arena. */
export function checkPlan(plan: Plan): void {
  const spans = new Map<number, Span>();
  plan.steps.forEach((step, at) => {
    subplans(step).forEach(checkPlan);
    for (const id of step.inputs) {
      if (plan.buffers[id]?.place.kind !== 'arena') continue;
      const span = spans.get(id);
      if (!span) throw new Error(`step ${at} reads buffer ${id}, which nothing has written`);
      span.lastUse = at;
    }
    for (const id of step.outputs) {
      const buffer = plan.buffers[id];
      if (!buffer || buffer.place.kind === 'input')
        throw new Error(`step ${at} writes buffer ${id}, which is an input`);
      if (buffer.place.kind !== 'arena') continue;
      if (spans.has(id)) throw new Error(`step ${at} writes buffer ${id} again`);
      const from = buffer.place.offset;
      const span = { id, from, to: from + bytesOf(buffer.type), firstUse: at, lastUse: at };
      // An input whose place an output has is not read any more.
      for (const input of step.kind === 'kernel' ? step.inPlace : []) {
        const other = spans.get(input);
        if (other && other.from === span.from && other.to === span.to) other.lastUse = at - 1;
      }
      spans.set(id, span);
    }
  });
  checkSpans([...spans.values()], plan.arenaBytes);
}

function checkSpans(spans: readonly Span[], arenaBytes: number): void {
  const end = spans.reduce((most, { to }) => Math.max(most, to), 0);
  if (end > arenaBytes) throw new Error(`a buffer ends at ${end} in an arena of ${arenaBytes} bytes`);
  // Sorted by first use, so that only those still alive are compared.
  let alive: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.firstUse - b.firstUse)) {
    alive = alive.filter(({ lastUse }) => lastUse >= span.firstUse);
    const other = alive.find(({ from, to }) => from < span.to && span.from < to);
    if (other)
      throw new Error(`buffers ${other.id} and ${span.id} share bytes in step ${span.firstUse}, where both are alive`);
    alive.push(span);
  }
}
