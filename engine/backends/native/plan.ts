/**
 * @file A plan as one LLVM module: kernels and routines, and the functions that run them in order. Large phases are
 * divided among the team; branches and loops run without going back to JavaScript.
 */
import { goesByRows } from '../../compile/bands.ts';
import type { BufferId, Plan, Step } from '../../compile/plan.ts';
import type { Routine } from '../../compile/routine.ts';
import { poll } from '../../interrupt.ts';
import { bytesOf, type DType, sizeOf, type TensorType, type TypedArray } from '../../types.ts';
import { Body, Module } from './ir.ts';
import { renderKernel } from './kernel.ts';
import type { NativeRoutine, Phase } from './routine.ts';
import { ROUTINES } from './routines/index.ts';
import type { Target } from './target.ts';
import { PARALLEL } from './team.ts';

/** The words of the block of memory that a run is described by; `end` comes as the nanoseconds left. Pointers to tensors follow. */
export const CONTEXT = { threads: 0, end: 1, stopped: 2, arena: 3, tensors: 4 } as const;

/** A tensor outside the arena, by where its pointer comes from. */
export type External =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly id: BufferId }
  | { readonly kind: 'constant'; readonly data: TypedArray };

/** A plan as text, and what running it takes. */
export interface RenderedPlan {
  readonly ir: string;
  /** What the pointers in the context point to, in order. */
  readonly externals: readonly External[];
  readonly arenaBytes: number;
  /** Whether a run may end early. */
  readonly canStop: boolean;
  /** Routines that are run by their definitions, by the number the module calls them by. */
  readonly called: readonly Called[];
}

/** A routine that native code calls back for. */
export interface Called {
  readonly routine: Routine;
  readonly inputs: readonly { readonly dtype: DType; readonly size: number }[];
  readonly outputs: readonly { readonly dtype: DType; readonly size: number }[];
}

/** The function to call: `void (ptr context)`. */
export const ENTRY = 'adjoint_run';
/** What the module calls for routines that have no native code: `void (i64 number, ptr pointers)`. */
export const CALLBACK = 'adjoint_routine';

/** Scalar operations, and elements moved, from which dividing a phase pays for asking the team. */
const PARALLEL_WORK = 100_000;
/** Work after which the clock is looked at. */
const CHECK_WORK = 10_000_000;
/** Pointers that one function hands to the steps it runs: LLVM takes long for functions that are long. */
const MOST_POINTERS = 2048;
const ALIGNMENT = 64;

/** The module of a plan. */
export function renderPlan(plan: Plan, target: Target): RenderedPlan {
  const renderer = new PlanRenderer(target);
  return renderer.render(plan);
}

/** A routine, and the kernels that go on with its rows. */
interface Train {
  readonly step: Extract<Step, { kind: 'routine' }>;
  readonly native: NativeRoutine;
  readonly rows: number;
  /** Rows of a unit of the routine's last phase. */
  readonly each: number;
  readonly followers: readonly Extract<Step, { kind: 'kernel' }>[];
}

/** A plan with its phases, before its function is written. */
interface Prepared {
  readonly plan: Plan;
  readonly name: string;
  readonly steps: readonly PreparedStep[];
  readonly work: number;
}

type PreparedStep =
  | {
      readonly kind: 'phases';
      readonly step: Pick<Step, 'inputs' | 'outputs'>;
      readonly phases: readonly Phase[];
      readonly work: number;
    }
  | { readonly kind: 'call'; readonly step: Step; readonly number: number; readonly work: number }
  | {
      readonly kind: 'branch';
      readonly step: Extract<Step, { kind: 'branch' }>;
      readonly branches: readonly Prepared[];
      readonly work: number;
    }
  | {
      readonly kind: 'loop';
      readonly step: Extract<Step, { kind: 'loop' }>;
      readonly body: Prepared;
      readonly work: number;
    };

class PlanRenderer {
  readonly #target: Target;
  readonly #module = new Module();
  readonly #called: Called[] = [];
  readonly #constants: TypedArray[] = [];
  readonly #constantNumbers = new Map<TypedArray, number>();
  #functions = 0;
  #canStop = false;
  /** Bytes that every routine may use while it runs, after all arenas. */
  #scratchBytes = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  render(plan: Plan): RenderedPlan {
    const prepared = this.#prepare(plan);
    const inputs = plan.inputs.map((_, index): External => ({ kind: 'input', index }));
    const outputs = [...new Set(plan.outputs)]
      .filter((id) => plan.buffers[id]?.place.kind === 'output')
      .map((id): External => ({ kind: 'output', id }));
    this.#collectConstants(plan);
    const constantsAt = inputs.length + outputs.length;
    this.#constants.forEach((data, i) => this.#constantNumbers.set(data, CONTEXT.tensors + constantsAt + i));
    this.#function(prepared, outputs.length, false);
    this.#entry(prepared, inputs.length + outputs.length);
    return {
      ir: this.#module.exporting(ENTRY),
      externals: [...inputs, ...outputs, ...this.#constants.map((data): External => ({ kind: 'constant', data }))],
      arenaBytes: plan.cost.heldBytes + this.#scratchBytes,
      canStop: this.#canStop,
      called: this.#called,
    };
  }

