/**
 * @file The pool: engine processes, the queue in front of them, and what happens when one of them ends. A job whose
 * worker ended is begun once more elsewhere; the graph that was computed when workers ended twice is computed no more.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { EngineError } from '../../engine/errors.ts';
import { digest } from '../../engine/program/hash.ts';
import { type EngineMethod, isStream, type Terms } from '../api/method.ts';
import { type Config, ConfigError } from '../config.ts';
import type { Update } from '../sessions/home.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Draft } from '../sessions/store.ts';
import { homeOf } from './affinity.ts';
import { type Device, processor } from './devices.ts';
import type { Engines } from './engines.ts';
import { type Listener, WorkerProcess } from './process.ts';
import { type FromWorker, fromFault, type Question, toFault } from './protocol.ts';
import { Quarantine } from './quarantine.ts';
import { Queue } from './queue.ts';
import { openFolder } from './segments.ts';
import { Task } from './task.ts';

/** Milliseconds of a worker that a job is taken to cost that nobody has seen before. */
const UNKNOWN_COST = 10;

/** Milliseconds of jobs that are sent to a worker before it is done with the one before. */
const AHEAD = 2;

/** How many jobs' costs are remembered. */
const MAX_COSTS = 10_000;

/** Milliseconds of a worker, and times seen, after which a job is tried in this process. */
const TINY = { cost: 0.5, seen: 3 } as const;

/** Bytes of a variable that are sent to a worker before it asks. */
const SLIM_BYTES = 4096;

/** Milliseconds between two looks at the workers' memory. */
const WATCH_INTERVAL = 250;

/** Milliseconds after which a worker that ended counts as one that had worked. */
const SETTLED = 10_000;

/** Milliseconds until a worker is started again that ended soon after its start: at first, and at most. */
const BACK_OFF = { first: 100, most: 10_000 } as const;

/** How often a job is given to a worker in all, when workers end that computed something else. */
const MAX_TRIES = 4;

/** What a pool is made of. */
export interface PoolOptions {
  readonly config: Config;
  readonly log: Logger;
  /** An engine in this process for what costs less than the way to another one; its limits refuse all else. */
  readonly tiny: Engines;
}

/** What is known of a job that has run before. */
interface Known {
  /** Milliseconds of a worker. */
  cost: number;
  seen: number;
  /** Whether the engine in this process has refused it. */
  isLarge: boolean;
}

/** A place for a worker; the worker in it changes. */
interface Slot {
  readonly index: number;
  worker: WorkerProcess | undefined;
  /** What it has been given and not answered. */
  readonly tasks: Map<number, Task>;
  /** How many workers in a row ended soon after their start. */
  failures: number;
}

