/** @file What a method of the API is: a typed request to a typed response, with no transport in sight. */

import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Checkpoint } from '../../engine/backends/backend.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Executable } from '../../engine/runtime/execute.ts';
import type { TypedArray } from '../../engine/types.ts';
import type { Operations } from '../operations/operations.ts';
import type { SessionCopies } from '../sessions/copies.ts';
import type { Hold } from '../sessions/home.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Completion } from '../sessions/store.ts';
import type { Engines } from '../workers/engines.ts';
import type { Compiled, Ran } from './compute.ts';
import type { Deadline } from './deadline.ts';
import type { Graphs } from './graphs/graphs.ts';

/** What every handler knows beside its request. */
interface RequestContext {
  /** Aborts when the client goes away or the deadline passes. */
  readonly signal: AbortSignal;
  /** Ends with `deadline_exceeded` or `cancelled`: for work that gives nobody else the processor. */
  readonly checkpoint: Checkpoint;
  /** Has something done when the reply has been written and nobody looks at the response any more. */
  afterReply(run: () => void): void;
  /** Whom the request belongs to; every stored thing is looked up under it. */
  readonly tenant: string;
  readonly log: Logger;
  readonly engine: Engine;
}

/** What a handler knows that runs where the service listens. */
export interface Context extends RequestContext {
  readonly sessions: Sessions;
  /**
   * Present when the request must not be done twice: the client named it, or it runs as an operation. What it returns
   * for the response goes into the commit that does the request's work; where it is not called, the caller of the method
   * keeps the response itself.
   */
  readonly complete?: ((response: unknown) => Completion) | undefined;
  /** Every bound of the service by name, for clients to read. */
  limits(): Readonly<Record<string, number>>;
  /** The method table. */
  readonly methods: readonly Method[];
  readonly operations: Operations;
  readonly graphs: Graphs;
  readonly engines: Engines;
  /** Whether the caller may see and change what belongs to no tenant. */
  readonly isOperator: boolean;
}

/** What a handler knows that runs where an engine is, which may be another process. */
export interface EngineContext extends RequestContext {
  readonly sessions: SessionCopies;
  /**
   * Has a session that nobody else changes until it is released; `revision` is what is known of it. A commit under it
   * carries the response, so that the request is not done twice.
   */
  hold(session: string, revision: number | undefined): Promise<Hold>;
  /** Lets everybody else have a turn, in the middle of what takes long. */
  turn(): Promise<void>;
  /** What it computes on. */
  readonly device: Computing;
  /** Says that a computation is about to be done; throws where another device is to do it. */
  place?(executable: Executable): void;
  /** Runs a computation, maybe together with others; absent where each is run by itself. */
  execute?(compiled: Compiled, inputs: readonly TypedArray[]): Promise<Ran>;
}

/** What a handler computes on, as replies tell it. */
export interface Computing {
  readonly device: 'cpu' | 'gpu';
  /** The gpu. */
  readonly adapter: { readonly name: string; readonly api: string; readonly software: boolean } | null;
}

/** On what terms a method does a request. */
export interface Terms {
  /** Whom the request belongs to. */
  readonly tenant: string;
  readonly log: Logger;
  readonly deadline: Deadline;
  /** Collects what is to be done when nobody looks at the response, or at the last message, any more. */
  readonly afterwards: (() => void)[];
  /** What the contexts offer as `complete`, or call for the commits of an engine. */
  readonly complete?: ((response: unknown) => Completion) | undefined;
}

/** A worked request that the documentation shows and the tests send. */
export interface Example {
  readonly title: string;
  /** The request as JSON. */
  readonly request: unknown;
}

