/** @file The embedded store where its blob files fail, one operation at a time, and where the disk is full. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Files, NODE_FILES, type OpenFile } from '../../services/sessions/sqlite/files.ts';
import { MAX_INLINE_BYTES } from '../../services/sessions/sqlite/schema.ts';
import type { Store } from '../../services/sessions/store.ts';
import { advance, expectRevision, expectSound } from './history.ts';
import { bytesOf, change, refOf, sessionRow, writes } from './rows.ts';
import { sqliteStore, temporaryFolder } from './stores.ts';

const LARGE = bytesOf(MAX_INLINE_BYTES + 1);
const MEGABYTES = 24;

/** The file system, on which the `at`-th operation from the last reset on fails, halfway where it can. */
class FaultyFiles implements Files {
  at = Infinity;
  calls: string[] = [];

  reset(at: number): void {
    this.at = at;
    this.calls = [];
  }

  #pass(call: string): void {
    this.calls.push(call);
    if (this.calls.length === this.at) throw Object.assign(new Error(`EIO: no ${call} today`), { code: 'EIO' });
  }

  async open(path: string, flags: 'r' | 'wx', mode?: number): Promise<OpenFile> {
    this.#pass(`open ${flags}`);
    const file = await NODE_FILES.open(path, flags, mode);
    return {
      readFile: async () => {
        this.#pass('read');
        return await file.readFile();
      },
      writeFile: async (bytes) => {
        try {
          this.#pass('write');
        } catch (error) {
          await file.writeFile(bytes.subarray(0, bytes.length / 2));
          throw error;
        }
        await file.writeFile(bytes);
      },
      sync: async () => {
        this.#pass('sync');
        await file.sync();
      },
      close: async () => {
        await file.close();
        this.#pass('close');
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#pass('rename');
    await NODE_FILES.rename(from, to);
  }

  async unlink(path: string): Promise<void> {
    this.#pass('unlink');
    await NODE_FILES.unlink(path);
  }

  async readdir(path: string): Promise<string[]> {
    this.#pass('readdir');
    return await NODE_FILES.readdir(path);
  }
}

describe('a file operation that fails', () => {
  it('fails its commit alone, wherever it is', { timeout: 120_000 }, async () => {
    const seen = new Set<string>();
    for (let at = 1; ; at++) {
      const files = new FaultyFiles();
      const folder = temporaryFolder();
      const store = sqliteStore(folder, { files });
      files.reset(at);
      for (let n = 1; n <= 9; n++) {
        // Of files alone no failure comes after the rows are written.
        await advance(store, n).catch(async (error: Error) => {
          expect(error.message).toContain('EIO');
          await expectRevision(store, n - 1);
          await advance(store, n);
        });
        if (n % 2 === 0) await store.sweep(0).catch((error: Error) => expect(error.message).toContain('EIO'));
        if (n === 4)
          await expectRevision(store, n).catch((error: Error) => expect(error).toMatchObject({ code: 'internal' }));
      }
      const { calls } = files;
      files.reset(Infinity);
      await expectRevision(store, 9);
      await store.sweep(0);
      await store.close();
      const again = sqliteStore(folder);
      await expectRevision(again, 9);
      await expectSound(folder, again);
      if (calls.length < at) break;
      seen.add(calls[at - 1]!);
    }
    expect([...seen].sort()).toEqual([
      'close',
      'open r',
      'open wx',
      'read',
      'readdir',
      'rename',
      'sync',
      'unlink',
      'write',
    ]);
  });

  it('makes the store one that cannot be written to', async () => {
    const files = new FaultyFiles();
    const store = sqliteStore(temporaryFolder(), { files });
    for (let at = 1; at <= 5; at++) {
      files.reset(at);
      expect(await store.isWritable()).toBe(false);
      expect(await store.isWritable()).toBe(true);
    }
    files.reset(6);
    expect(await store.isWritable()).toBe(true);
  });

  it('leaves a file that another commit in flight writes too', async () => {
    const files = new FaultyFiles();
    const folder = temporaryFolder();
    const store = sqliteStore(folder, { files });
    await store.createSession(sessionRow({ id: 's' }), change(0), 9);
    await store.createSession(sessionRow({ id: 't' }), change(0), 9);
    for (let at = 1; at <= 14; at++) {
      files.reset(at);
      const bytes = bytesOf(MAX_INLINE_BYTES + 1, at);
      const ids = ['s', 't'];
      const commits = ids.map(async (id) => {
        const { revision } = (await store.session('acme', id))!;
        await store.commit('acme', id, writes(revision, { w: bytes }));
      });
      const sweep = store.sweep(0).catch(() => undefined);
      const results = await Promise.allSettled(commits);
      await sweep;
      expect(results.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
      files.reset(Infinity);
      for (const [i, { status }] of results.entries()) {
        const [variable] = await store.variables('acme', ids[i]!);
        if (status === 'fulfilled') expect(await store.blob('acme', variable!.value)).toHaveLength(bytes.length);
        if (status === 'fulfilled') expect(variable!.value).toEqual(refOf(bytes));
      }
    }
    await store.sweep(0);
    await expectSound(folder, store);
  });
});

describe('a sweep while a commit is under way', () => {
  const OTHER = bytesOf(MAX_INLINE_BYTES + 1, 1);

  /** A store with a large blob that no row names, and that the next sweep removes. */
  async function storeWithUnnamed(files: Files): Promise<{ readonly store: Store; readonly folder: string }> {
    const folder = temporaryFolder();
    const store = sqliteStore(folder, { files });
    await store.createSession(sessionRow(), writes(0, { w: LARGE }), 1);
    await store.commit('acme', 's', change(1, { variables: new Map([['w', null]]) }));
    await store.sweep(0);
    return { store, folder };
  }

  it('leaves a blob that the commit counts on', async () => {
    const gate = new Gate('rename');
    const { store, folder } = await storeWithUnnamed(gate);
    gate.shut();
    // The first is there, so only the second is written, and it is not yet in its place.
    const commit = store.commit('acme', 's', writes(2, { w: LARGE, v: OTHER }));
    await gate.reached;
    expect((await store.sweep(0)).blobs).toBe(0);
    gate.unlock();
    await commit;
    for (const { value } of await store.variables('acme', 's')) await store.blob('acme', value);
    await store.sweep(0);
    await expectSound(folder, store);
  });

  it('has removed a file before the commit writes it anew', async () => {
    const gate = new Gate('unlink');
    const { store, folder } = await storeWithUnnamed(gate);
    gate.shut();
    const sweep = store.sweep(0);
    await gate.reached;
    const commit = store.commit('acme', 's', writes(2, { w: LARGE }));
    // Time enough to write it, if it did not wait.
    await sleep(100);
    gate.unlock();
    expect((await sweep).blobs).toBe(1);
    await commit;
    expect(await store.blob('acme', refOf(LARGE))).toHaveLength(LARGE.length);
    await store.sweep(0);
    await expectSound(folder, store);
  });
});

describe('a full disk', () => {
  it('has commits fail until there is room', async ({ skip }) => {
    const disk = smallDisk();
    if (disk === undefined) return skip('needs the right to mount a disk');
    const folder = join(disk, 'store');
    const ballast = join(disk, 'ballast');
    const store = sqliteStore(folder);
    let n = 1;
    for (let round = 0; round < 5; round++) {
      // A little more room each time, so that it ends in different places.
      writeFileSync(ballast, new Uint8Array(MEGABYTES * 2 ** 20 - 6_000_000 - round * 300_000));
      let failure: unknown;
      while (failure === undefined) {
        failure = await advance(store, n).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) n++;
      }
      expect(String(failure)).toMatch(/ENOSPC|full/);
      fill(ballast);
      await expect(advance(store, n)).rejects.toThrow(/ENOSPC|full/);
      expect(await store.isWritable()).toBe(false);
      await expectRevision(store, n - 1);
      rmSync(ballast);
      expect(await store.isWritable()).toBe(true);
      await advance(store, n++);
      await store.sweep(0);
      await store.sweep(0);
    }
    await store.close();
    const again = sqliteStore(folder);
    await expectRevision(again, n - 1);
    await again.sweep(0);
    await expectSound(folder, again);
  });
});

/** The file system, on which one operation waits while the gate is shut. */
class Gate implements Files {
  readonly #operation: 'rename' | 'unlink';
  readonly open = NODE_FILES.open;
  readonly readdir = NODE_FILES.readdir;
  #passage: Promise<void> = Promise.resolve();
  #arrive = (): void => {};
  #open = (): void => {};
  /** Resolves when an operation waits. */
  reached: Promise<void> = Promise.resolve();

  constructor(operation: 'rename' | 'unlink') {
    this.#operation = operation;
  }

  shut(): void {
    ({ promise: this.#passage, resolve: this.#open } = Promise.withResolvers<void>());
    ({ promise: this.reached, resolve: this.#arrive } = Promise.withResolvers<void>());
  }

  unlock(): void {
    this.#open();
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#pass('rename');
    await NODE_FILES.rename(from, to);
  }

  async unlink(path: string): Promise<void> {
    await this.#pass('unlink');
    await NODE_FILES.unlink(path);
  }

  async #pass(operation: 'rename' | 'unlink'): Promise<void> {
    if (operation !== this.#operation) return;
    this.#arrive();
    await this.#passage;
  }
}

/** A small disk of the test's own, where this user may have one. */
function smallDisk(): string | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

/** Lets a file take all the room that is left. */
function fill(path: string): void {
  for (const size of [2 ** 20, 2 ** 12])
    try {
      for (;;) appendFileSync(path, new Uint8Array(size));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
}
