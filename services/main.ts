/** @file The composition root: reads the configuration, puts the service together, runs it and stops it cleanly. */
import { setTimeout as sleep } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import { type Logger, pino } from 'pino';
import { portable } from '../engine/backends/portable.ts';
import { createEngine } from '../engine/engine.ts';
import { warmUp } from '../engine/warm-up.ts';
import { createService, type Service } from './api/call.ts';
import { METHODS } from './api/index.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { createGrpcServer, type GrpcServer } from './grpc/server.ts';
import { createApp } from './rest/app.ts';
import { memoryStore } from './sessions/memory.ts';
import { openSqliteStore } from './sessions/sqlite/store.ts';
import type { Store } from './sessions/store.ts';
import { openBackend } from './workers/backend.ts';
import { Pool } from './workers/pool.ts';
import { tinyEngines } from './workers/tiny.ts';

/** The oldest major version of Node that the service runs on. */
const NODE_MAJOR = 26;

const major = Number.parseInt(process.versions.node, 10);
if (major < NODE_MAJOR) {
  fail(`Adjoint needs Node ${NODE_MAJOR} or newer and this is ${process.version}; run it with node_modules/.bin/node.`);
}
await main();

async function main(): Promise<void> {
  const config = orExit(() => readConfig(process.env));
  const log = pino({ level: config.logLevel });
  let ready = false;
  const engine = createEngine({
    limits: config.limits,
    // With workers, nothing large is computed here.
    backend: config.workers > 0 ? portable : orExit(() => openBackend(config, log)),
    memory: config.engineMemory,
  });
  const store = storeOrExit(config);
  const pool = config.workers > 0 ? await poolOrExit(config, log) : undefined;
  const service = createService({
    engine,
    config,
    methods: METHODS,
    log,
    store,
    ...(pool && { engines: (sessions) => pool.serve(sessions) }),
  });
  const sweep = sweepEvery(config.sweepInterval, service, log);
  const app = createApp({ service, ready: () => ready });
  const grpc = config.grpcPort === undefined ? undefined : createGrpcServer(service);
  closeWithGrace({ delay: config.drainDelay + config.drainTimeout + 5000, logger: log }, async ({ signal, err }) => {
    ready = false;
    grpc?.drain();
    if (err !== undefined) log.fatal({ err }, 'crashed');
    log.info({ signal }, 'stopping');
    // Ctrl-C is a person at a terminal: there is no load balancer to wait for.
    if (signal !== 'SIGINT') await sleep(config.drainDelay);
    // Close looks for idle connections once, and one whose reply is just on its way is not idle yet.
    const closing = setInterval(() => app.server.closeIdleConnections(), 100);
    const cutOff = setTimeout(() => app.server.closeAllConnections(), config.drainTimeout);
    await Promise.all([service.operations.close(), app.close(), grpc?.close(config.drainTimeout)]);
    clearInterval(closing);
    clearTimeout(cutOff);
    clearInterval(sweep);
    await pool?.close();
    await store.close();
    log.info('stopped');
  });
  try {
    await app.listen({
      host: config.host,
      port: config.port,
      listenTextResolver: (url) => `listening on ${url}, reference at ${url}/docs`,
    });
  } catch (reason) {
    fail(`Cannot listen on ${config.host}:${config.port}: ${(reason as Error).message}`);
  }
  if (grpc !== undefined && config.grpcPort !== undefined) await listenForGrpc(grpc, config.grpcPort, config, log);
  await service.operations.resume();
  ready = true;
  if (pool === undefined) await warmUp(engine);
}

async function listenForGrpc(grpc: GrpcServer, port: number, { host }: Config, log: Logger): Promise<void> {
  try {
    log.info(`listening for gRPC on ${host}:${await grpc.listen(host, port)}`);
  } catch (reason) {
    fail(
      `Cannot listen for gRPC on ${host}:${port}: ${(reason as Error).message}; set ADJOINT_GRPC_PORT, maybe to off`,
    );
  }
}

/** What `open` gives; what it refuses for the configuration's sake ends the process. */
function orExit<T>(open: () => T): T {
  try {
    return open();
  } catch (reason) {
    if (reason instanceof ConfigError) fail(reason.message);
    throw reason;
  }
}

async function poolOrExit(config: Config, log: Logger): Promise<Pool> {
  try {
    return await Pool.open({ config, log, tiny: tinyEngines(config) });
  } catch (reason) {
    if (reason instanceof ConfigError) fail(reason.message);
    throw reason;
  }
}

/** Removes what has expired, now and then. */
function sweepEvery(interval: number, { sessions }: Service, log: Logger): NodeJS.Timeout {
  return setInterval(() => {
    sessions.sweep().catch((err: unknown) => log.error({ err }, 'the sweep failed'));
  }, interval);
}

function storeOrExit({ data }: Config): Store {
  if (data === 'memory') return memoryStore();
  try {
    return openSqliteStore(data);
  } catch (reason) {
    fail(`Cannot keep sessions in ${data}: ${(reason as Error).message}`);
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
