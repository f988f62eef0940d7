/**
 * @file Measures gRPC beside REST: the same requests by clients of Node, in turns against one service. A figure has the
 * client's time in it too. `node_modules/.bin/node bench/grpc.ts`; `--quick` measures for a shorter time.
 */
import { Agent, request as httpRequest } from 'node:http';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { N2 as N2_REQUEST, startService } from './service.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 4 : 10;
const [REST_PORT, GRPC_PORT] = [18_082, 18_083];

const definitions = loadSync('adjoint/v1/autodiff_service.proto', {
  includeDirs: ['proto'],
  keepCase: true,
  longs: Number,
  enums: String,
});
const { Gradient, Evaluate } = definitions['adjoint.v1.AutodiffService'] as grpc.ServiceDefinition;

const agent = new Agent({ keepAlive: true });
const client = new grpc.Client(`127.0.0.1:${GRPC_PORT}`, grpc.credentials.createInsecure(), {
  'grpc.max_receive_message_length': -1,
});

/** One request and its reply, read whole. */
type Ask = () => Promise<void>;

function overRest(path: string, body: Buffer | string, headers: Record<string, string>): Ask {
  return () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sent = httpRequest(
      `http://127.0.0.1:${REST_PORT}${path}`,
      { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } },
      (reply) => {
        reply.resume();
        reply.on('end', () =>
          reply.statusCode === 200 ? resolve() : reject(new Error(`${path}: ${reply.statusCode}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
    return promise;
  };
}

function overGrpc(method: grpc.MethodDefinition<object, object>, request: object): Ask {
  return () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, (fault) =>
      fault === null ? resolve() : reject(fault),
    );
    return promise;
  };
}

const float32 = (shape: number[], ...data: number[]): object => ({
  dtype: 'DTYPE_FLOAT32',
  shape,
  data: Buffer.from(Float32Array.from(data).buffer),
});

/** The notebook's matrix example, cell N2. */
const N2: Record<string, Ask> = {
  REST: overRest('/v1/gradient', JSON.stringify(N2_REQUEST), { 'content-type': 'application/json' }),
  gRPC: overGrpc(Gradient as never, {
    graph: { text: 'loss = mean((x @ w + b) ** 2)' },
    values: { x: float32([1, 3], 1, 2, 3), w: float32([3, 2], 0.5, -1, 1, 0.25, -0.5, 2), b: float32([2], 0, 0) },
    sources: { list: { items: [{ name: 'w' }, { name: 'b' }] } },
  }),
};

/** A 16 MiB float32 tensor there and back. */
function echo(): Record<string, Ask> {
  const values = Float32Array.from({ length: 2 ** 22 }, (_, i) => Math.sin(i));
  const bytes = Buffer.from(values.buffer);
  const graph = { inputs: { x: {} }, nodes: [{ name: 'y', op: 'identity', inputs: ['x'] }] };
  const head = JSON.stringify({
    graph,
    values: { x: { dtype: 'float32', shape: [values.length], binary_data_size: bytes.length } },
    options: { encoding: 'binary' },
  });
  const padded = Buffer.from(head.padEnd(Math.ceil(head.length / 8) * 8));
  return {
    REST: overRest('/v1/evaluate', Buffer.concat([padded, bytes]), {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(padded.length),
    }),
    gRPC: overGrpc(Evaluate as never, {
      graph: { document: { inputs: { x: {} }, nodes: [{ name: 'y', op: 'identity', inputs: [{ name: 'x' }] }] } },
      values: { x: { dtype: 'DTYPE_FLOAT32', shape: [values.length], data: bytes } },
    }),
  };
}

/** Milliseconds of `count` requests, `width` of them at once, and how long all took. */
async function measure(ask: Ask, count: number, width: number): Promise<{ latencies: number[]; elapsed: number }> {
  const latencies: number[] = [];
  const started = performance.now();
  const one = async (): Promise<void> => {
    for (let i = 0; i < count / width; i++) {
      const sent = performance.now();
      await ask();
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: width }, one));
  return { latencies, elapsed: performance.now() - started };
}

async function compare(what: string, ports: Record<string, Ask>, count: number, width: number): Promise<void> {
  const found = new Map(Object.keys(ports).map((port) => [port, { latencies: [] as number[], rates: [] as number[] }]));
  for (const ask of Object.values(ports)) await measure(ask, Math.min(count, 200), width);
  for (let round = 0; round < ROUNDS; round++)
    for (const [port, ask] of Object.entries(ports)) {
      const { latencies, elapsed } = await measure(ask, count, width);
      found.get(port)?.latencies.push(...latencies);
      found.get(port)?.rates.push((latencies.length / elapsed) * 1000);
    }
  for (const [port, { latencies, rates }] of found) {
    const at = (values: number[], share: number): string =>
      (values.sort((a, b) => a - b)[Math.floor(values.length * share)] as number).toPrecision(3);
    console.log(`| ${what} | ${port} | ${at(latencies, 0.5)} | ${at(latencies, 0.99)} | ${at(rates, 0.5)} |`);
  }
}

await using _service = await startService(REST_PORT, {
  ADJOINT_GRPC_PORT: String(GRPC_PORT),
  ADJOINT_DATA: 'memory',
});
try {
  console.log('| request | port | p50 ms | p99 ms | requests/s |\n|---|---|---|---|---|');
  await compare('N2 gradient, one at a time', N2, quick ? 300 : 1000, 1);
  await compare('N2 gradient, 16 at a time', N2, quick ? 1000 : 4000, 16);
  await compare('16 MiB float32 there and back', echo(), quick ? 5 : 20, 1);
} finally {
  client.close();
  agent.destroy();
}
