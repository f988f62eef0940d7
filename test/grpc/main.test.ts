/** @file The process with its two ports: what the configuration opens, and how it stops. */
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { start } from '../service-process.ts';
import { definitionOf, type Json, Stock, standardNamed, tensor } from './harness.ts';

async function printedLine(printed: readonly string[], words: string): Promise<string> {
  for (;;) {
    const line = printed.find((each) => each.includes(words));
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function client(printed: readonly string[]): Promise<grpc.Client> {
  const [, address = ''] = /for gRPC on ([\d.:]+)/.exec(await printedLine(printed, 'for gRPC on')) ?? [];
  const made = new grpc.Client(address, grpc.credentials.createInsecure());
  onTestFinished(() => made.close());
  return made;
}

test('a stop is told to health first, ends what has begun, and then the process', async () => {
  const { child, printed } = start({ ADJOINT_DRAIN_DELAY_MS: '300' });
  const connection = await client(printed);
  const stock = new Stock(connection);
  const { session } = (await stock.call('CreateSession', { variables: { w: { value: tensor([0]) } } })).session;
  const { path, requestSerialize, responseDeserialize } = definitionOf('Minimize');
  const request = {
    session,
    graph: { text: 'loss = sum((w - 1) ** 2)' },
    optimizer: { name: 'sgd', learning_rate: 1e-3 },
    steps: 20_000,
    progress_interval_ms: 50,
  };
  const stream = connection.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  const messages: Json[] = [];
  stream.on('data', (message) => messages.push(message));
  await once(stream, 'data');
  const { Watch } = standardNamed('grpc.health.v1.Health');
  const health = connection.makeServerStreamRequest<Json, Json>(
    Watch.path,
    Watch.requestSerialize,
    Watch.responseDeserialize,
    { service: '' },
  );
  const said: string[] = [];
  health.on('data', ({ status }) => said.push(status));
  await once(health, 'data');
  child.kill('SIGTERM');
  await once(health, 'data');
  expect(said).toEqual(['SERVING', 'NOT_SERVING']);
  // Until the load balancer has noticed, calls are still taken.
  await expect(stock.call('GetLimits', {})).resolves.toHaveProperty('limits');
  await once(stream, 'end');
  expect(messages.at(-1)).toMatchObject({ step: 20_000, stopped: { reason: 'STOP_REASON_STEPS' } });
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 60_000);

test('off serves no gRPC', async () => {
  const { child, printed } = start({ ADJOINT_GRPC_PORT: 'off' });
  await printedLine(printed, 'listening on http');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(printed.some((line) => line.includes('gRPC'))).toBe(false);
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('a port that is taken ends it with one line that says so', async () => {
  const first = start({});
  const [, port = ''] = /for gRPC on [\d.]+:(\d+)/.exec(await printedLine(first.printed, 'for gRPC on')) ?? [];
  const { child, printed } = start({ ADJOINT_GRPC_PORT: port, ADJOINT_LOG_LEVEL: 'error' });
  expect((await once(child, 'exit'))[0]).toBe(1);
  expect(printed.filter((line) => line.includes('gRPC') && line.includes('EADDRINUSE'))).toHaveLength(1);
});
