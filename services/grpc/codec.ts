/**
 * @file Messages as the plain values of the method table, and back, by their descriptors alone. Fields keep their names.
 * Five conventions of proto/ need no table: a message whose fields are one oneof `kind` stands for the member that is
 * set, or null; a message whose only field is `items` stands for that list or map; a message whose fields are one oneof
 * of another name is the member with that name as its tag; an enum value is its name without the prefix, in lower case;
 * an Any called `request` or `response` is what the rpc takes or gives that the field `method` beside it names.
 */
import { create, type DescEnum, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import {
  type Any,
  AnySchema,
  anyPack,
  type Timestamp,
  TimestampSchema,
  timestampDate,
  timestampFromDate,
} from '@bufbuild/protobuf/wkt';
import { EngineError } from '../../engine/errors.ts';
import { decodeBytes, encodeBytes, joinPointer } from '../../engine/formats/tensor.ts';
import type { Limits } from '../../engine/limits.ts';
import { Value } from '../../engine/program/value.ts';
import type { Tensor } from '../../engine/types.ts';
import { MESSAGE_LIMITS } from '../api/limits.ts';
import { messageNamed, PACKAGE, rpcNamed } from './schema.ts';
import { decodeMessage } from './wire.ts';

const TENSOR = messageNamed(`${PACKAGE}.Tensor`);
const STRUCT = 'google.protobuf.Struct';

/** A message as protobuf-es has it: fields under their local names. */
type Local = Message & Record<string, unknown>;

/** A field with the message that it, its items or its values are. */
type MessageField = DescField & { readonly message: DescMessage };

/** How a message is written as a value. */
type Form =
  | { readonly kind: 'tensor' | 'time' | 'record' }
  | { readonly kind: 'union' }
  | { readonly kind: 'items'; readonly field: DescField & { readonly fieldKind: 'list' | 'map' } }
  | { readonly kind: 'tagged'; readonly tag: string };

const forms = new WeakMap<DescMessage, Form>();

function formOf(desc: DescMessage): Form {
  let form = forms.get(desc);
  if (form === undefined) {
    form = findForm(desc);
    forms.set(desc, form);
  }
  return form;
}

function findForm(desc: DescMessage): Form {
  if (desc === TENSOR) return { kind: 'tensor' };
  if (desc.typeName === TimestampSchema.typeName) return { kind: 'time' };
  const [field] = desc.fields;
  const oneof = field?.oneof;
  if (oneof !== undefined && desc.fields.every((other) => other.oneof === oneof))
    return oneof.name === 'kind' ? { kind: 'union' } : { kind: 'tagged', tag: oneof.name };
  if (desc.fields.length === 1 && field?.name === 'items' && (field.fieldKind === 'list' || field.fieldKind === 'map'))
    return { kind: 'items', field };
  return { kind: 'record' };
}

/**
 * A message as a value: tensors decoded, and nothing for fields that are not set and for empty lists. Throws
 * `invalid_tensor`, and `invalid_request` for names that reach for prototypes or too deep a nesting.
 */
export function readMessage(desc: DescMessage, message: Message, limits: Limits): unknown {
  return new Reader(limits).read(desc, message as Local, { pointer: '', depth: 0 });
}

/** Where a value lies: what leads to it, how deep it is, and the last name on the way that is the client's own. */
interface Place {
  readonly pointer: string;
  readonly depth: number;
  readonly name?: string;
}

/** Reads messages, held to limits. */
class Reader {
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  read(desc: DescMessage, message: Local, place: Place): unknown {
    if (place.depth > MESSAGE_LIMITS.depth)
      throw new EngineError('invalid_request', `the request nests more than ${MESSAGE_LIMITS.depth} lists and objects`);
    const form = formOf(desc);
    switch (form.kind) {
      case 'tensor':
        return this.#tensor(message, place);
      case 'time':
        return timestampDate(message as unknown as Timestamp).toISOString();
      case 'items':
        return this.#field(form.field, message[form.field.localName], place);
      case 'union': {
        const field = fieldSet(desc, message);
        return field === undefined ? null : this.#field(field, heldBy(message, field), place);
      }
      case 'tagged': {
        const field = fieldSet(desc, message) as MessageField | undefined;
        if (field === undefined) return {};
        const fields = this.read(field.message, heldBy(message, field) as Local, place);
        return { [form.tag]: field.name, ...(fields as object) };
      }
      case 'record': {
        const record: Record<string, unknown> = {};
        for (const field of desc.fields) {
          const value = heldBy(message, field);
          if (value === undefined) continue;
          const at = within(place, field.name, place.name);
          record[field.name] = isAny(field)
            ? this.#any(field, value as Any, message.method, at)
            : this.#field(field, value, at);
        }
        return record;
      }
      default:
        return form satisfies never;
    }
  }

  #field(field: DescField, value: unknown, place: Place): unknown {
    switch (field.fieldKind) {
      case 'list':
        return (value as unknown[]).map((item, i) => this.#item(field, item, within(place, i, place.name)));
      case 'map':
        return Object.fromEntries(
          Object.entries(value as Record<string, unknown>).map(([key, item]) => {
            const at = within(place, key, key);
            if (key === '__proto__')
              throw new EngineError('invalid_request', `the key '${key}' is not allowed`, { pointer: at.pointer });
            return [key, this.#item(field, item, at)];
          }),
        );
      default:
        return this.#item(field, value, place);
    }
  }

  /** One value of a field: the field's own, or an item of its list or map. */
  #item(field: DescField, value: unknown, place: Place): unknown {
    if (field.message !== undefined)
      return field.message.typeName === STRUCT ? value : this.read(field.message, value as Local, place);
    if (field.enum !== undefined) return enumName(field.enum, value as number);
    return typeof value === 'bigint' ? Number(value) : value;
  }

  /** The message that an Any holds, which must be the one that belongs there. */
  #any(field: DescField, { typeUrl, value }: Any, method: unknown, place: Place): unknown {
    const desc = messageBeside(field, method);
    // The method is at fault then, and its schema or handler says so.
    if (desc === undefined) return {};
    const { pointer } = place;
    if (typeUrl.slice(typeUrl.lastIndexOf('/') + 1) !== desc.typeName)
      throw new EngineError('invalid_request', `'${field.name}' does not hold an ${desc.typeName}`, { pointer });
    return this.read(desc, decodeMessage(desc, value) as Local, place);
  }

  #tensor(
    { dtype, shape, data }: Local,
    { pointer, name = pointer.slice(pointer.lastIndexOf('/') + 1) }: Place,
  ): Value {
    const word = enumName((TENSOR.field.dtype as DescField & { enum: DescEnum }).enum, dtype as number);
    const sizes = (shape as bigint[]).map(Number);
    return decodeBytes(word, sizes, data as Uint8Array, { input: name, pointer }, this.#limits);
  }
}

