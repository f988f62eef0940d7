/**
 * @file Tensors on the wire. In: nested lists, `{dtype, shape, data}`, `{dtype, shape, base64}` or raw little-endian
 * bytes, all untrusted, become a `Value`. Out: a `Tensor` becomes JSON that reads back to the same bits, or raw bytes.
 */
import { didYouMean, EngineError, type Where } from '../errors.ts';
import { checkLimit, type Limits } from '../limits.ts';
import { Value } from '../program/value.ts';
import {
  allocateArray,
  BYTES,
  DTYPES,
  type DType,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
  type TypedArray,
  viewArray,
} from '../types.ts';

/** How a tensor is written in JSON: nested lists, or an object with a flat list or base64 bytes. */
export type TextEncoding = 'nested' | 'flat' | 'base64';

/** The names a dtype may have on the wire, Open Inference Protocol spellings included. */
const WIRE_DTYPES = {
  ...(Object.fromEntries(DTYPES.map((dtype) => [dtype, dtype])) as { [D in DType]: D }),
  float16: 'float16',
  bfloat16: 'bfloat16',
  BOOL: 'bool',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  BF16: 'bfloat16',
  FP32: 'float32',
  FP64: 'float64',
} as const;

/** A dtype as sent: those that programs compute in, and the two half floats that are widened to float32. */
type WireDType = (typeof WIRE_DTYPES)[keyof typeof WIRE_DTYPES];

const WIRE_BYTES: Readonly<Record<WireDType, number>> = { ...BYTES, float16: 2, bfloat16: 2 };

/** What turns one JSON element into what the array stores; a string says what is wrong with the element. */
type Reader = (element: unknown) => number | bigint | string;

const READERS: Readonly<Record<WireDType, Reader>> = {
  bool: readBool,
  int32: readInt32,
  int64: readInt64,
  float16: (element) => readRounded(element, Math.f16round, 'float16'),
  bfloat16: (element) => readRounded(element, roundToBfloat16, 'bfloat16'),
  float32: (element) => readRounded(element, Math.fround, 'float32'),
  float64: readFloat64,
};

declare global {
  interface JSON {
    // Standard since ES2026 and not yet in TypeScript's library.
    rawJSON(text: string): object;
  }
}

const NON_FINITE: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/**
 * The value of a tensor in any of its JSON forms. Throws `invalid_tensor` naming the element, or `limit_exceeded`. A
 * `Value` is returned as it is: the transport has already decoded it from bytes.
 */
export function decodeTensor(json: unknown, where: Where, limits: Limits): Value {
  if (json instanceof Value) return json;
  if (isRecord(json)) return decodeObject(json, where, limits);
  return decodeList(undefined, undefined, json, where, limits);
}

/** The value held by raw little-endian bytes: a view where alignment allows, otherwise a copy. */
export function decodeBytes(dtype: unknown, shape: unknown, bytes: Uint8Array, where: Where, limits: Limits): Value {
  const wire = readDType(dtype, where);
  const dimensions = readShape(shape, where, limits);
  const size = sizeOf(dimensions);
  const wanted = size * WIRE_BYTES[wire];
  if (bytes.length !== wanted)
    throw invalid(where, [], `has ${bytes.length} bytes, expected ${wanted} for ${wire}[${dimensions.join(',')}]`);
  // Not slice(): that of a Buffer copies nothing.
  const aligned = bytes.byteOffset % WIRE_BYTES[wire] === 0 ? bytes : Uint8Array.from(bytes);
  switch (wire) {
    case 'float16':
      return new Value('float32', dimensions, widenFloat16(aligned, size));
    case 'bfloat16':
      return new Value('float32', dimensions, widenBfloat16(aligned, size));
    case 'bool':
      checkBools(aligned, where, dimensions);
      return new Value('bool', dimensions, aligned);
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
      return new Value(wire, dimensions, viewArray(wire, aligned.buffer, aligned.byteOffset, size));
    default:
      return wire satisfies never;
  }
}