  #collectConstants(plan: Plan): void {
    for (const { place } of plan.buffers) {
      poll();
      if (place.kind === 'constant' && !this.#constants.includes(place.data)) this.#constants.push(place.data);
    }
    for (const step of plan.steps) {
      if (step.kind === 'branch') step.plans.forEach((each) => this.#collectConstants(each));
      if (step.kind === 'loop') this.#collectConstants(step.body);
    }
  }

  // ---- Preparing: phases, work and memory

  #prepare(plan: Plan): Prepared {
    const name = `plan${this.#functions++}`;
    const taken = new Set<Step>();
    const partial = plan.steps.flatMap((step, i) => {
      if (taken.has(step)) return [];
      switch (step.kind) {
        case 'kernel': {
          const name = `k${this.#functions++}`;
          const phases = renderKernel(step.kernel, step.reads, this.#module, name, this.#target);
          return { kind: 'phases' as const, step, phases, work: workOf(plan, step, step.kernel.flops) };
        }
        case 'routine': {
          const native = this.#routine(plan, step);
          if (!native) return this.#call(plan, step);
          this.#scratchBytes = Math.max(this.#scratchBytes, native.scratchBytes);
          const train = trainOf(plan, i, step, native);
          for (const follower of train.followers) taken.add(follower);
          if (train.followers.length > 0) return this.#prepareTrain(plan, train);
          return {
            kind: 'phases' as const,
            step,
            phases: native.phases,
            work: workOf(plan, step, step.routine.flops),
          };
        }
        case 'band':
          return this.#prepareBand(plan, step);
        case 'branch':
          return { kind: 'branch' as const, step, branches: step.plans.map((each) => this.#prepare(each)) };
        case 'loop':
          return { kind: 'loop' as const, step, body: this.#prepare(step.body) };
        default:
          return step satisfies never;
      }
    });
    const steps = partial.map((each): PreparedStep => {
      if (each.kind === 'branch') return { ...each, work: Math.max(...each.branches.map(({ work }) => work)) };
      if (each.kind === 'loop') return { ...each, work: each.step.trips * (each.body.work + 50) };
      return each;
    });
    return { plan, name, steps, work: steps.reduce((total, { work }) => total + work, 0) };
  }

  /** A routine whose last phase goes on with kernels, while the rows that a unit has written are in the cache. */
  #prepareTrain(plan: Plan, { step, native, rows, each, followers }: Train): PreparedStep {
    const steps = [step, ...followers];
    const outside = [...new Set(steps.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]))];
    const phases = native.phases.slice(0, -1);
    const last = native.phases.at(-1) as Phase;
    const own = [...step.inputs, ...step.outputs];
    const nameOf = (id: BufferId): string => `%p${outside.indexOf(id)}`;
    // Earlier phases take the routine's own pointers.
    const before = phases.map((phase) => {
      const name = `${phase.name}_own`;
      const args = [...own.map((id) => `ptr ${nameOf(id)}`), 'ptr %scratch', 'i64 %begin', 'i64 %end'].join(', ');
      this.#addFunction(name, outside.length, `  call void @${phase.name}(${args})`);
      return { ...phase, name };
    });
    const name = `t${this.#functions++}`;
    let work = workOf(plan, step, step.routine.flops);
    const call = ({ body, unit, next }: Unit, phase: Phase, ids: readonly BufferId[]): void => {
      const args = ids.map((id) => `ptr ${nameOf(id)}`);
      body.line(`call void @${phase.name}(${[...args, 'ptr %scratch', `i64 ${unit}`, `i64 ${next}`].join(', ')})`);
    };
    this.#addUnits(name, outside.length, (at) => {
      call(at, last, own);
      this.#inPieces(at, name, pointersOf(outside.length), followers, (within, follower) => {
        const { kernel, reads, inputs, outputs } = follower;
        const part = `k${this.#functions++}`;
        for (const phase of renderKernel(kernel, reads, this.#module, part, this.#target, { of: rows, each }))
          call(within, phase, [...inputs, ...outputs]);
        work += workOf(plan, follower, kernel.flops);
      });
    });
    return {
      kind: 'phases',
      step: { inputs: outside, outputs: [] },
      phases: [...before, { name, units: last.units, flops: work }],
      work,
    };
  }

  /** Adds a phase's function that does its units one by one. */
  #addUnits(name: string, pointers: number, write: (at: Unit) => void, first?: string): void {
    const body = new Body(this.#module);
    if (first !== undefined) body.line(first);
    const [head, exit] = [body.label(), body.label()];
    body.line(`br label %${head}`);
    body.begin(head);
    const unit = body.name();
    const writeUnit = body.reserve();
    const next = body.value(`add i64 ${unit}, 1`);
    write({ body, unit, next });
    const latch = body.block;
    body.line(`br i1 ${body.value(`icmp ult i64 ${next}, %end`)}, label %${head}, label %${exit}`);
    writeUnit(`${unit} = phi i64 [ %begin, %entry ], [ ${next}, %${latch} ]`);
    body.begin(exit);
    this.#addFunction(name, pointers, String(body));
  }

  /** What is done with one unit for each of a list; for a long one in functions of their own, which take the pointers. */
  #inPieces<T extends Pick<Step, 'inputs' | 'outputs'>>(
    at: Unit,
    name: string,
    pointers: readonly string[],
    steps: readonly T[],
    write: (at: Unit, step: T) => void,
  ): void {
    const pieces = piecesOf(steps, (step) => step);
    if (pieces.length <= 1) {
      for (const step of steps) write(at, step);
      return;
    }
    const shared = [...pointers, '%scratch'].map((pointer) => `ptr ${pointer}`);
    pieces.forEach((piece, i) => {
      const body = new Body(this.#module);
      for (const step of piece) write({ body, unit: '%begin', next: '%end' }, step);
      this.#define(`${name}_${i}`, [...shared, 'i64 %begin', 'i64 %end'], body);
      at.body.line(`call void @${name}_${i}(${[...shared, `i64 ${at.unit}`, `i64 ${at.next}`].join(', ')})`);
    });
  }

  #addFunction(name: string, pointers: number, body: string): void {
    const parameters = pointersOf(pointers).map((pointer) => `ptr ${pointer}`);
    this.#define(name, [...parameters, 'ptr %scratch', 'i64 %begin', 'i64 %end'], body);
  }

  #define(name: string, parameters: readonly string[], body: Body | string): void {
    const all = parameters.join(', ');
    this.#module.add(`define internal void @${name}(${all}) nounwind {\nentry:\n${body}\n  ret void\n}`);
  }

  /** A band is one phase: its units are the chunks, and each goes through all steps. */
  #prepareBand(plan: Plan, step: Extract<Step, { kind: 'band' }>): PreparedStep {
    const { chunks, steps, scratchBytes, inputs, outputs } = step;
    const name = `b${this.#functions++}`;
    const outside = [...inputs, ...outputs];
    let work = 0;
    this.#addUnits(
      name,
      outside.length,
      (whole) => {
        this.#inPieces(whole, name, [...pointersOf(outside.length), '%local'], steps, ({ body, unit, next }, each) => {
          const pointer = (id: BufferId): string => {
            const { place } = plan.buffers[id] as Plan['buffers'][number];
            if (place.kind !== 'local') return `%p${outside.indexOf(id)}`;
            // Steps count from the start of the whole, of which only this chunk is there.
            const first = body.value(`mul i64 ${unit}, ${-place.chunkBytes}`);
            return body.value(`getelementptr i8, ptr ${at(body, '%local', place.offset)}, i64 ${first}`);
          };
          const part = `k${this.#functions++}`;
          const args = [...each.inputs, ...each.outputs].map((id) => `ptr ${pointer(id)}`);
          const phases = renderKernel(each.kernel, each.reads, this.#module, part, this.#target, {
            of: chunks,
            each: 1,
          });
          for (const phase of phases)
            body.line(
              `call void @${phase.name}(${[...args, 'ptr %scratch', `i64 ${unit}`, `i64 ${next}`].join(', ')})`,
            );
          work += workOf(plan, each, each.kernel.flops);
        });
      },
      `%local = alloca [${Math.max(1, scratchBytes)} x i8], align ${ALIGNMENT}`,
    );
    return { kind: 'phases', step, phases: [{ name, units: chunks, flops: work }], work };
  }

  #routine(plan: Plan, { routine, inputs, outputs }: Extract<Step, { kind: 'routine' }>) {
    const typesOf = (ids: readonly BufferId[]): TensorType[] => ids.map((id) => typeOf(plan, id));
    const types = { inputs: typesOf(inputs), outputs: typesOf(outputs) };
    return ROUTINES[routine.name]?.(routine, types, this.#module, `r${this.#functions++}`, this.#target);
  }

  #call(plan: Plan, step: Extract<Step, { kind: 'routine' }>): PreparedStep {
    const of = (ids: readonly BufferId[]): Called['inputs'] =>
      ids.map((id) => {
        const { dtype, shape } = typeOf(plan, id);
        return { dtype, size: sizeOf(shape) };
      });
    const number = this.#called.push({ routine: step.routine, inputs: of(step.inputs), outputs: of(step.outputs) }) - 1;
    return { kind: 'call', step, number, work: workOf(plan, step, step.routine.flops) };
  }

  // ---- Functions

  /** The entry: pointers come from the context. */
  #entry({ name, plan }: Prepared, tensors: number): void {
    const body = new Body(this.#module);
    const scratch = at(body, loadWord(body, CONTEXT.arena, 'ptr'), plan.cost.heldBytes);
    const pointers = [CONTEXT.arena, ...Array.from({ length: tensors }, (_, i) => CONTEXT.tensors + i)].map(
      (word) => `ptr ${loadWord(body, word, 'ptr')}`,
    );
    if (this.#canStop) {
      this.#module.define('@limit', () => this.#limit());
      body.line('call void @limit(ptr %context)');
    }
    body.line(`call void @${name}(${['ptr %context', `ptr ${scratch}`, ...pointers].join(', ')})`);
    this.#module.add(`define void @${ENTRY}(ptr %context) nounwind {\nentry:\n${body}\n  ret void\n}`);
  }

  /** The function of a plan: `void (context, scratch, arena, input…, output…)`; a long one calls others with its steps. */
  #function(prepared: Prepared, outputs: number, isWithin: boolean): void {
    const { plan, name, steps } = prepared;
    const parameters = [
      'ptr %context',
      'ptr %scratch',
      'ptr %arena',
      ...plan.inputs.map((_, i) => `ptr %i${i}`),
      ...Array.from({ length: outputs }, (_, i) => `ptr %o${i}`),
    ];
    const places = outputPlaces(plan, isWithin);
    const flow = new Flow(this.#module, this.#target.threads);
    const pieces = piecesOf(steps, ({ step }) => step);
    const own = pieces.length > 1 ? [] : steps.flatMap(({ step }) => [...step.inputs, ...step.outputs]);
    const pointers = this.#pointers(plan, flow.body, [...own, ...(isWithin ? plan.outputs : [])], places);
    if (pieces.length > 1) this.#callPieces(flow, prepared, pieces, places);
    else this.#steps(flow, prepared, pointers, steps);
    if (isWithin) this.#copyOutputs(flow, plan, pointers);
    flow.close();
    this.#define(name, parameters, flow.body);
  }

  /** Steps in functions of their own, which take the pointers that they need. */
  #callPieces(
    flow: Flow,
    prepared: Prepared,
    pieces: readonly (readonly PreparedStep[])[],
    places: ReadonlyMap<BufferId, number>,
  ): void {
    pieces.forEach((steps, i) => {
      const name = `${prepared.name}_${i}`;
      const within = new Flow(this.#module, this.#target.threads);
      const ids = steps.flatMap(({ step }) => [...step.inputs, ...step.outputs]);
      const pointers = this.#pointers(prepared.plan, within.body, ids, places);
      this.#steps(within, prepared, pointers, steps);
      within.close();
      const outside = [...pointers.values()].filter((pointer) => /^%[io]/.test(pointer));
      const parameters = ['%context', '%scratch', '%arena', ...outside].map((pointer) => `ptr ${pointer}`);
      this.#define(name, parameters, within.body);
      flow.body.line(`call void @${name}(${parameters.join(', ')})`);
      if (i < pieces.length - 1) this.#lookAtClock(flow.body);
      if (this.#canStop) flow.returnIfStopped();
    });
  }

  #steps(flow: Flow, prepared: Prepared, pointers: Pointers, steps: readonly PreparedStep[]): void {
    let unwatched = 0;
    steps.forEach((each, i) => {
      this.#step(flow, prepared, pointers, each);
      unwatched += each.work;
      if (unwatched < CHECK_WORK || i === steps.length - 1) return;
      this.#lookAtClock(flow.body);
      flow.returnIfStopped();
      unwatched = 0;
    });
  }

  /** The names of some buffers' pointers. */
  #pointers({ buffers }: Plan, body: Body, ids: readonly BufferId[], outputs: ReadonlyMap<BufferId, number>): Pointers {
    // In the order of the buffers.
    const wanted = [...new Set(ids)].sort((a, b) => a - b);
    const name = (id: BufferId): string => {
      poll();
      const { place } = buffers[id] as Plan['buffers'][number];
      switch (place.kind) {
        case 'input':
          return `%i${place.index}`;
        case 'output':
          return `%o${outputs.get(id)}`;
        case 'constant':
          return loadWord(body, this.#constantNumbers.get(place.data) as number, 'ptr');
        case 'arena':
          return at(body, '%arena', place.offset);
        case 'local':
          return '';
        default:
          return place satisfies never;
      }
    };
    return new Map(wanted.map((id) => [id, name(id)]));
  }

  /** Copies what is an output twice, or an input or constant that is an output. */
  #copyOutputs(flow: Flow, plan: Plan, pointers: Pointers): void {
    const places = outputPlaces(plan, true);
    plan.outputs.forEach((id, i) => {
      const isDirect = plan.buffers[id]?.place.kind === 'output' && places.get(id) === i;
      if (!isDirect) flow.copy(`%o${i}`, pointers.get(id) as string, bytesOf(typeOf(plan, id)));
    });
  }

  #step(flow: Flow, prepared: Prepared, pointers: Pointers, each: PreparedStep): void {
    const named = (ids: readonly BufferId[]): string[] => ids.map((id) => pointers.get(id) as string);
    const { inputs, outputs } = each.step;
    switch (each.kind) {
      case 'phases': {
        for (const phase of each.phases) {
          const pointers = [...named(inputs), ...named(outputs), '%scratch'];
          const watched = this.#watched(phase, pointers.length, each.work);
          flow.phase(
            watched ?? phase,
            watched ? ['%context', ...pointers] : pointers,
            isParallelPhase(phase, each.work),
          );
          if (watched) flow.returnIfStopped();
        }
        break;
      }
      case 'call':
        flow.callBack(each.number, [...named(inputs), ...named(outputs)]);
        // Where its definition fails, the run is ended.
        this.#canStop = true;
        flow.returnIfStopped();
        break;
      case 'branch':
        this.#branch(flow, prepared, named(inputs), named(outputs), each);
        break;
      case 'loop':
        this.#loop(flow, prepared, named(inputs), named(outputs), each);
        break;
      default:
        each satisfies never;
    }
  }

  #branch(
    flow: Flow,
    prepared: Prepared,
    [selector, ...inputs]: readonly string[],
    outputs: readonly string[],
    { step, branches }: Extract<PreparedStep, { kind: 'branch' }>,
  ): void {
    for (const branch of branches) this.#function(branch, branch.plan.outputs.length, true);
    const { body } = flow;
    const { dtype } = typeOf(prepared.plan, step.inputs[0] as BufferId);
    const memory = dtype === 'int64' ? 'i64' : dtype === 'int32' ? 'i32' : 'i8';
    const read = body.value(`load ${memory}, ptr ${selector}`);
    const wide = memory === 'i64' ? read : body.value(`${memory === 'i8' ? 'zext' : 'sext'} ${memory} ${read} to i64`);
    const labels = branches.map(() => body.label());
    const done = body.label();
    const low = body.value(`icmp sgt i64 ${wide}, 0`);
    const floored = body.value(`select i1 ${low}, i64 ${wide}, i64 0`);
    // What is beyond the last branch is the last branch.
    const cases = labels.slice(0, -1).map((label, i) => `i64 ${i}, label %${label}`);
    body.line(`switch i64 ${floored}, label %${labels.at(-1)} [ ${cases.join(' ')} ]`);
    branches.forEach((branch, i) => {
      body.begin(labels[i] as string);
      flow.call(branch.name, at(body, '%arena', prepared.plan.arenaBytes), [...inputs, ...outputs]);
      body.line(`br label %${done}`);
    });
    body.begin(done);
    if (this.#canStop) flow.returnIfStopped();
  }

  #loop(
    flow: Flow,
    prepared: Prepared,
    inputs: readonly string[],
    outputs: readonly string[],
    { step, body: inner, work }: Extract<PreparedStep, { kind: 'loop' }>,
  ): void {
    this.#function(inner, inner.plan.outputs.length, true);
    const { constants, carried, trips, reverse } = step;
    const state = inputs.slice(constants, constants + carried);
    if (trips === 0) {
      state.forEach((from, i) => {
        const bytes = bytesOf(inner.plan.inputs[constants + i] as TensorType);
        flow.copy(outputs[i] as string, from, bytes);
      });
      return;
    }
    const { body } = flow;
    const end = prepared.plan.arenaBytes;
    const [even, odd] = step.spares.map((offsets) => offsets.map((offset) => at(body, '%arena', end + offset))) as [
      string[],
      string[],
    ];
    const region = at(body, '%arena', end + step.bodyOffset);
    const before = body.block;
    const [head, latch, exit] = [body.label(), body.label(), body.label()];
    body.line(`br label %${head}`);
    body.begin(head);
    const trip = body.name();
    const writeTrip = body.reserve();
    const current = state.map(() => ({ name: body.name(), write: body.reserve() }));
    const position = reverse ? body.value(`sub i64 ${trips - 1}, ${trip}`) : trip;
    const rowOf = (pointer: string, bytes: number): string =>
      body.value(`getelementptr i8, ptr ${pointer}, i64 ${body.value(`mul i64 ${position}, ${bytes}`)}`);
    const isEven = body.value(`trunc i64 ${trip} to i1`);
    const isLast = body.value(`icmp eq i64 ${trip}, ${trips - 1}`);
    // A trip writes the state into one of two places by turns, and the last one where the loop's output is.
    const next = state.map((_, i) => {
      const turn = body.value(`select i1 ${isEven}, ptr ${odd[i]}, ptr ${even[i]}`);
      return body.value(`select i1 ${isLast}, ptr ${outputs[i]}, ptr ${turn}`);
    });
    const slices = inputs
      .slice(constants + carried)
      .map((pointer, i) => rowOf(pointer, bytesOf(inner.plan.inputs[constants + carried + i] as TensorType)));
    const rows = outputs.slice(carried).map((pointer, i) => {
      const id = inner.plan.outputs[carried + i] as BufferId;
      return rowOf(pointer, bytesOf(typeOf(inner.plan, id)));
    });
    flow.call(inner.name, region, [
      ...inputs.slice(0, constants),
      ...current.map(({ name }) => name),
      ...slices,
      ...next,
      ...rows,
    ]);
    const isStopped = this.#looksAtClock(body, trip, work / trips, trips);
    if (isStopped === undefined) body.line(`br label %${latch}`);
    else body.line(`br i1 ${isStopped}, label %${exit}, label %${latch}`);
    body.begin(latch);
    const following = body.value(`add i64 ${trip}, 1`);
    body.line(`br i1 ${body.value(`icmp ult i64 ${following}, ${trips}`)}, label %${head}, label %${exit}`);
    writeTrip(`${trip} = phi i64 [ 0, %${before} ], [ ${following}, %${latch} ]`);
    current.forEach(({ name, write }, i) =>
      write(`${name} = phi ptr [ ${state[i]}, %${before} ], [ ${next[i]}, %${latch} ]`),
    );
    body.begin(exit);
    if (this.#canStop) flow.returnIfStopped();
  }

  /** Whether the run has been ended: asked every so many trips. */
  #looksAtClock(body: Body, trip: string, perTrip: number, trips: number): string | undefined {
    const interval = 2 ** Math.max(0, Math.ceil(Math.log2(CHECK_WORK / Math.max(1, perTrip))));
    if (interval >= trips) return undefined;
    const [ask, asked] = [body.label(), body.label()];
    const before = body.block;
    const isTurn = body.value(`icmp eq i64 ${body.value(`and i64 ${trip}, ${interval - 1}`)}, ${interval - 1}`);
    body.line(`br i1 ${isTurn}, label %${ask}, label %${asked}`);
    body.begin(ask);
    this.#lookAtClock(body);
    const flag = loadWord(body, CONTEXT.stopped, 'i64');
    const isSet = body.value(`icmp ne i64 ${flag}, 0`);
    const after = body.block;
    body.line(`br label %${asked}`);
    body.begin(asked);
    return body.value(`phi i1 [ false, %${before} ], [ ${isSet}, %${after} ]`);
  }

  /** A long phase that looks at the clock between its units, whoever does them; it takes the context before its pointers. */
  #watched(phase: Phase, pointers: number, work: number): Phase | undefined {
    if (work < 2 * CHECK_WORK || phase.units <= 1) return undefined;
    const interval = Math.max(1, Math.floor((phase.units * CHECK_WORK) / work));
    const name = `${phase.name}_watched`;
    const parameters = pointersOf(pointers).map((pointer) => `ptr ${pointer}`);
    const body = new Body(this.#module);
    const [head, go, exit] = [body.label(), body.label(), body.label()];
    body.line(`br label %${head}`);
    body.begin(head);
    const unit = body.name();
    const writeUnit = body.reserve();
    this.#lookAtClock(body);
    const flag = loadWord(body, CONTEXT.stopped, 'i64');
    body.line(`br i1 ${body.value(`icmp ne i64 ${flag}, 0`)}, label %${exit}, label %${go}`);
    body.begin(go);
    const most = body.value(`add i64 ${unit}, ${interval}`);
    const next = body.value(`select i1 ${body.value(`icmp ult i64 ${most}, %end`)}, i64 ${most}, i64 %end`);
    body.line(`call void @${phase.name}(${[...parameters, `i64 ${unit}`, `i64 ${next}`].join(', ')})`);
    body.line(`br i1 ${body.value(`icmp ult i64 ${next}, %end`)}, label %${head}, label %${exit}`);
    writeUnit(`${unit} = phi i64 [ %begin, %entry ], [ ${next}, %${go} ]`);
    body.begin(exit);
    this.#define(name, ['ptr %context', ...parameters, 'i64 %begin', 'i64 %end'], body);
    return { ...phase, name };
  }

  #lookAtClock(body: Body): void {
    this.#canStop = true;
    this.#module.define('@late', () => this.#late());
    body.line('call void @late(ptr %context)');
  }

  /** Makes of the time that is left the time of the run's end. */
  #limit(): string {
    this.#module.define('@now', () => this.#now());
    return `define internal void @limit(ptr %context) nounwind {
entry:
  %now = call i64 @now()
  %word = getelementptr i64, ptr %context, i64 ${CONTEXT.end}
  %left = load i64, ptr %word
  %end = add i64 %now, %left
  store i64 %end, ptr %word
  ret void
}`;
  }

  /** Sets the flag when the clock has passed the run's end. */
  #late(): string {
    this.#module.define('@now', () => this.#now());
    return `define internal void @late(ptr %context) nounwind {
entry:
  %now = call i64 @now()
  %limit = getelementptr i64, ptr %context, i64 ${CONTEXT.end}
  %end = load i64, ptr %limit
  %over = icmp sgt i64 %now, %end
  br i1 %over, label %set, label %done
set:
  %flag = getelementptr i64, ptr %context, i64 ${CONTEXT.stopped}
  store atomic i64 1, ptr %flag monotonic, align 8
  br label %done
done:
  ret void
}`;
  }

  /** Nanoseconds of the system's monotonic clock. */
  #now(): string {
    this.#module.declare('i32 @clock_gettime(i32, ptr)');
    return `define internal i64 @now() nounwind {
entry:
  %time = alloca [2 x i64]
  %r = call i32 @clock_gettime(i32 ${this.#target.clock}, ptr %time)
  %s = load i64, ptr %time
  %at = getelementptr i64, ptr %time, i64 1
  %n = load i64, ptr %at
  %whole = mul i64 %s, 1000000000
  %now = add i64 %whole, %n
  ret i64 %now
}`;
  }
}

