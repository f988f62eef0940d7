/** @file What every method call over gRPC goes through: read, validate, call under a deadline, write. */
import { type EventEmitter, once } from 'node:events';
import type { DescMethod } from '@bufbuild/protobuf';
import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  StatusObject,
  sendUnaryData,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import { EngineError } from '../../engine/errors.ts';
import { admit, type Caller, call as callMethod, type Service, stream } from '../api/call.ts';
import { openDeadline, timeoutOf, untilAborted } from '../api/deadline.ts';
import { readKey } from '../api/idempotency.ts';
import { isStream, type Method, type UnaryMethod } from '../api/method.ts';
import { validate } from '../api/validate.ts';
import { readMessage, writeMessage } from './codec.ts';
import { encodeMessage } from './encode.ts';
import { callerOf } from './guard.ts';
import { statusOf } from './status.ts';
import { decodeMessage } from './wire.ts';

/** Calls whose one answer is given to a callback. */
type OnceCall = ServerUnaryCall<Buffer, Buffer> | ServerReadableStream<Buffer, Buffer>;

type AnyCall = OnceCall | ServerWritableStream<Buffer, Buffer>;

/** The handler of an rpc whose method is a row of the table. Messages come and go as bytes. */
export function handlerFor(rpc: DescMethod, method: Method, service: Service): UntypedHandleCall {
  const { methodKind } = rpc;
  const read = (bytes: Buffer, job: Job): unknown => readRequest(rpc, job.take(bytes, method), service);
  switch (methodKind) {
    case 'unary': {
      const handle: handleUnaryCall<Buffer, Buffer> = (call, reply) =>
        void answerOnce(call, reply, rpc, method as UnaryMethod, service, (job) => read(call.request, job));
      return handle;
    }
    case 'client_streaming': {
      const handle: handleClientStreamingCall<Buffer, Buffer> = (call, reply) =>
        void answerOnce(call, reply, rpc, method as UnaryMethod, service, (job) =>
          joinChunks(call, (bytes) => read(bytes, job), service),
        );
      return handle;
    }
    case 'server_streaming': {
      const handle: handleServerStreamingCall<Buffer, Buffer> = (call) =>
        void answerStream(call, rpc, method, service, (job) => read(call.request, job));
      return handle;
    }
    case 'bidi_streaming':
      throw new Error(`${rpc.name}: no method takes and gives a stream`);
    default:
      return methodKind satisfies never;
  }
}

async function answerOnce(
  call: OnceCall,
  reply: sendUnaryData<Buffer>,
  rpc: DescMethod,
  method: UnaryMethod,
  service: Service,
  read: (job: Job) => unknown,
): Promise<void> {
  const job = new Job(call, service);
  try {
    const request = validate(method, await read(job));
    const { response, release } = await callMethod(service, method, request, job.begin(method, request));
    try {
      reply(null, write(rpc, response));
    } finally {
      release();
    }
  } catch (reason) {
    reply(job.failed(reason));
  } finally {
    job.close();
  }
}

async function answerStream(
  call: ServerWritableStream<Buffer, Buffer>,
  rpc: DescMethod,
  method: Method,
  service: Service,
  read: (job: Job) => unknown,
): Promise<void> {
  const job = new Job(call, service);
  try {
    const request = validate(method, read(job));
    const caller = job.begin(method, request);
    const messages = isStream(method)
      ? stream(service, method, request, caller)
      : chunks(method, request, caller, service);
    for await (const message of messages)
      if (!call.write(write(rpc, message))) await untilAborted(once(call, 'drain'), caller.deadline.signal);
    call.end();
  } catch (reason) {
    call.emit('error', job.failed(reason));
  } finally {
    job.close();
  }
}

/** What a call is from its first byte to its status. */
class Job {
  readonly #call: AnyCall;
  readonly #service: Service;
  readonly #requestId: string;
  #caller: Caller | undefined;
  /** Gives back what its messages took of the budget. */
  readonly #taken: (() => void)[] = [];

