/**
 * @file From what a client asks to a program: a graph and a list of transforms become one program with named inputs and
 * outputs. Every method of the API that computes is such a list.
 */
import { didYouMean, didYouMeanOf, EngineError } from './errors.ts';
import { isInterruption } from './interrupt.ts';
import { checkLimit, type Limits } from './limits.ts';
import { build, type Graph } from './program/build.ts';
import { Builder } from './program/builder.ts';
import type { GraphDocument } from './program/document.ts';
import type { Program, Var } from './program/program.ts';
import { Value } from './program/value.ts';
import {
  batchJacobian,
  gradient,
  hessian,
  hvp,
  jacobian,
  type Mode,
  pullback,
  pushforward,
  type Stack,
} from './transform/compose.ts';
import { perturb } from './transform/perturb.ts';
import { vmapAll } from './transform/vmap.ts';
import { allocateArray, formatType, isFloat, type Shape, type TensorType } from './types.ts';

/** A transform with the names it applies to. Without targets it applies to what the one before it made. */
export type Transform = { readonly targets?: readonly string[] | undefined } & (
  | { readonly kind: 'gradient'; readonly sources: readonly string[] }
  /** `stack` cotangents at once along a leading axis. */
  | { readonly kind: 'vjp'; readonly sources: readonly string[]; readonly stack: Stack }
  | { readonly kind: 'jvp'; readonly sources: readonly string[]; readonly stack: Stack }
  | { readonly kind: 'jacobian'; readonly sources: readonly string[]; readonly mode?: Mode | undefined }
  | { readonly kind: 'batch_jacobian'; readonly sources: readonly string[] }
  | { readonly kind: 'hessian'; readonly sources: readonly string[] }
  | { readonly kind: 'hvp'; readonly sources: readonly string[]; readonly stack: Stack }
  /** The named inputs get a batch of `size` as axis 0. */
  | { readonly kind: 'vmap'; readonly inputs: readonly string[]; readonly size: number }
  /** Another graph on what is there: each of its inputs is fed by the output that `inputs` names. */
  | { readonly kind: 'apply'; readonly document: GraphDocument; readonly inputs: Readonly<Record<string, string>> }
);

/** The transforms that raise the derivative order, and by how much. */
const ORDER = {
  gradient: 1,
  vjp: 1,
  jvp: 1,
  jacobian: 1,
  batch_jacobian: 1,
  hessian: 2,
  hvp: 2,
  vmap: 0,
  apply: 0,
} as const;

