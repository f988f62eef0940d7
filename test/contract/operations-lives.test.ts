/** @file Random lives of a service: whatever is started, cancelled, killed and begun again, a change is done once or not. */

import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import type { OperationRow } from '../../services/sessions/store.ts';
import { temporaryFolder } from '../store/stores.ts';
import { workService } from './operations-harness.ts';

/** What happens in one life, and how it ends. */
const life = fc.record({
  deeds: fc.array(
    fc.record({
      what: fc.constantFrom('bump', 'bump', 'bump', 'hold', 'open', 'open', 'cancel', 'delete', 'wait'),
      which: fc.nat(20),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  end: fc.constantFrom('stop', 'death'),
});

const NEVER = Number.MAX_SAFE_INTEGER;

test('a session has as many changes as operations that succeeded', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
      const folder = temporaryFolder();
      const first = openSqliteStore(folder);
      const none = { variables: new Map(), dropped: [], appended: [], blobs: new Map() };
      await first.createSession(
        { tenant: 'local', id: 's', createdAt: 0, expiresAt: NEVER, ttl: 1e9, revision: 0 },
        { revision: 0, expiresAt: NEVER, ...none },
        10,
      );
      await first.close();
      const started: string[] = [];
      let deletedChanges = 0;
      for (const { deeds, end } of [...lives, { deeds: [], end: 'last' }]) {
        const store = openSqliteStore(folder);
        const { service, work } = workService(store, { ADJOINT_OPERATIONS_AT_ONCE: '3' });
        const { operations, methods } = service;
        await operations.resume();
        const start = async (name: string, request: object): Promise<void> => {
          const method = methods.find((row) => row.name === name);
          if (method !== undefined) started.push((await operations.start('local', method, request)).id);
        };
        const { signal } = new AbortController();
        for (const { what, which } of deeds) {
          const name = `g${which % 5}`;
          const id = started[which % Math.max(1, started.length)] ?? '';
          switch (what) {
            case 'bump':
              await start('Bump', { session: 's', name });
              break;
            case 'hold':
              await start('Hold', { name });
              break;
            case 'open':
              work.open(name);
              break;
            case 'wait':
              await sleep(which % 5);
              break;
            case 'cancel':
              await operations.cancel('local', id, signal).catch(() => {});
              break;
            case 'delete': {
              const row = await operations.cancel('local', id, signal).catch(() => undefined);
              if (row?.state === 'succeeded' && row.method === 'Bump') deletedChanges++;
              await operations.delete('local', id, signal).catch(() => {});
              break;
            }
            default:
              what satisfies never;
          }
        }
        if (end === 'stop') await operations.close();
        if (end !== 'last') {
          await store.close();
          continue;
        }
        for (let gate = 0; gate < 5; gate++) work.open(`g${gate}`);
        let rows: readonly OperationRow[] = [];
        do {
          await sleep(5);
          rows = await operations.list('local', '', 1000);
        } while (rows.some(({ state }) => state === 'running'));
        for (const { state, error } of rows) seen.add(error === null ? state : JSON.parse(error).code);
        const succeeded = rows.filter(({ state, method }) => state === 'succeeded' && method === 'Bump').length;
        const revision = (await store.session('local', 's'))?.revision ?? 0;
        expect(revision - 1).toBe(succeeded + deletedChanges);
        expect(await store.unfinished()).toEqual([]);
        await operations.close();
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
  // Lives in which nothing went wrong would prove nothing.
  expect([...seen]).toEqual(expect.arrayContaining(['succeeded', 'cancelled', 'version_mismatch', 'quarantined']));
}, 120_000);
