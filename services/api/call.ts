/** @file The one way that both ports call a method. */
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Engine } from '../../engine/engine.ts';
import type { Config } from '../config.ts';
import { Operations } from '../operations/operations.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { Store } from '../sessions/store.ts';
import type { Engines } from '../workers/engines.ts';
import { enginesHere } from '../workers/here.ts';
import { Budget } from './budget.ts';
import { type Deadline, untilAborted } from './deadline.ts';
import { Graphs } from './graphs/graphs.ts';
import { type Claim, Replies } from './idempotency.ts';
import { Kept } from './kept.ts';
import { boundsOf } from './limits.ts';
import { type Context, isStream, type Method, type StreamMethod, type Terms, type UnaryMethod } from './method.ts';
import { fingerprintOf } from './snapshot.ts';

/** What a service is made of. */
export interface ServiceOptions {
  readonly engine: Engine;
  readonly config: Config;
  readonly methods: readonly Method[];
  readonly log: Logger;
  readonly store: Store;
  /** Where methods run that need an engine, given where sessions are at home; by default here. */
  readonly engines?: (sessions: Sessions) => Engines;
}

/** What methods are served with, the same for every request of every port. */
export interface Service extends Omit<ServiceOptions, 'engines'> {
  readonly replies: Replies;
  /** Of the bodies of requests. */
  readonly budget: Budget;
  readonly sessions: Sessions;
  readonly engines: Engines;
  readonly operations: Operations;
  readonly graphs: Graphs;
}

/** The service that both ports of a process serve. */
export function createService(options: ServiceOptions): Service {
  const { engine, store, config } = options;
  const kept = new Kept(store, config.keptBytes);
  const graphs = new Graphs(engine, store, config.graphTtl, kept);
  const sessions = new Sessions(store, config.sessions, (tenant, id) => engines.forget(tenant, id));
  const engines = options.engines?.(sessions) ?? enginesHere(engine, sessions);
  const service: Service = {
    ...options,
    budget: new Budget(config.inFlightBytes),
    replies: new Replies(store, config.idempotencyTtl, kept),
    sessions,
    engines,
    graphs,
    operations: new Operations({
      ...options,
      graphs,
      perform: (method, request, terms) => perform(service, method, request, terms),
    }),
  };
  return service;
}

/** Who calls a method, and how. */
export interface Caller {
  readonly tenant: string;
  readonly log: Logger;
  readonly deadline: Deadline;
  /** The name that the client gave the request so that it is done once; methods that change nothing ignore it. */
  readonly key?: string | undefined;
}

/** A response, and what must be called once nobody looks at it any more. */
export interface Answer {
  readonly response: unknown;
  release(): void;
}

/**
 * Throws where a request would be refused whatever is in it. Ports ask before they read it; `bytes` is how much that is.
 */
export function admit({ engines }: Service, method: Method, tenant: string, bytes: number): void {
  if (method.engine) engines.admit(method, tenant, bytes);
}

/**
 * The answer to a validated request, at once where the method gives it at once. Rejects when the caller's deadline ends
 * first.
 */
export function call(
  service: Service,
  method: UnaryMethod,
  request: unknown,
  caller: Caller,
): Answer | Promise<Answer> {
  const afterwards: (() => void)[] = [];
  const answerWith = (response: unknown): Answer => ({ response, release: () => runAll(afterwards) });
  const handle = (complete?: Claim['complete']): unknown =>
    withGraphs(service, caller, request, (resolved) =>
      perform(service, method, resolved, { ...caller, afterwards, complete }),
    );
  const claim = claimOf(service, method, request, caller);
  const answer = claim === undefined ? handle() : once(claim, handle);
  return answer instanceof Promise ? untilAborted(answer, caller.deadline.signal).then(answerWith) : answerWith(answer);
}

/** The claim is held until the method is done, though the caller may be long gone. */
async function once(claimed: Promise<Claim>, handle: (complete: Claim['complete']) => unknown): Promise<unknown> {
  const claim = await claimed;
  try {
    if (claim.replay !== undefined) return claim.replay.response;
    const response = await handle(claim.complete);
    await claim.keep(response);
    return response;
  } finally {
    claim.release();
  }
}

/**
 * The messages of a stream; of one that is sent again under its key, the last message. Between messages the process gets
 * a turn, so that a method that computes without a pause still hears of its deadline.
 */
export async function* stream(
  service: Service,
  method: StreamMethod,
  request: unknown,
  caller: Caller,
): AsyncGenerator<unknown> {
  const { signal, checkpoint } = caller.deadline;
  const afterwards: (() => void)[] = [];
  const claim = await claimOf(service, method, request, caller);
  let messages: AsyncIterator<unknown> | undefined;
  let written: (() => void)[] = [];
  try {
    if (claim?.replay !== undefined) {
      yield claim.replay.response;
      return;
    }
    const resolved = await service.graphs.resolve(caller.tenant, request);
    const performed = perform(service, method, resolved, { ...caller, afterwards, complete: claim?.complete });
    messages = (performed as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    let last: unknown;
    for (;;) {
      const next = await untilAborted(messages.next(), signal);
      if (next.done === true) break;
      runAll(written);
      written = afterwards.splice(0);
      last = next.value;
      yield last;
      await setImmediate();
      checkpoint.check();
    }
    await claim?.keep(last);
  } finally {
    // A method in the middle of a step is not waited for, but its claim is held until it has noticed.
    void settled(messages?.return?.()).then(() => claim?.release());
    runAll(written);
    runAll(afterwards);
  }
}

function withGraphs(
  { graphs }: Service,
  { tenant }: Caller,
  request: unknown,
  handle: (resolved: unknown) => unknown,
): unknown {
  const resolved = graphs.resolve(tenant, request);
  return resolved instanceof Promise ? resolved.then(handle) : handle(resolved);
}

function claimOf(
  { replies }: Service,
  { name, changes }: Method,
  request: unknown,
  { tenant, key }: Caller,
): Promise<Claim> | undefined {
  if (key === undefined || changes !== true) return undefined;
  return replies.claim(tenant, key, fingerprintOf(name, request));
}

/** Has a method do a request whose graphs are resolved: a response, a promise of one, or the messages of a stream. */
function perform(service: Service, method: Method, request: unknown, terms: Terms): unknown {
  const { config, engine, engines, sessions, methods, operations, graphs } = service;
  if (method.engine) return engines.perform(method, request, terms);
  const { tenant, log, deadline, afterwards, complete } = terms;
  const context: Context = {
    signal: deadline.signal,
    checkpoint: deadline.checkpoint,
    afterReply: (run) => void afterwards.push(run),
    limits: () => boundsOf(config),
    tenant,
    log,
    engine: engine.within(deadline.checkpoint),
    sessions,
    methods,
    operations,
    graphs,
    engines,
    isOperator: config.apiKeys.length === 0 || config.operators.includes(tenant),
    complete,
  };
  return isStream(method) ? method.stream(request, context) : method.handle(request, context);
}

function runAll(afterwards: (() => void)[]): void {
  for (const run of afterwards.splice(0)) run();
}

async function settled(work: Promise<unknown> | undefined): Promise<void> {
  try {
    await work;
  } catch {
    // What a stream fails with after it was left is nobody's.
  }
}