/** The name of each buffer's pointer in a function. */
type Pointers = ReadonlyMap<BufferId, string>;

/** Where one unit of a phase is done: in a function under construction, from `unit` to `next`. */
interface Unit {
  readonly body: Body;
  readonly unit: string;
  readonly next: string;
}

function pointersOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `%p${i}`);
}

/** Steps in pieces of which each is written into one function. */
function piecesOf<T>(steps: readonly T[], of: (step: T) => Pick<Step, 'inputs' | 'outputs'>): T[][] {
  const pieces: T[][] = [];
  let pointers = Infinity;
  for (const step of steps) {
    const { inputs, outputs } = of(step);
    const own = inputs.length + outputs.length + 2;
    if (pointers + own > MOST_POINTERS) {
      pieces.push([]);
      pointers = 0;
    }
    pointers += own;
    pieces.at(-1)?.push(step);
  }
  return pieces;
}

/** The place of each output among a function's parameters. A plan within another writes each where it is told to. */
function outputPlaces({ outputs, buffers }: Plan, isWithin: boolean): ReadonlyMap<BufferId, number> {
  const places = new Map<BufferId, number>();
  outputs.forEach((id, i) => {
    if (buffers[id]?.place.kind === 'output' && !places.has(id)) places.set(id, isWithin ? i : places.size);
  });
  return places;
}

