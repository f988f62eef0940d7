/**
 * @file Scheduling: which variables are stored, and which kernel computes them.
 *
 * In: a simplified program. Out: steps in order. A variable that an expression can give is computed where it is read,
 * and stored only when it must be (an output, a fold, an input of a routine) or when computing it again would be dear.
 * Stored variables over one space go into one kernel where their dependencies allow, so that a value and its gradients
 * read their inputs once.
 */
import { EngineError } from '../errors.ts';
import { poll } from '../interrupt.ts';
import type { Form, Lowering, Read } from '../ops/op.ts';
import type { Eqn, Program, Var } from '../program/program.ts';
import { type Shape, sizeOf, type TensorType, type TypedArray } from '../types.ts';
import { gatherBands } from './bands.ts';
import { type Expr, Exprs, narrowSum, SCALARS, type ScalarFn } from './expr.ts';
import { foldIndex, type Index, spaceIndex } from './index-space.ts';
import type { Kernel } from './plan.ts';
import type { Routine } from './routine.ts';
import { leaves, reachable, substitute } from './traverse.ts';
import { windowsOf } from './windows.ts';

type Of<K extends Lowering<unknown>['kind']> = Extract<Lowering<unknown>, { kind: K }>;

/** A step over variables, before they have buffers. */
export type ScheduledStep = { readonly inputs: readonly Var[]; readonly outputs: readonly Var[] } & (
  | { readonly kind: 'kernel'; readonly kernel: Kernel }
  | { readonly kind: 'routine'; readonly routine: Routine }
  | {
      readonly kind: 'band';
      readonly chunks: number;
      readonly steps: readonly Extract<ScheduledStep, { kind: 'kernel' }>[];
      /** What no step outside the band reads; `outputs` are the others. */
      readonly locals: readonly Var[];
    }
  | { readonly kind: 'branch'; readonly programs: readonly Program[] }
  | { readonly kind: 'loop'; readonly loop: ReturnType<Of<'loop'>['loop']> }
);

/** Equations that one expression may grow to: keeps kernels small enough to compile well. */
const MAX_INLINED = 96;
/** Stored variables and inlined equations of one kernel. */
const MAX_KERNEL = 384;
/** From this many scalar operations on, computing an element twice costs more than storing it; */
const DEAR = 8;
/** where it is computed this often or more, a quarter as many are enough: what is stored is small beside its readers. */
const OFTEN = 8;
/** A fold of at least this many scalar operations is left to its routine, */
const ROUTINE_FLOPS = 8192;
/** if it does this many with each element: below that, memory is the limit, and a fold reads with what is around it. */
const ROUTINE_INTENSITY = 4;

/** The steps that compute a program, and what is in it from the start. */
export interface Schedule {
  readonly steps: readonly ScheduledStep[];
  readonly constants: ReadonlyMap<Var, TypedArray>;
}

/** The schedule of a program; with bands for backends that run them. */
export function schedule(program: Program, hasBands: boolean): Schedule {
  const scheduler = new Scheduler(program);
  return scheduler.run(hasBands);
}

/** A variable while the program is scheduled. */
interface Value {
  readonly variable: Var;
  /** What makes it; `undefined` for inputs. */
  readonly maker: Work | undefined;
  stored: boolean;
  /** Equations that its expression is made of, as far as they are not stored. */
  weight: number;
  /** Scalar operations of its expression, as far as it is not stored. */
  cost: number;
  /** The most elements of it that one reader asks for. */
  asked: number;
  /** The space that its readers run over, if it is one and a fold's; `SEVERAL` if they differ. */
  readers: string | undefined;
  /** The place among the steps of what computes it, once it is scheduled; inputs come before all. */
  position: number;
  group: Group | undefined;
}

/** An equation while the program is scheduled. */
interface Work extends Facts {
  readonly eqn: Eqn;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** A kernel that still takes members. */
interface Group {
  readonly position: number;
  readonly key: string;
  readonly space: Shape;
  /** The space its folds go over, once it has one. */
  over: string | undefined;
  /** Whether a member does more at a point than a fold should wait for. */
  isDear: boolean;
  readonly members: Member[];
  weight: number;
}

/** A stored variable with its expression over the kernel's own position. */
interface Member {
  readonly variable: Var;
  readonly expr: Expr;
}

const SEVERAL = 'several';

class Scheduler {
  readonly #e = new Exprs();
  readonly #values = new Map<Var, Value>();
  readonly #works: readonly Work[];
  readonly #outputs: readonly Var[];
  readonly #slots: (Group | ScheduledStep)[] = [];
  readonly #open = new Map<string, Group[]>();
  readonly #constants = new Map<Var, TypedArray>();

