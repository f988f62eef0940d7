/** @file Errors as RFC 9457 problem details. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyRequest } from 'fastify';
import { EngineError, ERRORS, type ErrorCode, httpStatus, type Violation, type Where } from '../../engine/errors.ts';

/** The media type of every error reply. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The body of an error reply. */
export interface Problem extends Where {
  /** A relative reference to the description of the code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The request id, under which the log tells more. */
  readonly instance: string;
  readonly code: ErrorCode;
  readonly errors?: readonly Violation[];
  /** Seconds after which the same request may be sent again; also the header `Retry-After`. */
  readonly retry_after?: number;
}

/** The problem details of an error, for the request of that id. */
export function problemOf(error: EngineError, requestId: string): Problem {
  const { code, message, where, violations, retryAfter } = error;
  return {
    ...problemRow(code),
    detail: message,
    instance: requestId,
    ...where,
    ...(violations.length > 0 && { errors: violations }),
    ...(retryAfter !== undefined && { retry_after: retryAfter }),
  };
}

/** What every problem of a code has in common. */
export function problemRow(code: ErrorCode): Pick<Problem, 'type' | 'title' | 'status' | 'code'> {
  return { type: `/errors/${code}`, title: ERRORS[code].title, status: httpStatus(code), code };
}

/** The problem details of anything thrown while this request is served; a fault of ours is logged. */
export function problemFor(
  reason: unknown,
  request: FastifyRequest,
  { bodyLimit }: { readonly bodyLimit: number },
): Problem {
  const error = toProblemError(reason, bodyLimit);
  if (error.code === 'internal') request.log.error({ err: error.cause ?? error }, 'failed');
  return problemOf(error, request.id);
}

/** Anything thrown while a request is served as an error for the client: ours as they are, fastify's by meaning. */
export function toProblemError(reason: unknown, bodyLimit: number): EngineError {
  if (reason instanceof EngineError) return reason;
  switch ((reason as Partial<FastifyError> | undefined)?.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new EngineError('body_too_large', `the body is over ${bodyLimit} bytes`);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new EngineError('invalid_request', 'the body is not as long as Content-Length says');
    case 'FST_ERR_BAD_URL':
      return new EngineError('invalid_request', 'the path is not valid percent-encoded UTF-8');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new EngineError('not_found', 'the path has a segment too long to name anything');
    case 'ECONNRESET':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return new EngineError('cancelled', 'the client went away before the whole body came');
    default:
      return EngineError.from(reason);
  }
}

/**
 * A whole HTTP response for a connection whose request never became one: its bytes were no HTTP, or came too slowly.
 * `undefined` where nobody is left to read it.
 */
export function rawResponse(fault: { readonly code?: string }, requestId: string): string | undefined {
  if (fault.code === 'ECONNRESET') return undefined;
  const error =
    fault.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new EngineError('request_timeout', 'the request was not received in time')
      : new EngineError('invalid_request', RAW_FAULTS.get(fault.code) ?? 'the bytes received are not an HTTP request');
  const problem = problemOf(error, requestId);
  const status = fault.code === 'HPE_HEADER_OVERFLOW' ? 431 : problem.status;
  const body = JSON.stringify({ ...problem, status });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

const RAW_FAULTS: ReadonlyMap<string | undefined, string> = new Map([
  ['HPE_HEADER_OVERFLOW', 'the headers are over 16 KiB'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'the chunk extensions are too long'],
]);
