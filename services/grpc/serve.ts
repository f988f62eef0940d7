/** @file What every method call over gRPC goes through: read, validate, handle under a deadline, write. */
import { type EventEmitter, once } from 'node:events';
import type { DescMethod } from '@bufbuild/protobuf';
import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Engine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { type Deadline, openDeadline, timeoutOf, untilAborted } from '../api/deadline.ts';
import type { Context, Method, UnaryMethod } from '../api/method.ts';
import { validate } from '../api/validate.ts';
import type { Config } from '../config.ts';
import { CHUNK_BYTES } from './bounds.ts';
import { readMessage, writeMessage } from './codec.ts';
import { callerOf } from './guard.ts';
import { statusOf } from './status.ts';
import { decodeMessage, encodeMessage } from './wire.ts';

/** What the gRPC port is made of. */
export interface GrpcOptions {
  readonly engine: Engine;
  readonly config: Config;
  readonly methods: readonly Method[];
  readonly log: Logger;
  /** Every bound of the service, for GetLimits. */
  readonly bounds: Readonly<Record<string, number>>;
}

/** The parts that all kinds of calls have. */
type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>;

/** The handler of an rpc whose method is a row of the table. Messages come and go as bytes. */
export function handlerFor(rpc: DescMethod, method: Method, options: GrpcOptions): UntypedHandleCall {
  const { methodKind } = rpc;
  switch (methodKind) {
    case 'unary': {
      const handle: handleUnaryCall<Buffer, Buffer> = (call, reply) =>
        void answerOnce(call, reply, rpc, options, (job) =>
          answer(method as UnaryMethod, readRequest(rpc, call.request, options), job),
        );
      return handle;
    }
    case 'client_streaming': {
      const handle: handleClientStreamingCall<Buffer, Buffer> = (call, reply) =>
        void answerOnce(call, reply, rpc, options, async (job) =>
          answer(method as UnaryMethod, await joinChunks(rpc, call, options), job),
        );
      return handle;
    }
    case 'server_streaming': {
      const handle: handleServerStreamingCall<Buffer, Buffer> = (call) => void answerStream(call, method, rpc, options);
      return handle;
    }
    case 'bidi_streaming':
      throw new Error(`${rpc.name}: no method takes and gives a stream`);
    default:
      return methodKind satisfies never;
  }
}

/** The life of one call. */
interface Job {
  readonly options: GrpcOptions;
  readonly call: AnyCall;
  readonly log: Logger;
  readonly tenant: string;
  /** What is to be done when the reply is written. */
  readonly afterwards: (() => void)[];
  deadline: Deadline | undefined;
}

function openJob(call: AnyCall, options: GrpcOptions): Job & { readonly requestId: string } {
  const { requestId, tenant } = callerOf(call.metadata);
  const log = options.log.child({ request: requestId });
  return { options, call, log, tenant, requestId, afterwards: [], deadline: undefined };
}

function closeJob(job: Job): void {
  job.deadline?.close();
  for (const run of job.afterwards) run();
}

/** The status of a failed call; what is no fault of the client's is logged. */
function failed(reason: unknown, job: Job & { readonly requestId: string }): ReturnType<typeof statusOf> {
  const error = EngineError.from(reason);
  if (error.code === 'internal') job.log.error({ err: error.cause ?? error }, 'failed');
  return statusOf(error, job.requestId);
}

async function answerOnce(
  call: ServerUnaryCall<Buffer, Buffer> | ServerReadableStream<Buffer, Buffer>,
  reply: sendUnaryData<Buffer>,
  rpc: DescMethod,
  options: GrpcOptions,
  work: (job: Job) => Promise<unknown>,
): Promise<void> {
  const job = openJob(call, options);
  try {
    reply(null, write(rpc, await work(job)));
  } catch (reason) {
    reply(failed(reason, job));
  } finally {
    closeJob(job);
  }
}

/** The response to a request that is read. */
async function answer(method: UnaryMethod, request: unknown, job: Job): Promise<unknown> {
  const { valid, context } = begin(method, request, job);
  return untilAborted(Promise.resolve(method.handle(valid, context)), context.signal);
}