  constructor({ inputs, eqns, outputs }: Program) {
    this.#outputs = outputs;
    for (const input of inputs) this.#addValue(input, undefined).stored = true;
    const perElement = new Map<string, number>();
    this.#works = eqns.map((eqn) => {
      poll();
      const outputs: Value[] = [];
      const work = {
        ...factsOf(eqn, perElement),
        eqn,
        inputs: eqn.inputs.map((input) => this.#valueOf(input)),
        outputs,
      };
      outputs.push(...eqn.outputs.map((output) => this.#addValue(output, work)));
      return work;
    });
    for (const output of outputs) this.#valueOf(output).stored = true;
  }

  run(hasBands: boolean): Schedule {
    this.#askReaders();
    this.#chooseStored();
    for (const work of this.#works) this.#place(work);
    const steps = this.#steps();
    return {
      steps: hasBands ? gatherBands(this.#e, steps, this.#outputs, kernelStep) : steps,
      constants: this.#constants,
    };
  }

  #addValue(variable: Var, maker: Work | undefined): Value {
    const value: Value = {
      variable,
      maker,
      stored: false,
      weight: 1,
      cost: 0,
      asked: 0,
      readers: undefined,
      position: -1,
      group: undefined,
    };
    this.#values.set(variable, value);
    return value;
  }

  #valueOf(variable: Var): Value {
    return this.#values.get(variable) as Value;
  }

  /** For each variable, how often its readers ask for an element, and over which spaces they run. */
  #askReaders(): void {
    for (let i = this.#works.length - 1; i >= 0; i--) {
      poll();
      const work = this.#works[i] as Work;
      const [own] = work.outputs;
      const through = work.inlinable && own && !own.stored ? own : undefined;
      const asked = Math.max(work.iterations, through?.asked ?? 0);
      // Folds over the same spaces share one loop; other readers are members of one kernel or compute the element again.
      const readers = work.fold ?? through?.readers ?? '';
      for (const input of work.inputs) {
        if (!work.reads) input.stored = true;
        input.readers = input.readers === undefined || (work.fold && input.readers === readers) ? readers : SEVERAL;
        input.asked = Math.max(input.asked, asked);
      }
    }
  }

  /** Decides what is stored: what must be, what grows too large, and what is dear and would be computed again. */
  #chooseStored(): void {
    for (const { inlinable, flops, inputs, outputs } of this.#works) {
      poll();
      const [own] = outputs;
      if (!own || !inlinable) {
        for (const output of outputs) output.stored = true;
        continue;
      }
      own.cost = flops;
      for (const input of inputs)
        if (!input.stored) {
          own.weight += input.weight;
          own.cost += input.cost;
        }
      // A member that only its own kernel reads costs no store, so several readers are reason enough.
      const times = own.asked / sizeOf(own.variable.type.shape);
      const isDear = own.cost >= (times >= OFTEN ? DEAR / 4 : DEAR);
      if (own.weight > MAX_INLINED || (isDear && (times > 1 || own.readers === SEVERAL))) own.stored = true;
    }
  }

