/** @file Memory: intermediate buffers share one arena; a buffer's bytes are used again once its last reader has run. */

import { poll } from '../interrupt.ts';

interface Uses {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Inputs that an output of the same size may take the place of. */
  readonly inPlace?: ReadonlySet<number>;
}

/** Buffers start at multiples of a cache line, which every dtype and vector width divides. */
const ALIGNMENT = 64;

/** Bytes up to where the next buffer may start. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Offsets of the buffers that have a size, in bytes, and the size of all. */
export function assignOffsets(
  steps: readonly Uses[],
  sizes: ReadonlyMap<number, number>,
): { readonly offsets: ReadonlyMap<number, number>; readonly size: number } {
  const lastUse = new Map<number, number>();
  steps.forEach((step, at) => {
    poll();
    for (const id of [...step.inputs, ...step.outputs]) lastUse.set(id, at);
  });
  const offsets = new Map<number, number>();
  const free = new FreeBlocks();
  /** What another lies in the place of. */
  const taken = new Set<number>();
  let end = 0;
  steps.forEach((step, at) => {
    poll();
    for (const id of step.outputs) {
      const bytes = sizes.get(id);
      if (bytes === undefined || offsets.has(id)) continue;
      const heir = [...(step.inPlace ?? [])].find(
        (input) => sizes.get(input) === bytes && lastUse.get(input) === at && !taken.has(input),
      );
      if (heir !== undefined) {
        taken.add(heir);
        offsets.set(id, offsets.get(heir) as number);
        continue;
      }
      const size = aligned(bytes);
      const reused = free.take(size);
      offsets.set(id, reused ?? end);
      if (reused === undefined) end += size;
    }
    for (const id of new Set([...step.inputs, ...step.outputs]))
      if (sizes.has(id) && lastUse.get(id) === at && !taken.has(id))
        free.give(offsets.get(id) as number, aligned(sizes.get(id) as number));
  });
  return { offsets, size: end };
}

/** Free blocks by size, taken best fit first; what is left of a larger block stays free. */
class FreeBlocks {
  readonly #sizes: number[] = [];
  readonly #offsets = new Map<number, number[]>();

  give(offset: number, size: number): void {
    if (size === 0) return;
    const known = this.#offsets.get(size);
    if (known) {
      known.push(offset);
      return;
    }
    this.#offsets.set(size, [offset]);
    this.#sizes.splice(this.#firstAtLeast(size), 0, size);
  }

  take(size: number): number | undefined {
    if (size === 0) return 0;
    const place = this.#firstAtLeast(size);
    const found = this.#sizes[place];
    if (found === undefined) return undefined;
    const offsets = this.#offsets.get(found) as number[];
    const offset = offsets.pop() as number;
    if (offsets.length === 0) {
      this.#offsets.delete(found);
      this.#sizes.splice(place, 1);
    }
    this.give(offset + size, found - size);
    return offset;
  }

  #firstAtLeast(size: number): number {
    let low = 0;
    let high = this.#sizes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sizes[middle] as number) < size) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
