/** @file GradientTape's watch rules: which sources a gradient exists for, and the reason why for the others. */

import { variableOf } from '../../engine/derive.ts';
import type { Graph } from '../../engine/program/build.ts';
import type { Var } from '../../engine/program/program.ts';
import { influenced, type Link } from '../../engine/transform/connect.ts';
import { isFloat } from '../../engine/types.ts';
import type { Reason } from './schemas.ts';

/** What a request says about watching. */
export interface WatchRules {
  /** Names watched explicitly; without it, every source that is no variable or constant counts as watched. */
  readonly watch: readonly string[] | undefined;
  readonly watchAccessedVariables: boolean;
}

/** For each source, the reason why it has no gradient; sources with one are not in it. */
export function reasonsWhyNot(
  graph: Graph,
  sources: readonly string[],
  rules: WatchRules,
  link: (variable: Var) => Link,
): Map<string, Reason> {
  const watched = new Set<Var>((rules.watch ?? []).map((name) => variableOf(graph, name)));
  const roles = new Map(graph.inputs.map((input) => [input.variable, input]));
  for (const { variable, role, trainable } of graph.inputs)
    if (role === 'variable' && trainable && rules.watchAccessedVariables) watched.add(variable);
  if (rules.watch === undefined)
    for (const source of sources) {
      const variable = variableOf(graph, source);
      if (roles.get(variable)?.role !== 'variable' && !graph.constants.has(variable)) watched.add(variable);
    }
  const onTape = influenced(graph.program, watched);
  const reasons = new Map<string, Reason>();
  for (const source of sources) {
    const variable = variableOf(graph, source);
    const input = roles.get(variable);
    const reason = ((): Reason | undefined => {
      if (!isFloat(variable.type.dtype)) return 'integer_dtype';
      if (input?.role === 'variable' && !input.trainable && !watched.has(variable)) return 'not_trainable';
      if (graph.constants.has(variable) && !watched.has(variable)) return 'constant';
      if (!onTape.has(variable)) return 'not_watched';
      const found = link(variable);
      return found === 'connected' ? undefined : found;
    })();
    if (reason) reasons.set(source, reason);
  }
  return reasons;
}

const DETAILS: Record<Reason, (source: string, targets: string) => string> = {
  not_watched: (source) => `'${source}' is not watched; list it in 'watch'`,
  not_trainable: (source) => `'${source}' is a variable with trainable: false; list it in 'watch' to differentiate it`,
  constant: (source) => `'${source}' is a constant; list it in 'watch' to differentiate it`,
  integer_dtype: (source, targets) =>
    `'${source}' or every path from it to ${targets} holds integers or booleans, which have no derivatives`,
  not_on_path: (source, targets) => `${targets} does not depend on '${source}'`,
  stop_gradient: (source, targets) => `every path from '${source}' to ${targets} passes a stop_gradient`,
  through_state: (source, targets) =>
    `'${source}' reaches ${targets} only through a value written to a variable, which gradients do not follow`,
  no_gradient_defined: (source, targets) =>
    `every path from '${source}' to ${targets} passes an op that has no derivative`,
  untaken_branch: (source, targets) => `'${source}' reaches ${targets} only through a branch that was not taken`,
  not_recorded: (source, targets) =>
    `'${source}' reaches ${targets} only through what the tape did not record: it was paused, reset, or not open then`,
};

/** The reasons as the reply gives them, with a sentence each. */
export function explained(reasons: ReadonlyMap<string, Reason>, targets: readonly string[]): Map<string, unknown> {
  const named = targets.map((target) => `'${target}'`).join(', ');
  return new Map([...reasons].map(([source, reason]) => [source, { reason, detail: DETAILS[reason](source, named) }]));
}
