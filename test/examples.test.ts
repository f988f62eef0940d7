/** @file Every example, sent over HTTP to a service that listens. */
import { readdirSync, readFileSync } from 'node:fs';
// biome-ignore lint/style/noRestrictedImports: the port wants a logger, and this one is silent.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../engine/engine.ts';
import { createService } from '../services/api/call.ts';
import { METHODS } from '../services/api/index.ts';
import { readConfig } from '../services/config.ts';
import { createApp } from '../services/rest/app.ts';
import { memoryStore } from '../services/sessions/memory.ts';
import { type Exchange, expectReply } from './tape/harness.ts';

interface Example {
  readonly title: string;
  readonly steps: readonly (Exchange & { readonly name: string })[];
}

const FOLDER = new URL('../examples/notebook/', import.meta.url);

const service = createService({
  store: memoryStore(),
  engine: createEngine(),
  config: readConfig({}),
  methods: METHODS,
  log: pino({ level: 'silent' }),
});
const app = createApp({ service });
let origin = '';
beforeAll(async () => {
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

test('there is an example for each cell of the notebook', () => {
  expect(files).toEqual(['n1.json', 'n2.json', 'n3.json', 'n4.json', 'n5.json', 'n6.json', 'n7.json', 'n8.json']);
});

describe.each(files)('%s', (file) => {
  const { title, steps } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Example;
  test.each(steps)(`${title}: $name`, async ({ path, request, expect: wanted }) => {
    const reply = await fetch(origin + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const body = await reply.json();
    expect(reply.status, JSON.stringify(body)).toBe(200);
    expectReply(body, wanted);
  });
});
