/**
 * @file What is minimized as programs: the loss, its gradient and the update of all variables are one, so that they
 * become one plan.
 */
import { variableOf } from '../derive.ts';
import { didYouMeanOf, EngineError } from '../errors.ts';
import { add } from '../ops/add.ts';
import { div } from '../ops/div.ts';
import { minimum } from '../ops/minimum.ts';
import { mul } from '../ops/mul.ts';
import { reshape } from '../ops/reshape.ts';
import { sqrt } from '../ops/sqrt.ts';
import { sub } from '../ops/sub.ts';
import type { Graph } from '../program/build.ts';
import { Builder } from '../program/builder.ts';
import type { Program, Var } from '../program/program.ts';
import { gradient } from '../transform/compose.ts';
import { links } from '../transform/connect.ts';
import { formatType, isFloat, sizeOf, type TensorType } from '../types.ts';
import type { Chosen } from './index.ts';
import { dot } from './lbfgs.ts';
import { type FirstOrder, type QuasiNewton, spread, type Turning } from './optimizer.ts';

/** A loss, and what may move to make it small. */
export interface Problem {
  readonly graph: Graph;
  readonly loss: Var;
  /** Inputs of the graph, in its order: whatever order they were named in, the results are the same. */
  readonly variables: readonly Var[];
  readonly names: readonly string[];
}

/**
 * The problem of making `loss`, a tensor of the graph, small by moving `variables`; by default all trainable variables
 * that it depends on. Throws `type_mismatch`, `invalid_source`, `not_differentiable` or, where nodes write variables,
 * `invalid_graph`.
 */
export function problemOf(graph: Graph, loss: string, variables?: readonly string[]): Problem {
  for (const name of graph.writes.keys())
    throw new EngineError('invalid_graph', `a node writes '${name}'; a loss that is minimized may write no variable`, {
      input: name,
      pointer: '/graph',
    });
  const target = variableOf(graph, loss);
  const where = { input: loss, pointer: '/loss' };
  if (!isFloat(target.type.dtype))
    throw new EngineError('not_differentiable', `the loss '${loss}' is ${formatType(target.type)}, no float`, where);
  if (sizeOf(target.type.shape) !== 1)
    throw new EngineError(
      'type_mismatch',
      `the loss '${loss}' is ${formatType(target.type)}, expected one number; take its mean or sum`,
      where,
    );
  const link = links(graph.program, [target]);
  const chosen = new Set(variables ?? trainableOf(graph, (variable) => link(variable) === 'connected'));
  for (const name of chosen) checkVariable(graph, name, loss, link);
  if (chosen.size === 0)
    throw new EngineError('invalid_source', `the loss '${loss}' depends on no trainable variable`, where);
  const inputs = graph.inputs.filter(({ name }) => chosen.has(name));
  return {
    graph,
    loss: target,
    variables: inputs.map(({ variable }) => variable),
    names: inputs.map(({ name }) => name),
  };
}

function trainableOf({ inputs }: Graph, isConnected: (variable: Var) => boolean): string[] {
  return inputs
    .filter(({ role, trainable, variable }) => role === 'variable' && trainable && isConnected(variable))
    .map(({ name }) => name);
}

function checkVariable(graph: Graph, name: string, loss: string, link: ReturnType<typeof links>): void {
  const where = { input: name, pointer: '/variables' };
  const input = graph.inputs.find((each) => each.name === name);
  if (!input) {
    const names = graph.inputs.map((each) => each.name);
    throw new EngineError('invalid_source', `the graph has no variable '${name}'.${didYouMeanOf(name, names)}`, where);
  }
  const { type } = input.variable;
  if (!isFloat(type.dtype))
    throw new EngineError('not_differentiable', `'${name}' is ${formatType(type)}, which cannot be moved`, where);
  const found = link(input.variable);
  if (found !== 'connected')
    throw new EngineError(
      'invalid_source',
      `no gradient of '${loss}' reaches '${name}' (${found}); leave it out of 'variables'`,
      where,
    );
}

/** A program whose inputs are a graph's, then those that `added` names, in order. */
export interface StepProgram {
  readonly program: Program;
  readonly added: readonly Var[];
}

/** A float64 number. */
const SCALAR = { dtype: 'float64', shape: [] } as const;

/**
 * One step of an optimizer. Adds to the graph's inputs the slots, variable by variable, the learning rate and the number
 * of the step. Gives the loss, the norm of all gradients together, the new variables, and the new slots.
 */
