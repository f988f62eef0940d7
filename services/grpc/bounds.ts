/** @file The bounds of the gRPC port. */
import type { Config } from '../config.ts';

/**
 * What a message may hold: lists and objects within one another, and messages in all. No honest request comes near
 * them; 64 MiB of empty nodes would fill the memory many times over.
 */
export const MESSAGE_LIMITS = { depth: 32, messages: 2 ** 20 } as const;

/** Streams that one connection may have open at once. */
export const MAX_STREAMS = 100;

/** Bytes of `content` in one message of a reply that comes in chunks. */
export const CHUNK_BYTES = 2 ** 20;

/** The bounds of this port by name. */
export function grpcBounds(config: Config): Record<string, number> {
  return {
    grpc_message_bytes: config.bodyLimit,
    grpc_message_depth: MESSAGE_LIMITS.depth,
    grpc_messages: MESSAGE_LIMITS.messages,
    grpc_streams: MAX_STREAMS,
  };
}