/** The bytes of a tensor, little-endian and row-major; a view, not a copy. */
export function encodeBytes(tensor: Tensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/**
 * A tensor as what `JSON.stringify` prints in the given encoding. Every number prints as the shortest decimal that reads
 * back to the same bits in the tensor's dtype; non-finite numbers are strings.
 */
export function encodeTensor(tensor: Tensor, encoding: TextEncoding): unknown {
  const { dtype, shape } = tensor.type;
  switch (encoding) {
    case 'nested':
      return nestElements(tensor);
    case 'flat':
      return { dtype, shape, data: elementsOf(dtype, tensor.data, 0, tensor.data.length) };
    case 'base64':
      return { dtype, shape, base64: encodeBytes(tensor).toBase64() };
    default:
      return encoding satisfies never;
  }
}

/** Elements and base64 bytes that one JSON text may hold: beyond them it outgrows the longest string, or the heap. */
export const TEXT_LIMITS = { elements: 2 ** 24, bytes: 2 ** 28 } as const;

/** How much of a text's room a tensor takes: its elements, or the empty lists that it is made of. */
export function textSize({ type: { shape }, data }: Tensor): number {
  const empty = shape.indexOf(0);
  return empty === -1 ? data.length : sizeOf(shape.slice(0, empty));
}

/** The JSON text of a tensor; throws `limit_exceeded` when it would be over `TEXT_LIMITS`. */
export function tensorToJson(tensor: Tensor, encoding: TextEncoding): string {
  checkTextSize(textSize(tensor), tensor.data.byteLength, encoding);
  return toJsonText(encodeTensor(tensor, encoding));
}

/** Throws `limit_exceeded` unless tensors of so many elements and bytes in all fit in one JSON text. */
export function checkTextSize(elements: number, bytes: number, encoding: TextEncoding): void {
  if (encoding === 'base64' ? bytes <= TEXT_LIMITS.bytes : elements <= TEXT_LIMITS.elements) return;
  const found = encoding === 'base64' ? `${bytes} bytes` : `${elements} elements`;
  throw new EngineError('limit_exceeded', `the reply has ${found}, too many for JSON; ask for the encoding 'binary'`);
}

/** `JSON.stringify`, with text over the longest possible string refused as `limit_exceeded`. */
export function toJsonText(json: unknown): string {
  try {
    return JSON.stringify(json);
  } catch (reason) {
    if (!(reason instanceof RangeError)) throw reason;
    throw new EngineError('limit_exceeded', `the reply is too long for JSON; ask for the encoding 'binary'`);
  }
}

/** The float64 whose shortest decimal is the shortest decimal that reads back to the float32 `x`. */
export function shortestFloat32(x: number): number {
  // A float32 holds every integer of up to 24 bits, so no shorter decimal than its own stands for one.
  if ((x | 0) === x && x < 2 ** 24 && x > -(2 ** 24)) return x;
  const size = Math.abs(x);
  if (!(size >= 1e-13 && size < 1e27)) return shortestByTrial(x);
  const exponent = decimalExponent(size);
  // Two decimals of 6 digits never share a float32, so the shortest one is found without trying fewer digits.
  const six = roundToPlaces(x, 5 - exponent);
  if (Math.fround(six) === x) return six;
  const seven = roundToPlaces(x, 6 - exponent);
  if (Math.fround(seven) === x) return seven;
  const eight = roundToPlaces(x, 7 - exponent);
  return Math.fround(eight) === x ? eight : roundToPlaces(x, 8 - exponent);
}

function decodeObject(json: Record<string, unknown>, where: Where, limits: Limits): Value {
  for (const key of Object.keys(json)) {
    if (OBJECT_KEYS.includes(key)) continue;
    throw invalid(below(where, key), [], `has an unknown field '${clip(key)}'.${didYouMean(key, OBJECT_KEYS)}`);
  }
  if ((json.data === undefined) === (json.base64 === undefined))
    throw invalid(where, [], `must be a number, a list, or an object with either 'data' or 'base64'`);
  if (json.base64 !== undefined) {
    const bytes = readBase64(json.base64, below(where, 'base64'));
    return decodeBytes(json.dtype, json.shape, bytes, where, limits);
  }
  const dtype = json.dtype === undefined ? undefined : readDType(json.dtype, where);
  const shape = json.shape === undefined ? undefined : readShape(json.shape, where, limits);
  return decodeList(dtype, shape, json.data, below(where, 'data'), limits);
}

const OBJECT_KEYS = ['dtype', 'shape', 'data', 'base64'];

/** A number or nested list as a value; a list may be flat where `declared` says its shape. */
function decodeList(
  wire: WireDType | undefined,
  declared: Shape | undefined,
  json: unknown,
  where: Where,
  limits: Limits,
): Value {
  const sent = measure(json, where, limits);
  const size = sizeOf(sent);
  if (declared !== undefined) checkDeclared(declared, sent, where);
  const shape = declared ?? sent;
  const dtype = wire ?? (typeof firstElement(json) === 'boolean' ? 'bool' : undefined);
  // Only a declared bool may be written 0 or 1; in a list without dtype that is more likely a slip.
  const read = wire === undefined && dtype === 'bool' ? readPlainBool : READERS[dtype ?? 'float64'];
  const stored = dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype;
  const data = allocateArray(stored ?? 'float64', size);
  const fill = data instanceof Float64Array ? fillFloat64 : fillElements;
  const end =
    sent.length === 0 ? fill(data, [json], 0, read) : fillRows(data, json as unknown[], sent, 0, 0, read, fill);
  if (end < 0) {
    const index = sent.length === 0 ? [] : indexPath(-end - 1, sent);
    throw invalid(where, index, read(elementAt(json, index)) as string);
  }
  return new Value(stored, shape, data);
}

/** The shape of nested lists, every list checked against its neighbours before anything is allocated. */
function measure(json: unknown, where: Where, limits: Limits): number[] {
  const shape: number[] = [];
  for (let level = json; Array.isArray(level); level = level[0]) {
    const rank = shape.length + 1;
    checkLimit(limits, 'rank', rank, () => `${nameOf(where)} has at least ${rank} dimensions`, where);
    shape.push(level.length);
  }
  checkRows(json, shape, [], where);
  checkSize(shape, where, limits);
  return shape;
}

/** Throws unless every list below `path` has the length of its neighbours; recursion ends at the rank. */
function checkRows(json: unknown, shape: Shape, path: number[], where: Where): void {
  const axis = path.length + 1;
  if (axis >= shape.length) return;
  const wanted = shape[axis] as number;
  const rows = json as unknown[];
  for (let row = 0; row < rows.length; row++) {
    const list = rows[row];
    const below = axis + 1 < shape.length || !Array.isArray(list) || list.length !== wanted ? [...path, row] : path;
    if (!Array.isArray(list)) throw invalid(where, below, `is ${describeJson(list)}, expected a list of ${wanted}`);
    if (list.length !== wanted)
      throw invalid(where, below, `has ${list.length} elements, expected ${wanted} like the lists before it`);
    if (below !== path) checkRows(list, shape, below, where);
  }
}

/** Fills `data` from rows of nested lists; returns the next free place, or `-1 - place` of the first bad element. */
function fillRows(
  data: TypedArray,
  rows: readonly unknown[],
  shape: Shape,
  axis: number,
  start: number,
  read: Reader,
  fill: typeof fillElements,
): number {
  if (axis === shape.length - 1) return fill(data, rows, start, read);
  let at = start;
  for (let row = 0; row < rows.length && at >= 0; row++)
    at = fillRows(data, rows[row] as unknown[], shape, axis + 1, at, read, fill);
  return at;
}

function fillElements(data: TypedArray, elements: readonly unknown[], start: number, read: Reader): number {
  for (let i = 0; i < elements.length; i++) {
    const element = read(elements[i]);
    if (typeof element === 'string') return -1 - (start + i);
    data[start + i] = element;
  }
  return start + elements.length;
}

/** `fillElements` for the common case: finite numbers are stored without a call. */
function fillFloat64(data: TypedArray, elements: readonly unknown[], start: number, read: Reader): number {
  for (let i = 0; i < elements.length; i++) {
    const json = elements[i];
    const element = typeof json === 'number' && json - json === 0 ? json : read(json);
    if (typeof element === 'string') return -1 - (start + i);
    (data as Float64Array)[start + i] = element as number;
  }
  return start + elements.length;
}

function readFloat64(element: unknown): number | string {
  if (typeof element === 'number')
    return Number.isFinite(element) ? element : 'is too large for a float64; send "Infinity"';
  return NON_FINITE.get(element) ?? notANumber(element);
}

function readRounded(element: unknown, round: (x: number) => number, dtype: WireDType): number | string {
  const exact = readFloat64(element);
  if (typeof exact === 'string') return exact;
  const rounded = round(exact);
  if (Number.isFinite(exact) && !Number.isFinite(rounded)) return `is ${exact}, out of range for ${dtype}`;
  return rounded;
}

function readInt32(element: unknown): number | string {
  if (typeof element !== 'number') return notANumber(element);
  if (!Number.isInteger(element)) return `is ${element}, expected an integer`;
  return (element | 0) === element ? element : `is ${element}, out of range for int32`;
}

function readInt64(element: unknown): bigint | string {
  if (typeof element === 'string') return readDecimal(element);
  if (typeof element !== 'number') return notANumber(element);
  if (!Number.isInteger(element)) return `is ${element}, expected an integer`;
  // JSON.parse has already rounded it: the digits that the client meant are gone.
  if (!Number.isSafeInteger(element)) return 'is beyond 2^53; send it as a decimal string';
  return BigInt(element);
}

function readDecimal(text: string): bigint | string {
  if (!/^-?\d{1,19}$/.test(text)) return `is ${describeJson(text)}, expected an integer or a decimal string`;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? integer : `is ${text}, out of range for int64`;
}

function readBool(element: unknown): number | string {
  return element === 0 || element === 1 ? element : readPlainBool(element);
}

function readPlainBool(element: unknown): number | string {
  return typeof element === 'boolean' ? Number(element) : `is ${describeJson(element)}, expected true or false`;
}

function notANumber(element: unknown): string {
  if (element === null) return 'is null; send "NaN" for a missing number';
  if (typeof element === 'string')
    return `is ${describeJson(element)}; the only strings are "NaN", "Infinity" and "-Infinity"`;
  return `is ${describeJson(element)}, expected a number`;
}

function readDType(dtype: unknown, where: Where): WireDType {
  if (typeof dtype === 'string' && Object.hasOwn(WIRE_DTYPES, dtype))
    return WIRE_DTYPES[dtype as keyof typeof WIRE_DTYPES];
  const names = Object.keys(WIRE_DTYPES);
  const guess = typeof dtype === 'string' ? didYouMean(dtype, names) : '';
  const found = dtype === undefined ? 'has no dtype' : `has the dtype ${describeJson(dtype)}`;
  throw invalid(below(where, 'dtype'), [], `${found}, expected one of ${names.slice(0, 7).join(', ')}.${guess}`);
}

function readShape(shape: unknown, where: Where, limits: Limits): Shape {
  const at = below(where, 'shape');
  if (!Array.isArray(shape)) throw invalid(at, [], `has the shape ${describeJson(shape)}, expected a list of sizes`);
  checkLimit(limits, 'rank', shape.length, () => `${nameOf(where)} has ${shape.length} dimensions`, at);
  for (const [axis, size] of shape.entries()) {
    if (Number.isInteger(size) && size >= 0 && size < 2 ** 31) continue;
    throw invalid(
      below(at, String(axis)),
      [],
      `has the size ${describeJson(size)} at axis ${axis}, expected 0 to 2^31-1`,
    );
  }
  checkSize(shape, at, limits);
  // A copy holds no -0 and cannot be changed through the request.
  return shape.map((size) => size + 0);
}

function checkSize(shape: Shape, where: Where, limits: Limits): void {
  // At most 8 sizes below 2^31: the product may round but cannot overflow, and the limit is far below 2^53.
  const found = (): string => `${nameOf(where)} has the shape [${shape.join(',')}], ${sizeOf(shape)} elements`;
  checkLimit(limits, 'elements', sizeOf(shape), found, where);
}

function checkDeclared(declared: Shape, sent: Shape, where: Where): void {
  const size = sizeOf(declared);
  if (sameShape(declared, sent) || (sent.length <= 1 && sizeOf(sent) === size)) return;
  const wanted = `expected [${declared.join(',')}] or a flat list of ${size}`;
  throw invalid(where, [], `has data of shape [${sent.join(',')}], ${wanted}`);
}

function checkBools(bytes: Uint8Array, where: Where, shape: Shape): void {
  for (let i = 0; i < bytes.length; i++) {
    if ((bytes[i] as number) > 1)
      throw invalid(where, indexPath(i, shape), `is the byte ${bytes[i]}, expected 0 or 1 for a bool`, where.pointer);
  }
}

function readBase64(text: unknown, where: Where): Uint8Array {
  if (typeof text !== 'string') throw invalid(where, [], `has ${describeJson(text)} for base64, expected a string`);
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw invalid(where, [], 'is not valid base64');
  }
}