/** Engine processes. */
export class Pool implements Engines {
  readonly quarantine = new Quarantine();
  readonly #options: PoolOptions;
  readonly #folder: string;
  readonly #slots: readonly Slot[];
  readonly #queue: Queue<Task>;
  /** What is known of jobs, those that ran last at the end. */
  readonly #known = new Map<string, Known>();
  /** Workers that are started and have no slot yet. */
  #spares: WorkerProcess[] = [];
  #sessions: Sessions | undefined;
  #started = 0;
  /** The name of the backend that the workers compute with. */
  #backend = 'none';
  /** How many workers have ended. */
  #restarts = 0;
  #isClosing = false;
  /** Whether a worker has ever been ready. */
  #hasStarted = false;
  readonly #watch: NodeJS.Timeout;
  readonly #ready = Promise.withResolvers<void>();
  readonly #listener: Listener = {
    ready: (worker) => this.#isReady(worker),
    unfit: (why) => this.#ready.reject(new ConfigError([why])),
    heard: (worker, message) => this.#heard(worker, message),
    ended: (worker, why) => this.#hasEnded(worker, why),
  };

  private constructor(folder: string, options: PoolOptions) {
    this.#folder = folder;
    this.#options = options;
    const { workers, queue } = options.config;
    this.#queue = new Queue(queue);
    this.#slots = Array.from({ length: workers }, (_, index) => ({
      index,
      worker: undefined,
      tasks: new Map(),
      failures: 0,
    }));
    // What one cannot start with, none can: the others wait for the first.
    (this.#slots[0] as Slot).worker = this.#start();
    this.#watch = setInterval(() => this.#look(), WATCH_INTERVAL);
  }

  /** Starts the workers; resolves when one of them can be given jobs. Throws when they say that they never can. */
  static async open(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(await openFolder(), options);
    await pool.#ready.promise;
    return pool;
  }

  /** Whether a worker can be given jobs. */
  get isReady(): boolean {
    return this.#slots.some(({ worker }) => worker?.isReady);
  }

  devices(): readonly Device[] {
    const workers = this.#slots.flatMap(({ worker }) => worker ?? []);
    const ready = workers.filter(({ isReady }) => isReady).length;
    return [processor(this.#backend, { workers: this.#slots.length, ready, restarts: this.#restarts })];
  }

  /** Serves the requests of a service, whose sessions are here. */
  serve(sessions: Sessions): Engines {
    this.#sessions = sessions;
    return this;
  }

  perform(method: EngineMethod, request: unknown, terms: Terms): unknown {
    const key = keyOf(request);
    if (isStream(method)) return this.#stream(method, request, terms, key);
    const known = this.#known.get(nameOf(method, key));
    if (known && this.#options.config.inlineFlops > 0 && isTiny(known, request))
      return this.#performHere(method, request, terms, key, known);
    return this.#call(method, request, terms, key);
  }

  forget(tenant: string, session: string): void {
    for (const worker of this.#workers()) worker.send({ type: 'forget', tenant, session });
  }

  /** Tries a job in this process; what is refused here is for a worker to answer, with the limits that count. */
  async #performHere(
    method: EngineMethod,
    request: unknown,
    terms: Terms,
    key: string,
    known: Known,
  ): Promise<unknown> {
    try {
      return await this.#options.tiny.perform(method, request, terms);
    } catch (reason) {
      if (terms.deadline.signal.aborted) throw reason;
      known.isLarge = true;
      return this.#call(method, request, terms, key);
    }
  }

  async #call(method: EngineMethod, request: unknown, terms: Terms, key: string): Promise<unknown> {
    const task = this.#begin(method, request, terms, key);
    try {
      const event = await task.next();
      return 'response' in event ? event.response : undefined;
    } finally {
      this.#left(task);
    }
  }

  async *#stream(method: EngineMethod, request: unknown, terms: Terms, key: string): AsyncGenerator<unknown> {
    const task = this.#begin(method, request, terms, key);
    try {
      for (;;) {
        const event = await task.next();
        if ('response' in event) return;
        yield event.message;
        const { at } = task;
        at?.worker.send({ type: 'next', place: at.place });
      }
    } finally {
      this.#left(task);
    }
  }

  /** Ends the workers. What they compute is lost. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#watch);
    for (const worker of this.#workers()) worker.kill('the service is stopping');
    await rm(this.#folder, { recursive: true, force: true });
  }

  *#workers(): Generator<WorkerProcess> {
    for (const { worker } of this.#slots) if (worker) yield worker;
    yield* this.#spares;
  }

  #begin(method: EngineMethod, request: unknown, terms: Terms, key: string): Task {
    const { session } = request as { readonly session?: string };
    this.quarantine.check(key);
    const task = new Task(method, request, terms, {
      key,
      home: homeOf(session ?? key, this.#slots.length),
      isBound: session !== undefined,
      cost: this.#known.get(nameOf(method, key))?.cost ?? UNKNOWN_COST,
    });
    const { signal } = terms.deadline;
    signal.throwIfAborted();
    signal.addEventListener('abort', () => this.#isUnwanted(task), { once: true });
    const dropped = this.#queue.push(task, this.#retryAfter());
    dropped?.fail(
      new EngineError(
        'rate_limited',
        'requests of others came, and yours are most of those that wait',
        {},
        [],
        this.#retryAfter(),
      ),
    );
    this.#dispatch();
    return task;
  }

  /** Seconds until what waits now will have been done, roughly. */
  #retryAfter(): number {
    const seconds = this.#queue.cost / 1000 / this.#slots.length;
    return Math.min(60, Math.max(1, Math.ceil(seconds)));
  }

  /** Nobody waits for a job any more, before or after its end. */
  #left(task: Task): void {
    if (!task.hasEnded) this.#isUnwanted(task);
  }

  #isUnwanted(task: Task): void {
    if (task.hasEnded) return;
    const { signal } = task.terms.deadline;
    const reason = signal.aborted
      ? EngineError.from(signal.reason)
      : new EngineError('cancelled', 'nobody waits for the answer any more');
    const { at } = task;
    if (at === undefined) {
      this.#queue.remove(task);
      task.fail(reason);
      return;
    }
    at.worker.board.flag(at.place, true);
    at.worker.send({ type: 'cancel', place: at.place, fault: toFault(reason) });
    this.#killAfterGrace(task, at.worker, reason);
  }

  /** Ends a worker that computes what nobody wants, when it has not heard of that after a time of grace. */
  #killAfterGrace(task: Task, worker: WorkerProcess, reason: EngineError): void {
    setTimeout(() => {
      if (task.hasEnded || task.at?.worker !== worker) return;
      // One that waits behind another is skipped when its turn comes.
      if (worker.board.running !== task.at.place) return this.#killAfterGrace(task, worker, reason);
      worker.kill(`it went on ${this.#options.config.grace} ms after: ${reason.message}`);
    }, this.#options.config.grace).unref();
  }

  /** Gives workers what waits, as far as they have room. */
  #dispatch(): void {
    for (;;) {
      let given = false;
      for (const slot of this.#slots) {
        const { worker } = slot;
        if (!worker?.isReady || this.#queue.length === 0) continue;
        const load = loadOf(slot);
        const task = this.#queue.take(
          (one) => (slot.tasks.size === 0 || load + one.cost <= AHEAD) && this.#mayRun(one, slot),
        );
        if (task === undefined) continue;
        this.#give(task, slot, worker);
        given = true;
      }
      if (!given) return;
    }
  }

  /** Whether a job may run in a slot: at home, or elsewhere when it is not bound and home is busy. */
  #mayRun(task: Task, slot: Slot): boolean {
    if (slot.index === task.home) return true;
    const home = this.#slots[task.home] as Slot;
    if (home.worker?.isReady !== true) return true;
    return !task.isBound && home.tasks.size > 0;
  }

  #give(task: Task, slot: Slot, worker: WorkerProcess): void {
    const place = worker.place();
    if (place === undefined) {
      this.#queue.push(task, 1);
      return;
    }
    const { request, terms } = task;
    const { tenant, log, deadline } = terms;
    task.tries++;
    task.at = { worker, place };
    slot.tasks.set(place, task);
    worker.send({
      type: 'run',
      place,
      method: task.method.name,
      request,
      tenant,
      labels: log.bindings(),
      left: deadline.checkpoint.left(),
    });
  }

  #slotOf(worker: WorkerProcess): Slot | undefined {
    return this.#slots.find((slot) => slot.worker === worker);
  }

  #heard(worker: WorkerProcess, message: FromWorker): void {
    const slot = this.#slotOf(worker);
    const task = 'place' in message ? slot?.tasks.get(message.place) : undefined;
    if (slot === undefined || task === undefined) return;
    switch (message.type) {
      case 'answered': {
        const { isCommitted, response } = message;
        this.#done(task, slot, message.busy);
        if (task.deaths > 0) this.quarantine.absolve(task.key);
        task.answer(isCommitted ? task.committed?.response : response);
        break;
      }
      case 'failed':
        this.#done(task, slot, message.busy);
        task.fail(fromFault(message.fault));
        break;
      case 'message':
        task.deliver(message.message);
        break;
      case 'release':
        task.release();
        break;
      case 'ask':
        void this.#answer(worker, task, message.call, message.question);
        break;
      case 'ready':
      case 'unfit':
        break;
      default:
        message satisfies never;
    }
    this.#dispatch();
  }

  #done(task: Task, slot: Slot, busy: number): void {
    const { worker, place } = task.at as NonNullable<Task['at']>;
    slot.tasks.delete(place);
    worker.leave(place);
    task.at = undefined;
    task.release();
    this.#queue.settle(task.tenant, busy - task.cost);
    this.#learn(nameOf(task.method, task.key), busy);
  }

  #learn(name: string, busy: number): void {
    const known = this.#known.get(name) ?? { cost: busy, seen: 0, isLarge: false };
    known.cost += (busy - known.cost) / 2;
    known.seen++;
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size > MAX_COSTS) this.#known.delete(this.#known.keys().next().value as string);
  }

  async #answer(worker: WorkerProcess, task: Task, call: number, question: Question): Promise<void> {
    try {
      worker.send({ type: 'reply', call, value: await this.#ask(task, question) });
    } catch (reason) {
      const error = EngineError.from(reason);
      if (error.code === 'internal') task.terms.log.error({ err: error.cause ?? error }, 'failed');
      worker.send({ type: 'refuse', call, fault: toFault(error) });
    }
  }

  /** What a worker asks for a job; whose sessions it may see does not depend on what the worker says. */
  async #ask(task: Task, question: Question): Promise<unknown> {
    const { tenant, deadline, complete } = task.terms;
    const sessions = this.#sessions as Sessions;
    switch (question.name) {
      case 'since':
        return slim(await sessions.since(tenant, question.session, question.revision));
      case 'hold': {
        task.release();
        const asker = { tenant, signal: deadline.signal, complete };
        const { at } = task;
        const hold = await sessions.hold(asker, question.session, question.revision);
        // The worker may have ended meanwhile, and another may have begun anew.
        if (task.at === at) task.hold = hold;
        else hold.release();
        return slim(hold.update);
      }
      case 'commit': {
        const { draft, response } = question;
        if (task.hold === undefined) throw new Error('a worker committed to a session that it did not hold');
        const row = await task.hold.commit(draft as Draft, response);
        if (response !== undefined) task.committed = { response };
        return row;
      }
      case 'entries':
        return sessions.entries(tenant, question.session, question.log, question.from, question.revision);
      case 'blob':
        return sessions.blob(tenant, question.blob);
      default:
        return question satisfies never;
    }
  }

  #start(): WorkerProcess {
    const name = `cpu-${this.#started++}`;
    const { cache } = this.#options.config.native;
    return new WorkerProcess(
      { folder: this.#folder, name, isFirst: !this.#hasStarted },
      cache === undefined ? undefined : join(cache, 'node'),
      this.#listener,
    );
  }

  #isReady(worker: WorkerProcess): void {
    const milliseconds = Math.round(performance.now() - worker.started);
    this.#options.log.debug(
      { worker: worker.name, pid: worker.pid, backend: worker.backend, milliseconds },
      'worker ready',
    );
    this.#hasStarted = true;
    this.#backend = worker.backend ?? this.#backend;
    this.#ready.resolve();
    this.#fill();
    this.#dispatch();
  }

  #hasEnded(worker: WorkerProcess, why: string): void {
    if (this.#isClosing) return;
    const slot = this.#slotOf(worker);
    const lived = performance.now() - worker.started;
    const culprit = worker.board.running;
    const task = culprit === undefined ? undefined : slot?.tasks.get(culprit);
    this.#options.log.error({ worker: worker.name, why, method: task?.method.name, lived }, 'worker ended');
    this.#restarts++;
    this.#spares = this.#spares.filter((spare) => spare !== worker);
    if (task && !task.hasEnded) {
      task.deaths++;
      this.quarantine.blame(task.key, task.tenant, task.method.name, why);
    }
    if (slot) {
      slot.worker = undefined;
      slot.failures = lived < SETTLED ? slot.failures + 1 : 0;
      const tasks = [...slot.tasks.values()];
      slot.tasks.clear();
      for (const lost of tasks) this.#again(lost, why);
    }
    this.#fill();
    this.#dispatch();
  }

  /** Has a job begin again whose worker has ended, or ends it where that cannot be. */
  #again(task: Task, why: string): void {
    task.at = undefined;
    task.release();
    const { signal } = task.terms.deadline;
    if (task.committed && !isStream(task.method)) {
      task.answer(task.committed.response);
      return;
    }
    try {
      signal.throwIfAborted();
      this.quarantine.check(task.key);
      if (task.isSeen || task.committed || task.deaths > 1 || task.tries >= MAX_TRIES)
        throw new EngineError('engine_lost', lostMessage(task, why));
      this.#queue.push(task, this.#retryAfter());
    } catch (reason) {
      task.fail(EngineError.from(reason));
    }
  }

  /** Puts spares into empty slots, and starts what is missing: at once, or later where workers end as they start. */
  #fill(): void {
    if (this.#isClosing) return;
    for (const slot of this.#slots) {
      if (slot.worker) continue;
      const at = this.#spares.findIndex((spare) => spare.isReady);
      if (at >= 0) [slot.worker] = this.#spares.splice(at, 1);
      else if (slot.failures === 0) slot.worker = this.#start();
      else {
        const wait = Math.min(BACK_OFF.most, BACK_OFF.first * 2 ** (slot.failures - 1));
        setTimeout(() => {
          if (!slot.worker && !this.#isClosing) slot.worker = this.#start();
        }, wait).unref();
      }
    }
    const isSettled = this.#slots.every(({ worker, failures }) => worker?.isReady && failures === 0);
    if (isSettled && this.#spares.length < this.#options.config.spareWorkers) this.#spares.push(this.#start());
  }

  /** Ends workers that have taken more memory than they may. */
  #look(): void {
    const { workerMemory } = this.#options.config;
    for (const worker of this.#workers()) {
      const bytes = worker.memory;
      if (bytes > workerMemory) worker.kill(`it took ${bytes} bytes of memory, and may take ${workerMemory}`);
    }
    for (const slot of this.#slots)
      if (slot.failures > 0 && slot.worker && performance.now() - slot.worker.started > SETTLED) {
        slot.failures = 0;
        this.#fill();
      }
  }
}

/** An update without the elements that are not worth sending before somebody asks for them. */
function slim(update: Update): Update {
  const variables = update.variables.map(({ row, data }) => ({
    row,
    data: data && data.byteLength <= SLIM_BYTES ? data : undefined,
  }));
  return { ...update, variables };
}

/** What a job is known by: its graph, or the tape that it is about. */
function keyOf(request: unknown): string {
  const { graph, session, tape } = request as {
    readonly graph?: unknown;
    readonly session?: string;
    readonly tape?: string;
  };
  return graph === undefined ? `tape ${session} ${tape}` : `graph ${digest(graph)}`;
}

function nameOf({ name }: EngineMethod, key: string): string {
  return `${name} ${key}`;
}

/** Whether a job is tried in this process: one that has no state, and that was done in no time before. */
function isTiny({ cost, seen, isLarge }: Known, request: unknown): boolean {
  return !isLarge && seen >= TINY.seen && cost <= TINY.cost && !('session' in (request as object));
}

function loadOf({ tasks }: Slot): number {
  let load = 0;
  for (const { cost } of tasks.values()) load += cost;
  return load;
}

function lostMessage({ isSeen, committed }: Task, why: string): string {
  const what = `the engine process that computed this ended (${why})`;
  if (isSeen || committed)
    return `${what}; what was committed last is kept, so that another request goes on from there`;
  return `${what}, and so did the one that it was given to then; send it again`;
}
