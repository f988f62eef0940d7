/** @file What every method call over HTTP goes through: read, validate, call under a deadline, write. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { EngineError } from '../../engine/errors.ts';
import type { TextEncoding } from '../../engine/formats/tensor.ts';
import { type Answer, admit, call, type Service, stream } from '../api/call.ts';
import { type Deadline, openDeadline, timeoutOf } from '../api/deadline.ts';
import { readKey } from '../api/idempotency.ts';
import { isStream, type Method } from '../api/method.ts';
import { startOperation } from '../api/operations/start-operation.ts';
import { validate } from '../api/validate.ts';
import { sendEvents } from './events.ts';
import { prefersAsync } from './prefer.ts';
import { problemFor } from './problem.ts';
import { type Intake, readRequest, readTimeout } from './read.ts';
import type { Encoding } from './serialize.ts';
import { send } from './write.ts';

/** What a request may ask of the port, whatever its method. */
interface Wishes {
  readonly options?: { readonly encoding?: Encoding; readonly timeout_ms?: number };
  /** Where all fields come from the query. */
  readonly encoding?: Encoding;
}

/** Throws where a request would be refused whatever its body says, which has not been read yet. */
export function admitRequest(method: Method, request: FastifyRequest, service: Service): void {
  if (startsOperation(method, request)) return;
  // A body that does not say how long it is may be long.
  admit(service, method, request.tenant, Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY));
}

/** One request through the pipeline; what is thrown on the way is the error handler's. */
export function serve(
  method: Method,
  intake: Intake,
  request: FastifyRequest,
  reply: FastifyReply,
  service: Service,
): FastifyReply | Promise<FastifyReply> {
  const fields = readRequest(request, intake, service.config);
  const valid = validate(method, fields);
  if (!startsOperation(method, request)) return answer(method, valid, request, reply, service);
  return answer(startOperation, { method: method.name, request: fields }, request, reply, service);
}

/** Whether a request is only begun, and goes on without its client. */
function startsOperation(method: Method, { headers }: FastifyRequest): boolean {
  return method.computes === true && prefersAsync(headers.prefer);
}

function answer(
  method: Method,
  valid: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  service: Service,
): FastifyReply | Promise<FastifyReply> {
  const { config } = service;
  const { headers } = request;
  const key = method.changes === true ? headers['idempotency-key'] : undefined;
  const { options, encoding = options?.encoding ?? 'nested' } = valid as Wishes;
  if (isStream(method) && encoding === 'binary')
    throw new EngineError('invalid_request', "a stream is text and has no encoding 'binary'");
  const asked = [readTimeout(headers['x-timeout-ms'], config.maxTimeout), options?.timeout_ms];
  const caller = {
    tenant: request.tenant,
    log: request.log as Logger,
    key: key === undefined ? undefined : readKey(key),
    deadline: openDeadline(timeoutOf(asked, isStream(method) ? config.maxTimeout : config.timeout, config.maxTimeout)),
  };
  const close = endWithClient(reply, caller.deadline);
  if (isStream(method)) {
    reply.raw.once('close', close);
    const messages = stream(service, method, valid, caller);
    const problem = (reason: unknown) => problemFor(reason, request, config);
    return sendEvents(reply, messages, {
      encoding: encoding as TextEncoding,
      heartbeat: config.heartbeat,
      signal: caller.deadline.signal,
      problem,
    });
  }
  const answerWith = (answered: Answer): FastifyReply => send(request, reply, method, answered, encoding);
  let answered: Answer | Promise<Answer>;
  try {
    answered = call(service, method, valid, caller);
  } catch (reason) {
    close();
    throw reason;
  }
  if (answered instanceof Promise) return answered.then(answerWith).finally(close);
  close();
  return answerWith(answered);
}

/** Ends the request when its client goes away; what is returned stops the clock and the watch. */
function endWithClient({ raw }: FastifyReply, deadline: Deadline): () => void {
  const gone = (): void => {
    if (!raw.writableFinished) deadline.end(new EngineError('cancelled', 'the client went away'));
  };
  raw.once('close', gone);
  return () => {
    deadline.close();
    raw.off('close', gone);
  };
}
