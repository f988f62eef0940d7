import * as grpc from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { definitionOf } from '../grpc/harness.ts';
import { grpcAddress, type Serving, serve, until } from './service.ts';

/** What never ends and hears nothing: only the end of its process ends it. */
const HANG = { graph: 'y = fault_hang(x)', values: { x: 1 } };

const GRACE = { ADJOINT_GRACE_MS: '200', ADJOINT_GRPC_PORT: '0' };

const ended = ({ printed }: Serving): string[] => printed.filter((line) => line.includes('worker ended'));

/** What gRPC answers to the hanging request; `during` may cancel it. */
async function callOverGrpc(
  service: Serving,
  options: () => grpc.CallOptions,
  during: (call: grpc.ClientUnaryCall) => void = () => {},
): Promise<grpc.status | undefined> {
  const client = new grpc.Client(await grpcAddress(service), grpc.credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = definitionOf('Evaluate');
  const request = {
    graph: { text: HANG.graph },
    values: { x: { dtype: 'DTYPE_FLOAT32', shape: [], data: Buffer.from(Float32Array.of(1).buffer) } },
  };
  const { promise, resolve } = Promise.withResolvers<grpc.status | undefined>();
  const metadata = new grpc.Metadata();
  const call = client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    metadata,
    options(),
    (fault) => resolve(fault?.code),
  );
  during(call);
  const code = await promise;
  client.close();
  return code;
}

test('the deadline of a header, of an option and of gRPC end the worker that does not hear of them', async () => {
  const ways: ((service: Serving) => Promise<unknown>)[] = [
    async (service) => (await service.send('POST', '/v1/evaluate', HANG, { 'x-timeout-ms': '300' })).status,
    async (service) => (await service.send('POST', '/v1/evaluate', { ...HANG, options: { timeout_ms: 300 } })).status,
    (service) => callOverGrpc(service, () => ({ deadline: Date.now() + 300 })),
  ];
  const expected = [504, 504, grpc.status.DEADLINE_EXCEEDED];
  for (const [i, way] of ways.entries()) {
    const service = await serve(GRACE, true);
    expect(await way(service)).toBe(expected[i]);
    await until(() => ended(service).length === 1);
    // A gRPC client cancels the call itself when its deadline has passed.
    expect(ended(service)[0]).toMatch(/took longer than|the client went away/);
    service.child.kill('SIGKILL');
  }
}, 180_000);

test('a client that goes away, and a gRPC call that is cancelled, end the worker that does not hear of them', async () => {
  const ways: ((service: Serving) => Promise<unknown>)[] = [
    async (service) => {
      const away = new AbortController();
      const headers = { 'content-type': 'application/json' };
      const sent = fetch(`${service.url}/v1/evaluate`, {
        method: 'POST',
        headers,
        body: JSON.stringify(HANG),
        signal: away.signal,
      });
      setTimeout(() => away.abort(), 500);
      return sent.then(
        () => 'answered',
        () => 'gone',
      );
    },
    (service) =>
      callOverGrpc(
        service,
        () => ({}),
        (call) => setTimeout(() => call.cancel(), 500),
      ),
  ];
  const expected = ['gone', grpc.status.CANCELLED];
  for (const [i, way] of ways.entries()) {
    const service = await serve(GRACE, true);
    expect(await way(service)).toBe(expected[i]);
    await until(() => ended(service).length === 1);
    expect(ended(service)[0]).toContain('the client went away');
    const next = await service.send('POST', '/v1/evaluate', { graph: 'y = x + 1', values: { x: 1 } });
    expect(next.body.values).toEqual({ y: 2 });
    service.child.kill('SIGKILL');
  }
}, 180_000);