function within({ pointer, depth }: Place, key: string | number, name: string | undefined): Place {
  return { pointer: joinPointer(pointer, key), depth: depth + 1, ...(name !== undefined && { name }) };
}

function isAny({ message }: DescField): boolean {
  return message?.typeName === AnySchema.typeName;
}

/** What an Any holds beside a field `method`. */
function messageBeside(field: DescField, method: unknown): DescMessage | undefined {
  const rpc = rpcNamed(String(method));
  return field.name === 'request' ? rpc?.input : rpc?.output;
}

/** The field of a oneof that is set. */
function fieldSet(desc: DescMessage, message: Local): DescField | undefined {
  return desc.fields.find((field) => heldBy(message, field) !== undefined);
}

/** What a field holds; `undefined` when it is not set, or is what an absent one would be. */
export function heldBy(message: Local, field: DescField): unknown {
  if (field.oneof !== undefined) {
    const set = message[field.oneof.localName] as { readonly case: string | undefined; readonly value?: unknown };
    return set.case === field.localName ? set.value : undefined;
  }
  const value = message[field.localName];
  switch (field.fieldKind) {
    case 'list':
      return (value as unknown[]).length > 0 || MAY_BE_EMPTY.has(`${field.parent.name}.${field.name}`)
        ? value
        : undefined;
    case 'map':
      return value;
    case 'message':
      return value;
    case 'enum':
    case 'scalar':
      // Only what has no presence of its own has a zero value on every message.
      return isOptional(field) || !isZero(value) ? value : undefined;
    default:
      return field satisfies never;
  }
}

/** Lists that may be empty and may not be left out; of all others, an empty one is as one left out. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['GraphDocument.nodes', 'Subgraph.outputs', 'RunRequest.transforms']);

function isOptional({ proto }: DescField): boolean {
  return proto.proto3Optional;
}

function isZero(value: unknown): boolean {
  return (
    value === undefined || value === '' || Object.is(value, 0) || value === 0n || value === false || isEmptyBytes(value)
  );
}

function isEmptyBytes(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 0;
}

/** The word for an enum value; `undefined` for the first, which means none, and the number where there is no word. */
function enumName(desc: DescEnum, number: number): string | number | undefined {
  return number === 0 ? undefined : (desc.value[number]?.localName.toLowerCase() ?? number);
}

