/** @file Cells of a notebook over real HTTP: variables of a session, and tapes that live from one request to the next. */
import type { AddressInfo } from 'node:net';
// biome-ignore lint/style/noRestrictedImports: the port wants a logger, and this one is silent.
import { pino } from 'pino';
import { afterAll, beforeAll, expect } from 'vitest';
import { createEngine, type EngineOptions } from '../../../engine/engine.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../engine/limits.ts';
import { createService, type Service } from '../../../services/api/call.ts';
import { METHODS } from '../../../services/api/index.ts';
import { readConfig } from '../../../services/config.ts';
import { createApp } from '../../../services/rest/app.ts';
import { memoryStore } from '../../../services/sessions/memory.ts';
import type { SessionSettings } from '../../../services/sessions/session.ts';
import type { Store } from '../../../services/sessions/store.ts';
import { type Json, LEAKS, reasonsOf } from '../harness.ts';

/** What a test may change about the service. */
export interface Settings {
  readonly limits?: Partial<Limits>;
  readonly backend?: EngineOptions['backend'];
  readonly sessions?: Partial<SessionSettings>;
  readonly store?: () => Store;
}

/** A refused request: the problem document is the service's own. */
export class Refusal extends Error {
  readonly problem: Json;

  constructor(problem: Json) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** A service that listens on a free port. */
export interface Client {
  /** Sends a request; resolves to the body of a reply that is no error, rejects with a `Refusal`. */
  send(verb: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Json>;
  /** Opens a session. */
  notebook(variables?: Readonly<Record<string, Json>>): Promise<Notebook>;
  /** Stops the service and its store, and starts another on the store that `again` opens. */
  restart(): Promise<void>;
}

interface Running {
  readonly url: string;
  close(): Promise<void>;
}

/** A service for all the tests of a file. */
export function listening(settings: Settings = {}): Client {
  let running: Running | undefined;
  beforeAll(async () => {
    running = await start(settings);
  });
  afterAll(() => running?.close());
  const send: Client['send'] = async (verb, path, body, headers = {}) => {
    const response = await fetch(`${running?.url}${path}`, {
      method: verb,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = JSON.parse(text);
    if (response.ok) return json;
    expect(text, 'an error reply leaks what is inside').not.toMatch(LEAKS);
    if (json.code !== 'deadline_exceeded') expect(response.status, text).toBeLessThan(500);
    expect(json).toMatchObject({ status: response.status, type: `/errors/${json.code}` });
    throw new Refusal(json);
  };
  return {
    send,
    notebook: async (variables = {}) => {
      const { session } = await send('POST', '/v1/sessions', { variables: mapped(variables, newVariable) });
      return new Notebook(send, session.session);
    },
    restart: async () => {
      await running?.close();
      running = await start(settings);
    },
  };
}

async function start({ limits = {}, backend, sessions, store = memoryStore }: Settings): Promise<Running> {
  const inForce = { ...DEFAULT_LIMITS, ...limits };
  const config = readConfig({});
  const service: Service = createService({
    store: store(),
    engine: createEngine({ limits: inForce, ...(backend && { backend }) }),
    config: { ...config, limits: inForce, sessions: { ...config.sessions, ...sessions } },
    methods: METHODS,
    log: pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' }),
  });
  const app = createApp({ service });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
      await service.store.close();
    },
  };
}

/** The problem that a request is refused with. */
export async function refusal(request: Promise<unknown>): Promise<Json> {
  const made = await request.then(
    (body) => expect.fail(`expected a refusal, got ${JSON.stringify(body)?.slice(0, 300)}`),
    (reason: unknown) => reason,
  );
  if (made instanceof Refusal) return made.problem;
  throw made;
}

type Tensors = Readonly<Record<string, Json>>;

/** How a tape is opened. */
export interface TapeOptions {
  readonly persistent?: boolean;
  readonly watch?: string | readonly string[];
  readonly watch_accessed_variables?: boolean;
  /** Tensors to begin with. */
  readonly values?: Tensors;
  /** The tape around it. */
  readonly outer?: Tape;
  readonly tape?: string;
}

/** What may come with a derivative that is asked for. */
export interface AskOptions {
  readonly unconnected_gradients?: 'none' | 'zero';
  readonly output_gradients?: Json;
  readonly mode?: 'auto' | 'forward' | 'reverse';
  /** The tape that records it, and what it is called there. */
  readonly record?: readonly [Tape, string];
  readonly options?: Json;
}

/** A session. */
export class Notebook {
  readonly #send: Client['send'];
  readonly id: string;

  constructor(send: Client['send'], id: string) {
    this.#send = send;
    this.id = id;
  }

