/** @file Messages and values: what one becomes the other reads back, for any message that the descriptors allow. */
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  equals,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../../engine/errors.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { Value } from '../../engine/program/value.ts';
import { MESSAGE_LIMITS } from '../../services/api/limits.ts';
import { readMessage, writeMessage } from '../../services/grpc/codec.ts';
import { encodeMessage } from '../../services/grpc/encode.ts';
import { messageNamed, PACKAGE, REGISTRY, rpcNamed } from '../../services/grpc/schema.ts';
import { decodeMessage } from '../../services/grpc/wire.ts';
import type { Json } from './harness.ts';

/** Messages that stand for a value of their own, not for one of a record's fields. */
const OURS = [...REGISTRY]
  .filter((type) => type.kind === 'message')
  .filter(({ file }) => file.proto.package === PACKAGE);

const named = (name: string): DescMessage => messageNamed(`${PACKAGE}.${name}`);

const BYTES: Record<string, number> = { 1: 1, 2: 4, 3: 8, 4: 4, 5: 8 };

/** Tensors of every dtype that a tensor can be answered in, of no more than a few elements. */
const tensors = fc
  .tuple(fc.constantFrom(1, 2, 3, 4, 5), fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }))
  .chain(([dtype, shape]) => {
    const length = shape.reduce((size, n) => size * n, BYTES[dtype] as number);
    const byte = fc.integer({ min: 0, max: dtype === 1 ? 1 : 255 });
    return fc.array(byte, { minLength: length, maxLength: length }).map((data) => ({
      dtype,
      shape: shape.map(BigInt),
      data: Uint8Array.from(data),
    }));
  });

const strings = fc.oneof(
  fc.constantFrom('x', 'constructor', 'toString', 'prototype', 'a/b~c', 'ü'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

function scalars(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return strings;
    case ScalarType.DOUBLE:
      return fc.double({ noNaN: true });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT32:
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case ScalarType.INT64:
      return fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }).map(BigInt);
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 9 });
    default:
      throw new Error(`no message has a ${ScalarType[type]}`);
  }
}

/** Messages of a type; `depth` is how many more messages they may hold within one another. */
function messages(desc: DescMessage, depth: number): fc.Arbitrary<Message> {
  const init = (shape: fc.Arbitrary<unknown>): fc.Arbitrary<Message> =>
    shape.map((fields) => create(desc, fields as never));
  if (desc.typeName === 'google.protobuf.Timestamp')
    return init(
      fc.record({
        seconds: fc.integer({ min: 0, max: 4e9 }).map(BigInt),
        nanos: fc.integer({ min: 0, max: 999 }).map((ms) => ms * 1e6),
      }),
    );
  if (desc.name === 'Tensor') return init(tensors);
  const oneof = desc.oneofs.find(
    ({ fields }) => fields.length === desc.fields.length && !fields[0]?.proto.proto3Optional,
  );
  if (oneof !== undefined) {
    const cases = oneof.fields.map((field) =>
      fc.record({ case: fc.constant(field.localName), value: values(field, depth - 1) }),
    );
    return init(fc.oneof(...cases).map((set) => ({ [oneof.localName]: set })));
  }
  const any = desc.fields.find(({ message }) => message?.typeName === 'google.protobuf.Any');
  if (any !== undefined) return withAny(desc, any, depth);
  const fields = desc.fields.filter((field) => depth > 0 || !holdsMessages(field));
  return init(
    fc.record(Object.fromEntries(fields.map((field) => [field.localName, fieldValues(field, depth)])), {
      requiredKeys: [],
    }),
  );
}

/** Messages whose Any holds what belongs beside their field `method`. */
function withAny(desc: DescMessage, any: DescField, depth: number): fc.Arbitrary<Message> {
  const rests = desc.fields.filter((field) => field !== any && field.name !== 'method');
  const rest = fc.record(Object.fromEntries(rests.map((field) => [field.localName, fieldValues(field, 0)])), {
    requiredKeys: [],
  });
  return fc.tuple(rest, fc.constantFrom('Jvp', 'Gradient', 'Check')).chain(([fields, method]) => {
    const rpc = rpcNamed(method) as DescMethod;
    const held = any.name === 'request' ? rpc.input : rpc.output;
    return messages(held, Math.min(depth, 2)).map((message) =>
      create(desc, { ...fields, method, [any.localName]: anyPack(held, message) } as never),
    );
  });
}

/** Whether a field may be what makes a message endless. */
function holdsMessages({ message }: DescField): boolean {
  return message !== undefined && message.name !== 'Tensor' && message.typeName !== 'google.protobuf.Struct';
}

function fieldValues(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const names = strings.filter((key) => key !== '__proto__');
  if (field.fieldKind === 'list') return fc.array(values(field, depth - 1), { maxLength: 3 });
  if (field.fieldKind === 'map') return fc.dictionary(names, values(field, depth - 1), { maxKeys: 3 });
  return values(field, depth - 1);
}

