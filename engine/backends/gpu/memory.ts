/**
 * @file Memory of the device: a pool of buffers, and which arrays of the host lie in it already.
 *
 * Every buffer that comes from the pool is written as far as it is read: kernels write all elements of their outputs, and
 * uploads all of an array. What another run left in it is never read.
 */
import type { TypedArray } from '../../types.ts';
import { type Device, GpuError } from './device.ts';

/** A buffer of the pool. */
export interface Block {
  readonly buffer: GPUBuffer;
  readonly size: number;
}

/** Numbers that the WebGPU standard fixes. */
export const USAGE = { mapRead: 1, copySource: 4, copyTarget: 8, storage: 128 } as const;

/** What a buffer for tensors may be used for. */
const TENSOR = USAGE.storage | USAGE.copySource | USAGE.copyTarget;

const SMALLEST = 256;

/** Sizes of blocks: powers of two and the three quarter steps between them, so that blocks are used again. */
function classOf(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const quarter = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / quarter) * quarter;
}

/** Buffers of one usage that are used again. */
export class Pool {
  readonly #device: Device;
  readonly #usage: number;
  readonly #free = new Map<number, Block[]>();
  readonly #limit: number;
  #held = 0;
  #idle = 0;

  constructor(device: Device, limit: number, usage: number = TENSOR) {
    this.#device = device;
    this.#limit = limit;
    this.#usage = usage;
  }

  /** Bytes of all buffers, those that wait to be used again too. */
  get held(): number {
    return this.#held;
  }

  /** Bytes of the buffers that are in use. */
  get used(): number {
    return this.#held - this.#idle;
  }

  /** Bytes that may be held. */
  get limit(): number {
    return this.#limit;
  }

  /** A buffer of at least so many bytes, or nothing where the limit does not allow one. */
  take(bytes: number): Block | undefined {
    const size = classOf(bytes);
    const known = this.#free.get(size)?.pop();
    if (known) {
      this.#idle -= size;
      return known;
    }
    if (this.#held + size > this.#limit) this.trim();
    if (this.#held + size > this.#limit || size > this.#device.report.largestBuffer) return undefined;
    const buffer = this.#device.gpu.createBuffer({ size, usage: this.#usage });
    this.#held += size;
    return { buffer, size };
  }

  /** Takes a buffer back. */
  give(block: Block): void {
    const known = this.#free.get(block.size);
    if (known) known.push(block);
    else this.#free.set(block.size, [block]);
    this.#idle += block.size;
  }

  /** Frees the buffers that nobody uses. */
  trim(): void {
    for (const blocks of this.#free.values())
      for (const { buffer, size } of blocks) {
        buffer.destroy();
        this.#held -= size;
      }
    this.#free.clear();
    this.#idle = 0;
  }
}

/** An array of the host that lies on the device. */
export interface Resident {
  readonly block: Block;
  readonly key: WeakRef<TypedArray>;
  /** Runs that read it now. */
  pins: number;
  isGone: boolean;
}

/** Which arrays lie on the device, by identity: the least recently read leave first. */
export class Residents {
  readonly #pool: Pool;
  readonly #limit: number;
  readonly #byArray = new WeakMap<TypedArray, Resident>();
  readonly #order = new Set<Resident>();
  readonly #collected = new FinalizationRegistry<Resident>((resident) => this.#drop(resident));
  #bytes = 0;

  constructor(pool: Pool, limit: number) {
    this.#pool = pool;
    this.#limit = limit;
  }

  /** Bytes of arrays that lie on the device. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether an array lies on the device. */
  has(array: TypedArray): boolean {
    return this.#byArray.has(array);
  }

  /** Where an array lies, if it does; it stays until it is unpinned. */
  pin(array: TypedArray): Resident | undefined {
    const resident = this.#byArray.get(array);
    if (!resident) return undefined;
    resident.pins++;
    this.#order.delete(resident);
    this.#order.add(resident);
    return resident;
  }

  /** Ends a pin. */
  unpin(resident: Resident): void {
    resident.pins--;
    if (resident.isGone && resident.pins === 0) this.#pool.give(resident.block);
  }

  /** Keeps a block that holds an array's elements, with so many pins. */
  keep(array: TypedArray, block: Block, pins = 0): Resident {
    this.forget(array);
    const resident: Resident = { block, key: new WeakRef(array), pins, isGone: false };
    this.#byArray.set(array, resident);
    this.#order.add(resident);
    this.#collected.register(array, resident, resident);
    this.#bytes += block.size;
    for (const oldest of this.#order) {
      if (this.#bytes <= this.#limit) break;
      if (oldest.pins === 0) this.#drop(oldest);
    }
    return resident;
  }

  /** Says that an array's elements are another's from now on. */
  forget(array: TypedArray): void {
    const resident = this.#byArray.get(array);
    if (resident) this.#drop(resident);
  }

  /** Frees what no run reads. */
  clear(): void {
    for (const resident of [...this.#order]) if (resident.pins === 0) this.#drop(resident);
  }

  #drop(resident: Resident): void {
    if (resident.isGone) return;
    resident.isGone = true;
    this.#order.delete(resident);
    this.#bytes -= resident.block.size;
    this.#collected.unregister(resident);
    const array = resident.key.deref();
    if (array && this.#byArray.get(array) === resident) this.#byArray.delete(array);
    if (resident.pins === 0) this.#pool.give(resident.block);
  }
}

/** The memory of a device. */
export interface DeviceMemory {
  /** Bytes sent to the device and fetched from it so far. */
  readonly moved: { sent: number; fetched: number };
  readonly tensors: Pool;
  readonly staging: Pool;
  readonly residents: Residents;
  /** Fills what runs take with a pattern that as a float is NaN: what is read before it is written shows. */
  readonly isPoisoned: boolean;
}

/** A buffer for a tensor; throws where there is no memory left. */
export function takeBlock({ tensors, residents }: DeviceMemory, bytes: number): Block {
  const block = tensors.take(bytes);
  if (block) return block;
  residents.clear();
  tensors.trim();
  const other = tensors.take(bytes);
  if (other) return other;
  throw new GpuError(
    'out_of_memory',
    `no buffer of ${bytes} bytes: ${tensors.used} of ${tensors.limit} bytes of the device's memory are in use`,
  );
}
