/**
 * @file Memory for native code: aligned to cache lines, in large pages where the system has them, and used again when
 * it is given back, since fresh pages cost more than most computations that write to them.
 */
import { platform } from 'node:os';
import koffi from 'koffi';
import { allocateArray, bytesOf, sizeOf, type TensorType, type TypedArray, viewArray } from '../../types.ts';
import type { Memory } from '../backend.ts';

/** Tensors below this are left to the engine's own heap. */
const POOLED_BYTES = 2 ** 16;
/** Blocks of at least this size are asked to lie in large pages. */
const LARGE_BYTES = 2 ** 21;
const ALIGNMENT = 64;
const PAGE = 4096;

/** Memory that may be given back. */
export interface PooledMemory extends Memory {
  /** Takes back what `tensor` gave; anything else is left alone. Nobody may use it any more. */
  release(tensors: readonly TypedArray[]): void;
}

/** Memory that keeps at most this many bytes of what was given back. */
export function pooledMemory(mostBytes: number): PooledMemory {
  return new Pool(mostBytes);
}

class Pool implements PooledMemory {
  readonly #most: number;
  /** Buffers given back, by their size; the size given back first goes first. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  block(bytes: number): ArrayBuffer {
    const block = new ArrayBuffer(bytes);
    if (bytes >= LARGE_BYTES) askForLargePages(block);
    return block;
  }

  tensor(type: TensorType): TypedArray {
    const bytes = bytesOf(type);
    if (bytes < POOLED_BYTES) return allocateArray(type.dtype, sizeOf(type.shape));
    const size = bytes + ALIGNMENT;
    const block = this.#take(size) ?? this.block(size);
    this.#lent.add(block);
    return viewArray(type.dtype, block, padding(block), sizeOf(type.shape));
  }

  release(tensors: readonly TypedArray[]): void {
    for (const { buffer } of tensors) {
      // Once: a second giving back would lend the same memory to two.
      if (!this.#lent.delete(buffer)) continue;
      const list = this.#free.get(buffer.byteLength);
      if (list) list.push(buffer as ArrayBuffer);
      else this.#free.set(buffer.byteLength, [buffer as ArrayBuffer]);
      this.#bytes += buffer.byteLength;
    }
    this.#trim();
  }

  #take(size: number): ArrayBuffer | undefined {
    const list = this.#free.get(size);
    const block = list?.pop();
    if (!block) return undefined;
    if (list?.length === 0) this.#free.delete(size);
    this.#bytes -= size;
    return block;
  }

  #trim(): void {
    while (this.#bytes > this.#most) {
      const [size] = this.#free.keys();
      this.#take(size as number);
    }
  }
}

/** How far a buffer's first multiple of a cache line is from its start. */
function padding(block: ArrayBuffer): number {
  return Number(-koffi.address(block) & BigInt(ALIGNMENT - 1));
}

type Advise = (address: bigint, bytes: number, advice: number) => number;

const MADV_HUGEPAGE = 14;
let advise: Advise | undefined | null = null;

function askForLargePages(block: ArrayBuffer): void {
  if (advise === null) advise = platform() === 'linux' ? openAdvise() : undefined;
  if (!advise) return;
  const start = koffi.address(block);
  const first = (start + BigInt(PAGE - 1)) & ~BigInt(PAGE - 1);
  const bytes = (block.byteLength - Number(first - start)) & ~(PAGE - 1);
  // A system without large pages refuses, and nothing is lost.
  advise(first, bytes, MADV_HUGEPAGE);
}

function openAdvise(): Advise | undefined {
  try {
    return koffi.load(null).func('int madvise(void* address, size_t bytes, int advice)');
  } catch {
    return undefined;
  }
}
