/** @file A tape: which of the tensors of a recording have tangents, and how the tangents of one give those of another. */
import { Builder, Env } from '../program/builder.ts';
import { digest } from '../program/hash.ts';
import type { Program, Var } from '../program/program.ts';
import type { Point } from '../transform/compose.ts';
import { jvp } from '../transform/jvp.ts';
import { withoutDeadCode } from '../transform/simplify.ts';
import { sumOf } from '../transform/tangents.ts';
import { isFloat, type TensorType } from '../types.ts';
import type { View } from './fragment.ts';
import { addressOf, type Entry, type Recorded } from './recording.ts';

/** An entry as a tape recorded it. */
interface Seen {
  readonly entry: Entry;
  readonly view: View;
}

/** What `tf.GradientTape` is: it watches tensors, and records what is computed from them. */
export class Tape {
  /** What has a tangent: what is watched, and what was computed from it while the tape recorded. */
  readonly #on = new Set<Recorded>();
  readonly #seen: Seen[] = [];
  readonly #views = new Map<Entry, View | undefined>();
  /** Equal for tapes that recorded the same of recordings that are the same. */
  key = '';

  /** What was run while it recorded, in order. */
  get entries(): readonly Entry[] {
    return [...this.#views.keys()];
  }

  /** Whether a tensor is watched or was computed from what is. */
  isOn(tensor: Recorded): boolean {
    return this.#on.has(tensor);
  }

  /** Whether it recorded an entry. */
  hasSeen(entry: Entry): boolean {
    return this.#views.has(entry);
  }

  /** Whether an input of an entry that it recorded was on the tape then; one may be watched later. */
  wasOn(entry: Entry, input: number): boolean {
    return this.#views.get(entry)?.sources.includes(input) ?? false;
  }

  /** From now on, what is computed from the tensor is recorded. Only floats can be watched. */
  watch(tensor: Recorded): void {
    if (!isFloat(tensor.type.dtype) || this.#on.has(tensor)) return;
    this.#on.add(tensor);
    this.key = digest([this.key, 'watch', addressOf(tensor)]);
  }

  /** Records an entry. */
  record(entry: Entry, view: View | undefined): void {
    this.#views.set(entry, view);
    this.key = digest([this.key, entry.index, entry.key, view?.sources]);
    if (!view) return;
    this.#seen.push({ entry, view });
    for (const tensor of ownTangents(entry, view).keys()) this.#on.add(tensor);
  }

  /** Forgets everything. */
  clear(): void {
    this.#on.clear();
    this.#views.clear();
    this.#seen.length = 0;
    this.key = '';
  }

  /**
   * The targets as functions of the sources, linearized where they were recorded. A source may be several tensors that
   * move together, as the reads of one variable do. `residuals` are the tensors that the derivatives read.
   */
  linearized(
    targets: readonly Recorded[],
    sources: readonly (readonly Recorded[])[],
  ): { readonly at: Point; readonly residuals: readonly Recorded[] } {
    const linear = new Flattening(this.#seen, sources);
    const tangents = targets.map((target) => linear.tangentOf(target));
    const connected = tangents.filter((tangent) => tangent !== null);
    let place = 0;
    const { program, residuals } = linear.build(connected);
    return {
      at: {
        b: Builder.continuing({ inputs: program.inputs.slice(0, residuals.length), eqns: [], outputs: [] }),
        targets: targets.map(({ type }) => type),
        sources: sources.map(([tensor]) => (tensor as Recorded).type),
        residuals: program.inputs.slice(0, residuals.length),
        linear: program,
        places: tangents.map((tangent) => (tangent === null ? null : place++)),
      },
      residuals,
    };
  }
}

/** The tensors that an entry makes and that have tangents, and where those are; what it passes on is another entry's. */
function ownTangents(entry: Entry, view: View): Map<Recorded, number> {
  const places = new Map<Recorded, number>();
  view.places.forEach((place, output) => {
    const tensor = entry.tensors[output] as Recorded;
    if (place !== null && tensor.entry === entry) places.set(tensor, place);
  });
  return places;
}

/** The linear parts of entries as one program, from tangents of the sources on. */
class Flattening {
  readonly #b = new Builder();
  readonly #sources: readonly Var[];
  readonly #residuals = new Map<Recorded, Var>();
  readonly #shifts = new Map<Recorded, Var[]>();
  readonly #tangents = new Map<Recorded, Var>();

  constructor(seen: readonly Seen[], sources: readonly (readonly Recorded[])[]) {
    this.#sources = sources.map(([tensor]): Var => ({ type: (tensor as Recorded).type, name: undefined }));
    sources.forEach((tensors, i) => {
      for (const tensor of tensors)
        this.#shifts.set(tensor, [...(this.#shifts.get(tensor) ?? []), this.#sources[i] as Var]);
    });
    const made = new Set<Recorded>();
    for (const { entry, view } of seen) for (const [tensor] of ownTangents(entry, view)) made.add(tensor);
    for (const [tensor, shifts] of this.#shifts)
      if (!made.has(tensor)) this.#tangents.set(tensor, sumOf(this.#b, shifts) as Var);
    for (const step of seen) this.#pass(step);
  }

  tangentOf(tensor: Recorded): Var | null {
    return this.#tangents.get(tensor) ?? null;
  }

  /** The program of what the outputs need, and the tensors that it reads. */
  build(outputs: readonly Var[]): { readonly program: Program; readonly residuals: readonly Recorded[] } {
    const { eqns } = withoutDeadCode({ inputs: [], eqns: this.#b.eqns, outputs });
    const read = new Set(eqns.flatMap(({ inputs }) => inputs));
    const residuals = [...this.#residuals].filter(([, variable]) => read.has(variable));
    const inputs = [...residuals.map(([, variable]) => variable), ...this.#sources];
    return { program: { inputs, eqns, outputs }, residuals: residuals.map(([tensor]) => tensor) };
  }

  #pass({ entry, view }: Seen): void {
    const own = ownTangents(entry, view);
    const seeds = [...own.keys()].filter((tensor) => this.#shifts.has(tensor));
    const dx = [
      ...view.sources.map((input) => this.tangentOf(entry.args[input] as Recorded)),
      ...seeds.map((tensor) => sumOf(this.#b, this.#shifts.get(tensor) ?? [])),
    ];
    if (!dx.some((tangent) => tangent)) return;
    const outputs = seeds.map(({ output }) => output);
    const out = this.#inline(entry, view, outputs, dx);
    for (const [tensor, place] of own) {
      const tangent = out[place];
      if (tangent) this.#tangents.set(tensor, tangent);
    }
  }

  #inline(entry: Entry, view: View, seeds: readonly number[], dx: readonly (Var | null)[]): readonly (Var | null)[] {
    const residuals = view.residuals.map((output) => this.#residual(entry.tensors[output] as Recorded));
    const given = dx.filter((tangent) => tangent !== null);
    const linear = view.linear(seeds);
    if (given.length === dx.length) return this.#b.inline(linear, [...residuals, ...given]);
    const { program, places } = restricted(linear, residuals.length, dx);
    const args = dx.map((_, i) => this.#b.full(0, (linear.inputs[residuals.length + i] as Var).type));
    const made = this.#b.inline(program, [...residuals, ...args, ...given]);
    return places.map((place) => (place === null ? null : (made[place] as Var)));
  }

  #residual(tensor: Recorded): Var {
    const known = this.#residuals.get(tensor);
    if (known) return known;
    const variable: Var = { type: tensor.type, name: undefined };
    this.#residuals.set(tensor, variable);
    return variable;
  }
}

interface Restricted {
  readonly program: Program;
  readonly places: readonly (number | null)[];
}

/** Parts of one program that are remembered. */
const MAX_RESTRICTED = 16;

const RESTRICTED = new WeakMap<Program, Map<string, Restricted>>();

/**
 * A linear part in some of its tangents, the others being zero. It is linear: its derivative is itself, without what
 * the others alone lead to.
 */
function restricted(linear: Program, residuals: number, dx: readonly (Var | null)[]): Restricted {
  const mask = dx.map((tangent) => (tangent ? '1' : '0')).join('');
  const byMask = RESTRICTED.get(linear) ?? new Map<string, Restricted>();
  RESTRICTED.set(linear, byMask);
  const known = byMask.get(mask);
  if (known) return known;
  const moving = dx.flatMap((tangent, i) => (tangent ? [residuals + i] : []));
  const { program, tangents } = jvp(linear, moving);
  const first = linear.outputs.length;
  const made = {
    program: withoutDeadCode({ ...program, outputs: program.outputs.slice(first) }),
    places: tangents.map((place) => (place === null ? null : place - first)),
  };
  if (byMask.size >= MAX_RESTRICTED) byMask.delete(byMask.keys().next().value as string);
  byMask.set(mask, made);
  return made;
}

/** The primal programs of entries as one, so that paths through them can be followed; none enters where it is cut. */
export function flattened(
  entries: Iterable<Entry>,
  isCut: (entry: Entry, input: number) => boolean = () => false,
): {
  readonly program: Program;
  variableOf(tensor: Recorded): Var;
} {
  const b = new Builder();
  const variables = new Map<Recorded, Var>();
  const variableOf = (tensor: Recorded): Var => {
    const known = variables.get(tensor);
    if (known) return known;
    const input: Var = b.input(tensor.type as TensorType);
    variables.set(tensor, input);
    return input;
  };
  for (const entry of entries) {
    const { fragment, args, tensors } = entry;
    if (!fragment) continue;
    const env = new Env();
    env.bind(
      fragment.program.inputs,
      args.map((arg, input) => (isCut(entry, input) ? b.input(arg.type) : variableOf(arg))),
    );
    for (const eqn of fragment.program.eqns) env.bind(eqn.outputs, b.copy(eqn, env.all(eqn.inputs)));
    const made = env.all(fragment.program.outputs);
    tensors.forEach((tensor, output) => {
      if (tensor.entry === entry) variables.set(tensor, made[output] as Var);
    });
  }
  return { program: b.build([]), variableOf };
}
