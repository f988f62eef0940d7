/**
 * @file The plan: what a backend runs. Kernels and routines in order, every variable that is stored in its buffer, and
 * the exact cost, known before anything is allocated.
 */
import { poll } from '../interrupt.ts';
import { Numbering } from '../program/numbering.ts';
import type { Program, Var } from '../program/program.ts';
import { simplify } from '../transform/simplify.ts';
import { bytesOf, type Shape, sizeOf, type TensorType, type TypedArray } from '../types.ts';
import type { Expr } from './expr.ts';
import { readInPlace } from './in-place.ts';
import { aligned, assignOffsets } from './memory.ts';
import type { Routine } from './routine.ts';
import { type ScheduledStep, schedule } from './schedule.ts';
import type { Window } from './windows.ts';

/** The number of a buffer in its plan. */
export type BufferId = number;

/** Where a buffer lies: among the program's inputs or outputs, in the program itself, in the plan's arena, or nowhere whole. */
export type Place =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output' }
  | { readonly kind: 'constant'; readonly data: TypedArray }
  /** One chunk of it, at an offset of the scratch of the band that writes and reads it. */
  | { readonly kind: 'local'; readonly offset: number; readonly chunkBytes: number }
  | { readonly kind: 'arena'; readonly offset: number };

/** Storage of one variable. */
export interface PlanBuffer {
  readonly type: TensorType;
  readonly place: Place;
}

/** One loop nest: for each point of `space`, every store's expression is written to its buffer at that point. */
export interface Kernel {
  readonly space: Shape;
  readonly stores: readonly Store[];
  /** The same stores by parts of one axis, simpler in each; none where there is nothing to gain. */
  readonly windows: readonly Window[];
  /** Scalar operations of a whole run. */
  readonly flops: number;
}

/** An expression written to a buffer at every point of a kernel's space. */
export interface Store {
  readonly target: Var;
  readonly expr: Expr;
}

/**
 * A step of a plan; `inputs` and `outputs` are buffers. The arenas of plans within, and what loops carry, lie after the
 * plan's own buffers, at offsets from their end. One step runs at a time, so all of them use the same bytes.
 */
export type Step =
  | {
      readonly kind: 'kernel';
      readonly kernel: Kernel;
      /** The stored variables the kernel reads, in the order of `inputs`. */
      readonly reads: readonly Var[];
      /** The inputs whose place an output may have. */
      readonly inPlace: ReadonlySet<BufferId>;
      readonly inputs: readonly BufferId[];
      readonly outputs: readonly BufferId[];
    }
  | {
      readonly kind: 'routine';
      readonly routine: Routine;
      readonly inputs: readonly BufferId[];
      readonly outputs: readonly BufferId[];
    }
  /** Kernels that are done chunk by chunk: for each of equal parts of their spaces, one after the other. */
  | {
      readonly kind: 'band';
      readonly chunks: number;
      readonly steps: readonly Extract<Step, { kind: 'kernel' }>[];
      /** Bytes for the local buffers of one chunk. */
      readonly scratchBytes: number;
      readonly inputs: readonly BufferId[];
      readonly outputs: readonly BufferId[];
    }
  | {
      readonly kind: 'branch';
      readonly plans: readonly Plan[];
      /** The selector, then the plans' inputs. */
      readonly inputs: readonly BufferId[];
      readonly outputs: readonly BufferId[];
    }
  | {
      readonly kind: 'loop';
      readonly body: Plan;
      readonly constants: number;
      readonly carried: number;
      readonly trips: number;
      readonly reverse: boolean;
      /** Two places for what is carried, which a trip reads and writes by turns; after them the body's arena. */
      readonly spares: readonly [readonly number[], readonly number[]];
      readonly bodyOffset: number;
      readonly inputs: readonly BufferId[];
      readonly outputs: readonly BufferId[];
    };

/** What running a plan once takes; exact, since shapes are static. */
export interface Cost {
  /** Scalar operations. */
  readonly flops: number;
  /** Bytes read and written by all steps. */
  readonly bytes: number;
  /** Bytes held at the same time, inputs and outputs included, what is in the program itself not. */
  readonly peakBytes: number;
  /** Of those, what is kept for the next run: the arena, with those of plans within. */
  readonly heldBytes: number;
  /** The largest tensor that is stored. */
  readonly largest: Var | undefined;
}

/** A compiled program, before a backend has seen it. */
export interface Plan {
  readonly inputs: readonly TensorType[];
  readonly buffers: readonly PlanBuffer[];
  readonly steps: readonly Step[];
  /** The buffer of each output; one buffer may serve several. */
  readonly outputs: readonly BufferId[];
  readonly arenaBytes: number;
  readonly cost: Cost;
}

/** What a backend wants of its plans. */
export interface PlanOptions {
  /** Whether steps may be gathered into bands; by default not. */
  readonly hasBands?: boolean;
}

/** The plan of a program. */
export function plan(program: Program, options: PlanOptions = {}): Plan {
  return lay(simplify(program), options);
}

