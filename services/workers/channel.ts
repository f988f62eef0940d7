/**
 * @file A channel: messages over a Unix socket, in order. A frame is a prefix, a head and, where they are small, the
 * elements of its arrays; large ones lie in shared memory.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { aligned, pack, unpack } from './message.ts';
import { Read, Written } from './segments.ts';

/** Bytes of elements from which on they go through shared memory: below, opening a second way costs more. */
export const SHARED_BYTES = 256 * 2 ** 10;

/** Bytes of a frame's prefix: its whole length, the head's, the kind, a segment (32 bits each), and the block's (64). */
const PREFIX_BYTES = 24;

/** The longest frame: a request is never so large, so it is no frame. */
const MAX_FRAME_BYTES = 2 ** 30;

const KIND = { message: 0, shared: 1, freed: 2, retired: 3 } as const;

/** What a channel needs to know. */
export interface ChannelOptions {
  readonly socket: Socket;
  /** The folder for shared memory, and what the files of this side and of the other are called in it. */
  readonly folder: string;
  readonly own: string;
  readonly other: string;
  /** Takes a message; the elements of its arrays lie in `block`, which is its own. */
  receive(message: unknown, block: ArrayBuffer): void;
  /** The other side is gone, or has sent what is no message. */
  closed(reason: Error | undefined): void;
}

