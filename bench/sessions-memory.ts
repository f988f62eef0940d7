/**
 * @file What an idle session costs in memory: opens many, of which each has a variable and a tape, and prints bytes
 * per session in memory, and per session that only the store has. `node bench/sessions-memory.ts [sessions]`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
// biome-ignore lint/style/noRestrictedImports: the service wants a logger, and this one is silent.
import { pino } from 'pino';
import { portable } from '../engine/backends/portable.ts';
import { createEngine } from '../engine/engine.ts';
import { DEFAULT_LIMITS } from '../engine/limits.ts';
import { createService } from '../services/api/call.ts';
import { METHODS } from '../services/api/index.ts';
import { readConfig } from '../services/config.ts';
import { createApp } from '../services/rest/app.ts';
import { openSqliteStore } from '../services/sessions/sqlite/store.ts';

const [count = 10_000] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'adjoint-sessions-'));
const store = openSqliteStore(folder);

type App = ReturnType<typeof createApp>;

function serve(resident: number): App {
  const config = readConfig({
    ADJOINT_DATA: folder,
    ADJOINT_SESSIONS_PER_TENANT: String(count),
    ADJOINT_RESIDENT_SESSIONS: String(resident),
  });
  const engine = createEngine({ limits: DEFAULT_LIMITS, backend: portable });
  const log = pino({ level: 'silent' });
  return createApp({ service: createService({ engine, config, methods: METHODS, log, store }) });
}

/** What is read of replies. */
interface Reply {
  readonly session: { readonly session: string };
  readonly sessions: readonly { readonly session: string }[];
}

async function send(app: App, verb: 'GET' | 'POST', url: string, body?: object): Promise<Reply> {
  const { statusCode, payload } = await app.inject({ method: verb, url, ...(body && { payload: body }) });
  if (statusCode >= 300) throw new Error(`${verb} ${url}: ${payload}`);
  return JSON.parse(payload);
}

/** Bytes in use, when what is let go at the end of a turn has been. */
async function heap(): Promise<number> {
  for (let turn = 0; turn < 4; turn++) {
    await sleep(10);
    globalThis.gc?.();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function open(app: App, hasTape: boolean): Promise<string> {
  const { session } = await send(app, 'POST', '/v1/sessions', { variables: { w: { value: [1, 2, 3, 4] } } });
  const path = `/v1/sessions/${session.session}`;
  if (!hasTape) return path;
  await send(app, 'POST', `${path}/tapes`, { tape: 't', persistent: true });
  await send(app, 'POST', `${path}/tapes/t/record`, { graph: 'y = sum(w ** 2)' });
  return path;
}

function report(what: string, bytes: number, of: number): void {
  process.stdout.write(`${what}: ${Math.round(bytes / of)} bytes\n`);
}

if (!globalThis.gc) process.stdout.write('without --expose-gc these numbers are too large\n');
for (const [what, hasTape] of [
  ['a session with a variable', false],
  ['a session with a variable and a recorded graph', true],
] as const) {
  const app = serve(count);
  await open(app, hasTape);
  const before = await heap();
  const began = performance.now();
  for (let i = 1; i < count / 2; i++) await open(app, hasTape);
  report(`${what}, in memory`, (await heap()) - before, count / 2);
  process.stdout.write(`  opened in ${((performance.now() - began) / (count / 2)).toFixed(2)} ms each\n`);
  await app.close();
}
const app = serve(100);
const before = await heap();
const { sessions } = await send(app, 'GET', '/v1/sessions?page_size=1000');
for (const { session } of sessions) await send(app, 'GET', `/v1/sessions/${session}`);
report('a session that was read, when 100 may stay in memory', (await heap()) - before, sessions.length);
await app.close();
await store.close();
process.stdout.write(`the store: ${Math.round(statSync(join(folder, 'store.db')).size / count)} bytes each\n`);
rmSync(folder, { recursive: true });
