/** @file The REST port: every row of the method table as a route, over one pipeline of authenticate, parse, validate, handle, write. */
import { randomUUID } from 'node:crypto';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import { ERROR_CODES } from '../../engine/errors.ts';
import package_ from '../../package.json' with { type: 'json' };
import { authenticate, LOCAL_TENANT } from '../api/auth.ts';
import type { Service } from '../api/call.ts';
import { MAX_HEADER_BYTES } from '../api/limits.ts';
import { isStream, type Method } from '../api/method.ts';
import type { Config } from '../config.ts';
import { readBody } from './body.ts';
import { addDocs } from './docs.ts';
import { openApiDocument } from './openapi.ts';
import { admitRequest, serve } from './pipeline.ts';
import { PROBLEM_TYPE, problemFor, problemRow, rawResponse } from './problem.ts';
import { acceptBody, type Intake, intakeOf } from './read.ts';
import { Routes, refuseRoute } from './routes.ts';

/** What the REST port is made of. */
export interface AppOptions {
  readonly service: Service;
  /** Whether new work is welcome; `/readyz` says so. */
  readonly ready?: () => boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    tenant: string;
  }
  interface FastifyContextConfig {
    /** Whether callers without a key may see it: health and documentation, nothing else. */
    open?: boolean;
    /** The method behind the route, and how it takes its request. */
    served?: { readonly method: Method; readonly intake: Intake };
  }
}

/** The application, not yet listening: `inject` serves tests, `listen` the world. */
export function createApp(options: AppOptions): FastifyInstance {
  const { config, log } = options.service;
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    bodyLimit: config.bodyLimit,
    requestTimeout: config.requestTimeout,
    keepAliveTimeout: config.keepAliveTimeout,
    // Silence on a connection: longer than any computation, and the end of a client that does not read its reply.
    connectionTimeout: config.maxTimeout + config.requestTimeout,
    http: {
      headersTimeout: config.headersTimeout,
      // Node looks for late requests no more often than this; its default of 30 s would make the timeouts mere hints.
      connectionsCheckingInterval: Math.min(1000, Math.ceil(config.headersTimeout / 4)),
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    // While the service stops, what still arrives on open connections is served.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      void sendProblem(error, request, reply, config);
    },
    clientErrorHandler: (fault, socket) => {
      const response = rawResponse(fault, randomUUID());
      if (response !== undefined && socket.writable) socket.write(response);
      socket.destroySoon();
    },
  });
  app.server.maxConnections = config.maxConnections;
  app.decorateRequest('tenant', LOCAL_TENANT);
  // Bodies are read as bytes whatever their type says; `acceptBody` has already refused all that will not be read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_, payload, done) => readBody(payload, config.bodyLimit, done));
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, config));
  const routes = addMethods(app, options);
  addHooks(app, options, routes);
  addOwnRoutes(app, options);
  return app;
}

/** The routes of the method table; returned so that an unknown path can be told from an unknown verb. */
function addMethods(app: FastifyInstance, { service }: AppOptions): Routes {
  const routes = new Routes();
  app.addHook('onRoute', ({ method, url }) => routes.add(url, method));
  for (const method of service.methods) {
    const intake = intakeOf(method);
    app.route({
      method: method.verb,
      url: method.path.replace(/\{(\w+)\}/g, ':$1'),
      config: { served: { method, intake } },
      // HEAD would wait for the end of a stream to say nothing.
      exposeHeadRoute: !isStream(method),
      handler: (request, reply) => serve(method, intake, request, reply, service),
    });
  }
  return routes;
}

function addHooks(app: FastifyInstance, { service, ready }: AppOptions, routes: Routes): void {
  const { config, log, budget } = service;
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    if (request.routeOptions.config.open !== true)
      request.tenant = authenticate(request.headers.authorization, config.apiKeys);
    if (request.is404) return refuseRoute(request, reply, routes);
    const { served } = request.routeOptions.config;
    if (served !== undefined) {
      admitRequest(served.method, request, service);
      reply.raw.once('close', budget.take(acceptBody(request, served.intake, config)));
    }
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Decided as late as can be: a connection left open would hold up a stop that began while the work was done.
    if (ready?.() === false) reply.header('connection', 'close');
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    log.info(
      {
        request: request.id,
        method: request.method,
        // The pattern, not the path: a path may hold a session's id.
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 1000) / 1000,
      },
      'served',
    );
    done();
  });
}

/** How often the store is asked at most whether it can be written to: asking writes, and anybody may ask us. */
const PROBE_INTERVAL = 1000;

/** The last answer of `ask`, and a new one when that is too old. */
function atMostEvery<T>(milliseconds: number, ask: () => Promise<T>): () => Promise<T> {
  let asked = Number.NEGATIVE_INFINITY;
  let answer: Promise<T>;
  return () => {
    if (performance.now() - asked >= milliseconds) {
      asked = performance.now();
      answer = ask();
    }
    return answer;
  };
}

/** Health, documentation, and the description of the errors. */
function addOwnRoutes(app: FastifyInstance, { service: { methods, store, engines }, ready }: AppOptions): void {
  app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, open: true };
    });
    scope.get('/', (_, reply) => reply.redirect('/docs'));
    scope.get('/healthz', () => ({ status: 'ok' }));
    const isWritable = atMostEvery(PROBE_INTERVAL, () => store.isWritable());
    scope.get('/readyz', async (_, reply) => {
      const fault = async (): Promise<string | undefined> => {
        if (ready?.() === false) return 'draining';
        if (!engines.isReady) return 'no_engine';
        return (await isWritable()) ? undefined : 'store_not_writable';
      };
      const status = (await fault()) ?? 'ready';
      const devices = engines.devices().map(({ device, name, api, software }) => ({ device, name, api, software }));
      return reply.code(status === 'ready' ? 200 : 503).send({ status, devices });
    });
    let document: string | undefined;
    scope.get('/openapi.json', (_, reply) => {
      document ??= JSON.stringify(openApiDocument(methods, package_.version));
      return reply.type('application/json; charset=utf-8').send(document);
    });
    for (const code of ERROR_CODES) scope.get(`/errors/${code}`, () => problemRow(code));
    addDocs(scope);
  });
}

function sendProblem(reason: unknown, request: FastifyRequest, reply: FastifyReply, config: Config): FastifyReply {
  const problem = problemFor(reason, request, config);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (problem.retry_after !== undefined) reply.header('retry-after', String(problem.retry_after));
  // A body that nobody will read is discarded by node as it comes, so that the client gets to read this reply.
  if (reply.getHeader('connection') === 'close' && problem.code === 'body_too_large') reply.removeHeader('connection');
  return reply.code(problem.status).header('x-request-id', request.id).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

function requestId(header: unknown): string {
  return typeof header === 'string' && /^[A-Za-z0-9._:-]{1,64}$/.test(header) ? header : randomUUID();
}
