/** @file The standard services that come with the port: health and reflection, asked as their tools ask. */
import { once } from 'node:events';
import { type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { REFLECTION_PATHS } from '../../services/grpc/reflection.ts';
import { SERVICES } from '../../services/grpc/schema.ts';
import { type Json, type Running, standardNamed, start } from './harness.ts';

const HEALTH = standardNamed('grpc.health.v1.Health');
const REFLECTION = standardNamed('grpc.reflection.v1.ServerReflection');

function raw({ address }: Running): grpc.Client {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

function check(client: grpc.Client, service: string): Promise<Json> {
  const { path, requestSerialize, responseDeserialize } = HEALTH.Check;
  const { promise, resolve, reject } = Promise.withResolvers<Json>();
  client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (fault, reply) =>
    fault === null ? resolve(reply) : reject(fault),
  );
  return promise;
}

function watch(client: grpc.Client, service: string): { stream: grpc.ClientReadableStream<Json>; said: string[] } {
  const { path, requestSerialize, responseDeserialize } = HEALTH.Watch;
  const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  const said: string[] = [];
  stream.on('data', ({ status }: Json) => said.push(status));
  stream.on('error', () => {});
  return { stream, said };
}

describe('health', () => {
  test('each service and all of them serve, and one that is not ours is not found', async () => {
    const client = raw(await start());
    for (const name of ['', ...SERVICES.map(({ typeName }) => typeName)])
      expect(await check(client, name)).toEqual({ status: 'SERVING' });
    await expect(check(client, 'adjoint.v1.NoService')).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
  });

  test('nobody needs a key to ask', async () => {
    const client = raw(await start({ environment: { ADJOINT_API_KEYS: 'one:a-key-of-more-than-16' } }));
    expect(await check(client, '')).toEqual({ status: 'SERVING' });
  });

  test('while the port drains it does not serve, watchers are told so, and calls are answered still', async () => {
    const service = await start();
    const client = raw(service);
    const ours = watch(client, 'adjoint.v1.AutodiffService');
    const unknown = watch(client, 'adjoint.v1.NoService');
    await Promise.all([once(ours.stream, 'data'), once(unknown.stream, 'data')]);
    const changed = once(ours.stream, 'data');
    service.server.drain();
    await changed;
    expect(await check(client, '')).toEqual({ status: 'NOT_SERVING' });
    expect(ours.said).toEqual(['SERVING', 'NOT_SERVING']);
    expect(unknown.said).toEqual(['SERVICE_UNKNOWN']);
    await expect(service.client().call('GetLimits', {})).resolves.toHaveProperty('limits');
    const ended = once(ours.stream, 'end');
    const started = performance.now();
    await service.server.close(60_000);
    await ended;
    // Those who watch do not hold up the stop.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe.each(REFLECTION_PATHS)('reflection at %s', (path) => {
  async function ask(client: grpc.Client, questions: readonly Json[]): Promise<Json[]> {
    const { requestSerialize, responseDeserialize } = REFLECTION.ServerReflectionInfo;
    const stream = client.makeBidiStreamRequest<Json, Json>(path, requestSerialize, responseDeserialize);
    for (const question of questions) stream.write(question);
    stream.end();
    const answers: Json[] = [];
    for await (const answer of stream) answers.push(answer);
    return answers;
  }

  test('lists the services, and describes each with all that it needs', async () => {
    const client = raw(await start());
    const [{ list_services_response: list, original_request: original }] = (await ask(client, [
      { list_services: '' },
    ])) as [Json];
    const names = list.service.map(({ name }: Json) => name);
    expect(names).toEqual([...SERVICES.map(({ typeName }) => typeName), 'grpc.health.v1.Health']);
    expect(original).toEqual({ list_services: '', message_request: 'list_services' });
    const answers = await ask(
      client,
      names.map((name: string) => ({ file_containing_symbol: name })),
    );
    for (const [i, answer] of answers.entries()) {
      const files = answer.file_descriptor_response.file_descriptor_proto.map((bytes: Buffer) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      const known = new Set(files.map((file: Json) => file.name));
      for (const file of files) for (const needed of file.dependency) expect(known).toContain(needed);
      expect(files[0].service.map((each: Json) => `${files[0].package}.${each.name}`)).toContain(names[i]);
    }
  });

  test('finds files by name, and messages, enums, rpcs and fields by theirs', async () => {
    const client = raw(await start());
    const message = SERVICES[0]?.methods[0]?.input as DescMessage;
    const symbols = [
      message.typeName,
      `${message.typeName}.graph`,
      'adjoint.v1.Dtype',
      'adjoint.v1.AutodiffService.Evaluate',
    ];
    const answers = await ask(client, [
      { file_by_filename: 'adjoint/v1/graph.proto' },
      ...symbols.map((symbol) => ({ file_containing_symbol: symbol })),
    ]);
    for (const answer of answers) expect(answer.message_response).toBe('file_descriptor_response');
  });

  test('what is not there is an error of the answer, not of the stream', async () => {
    const client = raw(await start());
    const answers = await ask(client, [
      { file_by_filename: '../../../etc/passwd' },
      { file_containing_symbol: '__proto__' },
      { file_containing_extension: { containing_type: 'adjoint.v1.Tensor', extension_number: 1 } },
      { list_services: '' },
    ]);
    expect(answers.map(({ error_response: error }) => error?.error_code)).toEqual([5, 5, 12, undefined]);
  });
});