function widenFloat16(bytes: Uint8Array, size: number): Float32Array {
  return new Float32Array(new Float16Array(bytes.buffer, bytes.byteOffset, size));
}

function widenBfloat16(bytes: Uint8Array, size: number): Float32Array {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, size);
  const bits = new Uint32Array(size);
  for (let i = 0; i < size; i++) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

function roundToBfloat16(x: number): number {
  if (Number.isNaN(x)) return x;
  scratch[0] = x;
  const bits = scratchBits[0] as number;
  // Half of the last place that stays, and one less than that where staying is even: ties go to even.
  scratchBits[0] = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return scratch[0] as number;
}

/** A tensor's elements as nested arrays that print as JSON. */
function nestElements({ type, data }: Tensor): unknown {
  const { dtype, shape } = type;
  if (shape.length === 0) return elementsOf(dtype, data, 0, 1)[0];
  let start = 0;
  const nest = (axis: number): unknown[] => {
    const size = shape[axis] as number;
    if (axis === shape.length - 1) {
      start += size;
      return elementsOf(dtype, data, start - size, start);
    }
    const rows = new Array<unknown>(size);
    for (let row = 0; row < size; row++) rows[row] = nest(axis + 1);
    return rows;
  };
  return nest(0);
}

/** `JSON.stringify` prints -0 as 0, so the one number that it gets wrong is given as text. */
const NEGATIVE_ZERO = JSON.rawJSON('-0');

