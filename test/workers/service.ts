/** @file The service with its workers as tests of workers drive it: real processes, that can be killed. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { start } from '../service-process.ts';

/** JSON as read. */
// biome-ignore lint/suspicious/noExplicitAny: a reply is whatever the service said.
export type Json = any;

/** A reply. */
export interface Reply {
  readonly status: number;
  readonly body: Json;
  readonly headers: Headers;
}

/** A service with workers. */
export interface Serving {
  readonly child: ChildProcess;
  readonly printed: readonly string[];
  readonly url: string;
  send(verb: string, path: string, body?: Json, headers?: Record<string, string>): Promise<Reply>;
  /** The process ids of its workers. */
  workers(): number[];
}

/** Starts a service; with `faults` it knows the ops that end processes. */
export async function serve(environment: Record<string, string>, faults = false): Promise<Serving> {
  const preload = fileURLToPath(new URL('fault-ops.ts', import.meta.url));
  const { child, printed } = start({
    ADJOINT_WORKERS: '2',
    ADJOINT_SPARE_WORKERS: '1',
    // What is small goes to workers, too.
    ADJOINT_INLINE_FLOPS: '0',
    ...environment,
    ...(faults && { NODE_OPTIONS: `--import=${preload}` }),
  });
  let url: string | undefined;
  while (url === undefined) {
    url = /http:\/\/[^",]+/.exec(printed.find((line) => line.includes('listening on http')) ?? '')?.[0];
    if (child.exitCode !== null) throw new Error(`the service ended: ${printed.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const base = url;
  return {
    child,
    printed,
    url: base,
    workers: () => childrenOf(child.pid as number),
    async send(verb, path, body, headers = {}) {
      const response = await fetch(base + path, {
        method: verb,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
    },
  };
}

/** Where a service listens for gRPC; resolves when it does, which is after it listens for HTTP. */
export async function grpcAddress({ printed }: Serving): Promise<string> {
  const line = (): string => printed.find((one) => one.includes('gRPC on')) ?? '';
  await until(() => line() !== '');
  return /gRPC on (127\.0\.0\.1:\d+)/.exec(line())?.[1] as string;
}

/** The processes whose parent is this one, that are workers. */
function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return children
    .split(' ')
    .filter((child) => child !== '')
    .map(Number)
    .filter((child) => {
      try {
        return readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('worker.ts');
      } catch {
        return false;
      }
    });
}

/** Resolves when `isTrue`. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 10));
}
