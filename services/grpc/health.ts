/** @file The standard health service: SERVING until the port drains, for each service and for all. */
import { create } from '@bufbuild/protobuf';
import { type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import { encodeMessage } from './encode.ts';
import { messageNamed } from './schema.ts';
import { decodeMessage } from './wire.ts';

const REQUEST = messageNamed('grpc.health.v1.HealthCheckRequest');
const RESPONSE = messageNamed('grpc.health.v1.HealthCheckResponse');

/** The service that answers for the health of others. */
export const HEALTH_SERVICE = 'grpc.health.v1.Health';

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** Watchers at once: each holds a stream open, and nobody has to say who they are. */
const MAX_WATCHERS = 1000;

/** The health of the port. */
export interface Health {
  readonly check: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => void;
  readonly watch: (call: ServerWritableStream<Buffer, Buffer>) => void;
  /** Says NOT_SERVING to all who ask and watch from now on. */
  drain(): void;
  /** Drains, and lets the watchers go. */
  close(): void;
}

/** The health of services of these names. */
export function createHealth(services: readonly string[]): Health {
  const known = new Set(['', ...services]);
  // And whether the service is one of ours: of another there is nothing more to tell.
  const watchers = new Map<ServerWritableStream<Buffer, Buffer>, boolean>();
  let state = SERVING;
  const reply = (code: number): Buffer => encodeMessage(RESPONSE, create(RESPONSE, { status: code } as never));
  const serviceIn = (bytes: Buffer): string =>
    (decodeMessage(REQUEST, bytes) as unknown as { service: string }).service;
  const drain = (): void => {
    if (state === NOT_SERVING) return;
    state = NOT_SERVING;
    for (const [call, isKnown] of watchers) if (isKnown) call.write(reply(state));
  };
  return {
    check(call, answer) {
      try {
        if (known.has(serviceIn(call.request))) answer(null, reply(state));
        else answer({ code: status.NOT_FOUND, details: 'there is no such service' });
      } catch {
        answer({ code: status.INVALID_ARGUMENT, details: 'the request is not a HealthCheckRequest' });
      }
    },
    watch(call) {
      try {
        const isKnown = known.has(serviceIn(call.request));
        if (watchers.size >= MAX_WATCHERS) {
          call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many watch already' });
          return;
        }
        call.write(reply(isKnown ? state : SERVICE_UNKNOWN));
        watchers.set(call, isKnown);
        call.once('cancelled', () => watchers.delete(call));
      } catch {
        call.emit('error', { code: status.INVALID_ARGUMENT, details: 'the request is not a HealthCheckRequest' });
      }
    },
    drain,
    close() {
      drain();
      for (const call of watchers.keys()) call.end();
      watchers.clear();
    },
  };
}
