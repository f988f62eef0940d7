/**
 * @file Measures the embedded store: how long a durable write of a variable takes, beside what the disk takes for the
 * same bytes alone, and how long what looks at all blobs takes. `node_modules/.bin/node bench/store.ts [folder]`, in a
 * folder on the disk in question. The sizes take turns, so that all see the same disk; times are in milliseconds.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../services/sessions/sqlite/store.ts';
import { type Change, digestOf, type Store } from '../services/sessions/store.ts';

const SIZES: readonly (readonly [string, number])[] = [
  ['4 KiB', 2 ** 12],
  ['256 KiB', 2 ** 18],
  ['1 MiB', 2 ** 20],
  ['4 MiB', 2 ** 22],
];
const ROUNDS = 300;
const BLOBS = 20_000;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'adjoint-bench-'));
  const store = openSqliteStore(join(folder, 'store'));
  try {
    await benchWrites(store, folder);
    await benchScans(store);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

async function benchWrites(store: Store, folder: string): Promise<void> {
  const writes = SIZES.map((): number[] => []);
  const reads = SIZES.map((): number[] => []);
  const alone = SIZES.map((): number[] => []);
  await createSession(store, 'writes');
  let revision = 1;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [, size]] of SIZES.entries()) {
      // New bytes each time: those that the store has cost next to nothing.
      const bytes = randomFillSync(new Uint8Array(size));
      const digest = digestOf('bench', bytes);
      const write = changeOf(revision, `v${i}`, bytes, digest);
      writes[i]!.push(await timed(() => store.commit('bench', 'writes', write)));
      reads[i]!.push(await timed(() => store.blob('bench', { digest, bytes: size })));
      alone[i]!.push(await timed(() => writeAlone(join(folder, 'alone'), bytes)));
      revision++;
    }
    if (round % 10 === 0) await store.sweep(0);
  }
  console.log('size      write p50    p99   read p50    p99   write and fsync of a file p50    p99');
  for (const [i, [name]] of SIZES.entries())
    console.log(
      `${name.padEnd(9)} ${[writes, reads, alone].map((times) => `${at(times[i]!, 0.5)} ${at(times[i]!, 0.99)}`).join('   ')}`,
    );
}

/** What looks at every blob of a tenant, or of all. */
async function benchScans(store: Store): Promise<void> {
  await createSession(store, 'scans');
  const blobs = new Map<string, Uint8Array>();
  for (let i = 0; i < BLOBS; i++) {
    const bytes = randomFillSync(new Uint8Array(64));
    blobs.set(digestOf('bench', bytes), bytes);
  }
  const all = [...blobs].map(([digest, bytes], i) => changeOf(1, `v${i}`, bytes, digest));
  const variables = new Map(all.flatMap((change) => [...change.variables]));
  await store.commit('bench', 'scans', { ...all[0]!, blobs, variables });
  const times = { tenantBytes: [] as number[], sweep: [] as number[] };
  for (let i = 0; i < 30; i++) {
    times.tenantBytes.push(await timed(() => store.tenantBytes('bench')));
    times.sweep.push(await timed(() => store.sweep(0)));
  }
  console.log(
    `of ${BLOBS} blobs: tenantBytes ${at(times.tenantBytes, 0.5)}, a sweep of nothing ${at(times.sweep, 0.5)}`,
  );
}

async function createSession(store: Store, id: string): Promise<void> {
  const session = { tenant: 'bench', id, createdAt: 1, expiresAt: 2, ttl: 1, revision: 0 };
  const change = { revision: 0, expiresAt: 2, blobs: new Map(), variables: new Map(), dropped: [], appended: [] };
  await store.createSession(session, change, 9);
}

function changeOf(revision: number, name: string, bytes: Uint8Array, digest: string): Change {
  const value = { digest, bytes: bytes.length };
  const row = { name, dtype: 'uint8', shape: [bytes.length], trainable: true, version: revision + 1, value };
  const [blobs, variables] = [new Map([[digest, bytes]]), new Map([[name, row]])];
  return { revision, expiresAt: 2, blobs, variables, dropped: [], appended: [] };
}

function writeAlone(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, bytes);
  fsyncSync(descriptor);
  closeSync(descriptor);
}

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function at(times: readonly number[], quantile: number): string {
  return times
    .toSorted((a, b) => a - b)
    [Math.floor(quantile * times.length)]!.toFixed(2)
    .padStart(7);
}

await main();
