/** @file Bodies as they come over a socket, put together. */
import type { IncomingMessage } from 'node:http';
import { EngineError } from '../../engine/errors.ts';
import { allocate } from '../memory.ts';
import { JSON_LENGTH_HEADER } from './binary.ts';

/** The tensors of a binary body begin at a multiple of this, so that they are used where they lie. */
const ALIGNMENT = 64;

/** Bytes from which on a piece that is a whole buffer is nobody else's. */
const LARGE_PIECE = 16 * 2 ** 10;

/** Passes the bytes of a body to `done`, in a buffer of their own, or why there are none. */
export function readBody(
  payload: IncomingMessage,
  limit: number,
  done: (reason: Error | null, body?: Buffer) => void,
): void {
  const { 'content-length': measured, [JSON_LENGTH_HEADER]: jsonLength } = payload.headers;
  const body = measured === undefined ? new Unmeasured() : new Measured(Number(measured), Number(jsonLength ?? 0));
  let length = 0;
  const end = (reason: Error | null, bytes?: Buffer): void => {
    payload.off('data', take);
    payload.off('end', finish);
    payload.off('error', end);
    done(reason, bytes);
  };
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length > limit) end(new EngineError('body_too_large', `the body is over ${limit} bytes`));
    else if (!body.add(piece)) finish();
  };
  const finish = (): void => {
    const bytes = body.bytes;
    if (bytes) end(null, bytes);
    else end(new EngineError('invalid_request', 'the body is not as long as Content-Length says'));
  };
  payload.on('data', take);
  payload.on('end', finish);
  payload.on('error', end);
}

/** A body whose length is known before it comes. */
class Measured {
  readonly #length: number;
  /** Bytes before the body, which set its tensors right. */
  readonly #lead: number;
  #whole: Buffer | undefined;
  #end = 0;

  constructor(length: number, jsonLength: number) {
    this.#length = length;
    this.#lead = -jsonLength & (ALIGNMENT - 1);
  }

  /** Whether the piece belongs to it. */
  add(piece: Buffer): boolean {
    const start = this.#end;
    this.#end += piece.length;
    if (this.#end > this.#length) return false;
    // Most bodies come in one piece.
    if (piece.length === this.#length) this.#whole = piece;
    else {
      this.#whole ??= Buffer.from(allocate(this.#lead + this.#length), this.#lead, this.#length);
      this.#whole.set(piece, start);
      free(piece);
    }
    return true;
  }

  /** `undefined` when it did not come as announced. */
  get bytes(): Buffer | undefined {
    return this.#end === this.#length ? (this.#whole ?? Buffer.alloc(0)) : undefined;
  }
}

/** A body that comes until it ends. */
class Unmeasured {
  readonly #pieces: Buffer[] = [];

  add(piece: Buffer): boolean {
    this.#pieces.push(piece);
    return true;
  }

  get bytes(): Buffer {
    const bytes = Buffer.concat(this.#pieces);
    for (const piece of this.#pieces) free(piece);
    return bytes;
  }
}

/** Frees the memory of a piece that has been copied: fifty of them make a large body. */
function free({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength && byteLength >= LARGE_PIECE)
    buffer.transfer(0);
}
