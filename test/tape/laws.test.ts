/**
 * @file Laws of tapes on random programs: recorded in one piece or in several, a program has the values and derivatives
 * that it has as a whole; a derivative that is asked for runs nothing again; what was forgotten is made again.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNLIMITED } from '../../engine/backends/backend.ts';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { add } from '../../engine/ops/add.ts';
import { Builder, Env } from '../../engine/program/builder.ts';
import { hashProgram } from '../../engine/program/hash.ts';
import { print } from '../../engine/program/print.ts';
import type { Eqn, Program, Var } from '../../engine/program/program.ts';
import { type Ask, derivativeOf } from '../../engine/tape/derivative.ts';
import { fragmentOf } from '../../engine/tape/fragment.ts';
import { type Recorded, Recording } from '../../engine/tape/recording.ts';
import { Tape } from '../../engine/tape/tape.ts';
import { gradient, jacobian, pullback, pushforward, stacked } from '../../engine/transform/compose.ts';
import { isFloat, type Tensor, type TensorType, type TypedArray } from '../../engine/types.ts';
import { expectSame, type Tolerance } from '../laws/compare.ts';
import { draw, type Random, randomFrom } from '../laws/draw.ts';
import { drawInputs, isRunnable } from '../laws/laws.ts';
import { programFrom, type Recipe, recipes } from '../laws/programs.ts';
import { dataOf, evaluate } from '../laws/run.ts';
import { RUNS } from '../laws/runs.ts';
import type { Subject } from '../laws/table.ts';
import { widened } from '../laws/widen.ts';

/** Roundings are in other places where a program is cut; the programs are in double precision. */
const TOLERANCE: Tolerance = { float32: 1e-4, float64: 1e-10 };

const engine: Engine = createEngine({ backend: portable });

/** A program recorded in pieces. */
class Session {
  readonly recording = new Recording();
  readonly tape = new Tape();
  readonly #where = new Map<Var, Recorded>();

  /** Binds and watches the inputs; watches those alone that `watched` numbers. */
  bind(program: Program, inputs: readonly TypedArray[], watched: readonly number[]): void {
    program.inputs.forEach((input, i) => {
      const entry = this.recording.bound(input.type, () => inputs[i] as TypedArray, inputs[i]);
      this.recording.append([entry]);
      this.#where.set(input, entry.tensors[0] as Recorded);
      if (watched.includes(i)) this.tape.watch(entry.tensors[0] as Recorded);
    });
  }