function values(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message?.typeName === 'google.protobuf.Struct')
    return fc.dictionary(strings, fc.jsonValue({ maxDepth: 2 })).map(plain);
  if (field.message !== undefined) return messages(field.message, depth);
  if (field.enum !== undefined) return fc.constantFrom(...field.enum.values.map(({ number }) => number));
  return scalars(field.scalar as ScalarType);
}

function plain(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json));
}

/** Below this, a message within a message stops: `messages` above would otherwise never end. */
const DEPTH = 3;

describe('any message', () => {
  test.each(OURS)('$name is the same after the wire, and after it was a value', (desc) => {
    fc.assert(
      fc.property(messages(desc, DEPTH), (message) => {
        expect(equals(desc, decodeMessage(desc, encodeMessage(desc, message)), message)).toBe(true);
        // In pieces, however small its tensors are.
        expect(equals(desc, decodeMessage(desc, encodeMessage(desc, message, 0)), message)).toBe(true);
        const value = readMessage(desc, message, DEFAULT_LIMITS);
        const written = writeMessage(desc, value);
        expect(equals(desc, written, message)).toBe(true);
        expect(readMessage(desc, written, DEFAULT_LIMITS)).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what is read', () => {
  const read = (name: string, init: Json): Json =>
    readMessage(named(name), create(named(name), init as never), DEFAULT_LIMITS);
  const refusal = (work: () => unknown): EngineError => {
    try {
      work();
    } catch (reason) {
      return reason as EngineError;
    }
    throw new Error('it was not refused');
  };
  const tensor = (data: Uint8Array, shape = [BigInt(data.length / 4)], dtype = 4): Json => ({ dtype, shape, data });

  test('a name of every object is no prototype', () => {
    const { values } = read('EvaluateRequest', {
      values: Object.fromEntries(HOSTILE.map((name) => [name, tensor(new Uint8Array(4))])),
    });
    expect(Object.keys(values)).toEqual(HOSTILE);
    for (const name of HOSTILE) expect(values[name]).toBeInstanceOf(Value);
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
  });

  test('__proto__ is refused wherever a name is', () => {
    for (const [name, bytes, pointer] of [
      [
        'EvaluateRequest',
        encode('EvaluateRequest', { values: { ['__proto__']: tensor(new Uint8Array(4)) } }),
        '/values/__proto__',
      ],
      [
        'NestMap',
        encode('NestMap', { items: { ['__proto__']: { kind: { case: 'name', value: 'x' } } } }),
        '/__proto__',
      ],
      ['Node', encode('Node', { params: { ['__proto__']: {} } }), '/params/__proto__'],
    ] as const) {
      const error = refusal(() => readMessage(named(name), decodeMessage(named(name), bytes), DEFAULT_LIMITS));
      expect(error).toMatchObject({ code: 'invalid_request', where: { pointer } });
    }
    expect(Object.prototype).not.toHaveProperty('dtype');
  });

  test('the elements of a tensor are aligned wherever they lay in the message', () => {
    for (let length = 1; length < 9; length++) {
      const bytes = encode('EvaluateRequest', {
        values: { ['x'.repeat(length)]: tensor(new Uint8Array(Float32Array.of(1, 2).buffer)) },
      });
      const { values } = readMessage(
        named('EvaluateRequest'),
        decodeMessage(named('EvaluateRequest'), bytes),
        DEFAULT_LIMITS,
      ) as Json;
      expect([...values['x'.repeat(length)].data]).toEqual([1, 2]);
    }
  });

  test.each([
    ['too few bytes', tensor(new Uint8Array(11), [3n]), 'has 11 bytes, expected 12 for float32[3]'],
    ['no dtype', tensor(new Uint8Array(12), [3n], 0), 'has no dtype'],
    ['a dtype of the future', tensor(new Uint8Array(12), [3n], 99), 'has the dtype 99, expected one of'],
    ['a size below 0', tensor(new Uint8Array(0), [-1n]), 'has the size -1 at axis 0'],
    ['a size of 2^63-1', tensor(new Uint8Array(0), [2n ** 63n - 1n]), 'at axis 0, expected 0 to 2^31-1'],
    ['too many elements', tensor(new Uint8Array(0), [65537n, 65536n]), 'elements'],
    ['a bool of 2', tensor(Uint8Array.of(0, 2), [2n], 1), "'x'[1] is the byte 2, expected 0 or 1 for a bool"],
  ])('a tensor with %s is refused by its name', (_, value, detail) => {
    const error = refusal(() => read('EvaluateRequest', { values: { x: value } }));
    expect(error.where.input).toBe('x');
    expect(error.where.pointer).toMatch(/^\/values\/x/);
    expect(error.message).toContain(detail);
  });

  test('a tensor is called by the last name on the way that is the client’s own', () => {
    const bad = tensor(new Uint8Array(3), [1n]);
    const nameOf = (name: string, init: Json): unknown => refusal(() => read(name, init)).where;
    expect(nameOf('EvaluateRequest', { values: { 'a/b': bad } })).toEqual({ input: 'a/b', pointer: '/values/a~1b' });
    expect(nameOf('UpdateVariablesRequest', { updates: { w: { assign: bad } } })).toEqual({
      input: 'w',
      pointer: '/updates/w/assign',
    });
    expect(nameOf('PutVariableRequest', { value: bad })).toEqual({ input: 'value', pointer: '/value' });
  });

  test('half floats become float32', () => {
    const { values } = read('EvaluateRequest', {
      values: {
        half: tensor(new Uint8Array(Float16Array.of(1.5, -0.25).buffer), [2n], 6),
        brain: tensor(new Uint8Array(Uint16Array.of(0x3fc0, 0xbe80).buffer), [2n], 7),
      },
    });
    for (const name of ['half', 'brain'])
      expect(values[name]).toMatchObject({ dtype: 'float32', data: Float32Array.of(1.5, -0.25) });
  });

  test('an enum value that is not known is left for the schema to refuse', () => {
    expect(read('Options', { device: 77 })).toEqual({ device: 77 });
  });

  test(`lists and objects nest ${MESSAGE_LIMITS.depth} deep and no deeper`, () => {
    const nest = (depth: number): Json => {
      let value: Json = { kind: { case: 'name', value: 'x' } };
      for (let i = 0; i < depth; i++) value = { kind: { case: 'list', value: { items: [value] } } };
      return { sources: value };
    };
    // The request is an object itself.
    expect(() => read('GradientRequest', nest(MESSAGE_LIMITS.depth - 1))).not.toThrow();
    expect(refusal(() => read('GradientRequest', nest(MESSAGE_LIMITS.depth))).code).toBe('invalid_request');
  });

  test('messages within messages without end are refused before they are made', () => {
    const list = (inner: Uint8Array): Uint8Array =>
      Uint8Array.of(
        0x12,
        ...varint(inner.length + 1 + varint(inner.length).length),
        0x0a,
        ...varint(inner.length),
        ...inner,
      );
    let bytes: Uint8Array = Uint8Array.of();
    for (let i = 0; i < 200; i++) bytes = list(bytes);
    const error = refusal(() => decodeMessage(named('Nest'), bytes));
    expect(error).toMatchObject({ code: 'invalid_request' });
    expect(error.message).toBe('the request is not a Nest: it nests too many messages');
  });

  test('as many messages as the limit pass, and one more does not', () => {
    const document = (count: number): Uint8Array =>
      encode('GraphDocument', { nodes: new Array(count).fill({ name: 'x' }) });
    expect(() => decodeMessage(named('GraphDocument'), document(100), 100)).not.toThrow();
    const error = refusal(() => decodeMessage(named('GraphDocument'), document(101), 100));
    expect(error.message).toBe('the request has more than 100 messages in it');
    const values = encode('EvaluateRequest', {
      values: Object.fromEntries([...'abcdefgh'].map((name) => [name, tensor(new Uint8Array(4))])),
    });
    // Each entry of a map is a message of its own beside its tensor.
    expect(() => decodeMessage(named('EvaluateRequest'), values, 16)).not.toThrow();
    expect(() => decodeMessage(named('EvaluateRequest'), values, 15)).toThrow('more than 15 messages');
  });

  test('64 MiB of empty nodes are refused quickly, and in little memory', () => {
    const bytes = new Uint8Array(2 ** 26);
    for (let i = 0; i < bytes.length; i += 2) bytes[i] = 0x22;
    const [started, before] = [performance.now(), process.memoryUsage().rss];
    expect(() => decodeMessage(named('GraphDocument'), bytes)).toThrow('messages in it');
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });

  test('any bytes are a message or an invalid request', () => {
    fc.assert(
      fc.property(fc.constantFrom(...OURS), fc.uint8Array({ maxLength: 200 }), (desc, bytes) => {
        try {
          readMessage(desc, decodeMessage(desc, bytes, 20), DEFAULT_LIMITS);
        } catch (reason) {
          expect(reason).toBeInstanceOf(EngineError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('any change of the bytes of a good request is a message or an invalid request', () => {
    const good = encode('GradientRequest', {
      graph: {
        kind: {
          case: 'document',
          value: {
            inputs: { x: {} },
            nodes: [
              {
                name: 'y',
                op: 'sum',
                inputs: [{ kind: { case: 'name', value: 'x' } }],
                params: {
                  axes: { kind: { case: 'list', value: { items: [{ kind: { case: 'number', value: 0 } }] } } },
                },
              },
            ],
          },
        },
      },
      values: { x: tensor(new Uint8Array(8)) },
      sources: { kind: { case: 'list', value: { items: [{ kind: { case: 'name', value: 'x' } }] } } },
    });
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat(good.length), (edits, length) => {
        const bytes = Uint8Array.from(good);
        for (const [at, byte] of edits) bytes[at] = byte;
        try {
          readMessage(
            named('GradientRequest'),
            decodeMessage(named('GradientRequest'), bytes.subarray(0, length), 20),
            DEFAULT_LIMITS,
          );
        } catch (reason) {
          expect(reason).toBeInstanceOf(EngineError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

const HOSTILE = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype', '__defineGetter__'];

function encode(name: string, init: Json): Uint8Array {
  const desc = named(name);
  return encodeMessage(desc, create(desc, init as never));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
