/** @file A history of commits that any process can make, resume and check: what revision `n` writes follows from `n`. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MAX_INLINE_BYTES } from '../../services/sessions/sqlite/schema.ts';
import type { Change, Store } from '../../services/sessions/store.ts';
import { blobsOf, bytesOf, change, operationRow, refOf, replyRow, sessionRow, variableRow } from './rows.ts';

const SIZES = [16, 5_000, MAX_INLINE_BYTES + 1, 0, 70_000];

function contentOf(n: number): Uint8Array {
  return bytesOf(SIZES[n % SIZES.length]!, n);
}

function responseOf(n: number): Uint8Array {
  return bytesOf(n % 7 === 0 ? MAX_INLINE_BYTES + 2 : 100, -n);
}

/** What makes revision `n` of the one before. */
function step(n: number): Change {
  const content = contentOf(n);
  const response = responseOf(n);
  return change(n - 1, {
    expiresAt: 10_000 + n,
    blobs: blobsOf([content, response]),
    variables: new Map([
      [`v${n % 4}`, variableRow(`v${n % 4}`, refOf(content), { version: n })],
      ...(n % 3 === 0 ? [[`v${(n + 1) % 4}`, null] as const] : []),
    ]),
    dropped: n % 6 === 0 ? ['l'] : [],
    appended: [{ log: 'l', entry: { json: String(n), blobs: [refOf(content), refOf(response)] } }],
    reply: replyRow('k', refOf(response), { fingerprint: String(n) }),
    operation: operationRow('o', refOf(content), { response: refOf(response), progress: String(n) }),
  });
}

/** Takes the session from revision `n - 1` to `n`; the first creates it. */
export async function advance(store: Store, n: number): Promise<void> {
  if (n === 1) await store.createSession(sessionRow(), step(1), 1);
  else await store.commit('acme', 's', step(n));
}

/** The revision that the store is at. */
export async function revisionOf(store: Store): Promise<number> {
  return (await store.session('acme', 's'))?.revision ?? 0;
}

/** Checks that all the store holds is what it held after revision `n`, to the byte. */
export async function expectRevision(store: Store, n: number): Promise<void> {
  const variables = new Map<string, number>();
  let log: number[] = [];
  for (let i = 1; i <= n; i++) {
    variables.set(`v${i % 4}`, i);
    if (i % 3 === 0) variables.delete(`v${(i + 1) % 4}`);
    if (i % 6 === 0) log = [];
    log.push(i);
  }
  const session = n === 0 ? undefined : sessionRow({ expiresAt: 10_000 + n, revision: n });
  assert.deepEqual(await store.session('acme', 's'), session);
  assert.deepEqual(
    await store.variables('acme', 's'),
    [...variables].sort().map(([name, i]) => variableRow(name, refOf(contentOf(i)), { version: i })),
  );
  assert.deepEqual(await store.logs('acme', 's'), n === 0 ? [] : ['l']);
  assert.deepEqual(
    await store.log('acme', 's', 'l'),
    log.map((i) => ({ json: String(i), blobs: [refOf(contentOf(i)), refOf(responseOf(i))] })),
  );
  const [reply, operation] = [await store.reply('acme', 'k'), await store.operation('acme', 'o')];
  assert.deepEqual([reply, operation], n === 0 ? [undefined, undefined] : [step(n).reply, step(n).operation]);
  for (const i of new Set([...variables.values(), ...log]))
    assert.ok(Buffer.compare(await store.blob('acme', refOf(contentOf(i))), contentOf(i)) === 0);
  for (const i of log) assert.ok(Buffer.compare(await store.blob('acme', refOf(responseOf(i))), responseOf(i)) === 0);
}

/** Checks that the database in a folder is whole and that its large blobs are the files there are; closes the store. */
export async function expectSound(folder: string, store?: Store): Promise<void> {
  await store?.close();
  const db = new DatabaseSync(join(folder, 'store.db'), { readOnly: true });
  try {
    assert.deepEqual(
      db
        .prepare('pragma integrity_check')
        .all()
        .map((row) => row.integrity_check),
      ['ok'],
    );
    assert.deepEqual(db.prepare('pragma foreign_key_check').all(), []);
    const named = db.prepare('select digest from blobs where content is null order by digest').all();
    assert.deepEqual(
      readdirSync(join(folder, 'blobs')).sort(),
      named.map((row) => row.digest),
    );
  } finally {
    db.close();
  }
}
