/** @file Methods that compute for as long as a test wants, and a service that has them. */
import { setTimeout as sleep } from 'node:timers/promises';
// biome-ignore lint/style/noRestrictedImports: the service wants a logger, and this one is silent.
import { pino } from 'pino';
import { z } from 'zod';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { createService, type Service } from '../../services/api/call.ts';
import { METHODS } from '../../services/api/index.ts';
import { type Method, method, streamMethod } from '../../services/api/method.ts';
import { readConfig } from '../../services/config.ts';
import type { Store } from '../../services/sessions/store.ts';

/** What the methods of one service have done, and what holds them up. */
export interface Work {
  /** Names of what has begun, in order. */
  readonly begun: string[];
  /** How often a commit was made. */
  commits: number;
  /** Lets `Hold` of a name end. */
  open(name: string): void;
}

const options = z.strictObject({ timeout_ms: z.number().optional(), encoding: z.string().optional() }).default({});
const row = { summary: 'Works.', verb: 'POST', computes: true, examples: [] } as const;

/** Methods that compute, over a store. */
export function workMethods(store: Store): { work: Work; methods: readonly Method[] } {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gate = (name: string): PromiseWithResolvers<void> => {
    const known = gates.get(name) ?? Promise.withResolvers<void>();
    gates.set(name, known);
    return known;
  };
  const work: Work = { begun: [], commits: 0, open: (name) => gate(name).resolve() };
  const passed = (name: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason));
      gate(name).promise.then(resolve, reject);
    });
  const hold = method({
    ...row,
    name: 'Hold',
    path: '/v1/hold',
    request: z.strictObject({ name: z.string().max(10), options }),
    response: z.object({ name: z.string() }),
    handle: async ({ name }, { signal }) => {
      work.begun.push(name);
      await passed(name, signal);
      return { name };
    },
  });
  const steps = streamMethod({
    ...row,
    name: 'Steps',
    path: '/v1/steps',
    request: z.strictObject({ count: z.number().int().max(1e9), ms: z.number().default(0), options }),
    response: z.object({ step: z.number() }),
    async *stream({ count, ms }, { signal }) {
      work.begun.push('steps');
      for (let step = 1; step <= count; step++) {
        if (ms > 0) await sleep(ms, undefined, { signal });
        yield { step };
      }
    },
  });
  const fail = method({
    ...row,
    name: 'Fail',
    path: '/v1/fail',
    request: z.strictObject({ how: z.enum(['ours', 'stranger']) }),
    response: z.object({}),
    handle: ({ how }) => {
      if (how === 'stranger') throw new TypeError(`cannot read ${import.meta.filename}`);
      throw new EngineError('cost_exceeded', `'y' needs 3 GB`, { node: 'y', pointer: '/graph' });
    },
  });
  const echo = method({
    ...row,
    name: 'Echo',
    path: '/v1/echo',
    request: z.strictObject({ values: z.record(z.string().max(10), z.unknown()), options }),
    response: z.object({ values: z.unknown() }),
    handle: ({ values }) => ({
      values: new Map(
        Object.entries(values).map(([name, json]) => {
          const { dtype = 'float64', shape, data } = decodeTensor(json, {}, DEFAULT_LIMITS);
          return [name, { type: { dtype, shape }, data }];
        }),
      ),
    }),
  });
  /** As `Sessions` does it: what it changes, and that it has, are one commit. */
  const bump = method({
    ...row,
    name: 'Bump',
    path: '/v1/bump',
    changes: true,
    request: z.strictObject({ session: z.string().max(10), name: z.string().max(10) }),
    response: z.object({ revision: z.number() }),
    handle: async ({ session, name }, { tenant, signal, complete }) => {
      const { revision } = (await store.session(tenant, session)) as { revision: number };
      const response = { revision: revision + 1 };
      const completion = complete?.(response);
      await store.commit(tenant, session, {
        revision,
        expiresAt: Number.MAX_SAFE_INTEGER,
        variables: new Map(),
        dropped: [],
        appended: [],
        blobs: new Map(),
        ...completion,
      });
      work.commits++;
      work.begun.push(name);
      // What may go wrong after the commit.
      await passed(name, signal);
      return response;
    },
  });
  return { work, methods: [hold, steps, fail, echo, bump] };
}

/** A service with those methods and the service's own. */
export function workService(store: Store, environment: Record<string, string> = {}): { service: Service; work: Work } {
  const { work, methods } = workMethods(store);
  const service = createService({
    engine: createEngine({ backend: portable }),
    config: readConfig(environment),
    methods: [...methods, ...METHODS.filter(({ name }) => /Operation|GetLimits/.test(name))],
    log: pino({ level: 'silent' }),
    store,
  });
  return { service, work };
}