/** The message for a value of the method table; a value that the message has no place for is a fault of the build. */
export function writeMessage(desc: DescMessage, value: unknown): Message {
  const message = create(desc) as Local;
  const form = formOf(desc);
  switch (form.kind) {
    case 'tensor':
      writeTensor(message, value as Tensor | Value);
      return message;
    case 'time':
      return timestampFromDate(new Date(value as string));
    case 'items':
      message[form.field.localName] = writeField(form.field, value);
      return message;
    case 'union':
      if (value !== null && value !== undefined) set(message, memberFor(desc, value), value);
      return message;
    case 'tagged': {
      const { [form.tag]: tag, ...fields } = value as Record<string, unknown>;
      set(message, fieldNamed(desc, tag as string), fields);
      return message;
    }
    case 'record':
      for (const [key, item] of entriesOf(value)) {
        if (item === null || item === undefined) continue;
        const field = fieldNamed(desc, key);
        if (isAny(field)) message[field.localName] = writeAny(field, item, (value as { method?: unknown }).method);
        else set(message, field, item);
      }
      return message;
    default:
      return form satisfies never;
  }
}

function writeAny(field: DescField, value: unknown, method: unknown): Any {
  const desc = messageBeside(field, method);
  if (desc === undefined) throw new Error(`there is no rpc ${method}`);
  return anyPack(desc, writeMessage(desc, value));
}

function writeTensor(message: Local, tensor: Tensor | Value): void {
  const { dtype, shape } = tensor instanceof Value ? tensor : tensor.type;
  message.dtype = enumNumber((TENSOR.field.dtype as DescField & { enum: DescEnum }).enum, dtype as string);
  message.shape = shape.map(BigInt);
  message.data = encodeBytes(tensor as Tensor);
}

function set(message: Local, field: DescField, value: unknown): void {
  const local = writeField(field, value);
  if (field.oneof !== undefined) message[field.oneof.localName] = { case: field.localName, value: local };
  else message[field.localName] = local;
}

function writeField(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case 'list':
      return (value as readonly unknown[]).map((item) => writeItem(field, item));
    case 'map':
      return Object.fromEntries(entriesOf(value).map(([key, item]) => [key, writeItem(field, item)]));
    default:
      return writeItem(field, value);
  }
}

function writeItem(field: DescField, value: unknown): unknown {
  if (field.message !== undefined)
    return field.message.typeName === STRUCT ? value : writeMessage(field.message, value);
  if (field.enum !== undefined) return enumNumber(field.enum, value as string);
  switch (field.scalar) {
    case ScalarType.INT64:
      return BigInt(value as number);
    case ScalarType.DOUBLE:
      // Where JSON has no word for a number, responses have it as text.
      return Number(value);
    default:
      return value;
  }
}

/** The member of a union that a value belongs to. */
function memberFor(desc: DescMessage, value: unknown): DescField {
  const found = desc.fields.find((field) => fits(field, value));
  if (found === undefined) throw new Error(`no member of ${desc.typeName} is for this value`);
  return found;
}

const SCALARS: Partial<Record<ScalarType, string>> = {
  [ScalarType.STRING]: 'string',
  [ScalarType.DOUBLE]: 'number',
  [ScalarType.BOOL]: 'boolean',
};

function fits(field: DescField, value: unknown): boolean {
  if (field.fieldKind === 'scalar') return typeof value === SCALARS[field.scalar];
  if (field.message === undefined || typeof value !== 'object' || value === null) return false;
  const isTensor = 'data' in value && ArrayBuffer.isView(value.data);
  const form = formOf(field.message);
  if (form.kind === 'tensor' || isTensor) return form.kind === 'tensor' && isTensor;
  if (form.kind === 'items') return Array.isArray(value) === (form.field.fieldKind === 'list');
  // Members that are records stand before maps, which fit every record.
  const { field: fields } = field.message;
  return (
    !Array.isArray(value) &&
    // Lists and maps are always there, so a record that has nothing is one that has neither.
    (entriesOf(value).length > 0 || field.message.fields.every(({ fieldKind }) => fieldKind === 'scalar')) &&
    entriesOf(value).every(([key]) => Object.hasOwn(fields, key))
  );
}

function fieldNamed(desc: DescMessage, name: string): DescField {
  const found = desc.fields.find((field) => field.name === name);
  if (found === undefined) throw new Error(`${desc.typeName} has no field ${name}`);
  return found;
}

function enumNumber(desc: DescEnum, word: string): number {
  const found = desc.values.find(({ localName }) => localName.toLowerCase() === word);
  if (found === undefined) throw new Error(`${desc.typeName} has no value for ${word}`);
  return found.number;
}

function entriesOf(value: unknown): [string, unknown][] {
  return value instanceof Map ? [...value] : Object.entries(value as object);
}
