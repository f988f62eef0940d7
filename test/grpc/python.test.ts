/** @file A client in Python, from stubs that grpcio-tools makes of the `.proto` files. Skipped where pip brings no gRPC. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { start } from './harness.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HOME = join(ROOT, '.tmp/grpc-python-1.85.1');
const PACKAGES = ['grpcio==1.85.1', 'grpcio-tools==1.85.1', 'numpy==2.3.5'];

const python = join(HOME, 'bin/python');

/** Why there is no Python with gRPC here; what is made once stays for the next run. */
function whyNot(): string | undefined {
  const run = (command: string, args: readonly string[], timeout: number): void =>
    void execFileSync(command, args, { timeout, stdio: 'pipe' });
  const isThere = (): boolean => {
    try {
      run(python, ['-c', 'import grpc, grpc_tools, numpy'], 20_000);
      return true;
    } catch {
      return false;
    }
  };
  if (isThere()) return undefined;
  try {
    run('python3', ['-m', 'venv', '--clear', HOME], 60_000);
    run(
      python,
      ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--timeout', '15', '--only-binary', ':all:', ...PACKAGES],
      180_000,
    );
    return undefined;
  } catch (reason) {
    return (reason as Error).message.split('\n')[0];
  }
}

const missing = whyNot();

describe.skipIf(missing !== undefined)('a client in Python', () => {
  const stubs = join(HOME, 'stubs');
  beforeAll(() => {
    mkdirSync(stubs, { recursive: true });
    const protos = readdirSync(join(ROOT, 'proto/adjoint/v1')).map((file) => join('adjoint/v1', file));
    const out = [`--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
    execFileSync(python, ['-m', 'grpc_tools.protoc', '-I', 'proto', ...out, ...protos], { cwd: ROOT });
  }, 60_000);

  const run = async (args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(python, args, {
      cwd: ROOT,
      env: { PYTHONPATH: stubs },
      timeout: 60_000,
    });
    return stdout;
  };

  test('as docs/grpc.md shows it gets what it shows', async () => {
    const service = await start();
    const page = readFileSync(join(ROOT, 'docs/grpc.md'), 'utf8');
    const [, code = ''] = /```python\n([\s\S]*?)```/.exec(page) ?? [];
    expect(code).toContain('127.0.0.1:8081');
    // x w is 3 everywhere, and the gradient of the mean of its squares 2 * 8 * 3 / 16.
    expect(await run(['-c', code.replace('127.0.0.1:8081', service.address)])).toMatch(/^9\.0 \[\[3\. 3\.\]\n/);
  }, 60_000);

  test('does all that the service does', async () => {
    const service = await start();
    const said = JSON.parse(await run(['test/grpc/client.py', service.address]));
    // x w = [4, 5]; the gradient of the mean of its squares is x^T (x w).
    expect(said).toMatchObject({
      loss: [20.5],
      gradient: [4, 5, 8, 10, 12, 15],
      request_id: 'from-python',
      sum: [[2], [3, 7]],
      error: ['INVALID_ARGUMENT', "there is no op 'smu' (node 's'). Did you mean 'sum'?"],
      has_details: true,
      session: [1, true],
      operation: ['OPERATION_STATE_SUCCEEDED', [4, 5, 8, 10, 12, 15]],
    });
    // Each step halves the distance to 3.
    expect(said.losses).toHaveLength(30);
    for (let i = 0; i < 10; i++) expect(said.losses[i]).toBeCloseTo(18 / 4 ** i, 4);
    expect(said.uploaded).toContain('w');
    for (const element of said.tape) expect(element).toBeCloseTo(27, 3);
  }, 120_000);
});
