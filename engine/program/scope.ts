/** @file Names and what they stand for while a document is checked. */
import type { Builder } from './builder.ts';
import type { Var } from './program.ts';

/**
 * What a name stands for: a tensor, or a number that takes the dtype of its neighbours. A named number is a tensor too,
 * which is read wherever that dtype is the graph's own, so that it can be differentiated.
 */
export type Binding = Var | { readonly literal: number | boolean; readonly variable?: Var };

/** The names visible at a point: a sub-graph sees its own first, then what is around it. */
export class Scope {
  readonly builder: Builder;
  readonly names = new Map<string, Binding>();
  readonly #outer: Scope | undefined;
  /** Inputs that stand for tensors from outside, by those. */
  readonly captures = new Map<Var, Var>();

  constructor(builder: Builder, outer?: Scope) {
    this.builder = builder;
    this.#outer = outer;
  }

  find(name: string): Binding | undefined {
    const own = this.names.get(name);
    if (own !== undefined) return own;
    const outer = this.#outer?.find(name);
    if (outer === undefined) return undefined;
    if ('literal' in outer) return { literal: outer.literal };
    let capture = this.captures.get(outer);
    if (!capture) {
      capture = { type: outer.type, name };
      this.captures.set(outer, capture);
    }
    return capture;
  }

  *visible(): Generator<string> {
    yield* this.names.keys();
    if (this.#outer) yield* this.#outer.visible();
  }
}

/** Variables are made before the checker knows what the client calls them. */
export function rename(variable: Var, name: string): void {
  (variable as { name: string }).name = name;
}
