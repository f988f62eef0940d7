/**
 * @file A fragment: a program as tapes record it. It runs once and leaves behind what its derivatives will read, so that
 * asking for a derivative, and asking again, never runs it a second time.
 */
import type { Engine } from '../engine.ts';
import { digest } from '../program/hash.ts';
import type { Program, Var } from '../program/program.ts';
import type { Executable } from '../runtime/execute.ts';
import { linearize } from '../transform/compose.ts';
import { weightOfFragment } from '../weight.ts';

/** A program to record. */
export interface Source {
  /** Equal for programs that are the same. */
  readonly key: string;
  /** Its outputs are the tensors that later fragments and derivatives may name. */
  readonly program: Program;
  /** The outputs whose values are wanted at once. */
  readonly wanted: readonly number[];
}

/** A fragment as a tape sees it: how the tangents of what is on the tape go through it. */
export interface View {
  /** The inputs that are on the tape. */
  readonly sources: readonly number[];
  /**
   * From the residuals, one tangent per source and one per seed to the tangents of the outputs that have one. Seeds are
   * outputs that move by themselves, and what is computed from them with them.
   */
  linear(seeds: readonly number[]): Program;
  /** The outputs of the fragment's program that the linear part reads. */
  readonly residuals: readonly number[];
  /** For each output that the fragment was recorded for, where its tangent is among those of the linear part. */
  readonly places: readonly (number | null)[];
}

/** A program that is ready to be recorded any number of times. */
export interface Fragment {
  readonly key: string;
  /** The program; the residuals of every view are outputs after its own. */
  readonly program: Program;
  /** The outputs whose values were wanted at once. */
  readonly wanted: readonly number[];
  /** The outputs that are computed when it is recorded: those wanted, and the residuals. */
  readonly kept: readonly number[];
  /** For each tape, how it sees the fragment; `undefined` where nothing that goes in is on it. */
  readonly views: readonly (View | undefined)[];
  /** Computes what is kept. */
  executable(): Executable;
  /** Computes some of the outputs, whatever is kept. */
  only(outputs: readonly number[]): Executable;
}

/** Linear parts that are remembered by their seeds. */
const MAX_LINEARS = 16;

/** The fragment of a program for tapes; for each, `flags` says which inputs are on it. */
export function fragmentOf(source: Source, flags: readonly (readonly boolean[])[], engine: Engine): Fragment {
  const key = digest(['fragment', source.key, source.wanted, flags]);
  return engine.remember(
    key,
    () => make(key, source, flags, engine),
    ({ program }) => weightOfFragment(program.eqns.length),
  ).value;
}

function make(key: string, source: Source, flags: readonly (readonly boolean[])[], engine: Engine): Fragment {
  const recorded = source.program.outputs.length;
  const views = new Map<string, View>();
  const kept = new Set(source.wanted);
  let program = source.program;
  const allSources = flags.map((flag) => flag.flatMap((isOn, input) => (isOn ? [input] : [])));
  for (const sources of allSources) {
    if (sources.length === 0 || views.has(String(sources))) continue;
    const from = program;
    const { forward, linear, places } = linearize(from, recorded, sources);
    // A residual that has a place among the outputs already is that output.
    const first = firstPlaces(forward.outputs);
    const residuals = forward.outputs.slice(from.outputs.length).map((residual) => first.get(residual) as number);
    for (const residual of residuals) kept.add(residual);
    const linears = new Map([['', linear]]);
    const linearIn = (seeds: readonly number[]): Program => {
      // The seeds only add to tangents that are there without them: what is read for those is the same.
      const made = linears.get(String(seeds)) ?? linearize(from, recorded, sources, seeds).linear;
      if (linears.size >= MAX_LINEARS) linears.delete(linears.keys().next().value as string);
      linears.set(String(seeds), made);
      return made;
    };
    views.set(String(sources), { sources, linear: linearIn, residuals, places });
    program = forward;
  }
  const { inputs, eqns, outputs } = program;
  const only = (chosen: readonly number[]): Executable =>
    engine.executable(digest([key, chosen]), () => ({
      inputs,
      eqns,
      outputs: chosen.map((output) => outputs[output] as Var),
    }));
  return {
    key,
    program,
    wanted: source.wanted,
    kept: [...kept],
    views: allSources.map((sources) => views.get(String(sources))),
    executable: () => only([...kept]),
    only,
  };
}

function firstPlaces(outputs: readonly Var[]): ReadonlyMap<Var, number> {
  const places = new Map<Var, number>();
  outputs.forEach((variable, place) => {
    if (!places.has(variable)) places.set(variable, place);
  });
  return places;
}
