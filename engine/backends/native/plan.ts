/**
 * @file A plan as one LLVM module: kernels and routines, and the functions that run them in order on a team of threads.
 * All threads walk through the steps together. Large phases are divided among them, small ones are done by the first,
 * and a barrier stands wherever one reads what others wrote.
 */
import type { BufferId, Plan, Step } from '../../compile/plan.ts';
import type { Routine } from '../../compile/routine.ts';
import { bytesOf, type DType, sizeOf, type TensorType, type TypedArray } from '../../types.ts';
import { Body, Module } from './ir.ts';
import { renderKernel } from './kernel.ts';
import type { Phase } from './routine.ts';
import { ROUTINES } from './routines/index.ts';
import type { Target } from './target.ts';

/** The words of the block of memory that a run is described by; pointers to tensors follow. */
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
  /** Whether more than one thread has work. */
  readonly isParallel: boolean;
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

/** Scalar operations, and elements moved, from which dividing a phase pays for the barrier. */
const PARALLEL_WORK = 100_000;
/** Work after which the clock is looked at. */
const CHECK_WORK = 10_000_000;
const ALIGNMENT = 64;

/** The module of a plan. */
export function renderPlan(plan: Plan, target: Target): RenderedPlan {
  const renderer = new PlanRenderer(target);
  return renderer.render(plan);
}

/** A plan with its phases, before its function is written. */
interface Prepared {
  readonly plan: Plan;
  readonly name: string;
  readonly steps: readonly PreparedStep[];
  /** Bytes of its own arena, its routines' scratch, and the regions of plans within. */
  readonly bytes: number;
  /** Where the scratch begins. */
  readonly scratch: number;
  readonly isParallel: boolean;
  readonly work: number;
}

