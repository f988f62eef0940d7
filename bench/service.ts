/** @file The service as a process of its own, and other servers beside it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { treeOf } from './processes.ts';

/** The request of the notebook's matrix example, cell N2. */
export const N2 = {
  graph: 'loss = mean((x @ w + b) ** 2)',
  values: {
    x: [[1, 2, 3]],
    w: [
      [0.5, -1],
      [1, 0.25],
      [-0.5, 2],
    ],
    b: [0, 0],
  },
  sources: ['w', 'b'],
};

/** A server under measurement. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** How to start a server. */
export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Its environment, which may name a folder that it has for itself. */
  env(folder: string): NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly url: string;
  /** Whether it is ready to answer; asked again and again, with what it has printed. */
  isReady(printed: string): boolean | Promise<boolean>;
}

/** Starts the service on a port, with a folder of its own for what it keeps, and waits until it is ready. */
export function startService(port: number, environment: Readonly<Record<string, string>> = {}): Promise<Server> {
  const url = `http://127.0.0.1:${port}`;
  return startServer({
    file: process.execPath,
    args: ['services/main.ts'],
    env: (folder) => ({
      ...process.env,
      ADJOINT_PORT: String(port),
      ADJOINT_GRPC_PORT: 'off',
      ADJOINT_LOG_LEVEL: 'error',
      ADJOINT_DATA: folder,
      ...environment,
    }),
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    url,
    isReady: () =>
      fetch(`${url}/readyz`).then(
        (reply) => reply.ok,
        () => false,
      ),
  });
}

/** Starts a server and waits until it is ready; throws, with what it printed, when it ends or takes three minutes. */
export async function startServer({ file, args, env, cwd, url, isReady }: ServerCommand): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'adjoint-bench-'));
  const child = spawn(file, args, { env: env(folder), cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => (printed = (printed + piece).slice(-20_000)));
  child.on('error', (reason) => (printed += reason.message));
  let hasEnded = false;
  // Not `exit`: what it printed last may come later than that.
  const ended = once(child, 'close').then(() => (hasEnded = true));
  const stop = async (): Promise<void> => {
    if (!hasEnded) {
      const processes = treeOf(child.pid as number);
      child.kill('SIGINT');
      const timer = setTimeout(() => processes.forEach(kill), 10_000);
      await ended;
      clearTimeout(timer);
    }
    await rm(folder, { recursive: true });
  };
  // Tries are counted, not time: a virtual machine may have stood still meanwhile.
  for (let tries = 0; tries < 3600 && !hasEnded; tries++, await sleep(50))
    if (await isReady(printed)) return { url, pid: child.pid as number, [Symbol.asyncDispose]: stop };
  await stop();
  throw new Error(`${[file, ...args].join(' ')} did not become ready: ${printed}`);
}

/**
 * A port that was free just now; none of those that the system gives to clients, for a client that asks whether a server
 * is there already could be given the server's.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}

/** A share of samples, in order: 0.5 is the median. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
