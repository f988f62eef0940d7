/** @file A contestant: a process that computes cases, asked by lines of JSON and idle in between. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Question, Replies } from './protocol.ts';

/** How to start a contestant. */
export interface Command {
  readonly name: 'ours' | 'gpu' | 'jax' | 'torch';
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A contestant that could not do what it was asked; `message` says why. */
export class Forfeit extends Error {}

/** A started contestant. */
export class Contestant {
  readonly name: Command['name'];
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor({ name, file, args, env }: Command) {
    this.name = name;
    this.#process = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    // Without these, a file that cannot be started, or a question to a process that died, would end the benchmark.
    this.#process.on('error', () => {});
    this.#process.stdin?.on('error', () => {});
    const reader = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /** The reply to a question; throws `Forfeit` when there is none within the limit, and the process is no more then. */
  async ask<Q extends Question>(question: Q, limitSeconds: number): Promise<Replies[Q['ask']]> {
    this.#process.stdin?.write(`${JSON.stringify(question)}\n`);
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => resolve('late'), limitSeconds * 1000);
    const line = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (line === 'late') {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
      throw new Forfeit(`took more than ${limitSeconds} s`);
    }
    if (line.done) throw new Forfeit('its process ended');
    const reply = JSON.parse(line.value) as Replies[Q['ask']] & { readonly error?: string };
    if (reply.error !== undefined) throw new Forfeit(reply.error);
    return reply;
  }

  /** The process. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends the process and waits until it has ended. */
  async stop(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#process;
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    const ended = once(this.#process, 'exit');
    this.#process.stdin?.end();
    // JAX may be compiling still, and nothing is lost with it.
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(timer);
  }
}