/** What every row of the method table has. */
interface Row {
  /** The gRPC method name, e.g. `Gradient`. */
  readonly name: string;
  /** One sentence for the documentation. */
  readonly summary: string;
  readonly description?: string;
  readonly verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The REST path, e.g. `/v1/sessions/{session}`; what is in braces is a field of the request. */
  readonly path: string;
  /** An object; its field `version`, where it has one, may also come as `If-Match`. */
  readonly request: z.ZodType;
  /** Of a stream: of each of its messages. */
  readonly response: z.ZodType;
  readonly examples: readonly Example[];
  /** Whether it computes for as long as its request makes it, so that it may be asked for as an operation. */
  readonly computes?: boolean;
  /** Whether it changes what is stored, so that a client may name the request (`Idempotency-Key`) to have it done once. */
  readonly changes?: boolean;
  /** The path of what it made: the reply is 201 with a `Location`. */
  created?(response: any): string;
  /** The path where the work that it began goes on: the reply is 202 with a `Location`. */
  accepted?(response: any): string;
  /** The version of what it answers with, for `ETag` and `If-None-Match`. */
  version?(response: any): number | string;
  /** The media type of the field `content`, bytes that are a whole body over HTTP and a stream of chunks over gRPC. */
  readonly content?: { readonly of: 'request' | 'response'; readonly type: string };
}

/** A row whose handler runs with a context of type `C`. */
interface Unary<C> extends Row {
  handle(request: any, context: C): any;
}

/** Likewise for one that answers with a stream. */
interface Streaming<C> extends Row {
  stream(request: any, context: C): AsyncIterable<any>;
}

/** A method that runs where the service listens. */
export type ServiceMethod<Kind extends 'unary' | 'stream'> = (Kind extends 'unary'
  ? Unary<Context>
  : Streaming<Context>) & {
  readonly engine?: false;
};

/** A method that runs where an engine is. */
export type EngineMethod<Kind extends 'unary' | 'stream' = 'unary' | 'stream'> = (Kind extends 'unary'
  ? Unary<EngineContext>
  : Streaming<EngineContext>) & { readonly engine: true };

/** A method that answers once. */
export type UnaryMethod = ServiceMethod<'unary'> | EngineMethod<'unary'>;

/** A method that answers with messages as they come: Server-Sent Events over HTTP, a server stream over gRPC. */
export type StreamMethod = ServiceMethod<'stream'> | EngineMethod<'stream'>;

/** A row of the method table: both ports serve it from this alone. */
export type Method = UnaryMethod | StreamMethod;

/** Whether a method answers with a stream of messages. */
export function isStream(method: Method): method is StreamMethod {
  return 'stream' in method;
}

/**
 * What a handler returns: the fields of the response schema, with tensors and maps as the engine has them. Ports write
 * them in the encoding the request asks for.
 */
export type Reply<R extends z.ZodType> = { readonly [Field in keyof z.input<R>]: unknown };

/** The fields of a row that say nothing of its handler's types. */
type Plain = Omit<Row, 'request' | 'response'>;

/** A row whose handler has its types inferred from the schemas. */
interface TypedUnary<Q extends z.ZodType, R extends z.ZodType, C> extends Plain {
  readonly request: Q;
  readonly response: R;
  handle(request: z.output<Q>, context: C): Reply<R> | Promise<Reply<R>>;
}

/** Likewise for one that answers with a stream. */
interface TypedStreaming<Q extends z.ZodType, R extends z.ZodType, C> extends Plain {
  readonly request: Q;
  readonly response: R;
  stream(request: z.output<Q>, context: C): AsyncIterable<Reply<R>>;
}

/** A method of the service itself, with its request and response types inferred from its schemas. */
export function method<Q extends z.ZodType, R extends z.ZodType>(
  row: TypedUnary<Q, R, Context>,
): ServiceMethod<'unary'> {
  return row;
}

/** A streaming method of the service itself, with its request and message types inferred from its schemas. */
export function streamMethod<Q extends z.ZodType, R extends z.ZodType>(
  row: TypedStreaming<Q, R, Context>,
): ServiceMethod<'stream'> {
  return row;
}

/** A method that needs an engine, with its request and response types inferred from its schemas. */
export function engineMethod<Q extends z.ZodType, R extends z.ZodType>(
  row: TypedUnary<Q, R, EngineContext>,
): EngineMethod<'unary'> {
  return { ...row, engine: true };
}

/** A streaming method that needs an engine, with its request and message types inferred from its schemas. */
export function engineStreamMethod<Q extends z.ZodType, R extends z.ZodType>(
  row: TypedStreaming<Q, R, EngineContext>,
): EngineMethod<'stream'> {
  return { ...row, engine: true };
}
