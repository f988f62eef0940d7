/** @file A worker process as its supervisor has it: started, spoken to, and known to have ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { keyOf } from '../sessions/session.ts';
import type { SessionRow } from '../sessions/store.ts';
import { Board, PLACES } from './board.ts';
import { Channel } from './channel.ts';
import { DESCRIPTORS, type FromWorker, type JobMessage, type Start, type ToWorker } from './protocol.ts';

const PROGRAM = fileURLToPath(new URL('worker.ts', import.meta.url));

/** Sessions whose revisions are remembered. */
const MAX_REVISIONS = 10_000;

/** Bytes of a page of memory, as the system counts them. */
const PAGE_BYTES = 4096;

/** What a supervisor does with what it hears from a worker. */
export interface Listener {
  /** It can be given jobs. */
  ready(worker: WorkerProcess): void;
  /** The configuration asks for what it cannot do. */
  unfit(worker: WorkerProcess, why: string): void;
  /** The elements of the message's arrays lie in `block`. */
  heard(worker: WorkerProcess, message: JobMessage, block: ArrayBuffer): void;
  /** It has ended; `why` says how. */
  ended(worker: WorkerProcess, why: string): void;
}

/** A worker process. */
export class WorkerProcess {
  readonly name: string;
  readonly board: Board;
  readonly device: 'cpu' | 'gpu';
  /** The name of the backend that it computes with, once it is ready. */
  backend: string | undefined;
  gpu: Extract<FromWorker, { type: 'ready' }>['gpu'];
  readonly started = performance.now();
  readonly #process: ChildProcess;
  readonly #channel: Channel;
  readonly #listener: Listener;
  readonly #free = Array.from({ length: PLACES }, (_, place) => place);
  readonly #revisions = new Map<string, number>();
  #killedFor: string | undefined;
  #hasEnded = false;

  /** `cache` is a folder where the code of this project is kept compiled, if anywhere: that halves the start. */
  constructor(start: Start, cache: string | undefined, listener: Listener) {
    this.name = start.name;
    this.device = start.device;
    this.#listener = listener;
    this.board = Board.create(start.folder, `${start.name}-board`);
    this.#process = spawn(process.execPath, [PROGRAM, JSON.stringify(start)], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', this.board.fd],
      env: { ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }), ...process.env },
    });
    this.#channel = new Channel({
      socket: this.#process.stdio[DESCRIPTORS.channel] as Socket,
      folder: start.folder,
      own: `to-${start.name}`,
      other: start.name,
      receive: (message, block) => this.#heard(message as FromWorker, block),
      closed: (reason) => this.#isCutOff(reason),
    });
    this.#process.once('error', (reason) => this.#ended(reason.message));
    this.#process.once('exit', (code, signal) => this.#ended(signal ?? `exit code ${code}`));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isReady(): boolean {
    return this.backend !== undefined && !this.#hasEnded && this.#killedFor === undefined;
  }

  /** A place for a job; there are as many as the board has. */
  place(): number {
    const place = this.#free.pop() as number;
    this.board.flag(place, false);
    return place;
  }

  /** The job at a place has ended. */
  leave(place: number): void {
    this.#free.push(place);
  }

  send(message: ToWorker): void {
    void this.#channel.send(message);
  }

  /** It has been sent all of a session up to a revision. */
  knows(tenant: string, { id, revision }: SessionRow): void {
    const key = keyOf(tenant, id);
    this.#revisions.delete(key);
    this.#revisions.set(key, revision);
    if (this.#revisions.size > MAX_REVISIONS) this.#revisions.delete(this.#revisions.keys().next().value as string);
  }

  /** The revision of a session that it has, unless it has let go of it. */
  revisionOf(tenant: string, session: string): number | undefined {
    return this.#revisions.get(keyOf(tenant, session));
  }

  /** Ends it at once; it will be known to have ended for this reason. */
  kill(why: string): void {
    if (this.#hasEnded) return;
    this.#killedFor ??= why;
    this.#process.kill('SIGKILL');
  }

  /** Bytes of memory that it has in use; 0 where the system does not say. */
  get memory(): number {
    try {
      const [, resident] = readFileSync(`/proc/${this.pid}/statm`, 'latin1').split(' ');
      return Number(resident) * PAGE_BYTES;
    } catch {
      return 0;
    }
  }

  #heard(message: FromWorker, block: ArrayBuffer): void {
    if (message.type === 'unfit') this.#listener.unfit(this, message.why);
    else if (message.type === 'broken') this.kill(message.why);
    else if (message.type === 'ready') {
      this.backend = message.backend;
      this.gpu = message.gpu;
      this.#listener.ready(this);
    } else this.#listener.heard(this, message, block);
  }

  /** Without a channel it is of no use, and may not know it; one that is ending anyway shall say how. */
  #isCutOff(reason: Error | undefined): void {
    if (reason) this.kill(`its channel failed: ${reason.message}`);
    else setTimeout(() => this.kill('its channel closed'), 1000).unref();
  }

  #ended(how: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#channel.close();
    this.#listener.ended(this, this.#killedFor ?? how);
    this.board.close();
  }
}
