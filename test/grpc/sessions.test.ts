/** @file What lasts between calls, over gRPC: streams, chunks, operations, versions, and requests that are done once. */
import { type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { beforeEach, describe, expect, test } from 'vitest';
import { definitionOf, definitions, type Json, type Running, refusalOf, type Stock, start, tensor } from './harness.ts';

let service: Running;
let client: Stock;
beforeEach(async () => {
  service = await start();
  client = service.client({ 'grpc.max_receive_message_length': -1 });
});

async function openSession(variables: Json = {}): Promise<string> {
  return (await client.call('CreateSession', { variables })).session.session;
}

/** The messages of a server stream; throws its error. */
async function all(stream: ClientReadableStream<Json>): Promise<Json[]> {
  const messages: Json[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

function streamOf(name: string, request: Json, metadata = new Metadata()): ClientReadableStream<Json> {
  const { path, requestSerialize, responseDeserialize } = definitionOf(name);
  return client.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
}

function upload(messages: readonly Json[], metadata = new Metadata()): Promise<Json> {
  const { path, requestSerialize, responseDeserialize } = definitionOf('UploadVariables');
  const { promise, resolve, reject } = Promise.withResolvers<Json>();
  const stream = client.client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    metadata,
    (fault, response) => (fault === null ? resolve(response) : reject(fault)),
  );
  for (const message of messages) stream.write(message);
  stream.end();
  return promise;
}

const floats = (data: Uint8Array): number[] => [...new Float32Array(Uint8Array.from(data).buffer)];

describe('variables', () => {
  test('a version that was not seen is refused, and the right one and * are not', async () => {
    const session = await openSession({ w: { value: tensor([1, 2]) } });
    const put = { session, name: 'w', value: tensor([3, 4]) };
    expect((await client.refused('PutVariable', put)).details.ErrorInfo.reason).toBe('version_required');
    const wrong = await client.refused('PutVariable', { ...put, version: '9' });
    expect(wrong).toMatchObject({ status: 'ABORTED', details: { ErrorInfo: { reason: 'version_mismatch' } } });
    const { variable } = await client.call('PutVariable', { ...put, version: '1' });
    expect(variable).toMatchObject({ name: 'w', version: 2, shape: [2], dtype: 'DTYPE_FLOAT32', trainable: true });
    expect((await client.call('AssignAdd', { ...put, version: '*' })).variable.version).toBe(3);
    expect(floats((await client.call('GetVariable', { session, name: 'w' })).value.data)).toEqual([6, 8]);
    expect((await client.refused('PutVariable', { ...put, version: '' })).details.ErrorInfo.reason).toBe(
      'invalid_request',
    );
  });

  test('a request with an idempotency key is done once, and another one of that key is refused', async () => {
    const session = await openSession({ w: { value: tensor([1]) } });
    const metadata = new Metadata();
    metadata.set('idempotency-key', 'k-1');
    const add = { session, name: 'w', value: tensor([1]) };
    const answers = [
      await client.call('AssignAdd', add, { metadata }),
      await client.call('AssignAdd', add, { metadata }),
    ];
    expect(answers[1]).toEqual(answers[0]);
    expect(floats((await client.call('GetVariable', { session, name: 'w' })).value.data)).toEqual([2]);
    const other = await client.refused('AssignAdd', { ...add, value: tensor([2]) }, { metadata });
    expect(other).toMatchObject({
      status: 'FAILED_PRECONDITION',
      details: { ErrorInfo: { reason: 'idempotency_mismatch' } },
    });
    metadata.set('idempotency-key', 'with a space');
    expect((await client.refused('AssignAdd', add, { metadata })).details.ErrorInfo.reason).toBe('invalid_request');
  });

  test('one sent again at once is told to come back', async () => {
    const session = await openSession({ w: { value: tensor([1]) } });
    const metadata = new Metadata();
    metadata.set('idempotency-key', 'k-2');
    const add = { session, name: 'w', value: tensor([1]) };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => client.call('AssignAdd', add, { metadata })),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      const { details } = refusalOf(outcome.reason as ServiceError);
      expect(details.ErrorInfo.reason).toBe('request_in_progress');
      expect(details.RetryInfo.retry_delay.seconds).toBe(1);
    }
    expect(floats((await client.call('GetVariable', { session, name: 'w' })).value.data)).toEqual([2]);
  });

  test('a checkpoint of 12 MiB goes down and up again in chunks, however they are cut', async () => {
    const size = 3 * 2 ** 20;
    const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
    const w = { dtype: 'DTYPE_FLOAT32', shape: [size], data: Buffer.from(data.buffer) };
    const session = await openSession({ w: { value: w }, frozen: { value: tensor([5]), trainable: false } });
    const chunks = await all(streamOf('DownloadVariables', { session }));
    // So that a client with the usual bound of 4 MiB a message can read them.
    for (const { content } of chunks) expect(content.length).toBeLessThanOrEqual(2 ** 20);
    const file = Buffer.concat(chunks.map(({ content }) => content));
    expect(file.length).toBeGreaterThan(12 * 2 ** 20);
    const other = await openSession();
    for (const cut of [file.length, 2 ** 20, 999_983]) {
      const messages = [{ session: other, content: Buffer.alloc(0) }];
      for (let at = 0; at < file.length; at += cut)
        messages.push({ session: '', content: file.subarray(at, at + cut) });
      const { variables } = await upload(messages);
      expect(variables.map(({ name, trainable }: Json) => [name, trainable]).sort()).toEqual([
        ['frozen', false],
        ['w', true],
      ]);
    }
    const { value } = await client.call('GetVariable', { session: other, name: 'w' });
    expect(value.data.equals(w.data)).toBe(true);
    expect((await all(streamOf('DownloadVariables', { session, names: 'frozen' })))[0].content.length).toBeLessThan(
      1000,
    );
  });

  test('an upload without a session, without bytes, with nothing at all, or to no session is refused', async () => {
    const session = await openSession();
    for (const [messages, reason] of [
      [[], 'invalid_request'],
      [[{ content: Buffer.alloc(9) }], 'invalid_request'],
      [[{ session: 'ses_none', content: Buffer.alloc(9) }], 'not_found'],
      [[{ session }], 'invalid_tensor'],
      [[{ session, content: Buffer.from('not safetensors') }], 'invalid_tensor'],
    ] as const) {
      const fault = await upload(messages).catch((error: ServiceError) => refusalOf(error));
      expect(fault.details?.ErrorInfo.reason, JSON.stringify(messages)).toBe(reason);
    }
  });

  test('an upload over the bound of a body ends when it is over, not when it is whole', async () => {
    service = await start({ environment: { ADJOINT_BODY_LIMIT: String(2 ** 20) } });
    client = service.client();
    const session = await openSession();
    const chunk = Buffer.alloc(2 ** 18);
    const fault = await upload(Array.from({ length: 5 }, () => ({ session, content: chunk }))).catch(
      (error: ServiceError) => refusalOf(error),
    );
    expect(fault).toMatchObject({ status: 'RESOURCE_EXHAUSTED', details: { ErrorInfo: { reason: 'body_too_large' } } });
    const exact = await upload(Array.from({ length: 4 }, () => ({ session, content: chunk }))).catch(
      (error: ServiceError) => refusalOf(error),
    );
    expect(exact.details.ErrorInfo.reason).toBe('invalid_tensor');
  });
});