/** The steps of one function. */
class Flow {
  readonly body: Body;
  readonly #hasTeam: boolean;
  /** Storage on the stack, taken once at the head of the function. */
  readonly #lists: string[] = [];
  readonly #writeLists: (text: string) => void;

  constructor(module: Module, hasTeam: boolean) {
    this.body = new Body(module);
    this.#hasTeam = hasTeam;
    this.#writeLists = this.body.reserve();
  }

  /** The end of the function. */
  close(): void {
    this.#writeLists(this.#lists.join('\n  '));
  }

  /** Runs a phase, divided among the team where that pays. */
  phase({ name, units }: Phase, pointers: readonly string[], isParallel: boolean): void {
    if (units === 0) return;
    const { body } = this;
    if (!isParallel || !this.#hasTeam) {
      const args = pointers.map((pointer) => `ptr ${pointer}`).join(', ');
      body.line(`call void @${name}(${args}, i64 0, i64 ${units})`);
      return;
    }
    body.module.define(`${name}_share`, () => shareOf(name, pointers.length));
    body.module.declare(`void @${PARALLEL}(ptr, ptr, i64, i64)`);
    const threads = loadWord(body, CONTEXT.threads, 'i64');
    body.line(`call void @${PARALLEL}(ptr @${name}_share, ptr ${this.#list(pointers)}, i64 ${units}, i64 ${threads})`);
  }

