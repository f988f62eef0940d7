/**
 * @file Dynamic batching: jobs that reach the same compiled computation within a window wait for one another, and one of
 * them runs it for all, stacked by vmap. What does not pay, or cannot be stacked, runs by itself.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Checkpoint } from '../../engine/backends/backend.ts';
import { type GpuRates, secondsOnGpu } from '../../engine/backends/gpu/cost.ts';
import type { Engine } from '../../engine/engine.ts';
import { isInterruption } from '../../engine/interrupt.ts';
import { hashProgram } from '../../engine/program/hash.ts';
import type { Program } from '../../engine/program/program.ts';
import { vmapAll } from '../../engine/transform/vmap.ts';
import { allocateArray, bytesOf, sizeOf, type Tensor, type TypedArray } from '../../engine/types.ts';
import { type Compiled, type Ran, runAlone } from '../api/compute.ts';
import type { RunningJob } from './running.ts';

/** Seconds of the process that it takes to gather a job and to hand it its results, which stacking must save. */
const GATHERING = 25e-6;

/** What computes. */
export interface Machine {
  readonly rates: GpuRates;
  /** Bytes that a stacked computation may hold. */
  readonly bytes: number;
}

/** Native code on a processor, measured where what is computed lies in its caches; more than they hold is too much. */
export const PROCESSOR: Machine = {
  rates: { launch: 1e-6, step: 1.3e-8, up: 1e10, down: Infinity, flops: 1.5e11, bytes: 1.4e11 },
  bytes: 2 ** 22,
};

/** Bytes that a stacked computation may hold on a gpu: it is kept beside the one that is not stacked. */
export const GPU_BYTES = 2 ** 24;

/** How a batcher is set. */
export interface BatcherOptions {
  readonly windowMicroseconds: number;
  /** Jobs of one batch. */
  readonly size: number;
}

/** A computation that pays to be stacked. */
interface Stackable {
  readonly compiled: Compiled;
  readonly program: Program;
  /** What it is remembered by. */
  readonly key: string;
  /** The most jobs of a batch. */
  readonly most: number;
  /** Whom others may join. */
  open: Group | undefined;
}

/** Jobs that wait for one another. */
interface Group {
  readonly members: Set<Member>;
  /** The one that has been told to run it. */
  leader: Member | undefined;
}

interface Member {
  readonly job: RunningJob;
  readonly inputs: readonly TypedArray[];
  /** What it waits for: to run the batch, to run by itself, or what came of the batch. */
  readonly told: PromiseWithResolvers<'lead' | 'alone' | Ran>;
}

/** Runs computations, those that are alike together. */
export class Batcher {
  readonly #engine: Engine;
  readonly #options: BatcherOptions;
  readonly #machine: Machine;
  /** What is known of a computation that was run before: `undefined` where stacking does not pay. */
  readonly #known = new WeakMap<Compiled, Stackable | undefined>();
  readonly #seen = new WeakSet<Compiled>();

  constructor(engine: Engine, options: BatcherOptions, machine: Machine) {
    this.#engine = engine;
    this.#options = options;
    this.#machine = machine;
  }

  /** Runs a compiled computation for a job that has its turn. */
  async execute(job: RunningJob, compiled: Compiled, inputs: readonly TypedArray[]): Promise<Ran> {
    const stackable = this.#stackable(compiled, job.checkpoint);
    if (this.#known.has(compiled)) job.isStackable = stackable !== undefined;
    if (stackable === undefined) return runAlone(compiled, inputs, job.checkpoint);
    job.checkpoint.check();
    const member: Member = { job, inputs, told: Promise.withResolvers() };
    const group = this.#join(stackable, member);
    const leave = (): void => {
      if (group.leader === member) return;
      group.members.delete(member);
      member.told.reject(job.signal.reason);
    };
    job.signal.addEventListener('abort', leave, { once: true });
    try {
      const told = await job.during(member.told.promise);
      if (told === 'lead') return await this.#lead(stackable, group, member);
      if (told !== 'alone') return told;
    } finally {
      job.signal.removeEventListener('abort', leave);
    }
    job.checkpoint.check();
    return runAlone(compiled, inputs, job.checkpoint);
  }

  /** What is to be known of a computation to stack it; `undefined` where it runs by itself. */
  #stackable(compiled: Compiled, checkpoint: Checkpoint): Stackable | undefined {
    if (this.#known.has(compiled)) return this.#known.get(compiled);
    // What is asked for once is not worth the look.
    if (!this.#seen.has(compiled)) {
      this.#seen.add(compiled);
      return undefined;
    }
    const stackable = this.#judge(compiled, checkpoint);
    this.#known.set(compiled, stackable);
    return stackable;
  }

  #judge(compiled: Compiled, checkpoint: Checkpoint): Stackable | undefined {
    const { program } = compiled;
    const { rates, bytes } = this.#machine;
    for (let most = this.#options.size; most > 1; most = Math.floor(most / 2))
      try {
        const cost = this.#engine.within(checkpoint).estimate(stacked(program, most));
        if (cost.peakBytes > bytes) continue;
        const { plan } = compiled.executable;
        const copied = program.inputs.reduce((sum, { type }) => sum + bytesOf(type), 0);
        const alone = secondsOnGpu(plan, { up: 0, down: 0 }, rates);
        const together = secondsOnGpu({ cost, steps: plan.steps }, { up: most * copied, down: 0 }, rates);
        if (alone - together / most < GATHERING) return undefined;
        return { compiled, program, key: hashProgram(program), most, open: undefined };
      } catch (reason) {
        if (isInterruption(reason)) throw reason;
        // It is over the limits, or cannot be stacked at all.
      }
    return undefined;
  }

  #join(stackable: Stackable, member: Member): Group {
    const group = stackable.open ?? this.#open(stackable);
    group.members.add(member);
    if (group.members.size === stackable.most) {
      stackable.open = undefined;
      elect(group);
    }
    return group;
  }

