/** @file The standard reflection service: what tools such as grpcurl learn the services and messages from. */
import { once } from 'node:events';
import { create, type DescFile, type Message, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { encodeMessage } from './encode.ts';
import { messageNamed, REGISTRY } from './schema.ts';
import { decodeMessage } from './wire.ts';

const REQUEST = messageNamed('grpc.reflection.v1.ServerReflectionRequest');
const RESPONSE = messageNamed('grpc.reflection.v1.ServerReflectionResponse');

/** The paths of the service: tools still ask for the old name, whose messages have the same bytes. */
export const REFLECTION_PATHS = ['v1', 'v1alpha'].map(
  (version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
);

/** What is asked for: a oneof, as protobuf-es has it. */
interface Question extends Message {
  readonly messageRequest: { readonly case: string | undefined; readonly value?: unknown };
}

/** The handler of a reflection stream, for services of these names. */
export function reflect(services: readonly string[]): (call: ServerDuplexStream<Buffer, Buffer>) => void {
  return (call) => void converse(call, services);
}

/** Answers one question after the other: an answer is a thousand times as long, so none is asked for unread. */
async function converse(call: ServerDuplexStream<Buffer, Buffer>, services: readonly string[]): Promise<void> {
  try {
    // The end of the questions is not the end of the answers.
    const questions = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const bytes of questions) {
      const originalRequest = decodeMessage(REQUEST, bytes) as Question;
      const messageResponse = answer(originalRequest, services);
      const said = create(RESPONSE, { originalRequest, messageResponse } as never);
      if (!call.write(encodeMessage(RESPONSE, said)))
        await Promise.race([once(call, 'drain'), once(call, 'cancelled')]);
    }
    call.end();
  } catch {
    // Of a call that is gone this is heard by nobody.
    call.emit('error', { code: status.INVALID_ARGUMENT, details: 'the request is not a ServerReflectionRequest' });
  }
}

function answer({ messageRequest: { case: kind, value } }: Question, services: readonly string[]): object {
  switch (kind) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return files(REGISTRY.getFile(value as string));
    case 'fileContainingSymbol':
      return files(fileOf(value as string));
    default:
      return refusal(status.UNIMPLEMENTED, 'there are no extensions');
  }
}

/** The file that a service, method, message, enum or field is in. */
function fileOf(symbol: string): DescFile | undefined {
  const found = REGISTRY.get(symbol) ?? REGISTRY.get(symbol.slice(0, symbol.lastIndexOf('.')));
  return found?.file;
}

/** A file with all that it imports, so that one answer is enough. */
function files(file: DescFile | undefined): object {
  if (file === undefined) return refusal(status.NOT_FOUND, 'there is no such file or symbol');
  const all = new Set<DescFile>();
  const add = (each: DescFile): void => {
    if (all.has(each)) return;
    all.add(each);
    each.dependencies.forEach(add);
  };
  add(file);
  const fileDescriptorProto = [...all].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function refusal(errorCode: number, errorMessage: string): object {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
