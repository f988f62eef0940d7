/** @file An operation over a restart of the real service, killed in the middle of a minimization. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../store/stores.ts';

/** The service as a process of its own, over a folder. */
async function start(folder: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['services/main.ts'], {
    env: {
      ADJOINT_PORT: '0',
      ADJOINT_BACKEND: 'portable',
      ADJOINT_CODE_CACHE: 'off',
      ADJOINT_DATA: folder,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  for await (const line of lines) {
    const [url] = /http:\/\/[^",]+/.exec(line.includes('listening') ? line : '') ?? [];
    if (url === undefined) continue;
    while ((await fetch(`${url}/readyz`)).status !== 200) await sleep(10);
    return { child, url };
  }
  throw new Error('the service did not start');
}

async function send(url: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const reply = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, headers: reply.headers, body: JSON.parse(await reply.text()) };
}

test('a minimization goes on where it had come to, takes as many steps as were asked for, and its key still replays', async () => {
  const folder = temporaryFolder();
  const first = await start(folder);
  const made = await send(first.url, '/v1/sessions', { variables: { w: { value: [5, -3] } } });
  expect(made.status).toBe(201);
  const path = made.headers.get('location') ?? '';
  // Between two commits lie few steps, and all of them take a second or so.
  const request = {
    graph: 'loss = sum((w - 1) ** 2)',
    optimizer: { name: 'sgd', learning_rate: 1e-6 },
    until_step: 400_000,
    commit_interval_ms: 20,
    progress_interval_ms: 20,
  };
  const headers = { prefer: 'respond-async', 'idempotency-key': 'm' };
  const started = await send(first.url, `${path}/minimize`, request, headers);
  expect(started).toMatchObject({ status: 202, body: { operation: { method: 'Minimize' } } });
  const place = started.headers.get('location') ?? '';
  let step = 0;
  while (step === 0) step = (await send(first.url, place)).body.operation.progress?.step ?? 0;
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await start(folder);
  const again = await send(second.url, `${path}/minimize`, request, headers);
  expect([again.status, again.headers.get('location')]).toEqual([202, place]);
  let body = '';
  const events = await fetch(`${second.url}${place}/events`);
  for await (const chunk of events.body as ReadableStream<Uint8Array>) body += Buffer.from(chunk).toString();
  expect(body.endsWith('event: done\ndata: {}\n\n')).toBe(true);
  const { operation } = (await send(second.url, place)).body;
  expect(operation).toMatchObject({ state: 'succeeded', attempts: 2, response: { step: 400_000 } });
  const { value } = (await send(second.url, `${path}/variables/w`)).body;
  // w - 1 shrinks by 1 - 2e-6 a step, all steps together by exp(-0.8).
  const shrunk = (1 - 2e-6) ** 400_000;
  for (const [i, start] of [5, -3].entries()) expect(value[i]).toBeCloseTo(1 + (start - 1) * shrunk, 2);
});
