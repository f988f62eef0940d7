/** @file The load generator of the benchmarks counts what a server does, against servers that do as they are told. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { requestBytes } from '../../bench/connection.ts';
import { Generator } from '../../bench/serve/generator.ts';
import type { Request } from '../../bench/serve/line.ts';

let generator: Generator;
beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator[Symbol.dispose]());

/** A request to a new server. */
async function requestTo(listener: RequestListener): Promise<Request> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { transport: 'rest', url, bytes: requestBytes('POST', `${url}/`, 'x'.repeat(100_000)) };
}

/** Replies of these statuses in turn. */
function inTurn(...statuses: number[]): RequestListener & { replies: number } {
  const listener: RequestListener & { replies: number } = (request, reply) => {
    request.resume().on('end', () => {
      const status = statuses[listener.replies++ % statuses.length] as number;
      if (status === 429) reply.setHeader('retry-after', 0);
      reply.writeHead(status, { 'content-length': 2 }).end('no');
    });
  };
  listener.replies = 0;
  return listener;
}

test('a closed loop: every request is accepted, refused and told when to come again, or refused and not told', async () => {
  const listener = inTurn(200, 200, 429, 503);
  const request = await requestTo(listener);
  const [outcome] = await generator.send({ loop: 'closed', request, connections: 3, seconds: 0.5 });
  const { accepted, refused, deferred, failed, unsent } = outcome;
  const turns = Math.floor(listener.replies / 4);
  expect(listener.replies).toBeGreaterThan(4);
  expect(accepted + refused).toBe(listener.replies);
  expect(accepted - 2 * turns).toBeOneOf([0, 1, 2]);
  expect(deferred - turns).toBeOneOf([0, 1]);
  expect([failed, unsent]).toEqual([0, 0]);
  expect(outcome.ms.p50).toBeGreaterThan(0);
  expect(outcome.ms.p99).toBeGreaterThanOrEqual(outcome.ms.p50);
});

test('an open loop: what is due is sent, or counted as not sent when no connection is free', async () => {
  const fast = inTurn(200, 429);
  let held = 0;
  const slow: RequestListener = (request, reply) => {
    held++;
    request.resume().on('end', () => setTimeout(() => reply.writeHead(200, { 'content-length': 0 }).end(), 300));
  };
  const streams = [
    { request: await requestTo(fast), perSecond: 100, connections: 10 },
    { request: await requestTo(slow), perSecond: 100, connections: 2 },
  ];
  const [first, second] = await generator.send({ loop: 'open', streams, seconds: 0.5 });
  expect(first.accepted + first.refused).toBe(fast.replies);
  expect(first.accepted + first.refused + first.unsent).toBe(50);
  expect(second?.accepted).toBe(held);
  expect(held + (second?.unsent as number)).toBe(50);
  expect(second?.unsent).toBeGreaterThan(0);
});

test('any other status is a failure, and so is a connection that breaks', async () => {
  const send = async (listener: RequestListener) =>
    (await generator.send({ loop: 'closed', request: await requestTo(listener), connections: 2, seconds: 0.2 }))[0];
  expect(await send(inTurn(400))).toMatchObject({ accepted: 0, failed: 2, why: '400 no' });
  const broken = await send((request) => void request.socket.destroy());
  expect(broken).toMatchObject({ accepted: 0, failed: 2 });
});