  /** Gives an equation its place among the steps. */
  #place(work: Work): void {
    poll();
    const { eqn, form, outputs } = work;
    const { lower } = eqn.op;
    switch (lower.kind) {
      case 'map':
      case 'reduce':
        if (lower.kind === 'reduce' && lower.routine && work.asRoutine)
          this.#addStep(work, { kind: 'routine', routine: lower.routine(form) });
        else if (outputs[0]?.stored) this.#addMember(outputs[0], this.#exprOf(work));
        break;
      case 'routine':
        this.#addStep(work, { kind: 'routine', routine: lower.routine(form) });
        break;
      case 'constant':
        this.#constants.set(eqn.outputs[0] as Var, lower.data(eqn.params));
        break;
      case 'branch':
        this.#addStep(work, { kind: 'branch', programs: lower.programs(eqn.params) });
        break;
      case 'loop':
        this.#addStep(work, { kind: 'loop', loop: lower.loop(eqn.params) });
        break;
      case 'none':
        throw new EngineError('not_differentiable', lower.detail, eqn.node === undefined ? {} : { node: eqn.node });
      default:
        lower satisfies never;
    }
  }

  #addStep({ eqn, outputs }: Work, step: Steps): void {
    for (const output of outputs) output.position = this.#slots.length;
    this.#slots.push({ ...step, inputs: eqn.inputs, outputs: eqn.outputs } as ScheduledStep);
  }

  /** A stored variable's expression at the kernel's own position. */
  #exprOf(work: Work): Expr {
    const e = this.#e;
    const { lower } = work.eqn.op;
    const at = spaceIndex(e, (work.eqn.outputs[0] as Var).type.shape);
    const inlined = new Map<Value, Map<Expr, Expr>>();
    const reader =
      ({ inputs }: Work): Read =>
      (i, index) =>
        read(inputs[i] as Value, index);
    const read = (value: Value, index: Index): Expr => {
      const offset = index.linear();
      if (value.stored) return e.load(value.variable, offset);
      const byOffset = inlined.get(value) ?? new Map<Expr, Expr>();
      const known = byOffset.get(offset);
      if (known) return known;
      const maker = value.maker as Work;
      const expr = (maker.eqn.op.lower as Of<'map'>).element(e, reader(maker), index, maker.form);
      inlined.set(value, byOffset.set(offset, expr));
      return expr;
    };
    if (lower.kind === 'map') return lower.element(e, reader(work), at, work.form);
    const { over, monoid, element, finish } = (lower as Of<'reduce'>).reduction(e, reader(work), at, work.form);
    const elements = element(foldIndex(e, over));
    const accumulators = (first: number): Expr[] => elements.map(({ dtype }, i) => e.acc(first + i, dtype));
    const combine = monoid.combine(accumulators(0), accumulators(elements.length));
    // What the client has summed in float64 is meant to be exact.
    const isRounded = (work.eqn.outputs[0] as Var).type.dtype === 'float32';
    const narrow = isRounded ? narrowSum(e, monoid.identity, elements, combine) : undefined;
    return finish(e.fold({ over, identity: monoid.identity, element: elements, combine, narrow }));
  }

  /** Puts a stored variable into the first kernel over its space that comes late enough, or into a new one. */
  #addMember(value: Value, expr: Expr): void {
    const { variable, weight, cost } = value;
    const space = variable.type.shape;
    // Points are computed many at once, the results of a fold one by one: what is dear does not go with a fold.
    const isDear = cost >= DEAR && sizeOf(space) > 1;
    const key = space.join();
    const root = this.#e.linear(sizeOf(space));
    const { loads, folds } = leaves([expr]);
    const over = folds[0]?.fold.over.join();
    let earliest = 0;
    for (const load of loads) {
      const { position, group } = this.#valueOf(load.source);
      // What is read at the kernel's own position may be computed beside it; anything else must be there before.
      const beside = load.args[0] === root && group?.key === key;
      earliest = Math.max(earliest, beside ? position : position + 1);
    }
    for (const { fold } of folds)
      for (const load of leaves(fold.element).loads)
        earliest = Math.max(earliest, this.#valueOf(load.source).position + 1);
    const open = this.#open.get(key) ?? [];
    this.#open.set(key, open);
    let group = open.find(
      (candidate) =>
        candidate.position >= earliest &&
        candidate.weight + weight <= MAX_KERNEL &&
        (over === undefined || candidate.over === undefined || candidate.over === over) &&
        !(over === undefined ? isDear && candidate.over !== undefined : candidate.isDear),
    );
    if (!group) {
      group = { position: this.#slots.length, key, space, over: undefined, isDear: false, members: [], weight: 0 };
      this.#slots.push(group);
      open.push(group);
      // Only the latest kernels stay open, so that a long program is scheduled in linear time.
      if (open.length > 4) open.shift();
    }
    group.over ??= over;
    group.isDear ||= over === undefined && isDear;
    group.weight += weight;
    group.members.push({ variable, expr });
    value.position = group.position;
    value.group = group;
  }

  /** The finished steps; members that nothing outside their kernel reads are not stored. */
  #steps(): ScheduledStep[] {
    const read = new Set<Var>(this.#outputs);
    for (const slot of this.#slots)
      if ('members' in slot) {
        for (const load of allLoads(slot.members.map(({ expr }) => expr)))
          if (this.#valueOf(load.source).group !== slot) read.add(load.source);
      } else for (const input of slot.inputs) read.add(input);
    return this.#slots.flatMap((slot) => {
      poll();
      if (!('members' in slot)) return [slot];
      const kernel = this.#kernel(slot, read);
      return kernel.stores.length === 0 ? [] : [kernelStep(kernel)];
    });
  }

  #kernel(group: Group, read: ReadonlySet<Var>): Kernel {
    const root = this.#e.linear(sizeOf(group.space));
    const known = new Map<Expr, Expr>();
    const stores = group.members.flatMap(({ variable, expr }) => {
      const own = substitute(this.#e, expr, known);
      known.set(this.#e.load(variable, root), own);
      return read.has(variable) ? [{ target: variable, expr: own }] : [];
    });
    const exprs = stores.map(({ expr }) => expr);
    return {
      space: group.space,
      stores,
      windows: windowsOf(this.#e, group.space, stores),
      flops: flopsOf(group.space, exprs),
    };
  }
}

type Steps = ScheduledStep extends infer S ? (S extends ScheduledStep ? Omit<S, 'inputs' | 'outputs'> : never) : never;

function kernelStep(kernel: Kernel): Extract<ScheduledStep, { kind: 'kernel' }> {
  const inputs = new Set(allLoads(kernel.stores.map(({ expr }) => expr)).map((load) => load.source));
  return { kind: 'kernel', kernel, inputs: [...inputs], outputs: kernel.stores.map(({ target }) => target) };
}

/** Loads outside and inside folds. */
function allLoads(exprs: readonly Expr[]): readonly Extract<Expr, { fn: 'load' }>[] {
  const { loads, folds } = leaves(exprs);
  return folds.length === 0 ? loads : [...loads, ...folds.flatMap(({ fold }) => leaves(fold.element).loads)];
}

function flopsOf(space: Shape, exprs: readonly Expr[]): number {
  const { all, folds } = reachable(exprs);
  const perPoint = all.reduce((total, expr) => total + flopsOfExpr(expr), 0);
  const counted = new Set(folds.map(({ fold }) => fold));
  let perFold = 0;
  for (const fold of counted)
    perFold +=
      sizeOf(fold.over) *
      reachable([...fold.element, ...fold.combine]).all.reduce((sum, expr) => sum + flopsOfExpr(expr), 0);
  return sizeOf(space) * (perPoint + perFold);
}

/** Index arithmetic counts nothing: it is the loop's, not the client's. */
function flopsOfExpr(expr: Expr): number {
  return expr.fn in SCALARS && expr.dtype !== 'int32' ? SCALARS[expr.fn as ScalarFn].flops : 0;
}

/** What scheduling needs to know of an equation. */
interface Facts {
  readonly form: Form<unknown>;
  /** Whether it is an expression that a reader may contain. */
  readonly inlinable: boolean;
  /** Whether it reads its inputs by element. */
  readonly reads: boolean;
  /** Elements it evaluates when it is stored. */
  readonly iterations: number;
  /** Scalar operations an element. */
  readonly flops: number;
  readonly asRoutine: boolean;
  /** The spaces of a fold, its own and that folded over. */
  readonly fold: string | undefined;
}

/** `perElement` remembers the scalar operations of ops that act element by element, which shapes do not change. */
function factsOf(eqn: Eqn, perElement: Map<string, number>): Facts {
  const { lower } = eqn.op;
  const form = formOf(eqn);
  const other = { form, inlinable: false, reads: false, iterations: 0, flops: 0, asRoutine: false, fold: undefined };
  if (lower.kind !== 'map' && lower.kind !== 'reduce') return { ...other, asRoutine: lower.kind === 'routine' };
  const out = (form.y[0] as TensorType).shape;
  if (lower.kind === 'map') {
    const key = `${eqn.op.name} ${form.x.map(({ dtype }) => dtype).join()}`;
    const flops = perElement.get(key) ?? flopsOfMap(eqn, lower, form);
    if (eqn.op.batch === 'pointwise') perElement.set(key, flops);
    return { ...other, inlinable: true, reads: true, iterations: sizeOf(out), flops };
  }
  const e = new Exprs();
  const { over } = lower.reduction(e, stubReader(e, eqn), spaceIndex(e, out), form);
  const asRoutine = lower.routine !== undefined && paysAsRoutine(lower.routine(form).flops, form);
  const fold = asRoutine ? undefined : `${out.join()}|${over.join()}`;
  return { ...other, reads: !asRoutine, iterations: sizeOf(out) * sizeOf(over), asRoutine, fold };
}

function paysAsRoutine(flops: number, { x, y }: Form<unknown>): boolean {
  const elements = [...x, ...y].reduce((total, { shape }) => total + sizeOf(shape), 0);
  return flops >= ROUTINE_FLOPS && flops >= ROUTINE_INTENSITY * elements;
}

function flopsOfMap(eqn: Eqn, lower: Of<'map'>, form: Form<unknown>): number {
  const e = new Exprs();
  const at = spaceIndex(e, (form.y[0] as TensorType).shape);
  return reachable([lower.element(e, stubReader(e, eqn), at, form)]).all.reduce(
    (total, expr) => total + flopsOfExpr(expr),
    0,
  );
}

/** Reads every input as if it were stored. */
function stubReader(e: Exprs, eqn: Eqn): Read {
  return (i, index) => e.load(eqn.inputs[i] as Var, index.linear());
}

function formOf(eqn: Eqn): Form<unknown> {
  return {
    x: eqn.inputs.map((input) => input.type),
    y: eqn.outputs.map((output) => output.type),
    params: eqn.params,
  };
}
