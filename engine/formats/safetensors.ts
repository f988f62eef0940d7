/**
 * @file The safetensors format: eight bytes with the header's length, the header as JSON, then the tensors' bytes
 * without gaps. In: bytes, untrusted. Out: the bytes that Python's `safetensors` writes for the same tensors.
 */
import { z } from 'zod';
import { EngineError } from '../errors.ts';
import { checkLimit, type Limits } from '../limits.ts';
import { boundedArray } from '../program/document.ts';
import { violationsOf } from '../program/violations.ts';
import type { DType, Tensor } from '../types.ts';
import { decodeBytes, encodeBytes } from './tensor.ts';

/** Named tensors and the texts that a file holds beside them. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The format's dtypes that are read; half floats become float32, which holds all of them. */
const READ = {
  BOOL: 'bool',
  I32: 'int32',
  I64: 'int64',
  F16: 'float16',
  BF16: 'bfloat16',
  F32: 'float32',
  F64: 'float64',
} as const;

/** What is written for each dtype. */
const WRITTEN = { bool: 'BOOL', int32: 'I32', int64: 'I64', float32: 'F32', float64: 'F64' } as const satisfies Record<
  DType,
  keyof typeof READ
>;

/** The order of the tensors' bytes: Python's, which keeps every tensor aligned. */
const BYTE_ORDER: readonly DType[] = ['int64', 'float64', 'float32', 'int32', 'bool'];

const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
/** More than the header says of a tensor with the longest name and shape. */
const HEADER_BYTES_PER_NAME = 1024;

const count = z.int().min(0);
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: boundedArray(count, 100),
  data_offsets: z.tuple([count, count]),
});

/** What the header says of one tensor. */
type Entry = z.output<typeof entrySchema> & { readonly name: string };

/**
 * The tensors of a file, in the order of their bytes; they are views of `bytes` where alignment allows. Throws
 * `invalid_tensor` naming the tensor, or `limit_exceeded`.
 */
