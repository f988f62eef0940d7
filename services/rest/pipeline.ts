/** @file What every method call over HTTP goes through: read, validate, handle under a deadline, write. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { EngineError } from '../../engine/errors.ts';
import { TEXT_LIMITS } from '../../engine/formats/tensor.ts';
import { type Deadline, openDeadline, timeoutOf, untilAborted } from '../api/deadline.ts';
import type { Context, Method, UnaryMethod } from '../api/method.ts';
import { validate } from '../api/validate.ts';
import type { Config } from '../config.ts';
import type { AppOptions } from './app.ts';
import { JSON_LENGTH_HEADER, parseBinary } from './binary.ts';
import { JSON_LIMITS, parseJson } from './json.ts';
import { type Encoding, toBinary, toText } from './serialize.ts';

/** One request through the pipeline; what is thrown on the way is the error handler's. */
export function serve(
  method: Method,
  request: FastifyRequest,
  reply: FastifyReply,
  { engine, config, bounds }: Pick<AppOptions, 'engine' | 'config' | 'bounds'>,
): FastifyReply | Promise<FastifyReply> {
  const valid = validate(method, readRequest(request, config));
  const wishes = (valid as Wishes).options ?? {};
  const asked = readTimeout(request.headers['x-timeout-ms'], config.maxTimeout);
  const deadline = endWith(reply.raw, openDeadline(timeoutOf([asked, wishes.timeout_ms], config)));
  const { signal, checkpoint } = deadline;
  const afterwards: (() => void)[] = [];
  const answerWith = (response: unknown): FastifyReply => {
    // Sending writes the response's tensors to text or bytes of their own.
    const sent = send(reply, response, wishes.encoding);
    for (const run of afterwards) run();
    return sent;
  };
  const context: Context = {
    signal,
    checkpoint,
    afterReply: (run) => afterwards.push(run),
    limits: () => bounds ?? restBounds(config),
    tenant: request.tenant,
    log: request.log as Logger,
    engine,
  };
  let answer: unknown;
  try {
    answer = (method as UnaryMethod).handle(valid, context);
  } catch (reason) {
    deadline.close();
    throw reason;
  }
  if (answer instanceof Promise) return untilAborted(answer, deadline.signal).then(answerWith).finally(deadline.close);
  deadline.close();
  return answerWith(answer);
}

/** Bytes of all headers of one request. */
export const MAX_HEADER_BYTES = 16_384;

/** The bounds of the engine and of this port by name. */
export function restBounds(config: Config): Record<string, number> {
  return {
    ...config.limits,
    body_bytes: config.bodyLimit,
    header_bytes: MAX_HEADER_BYTES,
    connections: config.maxConnections,
    json_depth: JSON_LIMITS.depth,
    json_objects: JSON_LIMITS.objects,
    json_members: JSON_LIMITS.members,
    json_reply_elements: TEXT_LIMITS.elements,
    json_reply_base64_bytes: TEXT_LIMITS.bytes,
    timeout_ms: config.maxTimeout,
    default_timeout_ms: config.timeout,
  };
}

/** The deadline, cut short when the connection closes before the reply is written. */
function endWith(response: ServerResponse, deadline: Deadline): Deadline {
  const gone = (): void => {
    if (!response.writableFinished) deadline.cancel();
  };
  response.once('close', gone);
  return {
    ...deadline,
    close() {
      deadline.close();
      response.off('close', gone);
    },
  };
}

/** The milliseconds that the header X-Timeout-Ms asks for. */
function readTimeout(header: unknown, maximum: number): number | undefined {
  if (header === undefined) return undefined;
  const value = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  if (value >= 1 && value <= maximum) return value;
  throw new EngineError('invalid_request', `the header X-Timeout-Ms must be a whole number from 1 to ${maximum}`);
}

/** What every request may ask of the port, whatever its method. */
interface Wishes {
  readonly options?: { readonly encoding?: Encoding; readonly timeout_ms?: number };
}

/** The request as one value: the body where there is one, else the query; names in the path stand over both. */
function readRequest(request: FastifyRequest, config: Config): unknown {
  const params = request.params as Record<string, string>;
  const json = hasBody(request) ? readBody(request, config) : { ...(request.query as Record<string, string>) };
  return Object.keys(params).length === 0 ? json : { ...(json as object), ...params };
}

function readBody({ body, headers }: FastifyRequest, config: Config): unknown {
  const bytes = (body as Buffer | undefined) ?? Buffer.alloc(0);
  if (isBinary(headers['content-type'])) return parseBinary(bytes, headers[JSON_LENGTH_HEADER], config.limits);
  return parseJson(bytes);
}

function send(reply: FastifyReply, response: unknown, encoding: Encoding = 'nested'): FastifyReply {
  const timing = (response as { meta?: { timing?: Record<string, number> } } | undefined)?.meta?.timing;
  if (timing !== undefined) reply.header('server-timing', serverTiming(timing));
  if (encoding !== 'binary') {
    reply.header('content-type', 'application/json; charset=utf-8');
    return reply.send(toText(response, encoding));
  }
  const { body, jsonLength } = toBinary(response);
  return reply.type('application/octet-stream').header(JSON_LENGTH_HEADER, jsonLength).send(body);
}

function serverTiming(timing: Readonly<Record<string, number>>): string {
  return Object.entries(timing)
    .map(([stage, milliseconds]) => `${stage};dur=${Math.round(milliseconds * 1000) / 1000}`)
    .join(', ');
}

/** Whether a request of this verb comes with a body. */
export function hasBody({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

/** The content types of a JSON body, compared as text: parsers of this header have been fooled before. */
const JSON_TYPES: ReadonlySet<string | undefined> = new Set([
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=utf-8',
]);

function isBinary(contentType: string | undefined): boolean {
  return contentType?.toLowerCase() === 'application/octet-stream';
}

/** Throws unless the body that is about to come has a type, encoding and length that will be read. */
export function acceptBody({ headers }: FastifyRequest, config: Config): void {
  const type = headers['content-type'];
  const isJson = JSON_TYPES.has(type?.toLowerCase());
  if (!isJson && !isBinary(type))
    throw new EngineError(
      'unsupported_media_type',
      'the content type must be application/json or application/octet-stream',
    );
  if (isJson === (headers[JSON_LENGTH_HEADER] !== undefined))
    throw new EngineError(
      'unsupported_media_type',
      'application/octet-stream and the header Inference-Header-Content-Length must come together',
    );
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    throw new EngineError('unsupported_media_type', 'a compressed body is not supported');
  if (Number(headers['content-length']) > config.bodyLimit)
    throw new EngineError('body_too_large', `the body is over ${config.bodyLimit} bytes`);
}