type PreparedStep =
  | { readonly kind: 'phases'; readonly step: Step; readonly phases: readonly Phase[]; readonly work: number }
  | { readonly kind: 'call'; readonly step: Step; readonly number: number; readonly work: number }
  | {
      readonly kind: 'branch';
      readonly step: Extract<Step, { kind: 'branch' }>;
      readonly region: number;
      readonly branches: readonly Prepared[];
      readonly work: number;
    }
  | {
      readonly kind: 'loop';
      readonly step: Extract<Step, { kind: 'loop' }>;
      readonly region: number;
      readonly body: Prepared;
      /** Offsets of two sets of carried state within the region, then of the body's own region. */
      readonly spares: readonly [readonly number[], readonly number[]];
      readonly bodyRegion: number;
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
    this.#entry(prepared, inputs.length, outputs.length);
    return {
      ir: this.#module.exporting(ENTRY),
      externals: [...inputs, ...outputs, ...this.#constants.map((data): External => ({ kind: 'constant', data }))],
      arenaBytes: prepared.bytes,
      isParallel: prepared.isParallel,
      canStop: this.#canStop,
      called: this.#called,
    };
  }

  #collectConstants(plan: Plan): void {
    for (const { place } of plan.buffers)
      if (place.kind === 'constant' && !this.#constants.includes(place.data)) this.#constants.push(place.data);
    for (const step of plan.steps) {
      if (step.kind === 'branch') step.plans.forEach((each) => this.#collectConstants(each));
      if (step.kind === 'loop') this.#collectConstants(step.body);
    }
  }

  // ---- Preparing: phases, work and memory

  #prepare(plan: Plan): Prepared {
    const name = `plan${this.#functions++}`;
    const own = aligned(plan.arenaBytes);
    let scratch = 0;
    const partial = plan.steps.map((step) => {
      switch (step.kind) {
        case 'kernel': {
          const phase = renderKernel(step.kernel, step.reads, this.#module, `k${this.#functions++}`, this.#target);
          return { kind: 'phases' as const, step, phases: [phase], work: workOf(plan, step, phase.flops) };
        }
        case 'routine': {
          const native = this.#routine(plan, step);
          if (!native) return this.#call(plan, step);
          scratch = Math.max(scratch, native.scratchBytes);
          return {
            kind: 'phases' as const,
            step,
            phases: native.phases,
            work: workOf(plan, step, step.routine.flops),
          };
        }
        case 'branch':
          return { kind: 'branch' as const, step, branches: step.plans.map((each) => this.#prepare(each)) };
        case 'loop':
          return { kind: 'loop' as const, step, body: this.#prepare(step.body) };
        default:
          return step satisfies never;
      }
    });
    const region = own + aligned(scratch);
    let within = 0;
    const steps = partial.map((each): PreparedStep => {
      if (each.kind === 'branch') {
        // One of them runs, and only one step at a time: the regions may lie over each other.
        within = Math.max(within, ...each.branches.map(({ bytes }) => bytes));
        return { ...each, region, work: Math.max(...each.branches.map(({ work }) => work)) };
      }
      if (each.kind === 'loop') {
        const laid = layLoop(plan, each.step, each.body, region);
        within = Math.max(within, laid.bytes);
        return { ...each, ...laid, region, work: each.step.trips * (each.body.work + 50) };
      }
      return each;
    });
    return {
      plan,
      name,
      steps,
      bytes: region + within,
      scratch: own,
      isParallel: this.#target.threads && steps.some(isParallelStep),
      work: steps.reduce((total, { work }) => total + work, 0),
    };
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

  /** The entry: alone, or as a team. */
  #entry({ name, isParallel }: Prepared, inputs: number, outputs: number): void {
    const body = new Body(this.#module);
    const word = (at: number, type: string): string => loadWord(body, at, type);
    const arena = word(CONTEXT.arena, 'ptr');
    const pointers = Array.from({ length: inputs + outputs }, (_, i) => word(CONTEXT.tensors + i, 'ptr'));
    const args = ['ptr %context', 'i64 %thread', 'i64 %threads', `ptr ${arena}`, ...pointers.map((p) => `ptr ${p}`)];
    body.line(`call void @${name}(${args.join(', ')})`);
    this.#module.add(
      `define internal void @member(ptr %context, i64 %thread, i64 %threads) nounwind {\nentry:\n${body}\n  ret void\n}`,
    );
    if (!isParallel) {
      this.#module.add(
        `define void @${ENTRY}(ptr %context) nounwind {\nentry:\n  call void @member(ptr %context, i64 0, i64 1)\n  ret void\n}`,
      );
      return;
    }
    this.#module.declare('void @GOMP_parallel(ptr, ptr, i32, i32)');
    this.#module.declare('i32 @omp_get_thread_num()');
    this.#module.declare('i32 @omp_get_num_threads()');
    this.#module.add(`define internal void @team(ptr %context) nounwind {
entry:
  %t = call i32 @omp_get_thread_num()
  %n = call i32 @omp_get_num_threads()
  %thread = zext i32 %t to i64
  %threads = zext i32 %n to i64
  call void @member(ptr %context, i64 %thread, i64 %threads)
  ret void
}`);
    this.#module.add(`define void @${ENTRY}(ptr %context) nounwind {
entry:
  %count = load i64, ptr %context
  %alone = icmp ule i64 %count, 1
  br i1 %alone, label %one, label %several
one:
  call void @member(ptr %context, i64 0, i64 1)
  ret void
several:
  %n = trunc i64 %count to i32
  call void @GOMP_parallel(ptr @team, ptr %context, i32 %n, i32 0)
  ret void
}`);
  }

  /** The function of a plan: `void (context, thread, threads, arena, input…, output…)`. */
  #function(prepared: Prepared, outputs: number, isWithin: boolean): void {
    const { plan, name, steps } = prepared;
    const flow = new Flow(this.#module, prepared.isParallel);
    const { body } = flow;
    body.line(`%scratch = getelementptr i8, ptr %arena, i64 ${prepared.scratch}`);
    const pointers = this.#pointers(plan, body, isWithin);
    for (const each of steps) this.#step(flow, prepared, pointers, each);
    if (isWithin) this.#copyOutputs(flow, plan, pointers);
    flow.close();
    const parameters = [
      'ptr %context',
      'i64 %thread',
      'i64 %threads',
      'ptr %arena',
      ...plan.inputs.map((_, i) => `ptr %i${i}`),
      ...Array.from({ length: outputs }, (_, i) => `ptr %o${i}`),
    ];
    this.#module.add(
      `define internal void @${name}(${parameters.join(', ')}) nounwind {\nentry:\n${body}\n  ret void\n}`,
    );
  }

  /** The name of each buffer's pointer. A plan within another writes each output where it is told to. */
  #pointers(plan: Plan, body: Body, isWithin: boolean): string[] {
    const distinct = [...new Set(plan.outputs)].filter((id) => plan.buffers[id]?.place.kind === 'output');
    return plan.buffers.map(({ place }, id) => {
      switch (place.kind) {
        case 'input':
          return `%i${place.index}`;
        case 'output':
          return `%o${isWithin ? plan.outputs.indexOf(id) : distinct.indexOf(id)}`;
        case 'constant':
          return loadWord(body, this.#constantNumbers.get(place.data) as number, 'ptr');
        case 'arena':
          return at(body, '%arena', place.offset);
        default:
          return place satisfies never;
      }
    });
  }

  /** Copies what is an output twice, or an input or constant that is an output. */
  #copyOutputs(flow: Flow, plan: Plan, pointers: readonly string[]): void {
    plan.outputs.forEach((id, i) => {
      const isDirect = plan.buffers[id]?.place.kind === 'output' && plan.outputs.indexOf(id) === i;
      if (!isDirect) flow.copy(`%o${i}`, pointers[id] as string, bytesOf(typeOf(plan, id)));
    });
  }

  #step(flow: Flow, prepared: Prepared, pointers: readonly string[], each: PreparedStep): void {
    const named = (ids: readonly BufferId[]): string[] => ids.map((id) => pointers[id] as string);
    const { inputs, outputs } = each.step;
    switch (each.kind) {
      case 'phases': {
        for (const phase of each.phases)
          flow.phase(phase, [...named(inputs), ...named(outputs), '%scratch'], isParallelPhase(phase, each.work));
        break;
      }
      case 'call':
        flow.callBack(each.number, [...named(inputs), ...named(outputs)]);
        break;
      case 'branch':
        this.#branch(flow, prepared, named(inputs), named(outputs), each);
        break;
      case 'loop':
        this.#loop(flow, named(inputs), named(outputs), each);
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
    { step, branches, region }: Extract<PreparedStep, { kind: 'branch' }>,
  ): void {
    for (const branch of branches) this.#function(branch, branch.plan.outputs.length, true);
    const isParallel = branches.some((branch) => branch.isParallel);
    if (isParallel) flow.all();
    else flow.first();
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
      flow.call(branch.name, branch.isParallel, isParallel, at(body, '%arena', region), [...inputs, ...outputs]);
      body.line(`br label %${done}`);
    });
    body.begin(done);
    flow.mark(isParallel);
  }

  #loop(
    flow: Flow,
    inputs: readonly string[],
    outputs: readonly string[],
    { step, body: inner, spares, bodyRegion, work }: Extract<PreparedStep, { kind: 'loop' }>,
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
    if (inner.isParallel) flow.all();
    else flow.first();
    const { body } = flow;
    const [even, odd] = spares.map((offsets) => offsets.map((offset) => at(body, '%arena', offset))) as [
      string[],
      string[],
    ];
    const region = at(body, '%arena', bodyRegion);
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
    flow.call(inner.name, inner.isParallel, inner.isParallel, region, [
      ...inputs.slice(0, constants),
      ...current.map(({ name }) => name),
      ...slices,
      ...next,
      ...rows,
    ]);
    const isStopped = this.#looksAtClock(flow, trip, work / trips, trips, inner.isParallel);
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
    flow.mark(inner.isParallel);
    if (isStopped !== undefined) flow.returnIfStopped();
  }

  /** Whether the run has been ended: asked every so many trips, by the first thread for all. */
  #looksAtClock(
    flow: Flow,
    trip: string,
    perTrip: number,
    trips: number,
    isParallel: boolean,
  ): string | undefined {
    const interval = 2 ** Math.max(0, Math.ceil(Math.log2(CHECK_WORK / Math.max(1, perTrip))));
    if (interval >= trips) return undefined;
    this.#canStop = true;
    const { body } = flow;
    this.#module.define('@late', () => this.#late());
    const [ask, asked] = [body.label(), body.label()];
    const before = body.block;
    const isTurn = body.value(`icmp eq i64 ${body.value(`and i64 ${trip}, ${interval - 1}`)}, ${interval - 1}`);
    body.line(`br i1 ${isTurn}, label %${ask}, label %${asked}`);
    body.begin(ask);
    if (isParallel && flow.isParallel) {
      const [look, looked] = [body.label(), body.label()];
      body.line(`br i1 ${body.value('icmp eq i64 %thread, 0')}, label %${look}, label %${looked}`);
      body.begin(look);
      body.line('call void @late(ptr %context)');
      body.line(`br label %${looked}`);
      body.begin(looked);
      flow.barrier();
    } else body.line('call void @late(ptr %context)');
    const flag = loadWord(body, CONTEXT.stopped, 'i64');
    const isSet = body.value(`icmp ne i64 ${flag}, 0`);
    const after = body.block;
    body.line(`br label %${asked}`);
    body.begin(asked);
    return body.value(`phi i1 [ false, %${before} ], [ ${isSet}, %${after} ]`);
  }

  /** Sets the flag when the clock has passed the run's end. */
  #late(): string {
    this.#module.declare('i32 @clock_gettime(i32, ptr)');
    return `define internal void @late(ptr %context) nounwind {
entry:
  %time = alloca [2 x i64]
  %r = call i32 @clock_gettime(i32 ${this.#target.clock}, ptr %time)
  %s = load i64, ptr %time
  %at = getelementptr i64, ptr %time, i64 1
  %n = load i64, ptr %at
  %whole = mul i64 %s, 1000000000
  %now = add i64 %whole, %n
  %limit = getelementptr i64, ptr %context, i64 ${CONTEXT.end}
  %end = load i64, ptr %limit
  %over = icmp sgt i64 %now, %end
  br i1 %over, label %set, label %done
set:
  %flag = getelementptr i64, ptr %context, i64 ${CONTEXT.stopped}
  store i64 1, ptr %flag
  br label %done
done:
  ret void
}`;
  }
}

/** The control flow of one function: who runs what is being added, and who has written since the last barrier. */
class Flow {
  readonly body: Body;
  readonly isParallel: boolean;
  #written: 'none' | 'first' | 'all' = 'none';
  #after: string | undefined;
  /** Storage on the stack, taken once at the head of the function. */
  readonly #lists: string[] = [];
  readonly #writeLists: (text: string) => void;

  constructor(module: Module, isParallel: boolean) {
    this.body = new Body(module);
    this.isParallel = isParallel;
    this.#writeLists = this.body.reserve();
  }

  /** What follows is run by the first thread alone. */
  first(): void {
    if (!this.isParallel) return;
    if (this.#written === 'all') this.#wait();
    this.#written = 'first';
    if (this.#after !== undefined) return;
    const { body } = this;
    const own = body.label();
    this.#after = body.label();
    body.line(`br i1 ${body.value('icmp eq i64 %thread, 0')}, label %${own}, label %${this.#after}`);
    body.begin(own);
  }

  /** What follows is run by every thread, and may read all that was written. */
  all(): void {
    if (!this.isParallel) return;
    this.#leave();
    if (this.#written !== 'none') this.#wait();
  }

  /** Says who has written what was added since `first` or `all`. */
  mark(isParallel: boolean): void {
    if (this.isParallel && isParallel) this.#written = 'none';
  }

  /** The end of the function: every thread may read what any has written. */
  close(): void {
    this.all();
    this.#writeLists(this.#lists.join('\n  '));
  }

  barrier(): void {
    this.body.module.declare('void @GOMP_barrier()');
    const { body } = this;
    const [wait, go] = [body.label(), body.label()];
    body.line(`br i1 ${body.value('icmp ugt i64 %threads, 1')}, label %${wait}, label %${go}`);
    body.begin(wait);
    body.line('call void @GOMP_barrier()');
    body.line(`br label %${go}`);
    body.begin(go);
  }

  /** Runs a phase, divided among the threads where that pays. */
  phase({ name, units }: Phase, pointers: readonly string[], isParallel: boolean): void {
    if (units === 0) return;
    const { body } = this;
    const args = pointers.map((pointer) => `ptr ${pointer}`).join(', ');
    if (!isParallel || !this.isParallel) {
      this.first();
      body.line(`call void @${name}(${args}, i64 0, i64 ${units})`);
      return;
    }
    this.all();
    const share = (thread: string): string =>
      body.value(`udiv i64 ${body.value(`mul i64 ${thread}, ${units}`)}, %threads`);
    const from = share('%thread');
    const to = share(body.value('add i64 %thread, 1'));
    const [some, none] = [body.label(), body.label()];
    body.line(`br i1 ${body.value(`icmp ult i64 ${from}, ${to}`)}, label %${some}, label %${none}`);
    body.begin(some);
    body.line(`call void @${name}(${args}, i64 ${from}, i64 ${to})`);
    body.line(`br label %${none}`);
    body.begin(none);
    this.#written = 'all';
  }

  copy(to: string, from: string, bytes: number): void {
    if (bytes === 0) return;
    this.first();
    this.body.module.declare('void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)');
    this.body.line(`call void @llvm.memcpy.p0.p0.i64(ptr ${to}, ptr ${from}, i64 ${bytes}, i1 false)`);
  }

  /** Runs the function of a plan within: with the team, or alone where its phases are small. */
  call(name: string, isTeam: boolean, isCalledByAll: boolean, arena: string, pointers: readonly string[]): void {
    const { body } = this;
    const args = (thread: string, threads: string): string =>
      ['ptr %context', `i64 ${thread}`, `i64 ${threads}`, `ptr ${arena}`, ...pointers.map((p) => `ptr ${p}`)].join(', ');
    if (isTeam && this.isParallel) {
      body.line(`call void @${name}(${args('%thread', '%threads')})`);
      return;
    }
    if (!isCalledByAll || !this.isParallel) {
      body.line(`call void @${name}(${args('0', '1')})`);
      return;
    }
    const [own, done] = [body.label(), body.label()];
    body.line(`br i1 ${body.value('icmp eq i64 %thread, 0')}, label %${own}, label %${done}`);
    body.begin(own);
    body.line(`call void @${name}(${args('0', '1')})`);
    body.line(`br label %${done}`);
    body.begin(done);
    this.barrier();
  }

  /** Has a routine run by its definition, on the thread that began the run. */
  callBack(number: number, pointers: readonly string[]): void {
    this.first();
    const { body } = this;
    body.module.declare(`void @${CALLBACK}(i64, ptr)`);
    const list = body.name();
    this.#lists.push(`${list} = alloca [${pointers.length} x ptr]`);
    pointers.forEach((pointer, i) => {
      body.line(`store ptr ${pointer}, ptr ${body.value(`getelementptr ptr, ptr ${list}, i64 ${i}`)}`);
    });
    body.line(`call void @${CALLBACK}(i64 ${number}, ptr ${list})`);
  }

  /** Ends the function where the run has been ended. */
  returnIfStopped(): void {
    this.all();
    const { body } = this;
    const [stop, go] = [body.label(), body.label()];
    const flag = loadWord(body, CONTEXT.stopped, 'i64');
    body.line(`br i1 ${body.value(`icmp ne i64 ${flag}, 0`)}, label %${stop}, label %${go}`);
    body.begin(stop);
    body.line('ret void');
    body.begin(go);
  }

  #wait(): void {
    this.#leave();
    this.barrier();
    this.#written = 'none';
  }

  #leave(): void {
    if (this.#after === undefined) return;
    this.body.line(`br label %${this.#after}`);
    this.body.begin(this.#after);
    this.#after = undefined;
  }
}

function isParallelStep(each: PreparedStep): boolean {
  switch (each.kind) {
    case 'phases':
      return each.phases.some((phase) => isParallelPhase(phase, each.work));
    case 'branch':
      return each.branches.some(({ isParallel }) => isParallel);
    case 'loop':
      return each.body.isParallel;
    case 'call':
      return false;
    default:
      return each satisfies never;
  }
}

function isParallelPhase({ units }: Phase, work: number): boolean {
  return units > 1 && work >= PARALLEL_WORK;
}

/** Scalar operations and elements moved. */
function workOf(plan: Plan, { inputs, outputs }: Step, flops: number): number {
  return [...inputs, ...outputs].reduce((total, id) => total + sizeOf(typeOf(plan, id).shape), flops);
}

function typeOf({ buffers }: Plan, id: BufferId): TensorType {
  return (buffers[id] as Plan['buffers'][number]).type;
}

function layLoop(
  plan: Plan,
  { inputs, constants, carried }: Extract<Step, { kind: 'loop' }>,
  body: Prepared,
  region: number,
): {
  readonly spares: readonly [readonly number[], readonly number[]];
  readonly bodyRegion: number;
  readonly bytes: number;
} {
  let end = region;
  const place = (): number[] =>
    inputs.slice(constants, constants + carried).map((id) => {
      const start = end;
      end += aligned(bytesOf(typeOf(plan, id)));
      return start;
    });
  const spares = [place(), place()] as const;
  return { spares, bodyRegion: end, bytes: end + body.bytes - region };
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function at(body: Body, pointer: string, offset: number): string {
  return offset === 0 ? pointer : body.value(`getelementptr i8, ptr ${pointer}, i64 ${offset}`);
}

function loadWord(body: Body, word: number, type: string): string {
  const pointer = word === 0 ? '%context' : body.value(`getelementptr i64, ptr %context, i64 ${word}`);
  return body.value(`load ${type}, ptr ${pointer}`);
}
