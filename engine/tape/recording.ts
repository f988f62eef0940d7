/**
 * @file A recording: what was computed for a tape and those within it, one fragment after another. Its structure is its
 * durable part; the values are a cache that is filled again from the values bound to it.
 */
import type { Checkpoint } from '../backends/backend.ts';
import { interruptibly } from '../interrupt.ts';
import { digest } from '../program/hash.ts';
import type { Var } from '../program/program.ts';
import type { TensorType, TypedArray } from '../types.ts';
import { weightOfFragment } from '../weight.ts';
import type { Fragment } from './fragment.ts';

/** A tensor of a recording; identified by the object itself. */
export interface Recorded {
  readonly entry: Entry;
  /** Which output of the entry's fragment it is. */
  readonly output: number;
  readonly type: TensorType;
}

/** A value that was bound, or a fragment that was run. */
export interface Entry {
  /** Its place in the recording. */
  readonly index: number;
  /** Equal for entries that are the same at the same place of recordings that are. */
  readonly key: string;
  /** What was run; `undefined` for a bound value. */
  readonly fragment: Fragment | undefined;
  /** How often what led to it was differentiated. */
  readonly order: number;
  /** What the fragment's inputs are. */
  readonly args: readonly Recorded[];
  /** For each output of the fragment, the tensor that it is; an output that passes an input on is that input. */
  readonly tensors: readonly Recorded[];
  /** The values at hand, by output. */
  readonly values: Map<number, TypedArray>;
  /** Fetches a bound value. */
  readonly load: (() => TypedArray | Promise<TypedArray>) | undefined;
}

/** The address of a tensor: equal for tensors that are the same in recordings that are. */
export function addressOf({ entry, output }: Recorded): readonly [number, number] {
  return [entry.index, output];
}

/** Bytes of one entry with its tensors, roughly. */
const ENTRY_BYTES = 1024;

/** The order of a derivative of tensors. */
export function orderOf(targets: readonly Recorded[]): number {
  return 1 + targets.reduce((most, { entry }) => Math.max(most, entry.order), 0);
}

/** What was computed, in order. */
export class Recording {
  readonly entries: Entry[] = [];
  /** Equal for recordings of the same structure. */
  key = '';
  /** How many fragments have been run so far: what asks for a derivative again runs none. */
  passes = 0;
  /** How many of them had been run before, and their values were gone. */
  rebuilt = 0;
  /** Bytes of the values at hand. */
  bytes = 0;
  /** The equations of its fragments, each once however often it was run. */
  equations = 0;
  readonly #fragments = new Set<Fragment>();
  /** The name of the backend that ran the last fragment. */
  backend: string | undefined;

  /** An entry that binds a value, not yet part of the recording; `offset` others are to come before it. */
  bound(type: TensorType, load: Entry['load'], data: TypedArray | undefined, offset = 0): Entry {
    const values = new Map<number, TypedArray>();
    if (data) values.set(0, data);
    const tensors: Recorded[] = [];
    const index = this.entries.length + offset;
    const entry: Entry = {
      index,
      key: digest(['bound', type]),
      fragment: undefined,
      order: 0,
      args: [],
      tensors,
      values,
      load,
    };
    tensors.push({ entry, output: 0, type });
    return entry;
  }

  /**
   * An entry that runs a fragment, not yet part of the recording; `offset` others are to come before it. Its order is at
   * least `order`.
   */
  run(fragment: Fragment, args: readonly Recorded[], offset = 0, order = 0): Entry {
    const tensors: Recorded[] = [];
    const entry: Entry = {
      index: this.entries.length + offset,
      key: digest([fragment.key, args.map(addressOf)]),
      fragment,
      order: args.reduce((most, arg) => Math.max(most, arg.entry.order), order),
      args,
      tensors,
      values: new Map(),
      load: undefined,
    };
    const { inputs, outputs } = fragment.program;
    const known = new Map<Var, Recorded>(inputs.map((input, i) => [input, args[i] as Recorded]));
    outputs.forEach((variable, output) => {
      const tensor = known.get(variable) ?? { entry, output, type: variable.type };
      known.set(variable, tensor);
      tensors.push(tensor);
    });
    return entry;
  }

