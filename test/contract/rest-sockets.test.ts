import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { signals, type TestApp, testApp } from './rest-harness.ts';

async function listen(environment: Record<string, string> = {}): Promise<TestApp> {
  const app = testApp({ environment });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
}

/** Sends each piece after a pause, and resolves to all that came back when the server hung up. */
async function talk(app: TestApp, pieces: Iterable<string | Buffer>, pause = 0): Promise<string> {
  const socket = open(app);
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk.toString()));
  // Not `once` of node:events, which rejects on the errors that do not matter here.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (socket.readyState !== 'open') break;
    socket.write(piece);
    await sleep(pause);
  }
  await closed;
  return heard;
}

function open(app: TestApp): Socket {
  const socket = connect(Number(new URL(app.listeningOrigin).port), '127.0.0.1');
  // A server that hangs up in the middle of a write resets the connection.
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function* trickle(head: string, piece: string): Generator<string> {
  yield head;
  for (;;) yield piece;
}

const POST = 'POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const TIMEOUTS = { ADJOINT_HEADERS_TIMEOUT_MS: '300', ADJOINT_REQUEST_TIMEOUT_MS: '600' };

describe('T17: slow clients', () => {
  test.each([
    ['headers', trickle('POST /v1/echo HTTP/1.1\r\n', 'X-A: b\r\n')],
    ['a body', trickle(`${POST}Content-Length: 100000\r\n\r\n`, ' ')],
    ['a chunked body', trickle(`${POST}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n')],
  ])('%s in a trickle is answered 408 in time', async (_, pieces) => {
    const app = await listen(TIMEOUTS);
    const started = performance.now();
    const heard = await talk(app, pieces, 20);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(heard).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(heard).toContain('Content-Type: application/problem+json');
    expect(heard).toContain('"code":"request_timeout"');
    expect((await fetch(`${app.listeningOrigin}/healthz`)).status).toBe(200);
  });

  test('an idle connection is closed', async () => {
    const app = await listen({ ADJOINT_KEEP_ALIVE_TIMEOUT_MS: '100' });
    const heard = await talk(app, ['GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n']);
    expect(heard).toContain('{"status":"ok"}');
  });
});

describe('what is no request', () => {
  test.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['headers over 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    ['two lengths', `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ])('%s', async (_, bytes, status) => {
    const heard = await talk(await listen(), [bytes]);
    expect(heard).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(heard).not.toMatch(/node:|\.js|HPE_/);
  });

  test('a body over the limit is 413 although the client goes on sending', async () => {
    const app = await listen({ ADJOINT_BODY_LIMIT: '100000' });
    const body = new Uint8Array(20_000_000).fill(0x20);
    const headers = { 'content-type': 'application/json' };
    for (const sent of [body, new Blob([body]).stream()]) {
      const init: RequestInit = { method: 'POST', headers, body: sent };
      const reply = await fetch(`${app.listeningOrigin}/v1/echo`, { ...init, duplex: 'half' } as RequestInit);
      expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([413, 'body_too_large']);
    }
  });

  test('a body cut short is nobody’s answer, and the next request is served', async () => {
    const app = await listen();
    const socket = open(app);
    socket.write(`${POST}Content-Length: 100\r\n\r\n{`);
    await sleep(50);
    socket.destroy();
    await sleep(50);
    expect((await fetch(`${app.listeningOrigin}/healthz`)).status).toBe(200);
  });
});

describe('deadlines', () => {
  const wait = (app: TestApp, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(`${app.listeningOrigin}/v1/wait`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });

  test.each([
    ['the header', {}, { 'x-timeout-ms': '50' }, 50],
    ['the option', { options: { timeout_ms: 60 } }, {}, 60],
    ['the shorter of both', { options: { timeout_ms: 1000 } }, { 'x-timeout-ms': '70' }, 70],
    ['the default', {}, {}, 80],
  ])('%s sets it', async (_, body, headers, milliseconds) => {
    const app = await listen({ ADJOINT_TIMEOUT_MS: '80', ADJOINT_MAX_TIMEOUT_MS: '2000' });
    const reply = await wait(app, body, headers as Record<string, string>);
    expect(reply.status).toBe(504);
    expect(await reply.json()).toMatchObject({
      code: 'deadline_exceeded',
      detail: `the computation took longer than ${milliseconds} ms`,
    });
    expect(signals.at(-1)?.aborted).toBe(true);
  });

  test('it ends a computation that never yields', async () => {
    const reply = await testApp().inject({ method: 'POST', url: '/v1/spin', payload: { options: { timeout_ms: 30 } } });
    expect(reply.json()).toMatchObject({ status: 504, detail: 'the computation took longer than 30 ms' });
  });

  test.each(['0', '-1', '1.5', '2001', 'soon', '1e2'])('X-Timeout-Ms: %s is refused', async (header) => {
    const app = await listen({ ADJOINT_TIMEOUT_MS: '80', ADJOINT_MAX_TIMEOUT_MS: '2000' });
    expect((await wait(app, {}, { 'x-timeout-ms': header })).status).toBe(400);
  });

  test('a client that goes away aborts the work', async () => {
    const app = await listen();
    const seen = signals.length;
    const client = new AbortController();
    const reply = wait(app, {}, {}, client.signal).catch(() => 'gone');
    while (signals.length === seen) await sleep(5);
    client.abort();
    expect(await reply).toBe('gone');
    const signal = signals.at(-1) as AbortSignal;
    if (!signal.aborted) await once(signal, 'abort');
    expect(signal.reason).toMatchObject({ code: 'cancelled' });
  });
});

describe('T18: many large bodies at once', () => {
  test('are refused before they are read when they are more than may be in flight, and welcome when others are done', async () => {
    const app = await listen({ ADJOINT_BODY_LIMIT: '2048', ADJOINT_IN_FLIGHT_BYTES: '3000' });
    const send = (bytes: number): Socket => {
      const socket = open(app);
      socket.write(`${POST}Content-Length: ${bytes}\r\n\r\n{`);
      return socket;
    };
    const first = send(2000);
    await once(first, 'ready');
    // Served after the first connection's headers were.
    await fetch(`${app.listeningOrigin}/healthz`);
    const refused = await talk(app, [`${POST}Content-Length: 1001\r\nConnection: close\r\n\r\n`]);
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused).toMatch(/\r\nretry-after: 1\r\n/i);
    expect(refused).toContain('2000 bytes; with 1001 more they would be over 3000');
    const exactly = await talk(app, [`${POST}Content-Length: 1000\r\nConnection: close\r\n\r\n{${' '.repeat(998)}}`]);
    expect(exactly).toMatch(/^HTTP\/1\.1 200 /);
    first.destroy();
    await expect
      .poll(async () =>
        (await talk(app, [`${POST}Content-Length: 2000\r\nConnection: close\r\n\r\n{${' '.repeat(1998)}}`])).slice(
          9,
          12,
        ),
      )
      .toBe('200');
  });
});