/** Elements `start` to `end` as values that print as JSON. */
function elementsOf(dtype: DType, data: TypedArray, start: number, end: number): unknown[] {
  switch (dtype) {
    case 'bool':
      return Array.from(data.subarray(start, end) as Uint8Array, (bit) => bit !== 0);
    case 'int32':
      return Array.from(data.subarray(start, end) as Int32Array);
    case 'int64':
      return Array.from(data.subarray(start, end) as BigInt64Array, printableInt64);
    case 'float32':
      return floats(data as Float32Array, start, end, shortestFloat32);
    case 'float64':
      return floats(data as Float64Array, start, end, undefined);
    default:
      return dtype satisfies never;
  }
}

function floats(
  data: Float32Array | Float64Array,
  start: number,
  end: number,
  shorten: ((x: number) => number) | undefined,
): unknown[] {
  const elements = new Array<unknown>(end - start);
  for (let i = start; i < end; i++) {
    const x = data[i] as number;
    if (x - x !== 0) elements[i - start] = String(x);
    else if (x === 0 && Object.is(x, -0)) elements[i - start] = NEGATIVE_ZERO;
    else elements[i - start] = shorten === undefined ? x : shorten(x);
  }
  return elements;
}

function printableInt64(x: bigint): unknown {
  const number = Number(x);
  return Number.isSafeInteger(number) ? number : JSON.rawJSON(String(x));
}

