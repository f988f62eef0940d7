/** @file Every bound of the service by name, as `GET /v1/limits` tells them. */
import { TEXT_LIMITS } from '../../engine/formats/tensor.ts';
import type { Config } from '../config.ts';
import { MAX_TTL_SECONDS } from './sessions/schemas.ts';

/**
 * What a JSON body may hold: lists and objects within one another, objects in all, members of one object. No honest
 * request comes near them; a body of a million empty objects would keep the parsers after this one busy for seconds.
 */
export const JSON_LIMITS = { depth: 32, objects: 2 ** 19, members: 2 ** 16 } as const;

/**
 * What a protobuf message may hold: lists and objects within one another, and messages in all. 64 MiB of empty nodes
 * would fill the memory many times over.
 */
export const MESSAGE_LIMITS = { depth: 32, messages: 2 ** 20 } as const;

/** Calls that one gRPC connection may have open at once. */
export const MAX_STREAMS = 100;

/** Bytes of all headers of one request. */
export const MAX_HEADER_BYTES = 16_384;

/** Characters of the name that a client gives a request so that it is done once. */
export const MAX_KEY_LENGTH = 255;

/** The engine's bounds and the service's own. */
export function boundsOf(config: Config): Record<string, number> {
  return {
    ...config.limits,
    body_bytes: config.bodyLimit,
    in_flight_bytes: config.inFlightBytes,
    queue: config.queue,
    header_bytes: MAX_HEADER_BYTES,
    connections: config.maxConnections,
    json_depth: JSON_LIMITS.depth,
    json_objects: JSON_LIMITS.objects,
    json_members: JSON_LIMITS.members,
    json_reply_elements: TEXT_LIMITS.elements,
    json_reply_base64_bytes: TEXT_LIMITS.bytes,
    grpc_depth: MESSAGE_LIMITS.depth,
    grpc_messages: MESSAGE_LIMITS.messages,
    grpc_streams: MAX_STREAMS,
    timeout_ms: config.maxTimeout,
    default_timeout_ms: config.timeout,
    sessions: config.sessions.perTenant,
    session_tapes: config.sessions.tapes,
    tape_events: config.sessions.events,
    session_bytes: config.sessions.quota,
    session_ttl_seconds: MAX_TTL_SECONDS,
    idempotency_key_length: MAX_KEY_LENGTH,
    idempotency_ttl_ms: config.idempotencyTtl,
    graph_ttl_ms: config.graphTtl,
    kept_bytes: config.keptBytes,
    operations_at_once: config.operations.atOnce,
    operations_queue: config.operations.queue,
    operations_unfinished: config.operations.unfinishedPerTenant,
    operations_kept: config.operations.perTenant,
    operations_bytes: config.operations.bytesPerTenant,
    operation_timeout_ms: config.operations.timeout,
    operation_ttl_ms: config.operations.ttl,
  };
}
