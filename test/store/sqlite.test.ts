/** @file What the embedded store promises beside the contract: its files, its lock, and what a crash leaves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MAX_INLINE_BYTES } from '../../services/sessions/sqlite/schema.ts';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import { advance, expectRevision, expectSound, revisionOf } from './history.ts';
import { blobsOf, bytesOf, change, refOf, replyRow, sessionRow, variableRow, writes } from './rows.ts';
import { sqliteStore, temporaryFolder } from './stores.ts';

const LARGE = bytesOf(MAX_INLINE_BYTES + 1);
const COMMITTER = join(import.meta.dirname, 'committer.ts');

describe('a folder', () => {
  it('is made with its parents, for this user alone', async () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    const store = sqliteStore(folder);
    await store.createSession(sessionRow(), writes(0, { w: LARGE }), 1);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const [file] = readdirSync(join(folder, 'blobs'));
    for (const path of ['store.db', 'store.db-wal', join('blobs', file!)])
      expect(statSync(join(folder, path)).mode & 0o777).toBe(0o600);
  });

  it('has a file for a blob over 1 MiB, and none for one of 1 MiB', async () => {
    const folder = temporaryFolder();
    const store = sqliteStore(folder);
    const inline = bytesOf(2 ** 20);
    await store.createSession(sessionRow(), writes(0, { w: inline, v: LARGE, u: LARGE }), 1);
    expect(readdirSync(join(folder, 'blobs'))).toEqual([refOf(LARGE).digest]);
  });

  it('is opened again with all that was in it', async () => {
    const folder = temporaryFolder();
    for (let n = 1; n <= 25; n++) {
      const store = openSqliteStore(folder);
      await expectRevision(store, n - 1);
      await advance(store, n);
      await store.close();
    }
    await expectSound(folder);
  });

  it('is one process’s, and a second is told what to do', async () => {
    const folder = temporaryFolder();
    const owner = spawn(process.execPath, [COMMITTER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(owner.stdout, 'data');
    expect(() => openSqliteStore(folder)).toThrow(
      `The store in '${folder}' is in use by another process. End that process, or give this one a folder of its own.`,
    );
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const store = sqliteStore(folder);
    await expectRevision(store, await revisionOf(store));
  });

  it('is not opened twice by one process either', async () => {
    const folder = temporaryFolder();
    const store = sqliteStore(folder);
    expect(() => openSqliteStore(folder)).toThrow('is in use');
    await advance(store, 1);
    await store.close();
    await expectRevision(sqliteStore(folder), 1);
  });

  it('of a later version is left alone', () => {
    const folder = temporaryFolder();
    const db = new DatabaseSync(join(folder, 'store.db'));
    db.exec('pragma user_version = 99');
    db.close();
    expect(() => openSqliteStore(folder)).toThrow(
      `The store in '${folder}' cannot be opened: it has version 99, and this build reads versions up to 1`,
    );
    // Nor is it locked by the attempt.
    expect(() => openSqliteStore(folder)).toThrow('version 99');
  });

  it('whose database is none is left alone', () => {
    const folder = temporaryFolder();
    const text = 'not a database, though long enough to be one'.repeat(100);
    writeFileSync(join(folder, 'store.db'), text);
    expect(() => openSqliteStore(folder)).toThrow(`The store in '${folder}' cannot be opened: file is not a database`);
    expect(readFileSync(join(folder, 'store.db'), 'utf8')).toBe(text);
  });
});

describe('a large blob', () => {
  const harms: readonly (readonly [string, (path: string) => void])[] = [
    ['is missing', (path) => rmSync(path)],
    ['is cut short', (path) => truncateSync(path, 1_000)],
    ['is empty', (path) => truncateSync(path, 0)],
    [
      'has zeros at its end',
      (path) => writeFileSync(path, Buffer.concat([LARGE.subarray(0, -4_096), Buffer.alloc(4_096)])),
    ],
    ['is too long', (path) => writeFileSync(path, Buffer.concat([LARGE, LARGE]))],
    ['has one wrong bit', (path) => writeFileSync(path, LARGE.with(77, LARGE[77]! ^ 1))],
  ];
  it.each(harms)('whose file %s is a fault', async (_, harm) => {
    const folder = temporaryFolder();
    const store = sqliteStore(folder);
    await store.createSession(sessionRow(), writes(0, { w: LARGE }), 1);
    const ref = refOf(LARGE);
    harm(join(folder, 'blobs', ref.digest));
    const error = await store.blob('acme', ref).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'internal', cause: { message: expect.stringContaining(ref.digest) } });
    expect((error as Error).message).not.toMatch(/[0-9a-f]{8}|blobs/);
  });

  it('is never written where a digest does not lead', async () => {
    const folder = temporaryFolder();
    const store = sqliteStore(folder);
    for (const digest of ['../../escaped', '/tmp/escaped', `${'a'.repeat(63)}/`, 'A'.repeat(64), '', '.']) {
      const value = { digest, bytes: LARGE.length };
      const stored = change(0, {
        blobs: new Map([[digest, LARGE]]),
        variables: new Map([['w', variableRow('w', value)]]),
      });
      await expect(store.createSession(sessionRow(), stored, 1)).rejects.toThrow('is no digest');
    }
    expect(readdirSync(join(folder, 'blobs'))).toEqual([]);
  });
});

describe('a sweep', () => {
  it('removes files that no row names, what is left of writing some, and nothing else', async () => {
    const folder = temporaryFolder();
    const blobs = join(folder, 'blobs');
    const store = sqliteStore(folder);
    await store.createSession(sessionRow(), writes(0, { w: LARGE }), 1);
    const orphan = refOf(bytesOf(9)).digest;
    for (const name of [orphan, `${orphan}.1.tmp`, 'README', 'lost+found']) writeFileSync(join(blobs, name), 'x');
    await store.sweep(0);
    expect(readdirSync(blobs).sort()).toEqual(['README', refOf(LARGE).digest, 'lost+found'].sort());
  });

  it('removes the file with its row', async () => {
    const folder = temporaryFolder();
    const store = sqliteStore(folder);
    await store.createSession(sessionRow(), writes(0, { w: LARGE }), 1);
    await store.deleteSession('acme', 's');
    await store.sweep(0);
    expect(readdirSync(join(folder, 'blobs'))).toHaveLength(1);
    await store.sweep(0);
    expect(readdirSync(join(folder, 'blobs'))).toEqual([]);
    // Written anew after that.
    await store.createSession(sessionRow(), writes(0, { w: LARGE }), 1);
    expect((await store.blob('acme', refOf(LARGE))).length).toBe(LARGE.length);
  });

  it('removes the file of a commit that was refused at its end', async () => {
    const folder = temporaryFolder();
    const store = sqliteStore(folder);
    await store.createSession(sessionRow(), change(0), 1);
    const commits = [1, 2, 3].map((seed) => store.commit('acme', 's', writes(1, { w: bytesOf(LARGE.length, seed) })));
    const results = await Promise.allSettled(commits);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(join(folder, 'blobs'))).toHaveLength(3);
    await store.sweep(0);
    expect(readdirSync(join(folder, 'blobs'))).toHaveLength(1);
    await expectSound(folder, store);
  });
});

it('closes when the commits in flight are done', async () => {
  const folder = temporaryFolder();
  const store = openSqliteStore(folder);
  await store.createSession(sessionRow(), change(0), 1);
  const commit = store.commit('acme', 's', writes(1, { w: LARGE }));
  const reply = store.putReply(replyRow('k', refOf(LARGE)), blobsOf([LARGE]));
  const sweep = store.sweep(0);
  await store.close();
  await Promise.all([commit, reply, sweep]);
  const again = sqliteStore(folder);
  expect(await revisionOf(again)).toBe(2);
  expect(await again.reply('acme', 'k')).toBeDefined();
});

describe('a process that is killed', () => {
  const ROUNDS = Number(process.env.ADJOINT_STORE_KILLS ?? 20);

  it(`${ROUNDS} times loses nothing that was promised`, { timeout: 30_000 + ROUNDS * 3_000 }, async () => {
    const folder = temporaryFolder();
    for (let round = 0; round < ROUNDS; round++) {
      const promised = await commitAndKill(folder);
      const store = openSqliteStore(folder);
      const revision = await revisionOf(store);
      // What was under way when the end came may be there; what was promised is.
      expect([promised, promised + 1]).toContain(revision);
      await expectRevision(store, revision);
      await store.sweep(0);
      await advance(store, revision + 1);
      await expectRevision(store, revision + 1);
      await expectSound(folder, store);
    }
  });
});

/** Lets a process commit for a while that nobody knows; the last revision that it printed. */
async function commitAndKill(folder: string): Promise<number> {
  const child = spawn(process.execPath, [COMMITTER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  await once(child.stdout, 'data');
  await sleep(Math.random() * 150);
  child.kill('SIGKILL');
  await once(child, 'close');
  return Number(printed.split('\n').at(-2));
}
