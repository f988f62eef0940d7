/** @file The service as a process of its own in tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** What no process of a test does unless the test is about it: write into the user's folders, or look for libraries. */
const QUIET = {
  ADJOINT_PORT: '0',
  ADJOINT_GRPC_PORT: '0',
  ADJOINT_BACKEND: 'portable',
  ADJOINT_CODE_CACHE: 'off',
  ADJOINT_DATA: 'memory',
  ADJOINT_WORKERS: '1',
  ADJOINT_SPARE_WORKERS: '0',
  // Of this project's own code, which is much of what a start takes.
  NODE_COMPILE_CACHE: 'node_modules/.cache/adjoint-tests',
};

/** A started service, with everything it printed. */
export function start(environment: Record<string, string>): { child: ChildProcess; printed: string[] } {
  const child = spawn(process.execPath, ['services/main.ts'], { env: { ...QUIET, ...environment } });
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => printed.push(line));
  return { child, printed };
}
