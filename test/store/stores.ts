/** @file The stores under test, each in a folder of its own that goes when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Files } from '../../services/sessions/sqlite/files.ts';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import type { Store } from '../../services/sessions/store.ts';

/** A store under test. */
export interface Case {
  readonly name: string;
  /** An empty one. */
  open(): Store;
}

export const STORES: readonly Case[] = [
  { name: 'memory', open: memoryStore },
  { name: 'sqlite', open: () => sqliteStore(temporaryFolder()) },
];

/** The store in a folder, closed when the test is over. */
export function sqliteStore(folder: string, options?: { readonly files: Files }): Store {
  const store = openSqliteStore(folder, options);
  onTestFinished(() => store.close());
  return store;
}

/** A folder that is removed when the test is over. */
export function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'adjoint-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
