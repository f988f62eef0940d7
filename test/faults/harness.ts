/** @file The service as tests of faults drive it: in process over any store, or as a process that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
// biome-ignore lint/style/noRestrictedImports: the port wants a logger, and this one is silent.
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { createService, type Service } from '../../services/api/call.ts';
import { METHODS } from '../../services/api/index.ts';
import type { Method } from '../../services/api/method.ts';
import { readConfig } from '../../services/config.ts';
import { createApp } from '../../services/rest/app.ts';
import { SessionCopies } from '../../services/sessions/copies.ts';
import type { Home } from '../../services/sessions/home.ts';
import type { Store } from '../../services/sessions/store.ts';
import { enginesHere } from '../../services/workers/here.ts';

/** JSON as read: the tests look into it without types of their own. */
// biome-ignore lint/suspicious/noExplicitAny: a reply is whatever the service said.
export type Json = any;

export type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request. */
export interface Request {
  readonly verb: Verb;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A reply: its status, and its body read. */
export interface Reply {
  readonly status: number;
  readonly body: Json;
  readonly headers: Readonly<Record<string, string>>;
}

/** What answers requests. */
export interface Server {
  send(request: Request): Promise<Reply>;
}

/** A service in process. */
export interface Local extends Server {
  readonly service: Service;
  /** Listens on a port of its own, for tests of connections. */
  listen(): Promise<string>;
}

/** What a test may set of a service in process. */
export interface Settings {
  readonly environment?: Readonly<Record<string, string>>;
  readonly methods?: readonly Method[];
  /** Engines remember what they compiled, so that restarts are quick. */
  readonly engine?: Engine;
  /** Where the log goes; nowhere by default. */
  readonly log?: { write(line: string): void };
}

/** Has each request that needs an engine done with the copies of sessions that `pick` gives. */
export function route({ service }: Local, pick: () => SessionCopies): void {
  const engines = enginesHere(service.engine, service.sessions, pick);
  Object.defineProperty(service, 'engines', { value: engines });
}

/** Copies of the sessions of a service, as another engine has them. */
export function moreCopies({ service }: Local, home: Home = service.sessions): SessionCopies {
  return new SessionCopies(service.engine, home, service.config.sessions);
}

let shared: Engine | undefined;

/** The engine of all services of a test file. */
export function sharedEngine(): Engine {
  shared ??= createEngine({ limits: DEFAULT_LIMITS, backend: portable });
  return shared;
}

/** A service in process over a store. */
export function serve(store: Store, { environment = {}, methods = METHODS, engine, log }: Settings = {}): Local {
  const service = createService({
    store,
    engine: engine ?? sharedEngine(),
    config: readConfig({ ADJOINT_DATA: 'memory', ...environment }),
    methods,
    log: log ? pino({ level: 'info' }, log) : pino({ level: 'silent' }),
  });
  const app = createApp({ service });
  return {
    service,
    async listen() {
      onTestFinished(() => app.close());
      return app.listen({ host: '127.0.0.1', port: 0 });
    },
    async send({ verb, path, body, headers = {} }) {
      const response = await app.inject({
        method: verb,
        url: path,
        ...(body !== undefined && { payload: JSON.stringify(body) }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      });
      const given = response.headers as Readonly<Record<string, string>>;
      return { status: response.statusCode, body: read(given['content-type'], response.rawPayload), headers: given };
    },
  };
}

function read(type: string | undefined, bytes: Buffer): Json {
  if (bytes.length === 0) return undefined;
  return type?.includes('json') ? JSON.parse(bytes.toString()) : bytes;
}

/** The service as a process of its own. */
export interface Child extends Server {
  /** Ends it at once, as the kernel would; or in peace. */
  kill(signal?: 'SIGKILL' | 'SIGINT'): Promise<void>;
}

/** Where node keeps the service's code between its lives, which makes each begin in half the time. */
const CODE = join(tmpdir(), `adjoint-faults-${process.pid}`);

/** Has the service's code kept: a process that is killed keeps nothing. Call what is returned in the end. */
export async function keepCode(): Promise<() => void> {
  await (await start('memory')).kill('SIGINT');
  return () => rmSync(CODE, { recursive: true, force: true });
}

const running = new Set<ChildProcess>();

/** Ends what a test that failed left running. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Starts the service on a folder; resolves when it listens. */
export async function start(folder: string, environment: Readonly<Record<string, string>> = {}): Promise<Child> {
  const child: ChildProcess = spawn(process.execPath, ['services/main.ts'], {
    env: {
      ADJOINT_PORT: '0',
      ADJOINT_BACKEND: 'portable',
      ADJOINT_CODE_CACHE: 'off',
      ADJOINT_DATA: folder,
      NODE_COMPILE_CACHE: CODE,
      // It is begun anew many times.
      ADJOINT_WORKERS: '1',
      ADJOINT_SPARE_WORKERS: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  running.add(child);
  void exited.then(() => running.delete(child));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream as NonNullable<typeof stream>).on('line', (line) => {
      printed.push(line);
      const [url] = (line.includes('listening') && /http:\/\/[^",]+/.exec(line)) || [];
      if (url) resolve(url);
    });
  void exited.then(() => reject(new Error(`the service ended: ${printed.join('\n')}`)));
  const url = await promise;
  return {
    async send({ verb, path, body, headers = {} }) {
      const response = await fetch(url + path, {
        method: verb,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      });
      const given = Object.fromEntries(response.headers);
      const content = read(given['content-type'], Buffer.from(await response.arrayBuffer()));
      return { status: response.status, body: content, headers: given };
    },
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      await exited;
    },
  };
}

/** The reply of a request that must succeed. */
export async function ok(server: Server, verb: Verb, path: string, body?: unknown): Promise<Json> {
  const { status, body: reply } = await server.send({ verb, path, ...(body !== undefined && { body }) });
  if (status >= 300) throw new Error(`${verb} ${path}: ${status} ${JSON.stringify(reply)}`);
  return reply;
}

/** A new session's path. */
export async function newSession(server: Server, body: unknown = {}): Promise<string> {
  const { session } = await ok(server, 'POST', '/v1/sessions', body);
  return `/v1/sessions/${session.session}`;
}

/** Numbers from 0 to 1 that follow from a seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