describe('a minimization', () => {
  const request = (session: string, more: Json = {}): Json => ({
    session,
    graph: { text: 'loss = sum((w - 1) ** 2)' },
    optimizer: { name: 'adam', learning_rate: 0.1, params: { beta1: { number: 0.8 } } },
    steps: 5,
    progress_interval_ms: 0,
    ...more,
  });

  test('tells of every step, and the last says why', async () => {
    const session = await openSession({ w: { value: tensor([0, 0]) } });
    const messages = await all(streamOf('Minimize', request(session)));
    expect(messages.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(messages[0].loss).toBe(2);
    expect(messages[4].loss).toBeLessThan(2);
    expect(messages.slice(0, 4).every(({ stopped }) => stopped === null)).toBe(true);
    expect(messages[4].stopped).toEqual({ reason: 'STOP_REASON_STEPS', detail: 'all steps were taken' });
    expect(messages[4].version).toBe(2);
  });

  test('that diverges says so, and keeps the last variables that were finite', async () => {
    const session = await openSession({ w: { value: tensor([3]) } });
    const diverging = request(session, {
      graph: { text: 'loss = sum(w ** 4)' },
      optimizer: { name: 'sgd', learning_rate: 1e6 },
      steps: 50,
    });
    const last = (await all(streamOf('Minimize', diverging))).at(-1);
    expect(last.stopped.reason).toMatch(/^STOP_REASON_NON_FINITE/);
    expect(last.version).toBe(2);
  });

  test('a wrong one is refused in the words of its fields', async () => {
    const session = await openSession({ w: { value: tensor([0]) } });
    const fault = await all(streamOf('Minimize', request(session, { optimizer: { name: 'adma' } }))).catch(
      (error: ServiceError) => refusalOf(error),
    );
    expect(fault).toMatchObject({
      status: 'INVALID_ARGUMENT',
      details: { ErrorInfo: { metadata: { pointer: '/optimizer/name' } } },
    });
    expect((fault as Json).detail).toContain("Did you mean 'adam'?");
  });

  test('that nobody listens to any more stops, and what it has not committed is not kept', async () => {
    const session = await openSession({ w: { value: tensor([0, 0]) } });
    const stream = streamOf('Minimize', request(session, { steps: 1e9, commit_interval_ms: 3_600_000 }));
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('data', resolve));
    stream.cancel();
    // The session's next change would wait for one that is still going on.
    const started = performance.now();
    await client.call('AssignAdd', { session, name: 'w', value: tensor([1, 1]) });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(floats((await client.call('GetVariable', { session, name: 'w' })).value.data)).toEqual([1, 1]);
  });
});

