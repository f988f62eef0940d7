/**
 * @file Two backends as one: a plan that takes longer to compile than to run in JavaScript is run in JavaScript while
 * native code is made on another thread; one that takes less than a call of native code stays there.
 */
import type { Plan } from '../compile/plan.ts';
import type { Backend, Checkpoint, Loaded, Memory } from './backend.ts';
import type { NativeBackend } from './native/native.ts';

/** Milliseconds that JavaScript takes for a scalar operation or four bytes moved, and for compiling a step. */
const PORTABLE_MS = { operation: 4e-6, step: 0.1 } as const;
/** Milliseconds for a step of a plan that has run before, and those that calling native code takes at least. */
const RUN_MS = { step: 1e-4, call: 1e-3 } as const;
/** Milliseconds that LLVM takes for an expression. */
const NATIVE_MS = { step: 4, expression: 0.1 } as const;

/** Told why a plan goes on in JavaScript though native code was asked for. */
export type Report = (reason: unknown) => void;

/** The backend that begins with `first` where that is quicker, and goes on with `native`. */
export function tiered(first: Backend, native: NativeBackend, report: Report): Backend {
  return {
    ...native,
    settled: native,
    load: (plan, memory) =>
      staysQuicker(plan)
        ? first.load(plan, memory)
        : startsQuicker(plan)
          ? new Tiered(plan, memory, first, native, report)
          : native.load(plan, memory),
  };
}

/** Milliseconds of a run in JavaScript, but for its steps. */
function portableMs({ flops, bytes }: Plan['cost']): number {
  return (flops + bytes / 4) * PORTABLE_MS.operation;
}

/** Whether JavaScript is done before native code would be called. */
function staysQuicker({ cost, steps }: Plan): boolean {
  return portableMs(cost) + steps.length * RUN_MS.step < RUN_MS.call;
}

function startsQuicker({ cost, steps }: Plan): boolean {
  let expressions = 0;
  let count = 0;
  const visit = (each: Plan['steps']): void => {
    for (const step of each) {
      count++;
      if (step.kind === 'kernel') expressions += step.kernel.stores.length * 8;
      else if (step.kind === 'band') visit(step.steps);
      else if (step.kind === 'branch') for (const plan of step.plans) visit(plan.steps);
      else if (step.kind === 'loop') visit(step.body.steps);
    }
  };
  visit(steps);
  const portable = portableMs(cost) + count * PORTABLE_MS.step;
  return portable < count * NATIVE_MS.step + expressions * NATIVE_MS.expression;
}

class Tiered implements Loaded {
  readonly #plan: Plan;
  readonly #memory: Memory | undefined;
  readonly #native: NativeBackend;
  readonly #report: Report;
  #current: Loaded;
  #hasBegun = false;

  constructor(plan: Plan, memory: Memory | undefined, first: Backend, native: NativeBackend, report: Report) {
    this.#plan = plan;
    this.#memory = memory;
    this.#native = native;
    this.#report = report;
    this.#current = first.load(plan, memory);
  }

  get backend(): string {
    return this.#current.backend;
  }

  run(inputs: Parameters<Loaded['run']>[0], checkpoint: Checkpoint): ReturnType<Loaded['run']> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      // After this run has been answered, or was ended because it took too long.
      setImmediate(() => this.#compile());
    }
    return this.#current.run(inputs, checkpoint);
  }

  release(outputs: Parameters<NonNullable<Loaded['release']>>[0]): void {
    this.#current.release?.(outputs);
  }

  #compile(): void {
    this.#native.loadAside(this.#plan, this.#memory).then(
      (loaded) => {
        this.#current = loaded;
      },
      // What runs goes on running.
      this.#report,
    );
  }
}