  constructor(call: AnyCall, service: Service) {
    this.#call = call;
    this.#service = service;
    this.#requestId = callerOf(call.metadata).requestId;
  }

  /** Counts a message that has come; throws where it need not be read, for it or too many bytes would be refused. */
  take(bytes: Buffer, method: Method): Buffer {
    admit(this.#service, method, callerOf(this.#call.metadata).tenant, bytes.length);
    this.#taken.push(this.#service.budget.take(bytes.length));
    return bytes;
  }

  /** Starts the clock: what the client asked for is known. */
  begin(method: Method, request: unknown): Caller {
    const { config, log } = this.#service;
    const [sent] = method.changes === true ? this.#call.metadata.get('idempotency-key') : [];
    const key = sent === undefined ? undefined : readKey(sent);
    const asked = [timeLeft(this.#call), (request as Wishes).options?.timeout_ms];
    const otherwise = isStream(method) ? config.maxTimeout : config.timeout;
    const deadline = openDeadline(timeoutOf(asked, otherwise, config.maxTimeout));
    (this.#call as EventEmitter).once('cancelled', () => deadline.end(gone()));
    if (this.#call.cancelled) deadline.end(gone());
    this.#caller = {
      tenant: callerOf(this.#call.metadata).tenant,
      log: log.child({ request: this.#requestId }),
      key,
      deadline,
    };
    return this.#caller;
  }

  /** The status of a call that failed; a fault of ours is logged. */
  failed(reason: unknown): StatusObject {
    const error = isCutOff(reason) ? gone() : EngineError.from(reason);
    if (error.code === 'internal')
      this.#service.log.error({ request: this.#requestId, err: error.cause ?? error }, 'failed');
    return statusOf(error, this.#requestId);
  }

  close(): void {
    for (const give of this.#taken) give();
    this.#caller?.deadline.close();
  }
}

/** Whether a stream of requests ended before its end. */
function isCutOff(reason: unknown): boolean {
  return (reason as { readonly code?: unknown } | undefined)?.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function gone(): EngineError {
  return new EngineError('cancelled', 'the client went away');
}

/** What a request may ask of the port, whatever its method. */
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

/** Bytes of `content` in one message of a response that comes in chunks. */
const CHUNK_BYTES = 2 ** 20;

/** A response with its `content` cut into chunks; what else it has is in the first message. */
async function* chunks(
  method: UnaryMethod,
  request: unknown,
  caller: Caller,
  service: Service,
): AsyncGenerator<unknown> {
  const { response, release } = await callMethod(service, method, request, caller);
  try {
    const { content, ...rest } = response as { readonly content: Uint8Array };
    yield { ...rest, content: content.subarray(0, CHUNK_BYTES) };
    for (let at = CHUNK_BYTES; at < content.length; at += CHUNK_BYTES)
      yield { content: content.subarray(at, at + CHUNK_BYTES) };
  } finally {
    release();
  }
}

/** The request that comes in chunks: the fields of the first message, and the `content` of all of them. */
async function joinChunks(
  call: ServerReadableStream<Buffer, Buffer>,
  read: (bytes: Buffer) => unknown,
  { config: { bodyLimit } }: Service,
): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let first: object | undefined;
  let size = 0;
  for await (const bytes of call as AsyncIterable<Buffer>) {
    const { content, ...fields } = read(bytes) as { readonly content?: Uint8Array };
    first ??= fields;
    if (content === undefined) continue;
    size += content.length;
    if (size > bodyLimit) throw new EngineError('body_too_large', `the content is over ${bodyLimit} bytes`);
    parts.push(content);
  }
  // A stream that was reset may end like one that is whole.
  if (call.cancelled) throw gone();
  return { ...first, content: Buffer.concat(parts) };
}

function readRequest({ input }: DescMethod, bytes: Buffer, { config }: Service): unknown {
  return readMessage(input, decodeMessage(input, bytes), config.limits);
}

function write({ output }: DescMethod, response: unknown): Buffer {
  return encodeMessage(output, writeMessage(output, response));
}
