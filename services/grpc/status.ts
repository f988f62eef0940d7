/** @file Errors as gRPC statuses, with `google.rpc` details that a program can read. */
import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { EngineError, ERRORS } from '../../engine/errors.ts';
import { encodeMessage } from './encode.ts';
import { messageNamed } from './schema.ts';

const rpcMessage = (name: string): DescMessage => messageNamed(`google.rpc.${name}`);
const STATUS = rpcMessage('Status');
const ERROR_INFO = rpcMessage('ErrorInfo');
const BAD_REQUEST = rpcMessage('BadRequest');
const RETRY_INFO = rpcMessage('RetryInfo');
const REQUEST_INFO = rpcMessage('RequestInfo');

/** The domain of our reasons. */
export const DOMAIN = 'adjoint';

/**
 * Characters of a message, of a name in it, and bytes of all details: clients by default refuse trailers of over 8 KiB,
 * and with them lose the error. A character may take 9 in a trailer.
 */
const MAX = { message: 300, metadata: 256, details: 3072 } as const;

/** The status that a client is told of an error, for the request of that id. */
export function statusOf(reason: unknown, requestId: string): StatusObject {
  const error = EngineError.from(reason);
  const code = status[ERRORS[error.code].status];
  const message = clip(error.message, MAX.message);
  const metadata = new Metadata();
  metadata.set('x-request-id', requestId);
  metadata.set('grpc-status-details-bin', detailsOf(error, code, message, requestId));
  return { code, details: message, metadata };
}

function detailsOf(error: EngineError, code: status, message: string, requestId: string): Buffer {
  const { where, violations, retryAfter } = error;
  const places = Object.entries(where).map(([key, value]) => [key, clip(String(value), MAX.metadata)]);
  const base = [
    pack(ERROR_INFO, { reason: error.code, domain: DOMAIN, metadata: Object.fromEntries(places) }),
    pack(REQUEST_INFO, { requestId }),
    ...(retryAfter === undefined ? [] : [pack(RETRY_INFO, { retryDelay: durationFromMs(retryAfter * 1000) })]),
  ];
  const faults = violations.length > 0 ? violations : faultsAt(error);
  const fields = faults.map(({ pointer, detail }) => ({
    field: clip(fieldPath(pointer), MAX.metadata),
    description: clip(detail, MAX.message),
  }));
  // As many of the faults as there is room for.
  for (let count = fields.length; count > 0; count--) {
    const bad = pack(BAD_REQUEST, { fieldViolations: fields.slice(0, count) });
    const bytes = statusBytes(code, message, [...base, bad]);
    if (bytes.length <= MAX.details) return bytes;
  }
  return statusBytes(code, message, base);
}

function faultsAt({ code, where, message }: EngineError): { pointer: string; detail: string }[] {
  if (ERRORS[code].status !== 'INVALID_ARGUMENT' || where.pointer === undefined) return [];
  return [{ pointer: where.pointer, detail: message }];
}

function pack(desc: DescMessage, fields: object): Message {
  return anyPack(desc, create(desc, fields as never));
}

function statusBytes(code: status, message: string, details: readonly Message[]): Buffer {
  return encodeMessage(STATUS, create(STATUS, { code, message, details } as never));
}

/** A JSON pointer as a field path: `graph.nodes[3].op`. */
function fieldPath(pointer: string): string {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.map((key, i) => (/^\d+$/.test(key) ? `[${key}]` : `${i === 0 ? '' : '.'}${key}`)).join('');
}

/** The text cut to a length; well formed, since a half of a surrogate pair cannot be percent-encoded. */
function clip(text: string, length: number): string {
  return (text.length > length ? `${text.slice(0, length - 1)}…` : text).toWellFormed();
}
