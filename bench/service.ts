/** @file The service as a process of its own, and a client of it that adds little of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The request of the notebook's matrix example, cell N2. */
export const N2 = {
  graph: 'loss = mean((x @ w + b) ** 2)',
  values: {
    x: [[1, 2, 3]],
    w: [
      [0.5, -1],
      [1, 0.25],
      [-0.5, 2],
    ],
    b: [0, 0],
  },
  sources: ['w', 'b'],
};

/** A service under measurement. */
export interface Service extends AsyncDisposable {
  readonly url: string;
}

/** Starts the service on a port, with a folder of its own for what it keeps, and waits until it is ready. */
export async function startService(port: number, environment: Readonly<Record<string, string>> = {}): Promise<Service> {
  const url = `http://127.0.0.1:${port}`;
  const folder = await mkdtemp(join(tmpdir(), 'adjoint-bench-'));
  const settings = {
    ADJOINT_PORT: String(port),
    ADJOINT_GRPC_PORT: 'off',
    ADJOINT_LOG_LEVEL: 'error',
    ADJOINT_DATA: folder,
    ...environment,
  };
  const child = spawn(process.execPath, ['services/main.ts'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    // A service that fell over has no exit to wait for any more.
    if (child.exitCode === null && child.kill('SIGINT')) await once(child, 'exit');
    await rm(folder, { recursive: true });
  };
  for (let attempt = 0; attempt < 400; attempt++) {
    const ready = await fetch(`${url}/readyz`).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ready) return { url, [Symbol.asyncDispose]: stop };
    await sleep(50);
  }
  await stop();
  throw new Error('the service did not become ready');
}

/** One kept connection. */
export class Connection {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  /** Sends a request and reads the reply to its end; throws unless it is a 2xx. */
  send(
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const length = { ...(body !== undefined && { ...headers, 'content-length': Buffer.byteLength(body) }) };
      const sent = request(`${this.#url}${path}`, { method, agent: this.#agent, headers: length }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('end', () => {
          const answer = Buffer.concat(chunks);
          const status = reply.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(answer);
          else reject(new Error(`${method} ${path}: ${status} ${answer.toString().slice(0, 300)}`));
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Posts JSON, and reads JSON. */
  async post(path: string, json: unknown): Promise<unknown> {
    return JSON.parse((await this.send('POST', path, JSON.stringify(json))).toString());
  }

  /** Posts JSON with tensors as raw bytes behind it, in the order in which the JSON has them. */
  postBinary(path: string, json: unknown, tensors: readonly NodeJS.ArrayBufferView[]): Promise<Buffer> {
    const head = Buffer.from(JSON.stringify(json));
    const bytes = tensors.map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
    );
    return this.send('POST', path, Buffer.concat([head, ...bytes]), {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A share of samples, in order: 0.5 is the median. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