  /** Sends a request about the session. */
  send(verb: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Json> {
    return this.#send(verb, `/v1/sessions/${this.id}${path}`, body, headers);
  }

  /** What the session has. */
  async info(): Promise<Json> {
    return (await this.send('GET', '')).session;
  }

  /** `tf.Variable(value)`. */
  async variable(name: string, value: Json, options: { trainable?: boolean; dtype?: string } = {}): Promise<Json> {
    return (await this.send('PUT', pathOf(name), { value, ...options })).variable;
  }

  /** The value of a variable. */
  async valueOf(name: string): Promise<Json> {
    return (await this.send('GET', pathOf(name))).value;
  }

  /** `variable.assign(value)`. */
  async assign(name: string, value: Json): Promise<Json> {
    return (await this.send('PUT', pathOf(name), { value, version: '*' })).variable;
  }

  /** `variable.assign_add(value)`. */
  async assignAdd(name: string, value: Json): Promise<Json> {
    return (await this.send('POST', `${pathOf(name)}/assign_add`, { value })).variable;
  }

  /** `variable.assign_sub(value)`. */
  async assignSub(name: string, value: Json): Promise<Json> {
    return (await this.send('POST', `${pathOf(name)}/assign_sub`, { value })).variable;
  }

  /** `with tf.GradientTape(...)`. */
  async tape({ outer, watch, ...rest }: TapeOptions = {}): Promise<Tape> {
    const { tape } = await this.send('POST', '/tapes', {
      ...rest,
      ...(watch !== undefined && { watch: listed(watch) }),
      ...(outer && { outer: outer.id }),
    });
    return new Tape(this, tape.tape);
  }

  /** The tape of an id. */
  tapeOf(id: string): Tape {
    return new Tape(this, id);
  }
}

/** A tape of a session. */
export class Tape {
  readonly notebook: Notebook;
  readonly id: string;

  constructor(notebook: Notebook, id: string) {
    this.notebook = notebook;
    this.id = id;
  }

  #post(verb: string, body: unknown = {}): Promise<Json> {
    return this.notebook.send('POST', `/tapes/${this.id}/${verb}`, body);
  }

  /** What the service says of it. */
  async info(): Promise<Json> {
    return (await this.notebook.send('GET', `/tapes/${this.id}`)).tape;
  }

  /** A cell that is run under the tape: the values that it gives. */
  async record(
    graph: Json,
    values: Tensors = {},
    rest: { watch?: readonly string[]; outputs?: string | readonly string[] } = {},
  ): Promise<Json> {
    return (await this.recorded(graph, values, rest)).values;
  }

  /** A cell that is run under the tape: the whole reply. */
  recorded(
    graph: Json,
    values: Tensors = {},
    rest: { watch?: readonly string[]; outputs?: string | readonly string[]; options?: Json } = {},
  ): Promise<Json> {
    return this.#post('record', { graph, values, ...rest });
  }

  /** `tape.watch(x)`: names, or tensors under new names. */
  async watch(what: string | readonly string[] | Tensors): Promise<Json> {
    const isNames = typeof what === 'string' || Array.isArray(what);
    const body = isNames ? { names: listed(what as string) } : { values: what, names: Object.keys(what) };
    return (await this.#post('watch', body)).tape;
  }

  /** The start of `with tape.stop_recording()`. */
  async pause(): Promise<Json> {
    return (await this.#post('pause')).tape;
  }

  /** The end of `with tape.stop_recording()`. */
  async resume(): Promise<Json> {
    return (await this.#post('resume')).tape;
  }

  /** `tape.reset()`. */
  async reset(): Promise<Json> {
    return (await this.#post('reset')).tape;
  }

  /** `del tape`. */
  delete(): Promise<Json> {
    return this.notebook.send('DELETE', `/tapes/${this.id}`);
  }

  /** `tape.gradient(targets, sources)`. */
  async gradient(targets: string | readonly string[], sources?: Json, options: AskOptions = {}): Promise<Json> {
    return (await this.ask('gradient', { targets, ...(sources !== undefined && { sources }) }, options)).gradients;
  }

  /** The gradients, and why there are none: `[gradients, reason by source]`. */
  async explained(targets: string | readonly string[], sources?: Json, options: AskOptions = {}): Promise<Json> {
    const reply = await this.ask('gradient', { targets, ...(sources !== undefined && { sources }) }, options);
    return [reply.gradients, reasonsOf(reply)];
  }

  /** `tape.jacobian(target, sources)`. */
  async jacobian(target: string, sources: Json, options: AskOptions = {}): Promise<Json> {
    return (await this.ask('jacobian', { target, sources }, options)).jacobians;
  }

  /** `tape.batch_jacobian(target, sources)`. */
  async batchJacobian(target: string, sources: Json, options: AskOptions = {}): Promise<Json> {
    return (await this.ask('batch_jacobian', { target, sources }, options)).jacobians;
  }

  /** Tangents of the sources in, those of the targets out. */
  async pushforward(tangents: Tensors, targets: string | readonly string[], options: AskOptions = {}): Promise<Json> {
    return (await this.ask('pushforward', { tangents, targets }, options)).tangents;
  }

  /** Cotangents of the targets in, those of the sources out. */
  async pullback(cotangents: Tensors, sources: Json, options: AskOptions = {}): Promise<Json> {
    return (await this.ask('pullback', { cotangents, sources }, options)).cotangents;
  }

  /** A derivative: the whole reply. Unless values were lost, no recorded graph was run for it. */
  async ask(verb: string, body: Json, { record, ...rest }: AskOptions = {}): Promise<Json> {
    const [outer, as] = record ?? [];
    const reply = await this.#post(verb, { ...body, ...rest, ...(outer && { record: { tape: outer.id, as } }) });
    if (!reply.meta.rebuilt && !record) expect(reply.meta.forward_passes, 'a recorded graph was run again').toBe(0);
    return reply;
  }
}

function pathOf(variable: string): string {
  return `/variables/${encodeURIComponent(variable)}`;
}

function listed(names: string | readonly string[]): readonly string[] {
  return typeof names === 'string' ? [names] : names;
}

function mapped<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/** A variable to make: its value alone, or with its fields. */
function newVariable(value: Json): Json {
  return typeof value === 'object' && value !== null && 'value' in value ? value : { value };
}