const POWERS = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/** The powers of ten from 1e-14 to 1e28, each the nearest float64. */
const DECADES = Float64Array.from({ length: 43 }, (_, place) => Number(`1e${place - 14}`));

/** For each exponent field of a float32 from 1e-13 to 1e27, the decimal exponent of the least number that has it. */
const DECIMAL_EXPONENTS = Int8Array.from({ length: 256 }, (_, field) =>
  Math.max(-14, Math.min(27, Math.floor(Math.log10(2 ** (field - 127))))),
);

/** The decimal exponent of a float32 from 1e-13 to 1e27. */
function decimalExponent(size: number): number {
  scratch[0] = size;
  const least = DECIMAL_EXPONENTS[(scratchBits[0] as number) >>> 23] as number;
  return size >= (DECADES[least + 15] as number) ? least + 1 : least;
}

/** `x` rounded to `places` decimal places; the scaling is by exact powers of ten, so the result is the nearest float64. */
function roundToPlaces(x: number, places: number): number {
  // floor(x + 0.5) takes a quarter of the time of Math.round here.
  if (places >= 0) {
    const scale = POWERS[places] as number;
    return Math.floor(x * scale + 0.5) / scale;
  }
  const scale = POWERS[-places] as number;
  return Math.floor(x / scale + 0.5) * scale;
}