  /** Makes entries part of the recording. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.entries.push(entry);
      this.equations += this.more(entry.fragment);
      if (entry.fragment) this.#fragments.add(entry.fragment);
      for (const { byteLength } of entry.values.values()) this.bytes += byteLength;
      this.key = digest([this.key, entry.key]);
    }
  }

  /** How many more equations it would have with a fragment. */
  more(fragment: Fragment | undefined): number {
    return fragment && !this.#fragments.has(fragment) ? fragment.program.eqns.length : 0;
  }

  /** Bytes, roughly, of what it is beside its values. */
  get structure(): number {
    return weightOfFragment(this.equations) + this.entries.length * ENTRY_BYTES;
  }

  /** The values of tensors. What is not at hand is computed, from the values bound if it must be. */
  async valuesOf(tensors: readonly Recorded[], checkpoint: Checkpoint): Promise<TypedArray[]> {
    const missing = new Missing(tensors);
    for (const [entry, outputs] of missing.inOrder()) await this.#fill(entry, outputs, checkpoint);
    return tensors.map(({ entry, output }) => entry.values.get(output) as TypedArray);
  }

  async #fill(entry: Entry, outputs: ReadonlySet<number>, checkpoint: Checkpoint): Promise<void> {
    const { fragment } = entry;
    const set = (output: number, value: TypedArray): void => {
      if (this.entries[entry.index] === entry && !entry.values.has(output)) this.bytes += value.byteLength;
      entry.values.set(output, value);
    };
    if (!fragment) {
      set(0, await (entry.load as () => TypedArray | Promise<TypedArray>)());
      return;
    }
    const inputs = entry.args.map((arg) => arg.entry.values.get(arg.output) as TypedArray);
    const kept = new Set(fragment.kept);
    this.passes++;
    // What is kept was at hand once.
    if (this.entries[entry.index] === entry && [...outputs].some((output) => kept.has(output))) this.rebuilt++;
    if ([...outputs].every((output) => kept.has(output))) {
      const executable = interruptibly(checkpoint, () => fragment.executable());
      this.backend = executable.backend;
      const made = await executable.run(inputs, checkpoint);
      fragment.kept.forEach((output, i) => {
        const tensor = entry.tensors[output] as Recorded;
        if (tensor.entry === entry) set(tensor.output, made[i]?.data as TypedArray);
      });
      return;
    }
    const missing = [...outputs].filter((output) => !entry.values.has(output));
    const made = await interruptibly(checkpoint, () => fragment.only(missing)).run(inputs, checkpoint);
    missing.forEach((output, i) => {
      set(output, made[i]?.data as TypedArray);
    });
  }

  /** Forgets some values of an entry; what is needed again is computed again. */
  forget(entry: Entry, outputs: Iterable<number>): void {
    for (const output of outputs) {
      this.bytes -= entry.values.get(output)?.byteLength ?? 0;
      entry.values.delete(output);
    }
  }

  /** Forgets all values. */
  evict(): void {
    for (const entry of this.entries) entry.values.clear();
    this.bytes = 0;
  }
}

/** Which values must be made so that others can be: those asked for, and what is needed to make them. */
class Missing {
  readonly #outputs = new Map<Entry, Set<number>>();

  constructor(tensors: readonly Recorded[]) {
    const open = [...tensors];
    for (let tensor = open.pop(); tensor; tensor = open.pop()) {
      const { entry, output } = tensor;
      if (entry.values.has(output)) continue;
      const known = this.#outputs.get(entry);
      if (known) known.add(output);
      else {
        this.#outputs.set(entry, new Set([output]));
        open.push(...entry.args);
      }
    }
  }

  inOrder(): readonly (readonly [Entry, ReadonlySet<number>])[] {
    return [...this.#outputs].sort(([a], [b]) => a.index - b.index);
  }
}
