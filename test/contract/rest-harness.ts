/** @file An application over a method table of its own, so that the port is tested without the engine. */
// biome-ignore lint/style/noRestrictedImports: the port wants a logger, and this one is silent.
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import type { Value } from '../../engine/program/value.ts';
import type { Tensor } from '../../engine/types.ts';
import { createService, type ServiceOptions } from '../../services/api/call.ts';
import { type Method, method } from '../../services/api/method.ts';
import { readConfig } from '../../services/config.ts';
import { type AppOptions, createApp } from '../../services/rest/app.ts';
import { memoryStore } from '../../services/sessions/memory.ts';

const optionsSchema = z
  .strictObject({
    encoding: z.enum(['nested', 'flat', 'base64', 'binary']).optional(),
    timeout_ms: z.number().int().min(1).max(300_000).optional(),
  })
  .default({});

/** Answers with the tensors it was sent. */
const echo = method({
  name: 'Echo',
  summary: 'Answers with what was sent.',
  verb: 'POST',
  path: '/v1/echo',
  request: z.strictObject({
    values: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'must be letters, digits and _'), z.unknown()).default({}),
    graph: z
      .union([
        z.string(),
        z.strictObject({ id: z.string() }),
        z.strictObject({ nodes: z.array(z.strictObject({ op: z.string(), rank: z.int().max(8).optional() })) }),
      ])
      .optional(),
    device: z.enum(['auto', 'cpu', 'gpu']).optional(),
    options: optionsSchema,
  }),
  response: z.looseObject({}),
  examples: [{ title: 'One number', request: { values: { x: 1 } } }],
  handle: ({ values }) => ({
    values: new Map(
      Object.entries(values).map(([name, json]) => [name, tensorOf(decodeTensor(json, at(name), DEFAULT_LIMITS))]),
    ),
    meta: { timing: { parse: 0.25, forward: 1.23456 } },
  }),
});

/** Throws what it is told to. */
const fault = method({
  name: 'Fault',
  summary: 'Fails as asked.',
  verb: 'POST',
  path: '/v1/fault',
  request: z.strictObject({ how: z.enum(['stranger', 'cost', 'async']), options: optionsSchema }),
  response: z.looseObject({}),
  examples: [],
  handle: ({ how }) => {
    if (how === 'stranger') throw new TypeError(`cannot read ${import.meta.filename}`);
    if (how === 'async') return Promise.reject(new RangeError(`at ${import.meta.filename}:1:1`));
    throw new EngineError('cost_exceeded', `'y' needs 3 GB`, { node: 'y', op: 'matmul', pointer: '/graph/nodes/1' });
  },
});

/** The signals of the requests that `wait` has seen. */
export const signals: AbortSignal[] = [];

/** Never answers. */
const wait = method({
  name: 'Wait',
  summary: 'Waits for ever.',
  verb: 'POST',
  path: '/v1/wait',
  request: z.strictObject({ options: optionsSchema }),
  response: z.looseObject({}),
  examples: [],
  handle: (_, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  },
});

/** Holds the processor until its checkpoint throws. */
const spin = method({
  name: 'Spin',
  summary: 'Computes for ever.',
  verb: 'POST',
  path: '/v1/spin',
  request: z.strictObject({ options: optionsSchema }),
  response: z.looseObject({}),
  examples: [],
  handle: (_, { checkpoint }) => {
    for (;;) checkpoint.check();
  },
});

/** Answers with whom it was called by, and what the path and the query said. */
const who = method({
  name: 'Who',
  summary: 'Says who calls.',
  verb: 'GET',
  path: '/v1/who/{name}',
  request: z.strictObject({ name: z.string(), times: z.coerce.number().max(3).optional() }),
  response: z.looseObject({}),
  examples: [],
  handle: (request, { tenant }) => ({ ...request, tenant }),
});

/** The methods of the test application. */
export const TEST_METHODS: readonly Method[] = [echo, fault, wait, spin, who];

/** The REST port, not listening. */
export type TestApp = ReturnType<typeof createApp>;

/** What a test may set: variables of the environment, and options of the application. */
interface Settings
  extends Partial<Pick<ServiceOptions, 'engine' | 'log' | 'methods' | 'store'> & Pick<AppOptions, 'ready'>> {
  readonly environment?: Record<string, string>;
}

/** An application that is closed when the test ends. */
export function testApp({
  environment = {},
  engine = createEngine({ backend: portable }),
  methods = TEST_METHODS,
  log,
  ready,
  store = memoryStore(),
}: Settings = {}): TestApp {
  const service = createService({
    engine,
    config: readConfig(environment),
    methods,
    log: log ?? pino({ level: 'silent' }),
    store,
  });
  const app = createApp({ service, ...(ready && { ready }) });
  onTestFinished(() => app.close());
  return app;
}

function at(name: string): { input: string; pointer: string } {
  return { input: name, pointer: `/values/${name}` };
}

function tensorOf(value: Value): Tensor {
  return { type: { dtype: value.dtype ?? 'float64', shape: value.shape }, data: value.data };
}
