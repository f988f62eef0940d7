/**
 * @file Random programs: well typed by construction, made of the table's own samples on one another's results, with
 * branches and loops whose bodies are random programs too. Every recipe is a program, so that recipes shrink.
 */
import fc from 'fast-check';
import { add } from '../../engine/ops/add.ts';
import { broadcastTo } from '../../engine/ops/broadcast-to.ts';
import { cast } from '../../engine/ops/cast.ts';
import { cond } from '../../engine/ops/cond.ts';
import { mul } from '../../engine/ops/mul.ts';
import { reshape } from '../../engine/ops/reshape.ts';
import { scan } from '../../engine/ops/scan.ts';
import { slice } from '../../engine/ops/slice.ts';
import { tanh } from '../../engine/ops/tanh.ts';
import { Builder } from '../../engine/program/builder.ts';
import { type Program, subprograms, type Var } from '../../engine/program/program.ts';
import { isFloat, type Shape, sameType, sizeOf, type TensorType } from '../../engine/types.ts';
import { subjectsOfControl } from './control.ts';
import type { Domain } from './draw.ts';
import { ENTRIES, type Entry, type Subject, subjectOf } from './table.ts';

/** How one step of a program is chosen; every number picks among what there is. */
interface Step {
  readonly row: number;
  readonly sample: number;
  /** The variables that it reads. */
  readonly reads: readonly number[];
  /** Whether floats are first brought into a small range. */
  readonly calm: boolean;
  /** A body for a branch or a loop instead of a row of the table. */
  readonly within: Within | null;
}

interface Within {
  readonly kind: 'branch' | 'loop';
  readonly reverse: boolean;
  readonly first: Recipe;
  readonly second: Recipe;
}

/** How a program is made. */
export interface Recipe {
  readonly steps: readonly Step[];
  readonly outputs: readonly number[];
}

/** Elements of one tensor, kept few: it is the structure that varies. */
const MAX_SIZE = 40;

/** Whether derivatives of a row mean what differences do: not where they are cut off, or where a variable is written. */
function isHonest(entry: Entry): boolean {
  if (!('lower' in entry)) return true;
  if (entry.writes !== undefined || entry.lower.kind === 'none') return false;
  return !(Array.isArray(entry.jvp) && entry.jvp.some((rule) => rule === 'stop_gradient' || rule === 'through_state'));
}

/** Whether tangents can be pushed through every equation, those of sub-programs too. */
function hasForwardMode(program: Program): boolean {
  return program.eqns.every(({ op, params }) => op.lower.kind !== 'none' && subprograms(params).every(hasForwardMode));
}

/** What steps may be made of, by row. */
const PIECES: readonly (readonly Subject[])[] = [
  ...ENTRIES.filter(isHonest).map((entry) => entry.samples.map((sample) => subjectOf(entry, sample))),
  subjectsOfControl().filter(({ program }) => hasForwardMode(program)),
]
  .map((subjects) => subjects.filter(({ program }) => [...program.inputs, ...program.outputs].every(isSmall)))
  .filter((subjects) => subjects.length > 0);

function isSmall({ type }: Var): boolean {
  return sizeOf(type.shape) <= MAX_SIZE;
}

/** Recipes of up to `size` steps, with bodies `depth` levels deep. */
export function recipes(size = 10, depth = 2): fc.Arbitrary<Recipe> {
  const within: fc.Arbitrary<Within | null> =
    depth === 0
      ? fc.constant(null)
      : fc.option(
          fc.record({
            kind: fc.constantFrom('branch' as const, 'loop' as const),
            reverse: fc.boolean(),
            first: recipes(4, depth - 1),
            second: recipes(3, depth - 1),
          }),
          { freq: 6 },
        );
  const step: fc.Arbitrary<Step> = fc.record({
    row: fc.nat(10_000),
    sample: fc.nat(100),
    reads: fc.array(fc.nat(100), { maxLength: 3 }),
    calm: fc.constantFrom(true, true, false),
    within: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: within }),
  });
  return fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: size }),
    outputs: fc.array(fc.nat(100), { maxLength: 2 }),
  });
}

/** The program of a recipe. */
export function programFrom(recipe: Recipe): Subject {
  const cook = new Cook(
    [
      { dtype: 'float64', shape: [2, 3] },
      { dtype: 'float32', shape: [3] },
    ],
    true,
  );
  const program = cook.program(recipe);
  return { name: 'random', program, domains: program.inputs.map((input) => cook.domains.get(input)) };
}

/** A program being made. */
class Cook {
  readonly b = new Builder();
  readonly domains = new Map<Var, Domain | undefined>();
  readonly #known: Var[];
  readonly #mayAddInputs: boolean;

  constructor(types: readonly TensorType[], mayAddInputs: boolean) {
    this.#known = types.map((type) => this.b.input(type));
    this.#mayAddInputs = mayAddInputs;
  }

