/** @file Messages as bytes: a head with everything but the elements of arrays, and the elements one after another. */
import { Deserializer, Serializer } from 'node:v8';

/** Elements begin at multiples of this, so that any array can be a view of where they lie. */
const ALIGNMENT = 64;

/** The kinds of arrays that messages carry, by their number. */
const KINDS = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Uint8ClampedArray,
] as const;

/** A message whose arrays' elements lie apart. */
export interface Packed {
  readonly head: Buffer;
  /** What goes into the elements' block, in order, each at the next multiple of the alignment. */
  readonly arrays: readonly NodeJS.ArrayBufferView[];
  /** Bytes of the block. */
  readonly bytes: number;
}

/** Where the next array begins after one that ends at `end`. */
export function aligned(end: number): number {
  return Math.ceil(end / ALIGNMENT) * ALIGNMENT;
}

/** A message of plain values, lists, objects, maps and typed arrays. */
export function pack(message: unknown): Packed {
  const writer = new Writer();
  writer.writeHeader();
  writer.writeValue(message);
  return { head: writer.releaseBuffer(), arrays: writer.arrays, bytes: writer.bytes };
}

/** The message again; its arrays are views of `block`. Throws where an array would reach over its end. */
export function unpack(head: Uint8Array, block: ArrayBuffer): unknown {
  const reader = new Reader(head, block);
  reader.readHeader();
  return reader.readValue();
}

/** The serializer leaves arrays to who extends it: that is how node means it to be used. */
class Writer extends Serializer {
  readonly arrays: NodeJS.ArrayBufferView[] = [];
  bytes = 0;

  constructor() {
    super();
    (this as unknown as Hosted)._setTreatArrayBufferViewsAsHostObjects(true);
  }

  _writeHostObject(array: NodeJS.ArrayBufferView): void {
    const kind = KINDS.findIndex((one) => array instanceof one);
    if (kind === -1) throw new Error(`no message carries a ${array.constructor.name}`);
    this.writeUint32(kind);
    this.writeDouble(array.byteLength);
    this.arrays.push(array);
    this.bytes = aligned(this.bytes) + array.byteLength;
  }
}

class Reader extends Deserializer {
  readonly #block: ArrayBuffer;
  #end = 0;

  constructor(head: Uint8Array, block: ArrayBuffer) {
    super(head);
    this.#block = block;
  }

  _readHostObject(): NodeJS.ArrayBufferView {
    const kind = KINDS[this.readUint32()];
    const bytes = this.readDouble();
    if (kind === undefined) throw new Error('a message names an unknown kind of array');
    const start = aligned(this.#end);
    this.#end = start + bytes;
    return new kind(this.#block, start, bytes / kind.BYTES_PER_ELEMENT);
  }
}

interface Hosted {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void;
}
