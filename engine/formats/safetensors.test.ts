import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../errors.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { allocateArray, DTYPES, type DType, sizeOf, type Tensor } from '../types.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { encodeBytes } from './tensor.ts';

const GOLDEN = new URL('../../test/formats/golden/', import.meta.url);

function golden(name: string): Uint8Array {
  return readFileSync(new URL(name, GOLDEN));
}

/** Bits as the oracle prints them. */
function plain({ type, data }: Tensor): unknown {
  return { ...type, hex: encodeBytes({ type, data }).toHex() };
}

function tensorsOf(bytes: Uint8Array): Record<string, unknown> {
  const entries = [...decodeSafetensors(bytes, DEFAULT_LIMITS).tensors].map(([name, tensor]) => [name, plain(tensor)]);
  return Object.fromEntries(entries as [string, unknown][]);
}

function fileOf(header: unknown, dataBytes = 0, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

describe("files of Python's safetensors", () => {
  test.each(['every', 'brain'])('%s is read to the bit', (name) => {
    expect(tensorsOf(golden(`${name}.safetensors`))).toEqual(
      JSON.parse(new TextDecoder().decode(golden(`${name}.json`))),
    );
  });

  test('what is written are the bytes that Python writes', () => {
    const { tensors, metadata } = decodeSafetensors(golden('every.safetensors'), DEFAULT_LIMITS);
    expect(metadata).toEqual(new Map([['format', 'np']]));
    const shuffled = new Map([...tensors].reverse());
    expect(encodeSafetensors(shuffled, metadata).toHex()).toBe(golden('written.safetensors').toHex());
  });
});

describe('valid files of other writers', () => {
  test('data that is not aligned, and a header in another order than the data', () => {
    const file = fileOf(
      {
        b: { dtype: 'F64', shape: [1], data_offsets: [1, 9] },
        a: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] },
      },
      9,
    );
    file[file.length - 9] = 1;
    new DataView(file.buffer).setFloat64(file.length - 8, 2.5, true);
    const { tensors } = decodeSafetensors(file, DEFAULT_LIMITS);
    expect([...tensors.keys()]).toEqual(['a', 'b']);
    expect(tensors.get('b')?.data).toEqual(new Float64Array([2.5]));
  });

  test('spaces after the header, and no tensors at all', () => {
    expect(decodeSafetensors(fileOf('{}      '), DEFAULT_LIMITS).tensors.size).toBe(0);
  });

  test('a view into a larger buffer', () => {
    const file = golden('every.safetensors');
    const larger = new Uint8Array(file.length + 13);
    larger.set(file, 5);
    expect(tensorsOf(larger.subarray(5, 5 + file.length))).toEqual(tensorsOf(file));
  });
});

const F32 = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };

