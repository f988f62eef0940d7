/** @file Responses as HTTP takes them away: a status, headers and a body. */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../api/call.ts';
import type { Method } from '../api/method.ts';
import { toText } from '../api/text.ts';
import { JSON_LENGTH_HEADER } from './binary.ts';
import { etagOf, isKnown } from './etag.ts';
import { prefersAsync } from './prefer.ts';
import { type Encoding, toBinary } from './serialize.ts';

/** Bytes from which on a body is written piece by piece: below, putting it together costs less. */
const LARGE_BODY = 64 * 2 ** 10;

/** Sends a response as its method and the request want it. */
export function send(
  request: FastifyRequest,
  reply: FastifyReply,
  method: Method,
  { response, release }: Answer,
  encoding: Encoding,
): FastifyReply {
  if (method.version !== undefined) {
    const version = method.version(response);
    reply.header('etag', etagOf(version));
    const known = request.headers['if-none-match'];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && known !== undefined && isKnown(known, version)) {
      release();
      return reply.code(304).send();
    }
  }
  if (method.created !== undefined) reply.code(201).header('location', method.created(response));
  if (method.accepted !== undefined) {
    reply.code(202).header('location', method.accepted(response));
    if (prefersAsync(request.headers.prefer)) reply.header('preference-applied', 'respond-async');
  }
  if (method.content?.of === 'response') {
    const { content } = response as { readonly content: Uint8Array };
    reply.raw.once('close', release);
    return reply
      .type(method.content.type)
      .send(Buffer.from(content.buffer as ArrayBuffer, content.byteOffset, content.byteLength));
  }
  return sendFields(reply, { response, release }, encoding);
}

function sendFields(reply: FastifyReply, { response, release }: Answer, encoding: Encoding): FastifyReply {
  const timing = (response as { meta?: { timing?: Record<string, number> } } | undefined)?.meta?.timing;
  if (timing !== undefined) reply.header('server-timing', serverTiming(timing));
  if (encoding !== 'binary') {
    reply.header('content-type', 'application/json; charset=utf-8');
    const text = toText(response, encoding);
    release();
    return reply.send(text);
  }
  const { pieces, jsonLength } = toBinary(response);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  reply.type('application/octet-stream').header(JSON_LENGTH_HEADER, jsonLength);
  if (length < LARGE_BODY) {
    const body = Buffer.concat(pieces);
    release();
    return reply.send(body);
  }
  // The socket reads the tensors where they are.
  reply.raw.once('close', release);
  return reply.header('content-length', length).send(Readable.from(pieces, { objectMode: false }));
}

function serverTiming(timing: Readonly<Record<string, number>>): string {
  return Object.entries(timing)
    .map(([stage, milliseconds]) => `${stage};dur=${Math.round(milliseconds * 1000) / 1000}`)
    .join(', ');
}
