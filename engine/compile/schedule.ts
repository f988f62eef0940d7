/**
 * @file Scheduling: which variables are stored, and which kernel computes them.
 *
 * In: a simplified program. Out: steps in order. A variable that an expression can give is computed where it is read,
 * and stored only when it must be (an output, a fold, an input of a routine) or when computing it again would be dear.
 * Stored variables over one space go into one kernel where their dependencies allow, so that a value and its gradients
 * read their inputs once.
 */
import { EngineError } from '../errors.ts';
import type { Form, Lowering, Read } from '../ops/op.ts';
import type { Eqn, Program, Var } from '../program/program.ts';
import { type Shape, sizeOf, type TensorType } from '../types.ts';
import { type Expr, Exprs, SCALARS, type ScalarFn } from './expr.ts';
import { foldIndex, type Index, spaceIndex } from './index-space.ts';
import type { Kernel } from './plan.ts';
import type { Routine } from './routine.ts';
import { reachable, substitute } from './traverse.ts';

type Of<K extends Lowering<unknown>['kind']> = Extract<Lowering<unknown>, { kind: K }>;

/** A step over variables, before they have buffers. */
export type ScheduledStep = { readonly inputs: readonly Var[]; readonly outputs: readonly Var[] } & (
  | { readonly kind: 'kernel'; readonly kernel: Kernel }
  | { readonly kind: 'routine'; readonly routine: Routine }
  | { readonly kind: 'branch'; readonly programs: readonly Program[] }
  | { readonly kind: 'loop'; readonly loop: ReturnType<Of<'loop'>['loop']> }
);

/** Equations that one expression may grow to: keeps kernels small enough to compile well. */
const MAX_INLINED = 96;
/** Stored variables and inlined equations of one kernel. */
const MAX_KERNEL = 384;
/** From this many scalar operations on, computing an element twice costs more than storing it. */
const DEAR = 8;
/** A fold of at least this many scalar operations is left to its routine. */
const ROUTINE_FLOPS = 8192;

/** The steps that compute a program. */
export function schedule(program: Program): ScheduledStep[] {
  const scheduler = new Scheduler(program);
  return scheduler.run();
}

/** A kernel that still takes members. */
interface Group {
  readonly position: number;
  readonly space: Shape;
  /** The space its folds go over, once it has one. */
  over: string | undefined;
  readonly members: Member[];
  weight: number;
}

/** A stored variable with its expression over the kernel's own position. */
interface Member {
  readonly variable: Var;
  readonly expr: Expr;
}

class Scheduler {
  readonly #program: Program;
  readonly #e = new Exprs();
  readonly #facts = new Map<Eqn, Facts>();
  readonly #producers = new Map<Var, Eqn>();
  readonly #stored = new Set<Var>();
  /** Equations that a variable's expression is made of, as far as they are not stored. */
  readonly #weights = new Map<Var, number>();

  constructor(program: Program) {
    this.#program = program;
    const perElement = new Map<string, number>();
    for (const eqn of program.eqns) {
      this.#facts.set(eqn, factsOf(eqn, perElement));
      for (const output of eqn.outputs) this.#producers.set(output, eqn);
    }
  }

  run(): ScheduledStep[] {
    this.#choose();
    return this.#group().steps();
  }