  copy(to: string, from: string, bytes: number): void {
    if (bytes === 0) return;
    this.body.module.declare('void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)');
    this.body.line(`call void @llvm.memcpy.p0.p0.i64(ptr ${to}, ptr ${from}, i64 ${bytes}, i1 false)`);
  }

  /** Runs the function of a plan within. */
  call(name: string, arena: string, pointers: readonly string[]): void {
    const args = ['ptr %context', 'ptr %scratch', `ptr ${arena}`, ...pointers.map((pointer) => `ptr ${pointer}`)];
    this.body.line(`call void @${name}(${args.join(', ')})`);
  }

  /** Has a routine run by its definition. */
  callBack(number: number, pointers: readonly string[]): void {
    this.body.module.declare(`void @${CALLBACK}(i64, ptr)`);
    this.body.line(`call void @${CALLBACK}(i64 ${number}, ptr ${this.#list(pointers)})`);
  }

  /** Ends the function where the run has been ended. */
  returnIfStopped(): void {
    const { body } = this;
    const [stop, go] = [body.label(), body.label()];
    const flag = loadWord(body, CONTEXT.stopped, 'i64');
    body.line(`br i1 ${body.value(`icmp ne i64 ${flag}, 0`)}, label %${stop}, label %${go}`);
    body.begin(stop);
    body.line('ret void');
    body.begin(go);
  }

