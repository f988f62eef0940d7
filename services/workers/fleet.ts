/** @file The fleet: worker processes in their slots, started, watched, and replaced when they end. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { GpuRates } from '../../engine/backends/gpu/cost.ts';
import { type Config, ConfigError } from '../config.ts';
import { type Device, graphics, processor } from './devices.ts';
import { WorkerProcess } from './process.ts';
import type { JobMessage } from './protocol.ts';
import type { Task } from './task.ts';

/** Milliseconds between two looks at the workers' memory. */
const WATCH_INTERVAL = 250;

/** Milliseconds that a worker may take to be ready: many times what it takes on a machine that is busy. */
const START_LIMIT = 120_000;

/** Milliseconds after which a worker that ended counts as one that had worked. */
const SETTLED = 10_000;

/** Milliseconds until a worker is started again that ended soon after its start: at first, and at most. */
const BACK_OFF = { first: 100, most: 10_000 } as const;

/** A gpu that failed so often in so many milliseconds is not to be relied on. */
const FAILING = { resets: 3, within: 600_000 } as const;

/** What says on Linux that there may be a gpu; looking for one costs a process. */
const GPU_HINTS = ['/dev/nvidiactl', '/dev/kfd', '/dev/dri/renderD128', '/dev/dxg'];

/** A place for a worker; the worker in it changes. */
export interface Slot {
  readonly device: 'cpu' | 'gpu';
  worker: WorkerProcess | undefined;
  /** What it has been given and not answered, by place. */
  readonly tasks: Map<number, Task>;
  /** How many workers in a row ended soon after their start. */
  failures: number;
}

/** What is told of a fleet to who gives it work. */
export interface Crew {
  /** One more slot can be given work. */
  ready(): void;
  /** The elements of the message's arrays lie in `block`. */
  heard(slot: Slot, message: JobMessage, block: ArrayBuffer): void;
  /** The worker of a slot has ended; `running` is the place of the job that it was at. */
  ended(slot: Slot, worker: WorkerProcess, why: string, running: number | undefined): void;
}

