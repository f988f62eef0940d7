/** @file The gRPC port: every row of the method table as an rpc, beside the standard health and reflection services. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import type { Service } from '../api/call.ts';
import { MAX_STREAMS } from '../api/limits.ts';
import { guard } from './guard.ts';
import { createHealth, HEALTH_SERVICE } from './health.ts';
import { REFLECTION_PATHS, reflect } from './reflection.ts';
import { SERVICES } from './schema.ts';
import { handlerFor } from './serve.ts';

/** The gRPC port, not yet listening. */
export interface GrpcServer {
  /** Resolves to the port that it listens on. */
  listen(host: string, port: number): Promise<number>;
  /** Health says NOT_SERVING from now on; calls are served as before. */
  drain(): void;
  /** Takes no more calls, and resolves when those in flight are done, or cut off after so many milliseconds. */
  close(timeout: number): Promise<void>;
}

/** How often a silent connection is asked whether it is still there, and how long it has to say so. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 60_000, 'grpc.keepalive_timeout_ms': 20_000 };

/** The port of a service. */
export function createGrpcServer(service: Service): GrpcServer {
  const { config, log } = service;
  const names = [...SERVICES.map(({ typeName }) => typeName), HEALTH_SERVICE];
  const health = createHealth(SERVICES.map(({ typeName }) => typeName));
  const open = new Set(['Check', 'Watch'].map((rpc) => `/${HEALTH_SERVICE}/${rpc}`));
  const server = new Server({
    'grpc.max_receive_message_length': config.bodyLimit,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    'grpc.max_connection_age_ms': config.grpcMaxConnectionAge,
    'grpc.max_connection_age_grace_ms': config.maxTimeout,
    'grpc.max_connection_idle_ms': config.grpcMaxConnectionAge,
    ...KEEPALIVE,
    'grpc.enable_channelz': 0,
    interceptors: [guard(config, log, open)],
  });
  // Messages come and go as bytes: what is wrong with them is told in our own words.
  const add = (path: string, type: Kind, handler: UntypedHandleCall): void => {
    server.register(
      path,
      handler,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      type,
    );
  };
  for (const { typeName, methods } of SERVICES)
    for (const rpc of methods) {
      const row = service.methods.find(({ name }) => name === rpc.name);
      if (row !== undefined) add(`/${typeName}/${rpc.name}`, KINDS[rpc.methodKind], handlerFor(rpc, row, service));
    }
  add(`/${HEALTH_SERVICE}/Check`, 'unary', health.check);
  add(`/${HEALTH_SERVICE}/Watch`, 'serverStream', health.watch);
  for (const path of REFLECTION_PATHS) add(path, 'bidi', reflect(names));
  // Connections are taken by a socket of our own: it has a bound on how many, and plain words when it cannot listen.
  const sockets = createServer({ noDelay: true });
  sockets.maxConnections = config.maxConnections;
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connected = new Set<Socket>();
  sockets.on('connection', (socket) => {
    connected.add(socket);
    socket.once('close', () => connected.delete(socket));
    injector.injectConnection(socket);
  });
  return {
    async listen(host, port) {
      sockets.listen(port, host);
      await once(sockets, 'listening');
      return (sockets.address() as AddressInfo).port;
    },
    drain: () => health.drain(),
    async close(timeout) {
      health.close();
      const closed = new Promise((resolve) => sockets.close(resolve));
      // Says goodbye on every connection: each closes when its last call has ended, which is what is waited for.
      server.tryShutdown(() => {});
      const cutOff = setTimeout(() => {
        for (const socket of connected) socket.destroy();
      }, timeout);
      await closed;
      clearTimeout(cutOff);
    },
  };
}

type Kind = 'unary' | 'serverStream' | 'clientStream' | 'bidi';

const KINDS: Readonly<Record<'unary' | 'server_streaming' | 'client_streaming' | 'bidi_streaming', Kind>> = {
  unary: 'unary',
  server_streaming: 'serverStream',
  client_streaming: 'clientStream',
  bidi_streaming: 'bidi',
};
