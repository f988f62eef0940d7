/** @file The builder: appends equations to a program and types each one as it comes. */

import { EngineError } from '../errors.ts';
import { poll } from '../interrupt.ts';
import { full } from '../ops/full.ts';
import { type OpRules, ParamMismatch, TypeMismatch } from '../ops/op.ts';
import { formatType, type TensorType } from '../types.ts';
import type { Eqn, Params, Program, Var } from './program.ts';

/** What may stand between an equation and the program; see `Builder.rewrite`. */
export type Rewrite = (
  op: OpRules,
  inputs: readonly Var[],
  params: Params,
  types: readonly TensorType[],
  push: () => readonly Var[],
) => readonly Var[];

/** Appends equations; every emitted equation is typed by its op's type rule. */
export class Builder {
  readonly inputs: Var[] = [];
  readonly eqns: Eqn[] = [];
  /** The client's node that equations are emitted for. */
  node: string | undefined;
  /** Stands between every equation and the program: gives outputs of its own, or those of the equation it `push`es. */
  rewrite: Rewrite | undefined;
  /** Filled when it is first asked for: most builders are never asked. */
  readonly #producers = new Map<Var, Eqn>();
  #indexed = 0;
  readonly #maxEqns: number;

  /** `maxEqns` bounds the program's length; beyond it `emit` throws `limit_exceeded`. */
  constructor(maxEqns = 4_000_000) {
    this.#maxEqns = maxEqns;
  }

  /** A builder that goes on where a program ends; its variables stay what they are. */
  static continuing(program: Program): Builder {
    const b = new Builder();
    b.inputs.push(...program.inputs);
    for (const eqn of program.eqns) {
      poll();
      b.eqns.push(eqn);
    }
    return b;
  }

  /** A new input of the program. */
  input(type: TensorType, name?: string): Var {
    const input: Var = { type, name };
    this.inputs.push(input);
    return input;
  }

  /** Emits `op[params](inputs)` and returns its outputs; throws `type_mismatch` or `invalid_params`. */
  emit(
    op: OpRules,
    inputs: readonly Var[],
    params: Params = {},
    names: readonly (string | undefined)[] = [],
  ): readonly Var[] {
    return this.#make(op, inputs, params, this.#typesOf(op, inputs, params), names);
  }

  /** New inputs like another program's. */
  inputsLike(inputs: readonly Var[]): Var[] {
    return inputs.map((input) => this.input(input.type, input.name));
  }

  /** Emits an equation again on other inputs, keeping its node and its outputs' names. */
  copy(eqn: Eqn, inputs: readonly Var[]): readonly Var[] {
    // Inputs of the very same types need no second look at what their types make of the outputs.
    const isSame = inputs.every((input, i) => input.type === eqn.inputs[i]?.type);
    const types = isSame ? eqn.outputs.map(({ type }) => type) : this.#typesOf(eqn.op, inputs, eqn.params);
    const outer = this.node;
    this.node = eqn.node;
    const outputs = this.#make(
      eqn.op,
      inputs,
      eqn.params,
      types,
      eqn.outputs.map(({ name }) => name),
    );
    this.node = outer;
    return outputs;
  }

  /** A tensor of one value in every element. */
  full(value: number, type: TensorType): Var {
    return full(this, { value, dtype: type.dtype, shape: type.shape });
  }

  /** The program inlined: its equations emitted on `args`; returns what its outputs became. */
  inline(program: Program, args: readonly Var[]): Var[] {
    const env = new Env();
    env.bind(program.inputs, args);
    for (const eqn of program.eqns) env.bind(eqn.outputs, this.copy(eqn, env.all(eqn.inputs)));
    return env.all(program.outputs);
  }

  /** The equation that made a variable; `undefined` for inputs. */
  producer(variable: Var): Eqn | undefined {
    for (; this.#indexed < this.eqns.length; this.#indexed++) {
      poll();
      const eqn = this.eqns[this.#indexed] as Eqn;
      for (const output of eqn.outputs) this.#producers.set(output, eqn);
    }
    return this.#producers.get(variable);
  }

  /** The one value of a uniform variable, such as a literal broadcast; `undefined` when it is not known to be uniform. */
  uniform(variable: Var): number | undefined {
    const eqn = this.producer(variable);
    return eqn?.op.uniform?.(eqn.params);
  }

  /** The finished program. */
  build(outputs: readonly Var[]): Program {
    return { inputs: this.inputs, eqns: this.eqns, outputs };
  }

  #make(
    op: OpRules,
    inputs: readonly Var[],
    params: Params,
    types: readonly TensorType[],
    names: readonly (string | undefined)[],
  ): readonly Var[] {
    poll();
    const push = (): readonly Var[] => {
      const outputs = types.map((type, i): Var => ({ type, name: names[i] }));
      this.#push({ op, inputs, params, outputs, node: this.node });
      return outputs;
    };
    return this.rewrite ? this.rewrite(op, inputs, params, types, push) : push();
  }

  #push(eqn: Eqn): void {
    if (this.eqns.length >= this.#maxEqns)
      throw new EngineError(
        'limit_exceeded',
        `the program has more than ${this.#maxEqns} equations; the limit 'equations' is ${this.#maxEqns}: use a smaller graph or a lower order`,
        eqn.node === undefined ? {} : { node: eqn.node },
      );
    this.eqns.push(eqn);
  }

  #typesOf(op: OpRules, inputs: readonly Var[], params: Params): readonly TensorType[] {
    try {
      return op.type(
        inputs.map((input) => input.type),
        params,
      );
    } catch (reason) {
      throw inClientsNames(reason, op, inputs, this.node);
    }
  }
}

/** A type rule's complaint in the client's names; anything else as it is. */
export function inClientsNames(
  reason: unknown,
  op: { readonly name: string; readonly operands: readonly { readonly name: string }[] },
  inputs: readonly Var[],
  node: string | undefined,
): unknown {
  const where = { ...(node === undefined ? {} : { node }), op: op.name };
  const place = node === undefined ? `op ${op.name}` : `node '${node}', op ${op.name}`;
  if (reason instanceof ParamMismatch)
    return new EngineError('invalid_params', `${reason.message} (${place})`, { ...where, param: reason.param });
  if (!(reason instanceof TypeMismatch)) return reason;
  const input = inputs[reason.input];
  const name = input?.name ?? op.operands[Math.min(reason.input, op.operands.length - 1)]?.name ?? `${reason.input}`;
  const given = input === undefined ? 'missing' : formatType(input.type);
  return new EngineError('type_mismatch', `'${name}' is ${given}, expected ${reason.expected} (${place})`, {
    ...where,
    input: name,
  });
}

/** What each variable of one program became in another. */
export class Env {
  readonly #values = new Map<Var, Var>();

  /** Binds variables to what they became, in order. */
  bind(variables: readonly Var[], values: readonly Var[]): void {
    for (let i = 0; i < variables.length; i++) this.#values.set(variables[i] as Var, values[i] as Var);
  }

  /** What a variable became, if it is bound. */
  get(variable: Var): Var | undefined {
    return this.#values.get(variable);
  }

  /** What variables became; a variable that is not bound is a fault of the caller. */
  all(variables: readonly Var[]): Var[] {
    return variables.map((variable) => {
      const value = this.#values.get(variable);
      if (!value) throw new Error(`variable ${variable.name ?? ''}: ${formatType(variable.type)} is not in scope`);
      return value;
    });
  }
}
