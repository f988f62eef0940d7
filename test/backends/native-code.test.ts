/** Compiled code: each text once, kept across processes where there is a folder, and gone when nobody holds it. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Checkpoint } from '../../engine/backends/backend.ts';
import { openLlvm } from '../../engine/backends/native/llvm.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { ENTRY } from '../../engine/backends/native/plan.ts';
import { interruptibly } from '../../engine/interrupt.ts';
import { dataOf, evaluate, NATIVE } from '../laws/run.ts';
import { graphProgram } from '../programs/graphs.ts';
import { calling, openStore, writing } from './code-store-run.ts';

const PROCESS = new URL('code-store-run.ts', import.meta.url).pathname;
/** A library of another kind. */
const LIBC = process.platform === 'darwin' ? '/usr/lib/libSystem.B.dylib' : 'libc.so.6';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-code-'));
  onTestFinished(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** What another process prints that gets the module that writes 7. */
async function another(folder: string): Promise<string> {
  return (await promisify(execFile)(process.execPath, [PROCESS, folder])).stdout;
}

/** The only file in a folder. */
function fileIn(folder: string): string {
  const files = readdirSync(folder);
  expect(files).toHaveLength(1);
  return join(folder, files[0]!);
}

test.each(['/nonexistent', import.meta.filename, LIBC])('%s is no libLLVM', (path) => {
  expect(openLlvm(path)).toBeUndefined();
  expect(openNative({ llvm: path })).toBeUndefined();
});

describe.skipIf(!NATIVE)('compiled code (needs libLLVM)', () => {
  test('the same text is compiled and linked once, on this thread or another', async () => {
    const { store, counts } = openStore();
    const code = store.get(writing(7));
    expect(store.get(writing(7))).toBe(code);
    expect(await store.getAside(writing(7))).toBe(code);
    expect(calling(code)).toBe(7);
    expect(counts).toEqual({ compiled: 1, linked: 1, released: 0 });
    expect(calling(store.get(writing(8)))).toBe(8);
    expect(counts).toEqual({ compiled: 2, linked: 2, released: 0 });
  });

  test('what is asked for again while it is being compiled is linked once', async () => {
    const { store, counts } = openStore();
    const pending = [store.getAside(writing(7)), store.getAside(writing(7))];
    const code = store.get(writing(7));
    for (const late of await Promise.all(pending)) expect(late).toBe(code);
    expect(counts.linked).toBe(1);
  });

  test('text that is wrong is refused in LLVM’s words, every time, and what follows is right', async () => {
    const { store } = openStore();
    expect(() => store.get('define nonsense')).toThrow('expected type');
    await expect(store.getAside('define nonsense')).rejects.toThrow('expected type');
    expect(() => store.get('define nonsense')).toThrow('expected type');
    expect(calling(store.get(writing(7)))).toBe(7);
  });
});

describe.skipIf(!NATIVE)('a long module (needs libLLVM)', () => {
  /** A module of functions that call the next, the last of which writes a number. */
  function chain(number: number, length: number): string {
    const idle = Array.from({ length: 200 }, (_, i) => `  %v${i} = mul i64 ${number}, ${i}\n`).join('');
    const links = Array.from({ length }, (_, i) => {
      const last = i === length - 1;
      const next = last ? `  store i64 ${number}, ptr %context` : `  call void @f${i + 1}(ptr %context)`;
      return `define internal void @f${i}(ptr %context) nounwind {\nentry:\n${idle}${next}\n  ret void\n}`;
    });
    const entry = `define void @${ENTRY}(ptr %context) nounwind {\nentry:\n  call void @f0(ptr %context)\n  ret void\n}`;
    return `${[entry, ...links].join('\n')}\n`;
  }

  test('is compiled in parts, between which it is interrupted, and compiled as ever afterwards', () => {
    const text = chain(7, 150);
    let looks = 0;
    const endingAt = (last: number): Checkpoint => ({
      left: () => Infinity,
      check() {
        if (++looks >= last) throw new Error(`look ${last}`);
      },
    });
    const whole = openStore();
    expect(calling(interruptibly(endingAt(Infinity), () => whole.store.get(text)))).toBe(7);
    const { compiled } = whole.counts;
    expect(compiled).toBeGreaterThan(2);
    const total = looks;
    const begun = new Set<number>();
    for (let k = 1; k <= total; k++) {
      const { store, counts } = openStore();
      looks = 0;
      expect(() => interruptibly(endingAt(k), () => store.get(text))).toThrow(`look ${k}`);
      expect(counts.linked).toBe(0);
      begun.add(counts.compiled);
      if (k % 16 === 0) expect(calling(store.get(text))).toBe(7);
    }
    expect([...begun].sort((a, b) => a - b)).toEqual(Array.from({ length: compiled }, (_, i) => i));
  });
});

describe.skipIf(!NATIVE)('a folder of compiled code (needs libLLVM)', () => {
  test('another process compiles nothing that is there', async () => {
    const folder = newFolder();
    expect(await another(folder)).toBe('1 7');
    expect(await another(folder)).toBe('0 7');
    const { store, counts } = openStore(folder);
    expect(calling(await store.getAside(writing(7)))).toBe(7);
    expect(counts.compiled).toBe(0);
  });

  test('a folder that is too large loses its oldest files', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'old'), '');
    truncateSync(join(folder, 'old'), 2 ** 29);
    utimesSync(join(folder, 'old'), 1, 1);
    writeFileSync(join(folder, 'new'), 'x');
    openStore(folder);
    await expect.poll(() => readdirSync(folder)).toEqual(['new']);
  });

  test('processes that write the same at once are both right, and leave one file', async () => {
    const folder = newFolder();
    const printed = await Promise.all([another(folder), another(folder), another(folder)]);
    for (const line of printed) expect(line).toMatch(/^[01] 7$/);
    fileIn(folder);
    expect(await another(folder)).toBe('0 7');
  });

  const object = (file: string): Buffer => readFileSync(file);
  const flipped = (file: string, at: (length: number) => number): Buffer => {
    const bytes = object(file);
    const place = at(bytes.length);
    bytes[place] = bytes[place]! ^ 1;
    return bytes;
  };
  test.each<[string, (file: string) => Uint8Array]>([
    ['is empty', () => new Uint8Array(0)],
    ['ends within its digest', (file) => object(file).subarray(0, 20)],
    ['is a digest alone', (file) => object(file).subarray(0, 32)],
    ['ends early', (file) => object(file).subarray(0, -1)],
    ['goes on', (file) => Buffer.concat([object(file), Buffer.of(0)])],
    ['has another first bit', (file) => flipped(file, () => 0)],
    ['has another bit in the middle', (file) => flipped(file, (length) => length >> 1)],
    ['has another last bit', (file) => flipped(file, (length) => length - 1)],
  ])('a file that %s is replaced', (_, broken) => {
    const folder = newFolder();
    openStore(folder).store.get(writing(7));
    const file = fileIn(folder);
    const right = readFileSync(file);
    writeFileSync(file, broken(file));
    for (const compiled of [1, 0]) {
      const { store, counts } = openStore(folder);
      expect(calling(store.get(writing(7)))).toBe(7);
      expect(counts.compiled).toBe(compiled);
    }
    expect(readFileSync(file).equals(right)).toBe(true);
  });

  test('a folder that cannot be read or written is as none', () => {
    const [locked, parent] = [newFolder(), newFolder()];
    chmodSync(locked, 0);
    writeFileSync(join(parent, 'file'), '');
    for (const folder of [locked, join(parent, 'file'), join(parent, 'file', 'folder'), '/dev/null/none']) {
      const { store } = openStore(folder);
      expect(calling(store.get(writing(7)))).toBe(7);
    }
  });

  test('another LLVM or processor has other files', () => {
    const folder = newFolder();
    for (const identity of ['LLVM 19 zen5', 'LLVM 20 zen5', 'LLVM 19 zen4']) {
      const { store, counts } = openStore(folder, identity);
      store.get(writing(7));
      expect(counts.compiled).toBe(1);
    }
    expect(readdirSync(folder)).toHaveLength(3);
  });

  test('plans find their code there', () => {
    const folder = newFolder();
    const program = graphProgram('y = sin(x) @ x', { x: 'f64[9]' });
    const input = Float64Array.from({ length: 9 }, (_, i) => i);
    const run = () => dataOf(evaluate(program, [input], openNative({ threads: 1, cache: folder })));
    const first = run();
    const written = statSync(fileIn(folder)).mtimeMs;
    expect(run()).toEqual(first);
    expect(statSync(fileIn(folder)).mtimeMs).toBe(written);
  });
});

