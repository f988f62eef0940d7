/**
 * @file Data cut into batches. The rows of an epoch follow those of the epoch before, so that every row is seen once in
 * each epoch and batches may lie across two; where a step reads follows from its number alone.
 */
import { EngineError } from '../errors.ts';
import { bindValue } from '../program/bind.ts';
import { Value } from '../program/value.ts';
import { allocateArray, formatType, sizeOf, type TensorType, type TypedArray } from '../types.ts';
import { shuffled } from './shuffle.ts';

/** Tensors with as many rows along axis 0, read `batch` rows at a time. */
export interface Data {
  /** By the input that reads them. */
  readonly tensors: ReadonlyMap<string, Value>;
  readonly batch: number;
  /** Shuffles the rows, in each epoch in another order; without it they come as they lie. */
  readonly seed?: number | undefined;
}

/** What a graph is checked with instead of the whole data: values of a batch's shape, without elements. */
export function batchValues({ tensors, batch }: Data): Map<string, Value> {
  return new Map(
    [...tensors].map(([name, { dtype, shape, data }]) => [
      name,
      // An untyped value is told by its elements what dtype it may take.
      new Value(dtype, [batch, ...shape.slice(1)], dtype === undefined ? data : allocateArray(dtype, 0)),
    ]),
  );
}

/** The batches of data for inputs of these types; throws `type_mismatch`. */
export function batchesOf(data: Data, typeOf: (input: string) => TensorType): (step: number) => TypedArray[] {
  const rows = rowsOf(data);
  const slices = [...data.tensors].map(([name, value]) => sliceOf(name, value, data.batch, typeOf(name)));
  const { batch, seed } = data;
  let epoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  const rowAt = (position: number): number => {
    const at = Math.floor(position / rows);
    if (seed !== undefined && at !== epoch) [epoch, order] = [at, shuffled(seed, at, rows)];
    return seed === undefined ? position % rows : (order[position % rows] as number);
  };
  return (step) => {
    const first = step * batch;
    const start = first % rows;
    if (seed === undefined && start + batch <= rows) return slices.map(({ view }) => view(start));
    for (let i = 0; i < batch; i++) {
      const row = rowAt(first + i);
      for (const { copy } of slices) copy(row, i);
    }
    return slices.map(({ copied }) => copied);
  };
}

function rowsOf({ tensors, batch }: Data): number {
  let found: { name: string; rows: number } | undefined;
  for (const [name, { shape }] of tensors) {
    const rows = shape[0];
    const where = { input: name, pointer: `/data/inputs/${name}` };
    if (rows === undefined)
      throw new EngineError('type_mismatch', `'${name}' is a scalar and has no rows to cut into batches`, where);
    if (found && found.rows !== rows)
      throw new EngineError('type_mismatch', `'${name}' has ${rows} rows and '${found.name}' ${found.rows}`, where);
    if (rows < batch)
      throw new EngineError('type_mismatch', `'${name}' has ${rows} rows, fewer than the batch of ${batch}`, where);
    found = { name, rows };
  }
  return found?.rows ?? 1;
}

/** A tensor that is read in parts. */
interface Slice {
  /** The rows of a batch as they lie. */
  view(row: number): TypedArray;
  /** Copies a row to a place of the batch `copied`. */
  copy(row: number, to: number): void;
  readonly copied: TypedArray;
}

function sliceOf(name: string, value: Value, batch: number, type: TensorType): Slice {
  const [rows = 0, ...rest] = value.shape;
  const pointer = `/data/inputs/${name}`;
  if (type.shape[0] !== batch)
    throw new EngineError('type_mismatch', `'${name}' is ${formatType(type)}, expected a batch of ${batch} rows`, {
      input: name,
      pointer,
    });
  const whole = { dtype: type.dtype, shape: [rows, ...type.shape.slice(1)] };
  const data = bindValue(value, whole, name, { input: name, pointer }) as Float64Array;
  const size = sizeOf(rest);
  const copied = allocateArray(type.dtype, batch * size) as Float64Array;
  return {
    copied,
    view: (row) => data.subarray(row * size, (row + batch) * size),
    copy:
      size < SHORT_ROW
        ? (row, to) => {
            for (let i = 0; i < size; i++) copied[to * size + i] = data[row * size + i] as number;
          }
        : (row, to) => copied.set(data.subarray(row * size, (row + 1) * size), to * size),
  };
}

/** Elements of a row below which a loop is quicker than a call. */
const SHORT_ROW = 16;
