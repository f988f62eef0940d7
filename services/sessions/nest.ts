/**
 * @file A tape with the tapes opened within it, as one recording: what is recorded on a tape is recorded on those
 * around it too, as nested `with` blocks do. It changes by events alone, so that its log gives it back.
 */
import type { Engine } from '../../engine/engine.ts';
import { checkLimit } from '../../engine/limits.ts';
import { build, type Graph } from '../../engine/program/build.ts';
import type { GraphDocument } from '../../engine/program/document.ts';
import { digest } from '../../engine/program/hash.ts';
import type { Var } from '../../engine/program/program.ts';
import { Value } from '../../engine/program/value.ts';
import { type Ask, type Derivative, derivativeOf } from '../../engine/tape/derivative.ts';
import { type Fragment, fragmentOf, type Source } from '../../engine/tape/fragment.ts';
import { type Entry, orderOf, type Recorded, Recording } from '../../engine/tape/recording.ts';
import { residualsOf } from '../../engine/tape/residuals.ts';
import { Tape } from '../../engine/tape/tape.ts';
import { allocateArray, isFloat, sameType, type TensorType, type TypedArray } from '../../engine/types.ts';
import { weightOfDocument } from '../../engine/weight.ts';
import { weightOfGraph } from '../api/compute.ts';
import { type Bound, type Derived, type Opened, type Ran, type TapeEvent, typeOf, type Watched } from './events.ts';
import type { BlobRef } from './store.ts';

/** A tape, and what the session knows of it beside what it recorded. */
export interface TapeState {
  readonly id: string;
  readonly outer: string | null;
  readonly persistent: boolean;
  readonly watchesAccessed: boolean;
  state: 'recording' | 'paused' | 'used';
  readonly tape: Tape;
  /** Variables that are watched by name. */
  readonly named: Set<string>;
  /** For each variable that is watched, the tensors that it was read as. */
  readonly reads: Map<string, Recorded[]>;
  /** Variables that were read while it recorded, watched or not. */
  readonly accessed: Set<string>;
  fragments: number;
}

/** Fetches bytes that events name. */
export interface Blobs {
  /** The elements of a bound value. */
  elements(bound: Bound): TypedArray | Promise<TypedArray>;
  /** A JSON text. */
  json(blob: BlobRef): unknown | Promise<unknown>;
}

/** What an event names and the store does not have yet, by digest. */
export interface Fresh {
  readonly elements: ReadonlyMap<string, TypedArray>;
  readonly json: ReadonlyMap<string, unknown>;
}

const NONE: Fresh = { elements: new Map(), json: new Map() };

/** An event whose consequences are worked out; nothing has changed until it is applied. */
export interface Staged {
  /** The tensors it makes, by name. */
  readonly tensors: ReadonlyMap<string, Recorded>;
  /** The new values of variables that it writes. */
  readonly writes: ReadonlyMap<string, Recorded>;
  /** What must be computed now, so that derivatives need not. */
  readonly kept: readonly Recorded[];
  apply(): void;
}

/** Tapes around one another, and their recording. */
export class Nest {
  readonly recording = new Recording();
  readonly tapes = new Map<string, TapeState>();
  /** What names mean now. */
  readonly names = new Map<string, Recorded>();
  /** Tensors that hold a constant of a graph. */
  readonly constants = new Set<Recorded>();
  /** Tensors that choose among branches. */
  readonly selectors = new Set<Recorded>();
  /** For each variable, the tensor that it was read as or written from last, and under which version. */
  readonly #variables = new Map<string, { readonly version: number; readonly tensor: Recorded }>();
  /** For each variable, the tensors that it was read as, by any tape or by none. */
  readonly #reads = new Map<string, Set<Recorded>>();
  /** Of residuals that are not on the tapes around: the entries that put them there. */
  readonly #residuals = new Map<string, Entry>();
  readonly #engine: Engine;
  readonly #blobs: Blobs;

