/** @file Messages as bytes, in which large tensors are copied once: protobuf-es copies them three times. */
import { type DescField, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { heldBy } from './codec.ts';
import { messageNamed, PACKAGE } from './schema.ts';

const TENSOR = messageNamed(`${PACKAGE}.Tensor`);

/** Bytes of tensors from which on it pays to put a message together in pieces. */
const LARGE = 2 ** 18;

/** A message as protobuf-es has it: fields under their local names. */
type Local = Message & Record<string, unknown>;

/** The bytes of a message; in pieces where its tensors have `large` bytes or more. */
export function encodeMessage(desc: DescMessage, message: Message, large = LARGE): Buffer {
  if (tensorBytes(desc, message as Local) < large) {
    const bytes = toBinary(desc, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return Buffer.concat(piecesOf(desc, message as Local).list);
}

/** Parts of the bytes of a message, in order. */
class Pieces {
  readonly list: Uint8Array[] = [];
  length = 0;

  add(...bytes: readonly Uint8Array[]): void {
    for (const piece of bytes) {
      this.list.push(piece);
      this.length += piece.length;
    }
  }

  /** Adds a field that is as many bytes as it says. */
  field(number: number, pieces: Pieces): void {
    this.add(new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(pieces.length).finish(), ...pieces.list);
  }
}

/** A message in pieces. Fields may come in any order, so those that hold tensors come after the others. */
function piecesOf(desc: DescMessage, message: Local): Pieces {
  const pieces = new Pieces();
  const light: Local = { ...message };
  const heavy = heavyFields(desc).map((field) => ({ field, value: take(light, field) }));
  pieces.add(toBinary(desc, light));
  for (const { field, value } of heavy) addField(pieces, field, value);
  return pieces;
}

function addField(pieces: Pieces, field: DescField, value: unknown): void {
  if (value === undefined) return;
  switch (field.fieldKind) {
    case 'message':
      pieces.field(field.number, piecesOf(field.message, value as Local));
      return;
    case 'list':
      for (const item of value as Local[]) pieces.field(field.number, piecesOf(field.message as DescMessage, item));
      return;
    case 'map':
      for (const [key, item] of Object.entries(value as Record<string, Local>)) {
        const entry = new Pieces();
        entry.add(new BinaryWriter().tag(1, WireType.LengthDelimited).string(key).finish());
        entry.field(2, piecesOf(field.message as DescMessage, item));
        pieces.field(field.number, entry);
      }
      return;
    case 'scalar': {
      const bytes = new Pieces();
      bytes.add(value as Uint8Array);
      if (bytes.length > 0) pieces.field(field.number, bytes);
      return;
    }
    case 'enum':
      throw new Error(`${field.name} holds no tensor`);
    default:
      field satisfies never;
  }
}

/** Takes a field's value out of a message; `undefined` when it is not set. */
function take(message: Local, field: DescField): unknown {
  if (field.oneof !== undefined) {
    const { localName } = field.oneof;
    const set = message[localName] as { readonly case: string | undefined; readonly value?: unknown };
    if (set.case !== field.localName) return undefined;
    message[localName] = { case: undefined };
    return set.value;
  }
  const value = message[field.localName];
  message[field.localName] = EMPTY[field.fieldKind];
  return value;
}

const EMPTY = { message: undefined, list: [], map: {}, scalar: new Uint8Array(), enum: 0 } as const;

/** Bytes of the tensors in a message. */
function tensorBytes(desc: DescMessage, message: Local): number {
  if (desc === TENSOR) return (message.data as Uint8Array).length;
  let bytes = 0;
  for (const field of heavyFields(desc)) {
    const child = field.message as DescMessage;
    for (const item of itemsOf(message, field)) bytes += tensorBytes(child, item);
  }
  return bytes;
}

function itemsOf(message: Local, field: DescField): readonly Local[] {
  const held = heldBy(message, field);
  if (held === undefined) return [];
  if (field.fieldKind === 'list') return held as Local[];
  return field.fieldKind === 'map' ? Object.values(held as Record<string, Local>) : [held as Local];
}

const heavyByMessage = new WeakMap<DescMessage, readonly DescField[]>();

/** The fields of a message that tensors may be in; of a tensor, its elements. */
function heavyFields(desc: DescMessage): readonly DescField[] {
  let fields = heavyByMessage.get(desc);
  if (fields === undefined) {
    fields =
      desc === TENSOR ? [TENSOR.field.data as DescField] : desc.fields.filter(({ message }) => holdsTensor(message));
    heavyByMessage.set(desc, fields);
  }
  return fields;
}

/** Whether a tensor can be anywhere in a message. */
function holdsTensor(desc: DescMessage | undefined): boolean {
  const seen = new Set<DescMessage>();
  const open = [desc];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next === TENSOR) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...next.fields.map(({ message }) => message));
  }
  return false;
}
