import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openLlvm } from '../../engine/backends/native/llvm.ts';
import { start } from '../service-process.ts';

/** Resolves to the URL that the service says it listens on. */
async function listening(printed: readonly string[]): Promise<string> {
  for (;;) {
    const [url] = /http:\/\/[^",]+/.exec(printed.find((line) => line.includes('listening')) ?? '') ?? [];
    if (url !== undefined) return url;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the process', () => {
  test('says in one line for each port where it listens, and ends with 0 on SIGINT', async () => {
    const { child, printed } = start({ ADJOINT_DRAIN_DELAY_MS: '60000' });
    const url = await listening(printed);
    while (!printed.some((line) => line.includes('gRPC'))) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(printed).toHaveLength(2);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('on SIGTERM it is unready, serves what it has begun, and ends with 0', async () => {
    const { child, printed } = start({ ADJOINT_DRAIN_DELAY_MS: '400' });
    const url = await listening(printed);
    const body = '{"graph":"y = x ** 2","values":{"x":3}}';
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    const head = `POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    socket.write(`${head}\r\n\r\n${body.slice(0, 5)}`);
    await once(socket, 'ready');
    // Answered after the socket above was accepted, so that its request has begun.
    await fetch(`${url}/healthz`);
    child.kill('SIGTERM');
    while (!printed.some((line) => line.includes('stopping'))) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    socket.write(body.slice(5));
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(heard).toContain('"y":9');
  });

  test('a client that never finishes does not hold up the stop', async () => {
    const { child, printed } = start({ ADJOINT_DRAIN_TIMEOUT_MS: '300' });
    const socket = connect(Number(new URL(await listening(printed)).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /v1/evaluate HTTP/1.1\r\nHost: x\r\n');
    await once(socket, 'ready');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test.each([
    [{ ADJOINT_HOST: '0.0.0.0' }, 'ADJOINT_HOST: other hosts can reach this address'],
    [{ ADJOINT_PORT: 'x' }, 'ADJOINT_PORT: '],
    [{ ADJOINT_GRPC_PORT: 'x' }, 'ADJOINT_GRPC_PORT: '],
  ])('%o ends it with one clear line', async (environment, line) => {
    const { child, printed } = start(environment as Record<string, string>);
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(printed).toHaveLength(1);
    expect(printed[0]).toContain(line);
  });

  test('a port that is taken ends it with one clear line', async () => {
    const port = new URL(await listening(start({}).printed)).port;
    const { child, printed } = start({ ADJOINT_PORT: port });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(printed).toEqual([expect.stringContaining(`Cannot listen on 127.0.0.1:${port}: `)]);
  });
});

describe('what computes', () => {
  /**
   * Cell N2 of the GradientTape notebook: `w` has the gradient xᵀ y, and `b` has y = x @ w. Equal rows of `x` change
   * neither, and are more work.
   */
  const [w, b] = [
    [2.2, 2.8, 4.4, 5.6, 6.6, 8.4],
    [2.2, 2.8],
  ];

  /** Asks for the gradient, checks it, and says which backend answered. */
  async function ask(url: string, rows = 1): Promise<string> {
    const values = {
      x: new Array(rows).fill([1, 2, 3]),
      w: [
        [0.1, 0.2],
        [0.3, 0.4],
        [0.5, 0.6],
      ],
      b: [0, 0],
    };
    const response = await fetch(`${url}/v1/gradient`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ graph: 'loss = mean((x @ w + b) ** 2)', values, sources: ['w', 'b'] }),
    });
    const answer = (await response.json()) as { gradients: unknown[][]; meta: { backend: string } };
    const flat = answer.gradients.flat(2) as number[];
    [...w, ...b].forEach((expected, i) => expect(flat[i]).toBeCloseTo(expected, 5));
    return answer.meta.backend;
  }

  const warningsIn = (printed: readonly string[]): { level: number; msg: string }[] =>
    printed.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40);

  test('without libLLVM, JavaScript does, and one line says how to get one', async () => {
    const { printed } = start({ ADJOINT_BACKEND: 'auto', ADJOINT_LLVM: '/nonexistent' });
    const url = await listening(printed);
    for (const rows of [1, 1, 1000, 1000]) expect(await ask(url, rows)).toBe('portable');
    const warnings = warningsIn(printed);
    expect(warnings).toEqual([
      expect.objectContaining({ level: 40, msg: expect.stringContaining('/nonexistent is no libLLVM') }),
    ]);
    expect(warnings[0]?.msg).toContain('apt-get install libllvm19');
  });

  test('without libLLVM, a service that is to run native code ends with one clear line', async () => {
    const { child, printed } = start({ ADJOINT_BACKEND: 'native', ADJOINT_LLVM: '/nonexistent' });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(printed).toEqual([
      expect.stringMatching(/^ADJOINT_BACKEND is native, but \/nonexistent is no libLLVM; apt-get install libllvm19/),
    ]);
  });

  test.skipIf(!openLlvm())('with libLLVM, native code does after a while', async () => {
    const { child, printed } = start({ ADJOINT_BACKEND: 'auto' });
    const url = await listening(printed);
    while ((await ask(url, 1000)) !== 'native') await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ask(url, 1000)).toBe('native');
    expect(warningsIn(printed)).toEqual([]);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test.skipIf(!openLlvm())(
    'with libLLVM, native code does from the first request on where that is asked for',
    async () => {
      const { child, printed } = start({ ADJOINT_BACKEND: 'native' });
      const url = await listening(printed);
      for (let i = 0; i < 2; i++) expect(await ask(url)).toBe('native');
      expect(warningsIn(printed)).toEqual([]);
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([0, null]);
    },
  );
});