export function decodeSafetensors(bytes: Uint8Array, limits: Limits): SafetensorsFile {
  const { json, data } = split(bytes, limits);
  const fields = Object.entries(json);
  checkLimit(limits, 'names', fields.length, () => `the header has ${fields.length} tensors`);
  const entries = fields
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => readEntry(name, entry, limits))
    .sort((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  let end = 0;
  for (const { name, data_offsets: offsets } of entries) {
    if (offsets[0] !== end || offsets[1] < end || offsets[1] > data.length)
      throw invalid(
        `'${name}' has the data_offsets [${offsets}], expected them to begin at ${end}, where the tensor before ends, and to end at most at ${data.length}, where the file does`,
        name,
      );
    end = offsets[1];
  }
  if (end !== data.length) throw invalid(`the tensors end at byte ${end} of ${data.length} bytes of data`);
  return {
    tensors: new Map(entries.map((entry) => [entry.name, tensorOf(entry, data, limits)])),
    metadata: readMetadata(Object.hasOwn(json, METADATA) ? json[METADATA] : {}),
  };
}

/** The file of these tensors: the same bytes for the same tensors, in whatever order they come. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort(
    ([a, { type: x }], [b, { type: y }]) =>
      BYTE_ORDER.indexOf(x.dtype) - BYTE_ORDER.indexOf(y.dtype) || compareCodePoints(a, b),
  );
  // Put together as text: an object would move names like '1' to the front and lose '__proto__'.
  const fields: string[] = [];
  if (metadata.size > 0) {
    const texts = [...metadata].sort(([a], [b]) => compareCodePoints(a, b)).map((pair) => pair.map(textOf).join(':'));
    fields.push(`"${METADATA}":{${texts.join(',')}}`);
  }
  let end = 0;
  for (const [name, tensor] of ordered) {
    if (name === METADATA) throw invalid(`'${METADATA}' is the format's own name, not a tensor's`, name);
    const { dtype, shape } = tensor.type;
    const begin = end;
    end += tensor.data.byteLength;
    fields.push(`${textOf(name)}:{"dtype":"${WRITTEN[dtype]}","shape":[${shape}],"data_offsets":[${begin},${end}]}`);
  }
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  // Spaces up to a multiple of eight keep the data aligned.
  const start = LENGTH_BYTES + Math.ceil(header.length / 8) * 8;
  const file = new Uint8Array(start + end).fill(0x20, LENGTH_BYTES, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  file.set(header, LENGTH_BYTES);
  let at = start;
  for (const [, tensor] of ordered) {
    file.set(encodeBytes(tensor), at);
    at += tensor.data.byteLength;
  }
  return file;
}

/** The header as JSON, and the bytes behind it. */
function split(bytes: Uint8Array, limits: Limits): { json: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < LENGTH_BYTES) throw invalid(`a safetensors file has at least 8 bytes, given ${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > bytes.length - LENGTH_BYTES)
    throw invalid(`the header should have ${length} bytes, and ${bytes.length - LENGTH_BYTES} follow its length`);
  const most = limits.names * HEADER_BYTES_PER_NAME;
  if (length > most) throw invalid(`the header has ${length} bytes, expected at most ${most}`);
  const start = LENGTH_BYTES + Number(length);
  const text = decodeUtf8(bytes.subarray(LENGTH_BYTES, start));
  if (!text.startsWith('{')) throw invalid("the header must begin with '{'");
  const json = parseJson(text);
  checkKeys(text, json);
  return { json, data: bytes.subarray(start) };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid('the header is not UTF-8');
  }
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('the header is not valid JSON');
  }
}

/** Throws where a key stands twice: JSON's reader keeps the last of them and says nothing. */
function checkKeys(text: string, json: Record<string, unknown>): void {
  const written = keysIn(text);
  // Below a tensor's fields and the metadata's there are no objects that are valid.
  let read = 0;
  for (const field of [json, ...Object.values(json)])
    if (typeof field === 'object' && field !== null && !Array.isArray(field)) read += Object.keys(field).length;
  if (written !== read) throw invalid('a key of the header stands twice, or an object lies where none may');
}

/** How many keys stand in a valid JSON text: the strings before colons. */
function keysIn(text: string): number {
  let keys = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
    for (at++; ' \n\r\t'.includes(text[at] ?? '.'); at++);
    if (text[at] === ':') keys++;
  }
  return keys;
}

function checkName(name: string, limits: Limits): string {
  const { length } = name;
  checkLimit(limits, 'name_length', length, () => `the name '${name.slice(0, 40)}…' has ${length} characters`);
  if (!name.isWellFormed()) throw invalid('the name of a tensor is not valid Unicode');
  return name;
}

function readEntry(name: string, json: unknown, limits: Limits): Entry {
  checkName(name, limits);
  const result = entrySchema.safeParse(json);
  if (result.success) return { name, ...result.data };
  const [{ detail }] = violationsOf(result.error, json, entrySchema, '', [name]);
  throw invalid(`the header is wrong: ${detail}`, name);
}

function readMetadata(json: unknown): ReadonlyMap<string, string> {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  if (!isObject || !Object.values(json).every((text) => typeof text === 'string'))
    throw invalid(`'${METADATA}' must be an object of texts`);
  return new Map(Object.entries(json as Record<string, string>));
}

function tensorOf({ name, dtype, shape, data_offsets: [begin, end] }: Entry, data: Uint8Array, limits: Limits): Tensor {
  if (!Object.hasOwn(READ, dtype))
    throw invalid(
      `'${name}' has the dtype '${dtype.slice(0, 40)}', expected one of ${Object.keys(READ).join(', ')}`,
      name,
    );
  const where = { input: name, pointer: '/content' };
  const value = decodeBytes(READ[dtype as keyof typeof READ], shape, data.subarray(begin, end), where, limits);
  return { type: { dtype: value.dtype as DType, shape: value.shape }, data: value.data };
}

function textOf(text: string): string {
  if (!text.isWellFormed()) throw invalid(`${JSON.stringify(text)} is not valid Unicode`);
  return JSON.stringify(text);
}

/** Orders texts as their UTF-8 bytes are ordered. */
function compareCodePoints(a: string, b: string): number {
  const x = [...a];
  const y = [...b];
  const at = x.findIndex((point, i) => point !== y[i]);
  if (at === -1) return x.length - y.length;
  return at >= y.length ? 1 : (x[at]?.codePointAt(0) ?? 0) - (y[at]?.codePointAt(0) ?? 0);
}

function invalid(detail: string, input?: string): EngineError {
  return new EngineError('invalid_tensor', detail, { pointer: '/content', ...(input !== undefined && { input }) });
}
