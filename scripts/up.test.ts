import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const up = fileURLToPath(new URL('up.ts', import.meta.url));

// Stands in for the service: what is tested here is how the script starts one, reports on it and ends it.
const SERVICE = `
import { createServer } from 'node:http';
if (process.env.STAND_IN === 'dies') process.exit(3);
let asked = 0;
const server = createServer((request, response) => {
  if (request.url === '/readyz') response.statusCode = ++asked > 3 ? 200 : 503;
  else if (process.env.STAND_IN === 'refuses') response.statusCode = 400;
  response.end(JSON.stringify({ values: { loss: 6.25 }, gradients: [1, 2] }));
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    console.log('told to stop');
    server.closeAllConnections();
    server.close(() => setTimeout(() => process.exit(), 200));
  });
}
server.listen(Number(process.env.ADJOINT_PORT), process.env.ADJOINT_HOST);
`;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'adjoint-up-'));
  await mkdir(join(root, 'services'));
  await writeFile(join(root, 'services/main.ts'), SERVICE);
});
afterAll(async () => await rm(root, { recursive: true }));

async function listenAnywhere(): Promise<[server: Server, port: number]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return [server, (server.address() as AddressInfo).port];
}

async function freePort(): Promise<number> {
  const [server, port] = await listenAnywhere();
  server.close();
  await once(server, 'close');
  return port;
}

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the script against the stand-in; once it says that it serves, sends it `signals`. */
async function run(port: number, standIn: string, signals: readonly NodeJS.Signals[] = []): Promise<Run> {
  const env = { ...process.env, ADJOINT_HOST: '127.0.0.1', ADJOINT_PORT: String(port), STAND_IN: standIn };
  const child = spawn(process.execPath, [up], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let told = false;
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
    if (told || !output.includes('Ctrl-C stops')) return;
    told = true;
    for (const signal of signals) child.kill(signal);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

describe('npm run up', () => {
  // A terminal's Ctrl-C arrives twice: from the terminal, and from npm passing it on.
  it.each([[['SIGINT', 'SIGTERM']], [['SIGTERM']]] as const)('serves until %j and stops once', async (signals) => {
    const port = await freePort();
    const { code, output } = await run(port, '', signals);
    expect(output).toContain(`curl http://127.0.0.1:${port}/v1/gradient -H 'content-type: application/json' -d '{`);
    expect(output).toContain('gradients  [1,2]');
    expect(output.match(/told to stop/g)).toHaveLength(1);
    expect(code).toBe(0);
  });

  it('says so when the port is taken', async () => {
    const [server, port] = await listenAnywhere();
    const { code, output } = await run(port, '');
    server.close();
    expect(output).toContain(`Port ${port} on 127.0.0.1 is taken`);
    expect(code).toBe(1);
  });

  it('says so when the service ends by itself', async () => {
    const { code, output } = await run(await freePort(), 'dies');
    expect(output).toContain('The service ended by itself (exit code 3)');
    expect(code).toBe(1);
  });

  it('stops the service and fails when the example is refused', async () => {
    const { code, output } = await run(await freePort(), 'refuses');
    expect(output).toContain('POST /v1/gradient answered 400');
    expect(output).toContain('told to stop');
    expect(code).toBe(1);
  });
});