/** The plan of a program as it is. */
export function lay(program: Program, options: PlanOptions = {}): Plan {
  const { steps, constants } = schedule(program, options.hasBands ?? false);
  const numbers = new Numbering<Var>();
  const numberOf = (variable: Var): BufferId => numbers.of(variable);
  program.inputs.forEach(numberOf);
  const locals = new Map<BufferId, Extract<Place, { kind: 'local' }>>();
  const laid = steps.map((step) => layStep(step, numberOf, locals, options));
  const outputs = program.outputs.map(numberOf);

  const outputSet = new Set(outputs);
  const dataOf = (id: BufferId): TypedArray | undefined => constants.get(numbers.items[id] as Var);
  const inArena = (id: BufferId): boolean =>
    id >= program.inputs.length && !outputSet.has(id) && !dataOf(id) && !locals.has(id);
  const sizes = numbers.items.map((variable) => bytesOf(variable.type));
  const inArenaSizes = new Map(sizes.flatMap((size, id) => (inArena(id) ? [[id, size] as const] : [])));
  const { offsets, size: arenaBytes } = assignOffsets(laid, inArenaSizes);
  const placeOf = (id: BufferId): Place => {
    if (id < program.inputs.length) return { kind: 'input', index: id };
    const data = dataOf(id);
    if (data) return { kind: 'constant', data };
    const local = locals.get(id);
    if (local) return local;
    return outputSet.has(id) ? { kind: 'output' } : { kind: 'arena', offset: offsets.get(id) as number };
  };
  const buffers = numbers.items.map(({ type }, id): PlanBuffer => ({ type, place: placeOf(id) }));
  return {
    inputs: program.inputs.map((input) => input.type),
    buffers,
    steps: laid,
    outputs,
    arenaBytes,
    cost: costOf(laid, numbers.items, sizes, arenaBytes, buffers),
  };
}

function inPlace(
  { kernel }: Extract<ScheduledStep, { kind: 'kernel' }>,
  numberOf: (variable: Var) => BufferId,
): Set<BufferId> {
  return new Set([...readInPlace(kernel)].map(numberOf));
}

function layStep(
  step: ScheduledStep,
  numberOf: (variable: Var) => BufferId,
  locals: Map<BufferId, Extract<Place, { kind: 'local' }>>,
  options: PlanOptions,
): Step {
  poll();
  const inputs = step.inputs.map(numberOf);
  const outputs = step.outputs.map(numberOf);
  switch (step.kind) {
    case 'band': {
      const { chunks } = step;
      const steps = step.steps.map(
        (each) => layStep(each, numberOf, locals, options) as Extract<Step, { kind: 'kernel' }>,
      );
      const sizes = new Map(step.locals.map((local) => [numberOf(local), bytesOf(local.type) / chunks]));
      const { offsets, size } = assignOffsets(steps, sizes);
      for (const [id, chunkBytes] of sizes)
        locals.set(id, { kind: 'local', offset: offsets.get(id) as number, chunkBytes });
      return { kind: 'band', chunks, steps, scratchBytes: size, inputs, outputs };
    }
    case 'kernel':
      return {
        kind: 'kernel',
        kernel: step.kernel,
        reads: step.inputs,
        inPlace: inPlace(step, numberOf),
        inputs,
        outputs,
      };
    case 'routine':
      return { kind: 'routine', routine: step.routine, inputs, outputs };
    case 'branch':
      return { kind: 'branch', plans: step.programs.map((each) => lay(each, options)), inputs, outputs };
    case 'loop': {
      const { constants, carried, trips, reverse } = step.loop;
      const body = lay(step.loop.body, options);
      let bodyOffset = 0;
      const place = (): number[] =>
        step.inputs.slice(constants, constants + carried).map(({ type }) => {
          const offset = bodyOffset;
          bodyOffset += aligned(bytesOf(type));
          return offset;
        });
      const spares = [place(), place()] as const;
      return { kind: 'loop', body, constants, carried, trips, reverse, spares, bodyOffset, inputs, outputs };
    }
    default:
      return step satisfies never;
  }
}

function costOf(
  steps: readonly Step[],
  variables: readonly Var[],
  sizes: readonly number[],
  arenaBytes: number,
  buffers: readonly PlanBuffer[],
): Cost {
  let flops = 0;
  let bytes = 0;
  let within = 0;
  const subplans: Plan[] = [];
  for (const step of steps) {
    poll();
    for (const id of [...step.inputs, ...step.outputs]) bytes += sizes[id] as number;
    switch (step.kind) {
      case 'kernel':
        flops += step.kernel.flops;
        break;
      case 'routine':
        flops += step.routine.flops;
        break;
      case 'band':
        for (const { kernel } of step.steps) flops += kernel.flops;
        break;
      case 'branch':
        flops += Math.max(0, ...step.plans.map(({ cost }) => cost.flops));
        within = Math.max(within, ...step.plans.map(({ cost }) => cost.heldBytes));
        subplans.push(...step.plans);
        break;
      case 'loop': {
        const { trips, body, bodyOffset } = step;
        flops += trips * body.cost.flops;
        bytes += trips * body.cost.bytes;
        within = Math.max(within, bodyOffset + body.cost.heldBytes);
        subplans.push(body);
        break;
      }
      default:
        step satisfies never;
    }
  }
  const heldBytes = arenaBytes + within;
  const outside = buffers.reduce(
    (total, { place: { kind } }, id) => total + (kind === 'input' || kind === 'output' ? (sizes[id] as number) : 0),
    0,
  );
  const stored = [...variables, ...subplans.flatMap(({ cost }) => cost.largest ?? [])];
  return { flops, bytes, peakBytes: outside + heldBytes, heldBytes, largest: largestOf(stored) };
}

function largestOf(variables: readonly Var[]): Var | undefined {
  let largest: Var | undefined;
  for (const variable of variables)
    if (!largest || sizeOf(variable.type.shape) > sizeOf(largest.type.shape)) largest = variable;
  return largest;
}