export function updateProgram<P>(
  { graph, loss, variables }: Problem,
  { optimizer, params, clipNorm }: Chosen<P> & { readonly optimizer: FirstOrder<P> },
): StepProgram {
  const { b, value, gradients, params: before } = withGradients(graph.program, loss, variables);
  const slots = variables.map(({ type }) => optimizer.slots.map((slot) => b.input(slot.type(type, params))));
  const rate = b.input(SCALAR);
  const step = b.input(SCALAR);
  const norm = normOf(b, gradients);
  const moved = before.map((param, v) => {
    const clipped = clipNorm === undefined ? gradients[v]! : clip(b, gradients[v]!, norm, clipNorm);
    return optimizer.update(b, { param, gradient: clipped, slots: slots[v]!, rate, step }, params);
  });
  const outputs = [value, norm, ...moved.map(({ param }) => param), ...moved.flatMap((each) => each.slots)];
  return { program: b.build(outputs), added: [...slots.flat(), rate, step] };
}

/**
 * The loss at a place along directions. Adds to the graph's inputs a direction for each variable, flat, and a length.
 * Gives the loss, the norm of all gradients together, the slope of the loss along the directions, the variables there,
 * and their gradients, flat.
 */
export function trialProgram({ graph, loss, variables }: Problem): StepProgram {
  const b = new Builder();
  const inputs = b.inputsLike(graph.program.inputs);
  const directions = variables.map(({ type }) => b.input(flat(type)));
  const length = b.input(SCALAR);
  const places = variables.map((variable) => graph.program.inputs.indexOf(variable));
  const moved = variables.map(({ type }, v) => {
    const direction = reshape(b, directions[v]!, { shape: type.shape });
    return add(b, inputs[places[v]!]!, mul(b, spread(b, length, type), direction));
  });
  const there = inputs.map((input, i) => (places.includes(i) ? moved[places.indexOf(i)]! : input));
  const at = withGradients(graph.program, loss, variables);
  const [value, ...gradients] = b.inline(at.b.build([at.value, ...at.gradients]), there) as [Var, ...Var[]];
  const along = gradients.map((each) => reshape(b, each, flat(each.type)));
  const slope = along.map((each, v) => dot(b, each, directions[v]!)).reduce((x, y) => add(b, x, y));
  return {
    program: b.build([value, normOf(b, gradients), slope, ...moved, ...along]),
    added: [...directions, length],
  };
}

/**
 * The direction of the next step. Takes the variables before the last step and after it, their gradients before and
 * after, flat, and the slots, variable by variable. Gives the directions, flat, the slope of the loss along them, what
 * says whether a curvature is known, and the new slots.
 */
export function turnProgram<P>(
  { variables }: Problem,
  { optimizer, params }: Chosen<P> & { readonly optimizer: QuasiNewton<P> },
): Program {
  const b = new Builder();
  const each = (make: (type: TensorType) => Var): Var[] => variables.map(({ type }) => make(type));
  const before = each((type) => b.input(type));
  const after = each((type) => b.input(type));
  const gradientsBefore = each((type) => b.input(flat(type)));
  const gradients = each((type) => b.input(flat(type)));
  const slots = variables.map(({ type }) => optimizer.slots.map((slot) => b.input(slot.type(type, params))));
  const at = variables.map(
    ({ type }, v): Turning => ({
      moved: reshape(b, sub(b, after[v]!, before[v]!), flat(type)),
      changed: sub(b, gradients[v]!, gradientsBefore[v]!),
      gradient: gradients[v]!,
      slots: slots[v]!,
    }),
  );
  const turned = optimizer.turn(b, at, params);
  const slope = turned.directions.map((each, v) => dot(b, gradients[v]!, each)).reduce((x, y) => add(b, x, y));
  return b.build([...turned.directions, slope, turned.curvature, ...turned.slots.flat()]);
}

function flat({ dtype, shape }: TensorType): TensorType {
  return { dtype, shape: [sizeOf(shape)] };
}

function withGradients(program: Program, loss: Var, variables: readonly Var[]) {
  const sources = variables.map((variable) => program.inputs.indexOf(variable));
  const derived = gradient({ ...program, outputs: [loss] }, 1, sources);
  const [value, ...gradients] = derived.outputs as [Var, ...Var[]];
  const params = sources.map((source) => derived.inputs[source] as Var);
  return { b: Builder.continuing(derived), value, gradients, params };
}

/** The root of the sum of all squares, in float64. */
function normOf(b: Builder, gradients: readonly Var[]): Var {
  return sqrt(
    b,
    gradients.map((each) => dot(b, each, each)).reduce((x, y) => add(b, x, y)),
  );
}

/** `g · min(1, most / norm)` */
function clip(b: Builder, g: Var, norm: Var, most: number): Var {
  const factor = minimum(b, b.full(1, SCALAR), div(b, b.full(most, SCALAR), norm));
  return mul(b, spread(b, factor, g.type), g);
}
