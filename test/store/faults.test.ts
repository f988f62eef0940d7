/**
 * @file The embedded store on a disk that fails: each system call in turn, a process that ends at one, the power that
 * goes, and no room. `ADJOINT_STORE_FAULTS=all` tries every place; otherwise it is some of them, other ones each time.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import { advance, expectRevision, expectSound, revisionOf } from './history.ts';
import { Disk, type Luck, readCalls } from './power.ts';
import { temporaryFolder } from './stores.ts';

const isThorough = process.env.ADJOINT_STORE_FAULTS === 'all';
const FAULTED = join(import.meta.dirname, 'faulted.ts');
const run = promisify(execFile);

const library = join(tmpdir(), `adjoint-faults-${process.pid}.so`);

/** Why `faults.c` cannot be used here. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  return spawnSync('cc', ['--version']).status === 0 ? undefined : 'needs a C compiler';
}

const problem = obstacle();

/** Runs `faulted.ts`; what it printed, whether it came to its end or was killed at a call. */
async function faulted(...args: readonly string[]): Promise<string> {
  const environment = { ...process.env, LD_PRELOAD: library };
  const process_ = run(process.execPath, [FAULTED, library, ...args], { env: environment });
  try {
    return (await process_).stdout;
  } catch (error) {
    const { signal, stdout, stderr } = error as { signal?: string; stdout: string; stderr: string };
    if (signal === 'SIGKILL') return stdout;
    throw new Error(stderr, { cause: error });
  }
}

describe.skipIf(problem !== undefined)(`system calls${problem === undefined ? '' : ` (${problem})`}`, () => {
  beforeAll(() => {
    const source = join(import.meta.dirname, 'faults.c');
    execFileSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  });
  afterAll(() => rmSync(library, { force: true }));

  it.each([
    ['failOne', 'EIO'],
    ['failOne', 'ENOSPC'],
    ['failAll', 'EIO'],
    ['failAll', 'ENOSPC'],
  ])(
    '%s with %s: the commit is there or is not, and the next ones are',
    { timeout: 600_000 },
    async (action, error) => {
      const stride = isThorough ? 1 : 37;
      const first = isThorough ? 1 : 1 + Math.floor(Math.random() * stride);
      const failures = await faulted('fail', temporaryFolder(), action, error, String(first), String(stride));
      expect(Number(failures)).toBeGreaterThan(isThorough ? 300 : 5);
    },
  );

  it.each(['killBefore', 'killWithin'])('%s: what was promised is there', { timeout: 600_000 }, async (action) => {
    const stride = isThorough ? 1 : 53;
    for (let at = isThorough ? 1 : 1 + Math.floor(Math.random() * stride); ; at += stride) {
      const folder = temporaryFolder();
      const printed = (await faulted('commit', folder, action, String(at))).trimEnd().split('\n');
      if (printed.at(-1) === 'end') {
        expect(at).toBeGreaterThan(300);
        break;
      }
      await expectPromised(folder, Number(printed.at(-1)), `killed at call ${at}`);
    }
  });

  it('before the power goes: what was promised is there', { timeout: 600_000 }, async () => {
    const folder = temporaryFolder();
    const journal = join(temporaryFolder(), 'journal');
    await faulted('record', folder, journal);
    const calls = readCalls(journal, folder);
    expect(calls.length).toBeGreaterThan(600);
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomFrom(seed);
    const disk = new Disk();
    let promised = -1;
    let losses = 0;
    for (const [i, call] of calls.entries()) {
      disk.apply(call);
      if (call.kind === 'promise') promised = call.revision;
      for (const luck of ['none', 'some', 'all'] satisfies Luck[]) {
        if (!isThorough && random() > 0.02) continue;
        const left = temporaryFolder();
        disk.leave(left, luck, random);
        await expectPromised(left, promised, `${luck} left after call ${i} (${call.kind}), seed ${seed}`);
        rmSync(left, { recursive: true });
        losses++;
      }
    }
    expect(losses).toBeGreaterThan(20);
  });
});

/** Checks what a crash has left: the promised revision or the one that was on its way, whole. */
async function expectPromised(folder: string, promised: number, crash: string): Promise<void> {
  try {
    const store = openSqliteStore(folder);
    const revision = await revisionOf(store);
    expect(revision - Math.max(promised, 0)).toBeOneOf([0, 1]);
    await expectRevision(store, revision);
    await store.sweep(0);
    await advance(store, revision + 1);
    await expectRevision(store, revision + 1);
    await expectSound(folder, store);
  } catch (error) {
    throw new Error(`${crash}: ${(error as Error).message}`, { cause: error });
  }
}

/** A generator of numbers in [0, 1), so that a seed tells a run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
