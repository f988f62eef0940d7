/** @file A process that takes up the operations of a store, starts one more, and goes on until it is killed. */
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import { workService } from './operations-harness.ts';

const [folder, name, request] = process.argv.slice(2) as [string, string?, string?];
const { service, work } = workService(openSqliteStore(folder));
await service.operations.resume();
const method = service.methods.find((candidate) => candidate.name === name);
if (method !== undefined) {
  const { id } = await service.operations.start('local', method, JSON.parse(request ?? ''));
  writeSync(1, `${id}\n`);
}
setInterval(() => {
  if (work.begun.length > 0) writeSync(1, 'begun\n');
}, 10);
