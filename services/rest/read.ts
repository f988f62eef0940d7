/** @file Requests as HTTP brings them: fields from the path, the query, the headers and the body. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EngineError } from '../../engine/errors.ts';
import type { Method } from '../api/method.ts';
import type { Config } from '../config.ts';
import { JSON_LENGTH_HEADER, parseBinary } from './binary.ts';
import { readIfMatch } from './etag.ts';
import { parseJson } from './json.ts';

/** How a method takes its request over HTTP; made once for each route. */
export interface Intake {
  /** What its body is: nothing, the fields that are not in the path, or the field `content` as raw bytes. */
  readonly body: 'none' | 'fields' | 'content';
  /** The media type of raw content. */
  readonly type: string | undefined;
  /** Whether `If-Match` may bring the field `version`. */
  readonly takesVersion: boolean;
}

/** How this method takes its request. */
export function intakeOf({ verb, path, request, content }: Method): Intake {
  const fields = Object.keys(request instanceof z.ZodObject ? request.shape : {});
  const hasOwn = fields.some((field) => !path.includes(`{${field}}`));
  const isRaw = content?.of === 'request';
  return {
    body: isRaw ? 'content' : hasOwn && verb !== 'GET' && verb !== 'DELETE' ? 'fields' : 'none',
    type: isRaw ? content.type : undefined,
    takesVersion: fields.includes('version'),
  };
}

/** The bytes of the body that is about to come, at most; throws unless it has a type, encoding and length that will be read. */
export function acceptBody(request: FastifyRequest, intake: Intake, config: Config): number {
  if (hasNoBody(request)) return 0;
  const { headers } = request;
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    throw new EngineError('unsupported_media_type', 'a compressed body is not supported');
  if (Number(headers['content-length']) > config.bodyLimit)
    throw new EngineError('body_too_large', `the body is over ${config.bodyLimit} bytes`);
  if (request.method === 'DELETE') {
    if (isEmpty(request)) return 0;
    throw new EngineError('invalid_request', 'DELETE takes no body; its fields belong in the path and the query');
  }
  acceptType(request, intake);
  return Number(headers['content-length'] ?? config.bodyLimit);
}

function acceptType({ headers }: FastifyRequest, { type: wanted }: Intake): void {
  const type = headers['content-type']?.toLowerCase();
  if (wanted !== undefined) {
    if (type === wanted) return;
    throw new EngineError('unsupported_media_type', `the content type must be ${wanted}`);
  }
  const isJson = JSON_TYPES.has(type);
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
}

/** The request as one value; names in the path stand over the rest. */
export function readRequest(request: FastifyRequest, intake: Intake, config: Config): unknown {
  const params = request.params as Record<string, string>;
  const json = readFields(request, intake, config);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  const fields: Record<string, unknown> = Object.keys(params).length === 0 ? { ...json } : { ...json, ...params };
  const ifMatch = request.headers['if-match'];
  if (ifMatch !== undefined && request.method !== 'GET' && request.method !== 'HEAD')
    addVersion(fields, readIfMatch(ifMatch), intake);
  return fields;
}

function addVersion(fields: Record<string, unknown>, version: number | '*', { takesVersion }: Intake): void {
  // A condition that nobody looks at is worse than none.
  if (!takesVersion) throw new EngineError('invalid_request', 'this method does not take the header If-Match');
  if (fields.version !== undefined && String(fields.version) !== String(version))
    throw new EngineError('invalid_request', "the header If-Match and the field 'version' do not agree", {
      pointer: '/version',
    });
  fields.version = version;
}

function readFields(request: FastifyRequest, intake: Intake, config: Config): unknown {
  const { body, headers, method } = request;
  const query = (): Record<string, unknown> => ({ ...(request.query as Record<string, string>) });
  if (method === 'GET' || method === 'HEAD' || method === 'DELETE') return query();
  const bytes = (body as Buffer | undefined) ?? Buffer.alloc(0);
  if (intake.body === 'content') return { ...query(), content: bytes };
  if (headers['content-type'] === undefined && bytes.length === 0) return {};
  if (isBinary(headers['content-type'])) return parseBinary(bytes, headers[JSON_LENGTH_HEADER], config.limits);
  return parseJson(bytes);
}

/** The milliseconds that `X-Timeout-Ms` asks for; throws `invalid_request`. */
export function readTimeout(header: unknown, maximum: number): number | undefined {
  if (header === undefined) return undefined;
  const value = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  if (value >= 1 && value <= maximum) return value;
  throw new EngineError('invalid_request', `the header X-Timeout-Ms must be a whole number from 1 to ${maximum}`);
}

/** Whether nothing of a body is there, not even a type for one. */
function hasNoBody(request: FastifyRequest): boolean {
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return true;
  return request.headers['content-type'] === undefined && isEmpty(request);
}

function isEmpty({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
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