  /** Records equations as one fragment; every variable that they make can be named after. */
  async record(eqns: readonly Eqn[], wanted: (output: number) => boolean): Promise<void> {
    const made = eqns.flatMap(({ outputs }) => outputs);
    const inside = new Set(made);
    const reads = [...new Set(eqns.flatMap(({ inputs }) => inputs))].filter((input) => !inside.has(input));
    const args = reads.map((read) => this.of(read));
    const program = { inputs: reads, eqns, outputs: made };
    const source = { key: hashProgram(program), program, wanted: made.flatMap((_, o) => (wanted(o) ? [o] : [])) };
    const flags = args.map((arg) => isFloat(arg.type.dtype) && this.tape.isOn(arg));
    const fragment = fragmentOf(source, [flags], engine);
    const entry = this.recording.run(fragment, args);
    await this.recording.valuesOf(
      fragment.kept.map((output) => entry.tensors[output] as Recorded),
      UNLIMITED,
    );
    this.recording.append([entry]);
    this.tape.record(entry, fragment.views[0]);
    made.forEach((variable, output) => this.#where.set(variable, entry.tensors[output] as Recorded));
  }

  of(variable: Var): Recorded {
    return this.#where.get(variable) as Recorded;
  }

  async values(variables: readonly Var[]): Promise<Tensor[]> {
    const tensors = variables.map((variable) => this.of(variable));
    const data = await this.recording.valuesOf(tensors, UNLIMITED);
    return tensors.map(({ type }, i) => ({ type, data: data[i] as TypedArray }));
  }

  /** A derivative of variables by others. */
  async ask(
    ask: Ask,
    targets: readonly Var[],
    sources: readonly Var[],
    directions: readonly TypedArray[],
  ): Promise<Tensor[]> {
    const of = sources.map((source) => [this.of(source)]);
    const derivative = derivativeOf(
      this.tape,
      ask,
      targets.map((target) => this.of(target)),
      of,
      engine,
    );
    const residuals = derivative.residuals.map(
      ([index, output]) => this.recording.entries[index]?.tensors[output] as Recorded,
    );
    const values = await this.recording.valuesOf(residuals, UNLIMITED);
    return [...(await derivative.executable().run([...values, ...directions], UNLIMITED))];
  }
}

async function recorded(
  program: Program,
  inputs: readonly TypedArray[],
  cuts: readonly number[],
  random: Random,
  watched = program.inputs.map((_, i) => i),
): Promise<Session> {
  const session = new Session();
  session.bind(program, inputs, watched);
  const count = program.eqns.length;
  const places = [...new Set(cuts.map((cut) => cut % (count + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, count]) {
    if (to > from) await session.record(program.eqns.slice(from, to), () => random() < 0.3);
    from = Math.max(from, to);
  }
  return session;
}

const floatsOf = (variables: readonly Var[]): Var[] => variables.filter(({ type }) => isFloat(type.dtype));

const areFinite = (tensors: readonly Tensor[]): boolean =>
  tensors.every(({ data }) => data.every((x: number | bigint) => Number.isFinite(Number(x))));

const ASKS = ['gradient', 'pullback', 'pullbacks', 'pushforward', 'pushforwards', 'columns', 'rows'] as const;

interface Asked {
  readonly ask: Ask;
  /** The derivative of the whole program; its outputs come after `targets` values. */
  whole(program: Program, targets: number, sources: readonly number[]): Program;
  /** Types of the directions. */
  directions(targets: readonly TensorType[], sources: readonly TensorType[]): readonly TensorType[];
}

function askedAs(kind: (typeof ASKS)[number]): Asked {
  const stack = kind.endsWith('s') && kind.startsWith('pu') ? 2 : undefined;
  switch (kind) {
    case 'gradient':
      return { ask: { kind }, whole: gradient, directions: () => [] };
    case 'pullback':
    case 'pullbacks':
      return {
        ask: { kind: 'pullback', stack },
        whole: (program, targets, sources) => pullback(program, targets, sources, stack),
        directions: (targets) => targets.map((type) => stacked(type, stack)),
      };
    case 'pushforward':
    case 'pushforwards':
      return {
        ask: { kind: 'pushforward', stack },
        whole: (program, targets, sources) => pushforward(program, targets, sources, stack),
        directions: (_, sources) => sources.map((type) => stacked(type, stack)),
      };
    case 'columns':
    case 'rows': {
      const mode = kind === 'columns' ? 'forward' : 'reverse';
      return {
        ask: { kind: 'jacobian', mode },
        whole: (program, targets, sources) => jacobian(program, targets, sources, mode),
        directions: () => [],
      };
    }
    default:
      return kind satisfies never;
  }
}

/** Compares a derivative on the tape with that of the whole program; says whether there was anything to compare. */
async function compare(
  session: Session,
  kind: (typeof ASKS)[number],
  program: Program,
  inputs: readonly TypedArray[],
  sources: readonly Var[],
  random: Random,
): Promise<boolean> {
  const targets = floatsOf(program.outputs);
  const numbers = sources.map((source) => program.inputs.indexOf(source));
  if (targets.length === 0 || sources.length === 0) return false;
  const { ask, whole, directions } = askedAs(kind);
  const derived = whole({ ...program, outputs: targets }, targets.length, numbers);
  if (!isRunnable(derived)) return false;
  const types = (variables: readonly Var[]): TensorType[] => variables.map(({ type }) => type);
  const given = directions(types(targets), types(sources)).map((type) => draw(type, random));
  const expected = evaluate(derived, [...inputs, ...given]).slice(targets.length);
  if (!areFinite(expected)) return false;
  const { passes } = session.recording;
  expectSame(await session.ask(ask, targets, sources, given), expected, TOLERANCE, kind);
  expect(session.recording.passes, 'a fragment was run again').toBe(passes);
  session.recording.evict();
  expectSame(await session.ask(ask, targets, sources, given), expected, TOLERANCE, `${kind}, rebuilt`);
  return true;
}

interface Drawn {
  readonly recipe: Recipe;
  readonly cuts: readonly number[];
  readonly seed: number;
  readonly kind: (typeof ASKS)[number];
  readonly pick: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  recipe: recipes(8),
  cuts: fc.array(fc.nat(60), { maxLength: 4 }),
  seed: fc.nat(),
  kind: fc.constantFrom(...ASKS),
  pick: fc.nat(1000),
});

function obeys(law: (subject: Subject, drawn: Drawn, random: Random) => Promise<boolean>) {
  return async (): Promise<void> => {
    let heard = 0;
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(drawn, async (given) => {
        const made = programFrom(given.recipe);
        const subject = { ...made, program: widened(made.program) };
        tried++;
        try {
          if (await law(subject, given, randomFrom(given.seed))) heard++;
        } catch (reason) {
          throw new Error(`${(reason as Error).message}\n${print(subject.program)}`, { cause: reason });
        }
      }),
      { numRuns: RUNS.programs },
    );
    // A law that has nothing to say of most programs is not tested by them.
    expect(heard / tried).toBeGreaterThan(0.4);
  };
}

describe('random programs on tapes', () => {
  const timeout = 60_000 * RUNS.factor;

  test(
    'have the values of the whole',
    { timeout },
    obeys(async (subject, { cuts }, random) => {
      const { program } = subject;
      const inputs = drawInputs(subject, random);
      const session = await recorded(program, inputs, cuts, random);
      const expected = evaluate(program, inputs);
      expectSame(await session.values(program.outputs), expected, TOLERANCE, 'values');
      session.recording.evict();
      expect(session.recording.bytes).toBe(0);
      expectSame(await session.values(program.outputs), expected, TOLERANCE, 'rebuilt');
      return true;
    }),
  );

  test(
    'have the derivatives of the whole, and run nothing for them',
    { timeout },
    obeys(async (subject, { cuts, kind }, random) => {
      const { program } = subject;
      const inputs = drawInputs(subject, random);
      const session = await recorded(program, inputs, cuts, random);
      return compare(session, kind, program, inputs, floatsOf(program.inputs), random);
    }),
  );

  test(
    'by some of the inputs, only some being watched',
    { timeout },
    obeys(async (subject, { cuts, kind, pick }, random) => {
      const { program } = subject;
      const inputs = drawInputs(subject, random);
      const floats = floatsOf(program.inputs);
      const watched = floats.filter((_, i) => (pick >> i) % 2 === 0);
      const session = await recorded(
        program,
        inputs,
        cuts,
        random,
        watched.map((input) => program.inputs.indexOf(input)),
      );
      const sources = watched.filter((_, i) => (pick >> (i + 3)) % 2 === 0 || i === 0);
      if (sources.length === 0) return true;
      return compare(session, kind, program, inputs, sources, random);
    }),
  );

  test(
    'by a variable in the middle',
    { timeout },
    obeys(async (subject, { cuts, kind, pick }, random) => {
      const { program } = subject;
      const inputs = drawInputs(subject, random);
      const session = await recorded(program, inputs, cuts, random);
      const inner = program.eqns
        .flatMap(({ outputs }) => outputs)
        .filter((variable) => session.tape.isOn(session.of(variable)));
      const chosen = inner[pick % Math.max(1, inner.length)];
      if (!chosen) return true;
      const { shifted, shift } = withShift(program, chosen);
      const zeros = evaluate({ inputs: [], ...zerosOf(shift.type) }, []);
      const targets = floatsOf(program.outputs);
      if (targets.length === 0) return true;
      const { ask, whole, directions } = askedAs(kind);
      const derived = whole(
        { ...shifted, outputs: shifted.outputs.filter(({ type }) => isFloat(type.dtype)) },
        targets.length,
        [program.inputs.length],
      );
      if (!isRunnable(derived)) return false;
      const given = directions(
        targets.map(({ type }) => type),
        [shift.type],
      ).map((type) => draw(type, random));
      const expected = evaluate(derived, [...inputs, ...dataOf(zeros), ...given]).slice(targets.length);
      if (!areFinite(expected)) return false;
      const { passes } = session.recording;
      expectSame(await session.ask(ask, targets, [chosen], given), expected, TOLERANCE, kind);
      expect(session.recording.passes, 'a fragment was run again').toBe(passes);
      return true;
    }),
  );
});

/** The program with one more input that is added to a variable. */
function withShift(program: Program, variable: Var): { readonly shifted: Program; readonly shift: Var } {
  const b = new Builder();
  const env = new Env();
  env.bind(program.inputs, b.inputsLike(program.inputs));
  const shift = b.input(variable.type);
  for (const eqn of program.eqns) {
    env.bind(eqn.outputs, b.copy(eqn, env.all(eqn.inputs)));
    if (eqn.outputs.includes(variable)) env.bind([variable], [add(b, env.all([variable])[0] as Var, shift)]);
  }
  return { shifted: b.build(env.all(program.outputs)), shift };
}

function zerosOf(type: TensorType): Omit<Program, 'inputs'> {
  const b = new Builder();
  const { eqns, outputs } = b.build([b.full(0, type)]);
  return { eqns, outputs };
}