describe.skipIf(!NATIVE)('code that nobody holds (needs libLLVM)', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  /** Until a condition holds, or long enough to say that it never will. */
  const collected = async (isDone: () => boolean): Promise<void> => {
    for (let i = 0; i < 100 && !isDone(); i++) {
      await sleep(5);
      collect();
    }
  };

  test('is unlinked, and linked again when it is asked for', async () => {
    const { store, counts } = openStore();
    const use = (): number => calling(store.get(writing(7)));
    for (let time = 1; time <= 3; time++) {
      expect(use()).toBe(7);
      await collected(() => counts.released === time);
      expect(counts).toEqual({ compiled: time, linked: time, released: time });
    }
  });

  test('stays while anybody holds it', async () => {
    const { store, counts } = openStore();
    const code = store.get(writing(7));
    const other = (): number => calling(store.get(writing(8)));
    expect(other()).toBe(8);
    await collected(() => counts.released === 1);
    expect(counts.released).toBe(1);
    expect(store.get(writing(7))).toBe(code);
    expect(calling(code)).toBe(7);
  });

  test('of plans is made again after they are collected', async () => {
    const program = graphProgram('y = x * x + 3', { x: 'f64[4]' });
    for (let i = 0; i < 5; i++) {
      expect(dataOf(evaluate(program, [Float64Array.of(1, 2, 3, i)], NATIVE))).toEqual([
        Float64Array.of(4, 7, 12, i * i + 3),
      ]);
      collect();
      await sleep(5);
    }
  });
});
