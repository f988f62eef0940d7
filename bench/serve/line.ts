/** @file A request that is sent again and again, and a connection for it. */
import { type ServiceError, status } from '@grpc/grpc-js';
import { Connection, type Reply } from '../connection.ts';
import { GrpcConnection } from '../grpc.ts';

/** A request as it goes over the wire. */
export type Request =
  | { readonly transport: 'rest'; readonly url: string; readonly bytes: Buffer }
  | { readonly transport: 'grpc'; readonly address: string; readonly path: string; readonly message: Buffer };

/** What became of a request. Refused is what a server says that has too much to do; it may say when to come again. */
export type Answer =
  | { readonly outcome: 'accepted'; readonly reply: Pick<Reply, 'header' | 'body'> }
  | { readonly outcome: 'refused'; readonly retryAfterSeconds: number | undefined }
  | { readonly outcome: 'failed'; readonly why: string };

/** A connection for one request at a time. */
export interface Line {
  ask(): Promise<Answer>;
  close(): void;
}

/** A new connection for a request. */
export function lineFor(request: Request): Line {
  return request.transport === 'rest' ? restLine(request) : grpcLine(request);
}

function restLine({ url, bytes }: Request & { transport: 'rest' }): Line {
  const connection = new Connection(url);
  return {
    ask: async () => {
      const reply = await connection.exchange(bytes).catch((reason: Error) => reason);
      if (reply instanceof Error) return { outcome: 'failed', why: reply.message };
      if (reply.status >= 200 && reply.status < 300) return { outcome: 'accepted', reply };
      if (reply.status !== 429 && reply.status !== 503)
        return { outcome: 'failed', why: `${reply.status} ${reply.body.toString().slice(0, 300)}` };
      const seconds = reply.header('retry-after');
      return { outcome: 'refused', retryAfterSeconds: seconds === undefined ? undefined : Number(seconds) };
    },
    close: () => connection.close(),
  };
}

function grpcLine({ address, path, message }: Request & { transport: 'grpc' }): Line {
  const connection = new GrpcConnection(address);
  return {
    ask: async () => {
      try {
        const body = await connection.exchange(path, message);
        return { outcome: 'accepted', reply: { header: () => undefined, body } };
      } catch (reason) {
        const { code, message: why } = reason as ServiceError;
        if (code === status.RESOURCE_EXHAUSTED || code === status.UNAVAILABLE)
          return { outcome: 'refused', retryAfterSeconds: undefined };
        return { outcome: 'failed', why };
      }
    },
    close: () => connection.close(),
  };
}
