/** @file What a method of the API is: a typed request to a typed response, with no transport in sight. */

import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Checkpoint } from '../../engine/backends/backend.ts';
import type { Engine } from '../../engine/engine.ts';

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
}

/** A worked request that the documentation shows and the tests send. */
export interface Example {
  readonly title: string;
  /** The request as JSON. */
  readonly request: unknown;
}

/** A row of the method table: both ports serve it from this alone. */
export interface Method<Request = any, Response = any> {
  /** The gRPC method name, e.g. `Gradient`. */
  readonly name: string;
  /** One sentence for the documentation. */
  readonly summary: string;
  readonly description?: string;
  readonly verb: 'GET' | 'POST';
  /** The REST path, e.g. `/v1/gradient`. */
  readonly path: string;
  readonly request: z.ZodType<Request>;
  readonly response: z.ZodType<Response>;
  readonly examples: readonly Example[];
  handle(request: Request, context: Context): Response | Promise<Response>;
}

/**
 * What a handler returns: the fields of the response schema, with tensors and maps as the engine has them. Ports write
 * them in the encoding the request asks for.
 */
export type Reply<R extends z.ZodType> = { readonly [Field in keyof z.input<R>]: unknown };

/** A method with its request and response types inferred from its schemas. */
export function method<Q extends z.ZodType, R extends z.ZodType>(
  row: Omit<Method, 'request' | 'response' | 'handle'> & {
    readonly request: Q;
    readonly response: R;
    handle(request: z.output<Q>, context: Context): Reply<R> | Promise<Reply<R>>;
  },
): Method {
  return row;
}