  program({ steps, outputs }: Recipe): Program {
    const last = this.follow(steps);
    return this.b.build([...new Set([last, ...outputs.map((pick) => this.#pick(pick))])]);
  }

  /** Makes the steps; returns the last result. */
  follow(steps: readonly Step[]): Var {
    for (const step of steps) this.#known.push(...this.#step(step));
    return this.#known.at(-1) as Var;
  }

  #pick(at: number): Var {
    // The latest first, so that steps build on one another.
    return this.#known[this.#known.length - 1 - (at % this.#known.length)] as Var;
  }

  #step(step: Step): readonly Var[] {
    if (step.within?.kind === 'branch') return this.#branch(step, step.within);
    if (step.within?.kind === 'loop') return this.#loop(step, step.within);
    const samples = PIECES[step.row % PIECES.length] as readonly Subject[];
    const { program, domains } = samples[step.sample % samples.length] as Subject;
    const args = program.inputs.map(({ type }, i) => this.operand(type, step.reads[i] ?? i, domains[i], step.calm));
    return this.b.inline(program, args);
  }

  #branch(step: Step, { first, second }: Within): readonly Var[] {
    const operands = [0, 1].map((i) => this.#pick(step.reads[i] ?? i));
    const types = operands.map(({ type }) => type);
    const taken = new Cook(types, false);
    const result = taken.follow(first.steps);
    const other = new Cook(types, false);
    other.follow(second.steps);
    const branches = [
      taken.b.build([result]),
      other.b.build([other.operand(result.type, second.outputs[0] ?? 0, undefined, false)]),
    ];
    const selector = this.operand({ dtype: 'int32', shape: [] }, step.reads[2] ?? 0, undefined, false);
    return this.b.emit(cond, [selector, ...operands], { branches });
  }

  #loop(step: Step, { first, second, reverse }: Within): readonly Var[] {
    const length = step.sample % 4;
    const [fixed, state] = [this.#pick(step.reads[0] ?? 0), this.#pick(step.reads[1] ?? 1)];
    const slice: TensorType = { dtype: 'float64', shape: [2] };
    const stack = this.operand({ dtype: 'float64', shape: [length, 2] }, step.reads[2] ?? 2, undefined, step.calm);
    const body = new Cook([fixed.type, state.type, slice], false);
    body.follow(first.steps);
    const next = body.operand(state.type, first.outputs[0] ?? 0, [-2, 2], true);
    body.follow(second.steps);
    const row = body.operand(slice, second.outputs[0] ?? 0, undefined, false);
    return this.b.emit(scan, [fixed, state, stack], {
      body: body.b.build([next, row]),
      constants: 1,
      carried: 1,
      length,
      reverse,
    });
  }

  /** A variable of a type and inside a domain: one that is there, one made of one that is there, or a new input. */
  operand(type: TensorType, at: number, domain: Domain | undefined, calm: boolean): Var {
    const fitting = this.#known.filter((known) => sameType(known.type, type) && (isFloat(type.dtype) || !domain));
    if (fitting.length > 0) return this.#within(fitting[at % fitting.length] as Var, domain, calm);
    const floats = this.#known.filter((known) => isFloat(known.type.dtype) && sizeOf(known.type.shape) > 0);
    if (this.#mayAddInputs && (!isFloat(type.dtype) || floats.length === 0 || at % 4 === 0)) {
      const input = this.b.input(type);
      this.domains.set(input, domain);
      this.#known.unshift(input);
      return input;
    }
    const from = floats[at % Math.max(floats.length, 1)];
    if (!from) return this.b.full(isFloat(type.dtype) ? 0.5 : 1, type);
    return this.#within(this.#shaped(from, type), domain, calm);
  }

  /** A variable's elements, repeated or cut to another type. */
  #shaped(from: Var, type: TensorType): Var {
    const { b } = this;
    const size = sizeOf(type.shape);
    const given = sizeOf(from.type.shape);
    const times = Math.max(1, Math.ceil(size / given));
    const repeated = broadcastTo(b, reshape(b, from, { shape: [given] }), { shape: [times, given] });
    const flat = reshape(b, repeated, { shape: [times * given] as Shape });
    const cut = slice(b, flat, { starts: [0], stops: [size], steps: [1] });
    return reshape(b, cast(b, cut, { dtype: type.dtype }), { shape: type.shape });
  }

  /** `middle + half * tanh(x)`, where the range matters. */
  #within(x: Var, domain: Domain | undefined, calm: boolean): Var {
    const range = domain ?? (calm ? ([-2, 2] as const) : undefined);
    if (!range || !isFloat(x.type.dtype)) return x;
    const { b } = this;
    const [low, high] = range;
    const half = b.full(0.49 * (high - low), x.type);
    return add(b, mul(b, tanh(b, x), half), b.full((low + high) / 2, x.type));
  }
}
