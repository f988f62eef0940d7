/**
 * @file A process under `faults.c`. `fail`: runs a history once for each of its system calls, has that one fail, and
 * checks what is left. `commit`: runs a history that ends at one of them. `record`: writes the calls of a history down.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import { advance, expectRevision, expectSound, revisionOf } from './history.ts';

const [library, mode, folder, ...rest] = process.argv.slice(2) as [string, string, string, ...string[]];
const faults = koffi.load(library);
const arm = faults.func('void faults_arm(const char*, long, int, int)') as (...args: unknown[]) => void;
const countCalls = faults.func('long faults_count()') as () => number;
const LENGTH = 7;

/** As `faults.c` counts them. */
const ACTIONS = { failOne: 0, failAll: 1, killBefore: 2, killWithin: 3 } as const;

switch (mode) {
  case 'fail':
    await failEverywhere(
      rest[0] as keyof typeof ACTIONS,
      rest[1] as 'EIO' | 'ENOSPC',
      Number(rest[2]),
      Number(rest[3]),
    );
    break;
  case 'commit':
    await commitUntilKilled(rest[0] as keyof typeof ACTIONS, Number(rest[1]));
    break;
  case 'record':
    await record(rest[0]!);
    break;
  default:
    throw new Error(`There is no mode '${mode}'`);
}

async function failEverywhere(
  action: keyof typeof ACTIONS,
  error: 'EIO' | 'ENOSPC',
  first: number,
  stride: number,
): Promise<void> {
  let failures = 0;
  let at = first;
  try {
    for (; await failAt(at, action, constants.errno[error]); at += stride) failures++;
  } catch (reason) {
    throw new Error(`After the failure of call ${at}`, { cause: reason });
  }
  writeSync(1, String(failures));
}

/** Whether there was a call of that number. */
async function failAt(at: number, action: keyof typeof ACTIONS, error: number): Promise<boolean> {
  const own = mkdtempSync(join(folder, 'run-'));
  try {
    let store = openSqliteStore(own);
    arm(own, at, ACTIONS[action], error);
    let isFaulted = false;
    for (let n = 1; n <= LENGTH; n++) {
      try {
        await advance(store, n);
        if (n % 3 === 0) await store.sweep(0);
      } catch (reason) {
        assert.match(`${reason} ${(reason as Error).cause}`, /disk|EIO|ENOSPC|full|I\/O/i);
        assert.ok(countCalls() >= at, 'failed by itself');
        isFaulted = true;
        if (action === 'failAll') assert.equal(await store.isWritable(), false);
        arm(own, 0, 0, 0);
        // In some runs by the store that saw the failure, in others by one that is opened after it.
        if (at % 2 === 0) {
          await store.close();
          store = openSqliteStore(own);
        }
        const revision = await revisionOf(store);
        assert.ok(revision === n - 1 || revision === n, `${revision} after a failure in ${n}`);
        await expectRevision(store, revision);
        n = revision;
      }
    }
    await store.close().catch(() => {});
    const isReached = countCalls() >= at;
    arm(own, 0, 0, 0);
    store = openSqliteStore(own);
    assert.equal(await store.isWritable(), true);
    await expectRevision(store, LENGTH);
    await store.sweep(0);
    await expectSound(own, store);
    return isFaulted || isReached;
  } finally {
    rmSync(own, { recursive: true });
  }
}

async function commitUntilKilled(action: keyof typeof ACTIONS, at: number): Promise<void> {
  arm(folder, at, ACTIONS[action], 0);
  const store = openSqliteStore(folder);
  for (let n = 1; n <= LENGTH; n++) {
    await advance(store, n);
    writeSync(1, `${n}\n`);
    if (n % 3 === 0) await store.sweep(0);
  }
  await store.close();
  arm(folder, 0, 0, 0);
  writeSync(1, 'end\n');
}

/** Writes down every call of a history, and where each of its revisions was promised. */
async function record(journal: string): Promise<void> {
  (faults.func('void faults_record(const char*, const char*)') as (...args: unknown[]) => void)(folder, journal);
  const mark = faults.func('void faults_mark(long)') as (n: number) => void;
  const store = openSqliteStore(folder);
  mark(0);
  for (let n = 1; n <= 3 * LENGTH; n++) {
    await advance(store, n);
    mark(n);
    if (n % 3 === 0) await store.sweep(0);
  }
  await store.close();
}
