/** @file The composition root: reads the configuration, puts the service together, runs it and stops it cleanly. */
import { setTimeout as sleep } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { createEngine } from '../engine/engine.ts';
import { METHODS } from './api/index.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { createApp } from './rest/app.ts';

/** The oldest major version of Node that the service runs on. */
const NODE_MAJOR = 26;

const major = Number.parseInt(process.versions.node, 10);
if (major < NODE_MAJOR) {
  fail(`Adjoint needs Node ${NODE_MAJOR} or newer and this is ${process.version}; run it with node_modules/.bin/node.`);
}
await main();

async function main(): Promise<void> {
  const config = configOrExit();
  const log = pino({ level: config.logLevel });
  let ready = false;
  const app = createApp({
    engine: createEngine({ limits: config.limits }),
    config,
    methods: METHODS,
    log,
    ready: () => ready,
  });
  closeWithGrace({ delay: config.drainDelay + config.drainTimeout + 5000, logger: log }, async ({ signal, err }) => {
    ready = false;
    if (err !== undefined) log.fatal({ err }, 'crashed');
    log.info({ signal }, 'stopping');
    // Ctrl-C is a person at a terminal: there is no load balancer to wait for.
    if (signal !== 'SIGINT') await sleep(config.drainDelay);
    // Close looks for idle connections once, and one whose reply is just on its way is not idle yet.
    const sweep = setInterval(() => app.server.closeIdleConnections(), 100);
    const cutOff = setTimeout(() => app.server.closeAllConnections(), config.drainTimeout);
    await app.close();
    clearInterval(sweep);
    clearTimeout(cutOff);
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
  ready = true;
}

function configOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (reason) {
    if (reason instanceof ConfigError) fail(reason.message);
    throw reason;
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
