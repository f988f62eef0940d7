/**
 * @file Large memory, used again as soon as its time is over. The collector would come for it late, and go through
 * everything else on its way: a full collection for every few requests of some MiB. And fresh pages cost more than the
 * copy into them.
 */

/** Bytes from which on a buffer is nobody else's: node cuts small ones out of a common one. */
const LARGE = 256 * 2 ** 10;

/** Sizes of large buffers are multiples of this, so that those of requests that are alike fit one another. */
const STEP = 64 * 2 ** 10;

/** What is larger than asked for by more than this would be a waste. */
const MOST_WASTE = 1.25;

/** Bytes that wait to be used again. */
const MAX_SPARE_BYTES = 2 ** 26;

/** Buffers that wait to be used again, those given back last at the end. */
const spare: ArrayBuffer[] = [];
let spareBytes = 0;

/** A buffer of at least so many bytes, in which there may be anything: it must be written before it is read. */
export function allocate(bytes: number): ArrayBuffer {
  if (bytes < LARGE) return new ArrayBuffer(bytes);
  const at = spare.findLastIndex(({ byteLength }) => byteLength >= bytes && byteLength <= MOST_WASTE * bytes);
  if (at === -1) return new ArrayBuffer(Math.ceil(bytes / STEP) * STEP);
  const [buffer] = spare.splice(at, 1) as [ArrayBuffer];
  spareBytes -= buffer.byteLength;
  return buffer;
}

/** Takes a large buffer from all who have views of it, whose length is 0 then; smaller ones are left to the collector. */
export function discard(buffer: ArrayBufferLike): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < LARGE) return;
  if (buffer.byteLength > MAX_SPARE_BYTES) {
    buffer.transfer(0);
    return;
  }
  spareBytes += buffer.byteLength;
  spare.push(buffer.transfer());
  while (spareBytes > MAX_SPARE_BYTES) {
    const oldest = spare.shift() as ArrayBuffer;
    spareBytes -= oldest.byteLength;
    oldest.transfer(0);
  }
}
