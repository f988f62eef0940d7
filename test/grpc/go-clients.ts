/**
 * @file grpcurl and grpc-health-probe, built by Go's module proxy, against the service. Not part of the suite, since the
 * first build takes minutes: `node_modules/.bin/node test/grpc/go-clients.ts`. Needs Go 1.24 or newer.
 */
import { strict as assert } from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// biome-ignore lint/style/noRestrictedImports: the service wants a logger, and this one is silent.
import { pino } from 'pino';
import { createEngine } from '../../engine/engine.ts';
import { createService } from '../../services/api/call.ts';
import { METHODS } from '../../services/api/index.ts';
import { readConfig } from '../../services/config.ts';
import { createGrpcServer } from '../../services/grpc/server.ts';
import { memoryStore } from '../../services/sessions/memory.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BIN = join(ROOT, '.tmp/go/bin');
const CLIENTS = [
  'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3',
  'github.com/grpc-ecosystem/grpc-health-probe@v0.4.61',
];
const KEY = 'a-key-of-more-than-16';

for (const client of CLIENTS) {
  console.log(`go install ${client}`);
  execFileSync('go', ['install', client], {
    env: { ...process.env, GOBIN: BIN, GOFLAGS: '-mod=mod' },
    timeout: 600_000,
    stdio: 'inherit',
  });
}

const config = readConfig({ ADJOINT_API_KEYS: `one:${KEY}` });
const log = pino({ level: 'silent' });
const service = createService({ engine: createEngine(), config, methods: METHODS, log, store: memoryStore() });
const server = createGrpcServer(service);
const address = `127.0.0.1:${await server.listen('127.0.0.1', 0)}`;

/** What a client says; not waited for in one piece, since the service runs in this process. */
async function run(client: string, ...args: string[]): Promise<{ status: number | null; said: string }> {
  console.log(`${client} ${args.join(' ')}`);
  const child = spawn(join(BIN, client), args);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk;
    });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, said };
}

const open = ['-plaintext'];
const keyed = [...open, '-H', `authorization: Bearer ${KEY}`];
const floats = (...values: number[]): string => Buffer.from(Float32Array.from(values).buffer).toString('base64');

const probe = await run('grpc-health-probe', '-addr', address, '-service', 'adjoint.v1.AutodiffService');
assert.equal(probe.status, 0);
assert.match(probe.said, /SERVING/);

assert.match((await run('grpcurl', ...open, address, 'list')).said, /Unauthenticated|API key is needed/);
assert.match((await run('grpcurl', ...keyed, address, 'list')).said, /adjoint\.v1\.AutodiffService/);
assert.match(
  (await run('grpcurl', ...keyed, address, 'describe', 'adjoint.v1.GradientRequest')).said,
  /Nest sources = 5/,
);

const request = {
  graph: { text: 'loss = mean((x @ w) ** 2)' },
  values: {
    x: { dtype: 'DTYPE_FLOAT32', shape: [1, 3], data: floats(1, 2, 3) },
    w: { dtype: 'DTYPE_FLOAT32', shape: [3, 1], data: floats(1, 0, 1) },
  },
  sources: { name: 'w' },
};
const gradient = await run(
  'grpcurl',
  ...keyed,
  '-d',
  JSON.stringify(request),
  address,
  'adjoint.v1.AutodiffService/Gradient',
);
// 2 x^T (x w), with x w = 4.
assert.equal(JSON.parse(gradient.said).gradients.tensor.data, floats(8, 16, 24));

const proto = ['-import-path', join(ROOT, 'proto'), '-proto', 'adjoint/v1/session_service.proto'];
const session = await run(
  'grpcurl',
  ...keyed,
  ...proto,
  '-d',
  '{"ttl_seconds":60}',
  address,
  'adjoint.v1.SessionService/CreateSession',
);
assert.equal(JSON.parse(session.said).session.ttlSeconds, '60');

const wrong = await run(
  'grpcurl',
  ...keyed,
  '-d',
  '{"graph":{"text":"y = sofmax(1)"}}',
  address,
  'adjoint.v1.AutodiffService/Evaluate',
);
assert.match(wrong.said, /InvalidArgument/);
assert.match(wrong.said, /google\.rpc\.ErrorInfo/);
assert.match(wrong.said, /softmax/);

server.drain();
assert.notEqual((await run('grpc-health-probe', '-addr', address)).status, 0);
await server.close(1000);
console.log('grpcurl and grpc-health-probe were answered as they should be');
