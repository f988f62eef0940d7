/** @file What a method of the API is: a typed request to a typed response, with no transport in sight. */

import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Checkpoint } from '../../engine/backends/backend.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Operations } from '../operations/operations.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Completion } from '../sessions/store.ts';
import type { Graphs } from './graphs/graphs.ts';

/** What a handler knows beside its request. */
export interface Context {
  /** Aborts when the client goes away or the deadline passes. */
  readonly signal: AbortSignal;
  /** Ends with `deadline_exceeded` or `cancelled`: for work that gives nobody else the processor. */
  readonly checkpoint: Checkpoint;
  /** Has something done when the reply has been written and nobody looks at the response any more. */
  afterReply(run: () => void): void;
  /** Every bound of the service by name, for clients to read. */
  limits(): Readonly<Record<string, number>>;
  /** Whom the request belongs to; every stored thing is looked up under it. */
  readonly tenant: string;
  readonly log: Logger;
  readonly engine: Engine;
  readonly sessions: Sessions;
  /** The method table. */
  readonly methods: readonly Method[];
  readonly operations: Operations;
  readonly graphs: Graphs;
  /**
   * Present when the request must not be done twice: the client named it, or it runs as an operation. What it returns
   * for the response goes into the commit that does the request's work; where it is not called, the caller of the method
   * keeps the response itself.
   */
  complete?(response: unknown): Completion;
}

/** A worked request that the documentation shows and the tests send. */
export interface Example {
  readonly title: string;
  /** The request as JSON. */
  readonly request: unknown;
}

/** What every row of the method table has. */
interface Row<Request, Response> {
  /** The gRPC method name, e.g. `Gradient`. */
  readonly name: string;
  /** One sentence for the documentation. */
  readonly summary: string;
  readonly description?: string;
  readonly verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The REST path, e.g. `/v1/sessions/{session}`; what is in braces is a field of the request. */
  readonly path: string;
  /** An object; its field `version`, where it has one, may also come as `If-Match`. */
  readonly request: z.ZodType<Request>;
  /** Of a stream: of each of its messages. */
  readonly response: z.ZodType<Response>;
  readonly examples: readonly Example[];
  /** Whether it computes for as long as its request makes it, so that it may be asked for as an operation. */
  readonly computes?: boolean;
  /** Whether it changes what is stored, so that a client may name the request (`Idempotency-Key`) to have it done once. */
  readonly changes?: boolean;
  /** The path of what it made: the reply is 201 with a `Location`. */
  created?(response: Response): string;
  /** The path where the work that it began goes on: the reply is 202 with a `Location`. */
  accepted?(response: Response): string;
  /** The version of what it answers with, for `ETag` and `If-None-Match`. */
  version?(response: Response): number | string;
  /** The media type of the field `content`, bytes that are a whole body over HTTP and a stream of chunks over gRPC. */
  readonly content?: { readonly of: 'request' | 'response'; readonly type: string };
}

/** A method that answers once. */
export interface UnaryMethod<Request = any, Response = any> extends Row<Request, Response> {
  handle(request: Request, context: Context): Response | Promise<Response>;
}

/** A method that answers with messages as they come: Server-Sent Events over HTTP, a server stream over gRPC. */
export interface StreamMethod<Request = any, Response = any> extends Row<Request, Response> {
  stream(request: Request, context: Context): AsyncIterable<Response>;
}

/** Whether a method answers with a stream of messages. */
export function isStream(method: Method): method is StreamMethod {
  return 'stream' in method;
}

/** A row of the method table: both ports serve it from this alone. */
export type Method = UnaryMethod | StreamMethod;

/**
 * What a handler returns: the fields of the response schema, with tensors and maps as the engine has them. Ports write
 * them in the encoding the request asks for.
 */
export type Reply<R extends z.ZodType> = { readonly [Field in keyof z.input<R>]: unknown };

/** A method with its request and response types inferred from its schemas. */
export function method<Q extends z.ZodType, R extends z.ZodType>(
  row: Omit<UnaryMethod, 'request' | 'response' | 'handle'> & {
    readonly request: Q;
    readonly response: R;
    handle(request: z.output<Q>, context: Context): Reply<R> | Promise<Reply<R>>;
  },
): UnaryMethod {
  return row;
}

/** A streaming method with its request and message types inferred from its schemas. */
export function streamMethod<Q extends z.ZodType, R extends z.ZodType>(
  row: Omit<StreamMethod, 'request' | 'response' | 'stream'> & {
    readonly request: Q;
    readonly response: R;
    stream(request: z.output<Q>, context: Context): AsyncIterable<Reply<R>>;
  },
): StreamMethod {
  return row;
}
