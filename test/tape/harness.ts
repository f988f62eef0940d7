/** @file The whole service in process: requests go through the real port, method table and engine, and come back read. */
import { readFileSync } from 'node:fs';
// biome-ignore lint/style/noRestrictedImports: the port wants a logger, and this one is silent.
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { createEngine, type EngineOptions } from '../../engine/engine.ts';
import { DEFAULT_LIMITS, type Limits } from '../../engine/limits.ts';
import { createService } from '../../services/api/call.ts';
import { METHODS } from '../../services/api/index.ts';
import { readConfig } from '../../services/config.ts';
import { createApp } from '../../services/rest/app.ts';
import { memoryStore } from '../../services/sessions/memory.ts';

/** JSON as read: the tests look into it without types of their own. */
// biome-ignore lint/suspicious/noExplicitAny: a reply is whatever the service said.
export type Json = any;

/** A reply: its status, its JSON, and the text it came as. */
export interface Reply {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
}

/** The verbs of the method table. */
export type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One service in process. */
export interface Client {
  send(verb: Verb, path: string, request?: unknown): Promise<Reply>;
  /** Posts a request; text is sent as it is. */
  post(path: string, request: unknown): Promise<Reply>;
  get(path: string): Promise<Reply>;
  /** Posts a request that must succeed, and gives the body of the reply. */
  ok(path: string, request: unknown): Promise<Json>;
  /** Posts a request that must be refused with one of our own problems, and gives the problem. */
  refused(path: string, request: unknown): Promise<Json>;
}

/** What a test may change about the service. */
export interface Settings {
  readonly limits?: Partial<Limits>;
  readonly backend?: EngineOptions['backend'];
}

