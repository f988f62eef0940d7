/**
 * @file Which variables a derivative of the targets reaches, and why not the others. Reads what the ops declare of
 * their derivatives; builds nothing.
 */
import { poll } from '../interrupt.ts';
import { type Barrier, barrierOf } from '../ops/op.ts';
import type { Program, Var } from '../program/program.ts';
import { isFloat } from '../types.ts';

/** What stands between a variable and the targets; `connected` when nothing does. */
export type Link = 'connected' | Barrier | 'untaken_branch' | 'not_on_path';

/** When several paths are blocked, the reason that says most. */
const PRECEDENCE: readonly Link[] = [
  'not_on_path',
  'integer_dtype',
  'no_gradient_defined',
  'stop_gradient',
  'untaken_branch',
  'through_state',
  'connected',
];

/** The better of two links. */
function better(a: Link, b: Link): Link {
  return PRECEDENCE.indexOf(a) >= PRECEDENCE.indexOf(b) ? a : b;
}

/**
 * For every variable of a program, its link to the `targets`. `taken` gives, for equations that choose among
 * sub-programs, which one ran; without it all count.
 */
export function links(
  program: Program,
  targets: readonly Var[],
  taken: (selector: Var) => number | undefined = () => undefined,
): (variable: Var) => Link {
  const found = new Map<Var, Link>();
  for (const target of targets) found.set(target, isFloat(target.type.dtype) ? 'connected' : 'integer_dtype');
  const linkOf = (variable: Var): Link => found.get(variable) ?? 'not_on_path';
  for (let at = program.eqns.length - 1; at >= 0; at--) {
    poll();
    const eqn = program.eqns[at] as Program['eqns'][number];
    const outputs = eqn.outputs.map(linkOf);
    if (outputs.every((link) => link === 'not_on_path')) continue;
    const inner = insideOf(eqn, outputs, taken);
    eqn.inputs.forEach((input, i) => {
      const through = inner ? (inner[i] as Link) : (barrierOf(eqn, i) ?? outputs.reduce(better));
      const link = isFloat(input.type.dtype) || through !== 'connected' ? through : 'integer_dtype';
      found.set(input, better(linkOf(input), link));
    });
  }
  return linkOf;
}

/** The inputs' links through an equation whose sub-programs are what it computes. */
function insideOf(
  eqn: Program['eqns'][number],
  outputs: readonly Link[],
  taken: (selector: Var) => number | undefined,
): readonly Link[] | undefined {
  const { lower } = eqn.op;
  if (lower.kind === 'branch') {
    const programs = lower.programs(eqn.params);
    const chosen = taken(eqn.inputs[0] as Var);
    const perBranch = programs.map((program) => linksThrough(program, outputs));
    return eqn.inputs.map((_, i) => {
      if (i === 0) return 'integer_dtype';
      const all = perBranch.map((links) => links[i - 1] as Link).reduce(better);
      if (chosen === undefined) return all;
      const own = perBranch[Math.min(Math.max(chosen, 0), programs.length - 1)]?.[i - 1] as Link;
      return own === 'not_on_path' && all === 'connected' ? 'untaken_branch' : own;
    });
  }
  if (lower.kind === 'loop') {
    const { body, constants, carried } = lower.loop(eqn.params);
    let current = outputs;
    // A state may reach a result only after several steps: links grow until they are stable.
    for (;;) {
      const inputs = linksThrough(body, current);
      const grown = current.map((link, i) => (i < carried ? better(link, inputs[constants + i] as Link) : link));
      if (grown.every((link, i) => link === current[i])) return inputs;
      current = grown;
    }
  }
  return undefined;
}

/** The links of a program's inputs when its outputs have these. */
function linksThrough(program: Program, outputs: readonly Link[]): readonly Link[] {
  const byLink = new Map<Link, Var[]>();
  program.outputs.forEach((output, i) => {
    const link = outputs[i] as Link;
    if (link === 'not_on_path') return;
    byLink.set(link, [...(byLink.get(link) ?? []), output]);
  });
  const combined = program.inputs.map((): Link => 'not_on_path');
  for (const [outer, targets] of byLink) {
    const inner = links(program, targets);
    program.inputs.forEach((input, i) => {
      const link = inner(input);
      // A barrier outside blocks what is connected inside.
      combined[i] = better(combined[i] as Link, link === 'connected' ? outer : link);
    });
  }
  return combined;
}

/** Which variables a derivative with respect to any of `leaves` would flow into. */
export function influenced(program: Program, leaves: Iterable<Var>): ReadonlySet<Var> {
  const reached = new Set<Var>(leaves);
  for (const eqn of program.eqns) {
    poll();
    const flows = eqn.inputs.some((input, i) => reached.has(input) && barrierOf(eqn, i) === null);
    if (flows) for (const output of eqn.outputs) if (isFloat(output.type.dtype)) reached.add(output);
  }
  return reached;
}
