/** @file The service as a process of its own, and a client of it that adds little of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A service under measurement. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** Starts the service on a free port, with a folder of its own for what it keeps. */
export async function startService(environment: Readonly<Record<string, string>> = {}): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'adjoint-bench-'));
  const child = spawn(process.execPath, ['services/main.ts'], {
    env: { ...process.env, ADJOINT_PORT: '0', ADJOINT_DATA: folder, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGINT');
    await exited;
    await rm(folder, { recursive: true });
  };
  for await (const line of createInterface(child.stdout)) {
    const [url] = /http:\/\/[\d.]+:\d+/.exec(line) ?? [];
    if (url === undefined) continue;
    // From here on nobody reads what it says.
    child.stdout.resume();
    return { url, pid: child.pid as number, [Symbol.asyncDispose]: stop };
  }
  throw new Error('the service ended before it listened');
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