/** One end of a channel. */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #written: Written;
  readonly #read: Read;
  readonly #frames = new Frames();
  /** What must be done before the next frame can be sent or taken; `undefined` when nothing must. */
  #sending: Promise<void> | undefined;
  #receiving: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const { socket, folder, own, other } = options;
    this.#written = new Written((id) => join(folder, `${own}-${id}`));
    this.#read = new Read((id) => join(folder, `${other}-${id}`));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // A process that ends takes its end of the socket along, in whatever state it was.
    socket.on('error', () => this.#close(undefined));
    socket.on('close', () => this.#close(undefined));
  }

  /** Sends a message; its arrays may change again when what is returned has resolved, or at once where nothing is. */
  send(message: unknown): Promise<void> | undefined {
    const { head, arrays, bytes } = pack(message);
    const isShared = bytes >= SHARED_BYTES;
    if (!isShared && this.#sending === undefined) {
      this.#write(frame(KIND.message, 0, head, arrays, bytes));
      return undefined;
    }
    // Small arrays are copied now; large ones when it is their turn.
    const small = isShared ? undefined : frame(KIND.message, 0, head, arrays, bytes);
    const sent = (async (before) => {
      await before;
      if (this.#isClosed) return;
      const segment = small ? undefined : await this.#written.write(arrays, bytes);
      if (segment === undefined) this.#write(small ?? frame(KIND.message, 0, head, arrays, bytes));
      else this.#write(frame(KIND.shared, segment, head, [], bytes));
    })(this.#sending).catch((reason: unknown) => this.#close(reason as Error));
    this.#sending = sent;
    void sent.then(() => {
      if (this.#sending === sent) this.#sending = undefined;
    });
    return isShared ? sent : undefined;
  }

  /** Closes this end. */
  close(): void {
    this.#options.socket.destroy();
    this.#close(undefined);
  }

  #write(bytes: Buffer): void {
    if (!this.#isClosed) this.#options.socket.write(bytes);
  }

  #take(chunk: Buffer): void {
    try {
      for (const one of this.#frames.take(chunk)) {
        if (this.#receiving === undefined) this.#receiving = this.#handle(one);
        else this.#receiving = this.#receiving.then(() => this.#handle(one));
        const last = this.#receiving;
        if (last === undefined) continue;
        void last
          .catch((reason: unknown) => this.#close(reason as Error))
          .then(() => {
            if (this.#receiving === last) this.#receiving = undefined;
          });
      }
    } catch (reason) {
      this.#close(reason as Error);
    }
  }

  /** Takes a frame, at once where its elements came with it. */
  #handle({ kind, segment, head, block, bytes }: Frame): Promise<void> | undefined {
    switch (kind) {
      case KIND.message:
        this.#receive(head, block);
        return undefined;
      case KIND.shared:
        return this.#read.read(segment, bytes).then((read) => {
          this.#write(frame(KIND.freed, segment, NOTHING, [], 0));
          this.#receive(head, read);
        });
      case KIND.freed:
        for (const id of this.#written.release(segment)) this.#write(frame(KIND.retired, id, NOTHING, [], 0));
        return undefined;
      case KIND.retired:
        this.#read.forget(segment);
        return undefined;
      default:
        throw new Error(`no frame is of kind ${kind}`);
    }
  }

  #receive(head: Uint8Array, block: ArrayBuffer): void {
    if (!this.#isClosed) this.#options.receive(unpack(head, block), block);
  }

  #close(reason: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.socket.destroy();
    this.#written.close();
    this.#read.close();
    this.#options.closed(reason);
  }
}

const NOTHING = Buffer.alloc(0);

function frame(
  kind: number,
  segment: number,
  head: Buffer,
  arrays: readonly NodeJS.ArrayBufferView[],
  bytes: number,
): Buffer {
  const length = PREFIX_BYTES + head.length + (arrays.length > 0 ? bytes : 0);
  const buffer = Buffer.allocUnsafe(length);
  buffer.writeUInt32LE(length, 0);
  buffer.writeUInt32LE(head.length, 4);
  buffer.writeUInt32LE(kind, 8);
  buffer.writeUInt32LE(segment, 12);
  buffer.writeDoubleLE(bytes, 16);
  buffer.set(head, PREFIX_BYTES);
  let end = 0;
  const start = PREFIX_BYTES + head.length;
  for (const { buffer: from, byteOffset, byteLength } of arrays) {
    const at = aligned(end);
    // What another request left in the pool is nobody's to read.
    buffer.fill(0, start + end, start + at);
    buffer.set(new Uint8Array(from, byteOffset, byteLength), start + at);
    end = at + byteLength;
  }
  return buffer;
}

interface Frame {
  readonly kind: number;
  readonly segment: number;
  readonly head: Uint8Array;
  /** The elements that came with it. */
  readonly block: ArrayBuffer;
  /** Bytes of the elements, wherever they lie. */
  readonly bytes: number;
}

/** Frames out of the chunks of a stream. */
class Frames {
  #chunks: Buffer[] = [];
  #bytes = 0;

  *take(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      const length = this.#next();
      if (length === undefined) return;
      const whole = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#bytes -= length;
      this.#chunks = this.#bytes > 0 ? [whole.subarray(length)] : [];
      yield frameOf(whole.subarray(0, length));
    }
  }

  /** The length of the next frame when all of it is there. */
  #next(): number | undefined {
    if (this.#bytes < PREFIX_BYTES) return undefined;
    if ((this.#chunks[0] as Buffer).length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = (this.#chunks[0] as Buffer).readUInt32LE(0);
    if (length < PREFIX_BYTES || length > MAX_FRAME_BYTES) throw new Error(`no frame has ${length} bytes`);
    return this.#bytes < length ? undefined : length;
  }
}

function frameOf(bytes: Buffer): Frame {
  const headEnd = PREFIX_BYTES + bytes.readUInt32LE(4);
  if (headEnd > bytes.length) throw new Error('a head is longer than its frame');
  const size = bytes.length - headEnd;
  // Arrays begin where their elements can lie; and the chunk is not kept alive for them.
  const block = new ArrayBuffer(size);
  if (size > 0) new Uint8Array(block).set(bytes.subarray(headEnd));
  return {
    kind: bytes.readUInt32LE(8),
    segment: bytes.readUInt32LE(12),
    head: bytes.subarray(PREFIX_BYTES, headEnd),
    block,
    bytes: bytes.readDoubleLE(16),
  };
}
