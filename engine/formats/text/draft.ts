/** @file A graph document while its text is being read: what is defined so far, named only when all is known. */
import { poll } from '../../interrupt.ts';
import { checkLimit, type Limits } from '../../limits.ts';
import type { GraphDocument, GraphNode } from '../../program/document.ts';

/** A value written out in the text. */
export type Literal = number | boolean | string | null | readonly Literal[];

/** One output of something defined. */
export interface Tensor {
  readonly definition: Definition;
  readonly output: number;
}

/** What a node reads. */
export type Argument = Tensor | number | boolean;

type Body =
  | { readonly kind: 'input' }
  | { readonly kind: 'constant'; readonly value: Literal }
  | {
      readonly kind: 'node';
      readonly op: string;
      readonly inputs: readonly Argument[];
      readonly params: ReadonlyMap<string, unknown>;
    };

/** An input, constant or node; its name is chosen when the document is written. */
interface Definition {
  readonly body: Body;
  /** What the client calls it, if it is the whole of an assignment. */
  label?: string;
  /** What it is called after otherwise. */
  stem: string;
  /** The whole that it is a part of. */
  whole?: Definition;
  name: string;
}

/** What the text gives back: what a name is bound to in the end, or a tensor without a name. */
export type Output = string | Tensor;

/** Collects definitions in the order they are made, and binds names to them as Python does. */
export class Draft {
  readonly #limits: Limits;
  readonly #bindings = new Map<string, Tensor>();
  readonly #inputs = new Map<string, Definition>();
  readonly #definitions: Definition[] = [];
  /** The definition that each label names last, and therefore plainly. */
  readonly #latest = new Map<string, Definition>();
  /** Where the expression being read begins in `#definitions`. */
  #begin = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** What a name is bound to; a name read before it is bound is an input. */
  read(name: string): Tensor {
    const bound = this.#bindings.get(name);
    if (bound) return bound;
    const input: Definition = { body: { kind: 'input' }, stem: name, name };
    this.#inputs.set(name, input);
    return this.bind(name, { definition: input, output: 0 });
  }

  /** Makes later readers of a name read this tensor. */
  bind(name: string, tensor: Tensor): Tensor {
    this.#bindings.set(name, tensor);
    return tensor;
  }

  /** A new node. */
  node(op: string, inputs: readonly Argument[], params: ReadonlyMap<string, unknown> = new Map()): Tensor {
    return this.#define({ kind: 'node', op, inputs, params });
  }

  /** A new constant. */
  constant(value: Literal): Tensor {
    return this.#define({ kind: 'constant', value });
  }

  /** Ends an expression: what was defined since the last one becomes a part of this, which the label names. */
  conclude(whole: Tensor, label: string | undefined): Tensor {
    const { definition } = whole;
    for (const part of this.#definitions.slice(this.#begin)) {
      if (part !== definition) part.whole = definition;
      else if (label !== undefined) {
        part.label = label;
        this.#latest.set(label, part);
      }
    }
    this.#begin = this.#definitions.length;
    return whole;
  }

  /** The document, with the outputs under the names that the text gives them. */
  document(outputs: readonly Output[]): GraphDocument {
    const wanted = outputs.map((output) => this.#called(output));
    this.#chooseNames();
    const named = this.#definitions.map(({ name, body }) => ({ name, body }));
    return {
      inputs: Object.fromEntries([...this.#inputs.keys()].map((name) => [name, {}])),
      variables: {},
      constants: Object.fromEntries(
        named.flatMap(({ name, body }) => (body.kind === 'constant' ? [[name, body.value]] : [])),
      ),
      nodes: named.flatMap(({ name, body }) => (body.kind === 'node' ? [writeNode(name, body)] : [])),
      outputs: wanted.map(reference),
    };
  }

  #define(body: Body): Tensor {
    poll();
    const count = this.#definitions.length + 1;
    checkLimit(this.#limits, 'nodes', count, () => `the text makes at least ${count} nodes`, { pointer: '/graph' });
    const definition: Definition = { body, stem: body.kind === 'node' ? body.op : body.kind, name: '' };
    this.#definitions.push(definition);
    return { definition, output: 0 };
  }

  /** The tensor to give back: a copy, where its own name is not the one that the client knows it by. */
  #called(output: Output): Tensor {
    if (typeof output !== 'string') {
      output.definition.stem = 'output';
      return output;
    }
    const tensor = this.read(output);
    const owners = [this.#inputs.get(output), this.#latest.get(output)];
    if (tensor.output === 0 && owners.includes(tensor.definition)) return tensor;
    return this.bind(output, this.conclude(this.node('identity', [tensor]), output));
  }

  /**
   * The last assignment to a name keeps it and earlier ones are `loss.1`, `loss.2`; parts of `loss` are `loss/mul`,
   * `loss/mul_1`. Python's names have neither dots nor slashes, so only the rare unlabelled whole can meet one.
   */
  #chooseNames(): void {
    const fresh = freshNames([...this.#inputs.keys(), ...this.#latest.keys()], this.#limits.name_length);
    for (const definition of this.#definitions) {
      const { label, stem, whole } = definition;
      if (whole) continue;
      if (label === undefined) definition.name = fresh(stem, '_');
      else if (this.#inputs.has(label) || this.#latest.get(label) !== definition) definition.name = fresh(label, '.');
      else definition.name = label;
    }
    for (const definition of this.#definitions) {
      const { stem, whole } = definition;
      if (whole) definition.name = fresh(`${whole.name}/${stem}`, '_');
    }
  }
}

/** Makes names not taken yet: the stem itself, or the stem with the separator and a number. */
function freshNames(names: Iterable<string>, length: number): (stem: string, separator: string) => string {
  const taken = new Set(names);
  const counts = new Map<string, number>();
  return (wish, separator) => {
    // Room for any number: stems that agree so far share a count, so that none is tried twice.
    const stem = wish.length <= length - 8 ? wish : wish.slice(0, length - 8);
    let name = stem;
    while (taken.has(name)) {
      poll();
      const count = (counts.get(stem) ?? 0) + 1;
      counts.set(stem, count);
      name = `${stem}${separator}${count}`;
    }
    taken.add(name);
    return name;
  };
}

function reference({ definition, output }: Tensor): string {
  return output === 0 ? definition.name : `${definition.name}:${output}`;
}

function writeNode(name: string, body: Body & { kind: 'node' }): GraphNode {
  return {
    name,
    op: body.op,
    inputs: body.inputs.map((input) => (typeof input === 'object' ? reference(input) : input)),
    params: Object.fromEntries(body.params),
  };
}