  /** Pointers as a list in memory. */
  #list(pointers: readonly string[]): string {
    const { body } = this;
    const list = body.name();
    this.#lists.push(`${list} = alloca [${pointers.length} x ptr]`);
    pointers.forEach((pointer, i) => {
      body.line(`store ptr ${pointer}, ptr ${body.value(`getelementptr ptr, ptr ${list}, i64 ${i}`)}`);
    });
    return list;
  }
}

/** A phase as the team calls it, with its pointers in a list. */
function shareOf(name: string, pointers: number): string {
  const indices = Array.from({ length: pointers }, (_, i) => i);
  const loads = indices.map(
    (i) => `  %at${i} = getelementptr ptr, ptr %list, i64 ${i}\n  %p${i} = load ptr, ptr %at${i}`,
  );
  const args = indices.map((i) => `ptr %p${i}`).join(', ');
  return `define internal void @${name}_share(ptr %list, i64 %begin, i64 %end) nounwind {
entry:
${loads.join('\n')}
  call void @${name}(${args}, i64 %begin, i64 %end)
  ret void
}`;
}

function isParallelPhase({ units }: Phase, work: number): boolean {
  return units > 1 && work >= PARALLEL_WORK;
}

/** A routine with the kernels that go on with its rows: none where its units are no rows. */
function trainOf(plan: Plan, place: number, step: Train['step'], native: NativeRoutine): Train {
  const each = native.phases.at(-1)?.rows ?? 0;
  const { shape } = typeOf(plan, step.outputs[0] as BufferId);
  const rows = sizeOf(shape) / (shape.at(-1) ?? 1);
  return { step, native, rows, each, followers: each === 0 ? [] : followersOf(plan, place, rows) };
}