  #factsOf(eqn: Eqn): Facts {
    return this.#facts.get(eqn) as Facts;
  }

  /** Decides what is stored, from each variable's readers and the size of its expression. */
  #choose(): void {
    const { eqns, inputs, outputs } = this.#program;
    for (const variable of [...inputs, ...outputs]) this.#stored.add(variable);
    const readers = this.#readers();
    const costs = new Map<Var, number>();
    for (const eqn of eqns) {
      const facts = this.#factsOf(eqn);
      if (!facts.inlinable) {
        for (const output of eqn.outputs) this.#stored.add(output);
        continue;
      }
      const own = eqn.outputs[0] as Var;
      let weight = 1;
      let cost = facts.flops;
      for (const input of eqn.inputs)
        if (!this.#stored.has(input)) {
          weight += this.#weights.get(input) ?? 1;
          cost += costs.get(input) ?? 0;
        }
      const { iterations, spaces } = readers.get(own) ?? NOBODY;
      // A member of a kernel that only its own kernel reads costs no store, so that several readers are reason enough.
      const isComputedAgain = iterations > sizeOf(own.type.shape) || spaces === SEVERAL;
      if (weight > MAX_INLINED || (cost >= DEAR && isComputedAgain)) this.#stored.add(own);
      if (this.#stored.has(own)) {
        this.#weights.set(own, weight);
        continue;
      }
      this.#weights.set(own, weight);
      costs.set(own, cost);
    }
  }

  /** For each variable, how often its readers ask for an element, and over which spaces they run. */
  #readers(): Map<Var, Readers> {
    const readers = new Map<Var, Readers>();
    const { eqns } = this.#program;
    for (let i = eqns.length - 1; i >= 0; i--) {
      const eqn = eqns[i] as Eqn;
      const facts = this.#factsOf(eqn);
      const own = eqn.outputs[0] as Var;
      const through = facts.inlinable && !this.#stored.has(own) ? readers.get(own) : undefined;
      const iterations = Math.max(facts.iterations, through?.iterations ?? 0);
      // A fold's readers may share one loop; other readers are members of the kernel or compute the element again.
      const space = facts.fold ?? SEVERAL;
      for (const input of eqn.inputs) {
        if (!facts.reads) this.#stored.add(input);
        const known = readers.get(input);
        if (known) {
          known.iterations = Math.max(known.iterations, iterations);
          if (known.spaces !== space) known.spaces = SEVERAL;
        } else readers.set(input, { iterations, spaces: space === SEVERAL ? (through?.spaces ?? ONE) : space });
      }
    }
    return readers;
  }

  /** Puts the stored variables into kernels, in the program's order. */
  #group(): Grouping {
    const grouping = new Grouping(this.#e, this.#program);
    for (const eqn of this.#program.eqns) {
      const { lower } = eqn.op;
      const { form } = this.#factsOf(eqn);
      switch (lower.kind) {
        case 'map':
        case 'reduce': {
          const own = eqn.outputs[0] as Var;
          if (!this.#stored.has(own)) break;
          if (lower.kind === 'reduce' && lower.routine && this.#factsOf(eqn).asRoutine)
            grouping.addStep(eqn, { kind: 'routine', routine: lower.routine(form) });
          else grouping.addMember(own, this.#exprOf(eqn), this.#weights.get(own) ?? 1);
          break;
        }
        case 'routine':
          grouping.addStep(eqn, { kind: 'routine', routine: lower.routine(form) });
          break;
        case 'branch':
          grouping.addStep(eqn, { kind: 'branch', programs: lower.programs(eqn.params) });
          break;
        case 'loop':
          grouping.addStep(eqn, { kind: 'loop', loop: lower.loop(eqn.params) });
          break;
        case 'none':
          throw new EngineError('not_differentiable', lower.detail, eqn.node === undefined ? {} : { node: eqn.node });
        default:
          lower satisfies never;
      }
    }
    return grouping;
  }

  /** A stored variable's expression at the kernel's own position. */
  #exprOf(eqn: Eqn): Expr {
    const e = this.#e;
    const { lower } = eqn.op;
    const { form } = this.#factsOf(eqn);
    const at = spaceIndex(e, (eqn.outputs[0] as Var).type.shape);
    const inlined = new Map<Var, Map<Expr, Expr>>();
    const reader =
      (of: Eqn): Read =>
      (i, index) =>
        read(of.inputs[i] as Var, index);
    const read = (variable: Var, index: Index): Expr => {
      const offset = index.linear();
      if (this.#stored.has(variable)) return e.load(variable, offset);
      const byOffset = inlined.get(variable) ?? new Map<Expr, Expr>();
      const known = byOffset.get(offset);
      if (known) return known;
      const producer = this.#producers.get(variable) as Eqn;
      const expr = (producer.op.lower as Of<'map'>).element(e, reader(producer), index, this.#factsOf(producer).form);
      inlined.set(variable, byOffset.set(offset, expr));
      return expr;
    };
    if (lower.kind === 'map') return lower.element(e, reader(eqn), at, form);
    const { over, monoid, element, finish } = (lower as Of<'reduce'>).reduction(e, reader(eqn), at, form);
    const elements = element(foldIndex(e, over));
    const accumulators = elements.map(({ dtype }, i) => e.acc(i, dtype));
    const step = monoid.combine(accumulators, elements);
    return finish(e.fold({ over, identity: monoid.identity, element: elements, step }));
  }
}

/** Whether the readers of a variable run over one space, several, or one that a fold names. */
const ONE = 'one';
const SEVERAL = 'several';

interface Readers {
  /** The most elements that one reader evaluates. */
  iterations: number;
  spaces: string;
}

const NOBODY: Readers = { iterations: 0, spaces: ONE };

/** The kernels and other steps made so far, in order. */
class Grouping {
  readonly kernelOf = new Map<Var, Group>();
  readonly #e: Exprs;
  readonly #program: Program;
  readonly #positions = new Map<Var, number>();
  readonly #slots: (Group | ScheduledStep)[] = [];
  readonly #open = new Map<string, Group[]>();

  constructor(e: Exprs, program: Program) {
    this.#e = e;
    this.#program = program;
  }

  addStep(eqn: Eqn, step: Steps): void {
    for (const output of eqn.outputs) this.#positions.set(output, this.#slots.length);
    this.#slots.push({ ...step, inputs: eqn.inputs, outputs: eqn.outputs } as ScheduledStep);
  }

  addMember(variable: Var, expr: Expr, weight: number): void {
    const space = variable.type.shape;
    const key = space.join();
    const root = this.#e.linear(sizeOf(space));
    const { loads, folds } = reachable([expr]);
    const over = folds[0]?.fold.over.join();
    let earliest = 0;
    const insideFold = new Set(folds.flatMap(({ fold }) => reachable([...fold.element, ...fold.step]).loads));
    for (const load of loads) {
      const position = this.#positions.get(load.source) ?? -1;
      const group = this.kernelOf.get(load.source);
      const beside = load.args[0] === root && !insideFold.has(load) && group?.space.join() === key;
      earliest = Math.max(earliest, beside ? position : position + 1);
    }
    for (const load of insideFold) earliest = Math.max(earliest, (this.#positions.get(load.source) ?? -1) + 1);
    const open = this.#open.get(key) ?? [];
    this.#open.set(key, open);
    let group = open.find(
      (candidate) =>
        candidate.position >= earliest &&
        candidate.weight + weight <= MAX_KERNEL &&
        (over === undefined || candidate.over === undefined || candidate.over === over),
    );
    if (!group) {
      group = { position: this.#slots.length, space, over: undefined, members: [], weight: 0 };
      this.#slots.push(group);
      open.push(group);
      // Only the latest kernels stay open, so that a long program is scheduled in linear time.
      if (open.length > 4) open.shift();
    }
    group.over ??= over;
    group.weight += weight;
    group.members.push({ variable, expr });
    this.#positions.set(variable, group.position);
    this.kernelOf.set(variable, group);
  }

  /** The finished steps; members that nothing outside their kernel reads are not stored. */
  steps(): ScheduledStep[] {
    const read = new Set<Var>(this.#program.outputs);
    for (const slot of this.#slots)
      if ('members' in slot) {
        for (const load of allLoads(slot.members.map(({ expr }) => expr)))
          if (this.kernelOf.get(load.source) !== slot) read.add(load.source);
      } else for (const input of slot.inputs) read.add(input);
    return this.#slots.flatMap((slot) => {
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
    return {
      space: group.space,
      stores,
      flops: flopsOf(
        group.space,
        stores.map(({ expr }) => expr),
      ),
    };
  }
}

type Steps = ScheduledStep extends infer S ? (S extends ScheduledStep ? Omit<S, 'inputs' | 'outputs'> : never) : never;

function kernelStep(kernel: Kernel): ScheduledStep {
  const inputs = new Set(allLoads(kernel.stores.map(({ expr }) => expr)).map((load) => load.source));
  return { kind: 'kernel', kernel, inputs: [...inputs], outputs: kernel.stores.map(({ target }) => target) };
}

/** Loads outside and inside folds. */
function allLoads(exprs: readonly Expr[]): Extract<Expr, { fn: 'load' }>[] {
  const { loads, folds } = reachable(exprs);
  return [...loads, ...folds.flatMap(({ fold }) => reachable([...fold.element, ...fold.step]).loads)];
}

function flopsOf(space: Shape, exprs: readonly Expr[]): number {
  const { all, folds } = reachable(exprs);
  const perPoint = all.reduce((total, expr) => total + flopsOfExpr(expr), 0);
  const counted = new Set(folds.map(({ fold }) => fold));
  let perFold = 0;
  for (const fold of counted)
    perFold +=
      sizeOf(fold.over) *
      reachable([...fold.element, ...fold.step]).all.reduce((sum, expr) => sum + flopsOfExpr(expr), 0);
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
  const asRoutine = lower.routine !== undefined && lower.routine(form).flops >= ROUTINE_FLOPS;
  const fold = asRoutine ? undefined : `${out.join()}|${over.join()}`;
  return { ...other, reads: !asRoutine, iterations: sizeOf(out) * sizeOf(over), asRoutine, fold };
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