async function answerStream(
  call: ServerWritableStream<Buffer, Buffer>,
  method: Method,
  rpc: DescMethod,
  options: GrpcOptions,
): Promise<void> {
  const job = openJob(call, options);
  try {
    const { valid, context } = begin(method, readRequest(rpc, call.request, options), job);
    const messages = 'stream' in method ? method.stream(valid, context) : chunks(method, valid, context);
    await pump(messages, call, rpc, context.signal);
    call.end();
  } catch (reason) {
    call.emit('error', failed(reason, job));
  } finally {
    closeJob(job);
  }
}

/** Writes messages as fast as the client reads them, until the end of the call. */
async function pump(
  messages: AsyncIterable<unknown>,
  call: ServerWritableStream<Buffer, Buffer>,
  rpc: DescMethod,
  signal: AbortSignal,
): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await untilAborted(iterator.next(), signal);
      if (done === true) return;
      if (!call.write(write(rpc, value))) await untilAborted(once(call, 'drain'), signal);
    }
  } finally {
    // Not awaited: a generator that waits for something ends when that does.
    void iterator.return?.().catch(() => {});
  }
}

/** A response with its `content` cut into chunks; what else it has is in the first message. */
async function* chunks(method: UnaryMethod, valid: unknown, context: Context): AsyncGenerator<unknown> {
  const { content, ...rest } = (await method.handle(valid, context)) as { readonly content: Uint8Array };
  yield { ...rest, content: content.subarray(0, CHUNK_BYTES) };
  for (let at = CHUNK_BYTES; at < content.length; at += CHUNK_BYTES)
    yield { content: content.subarray(at, at + CHUNK_BYTES) };
}

/** The request that comes in chunks: the fields of the first message, and the `content` of all of them. */
async function joinChunks(
  rpc: DescMethod,
  call: ServerReadableStream<Buffer, Buffer>,
  options: GrpcOptions,
): Promise<unknown> {
  const { bodyLimit } = options.config;
  const parts: Uint8Array[] = [];
  let first: object | undefined;
  let size = 0;
  for await (const bytes of call as AsyncIterable<Buffer>) {
    const { content, ...fields } = readRequest(rpc, bytes, options) as { readonly content?: Uint8Array };
    first ??= fields;
    if (content === undefined) continue;
    size += content.length;
    if (size > bodyLimit) throw new EngineError('body_too_large', `the content is over ${bodyLimit} bytes`);
    parts.push(content);
  }
  return { ...first, content: Buffer.concat(parts) };
}

/** Holds a request to its method's schema, and starts its clock. */
function begin(method: Method, request: unknown, job: Job): { readonly valid: unknown; readonly context: Context } {
  const { options, call, afterwards } = job;
  const valid = validate(method, request);
  const { timeout_ms: wish } = (valid as Wishes).options ?? {};
  const deadline = openDeadline(timeoutOf([timeLeft(call), wish], options.config));
  job.deadline = deadline;
  (call as EventEmitter).once('cancelled', deadline.cancel);
  deadline.checkpoint.check();
  const context: Context = {
    signal: deadline.signal,
    checkpoint: deadline.checkpoint,
    afterReply: (run) => afterwards.push(run),
    limits: () => options.bounds,
    tenant: job.tenant,
    log: job.log,
    engine: options.engine,
  };
  return { valid, context };
}

/** What every request may ask of the port, whatever its method. */
interface Wishes {
  readonly options?: { readonly timeout_ms?: number };
}

/** Milliseconds until the deadline that the client set. */
function timeLeft(call: AnyCall): number | undefined {
  const deadline = Number(call.getDeadline());
  if (deadline === Number.POSITIVE_INFINITY) return undefined;
  const left = deadline - Date.now();
  if (left > 0) return left;
  throw new EngineError('deadline_exceeded', 'the deadline of the call had passed before it began');
}

function readRequest({ input }: DescMethod, bytes: Buffer, { config }: GrpcOptions): unknown {
  return readMessage(input, decodeMessage(input, bytes), config.limits);
}

function write({ output }: DescMethod, response: unknown): Buffer {
  return encodeMessage(output, writeMessage(output, response));
}