/** Worker processes. */
export class Fleet {
  readonly cpus: readonly Slot[];
  /** Where there is a gpu. */
  gpu: Slot | undefined;
  /** Why there is none. */
  noGpu = 'this service uses no gpu';
  readonly #folder: string;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #crew: Crew;
  /** Workers that are started and have no slot yet. */
  #spares: WorkerProcess[] = [];
  #started = 0;
  #isClosing = false;
  readonly #backends = { cpu: 'none', gpu: 'gpu' };
  #adapter: NonNullable<WorkerProcess['gpu']>['adapter'] | undefined;
  /** How fast the gpu is. */
  #rates: GpuRates | undefined;
  readonly #restarts = { cpu: 0, gpu: 0 };
  /** When the gpu failed, in milliseconds since the start. */
  #resets: number[] = [];
  readonly #watch: NodeJS.Timeout;
  readonly #isUp = { cpu: Promise.withResolvers<void>(), gpu: Promise.withResolvers<void>() };
  readonly #listener = {
    ready: (worker: WorkerProcess) => this.#isReady(worker),
    unfit: (worker: WorkerProcess, why: string) => this.#isUnfit(worker, why),
    heard: (worker: WorkerProcess, message: JobMessage, block: ArrayBuffer) => {
      const slot = this.#slotOf(worker);
      if (slot) this.#crew.heard(slot, message, block);
    },
    ended: (worker: WorkerProcess, why: string) => this.#hasEnded(worker, why),
  };

  /** Starts the workers, whose shared memory is in the folder. */
  constructor(folder: string, config: Config, log: Logger, crew: Crew) {
    this.#folder = folder;
    this.#config = config;
    this.#log = log;
    this.#crew = crew;
    for (const { promise } of Object.values(this.#isUp)) promise.catch(() => {});
    this.cpus = Array.from({ length: config.workers }, () => emptySlot('cpu'));
    if (mayHaveGpu(config)) this.gpu = emptySlot('gpu');
    else if (config.gpu.use === 'auto') this.noGpu = 'this service has no gpu';
    // What one cannot start with, none can: the others wait for the first.
    (this.cpus[0] as Slot).worker = this.#start('cpu');
    if (this.gpu) this.gpu.worker = this.#start('gpu');
    this.#watch = setInterval(() => this.#look(), WATCH_INTERVAL);
  }

  /** Resolves when there can be work. Throws `ConfigError` when there never can as it is wanted. */
  async up(): Promise<void> {
    await this.#isUp.cpu.promise;
    if (this.#config.gpu.use === 'required') await this.#isUp.gpu.promise;
  }

  /** Whether there can be work. */
  get isReady(): boolean {
    if (this.#config.gpu.use === 'required' && this.#isFailing()) return false;
    return this.cpus.some(({ worker }) => worker?.isReady);
  }

  #isFailing(): boolean {
    const since = performance.now() - FAILING.within;
    return this.#resets.filter((at) => at > since).length >= FAILING.resets;
  }

  /** What computes. */
  devices(): readonly Device[] {
    const count = (slots: readonly Slot[], restarts: number): Pick<Device, 'workers' | 'ready' | 'restarts'> => {
      return { workers: slots.length, ready: slots.filter(({ worker }) => worker?.isReady).length, restarts };
    };
    const cpu = processor(this.#backends.cpu, count(this.cpus, this.#restarts.cpu));
    if (!this.gpu || !this.#adapter) return [cpu];
    return [cpu, graphics(this.#adapter, count([this.gpu], this.#restarts.gpu))];
  }

  /** Every slot. */
  *slots(): Generator<Slot> {
    yield* this.cpus;
    if (this.gpu) yield this.gpu;
  }

  /** Every worker, the spares with them. */
  *workers(): Generator<WorkerProcess> {
    for (const { worker } of this.slots()) if (worker) yield worker;
    yield* this.#spares;
  }

  /** Ends all workers. What they compute is lost. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#watch);
    for (const worker of this.workers()) worker.kill('the service is stopping');
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(device: 'cpu' | 'gpu'): WorkerProcess {
    const { cache } = this.#config.native;
    const start = {
      folder: this.#folder,
      name: `${device}-${this.#started++}`,
      device,
      parent: process.pid,
      isFirst: this.#backends.cpu === 'none',
    };
    return new WorkerProcess(start, cache === undefined ? undefined : join(cache, 'node'), this.#listener);
  }

  #slotOf(worker: WorkerProcess): Slot | undefined {
    for (const slot of this.slots()) if (slot.worker === worker) return slot;
    return undefined;
  }

  #isReady(worker: WorkerProcess): void {
    const { name, pid, backend, gpu, device } = worker;
    const milliseconds = Math.round(performance.now() - worker.started);
    this.#log.debug({ worker: name, pid, backend, adapter: gpu?.adapter, milliseconds }, 'worker ready');
    this.#backends[device] = backend as string;
    if (gpu) {
      this.#log.info(gpu.adapter, 'computing on a gpu');
      this.#adapter = gpu.adapter;
      this.#setRates(gpu.rates);
    } else worker.send({ type: 'rates', rates: this.#rates });
    this.#isUp[device].resolve();
    this.#fill();
    if (this.#slotOf(worker)) this.#crew.ready();
  }

  #setRates(rates: GpuRates | undefined): void {
    this.#rates = rates;
    for (const worker of this.workers()) if (worker.device === 'cpu') worker.send({ type: 'rates', rates });
  }

  #isUnfit(worker: WorkerProcess, why: string): void {
    this.#isUp[worker.device].reject(new ConfigError([why]));
    if (worker.device === 'cpu') return;
    if (this.#config.gpu.use === 'required') {
      // One that was there before may come back; until it does it counts as failing.
      if (this.#adapter) worker.kill(why);
      return;
    }
    this.#log.info({ why }, 'computing without a gpu');
    this.noGpu = `this service has no gpu: ${why}`;
    this.gpu = undefined;
    worker.kill(why);
  }

  #hasEnded(worker: WorkerProcess, why: string): void {
    if (this.#isClosing) return;
    this.#spares = this.#spares.filter((spare) => spare !== worker);
    const slot = this.#slotOf(worker);
    if (worker.device === 'gpu' && slot === undefined) return;
    const lived = Math.round(performance.now() - worker.started);
    const running = worker.board.running;
    const method = running === undefined ? undefined : slot?.tasks.get(running)?.method.name;
    this.#log.error({ worker: worker.name, why, method, lived }, 'worker ended');
    this.#restarts[worker.device]++;
    if (worker.device === 'gpu') {
      this.#resets = [...this.#resets, performance.now()].slice(-FAILING.resets);
      this.#setRates(undefined);
    }
    if (slot) {
      slot.worker = undefined;
      slot.failures = lived < SETTLED ? slot.failures + 1 : 0;
    }
    this.#fill();
    if (slot) this.#crew.ended(slot, worker, why, running);
  }

  /** Puts spares into empty slots, and starts what is missing: at once, or later where workers end as they start. */
  #fill(): void {
    if (this.#isClosing) return;
    for (const slot of this.slots()) {
      if (slot.worker) continue;
      const at = slot.device === 'cpu' ? this.#spares.findIndex((spare) => spare.isReady) : -1;
      if (at >= 0) [slot.worker] = this.#spares.splice(at, 1);
      else if (slot.failures === 0) slot.worker = this.#start(slot.device);
      else {
        const wait = Math.min(BACK_OFF.most, BACK_OFF.first * 2 ** (slot.failures - 1));
        setTimeout(() => {
          if (!slot.worker && !this.#isClosing) slot.worker = this.#start(slot.device);
        }, wait).unref();
      }
    }
    const isSettled = this.cpus.every(({ worker, failures }) => worker?.isReady && failures === 0);
    if (isSettled && this.#spares.length < this.#config.spareWorkers) this.#spares.push(this.#start('cpu'));
  }

  /**
   * Ends workers that have taken more memory than they may or that never come to be ready, and forgives those that have
   * lived for a while.
   */
  #look(): void {
    const { workerMemory } = this.#config;
    for (const worker of this.workers()) {
      if (!worker.isReady && performance.now() - worker.started > START_LIMIT)
        worker.kill(`it was not ready after ${START_LIMIT} ms`);
      const bytes = worker.memory;
      if (bytes > workerMemory) worker.kill(`it took ${bytes} bytes of memory, and may take ${workerMemory}`);
    }
    for (const slot of this.slots())
      if (slot.failures > 0 && slot.worker && performance.now() - slot.worker.started > SETTLED) {
        slot.failures = 0;
        this.#fill();
      }
  }
}

function emptySlot(device: 'cpu' | 'gpu'): Slot {
  return { device, worker: undefined, tasks: new Map(), failures: 0 };
}

/** Whether it is worth a process to look for a gpu. */
function mayHaveGpu({ gpu }: Config): boolean {
  if (gpu.use !== 'auto') return gpu.use === 'required';
  if (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return gpu.software;
  return process.platform !== 'linux' || GPU_HINTS.some((path) => existsSync(path));
}
