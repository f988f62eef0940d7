/**
 * @file Large memory, given back as soon as its time is over. The collector would come for it late, and go through
 * everything else on its way: a full collection for every few requests of some MiB.
 */

/** Bytes from which on a buffer is nobody else's: node cuts small ones out of a common one. */
const LARGE = 256 * 2 ** 10;

/** Takes a large buffer from all who have views of it; smaller ones are left to the collector. */
export function discard(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LARGE) buffer.transfer(0);
}
