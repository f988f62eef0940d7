/**
 * @file Shared memory between two processes: files in memory, in a folder that only this user can open. A file is
 * unlinked as soon as its reader has it open, and used again and again: fresh pages cost more than the copy into them.
 */
import { closeSync, fstatSync, openSync, read, readdirSync, rmSync, statSync, unlinkSync, writev } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { allocate } from '../memory.ts';
import { aligned } from './message.ts';

const readFrom = promisify(read);
const writeTo = promisify(writev);

/** The prefix of our folders; the process that made one is in its name. */
const PREFIX = 'adjoint-';

/** Bytes of files that are kept for later though nobody uses them. */
const SPARE_BYTES = 256 * 2 ** 20;

const PADDING = new Uint8Array(64);

/** A new folder for shared memory. Those that processes left behind that are gone are removed. */
export async function openFolder(): Promise<string> {
  const parent = sharedMemory();
  for (const name of readdirSync(parent)) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(parent, name), { recursive: true, force: true });
  }
  return mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
}

function sharedMemory(): string {
  return statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What the threads that read and write are at, so that no file is closed under them: its number may be another's then. */
class Pending {
  readonly #work = new Set<Promise<unknown>>();

  /** Resolves as `work` does. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work);
    try {
      return await work;
    } finally {
      this.#work.delete(work);
    }
  }

  /** Runs when all is done. */
  afterwards(run: () => void): void {
    if (this.#work.size === 0) run();
    else void Promise.allSettled(this.#work).then(run);
  }
}

interface Segment {
  readonly id: number;
  readonly fd: number;
  readonly bytes: number;
}

/** The files that one side writes. */
export class Written {
  readonly #path: (id: number) => string;
  readonly #all = new Map<number, Segment>();
  readonly #free = new Set<Segment>();
  readonly #pending = new Pending();
  #ids = 0;

  /** `path` says where the file of an id is. */
  constructor(path: (id: number) => string) {
    this.#path = path;
  }

  /** Writes arrays into a file that nobody reads now; resolves to its id, or to `undefined` where there is no room. */
  async write(arrays: readonly NodeJS.ArrayBufferView[], bytes: number): Promise<number | undefined> {
    let segment: Segment | undefined;
    try {
      segment = this.#take(bytes);
      await this.#pending.during(writeAll(segment.fd, arrays));
      return segment.id;
    } catch {
      // A container may have little shared memory; what waits there for its reader needs it more than this.
      if (segment) this.#discard(segment);
      return undefined;
    }
  }

  #discard({ id, fd }: Segment): void {
    this.#all.delete(id);
    closeSync(fd);
    rmSync(this.#path(id), { force: true });
  }

  #take(bytes: number): Segment {
    const fit = [...this.#free].filter((segment) => segment.bytes >= bytes).sort((a, b) => a.bytes - b.bytes)[0];
    if (fit) {
      this.#free.delete(fit);
      return fit;
    }
    const id = ++this.#ids;
    const segment = { id, fd: openSync(this.#path(id), 'wx', 0o600), bytes: 2 ** Math.ceil(Math.log2(bytes)) };
    this.#all.set(id, segment);
    return segment;
  }

  /** The reader is done with a file. Returns the ids of files that will not be used again. */
  release(id: number): number[] {
    const segment = this.#all.get(id);
    if (segment) this.#free.add(segment);
    let spare = 0;
    const retired: number[] = [];
    for (const one of [...this.#free].reverse()) {
      spare += one.bytes;
      if (spare <= SPARE_BYTES) continue;
      this.#free.delete(one);
      this.#all.delete(one.id);
      closeSync(one.fd);
      retired.push(one.id);
    }
    return retired;
  }

  /** Closes all files, and unlinks those that the reader never opened. */
  close(): void {
    this.#pending.afterwards(() => {
      for (const { id, fd } of this.#all.values()) {
        closeSync(fd);
        rmSync(this.#path(id), { force: true });
      }
      this.#all.clear();
      this.#free.clear();
    });
  }
}

async function writeAll(fd: number, arrays: readonly NodeJS.ArrayBufferView[]): Promise<void> {
  let end = 0;
  const parts = arrays.flatMap((array) => {
    const padding = PADDING.subarray(0, aligned(end) - end);
    end = aligned(end) + array.byteLength;
    return padding.length > 0 ? [padding, array] : [array];
  });
  let position = 0;
  // As many at once as the system takes.
  for (let at = 0; at < parts.length; at += 512) {
    let left = parts.slice(at, at + 512).filter(({ byteLength }) => byteLength > 0);
    while (left.length > 0) {
      const { bytesWritten } = await writeTo(fd, left, position);
      position += bytesWritten;
      left = after(left, bytesWritten);
    }
  }
}

/** What is left of parts when their first bytes are gone. */
function after(parts: readonly NodeJS.ArrayBufferView[], bytes: number): NodeJS.ArrayBufferView[] {
  let gone = bytes;
  return parts.flatMap((part) => {
    const skipped = Math.min(gone, part.byteLength);
    gone -= skipped;
    if (skipped === part.byteLength) return [];
    return [new Uint8Array(part.buffer, part.byteOffset + skipped, part.byteLength - skipped)];
  });
}

/** The files that the other side writes, as this one reads them. */
export class Read {
  readonly #path: (id: number) => string;
  readonly #open = new Map<number, number>();
  readonly #pending = new Pending();

  constructor(path: (id: number) => string) {
    this.#path = path;
  }

  /** The first bytes of a file, at the start of a buffer; throws where it is shorter than the other side said. */
  read(id: number, bytes: number): Promise<ArrayBuffer> {
    return this.#pending.during(this.#read(id, bytes));
  }

  async #read(id: number, bytes: number): Promise<ArrayBuffer> {
    let fd = this.#open.get(id);
    if (fd === undefined) {
      fd = openSync(this.#path(id), 'r');
      unlinkSync(this.#path(id));
      this.#open.set(id, fd);
    }
    const { size } = fstatSync(fd);
    if (size < bytes) throw new Error(`a segment has ${size} bytes, not ${bytes}`);
    const block = allocate(bytes);
    for (let at = 0; at < bytes; ) {
      const { bytesRead } = await readFrom(fd, new Uint8Array(block), at, bytes - at, at);
      if (bytesRead === 0) throw new Error(`a segment ended after ${at} bytes of ${bytes}`);
      at += bytesRead;
    }
    return block;
  }

  /** The file will not be used again. */
  forget(id: number): void {
    const fd = this.#open.get(id);
    if (fd !== undefined) closeSync(fd);
    this.#open.delete(id);
  }

  /** Closes all files. */
  close(): void {
    this.#pending.afterwards(() => {
      for (const id of [...this.#open.keys()]) this.forget(id);
    });
  }
}
