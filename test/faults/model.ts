/** @file What sessions and tapes are, as plain as can be: the service must answer as this does. */
import { add, atRest, constant, derivative, type Jet, mul, type Pair, scale, shifted } from './jet.ts';

/** A refusal, by its code. */
export interface Refusal {
  readonly refused: string;
}

export interface ModelVariable {
  value: Pair;
  version: number;
  trainable: boolean;
}

/** A tensor; identified by the object itself. */
interface Tensor {
  readonly serial: number;
  readonly value: Pair;
}

/** Tapes around one another. */
interface ModelNest {
  readonly names: Map<string, Tensor>;
  /** What each variable was read as last. */
  readonly reads: Map<string, { readonly version: number; readonly tensor: Tensor }>;
}

export interface ModelTape {
  readonly id: string;
  readonly root: string;
  readonly outer: string | undefined;
  readonly persistent: boolean;
  readonly watchesAccessed: boolean;
  state: 'recording' | 'paused' | 'used';
  /** What is on the tape, as a function of what it watches. */
  readonly jets: Map<Tensor, Jet>;
  readonly named: Set<string>;
  readonly reads: Map<string, Tensor[]>;
  fragments: number;
}

/** A graph of the family: polynomials in two operands. */
export interface Polynomial {
  readonly text: (out: string, a: string, b: string) => string;
  readonly jet: (a: Jet, b: Jet) => Jet;
}

const plus = (jet: Jet, by: number): Jet => add(jet, constant([by, by]));

export const POLYNOMIALS: readonly Polynomial[] = [
  { text: (out, a, b) => `${out} = ${a} * ${b}`, jet: mul },
  {
    text: (out, a, b) => `${out} = 2 * ${a} ** 2 - 3 * ${b}`,
    jet: (a, b) => add(scale(mul(a, a), 2), scale(b, -3)),
  },
  { text: (out, a, b) => `${out} = ${a} * ${a} * ${b} - 1`, jet: (a, b) => plus(mul(mul(a, a), b), -1) },
  { text: (out, a, b) => `${out} = ${a} - ${b} / 2 + 3`, jet: (a, b) => plus(add(a, scale(b, -0.5)), 3) },
  { text: (out, a, b) => `${out} = stop_gradient(${a}) * ${b}`, jet: (a, b) => mul(constant(atRest(a)), b) },
];

let serial = 0;

/** A session. */
export class ModelSession {
  readonly variables = new Map<string, ModelVariable>();
  readonly tapes = new Map<string, ModelTape>();
  readonly nests = new Map<string, ModelNest>();
  /** The highest version seen. */
  version = 0;

  nestOf(tape: ModelTape): ModelNest {
    return this.nests.get(tape.root)!;
  }

  usable(id: string): ModelTape | Refusal {
    const tape = this.tapes.get(id);
    if (!tape) return { refused: 'not_found' };
    return tape.state === 'used' ? { refused: 'tape_used' } : tape;
  }

  recorders(id: string): ModelTape[] {
    const found: ModelTape[] = [];
    for (let tape = this.tapes.get(id); tape; tape = this.tapes.get(tape.outer ?? ''))
      if (tape.state === 'recording') found.push(tape);
    return found;
  }

  open(id: string, outer: string | undefined, persistent: boolean, watchesAccessed: boolean): Refusal | undefined {
    if (this.tapes.has(id)) return { refused: 'already_exists' };
    const around = outer === undefined ? undefined : this.usable(outer);
    if (around && 'refused' in around) return around;
    const root = around?.root ?? id;
    if (!around) this.nests.set(id, { names: new Map(), reads: new Map() });
    this.tapes.set(id, {
      ...{ id, root, outer, persistent, watchesAccessed, state: 'recording', fragments: 0 },
      ...{ jets: new Map(), named: new Set(), reads: new Map() },
    });
    return undefined;
  }

  close(id: string): Refusal | undefined {
    if (!this.tapes.has(id)) return { refused: 'not_found' };
    for (const inner of [...this.tapes.values()]) if (inner.outer === id) this.close(inner.id);
    this.tapes.delete(id);
    this.nests.delete(id);
    return undefined;
  }

  turn(id: string, verb: 'pause' | 'resume' | 'reset'): Refusal | undefined {
    const tape = this.tapes.get(id);
    if (!tape) return { refused: 'not_found' };
    if (verb === 'pause') {
      if (tape.state !== 'recording') return { refused: 'tape_state' };
      tape.state = 'paused';
    } else if (verb === 'resume') {
      if (tape.state !== 'paused') return { refused: tape.state === 'used' ? 'tape_used' : 'tape_state' };
      tape.state = 'recording';
    } else {
      tape.state = 'recording';
      tape.fragments = 0;
      for (const known of [tape.jets, tape.named, tape.reads]) known.clear();
    }
    return undefined;
  }

  bind(tape: ModelTape, name: string, value: Pair): void {
    this.nestOf(tape).names.set(name, { serial: serial++, value });
  }