/** The kernels right after a routine that go through its rows, and write nothing that others still read. */
function followersOf(plan: Plan, place: number, rows: number): Extract<Step, { kind: 'kernel' }>[] {
  const routine = plan.steps[place] as Step;
  const followers: Extract<Step, { kind: 'kernel' }>[] = [];
  const written = new Set<BufferId>(routine.outputs);
  const used = [...routine.inputs, ...routine.outputs];
  for (const step of plan.steps.slice(place + 1)) {
    if (step.kind !== 'kernel' || !step.inputs.some((id) => written.has(id))) break;
    const { kernel, reads, inputs, inPlace } = step;
    const variables = new Set(reads.filter((_, i) => written.has(inputs[i] as BufferId)));
    const isApart = step.outputs.every((output) =>
      used.every(
        (id) => !overlaps(plan, output, id) || (inPlace.has(id) && written.has(id) && sameBytes(plan, output, id)),
      ),
    );
    if (
      !isApart ||
      !goesByRows(
        { kind: 'kernel', kernel, inputs: reads, outputs: kernel.stores.map(({ target }) => target) },
        rows,
        variables,
      )
    )
      break;
    followers.push(step);
    used.push(...inputs, ...step.outputs);
    for (const output of step.outputs) written.add(output);
  }
  return followers;
}