  #open(stackable: Stackable): Group {
    const group: Group = { members: new Set(), leader: undefined };
    stackable.open = group;
    // Until the leader has its turn, others may still join.
    void this.#window().then(() => {
      if (!elect(group) && stackable.open === group) stackable.open = undefined;
    });
    return group;
  }

  /** Timers know whole milliseconds; for less, messages are taken until the time is over. */
  async #window(): Promise<void> {
    const end = performance.now() + this.#options.windowMicroseconds / 1000;
    for (let left = end - performance.now(); left > 0; left = end - performance.now())
      await (left >= 1 ? sleep(Math.trunc(left)) : turn());
  }

  /** Runs the batch of a group, as one of its members. */
  async #lead(stackable: Stackable, group: Group, leader: Member): Promise<Ran> {
    if (stackable.open === group) stackable.open = undefined;
    const { job, inputs } = leader;
    if (job.signal.aborted) {
      group.members.delete(leader);
      group.leader = undefined;
      elect(group);
      throw job.signal.reason;
    }
    const members = [...group.members];
    if (members.length === 1) return runAlone(stackable.compiled, inputs, job.checkpoint);
    const others = members.filter((member) => member !== leader);
    try {
      const ran = await this.#run(stackable, leader, [leader, ...others]);
      others.forEach(({ told }, i) => told.resolve(ran[i + 1] as Ran));
      return ran[0] as Ran;
    } catch (reason) {
      // What failed once together is done by each for itself, which finds out what is wrong, and with whom.
      if (!isInterruption(reason)) this.#known.set(stackable.compiled, undefined);
      for (const { told } of others) told.resolve('alone');
      job.checkpoint.check();
      return runAlone(stackable.compiled, inputs, job.checkpoint);
    }
  }

  /** What came of a batch, for each of its members. */
  async #run({ program, key, most }: Stackable, leader: Member, members: readonly Member[]): Promise<Ran[]> {
    const started = performance.now();
    const { length: count } = members;
    const jobs = members.map(({ job }) => job);
    const checkpoint = jointly(leader.job, jobs);
    const size = Math.min(most, 2 ** Math.ceil(Math.log2(count)));
    const executable = this.#engine.within(checkpoint).executable(`batch ${size} ${key}`, () => stacked(program, size));
    const { backend } = executable;
    const outputs = await executable.run(
      program.inputs.map(({ type }, i) => {
        const length = sizeOf(type.shape);
        const stack = allocateArray(type.dtype, size * length);
        // The last one once more fills what is left over.
        for (let at = 0; at < size; at++)
          stack.set((members[Math.min(at, count - 1)] as Member).inputs[i] as never, at * length);
        return stack;
      }),
      checkpoint,
    );
    let holders = count;
    const release = (): void => {
      if (--holders === 0) executable.release(outputs);
    };
    const each = (performance.now() - started) / count;
    for (const job of jobs) job.bear(each);
    leader.job.bear(-count * each);
    return members.map((_, at) => ({
      outputs: program.outputs.map(({ type }, i): Tensor => {
        const { data } = outputs[i] as Tensor;
        const length = sizeOf(type.shape);
        return { type, data: data.subarray(at * length, (at + 1) * length) as TypedArray };
      }),
      backend,
      together: count,
      release,
    }));
  }
}

/** The program for so many at once. */
function stacked(program: Program, size: number): Program {
  return vmapAll(
    program,
    program.inputs.map(() => true),
    size,
  );
}

/** Has the first member of a group run it; whether there is one. */
function elect(group: Group): boolean {
  const [first] = group.members;
  if (first === undefined) return false;
  if (group.leader === undefined) {
    group.leader = first;
    first.told.resolve('lead');
  }
  return true;
}

/** Ends a run when nobody waits for it any more: a job that has to end leaves it to the others. */
function jointly(leader: RunningJob, jobs: readonly RunningJob[]): Checkpoint {
  let [current = leader, ...next] = jobs;
  return {
    left: () => Math.max(...jobs.map(({ checkpoint }) => checkpoint.left())),
    check() {
      for (;;)
        try {
          current.checkpoint.check();
          return;
        } catch (reason) {
          const following = next.shift();
          if (following === undefined) throw reason;
          current = following;
          leader.workFor(current);
        }
    },
  };
}
