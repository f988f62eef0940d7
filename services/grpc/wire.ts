/** @file Bytes as messages: bounded before anything is made of them. */
import { type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { EngineError } from '../../engine/errors.ts';
import { MESSAGE_LIMITS } from '../api/limits.ts';

/** The message that bytes hold; throws `invalid_request`. Fields that we do not know are passed over. */
export function decodeMessage(desc: DescMessage, bytes: Uint8Array, limit: number = MESSAGE_LIMITS.messages): Message {
  try {
    // The least that a message takes are its tag and its length.
    if (bytes.length > 2 * limit) checkCount(desc, bytes, limit);
    return fromBinary(desc, bytes, { readUnknownFields: false });
  } catch (reason) {
    if (reason instanceof EngineError) throw reason;
    throw new EngineError('invalid_request', `the request is not a ${desc.name}: ${faultOf(reason)}`);
  }
}

function faultOf(reason: unknown): string {
  const { message } = reason as Error;
  return /recursion/.test(message) ? 'it nests too many messages' : 'its bytes cannot be read';
}

/** Throws `invalid_request` when more messages than `limit` lie within one another's bytes; makes none of them. */
function checkCount(desc: DescMessage, bytes: Uint8Array, limit: number): void {
  const reader = new BinaryReader(bytes);
  let count = 0;
  const walk = (childAt: ChildAt, end: number, depth: number): void => {
    if (depth > 100) throw new Error('recursion');
    while (reader.pos < end) {
      const [number, wire] = reader.tag();
      const child = wire === WireType.LengthDelimited ? childAt(number) : undefined;
      if (child === undefined) {
        reader.skip(wire, number);
        continue;
      }
      if (++count > limit)
        throw new EngineError('invalid_request', `the request has more than ${limit} messages in it`);
      const length = reader.uint32();
      walk(child, reader.pos + length, depth + 1);
    }
  };
  walk(childrenOf(desc), bytes.length, 0);
}

/** What a field's bytes are walked with when they hold messages. */
type ChildAt = (number: number) => ChildAt | undefined;

const children = new WeakMap<DescMessage, ChildAt>();

function childrenOf(desc: DescMessage): ChildAt {
  const known = children.get(desc);
  if (known !== undefined) return known;
  const found = new Map<number, ChildAt>();
  const childAt: ChildAt = (number) => found.get(number);
  // Known before its fields are: messages hold themselves.
  children.set(desc, childAt);
  for (const field of desc.fields) {
    const inner = field.message === undefined ? undefined : childrenOf(field.message);
    // A map is a list of messages of its own, with the value as field 2.
    if (field.fieldKind === 'map') found.set(field.number, (number) => (number === 2 ? inner : undefined));
    else if (inner !== undefined) found.set(field.number, inner);
  }
  return childAt;
}