/** Faults of the service that tests provoke are looked for in every error reply, whatever the test asserts. */
export const LEAKS =
  /node:internal|node_modules|\.ts\b|file:\/\/|\bat \w+ \(|\/work\/|undefined|\[object Object\]|NaN elements/;

/** A service with everything in it but a socket; closed when the test file ends. */
export function client({ limits = {}, backend }: Settings = {}): Client {
  const inForce = { ...DEFAULT_LIMITS, ...limits };
  const service = createService({
    engine: createEngine({ limits: inForce, ...(backend && { backend }) }),
    config: { ...readConfig({}), limits: inForce },
    methods: METHODS,
    log: pino({ level: 'silent' }),
    store: memoryStore(),
  });
  const app = createApp({ service });
  afterAll(() => app.close());
  const send = async (verb: Verb, path: string, request?: unknown): Promise<Reply> => {
    const payload = typeof request === 'string' || request === undefined ? request : JSON.stringify(request);
    const { statusCode, headers, body } = await app.inject({
      method: verb,
      url: path,
      ...(payload !== undefined && { payload, headers: { 'content-type': 'application/json' } }),
    });
    if (statusCode >= 400) expect(body, 'an error reply leaks what is inside').not.toMatch(LEAKS);
    return { status: statusCode, body: bodyOf(headers['content-type'], body), text: body };
  };
  const post = (path: string, request: unknown): Promise<Reply> => send('POST', path, request);
  return {
    send,
    post,
    get: (path) => send('GET', path),
    ok: async (path, request) => {
      const { status, body } = await post(path, request);
      expect(status, `${body.detail}`).toBeGreaterThanOrEqual(200);
      expect(status, `${body.detail}`).toBeLessThan(300);
      return body;
    },
    refused: async (path, request) => {
      const { status, body } = await post(path, request);
      expect(status, JSON.stringify(body).slice(0, 300)).toBeGreaterThanOrEqual(400);
      expect(status, body.detail).toBeLessThan(500);
      expect(body.type).toBe(`/errors/${body.code}`);
      return body;
    },
  };
}

/** What a reply holds: JSON, the data of the last event that has some, or nothing that is read here. */
function bodyOf(type: unknown, text: string): Json {
  if (String(type).includes('json')) return JSON.parse(text);
  if (!String(type).startsWith('text/event-stream')) return undefined;
  const messages = [...text.matchAll(/^event: progress\ndata: (.*)$/gm)];
  return JSON.parse(messages.at(-1)?.[1] ?? 'null');
}

/** Asserts that numbers anywhere in `actual` are those of `expected`, relative to `tolerance`; all else is equal. */
export function expectClose(actual: unknown, expected: unknown, tolerance = 1e-6, at = 'reply'): void {
  if (typeof expected === 'number') {
    if (typeof actual !== 'number') expect.fail(`${at} is ${JSON.stringify(actual)}, expected ${expected}`);
    const allowed = tolerance * Math.max(1, Math.abs(expected));
    expect(Math.abs(actual - expected), `${at} is ${actual}, expected ${expected}`).toBeLessThanOrEqual(allowed);
    return;
  }
  if (typeof expected !== 'object' || expected === null) {
    expect(actual, at).toEqual(expected);
    return;
  }
  if (typeof actual !== 'object' || actual === null) expect.fail(`${at} is ${JSON.stringify(actual)}`);
  expect(Array.isArray(actual), at).toBe(Array.isArray(expected));
  expect(Object.keys(actual).sort(), at).toEqual(Object.keys(expected).sort());
  for (const [key, value] of Object.entries(expected))
    expectClose((actual as Json)[key], value, tolerance, `${at}.${key}`);
}

/** A request and what its reply must hold. */
export interface Exchange {
  readonly path: string;
  readonly request: unknown;
  /** Fields of the reply; of `unconnected` the reason alone, by source. */
  readonly expect: Readonly<Record<string, unknown>>;
}

/** Asserts that a reply holds what is expected; fields not named in it may be anything. */
export function expectReply(body: Json, expected: Exchange['expect'], tolerance?: number): void {
  for (const [field, value] of Object.entries(expected))
    expectClose(field === 'unconnected' ? reasonsOf(body) : body[field], value, tolerance, field);
}

/** The reasons of a reply, by source. */
export function reasonsOf(body: Json): Record<string, string> {
  return Object.fromEntries(Object.entries(body.unconnected).map(([name, why]) => [name, (why as Json).reason]));
}

/** The shape of nested lists. */
export function shapeOf(tensor: unknown): number[] {
  return Array.isArray(tensor) ? [tensor.length, ...shapeOf(tensor[0])] : [];
}

/** A node of a graph document. */
export function node(
  name: string,
  op: string,
  inputs: readonly (string | number | boolean)[] = [],
  params?: Readonly<Record<string, unknown>>,
): object {
  return { name, op, inputs, ...(params && { params }) };
}

/** What TensorFlow gave for the cases of `test/oracles/tape.py`: inputs and results, by case. */
export const TENSORFLOW: Readonly<Record<string, Json>> = JSON.parse(
  readFileSync(new URL('golden/tensorflow.json', import.meta.url), 'utf8'),
);

/** An exchange with a gradient; `expect` as its reply. */
export interface Case extends Omit<Exchange, 'path'> {
  readonly title: string;
  readonly path?: string;
  /** Float32 rounding grows with the length of the computation. */
  readonly tolerance?: number;
}

/** One test for each case. */
export function testCases(service: Client, cases: readonly Case[]): void {
  test.each(cases)('$title', async ({ path = '/v1/gradient', request, expect: wanted, tolerance }) => {
    expectReply(await service.ok(path, request), wanted, tolerance);
  });
}

/** A node that takes one of two sub-graphs. */
export function choice(name: string, inputs: readonly string[], whenTrue: object, whenFalse: object): object {
  // biome-ignore lint/suspicious/noThenProperty: the param's name is part of the API, and its value is no function.
  return node(name, 'cond', inputs, { then: whenTrue, else: whenFalse });
}
