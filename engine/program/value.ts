/** @file Values as clients send them, before the graph has said what dtype they take. */
import type { DType, Shape, TypedArray } from '../types.ts';

/**
 * A tensor as a client sent it, row-major. Without a dtype it is a list of plain numbers (`Float64Array`) that takes
 * the dtype the graph gives its name; a list of booleans is always `bool`.
 */
export class Value {
  readonly dtype: DType | undefined;
  readonly shape: Shape;
  readonly data: TypedArray;

  constructor(dtype: DType | undefined, shape: Shape, data: TypedArray) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /** The exact bits, so that text made of a request tells one value from another. */
  toJSON(): unknown {
    const { dtype, shape, data } = this;
    return { dtype, shape, base64: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).toBase64() };
  }
}
