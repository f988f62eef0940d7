/**
 * @file Simplification: the same program with fewer equations. Identities are the ops' own; equal equations become one;
 * what no output needs is dropped.
 */
import type { Vars } from '../ops/op.ts';
import { Builder, Env } from '../program/builder.ts';
import { Numbering } from '../program/numbering.ts';
import { type Eqn, isProgram, isTensor, type Param, type Program, type Var } from '../program/program.ts';

/** The program simplified, its sub-programs too; inputs and outputs keep their places. */
export function simplify(program: Program): Program {
  return withoutDeadCode(withoutRepeats(program));
}

function withoutRepeats(program: Program): Program {
  const b = new Builder();
  const env = new Env();
  env.bind(program.inputs, b.inputsLike(program.inputs));
  const seen = new Seen();
  for (const eqn of program.eqns) {
    const inputs = env.all(eqn.inputs);
    const params = Object.fromEntries(Object.entries(eqn.params).map(([key, param]) => [key, simplifyParam(param)]));
    const known = seen.find(eqn, inputs, params);
    const outputs = known ?? emitSimplest(b, eqn, inputs, params);
    if (!known) seen.add(eqn, inputs, params, outputs);
    env.bind(eqn.outputs, outputs);
  }
  return b.build(env.all(program.outputs));
}

function simplifyParam(param: Param): Param {
  if (isProgram(param)) return simplify(param);
  if (Array.isArray(param) && param.some(isProgram)) return param.map(simplifyParam);
  return param;
}

function emitSimplest(b: Builder, eqn: Eqn, inputs: readonly Var[], params: Eqn['params']): readonly Var[] {
  const type = (eqn.outputs[0] as Var | undefined)?.type;
  b.node = eqn.node;
  if (type && eqn.op.simplify) {
    const simpler = eqn.op.simplify(b, { x: inputs as unknown as Vars, params }, type);
    if (simpler) return 'type' in simpler ? [simpler] : simpler;
  }
  return b.emit(
    eqn.op,
    inputs,
    params,
    eqn.outputs.map((output) => output.name),
  );
}

/** The equations already emitted, by op, inputs and params. */
class Seen {
  readonly #numbers = new Numbering<object>();
  readonly #outputs = new Map<string, readonly Var[]>();

  find(eqn: Eqn, inputs: readonly Var[], params: Eqn['params']): readonly Var[] | undefined {
    return this.#outputs.get(this.#key(eqn, inputs, params));
  }

  add(eqn: Eqn, inputs: readonly Var[], params: Eqn['params'], outputs: readonly Var[]): void {
    this.#outputs.set(this.#key(eqn, inputs, params), outputs);
  }

  #key(eqn: Eqn, inputs: readonly Var[], params: Eqn['params']): string {
    let key = eqn.op.name;
    for (const input of inputs) key += `,${this.#numbers.of(input)}`;
    for (const name in params) key += `;${name}=${this.#param(params[name] as Param)}`;
    return key;
  }

  /** Sub-programs and tensors are compared by identity: equal ones are rare and comparing them is dear. */
  #param(param: Param): string {
    if (isProgram(param) || isTensor(param)) return `#${this.#numbers.of(param)}`;
    if (Array.isArray(param)) return `[${param.map((item) => this.#param(item)).join()}]`;
    return Object.is(param, -0) ? '-0' : typeof param === 'string' ? JSON.stringify(param) : String(param);
  }
}

/** The program without the equations that no output needs. */
export function withoutDeadCode(program: Program): Program {
  const live = new Set<Var>(program.outputs);
  const eqns: Eqn[] = [];
  for (let i = program.eqns.length - 1; i >= 0; i--) {
    const eqn = program.eqns[i] as Eqn;
    if (!eqn.outputs.some((output) => live.has(output))) continue;
    eqns.push(eqn);
    for (const input of eqn.inputs) live.add(input);
  }
  return { inputs: program.inputs, eqns: eqns.reverse(), outputs: program.outputs };
}
