/** @file gRPC over one connection, with messages that are written and read apart from the calls. */
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Tensor } from '../engine/types.ts';
import { bytesOf } from './connection.ts';

const definitions = loadSync(['adjoint/v1/autodiff_service.proto', 'adjoint/v1/tape_service.proto'], {
  includeDirs: [fileURLToPath(new URL('../proto', import.meta.url))],
  keepCase: true,
  longs: Number,
  enums: String,
});

/** A method of the service: its path, and how its messages are written and read. */
export type GrpcMethod = grpc.MethodDefinition<object, object>;

/** A method by its name. */
export function grpcMethod(service: 'AutodiffService' | 'TapeService', name: string): GrpcMethod {
  return (definitions[`adjoint.v1.${service}`] as grpc.ServiceDefinition)[name] as GrpcMethod;
}

/** One kept connection. */
export class GrpcConnection {
  readonly #client: grpc.Client;

  constructor(address: string) {
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      // Otherwise all clients of a process share one.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Sends a message and waits for the one that answers; throws a `grpc.ServiceError`. */
  exchange(path: string, message: Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#client.makeUnaryRequest(path, asItIs, asItIs, message, (fault, reply) =>
      fault === null ? resolve(reply as Buffer) : reject(fault),
    );
    return promise;
  }

  close(): void {
    this.#client.close();
  }
}

/** A tensor as a message. */
export function grpcTensor({ type: { dtype, shape }, data }: Tensor): object {
  return { dtype: `DTYPE_${dtype.toUpperCase()}`, shape, data: bytesOf(data) };
}

/** Names as the message of a request's sources. */
export function grpcNames(names: readonly string[]): object {
  return { list: { items: names.map((name) => ({ name })) } };
}

function asItIs(message: Buffer): Buffer {
  return message;
}