  constructor(engine: Engine, blobs: Blobs) {
    this.#engine = engine;
    this.#blobs = blobs;
  }

  /** The tape and those around it that record now, from the inside out. */
  recorders(id: string): TapeState[] {
    const found: TapeState[] = [];
    for (let tape = this.tapes.get(id); tape; tape = this.tapes.get(tape.outer ?? ''))
      if (tape.state === 'recording') found.push(tape);
    return found;
  }

  /** Whether `outer` is the tape itself or around it. */
  isAround(outer: string, id: string): boolean {
    for (let tape = this.tapes.get(id); tape; tape = this.tapes.get(tape.outer ?? ''))
      if (tape.id === outer) return true;
    return false;
  }

  /** The tape and all within it. */
  within(id: string): string[] {
    return [...this.tapes.keys()].filter((inner) => this.isAround(id, inner));
  }

  /** The consequences of an event. */
  async stage(event: TapeEvent, fresh: Fresh = NONE): Promise<Staged> {
    switch (event.type) {
      case 'opened':
        return { ...NOTHING, apply: () => this.#open(event) };
      case 'watched':
        return this.#watch(event, fresh);
      case 'ran':
        return this.#run(event, fresh.json.get(event.graph.digest) ?? (await this.#blobs.json(event.graph)), fresh);
      case 'derived':
        return this.#derive(event, fresh);
      case 'paused':
      case 'resumed':
      case 'reset':
      case 'used':
      case 'closed':
        return { ...NOTHING, apply: () => this.#turn(event.type, event.tape) };
      default:
        return event satisfies never;
    }
  }

  #open({ tape: id, outer, persistent, watchesAccessed }: Opened): void {
    this.tapes.set(id, {
      id,
      outer,
      persistent,
      watchesAccessed,
      state: 'recording',
      tape: new Tape(),
      named: new Set(),
      reads: new Map(),
      accessed: new Set(),
      fragments: 0,
    });
  }

  #turn(type: 'paused' | 'resumed' | 'reset' | 'used' | 'closed', id: string): void {
    const state = this.#tape(id);
    switch (type) {
      case 'paused':
        state.state = 'paused';
        return;
      case 'resumed':
        state.state = 'recording';
        return;
      case 'used':
        state.state = 'used';
        state.tape.clear();
        this.#forgetResiduals();
        return;
      case 'reset':
        state.state = 'recording';
        state.tape.clear();
        state.reads.clear();
        state.named.clear();
        state.accessed.clear();
        state.fragments = 0;
        this.#forgetResiduals();
        return;
      case 'closed':
        for (const inner of this.within(id)) this.tapes.delete(inner);
        this.#forgetResiduals();
        return;
      default:
        throw new Error(`no such event: ${type satisfies never}`);
    }
  }

