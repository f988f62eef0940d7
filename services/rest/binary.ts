/**
 * @file The Open Inference Protocol's binary extension: JSON first, then the raw little-endian bytes of its tensors, one
 * after another in the order in which the JSON mentions them.
 */
import { EngineError } from '../../engine/errors.ts';
import { decodeBytes, joinPointer } from '../../engine/formats/tensor.ts';
import type { Limits } from '../../engine/limits.ts';
import { parseJson } from './json.ts';

/** The header that says how many bytes of a body are JSON. */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';

/**
 * The JSON part of a body, with a `Value` in place of every `{dtype, shape, binary_data_size}` (or
 * `parameters.binary_data_size`). Throws unless the sizes account for every byte.
 */
export function parseBinary(body: Buffer, jsonLength: unknown, limits: Limits): unknown {
  const tail = readLength(jsonLength, body.length);
  const json = parseJson(body.subarray(0, tail));
  let at = tail;
  const take = (size: number, pointer: string): Uint8Array => {
    const start = at;
    at += size;
    if (at <= body.length) return body.subarray(start, at);
    const left = body.length - start;
    throw new EngineError('invalid_tensor', `binary_data_size is ${size}, but ${left} bytes are left`, { pointer });
  };
  const request = replaceTails(json, '', take, limits);
  if (at === body.length) return request;
  const found = `${body.length - tail} bytes follow the JSON`;
  throw new EngineError('invalid_request', `${found}, but the tensors in it take ${at - tail}`);
}

type Take = (size: number, pointer: string) => Uint8Array;

/** `json` with its tensors replaced in place, in document order. */
function replaceTails(json: unknown, pointer: string, take: Take, limits: Limits): unknown {
  // A list is nested numbers or a list of objects, never both; the numbers need no visit.
  if (typeof json !== 'object' || json === null || (Array.isArray(json) && typeof json[0] !== 'object')) return json;
  const tail = tailOf(json as Record<string, unknown>);
  if (tail !== undefined) {
    const where = { input: pointer.slice(pointer.lastIndexOf('/') + 1), pointer };
    return decodeBytes(tail.dtype, tail.shape, take(readSize(tail.size, pointer), pointer), where, limits);
  }
  for (const [key, value] of Object.entries(json)) {
    const at = joinPointer(pointer, key);
    (json as Record<string, unknown>)[key] = replaceTails(value, at, take, limits);
  }
  return json;
}

function tailOf(json: Record<string, unknown>): { dtype: unknown; shape: unknown; size: unknown } | undefined {
  const { dtype, shape, binary_data_size: size, parameters } = json;
  if (size !== undefined) return { dtype, shape, size };
  const nested = (parameters as { binary_data_size?: unknown } | null | undefined)?.binary_data_size;
  return nested === undefined ? undefined : { dtype, shape, size: nested };
}

function readSize(size: unknown, pointer: string): number {
  if (Number.isSafeInteger(size) && (size as number) >= 0) return size as number;
  throw new EngineError('invalid_tensor', 'binary_data_size must be a number of bytes', { pointer });
}

function readLength(text: unknown, bodyLength: number): number {
  const length = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (length <= bodyLength) return length;
  throw new EngineError(
    'invalid_request',
    `the header Inference-Header-Content-Length must be a number of bytes, at most the ${bodyLength} of the body`,
  );
}