describe('hostile files', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /at least 8 bytes/],
    ['a header beyond the end', fileOf({}, 0, 3n), /should have 3 bytes, and 2 follow/],
    ['a header of 2^64 - 1 bytes', fileOf({}, 0, 2n ** 64n - 1n), /18446744073709551615/],
    ['a header that is cut', fileOf({ w: F32 }, 4, 10n), /not valid JSON/],
    ['no header', new Uint8Array(8), /must begin with '\{'/],
    ['a list', fileOf('[]'), /must begin with '\{'/],
    ['a space first', fileOf(' {}'), /must begin with '\{'/],
    ['something after the header', fileOf('{} x'), /not valid JSON/],
    ['bytes that are no text', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff), /not UTF-8/],
    ['a byte order mark', fileOf('\ufeff{}'), /must begin with '\{'/],
    ['a key twice', fileOf('{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":{}}'), /stands twice/],
    ['a key twice, spelt apart', fileOf('{"__metadata__":{"a":"1","\\u0061":"2"}}'), /stands twice/],
    ['a field twice', fileOf('{"w":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), /stands twice/],
    ['an object deep within', fileOf('{"w":{"shape":[{"a":1}]}}'), /an object lies where none may/],
    ['deep lists', fileOf(`{"w":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), /'w' is a list/],
    ['deep objects', fileOf(`{"w":${'{"w":'.repeat(50_000)}1${'}'.repeat(50_000)}}`), /none may/],
    ['a hole at the start', fileOf({ w: { ...F32, data_offsets: [4, 8] } }, 8), /'w' has the data_offsets \[4,8\]/],
    ['a hole', fileOf({ w: F32, v: { ...F32, data_offsets: [8, 12] } }, 12), /'v' .* begin at 4/],
    ['an overlap', fileOf({ w: F32, v: { ...F32, data_offsets: [2, 6] } }, 6), /'v' .* begin at 4/],
    ['the same bytes twice', fileOf({ w: F32, v: F32 }, 4), /begin at 4/],
    ['offsets that go back', fileOf({ w: { ...F32, data_offsets: [4, 0] } }, 4), /\[4,0\]/],
    ['offsets beyond the end', fileOf({ w: F32 }, 3), /end at most at 3/],
    ['bytes left over', fileOf({ w: F32 }, 5), /end at byte 4 of 5/],
    ['too few bytes for the shape', fileOf({ w: { ...F32, shape: [2] } }, 4), /'w' has 4 bytes, expected 8/],
    ['a negative size', fileOf({ w: { ...F32, shape: [-1] } }, 4), /w\.shape\[0\]' is -1/],
    ['a fraction of a size', fileOf({ w: { ...F32, shape: [0.5] } }, 4), /w\.shape\[0\]' is 0\.5/],
    ['a negative offset', fileOf({ w: { ...F32, data_offsets: [-4, 0] } }, 4), /data_offsets\[0\]' is -4/],
    ['an offset that is no number', fileOf('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,1e999]}}', 4), /\[1\]/],
    ['an offset beyond 2^53', fileOf({ w: { ...F32, data_offsets: [0, 2 ** 60] } }, 4), /data_offsets\[1\]/],
    ['sizes whose product overflows', fileOf({ w: { ...F32, shape: [2 ** 52, 0, 2 ** 52] } }, 4), /'w'/],
    ['a long shape', fileOf({ w: { ...F32, shape: new Array(1000).fill(1) } }, 4), /'w.shape'/],
    ['a null', fileOf({ w: null }), /'w' is null/],
    ['an unknown field', fileOf({ w: { ...F32, strides: [1] } }, 4), /'w.strides' is not a known field/],
    ['no dtype', fileOf({ w: { shape: [1], data_offsets: [0, 4] } }, 4), /'w.dtype' is missing/],
    [
      'a dtype that is not ours',
      fileOf({ w: { ...F32, dtype: 'F8_E4M3', shape: [4] } }, 4),
      /'w' has the dtype 'F8_E4M3'/,
    ],
    ['a dtype of the prototype', fileOf({ w: { ...F32, dtype: 'toString' } }, 4), /'w' has the dtype 'toString'/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), /'__metadata__' must be an object of texts/],
    ['metadata that is no object', fileOf({ __metadata__: null }), /'__metadata__' must be an object of texts/],
    ['half a character', fileOf('{"\\ud800":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), /Unicode/],
    ['a bool that is 2', fileOf({ w: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, 1).fill(2, -1), /'w'/],
  ])('%s', (_, file, detail) => {
    expect(() => decodeSafetensors(file, DEFAULT_LIMITS)).toThrow(
      expect.objectContaining({ name: 'EngineError', code: 'invalid_tensor', message: expect.stringMatching(detail) }),
    );
  });

  test('what is within the format and over our limits says which', () => {
    const limits = { ...DEFAULT_LIMITS, names: 2, name_length: 3, rank: 1, elements: 2 };
    const entry = (name: string): [string, unknown] => [name, { ...F32, shape: [0], data_offsets: [0, 0] }];
    const read = (header: Record<string, unknown>, bytes = 0) => decodeSafetensors(fileOf(header, bytes), limits);
    expect(read(Object.fromEntries(['abc', 'b'].map(entry))).tensors.size).toBe(2);
    const over = (limit: string) =>
      expect.objectContaining({ code: 'limit_exceeded', message: expect.stringContaining(`'${limit}'`) });
    expect(() => read(Object.fromEntries(['a', 'b', 'c'].map(entry)))).toThrow(over('names'));
    expect(() => read(Object.fromEntries(['abcd'].map(entry)))).toThrow(over('name_length'));
    expect(() => read({ a: { ...F32, shape: [1, 1] } }, 4)).toThrow(over('rank'));
    expect(() => read({ a: { dtype: 'BOOL', shape: [3], data_offsets: [0, 3] } }, 3)).toThrow(over('elements'));
    expect(() => decodeSafetensors(fileOf(`{${' '.repeat(2048)}}`), limits)).toThrow(/at most 2048/);
    expect(decodeSafetensors(fileOf(`{${' '.repeat(2046)}}`), limits).tensors.size).toBe(0);
  });

  test('a name of the prototype is a name', () => {
    const { tensors } = decodeSafetensors(golden('every.safetensors'), DEFAULT_LIMITS);
    expect(tensors.get('__proto__')?.data).toEqual(new Float32Array([3]));
    expect(() => encodeSafetensors(new Map([['__metadata__', tensors.get('w') as Tensor]]))).toThrow(EngineError);
    expect(() => encodeSafetensors(new Map([['\ud800', tensors.get('w') as Tensor]]))).toThrow(EngineError);
  });
});

const tensors = fc
  .record({
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.nat({ max: 3 }), { maxLength: 4 }),
    bytes: fc.uint8Array({ minLength: 81 * 8, maxLength: 81 * 8 }),
  })
  .map(({ dtype, shape, bytes }): Tensor => {
    const data = allocateArray<DType>(dtype, sizeOf(shape));
    const raw = new Uint8Array(data.buffer);
    raw.set(bytes.subarray(0, raw.length));
    if (dtype === 'bool') for (let i = 0; i < raw.length; i++) raw[i] = (raw[i] as number) & 1;
    return { type: { dtype, shape }, data };
  });

const files = fc
  .uniqueArray(fc.tuple(fc.string({ unit: 'binary', maxLength: 12 }), tensors), { selector: ([name]) => name })
  .map((entries) => new Map(entries.filter(([name]) => name !== '__metadata__' && name.isWellFormed())));

describe('laws', () => {
  test('what was written reads back to the bit, in whatever order it was given', () => {
    fc.assert(
      fc.property(files, fc.dictionary(fc.string(), fc.string()), (made, texts) => {
        const metadata = new Map(Object.entries(texts));
        const file = encodeSafetensors(made, metadata);
        const read = decodeSafetensors(file, DEFAULT_LIMITS);
        expect(read.metadata).toEqual(metadata);
        expect(read.tensors.size).toBe(made.size);
        for (const [name, tensor] of made) expect(plain(read.tensors.get(name) as Tensor)).toEqual(plain(tensor));
        expect(encodeSafetensors(new Map([...made].reverse()), metadata)).toEqual(file);
      }),
    );
  });

  test('a file with bytes changed, cut or added is read or refused', () => {
    const file = golden('every.safetensors');
    const change = fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 }));
    let refused = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.nat({ max: file.length + 8 }), (changes, length) => {
        const mutated = new Uint8Array(length > file.length || length % 2 ? file.length : length);
        mutated.set(file.subarray(0, mutated.length));
        for (const [at, byte] of changes) if (at < mutated.length) mutated[at] = byte;
        try {
          decodeSafetensors(mutated, DEFAULT_LIMITS);
        } catch (reason) {
          if (!(reason instanceof EngineError)) throw reason;
          refused++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