  /** Lets go of the values that only derivatives would have read. */
  #forgetResiduals(): void {
    const tapes = [...this.tapes.values()];
    for (const entry of this.recording.entries) {
      if (tapes.some(({ tape }) => tape.hasSeen(entry))) continue;
      const { views = [], wanted = [] } = entry.fragment ?? {};
      const residuals = views.flatMap((view) => view?.residuals ?? []);
      this.recording.forget(
        entry,
        residuals.filter((output) => !wanted.includes(output)),
      );
    }
  }

  #watch({ tape: id, values, names }: Watched, fresh: Fresh): Staged {
    const bound = this.#bind(values, fresh);
    return {
      tensors: tensorsOf(bound),
      writes: new Map(),
      kept: [],
      apply: () => {
        this.recording.append([...bound.values()]);
        for (const [name, entry] of bound) this.names.set(name, entry.tensors[0] as Recorded);
        const { tape, named } = this.#tape(id);
        for (const name of names) {
          const tensor = this.names.get(name);
          if (tensor) tape.watch(tensor);
          else named.add(name);
        }
      },
    };
  }

  #bind(values: Readonly<Record<string, Bound>>, fresh: Fresh, offset = 0): Map<string, Entry> {
    const bound = new Map<string, Entry>();
    for (const [name, value] of Object.entries(values)) {
      const load = () => this.#blobs.elements(value);
      const data = fresh.elements.get(value.blob.digest);
      bound.set(name, this.recording.bound(typeOf(value), load, data, offset + bound.size));
    }
    return bound;
  }

  #run(event: Ran, json: unknown, fresh: Fresh): Staged {
    const tapes = event.tapes.map((id) => this.#tape(id));
    const values = this.#bind(event.values, fresh);
    const toBind = Object.entries(event.variables).filter(([name, read]) => !this.#isCurrent(name, read.version));
    const reads = this.#bind(Object.fromEntries(toBind), fresh, values.size);
    const known = (name: string): Recorded | undefined => {
      if (Object.hasOwn(event.variables, name)) return reads.get(name)?.tensors[0] ?? this.#variables.get(name)?.tensor;
      return values.get(name)?.tensors[0] ?? this.names.get(name);
    };
    const tensorOf = (name: string): Recorded => known(name) as Recorded;
    const source = this.#sourceOf(event, json, (name) => known(name)?.type);
    const args = source.inputs.map(tensorOf);
    const watched = tapes.map((state) => this.#readBy(state, event, known));
    const flags = tapes.map(({ tape }, t) =>
      args.map((arg) => isFloat(arg.type.dtype) && (tape.isOn(arg) || (watched[t] as Set<Recorded>).has(arg))),
    );
    const entries = [...values.values(), ...reads.values()];
    const fragment = this.#fragment(source, flags);
    const entry = this.recording.run(fragment, args, entries.length);
    const named = (outputs: ReadonlyMap<string, number>): Map<string, Recorded> =>
      new Map([...outputs].map(([name, output]) => [name, entry.tensors[output] as Recorded]));
    const tensors = named(source.names);
    const writes = named(source.writes);
    return {
      tensors: new Map([...tensors, ...source.inputs.map((name) => [name, tensorOf(name)] as const)]),
      writes,
      kept: fragment.kept.map((output) => entry.tensors[output] as Recorded),
      apply: () => {
        this.recording.append([...entries, entry]);
        const { tape, named } = this.#tape(event.tape);
        for (const name of event.watch) {
          const tensor = Object.hasOwn(event.variables, name) ? undefined : known(name);
          if (tensor) tape.watch(tensor);
          else named.add(name);
        }
        for (const [name, bound] of values) this.names.set(name, bound.tensors[0] as Recorded);
        for (const [name, { version }] of Object.entries(event.variables)) {
          this.#variables.set(name, { version, tensor: tensorOf(name) });
          this.#reads.set(name, (this.#reads.get(name) ?? new Set()).add(tensorOf(name)));
        }
        tapes.forEach((state, t) => {
          for (const tensor of watched[t] as Set<Recorded>) state.tape.watch(tensor);
          for (const name of Object.keys(event.variables)) this.#access(state, name, tensorOf(name), watched[t]);
          state.tape.record(entry, fragment.views[t]);
          state.fragments++;
        });
        for (const [name, tensor] of tensors) this.names.set(name, tensor);
        for (const [name, tensor] of writes)
          this.#variables.set(name, { version: event.written[name] as number, tensor });
        for (const output of source.constants) this.constants.add(entry.tensors[output] as Recorded);
        for (const output of source.selectors) this.selectors.add(entry.tensors[output] as Recorded);
      },
    };
  }

  #isCurrent(name: string, version: number): boolean {
    return this.#variables.get(name)?.version === version;
  }

  /** The tensors that a tape begins to watch with a run: those named with it, and the variables that it sees read. */
  #readBy(
    state: TapeState,
    { variables, tape, watch }: Ran,
    tensorOf: (name: string) => Recorded | undefined,
  ): Set<Recorded> {
    const watched = new Set<Recorded>();
    const begin = (name: string): void => {
      const tensor = tensorOf(name);
      if (tensor && !state.tape.isOn(tensor)) watched.add(tensor);
    };
    if (state.id === tape) for (const name of watch) begin(name);
    for (const [name, { trainable }] of Object.entries(variables))
      if (state.named.has(name) || (trainable && state.watchesAccessed)) begin(name);
    return watched;
  }

  #access(state: TapeState, name: string, tensor: Recorded, watched: ReadonlySet<Recorded> | undefined): void {
    state.accessed.add(name);
    // A variable that was deleted and made anew with another type is another one.
    const reads = (state.reads.get(name) ?? []).filter(({ type }) => sameType(type, tensor.type));
    if (watched?.has(tensor) && !reads.includes(tensor)) state.reads.set(name, [...reads, tensor]);
  }

  #sourceOf(event: Ran, json: unknown, typeFor: (name: string) => TensorType | undefined): GraphSource {
    const document = placed(this.#document(event.graph, json), Object.keys(event.values), event.variables);
    const known = new Map<string, TensorType>();
    for (const name of namesRead(document, event.variables)) {
      const type = typeFor(name);
      if (type) known.set(name, type);
    }
    const key = digest(['source', event.graph.digest, [...known], Object.keys(event.variables), event.wanted]);
    const make = (): GraphSource => {
      const values = [...known].map(
        ([name, { dtype, shape }]) => [name, new Value(dtype, shape, allocateArray(dtype, 0))] as const,
      );
      return sourceOf(key, build(document, new Map(values), this.#engine.limits), event.wanted);
    };
    return this.#engine.remember(key, make, weightOfGraph).value;
  }

  #document(graph: BlobRef, json: unknown): GraphDocument {
    const make = (): GraphDocument => this.#engine.readGraph(json);
    return this.#engine.remember(`document ${graph.digest}`, make, () => weightOfDocument(graph.bytes)).value;
  }

  /** The derivative that an event recorded, or one that is only asked for. */
  derivative(
    id: string,
    ask: Ask,
    targets: readonly Recorded[],
    sources: readonly (readonly Recorded[])[],
  ): Derivative {
    return derivativeOf(this.#tape(id).tape, ask, targets, sources, this.#engine);
  }

  /** The tensors that a derivative reads. */
  residualsOf({ residuals }: Derivative): Recorded[] {
    return residuals.map(([index, output]) => (this.recording.entries[index] as Entry).tensors[output] as Recorded);
  }

  /** The tensors that a source means to a tape: several when it is a variable that was read several times. */
  tensorsOf(id: string, name: string): readonly Recorded[] {
    const tensor = this.names.get(name);
    if (tensor) return [tensor];
    const reads = this.#tape(id).reads.get(name) ?? [];
    // A variable that was deleted and made again with another type is another variable.
    return reads.filter(({ type }) => sameType(type, (reads.at(-1) as Recorded).type));
  }

  /** The tensors that a variable was read as, by any tape or by none. */
  readsOf(name: string): readonly Recorded[] {
    return [...(this.#reads.get(name) ?? [])];
  }

  #derive(event: Derived, fresh: Fresh): Staged {
    const tapes = event.tapes.map((id) => this.#tape(id));
    const targets = event.targets.map((name) => this.tensorsOf(event.tape, name).at(-1) as Recorded);
    const sources = event.sources.map((name) => this.tensorsOf(event.tape, name));
    const derivative = this.derivative(event.tape, event.ask, targets, sources);
    const bound = this.#bind(Object.fromEntries(event.directions.map((value, i) => [String(i), value])), fresh);
    const added: Entry[] = [...bound.values()];
    const residuals = this.residualsOf(derivative).map((tensor) => this.#onTapes(tensor, tapes, added));
    const args = [...residuals, ...[...bound.values()].map(({ tensors }) => tensors[0] as Recorded)];
    const { key, program } = derivative;
    const source: Source = { key, program, wanted: program.outputs.map((_, output) => output) };
    const flags = tapes.map(({ tape }, t) => args.map((arg) => tape.isOn(arg) || isStagedOn(arg, t, added)));
    const fragment = this.#fragment(source, flags);
    const entry = this.recording.run(fragment, args, added.length, orderOf(targets));
    const tensors = new Map(event.names.map((name, output) => [name, entry.tensors[output] as Recorded]));
    const entries = [...added, entry];
    return {
      tensors,
      writes: new Map(),
      kept: entries.flatMap((own) => own.fragment?.kept.map((output) => own.tensors[output] as Recorded) ?? []),
      apply: () => {
        this.recording.append(entries);
        for (const own of entries)
          if (own.fragment)
            tapes.forEach(({ tape }, t) => {
              tape.record(own, own.fragment?.views[t]);
            });
        for (const state of tapes) state.fragments++;
        for (const [name, tensor] of tensors) this.names.set(name, tensor);
        for (const own of added)
          if (own.fragment) this.#residuals.set(residualKey(residualOf.get(own) as Entry, tapes), own);
      },
    };
  }

  /**
   * A residual as a function of what is on the tapes: the tapes know the tensors of a fragment, not what its derivatives
   * read. An entry that makes the residuals from the fragment's inputs is added for them; its values are known.
   */
  #onTapes(tensor: Recorded, tapes: readonly TapeState[], added: Entry[]): Recorded {
    const { entry } = tensor;
    const { fragment } = entry;
    if (!fragment || tapes.every(({ tape }) => tape.isOn(tensor) || !tape.hasSeen(entry))) return tensor;
    const { outputs, program, inputs, tensors } = residualsOf(fragment);
    const at = outputs.findIndex((output) => entry.tensors[output] === tensor);
    if (at === -1) return tensor;
    const known = this.#residuals.get(residualKey(entry, tapes)) ?? added.find((own) => residualOf.get(own) === entry);
    if (known) return known.tensors[at] as Recorded;
    const named = tensors.map((output) => entry.tensors[output] as Recorded);
    const flags = tapes.map(({ tape }) => [
      ...inputs.map((input) => tape.wasOn(entry, input)),
      ...named.map((own) => tape.hasSeen(entry) && tape.isOn(own)),
    ]);
    const source: Source = { key: digest(['residuals', fragment.key]), program, wanted: [] };
    const args = [...inputs.map((input) => entry.args[input] as Recorded), ...named];
    const made = this.recording.run(this.#fragment(source, flags), args, added.length);
    outputs.forEach((output, i) => {
      const own = made.tensors[i] as Recorded;
      const residual = entry.tensors[output] as Recorded;
      const value = residual.entry.values.get(residual.output);
      if (value && own.entry === made) made.values.set(own.output, value);
    });
    residualOf.set(made, entry);
    added.push(made);
    return made.tensors[at] as Recorded;
  }

  /** Throws `limit_exceeded` when the recording would have more equations than a program may. */
  #fragment(source: Source, flags: readonly (readonly boolean[])[]): Fragment {
    const fragment = fragmentOf(source, flags, this.#engine);
    const equations = this.recording.equations + this.recording.more(fragment);
    const found = (): string =>
      `with this the tape has ${equations} equations recorded; reset it, or delete it and open another`;
    checkLimit(this.#engine.limits, 'equations', equations, found);
    return fragment;
  }

  /** The tensors that clients have seen, by name: those bound, and those whose values were asked for. */
  seen(): Map<string, Recorded> {
    return new Map([...this.names].filter(([, { entry, output }]) => entry.fragment?.wanted.includes(output) ?? true));
  }

  #tape(id: string): TapeState {
    const tape = this.tapes.get(id);
    if (!tape) throw new Error(`no tape ${id}`);
    return tape;
  }
}

/** Of the entries added for residuals: whose residuals they are. */
const residualOf = new WeakMap<Entry, Entry>();

/** Finds the entry that was added for the residuals of another, on these tapes. */
function residualKey({ index }: Entry, tapes: readonly TapeState[]): string {
  return `${index} ${tapes.map(({ id }) => id)}`;
}

/** Whether an entry that is about to be recorded by the `t`-th tape puts a tensor on it. */
function isStagedOn({ entry, output }: Recorded, t: number, added: readonly Entry[]): boolean {
  const place = added.includes(entry) ? entry.fragment?.views[t]?.places[output] : null;
  return place !== null && place !== undefined;
}

const NOTHING = { tensors: new Map(), writes: new Map(), kept: [] } as const;

function tensorsOf(bound: ReadonlyMap<string, Entry>): Map<string, Recorded> {
  return new Map([...bound].map(([name, entry]) => [name, entry.tensors[0] as Recorded]));
}

/** A graph as a source of fragments. */
interface GraphSource extends Source {
  /** The names of the program's inputs. */
  readonly inputs: readonly string[];
  /** The outputs that names mean. */
  readonly names: ReadonlyMap<string, number>;
  /** The outputs that are variables' new values. */
  readonly writes: ReadonlyMap<string, number>;
  readonly constants: readonly number[];
  readonly selectors: readonly number[];
}

function sourceOf(key: string, graph: Graph, wanted: readonly string[]): GraphSource {
  const outputs: Var[] = [];
  const places = new Map<Var, number>();
  const placeOf = (variable: Var): number => {
    const known = places.get(variable);
    if (known !== undefined) return known;
    places.set(variable, outputs.length);
    return outputs.push(variable) - 1;
  };
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const names = new Map<string, number>();
  for (const [name, variable] of graph.names) if (!inputs.has(name)) names.set(name, placeOf(variable));
  for (const { name, variable } of graph.outputs) if (!inputs.has(name)) names.set(name, placeOf(variable));
  const writes = new Map([...graph.writes].map(([name, variable]) => [name, placeOf(variable)]));
  const selectors = graph.selectors.map(placeOf);
  const constants = [...graph.constants].flatMap((variable) => places.get(variable) ?? []);
  const chosen = wanted.flatMap((name) => names.get(name) ?? []);
  return {
    key,
    program: { ...graph.program, outputs },
    wanted: [...new Set([...chosen, ...writes.values(), ...selectors])],
    inputs: graph.inputs.map(({ name }) => name),
    names,
    writes,
    constants,
    selectors,
  };
}

/** A document with names moved to where they come from: values sent are inputs, variables of the session variables. */
export function placed(
  document: GraphDocument,
  values: readonly string[],
  variables: Readonly<Record<string, { readonly trainable: boolean }>>,
): GraphDocument {
  const without = <T>(named: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> =>
    Object.fromEntries(Object.entries(named).filter(([name]) => !names.includes(name)));
  const known = Object.keys(variables);
  const sent = values.filter((name) => Object.hasOwn(document.constants, name));
  return {
    ...document,
    inputs: { ...without(document.inputs, known), ...Object.fromEntries(sent.map((name) => [name, {}])) },
    variables: {
      ...document.variables,
      ...Object.fromEntries(
        Object.entries(variables)
          .filter(([name]) => Object.hasOwn(document.inputs, name) || Object.hasOwn(document.variables, name))
          .map(([name, { trainable }]) => [name, { ...document.inputs[name], ...document.variables[name], trainable }]),
      ),
    },
    constants: without(document.constants, sent),
  };
}

function namesRead(document: GraphDocument, variables: Readonly<Record<string, unknown>>): Set<string> {
  return new Set([...Object.keys(document.inputs), ...Object.keys(document.variables), ...Object.keys(variables)]);
}
