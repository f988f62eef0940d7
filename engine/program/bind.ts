/** @file Values bound to the types a graph gives them. No value is narrowed in silence. */
import { EngineError, type Where } from '../errors.ts';
import {
  allocateArray,
  formatType,
  isFloat,
  isInteger,
  sameShape,
  type TensorType,
  type TypedArray,
  toElement,
} from '../types.ts';
import type { Value } from './value.ts';

/**
 * The elements of a value as a type stores them; throws `type_mismatch` when they do not fit without loss of meaning.
 * `what` is the tensor in the client's words, by default its name.
 */
export function bindValue(
  value: Value,
  type: TensorType,
  name: string,
  where: Where = { input: name, pointer: `/values/${name}` },
  what = `'${name}'`,
): TypedArray {
  if (!sameShape(value.shape, type.shape))
    throw new EngineError('type_mismatch', `${what} has shape [${value.shape}], expected ${formatType(type)}`, where);
  if (value.dtype === type.dtype) return value.data;
  if (value.dtype !== undefined)
    throw new EngineError(
      'type_mismatch',
      `${what} is ${formatType({ dtype: value.dtype, shape: value.shape })}, expected ${formatType(type)}`,
      where,
    );
  const data = value.data as Float64Array;
  if (type.dtype === 'float64') return data;
  if (type.dtype === 'float32') return Float32Array.from(data);
  const array = allocateArray(type.dtype, data.length);
  for (let i = 0; i < data.length; i++) {
    const element = data[i] as number;
    if (!fits(element, type))
      throw new EngineError('type_mismatch', `${what} has the element ${element}, which is no ${type.dtype}`, where);
    array[i] = toElement(type.dtype, element);
  }
  return array;
}

function fits(element: number, { dtype }: TensorType): boolean {
  if (isFloat(dtype)) return true;
  if (!Number.isSafeInteger(element)) return false;
  if (dtype === 'bool') return element === 0 || element === 1;
  return isInteger(dtype) && (dtype === 'int64' || Math.abs(element + 0.5) < 2 ** 31);
}
