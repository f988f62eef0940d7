/**
 * @file Simplification: the same program with fewer equations. Identities are the ops' own; equal equations become one;
 * what no output needs is dropped.
 */
import { poll } from '../interrupt.ts';
import type { OpRules, Vars } from '../ops/op.ts';
import { Builder, Env } from '../program/builder.ts';
import { Numbering } from '../program/numbering.ts';
import { type Eqn, isProgram, isTensor, type Param, type Params, type Program, type Var } from '../program/program.ts';

/** The program simplified, its sub-programs too; inputs and outputs keep their places. */
export function simplify(program: Program): Program {
  return withoutDeadCode(rewritten(withoutDeadCode(program)));
}

function rewritten(program: Program): Program {
  const b = new Builder();
  const env = new Env();
  const seen = new Seen();
  env.bind(program.inputs, b.inputsLike(program.inputs));
  // What identities emit goes the same way as the program's own equations, so that one pass is enough.
  b.rewrite = (op, inputs, params, types, push) => {
    const key = seen.key(op, inputs, params);
    const known = seen.outputs.get(key);
    if (known) return known;
    const site = { x: inputs as unknown as Vars, params };
    const simpler = types[0] && op.simplify?.(b, site, types[0]);
    const outputs = !simpler ? push() : 'type' in simpler ? [simpler] : simpler;
    seen.outputs.set(key, outputs);
    return outputs;
  };
  for (const eqn of program.eqns) {
    const params = simplifyParams(eqn.params);
    env.bind(eqn.outputs, b.copy(params === eqn.params ? eqn : { ...eqn, params }, env.all(eqn.inputs)));
  }
  return b.build(env.all(program.outputs));
}

function simplifyParams(params: Params): Params {
  if (!holdsPrograms(params)) return params;
  return Object.fromEntries(Object.entries(params).map(([key, param]) => [key, simplifyParam(param)]));
}

function holdsPrograms(params: Params): boolean {
  for (const name in params) {
    const param = params[name] as Param;
    if (isProgram(param) || (Array.isArray(param) && param.some(isProgram))) return true;
  }
  return false;
}

function simplifyParam(param: Param): Param {
  if (isProgram(param)) return simplify(param);
  if (Array.isArray(param) && param.some(isProgram)) return param.map(simplifyParam);
  return param;
}

/** The equations already emitted, by op, inputs and params. */
class Seen {
  readonly #numbers = new Numbering<object>();
  /** The outputs of each, by its key. */
  readonly outputs = new Map<string, readonly Var[]>();

  /** What is the same for equal equations alone. */
  key(op: OpRules, inputs: readonly Var[], params: Params): string {
    let key = op.name;
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
    poll();
    const eqn = program.eqns[i] as Eqn;
    if (!eqn.outputs.some((output) => live.has(output))) continue;
    eqns.push(eqn);
    for (const input of eqn.inputs) live.add(input);
  }
  return { inputs: program.inputs, eqns: eqns.reverse(), outputs: program.outputs };
}
