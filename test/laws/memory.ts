/** @file What plans promise of memory, and backends that hold them to it. */
import type { Backend, Memory } from '../../engine/backends/backend.ts';
import type { Plan, Step } from '../../engine/compile/plan.ts';
import { bytesOf, sizeOf, viewArray } from '../../engine/types.ts';

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

function inMemory(backend: Backend, block: Memory['block']): Backend {
  const memory: Memory = {
    block,
    tensor: (type) => viewArray(type.dtype, block(bytesOf(type)), 0, sizeOf(type.shape)),
  };
  return { ...backend, load: (plan) => backend.load(plan, memory) };
}

/** Whether a plan holds plans of its own. */
export function hasSubplans(plan: Plan): boolean {
  return plan.steps.some((step) => subplans(step).length > 0);
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
