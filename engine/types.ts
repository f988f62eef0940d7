/** @file Element types, shapes and tensors: the words every other file of the engine is written in. */

/** The dtypes that programs compute in, in promotion order. */
export const DTYPES = ['bool', 'int32', 'int64', 'float32', 'float64'] as const;

/** An element type that programs compute in. */
export type DType = (typeof DTYPES)[number];

/** A list of dimension sizes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** The dtype and shape of a tensor, printed `f32[2,3]`. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The typed array that stores each dtype; a bool is one byte, 0 or 1. */
export interface ArrayOf {
  bool: Uint8Array;
  int32: Int32Array;
  int64: BigInt64Array;
  float32: Float32Array;
  float64: Float64Array;
}

/** Storage of one tensor, row-major. */
export type TypedArray = ArrayOf[DType];

/** A typed tensor with its elements, row-major. */
export interface Tensor {
  readonly type: TensorType;
  readonly data: TypedArray;
}

const ARRAYS = {
  bool: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

const SHORT = { bool: 'bool', int32: 'i32', int64: 'i64', float32: 'f32', float64: 'f64' } as const;

/** Bytes one element of each dtype takes. */
export const BYTES = { bool: 1, int32: 4, int64: 8, float32: 4, float64: 8 } as const satisfies Record<DType, number>;

/** The type as text, `f32[2,3]`; a scalar is `f32`. */
export function formatType(type: TensorType): string {
  return type.shape.length === 0 ? SHORT[type.dtype] : `${SHORT[type.dtype]}[${type.shape.join(',')}]`;
}

/** Reads what `formatType` prints; `undefined` when the text is no type. */
export function parseType(text: string): TensorType | undefined {
  const match = /^(bool|i32|i64|f32|f64)(?:\[([\d,]*)\])?$/.exec(text);
  if (!match) return undefined;
  const dtype = DTYPES.find((candidate) => SHORT[candidate] === match[1]);
  if (!dtype) return undefined;
  const shape = match[2] ? match[2].split(',').map(Number) : [];
  return { dtype, shape };
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a === b || (a.length === b.length && a.every((size, axis) => size === b[axis]));
}

/** Whether two types are the same. */
export function sameType(a: TensorType, b: TensorType): boolean {
  return a === b || (a.dtype === b.dtype && sameShape(a.shape, b.shape));
}

/** The number of elements of a shape; exact below 2^53, which every limit is far below. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** The number of bytes a tensor of this type takes. */
export function bytesOf(type: TensorType): number {
  return sizeOf(type.shape) * BYTES[type.dtype];
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/** Whether the dtype is a real floating point type: the only ones with derivatives. */
export function isFloat(dtype: DType): dtype is 'float32' | 'float64' {
  return dtype === 'float32' || dtype === 'float64';
}

/** Whether the dtype is a signed integer type. */
export function isInteger(dtype: DType): dtype is 'int32' | 'int64' {
  return dtype === 'int32' || dtype === 'int64';
}

/** Fresh zeroed storage for `size` elements. */
export function allocateArray<D extends DType>(dtype: D, size: number): ArrayOf[D] {
  return new ARRAYS[dtype](size) as ArrayOf[D];
}

/** A view of `size` elements in `buffer` from `byteOffset`, which must be a multiple of the element size. */
export function viewArray<D extends DType>(
  dtype: D,
  buffer: ArrayBufferLike,
  byteOffset: number,
  size: number,
): ArrayOf[D] {
  return new ARRAYS[dtype](buffer as ArrayBuffer, byteOffset, size) as ArrayOf[D];
}

/** Storage holding `values`, each converted as the dtype demands: floats rounded, integers truncated, bools to 0 or 1. */
export function arrayFrom(dtype: DType, values: ArrayLike<number | bigint | boolean>): TypedArray {
  const array = allocateArray(dtype, values.length);
  for (let i = 0; i < values.length; i++) array[i] = toElement(dtype, values[i] as number | bigint | boolean);
  return array;
}

/** One value as the dtype's typed array holds it. */
export function toElement(dtype: DType, value: number | bigint | boolean): number | bigint {
  if (dtype === 'int64') return BigInt.asIntN(64, BigInt(typeof value === 'number' ? Math.trunc(value) : value));
  if (dtype === 'bool') return value ? 1 : 0;
  return Number(value);
}

/** NumPy's promotion of two dtypes: int32 with float32 is float64. */
export function promoteDtypes(a: DType, b: DType): DType {
  if (a === b) return a;
  const [low, high] = DTYPES.indexOf(a) < DTYPES.indexOf(b) ? [a, b] : [b, a];
  return isInteger(low) && high === 'float32' ? 'float64' : high;
}