function overlaps(plan: Plan, a: BufferId, b: BufferId): boolean {
  const [x, y] = [spanOf(plan, a), spanOf(plan, b)];
  return x !== undefined && y !== undefined && x.from < y.to && y.from < x.to;
}

function sameBytes(plan: Plan, a: BufferId, b: BufferId): boolean {
  const [x, y] = [spanOf(plan, a), spanOf(plan, b)];
  return x?.from === y?.from && x?.to === y?.to;
}

function spanOf(plan: Plan, id: BufferId): { readonly from: number; readonly to: number } | undefined {
  const { place } = plan.buffers[id] as Plan['buffers'][number];
  return place.kind === 'arena' ? { from: place.offset, to: place.offset + bytesOf(typeOf(plan, id)) } : undefined;
}

/** Scalar operations and elements moved. */
function workOf(plan: Plan, { inputs, outputs }: Step, flops: number): number {
  return [...inputs, ...outputs].reduce((total, id) => total + sizeOf(typeOf(plan, id).shape), flops);
}

function typeOf({ buffers }: Plan, id: BufferId): TensorType {
  return (buffers[id] as Plan['buffers'][number]).type;
}

function at(body: Body, pointer: string, offset: number): string {
  return offset === 0 ? pointer : body.value(`getelementptr i8, ptr ${pointer}, i64 ${offset}`);
}

function loadWord(body: Body, word: number, type: string): string {
  const pointer = word === 0 ? '%context' : body.value(`getelementptr i64, ptr %context, i64 ${word}`);
  return body.value(`load ${type}, ptr ${pointer}`);
}