describe('operations', () => {
  const gradient = (): Json => {
    const value = (definitions['adjoint.v1.GradientRequest'] as Json).serialize({
      graph: { text: 'y = x ** 2' },
      values: { x: tensor([3]) },
      sources: { name: 'x' },
    });
    return { method: 'Gradient', request: { type_url: 'type.googleapis.com/adjoint.v1.GradientRequest', value } };
  };

  test('a gradient goes on by itself, and its response is a GradientResponse', async () => {
    const { operation } = await client.call('StartOperation', gradient());
    const messages = await all(streamOf('WatchOperation', { operation: operation.operation }));
    const last = messages.at(-1).operation;
    expect(last).toMatchObject({ method: 'Gradient', state: 'OPERATION_STATE_SUCCEEDED', attempts: 1 });
    expect(last.response.type_url).toBe('type.googleapis.com/adjoint.v1.GradientResponse');
    const response = (definitions['adjoint.v1.GradientResponse'] as Json).deserialize(last.response.value);
    expect(floats(response.gradients.tensor.data)).toEqual([6]);
    const found = await client.call('GetOperation', { operation: operation.operation });
    expect(found.operation.response).toEqual(last.response);
    expect(found.operation.expires_at.seconds).toBeGreaterThan(Date.now() / 1000);
    expect((await client.call('ListOperations', {})).operations.map((each: Json) => each.response)).toEqual([null]);
    await client.call('DeleteOperation', { operation: operation.operation });
    expect((await client.refused('GetOperation', { operation: operation.operation })).status).toBe('NOT_FOUND');
  });

  test('a minimization is told of as it goes on, and cancelled', async () => {
    const session = await openSession({ w: { value: tensor([0]) } });
    const value = (definitions['adjoint.v1.MinimizeRequest'] as Json).serialize({
      session,
      graph: { text: 'loss = sum((w - 1) ** 2)' },
      optimizer: { name: 'sgd', learning_rate: 1e-6 },
      steps: 1e9,
      progress_interval_ms: 0,
    });
    const request = { type_url: 'type.googleapis.com/adjoint.v1.MinimizeRequest', value };
    const { operation } = (await client.call('StartOperation', { method: 'Minimize', request })).operation;
    const stream = streamOf('WatchOperation', { operation });
    let cancelled = false;
    let last: Json;
    for await (const message of stream) {
      last = message.operation;
      if (last.progress?.fields.step === undefined || cancelled) continue;
      cancelled = true;
      await client.call('CancelOperation', { operation });
    }
    expect(cancelled).toBe(true);
    expect(last.state).toBe('OPERATION_STATE_CANCELLED');
  });

  test('one that fails has its error with the place', async () => {
    const { method, request } = gradient();
    const value = (definitions['adjoint.v1.GradientRequest'] as Json).serialize({
      graph: { text: 'y = sofmax(x)' },
      values: { x: tensor([1]) },
      sources: { name: 'x' },
    });
    const { operation } = (await client.call('StartOperation', { method, request: { ...request, value } })).operation;
    const last = (await all(streamOf('WatchOperation', { operation }))).at(-1).operation;
    expect(last).toMatchObject({
      state: 'OPERATION_STATE_FAILED',
      error: {
        code: expect.stringMatching(/^(unknown_op|invalid_text)$/),
        detail: expect.stringContaining("'softmax'"),
      },
    });
  });

  test.each([
    ['the request of another rpc', { method: 'Jvp' }, '/request', "'request' does not hold an adjoint.v1.JvpRequest"],
    ['a method that is none', { method: 'Gradeint' }, '/method', "Did you mean 'Gradient'?"],
    ['a method that computes nothing', { method: 'GetLimits' }, undefined, ''],
    ['no request', { request: undefined }, undefined, ''],
    [
      'bytes that are no message',
      { request: { type_url: 'x/adjoint.v1.GradientRequest', value: Buffer.from([0xff]) } },
      undefined,
      'cannot be read',
    ],
  ])('%s is refused', async (_, change, pointer, detail) => {
    const fault = await client.refused('StartOperation', { ...gradient(), ...change });
    expect(fault.details.ErrorInfo).toMatchObject({ reason: 'invalid_request' });
    if (pointer !== undefined) expect(fault.details.ErrorInfo.metadata.pointer).toBe(pointer);
    expect(fault.detail).toContain(detail);
  });
});
