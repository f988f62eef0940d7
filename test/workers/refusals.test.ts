import { Agent, request } from 'node:http';
import * as grpc from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { definitionOf, refusalOf } from '../grpc/harness.ts';
import { grpcAddress, type Json, type Reply, type Serving, serve, until } from './service.ts';

/** What never ends: it holds its worker for as long as the service runs. */
const HANG = { graph: 'y = fault_hang(x)', values: { x: 1 } };

const TINY = { graph: 'y = x + 1', values: { x: 1 } };

const BODY_LIMIT = 2 ** 20;

/** What can be read and is too long to be tiny, and what cannot be read and is as long. */
const LONG = JSON.stringify(TINY).padEnd(8192);
const GARBAGE = Buffer.alloc(8192, 0xff);

/** Two tenants, and one worker for both. */
const SCARCE = {
  ADJOINT_WORKERS: '1',
  ADJOINT_SPARE_WORKERS: '0',
  ADJOINT_QUEUE: '2',
  ADJOINT_API_KEYS: 'greedy:greedy-key-of-the-tests,modest:modest-key-of-the-tests',
  ADJOINT_TIMEOUT_MS: '300000',
  ADJOINT_BODY_LIMIT: String(BODY_LIMIT),
  ADJOINT_IN_FLIGHT_BYTES: String(BODY_LIMIT),
};

type Tenant = 'greedy' | 'modest';

const authorization = (tenant: Tenant): string => `Bearer ${tenant}-key-of-the-tests`;

/** A tenant's one connection, for one request at a time. */
class Line {
  readonly #url: string;
  readonly #tenant: Tenant;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** Whether the last request went over the connection of the one before. */
  isKept = false;

  constructor(service: Serving, tenant: Tenant) {
    this.#url = service.url;
    this.#tenant = tenant;
    onTestFinished(() => this.#agent.destroy());
  }

  async send(verb: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}): Promise<Reply> {
    const type = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const sent = request(this.#url + path, {
      method: verb,
      agent: this.#agent,
      headers: { authorization: authorization(this.#tenant), ...type, ...headers },
    });
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    sent.on('error', reject);
    sent.on('response', (reply) => {
      this.isKept = sent.reusedSocket;
      let text = '';
      reply.on('data', (piece: Buffer) => (text += piece.toString()));
      reply.on('end', () =>
        resolve({
          status: reply.statusCode as number,
          headers: new Headers(reply.headers as Record<string, string>),
          body: JSON.parse(text),
        }),
      );
    });
    sent.end(body);
    return promise;
  }
}

/** Has a tenant send what never ends until it is refused: then the queue is full, and stays so. */
async function fill(service: Serving, tenant: Tenant): Promise<Reply> {
  const sent = Array.from({ length: 4 }, () =>
    service.send('POST', '/v1/evaluate', HANG, { authorization: authorization(tenant) }),
  );
  // Those that wait are cut off when the service is.
  for (const each of sent) each.catch(() => {});
  return Promise.race(sent);
}

/** All of a refusal but its request's id. */
function refusal({ status, headers, body }: Reply): Json {
  const { instance, ...problem } = body;
  return { status, retryAfter: headers.get('retry-after'), ...problem };
}

test('who would be refused in any case is refused before the body is read, in the same words as after', async () => {
  const service = await serve(SCARCE, true);
  const read = await fill(service, 'greedy');
  expect(refusal(read)).toMatchObject({ status: 503, code: 'overloaded', retryAfter: String(read.body.retry_after) });
  const greedy = new Line(service, 'greedy');
  for (const body of [GARBAGE, Buffer.alloc(BODY_LIMIT, 0xff)]) {
    expect(refusal(await greedy.send('POST', '/v1/evaluate', body))).toEqual(refusal(read));
    expect((await greedy.send('GET', '/v1/limits')).status).toBe(200);
    expect(greedy.isKept).toBe(true);
  }
  const huge = { 'content-length': String(2 ** 40) };
  expect(refusal(await new Line(service, 'greedy').send('POST', '/v1/evaluate', '', huge))).toEqual(refusal(read));
  expect((await greedy.send('POST', '/v1/evaluate', LONG, { prefer: 'respond-async' })).status).toBe(202);

  const modest = new Line(service, 'modest');
  expect((await modest.send('POST', '/v1/evaluate', GARBAGE)).body.code).toBe('invalid_json');
  void new Line(service, 'modest').send('POST', '/v1/evaluate', JSON.stringify(HANG)).catch(() => {});
  // One each: now neither may push the other out.
  await until(async () => (await modest.send('POST', '/v1/evaluate', GARBAGE)).status === 429);
  const limited = await greedy.send('POST', '/v1/evaluate', GARBAGE);
  expect(refusal(limited)).toMatchObject({ status: 429, code: 'rate_limited' });
  expect(refusal(limited)).toEqual(refusal(await greedy.send('POST', '/v1/evaluate', JSON.stringify(HANG))));

  // What the refused bodies took of the bytes in flight would leave no room for this one.
  const session = await greedy.send('POST', '/v1/sessions', '{}'.padEnd(BODY_LIMIT - 2 ** 14));
  expect(session.status).toBe(201);
}, 60_000);

test('what is tiny is answered though the queue is full', async () => {
  const service = await serve({ ...SCARCE, ADJOINT_INLINE_FLOPS: '50000' }, true);
  const line = new Line(service, 'greedy');
  const evaluate = (body: string): Promise<Reply> => line.send('POST', '/v1/evaluate', body);
  // The engine of the process that serves compiles it anew.
  let compiled = 0;
  await until(async () => {
    const { body } = await evaluate(JSON.stringify(TINY));
    if (body.meta.cached === false) compiled++;
    return compiled === 2;
  });
  const read = await fill(service, 'greedy');
  expect((await evaluate(JSON.stringify(TINY))).body.values).toEqual({ y: 2 });
  expect((await evaluate('no JSON')).body.code).toBe('invalid_json');
  expect(refusal(await evaluate(LONG))).toEqual(refusal(read));
}, 60_000);

test('over gRPC, who would be refused in any case is refused before the message is decoded', async () => {
  const service = await serve({ ...SCARCE, ADJOINT_GRPC_PORT: '0' }, true);
  const { body } = await fill(service, 'greedy');
  const client = new grpc.Client(await grpcAddress(service), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const ask = (rpc: string, message: Buffer, tenant: Tenant): Promise<grpc.ServiceError | null> => {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', authorization(tenant));
    const { promise, resolve } = Promise.withResolvers<grpc.ServiceError | null>();
    const same = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(definitionOf(rpc).path, same, same, message, metadata, (fault) => resolve(fault));
    return promise;
  };
  const refused = refusalOf((await ask('Evaluate', GARBAGE, 'greedy')) as grpc.ServiceError);
  expect(refused).toMatchObject({ status: 'UNAVAILABLE', detail: body.detail });
  expect(refused.details.RetryInfo.retry_delay.seconds).toBe(body.retry_after);
  const unread = refusalOf((await ask('Evaluate', GARBAGE, 'modest')) as grpc.ServiceError);
  expect(unread.status).toBe('INVALID_ARGUMENT');
  expect(await ask('GetLimits', Buffer.alloc(0), 'greedy')).toBeNull();
}, 60_000);
