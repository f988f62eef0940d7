/** @file A process that commits until it is killed, and prints each revision once the store has promised it. */
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import { advance, revisionOf } from './history.ts';

const store = openSqliteStore(process.argv[2]!);
let revision = await revisionOf(store);
writeSync(1, `${revision}\n`);
for (;;) {
  await advance(store, ++revision);
  writeSync(1, `${revision}\n`);
  if (revision % 8 === 0) await store.sweep(0);
}