/** `shortestFloat32` for magnitudes outside the exact powers of ten, subnormals among them. */
function shortestByTrial(x: number): number {
  // Only subnormals hold fewer than 6 digits, so that several short decimals may stand for one.
  for (let digits = Math.abs(x) < 2 ** -126 ? 1 : 6; digits < 9; digits++) {
    const candidate = Number(x.toPrecision(digits));
    if (Math.fround(candidate) === x) return candidate;
  }
  return Number(x.toPrecision(9));
}

/** An `invalid_tensor` at the element that `path` leads to. */
function invalid(where: Where, path: readonly number[], fault: string, pointer?: string): EngineError {
  const place = nameOf(where) + path.map((index) => `[${index}]`).join('');
  const at = pointer ?? (where.pointer ?? '') + path.map((index) => `/${index}`).join('');
  return new EngineError('invalid_tensor', `${place} ${fault}`, { ...where, pointer: at });
}

function nameOf(where: Where): string {
  const name = where.input ?? where.param;
  return name === undefined ? 'the tensor' : `'${name}'`;
}

function below(where: Where, key: string): Where {
  return { ...where, pointer: joinPointer(where.pointer ?? '', key) };
}

/** The RFC 6901 pointer to a member of what `pointer` leads to. */
export function joinPointer(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The index of an element from its place in row-major order. */
function indexPath(place: number, shape: Shape): number[] {
  const path = new Array<number>(shape.length);
  let rest = place;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    path[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return path;
}

function elementAt(json: unknown, path: readonly number[]): unknown {
  return path.reduce((list, index) => (list as unknown[])[index], json);
}

function firstElement(json: unknown): unknown {
  let element = json;
  while (Array.isArray(element)) element = element[0];
  return element;
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** A JSON value in a few words, for an error message. */
export function describeJson(json: unknown): string {
  if (Array.isArray(json)) return `a list of ${json.length}`;
  if (typeof json === 'string') return JSON.stringify(clip(json));
  return typeof json === 'object' && json !== null ? 'an object' : String(json);
}

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