/** A program whose inputs and outputs have names. */
export interface NamedProgram {
  readonly program: Program;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A derived program, and where to find what was asked for. */
export interface Derived extends NamedProgram {
  /** For each transform, the names of the outputs it made. */
  readonly made: readonly (readonly string[])[];
  /** For each transform, the names of the inputs it added: tangents or cotangents. */
  readonly added: readonly (readonly string[])[];
  /** Inputs that stand for the change of an intermediate variable; they are always zero. */
  readonly shifts: readonly string[];
}

/** Graph names, then whatever transforms made, all called by name. */
export function derive(
  graph: Graph,
  values: readonly string[],
  transforms: readonly Transform[],
  limits: Limits,
): Derived {
  const order = transforms.reduce((total, { kind }) => total + ORDER[kind], 0);
  if (order > limits.order)
    throw new EngineError(
      'order_too_high',
      `the transforms differentiate ${order} times; the limit 'order' is ${limits.order}`,
    );
  const shifted = intermediateSources(graph, transforms);
  let current = start(graph, values, transforms, shifted);
  const shifts = shifted.map((name) => shiftName(name));
  const made: string[][] = [];
  const added: string[][] = [];
  transforms.forEach((transform, at) => {
    const targets = transform.targets ?? made.at(-1) ?? values;
    const step = apply(moveToFront(current, targets), targets, transform, at, limits);
    const { length } = step.program.eqns;
    checkLimit(limits, 'equations', length, () => `the derived program has ${length} equations`);
    made.push(step.made);
    added.push(step.added);
    current = step;
  });
  return { ...current, made, added, shifts };
}

/** The name of the input that stands for a change of an intermediate variable. */
function shiftName(name: string): string {
  return `shift of ${name}`;
}

/** The sources that are no inputs of the graph. */
function intermediateSources(graph: Graph, transforms: readonly Transform[]): string[] {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const sources = transforms.flatMap((transform) => ('sources' in transform ? transform.sources : []));
  return [...new Set(sources)].filter((source) => !inputs.has(source));
}

function start(
  graph: Graph,
  values: readonly string[],
  transforms: readonly Transform[],
  shifted: readonly string[],
): NamedProgram {
  const names = new Set(values);
  // A later transform may name what an earlier one made; what the graph does not know must be that.
  for (const { targets } of transforms)
    for (const target of targets ?? []) if (graph.names.has(target)) names.add(target);
  const outputs = new Map<string, Var>([...names].map((name) => [name, variableOf(graph, name)]));
  for (const [name, variable] of graph.writes) outputs.set(writeName(name), variable);
  graph.selectors.forEach((selector, i) => outputs.set(selectorName(i), selector));
  const program: Program = { ...graph.program, outputs: [...outputs.values()] };
  return {
    program:
      shifted.length === 0
        ? program
        : perturb(
            program,
            shifted.map((name) => variableOf(graph, name)),
          ),
    inputs: [...graph.inputs.map(({ name }) => name), ...shifted.map(shiftName)],
    outputs: [...outputs.keys()],
  };
}

/** The output that holds the new value of a variable; no node can be called so. */
export function writeName(variable: string): string {
  return `new ${variable}`;
}

/** The output that holds what the i-th choice of the graph took. */
export function selectorName(i: number): string {
  return `choice ${i}`;
}

/** The input that takes the cotangent of the i-th target. */
export function cotangentName(i: number, target: string): string {
  return `cotangent ${i} of ${target}`;
}

/** The input that takes the tangent of a source. */
export function tangentName(source: string): string {
  return `tangent of ${source}`;
}

/** The variable that a target or source names; throws `invalid_source`. */
export function variableOf(graph: Graph, name: string): Var {
  const output = graph.outputs.find((candidate) => candidate.name === name);
  const found = graph.names.get(name) ?? output?.variable;
  if (found) return found;
  throw new EngineError(
    'invalid_source',
    `the graph has no tensor '${name}'.${didYouMeanOf(name, graph.names.keys())}`,
    {
      input: name,
    },
  );
}

function moveToFront(from: NamedProgram, targets: readonly string[]): NamedProgram {
  const places = targets.map((target) => placeOf(from, target));
  const order = [...places, ...from.outputs.map((_, i) => i).filter((i) => !places.includes(i))];
  return {
    inputs: from.inputs,
    outputs: order.map((i) => from.outputs[i] as string),
    program: { ...from.program, outputs: order.map((i) => from.program.outputs[i] as Var) },
  };
}

/** The place of the output that a name means; throws `invalid_source`. */
function placeOf(from: NamedProgram, name: string): number {
  const place = from.outputs.indexOf(name);
  if (place !== -1) return place;
  // What the derivation added for itself is no name of the client's.
  const known = from.outputs.filter((output) => !/^(new|choice) /.test(output));
  throw new EngineError('invalid_source', `there is no output '${name}' here.${didYouMeanOf(name, known)}`, {
    input: name,
  });
}

interface Step extends NamedProgram {
  readonly made: string[];
  readonly added: string[];
}

function apply(from: NamedProgram, targets: readonly string[], transform: Transform, at: number, limits: Limits): Step {
  if (transform.kind === 'vmap') return applyVmap(from, targets, transform);
  if (transform.kind === 'apply') return applyGraph(from, transform, at, limits);
  const sources = transform.sources.map((source) => {
    const place = from.inputs.indexOf(source);
    return place === -1 ? from.inputs.indexOf(shiftName(source)) : place;
  });
  checkTargets(targets);
  checkDifferentiable(from, targets, transform.sources, sources);
  const { program } = from;
  const count = targets.length;
  const suffix = at === 0 ? '' : ` (${at + 1})`;
  const { kind } = transform;
  const perSource = (): string[] => transform.sources.map((source) => `${kind}(${source})${suffix}`);
  const perTarget = (): string[] => targets.map((target) => `${kind}(${target})${suffix}`);
  const done = (derived: Program, made: string[], added: string[] = []): Step => ({
    program: derived,
    inputs: [...from.inputs, ...added],
    outputs: [...from.outputs, ...made],
    made,
    added,
  });
  // An empty nesting of sources has an empty nesting of derivatives, whatever the targets are.
  if (sources.length === 0 && kind !== 'jvp') return done(program, []);
  switch (kind) {
    case 'gradient':
      return done(gradient(program, count, sources), perSource());
    case 'vjp':
      return done(
        pullback(program, count, sources, transform.stack),
        perSource(),
        targets.map((target, t) => cotangentName(t, target) + suffix),
      );
    case 'jvp':
      return done(pushforward(program, count, sources, transform.stack), perTarget(), tangentNames(transform, suffix));
    case 'jacobian':
      return done(
        jacobian(program, count, sources, transform.mode),
        targets.flatMap((target) => transform.sources.map((source) => `${kind}(${target}, ${source})${suffix}`)),
      );
    case 'batch_jacobian':
      if (targets.length !== 1)
        throw new EngineError('invalid_source', `a batch Jacobian takes one target, given ${targets.length}`);
      checkBatch(
        targets[0] as string,
        (program.outputs[0] as Var).type.shape,
        sources.map((source) => {
          const { name, type } = program.inputs[source] as Var;
          return [name, type.shape];
        }),
      );
      return done(batchJacobian(program, sources), perSource());
    case 'hessian':
      checkSingle(targets);
      return done(
        hessian(program, sources),
        transform.sources.flatMap((a) => transform.sources.map((b) => `${kind}(${a}, ${b})${suffix}`)),
      );
    case 'hvp':
      checkSingle(targets);
      return done(hvp(program, sources, transform.stack), perSource(), tangentNames(transform, suffix));
    default:
      return kind satisfies never;
  }
}

function tangentNames({ sources }: { readonly sources: readonly string[] }, suffix: string): string[] {
  return sources.map((source) => tangentName(source) + suffix);
}

function applyVmap(
  from: NamedProgram,
  targets: readonly string[],
  transform: Extract<Transform, { kind: 'vmap' }>,
): Step {
  for (const name of transform.inputs)
    if (!from.inputs.includes(name))
      throw new EngineError('invalid_source', `there is no input '${name}' to batch.${didYouMean(name, from.inputs)}`, {
        input: name,
      });
  const batched = from.inputs.map((name) => transform.inputs.includes(name));
  return {
    ...from,
    program: vmapAll(from.program, batched, transform.size),
    made: [...targets],
    added: [],
  };
}

function applyGraph(
  from: NamedProgram,
  { document, inputs }: Extract<Transform, { kind: 'apply' }>,
  at: number,
  limits: Limits,
): Step {
  const fed = new Map(
    Object.entries(inputs).map(([name, output]) => [name, from.program.outputs[placeOf(from, output)] as Var]),
  );
  // The graph is checked with the types that it will be fed, and no elements.
  const values = new Map(
    [...fed].map(([name, { type }]) => [name, new Value(type.dtype, type.shape, allocateArray(type.dtype, 0))]),
  );
  const requireFed = (name: string): void => {
    if (fed.has(name)) return;
    const detail = `nothing feeds '${name}' of the graph in transform ${at + 1}; name an output for it in 'inputs'`;
    throw new EngineError('missing_value', detail, { input: name, pointer: `/transforms/${at}/inputs` });
  };
  Object.keys(document.inputs).forEach(requireFed);
  const graph = inTransform(at, () => build(document, values, limits));
  // A node may have made variables, which nothing feeds either.
  for (const { name } of graph.inputs) requireFed(name);
  const b = Builder.continuing(from.program);
  const outputs = b.inline(
    graph.program,
    graph.inputs.map(({ name }) => fed.get(name) as Var),
  );
  const made = graph.outputs.map(({ name }) => (from.outputs.includes(name) ? `${name} (${at + 1})` : name));
  return {
    program: b.build([...from.program.outputs, ...outputs]),
    inputs: from.inputs,
    outputs: [...from.outputs, ...made],
    made,
    added: [],
  };
}

/** Errors of a transform's graph point into the transform. */
function inTransform<T>(at: number, check: () => T): T {
  try {
    return check();
  } catch (reason) {
    if (!(reason instanceof EngineError) || isInterruption(reason)) throw reason;
    const { code, message, where, violations } = reason;
    const pointer = (where.pointer ?? '/graph').replace(/^\/values\//, '/inputs/');
    throw new EngineError(code, message, { ...where, pointer: `/transforms/${at}${pointer}` }, violations);
  }
}

/** Throws unless there is something to differentiate. */
export function checkTargets(targets: readonly string[]): void {
  if (targets.length > 0) return;
  throw new EngineError('invalid_source', "there is nothing to differentiate: name 'targets', or outputs of the graph");
}

function checkDifferentiable(
  from: NamedProgram,
  targets: readonly string[],
  names: readonly string[],
  sources: readonly number[],
): void {
  sources.forEach((source, i) => {
    const type = from.program.inputs[source]?.type;
    const name = names[i] as string;
    if (!type) throw new EngineError('invalid_source', `there is no input '${name}' here`, { input: name });
    requireFloat(type, name, 'source');
  });
  targets.forEach((target, i) => requireFloat((from.program.outputs[i] as Var).type, target, 'target'));
}

function requireFloat(type: TensorType, name: string, role: string): void {
  if (isFloat(type.dtype)) return;
  throw new EngineError(
    'not_differentiable',
    `the ${role} '${name}' is ${formatType(type)}; only float32 and float64 have derivatives`,
    { input: name },
  );
}

function checkSingle(targets: readonly string[]): void {
  if (targets.length === 1) return;
  throw new EngineError('invalid_source', `a Hessian takes one target, given ${targets.length}: ${targets.join(', ')}`);
}

/** Throws unless TensorFlow's conditions for a batch Jacobian hold; of sources, the names and shapes. */
export function checkBatch(
  name: string,
  target: Shape,
  sources: readonly (readonly [name: string | undefined, shape: Shape])[],
): void {
  for (const [source, shape] of sources) {
    const where = source === undefined ? {} : { input: source };
    if (target.length < 2 || shape.length < 2)
      throw new EngineError(
        'type_mismatch',
        `target and source must have rank at least 2; '${name}' has shape [${target}], '${source}' has shape [${shape}]`,
        where,
      );
    if (target[0] !== shape[0])
      throw new EngineError(
        'type_mismatch',
        `Need first dimension of target shape ([${target}]) and source shape ([${shape}]) to match.`,
        where,
      );
  }
}

/** The program with its shift inputs gone: they are zero. */
export function withoutShifts(derived: Derived): NamedProgram {
  if (derived.shifts.length === 0) return derived;
  const b = new Builder();
  const kept: string[] = [];
  const args = derived.program.inputs.map((input, i) => {
    const name = derived.inputs[i] as string;
    if (derived.shifts.includes(name)) return b.full(0, input.type);
    kept.push(name);
    return b.input(input.type, input.name);
  });
  return { program: b.build(b.inline(derived.program, args)), inputs: kept, outputs: derived.outputs };
}