  watch(tape: ModelTape, name: string): Refusal | undefined {
    const tensor = this.nestOf(tape).names.get(name);
    if (tensor) put(tape, tensor);
    else if (this.variables.has(name)) tape.named.add(name);
    else return { refused: 'invalid_source' };
    return undefined;
  }

  /** What a name means to a graph that is recorded now; a variable is read. */
  #read(tape: ModelTape, name: string): Tensor | undefined {
    const { names, reads } = this.nestOf(tape);
    const variable = this.variables.get(name);
    const tensor = names.get(name);
    if (tensor || !variable) return tensor;
    const last = reads.get(name);
    const read = last?.version === variable.version ? last.tensor : { serial: serial++, value: variable.value };
    reads.set(name, { version: variable.version, tensor: read });
    for (const recorder of this.recorders(tape.id)) {
      const isWatched = recorder.named.has(name) || (variable.trainable && recorder.watchesAccessed);
      if (!isWatched || recorder.jets.has(read)) continue;
      put(recorder, read);
      recorder.reads.set(name, [...(recorder.reads.get(name) ?? []), read]);
    }
    return read;
  }

  knows(tape: ModelTape, name: string): boolean {
    return this.nestOf(tape).names.has(name) || this.variables.has(name);
  }

  valueIn(tape: ModelTape, name: string): Pair {
    return this.nestOf(tape).names.get(name)?.value ?? this.variables.get(name)!.value;
  }

  /** Records a graph of operands that are known. */
  record(tape: ModelTape, { jet }: Polynomial, out: string, a: string, b: string): Pair {
    const [x, y] = [this.#read(tape, a)!, this.#read(tape, b)!];
    const tensor: Tensor = { serial: serial++, value: atRest(jet(constant(x.value), constant(y.value))) };
    for (const recorder of this.recorders(tape.id)) {
      const made = jet(jetOf(recorder, x), jetOf(recorder, y));
      // What goes in is on the tape or is not, whether or not it matters.
      if (recorder.jets.has(x) || recorder.jets.has(y)) if (made.depends.size > 0) recorder.jets.set(tensor, made);
      recorder.fragments++;
    }
    this.nestOf(tape).names.set(out, tensor);
    return tensor.value;
  }

  /** Records `variable += operand`, whose result has the name `out`. */
  recordAssign(tape: ModelTape, name: string, operand: string, out: string): Pair {
    const before = this.#read(tape, name)!;
    const added = this.#read(tape, operand)!;
    const value: Pair = [before.value[0] + added.value[0], before.value[1] + added.value[1]];
    const tensor: Tensor = { serial: serial++, value };
    for (const recorder of this.recorders(tape.id)) {
      // The variable stays the variable; what is added to it is a number.
      if (recorder.jets.has(before)) recorder.jets.set(tensor, add(jetOf(recorder, before), constant(added.value)));
      recorder.fragments++;
    }
    const { names, reads } = this.nestOf(tape);
    names.set(out, tensor);
    this.variables.get(name)!.value = value;
    // The version is the reply's.
    reads.set(name, { version: Number.NaN, tensor });
    return value;
  }

  /** The version of what a graph wrote. */
  wrote(tape: ModelTape, name: string, version: number): void {
    this.variables.get(name)!.version = version;
    const { reads } = this.nestOf(tape);
    reads.set(name, { version, tensor: reads.get(name)!.tensor });
  }

  /** The derivative of a tensor by a tensor or a variable, as a function; `undefined` where there is none. */
  derivative(tape: ModelTape, target: string, source: string): Jet | undefined {
    const { names } = this.nestOf(tape);
    const jet = jetOf(tape, names.get(target)!);
    const tensor = names.get(source);
    const shifts = (tensor ? [tensor] : (tape.reads.get(source) ?? [])).map(shiftOf);
    return shifts.some((shift) => jet.depends.has(shift)) ? derivative(jet, shifts) : undefined;
  }

  use(tape: ModelTape): void {
    if (tape.persistent) return;
    tape.state = 'used';
    tape.jets.clear();
  }

  recordDerivative(tape: ModelTape, made: Jet, as: string): void {
    const tensor: Tensor = { serial: serial++, value: atRest(made) };
    for (const recorder of this.recorders(tape.id)) {
      if (made.depends.size > 0) recorder.jets.set(tensor, made);
      recorder.fragments++;
    }
    this.nestOf(tape).names.set(as, tensor);
  }
}

function shiftOf({ serial }: Tensor): string {
  return `s${serial}`;
}

function jetOf(tape: ModelTape, tensor: Tensor): Jet {
  return tape.jets.get(tensor) ?? constant(tensor.value);
}

function put(tape: ModelTape, tensor: Tensor): void {
  const jet = jetOf(tape, tensor);
  if (!jet.depends.has(shiftOf(tensor)) && !tape.jets.has(tensor)) tape.jets.set(tensor, shifted(jet, shiftOf(tensor)));
}
