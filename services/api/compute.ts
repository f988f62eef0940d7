/** @file What the methods that compute share: from a request to a prepared computation, and from values to results. */
import type { Checkpoint } from '../../engine/backends/backend.ts';
import { type Derived, derive, type Transform, withoutShifts, writeName } from '../../engine/derive.ts';
import type { Engine } from '../../engine/engine.ts';
import { EngineError, type Where } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import { bindValue } from '../../engine/program/bind.ts';
import { build, type Graph } from '../../engine/program/build.ts';
import { digest, hashProgram } from '../../engine/program/hash.ts';
import type { Program } from '../../engine/program/program.ts';
import type { Value } from '../../engine/program/value.ts';
import type { Executable } from '../../engine/runtime/execute.ts';
import type { Tensor, TensorType, TypedArray } from '../../engine/types.ts';
import { weightOfExecutable, weightOfProgram } from '../../engine/weight.ts';
import type { EngineContext } from './method.ts';

/** What every request that computes brings. */
export interface ComputeRequest {
  readonly graph?: unknown;
  readonly values: Readonly<Record<string, unknown>>;
  readonly options: { readonly device: Device };
}

/** Where a request wants to be computed. */
export type Device = 'auto' | 'cpu' | 'gpu';

/** The values of a request, decoded. */
export function decodeValues(json: Readonly<Record<string, unknown>>, engine: Engine): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, tensor] of Object.entries(json))
    values.set(name, decodeTensor(tensor, { input: name, pointer: `/values/${name}` }, engine.limits));
  return values;
}

/** The checked graph of a request, remembered by its text and the types of its values. */
export function graphOf(
  request: ComputeRequest,
  values: ReadonlyMap<string, Value>,
  engine: Engine,
): { graph: Graph; key: string } {
  const key = digest([request.graph, typesOf(values)]);
  const { value } = engine.remember(
    `graph ${key}`,
    () => build(engine.readGraph(request.graph), values, engine.limits),
    weightOfGraph,
  );
  return { graph: value, key };
}

/** A request whose graph is checked. */
export interface Opened {
  readonly graph: Graph;
  readonly key: string;
  readonly values: ReadonlyMap<string, Value>;
  readonly started: number;
}

/** Reads and checks the graph of a request. */
export function open(request: ComputeRequest, context: EngineContext): Opened {
  const started = performance.now();
  const values = decodeValues(request.values, context.engine);
  return { ...graphOf(request, values, context.engine), values, started };
}

/** The types of values; of untyped ones also whether they are whole numbers, which decides what they may become. */
export function typesOf(values: ReadonlyMap<string, Value>): unknown {
  return [...values].map(([name, { dtype, shape, data }]) => [
    name,
    dtype ?? (data.every((element) => Number.isInteger(element)) ? 'whole' : 'any'),
    shape,
  ]);
}

/** A program that is compiled and waits for the elements of its inputs. */
export interface Compiled {
  readonly program: Program;
  readonly executable: Executable;
}

/** A computation that is compiled and waits for values. */
export interface Prepared extends Compiled {
  readonly graph: Graph;
  readonly graphHash: string;
  /** For each transform, the names of the outputs that it made and of the inputs that it added. */
  readonly derived: Pick<Derived, 'made' | 'added'>;
  /** The names of the program's inputs, in order. */
  readonly inputs: readonly string[];
  /** The inputs' types, in order. */
  readonly types: readonly TensorType[];
  /** For each output's name, its place among the results. */
  readonly places: ReadonlyMap<string, number>;
}

/** Bytes that a checked graph takes while it is remembered. */
export function weightOfGraph({ program }: Pick<Graph, 'program'>): number {
  return weightOfProgram(program);
}

/** Bytes that a prepared computation takes while it is remembered: its arena, its code and its graph. */
export function weightOf({ graph, program, executable }: Prepared): number {
  return weightOfGraph(graph) + weightOfProgram(program) + weightOfExecutable(executable);
}

/** The graph with transforms applied and compiled; `values` are the outputs wanted beside what the transforms make. */
export function prepare(
  graph: Graph,
  values: readonly string[],
  transforms: readonly Transform[],
  engine: Engine,
): Prepared {
  const derived = derive(graph, values, transforms, engine.limits);
  const { program, inputs, outputs } = withoutShifts(derived);
  return {
    graph,
    graphHash: hashProgram(graph.program),
    program,
    derived: { made: derived.made, added: derived.added },
    executable: compile(program, transforms, engine),
    inputs,
    types: program.inputs.map((input) => input.type),
    places: new Map(outputs.map((name, place) => [name, place])),
  };
}

/** What to ask for instead where whole matrices of derivatives cost too much. */
const ADVICE: Partial<Record<Transform['kind'], string>> = {
  hessian: 'hvp gives the product of the Hessian with a vector at the cost of a few gradients',
  jacobian: 'jvp and vjp give products of the Jacobian with vectors at the cost of a few evaluations',
  batch_jacobian: 'jvp and vjp give products of the Jacobian with vectors at the cost of a few evaluations',
};

function compile(program: Program, transforms: readonly Transform[], engine: Engine): Executable {
  try {
    return engine.compile(program);
  } catch (reason) {
    const [advice] = transforms.flatMap(({ kind }) => ADVICE[kind] ?? []);
    if (!(reason instanceof EngineError) || reason.code !== 'cost_exceeded' || advice === undefined) throw reason;
    throw new EngineError(reason.code, `${reason.message}; ${advice}`, reason.where);
  }
}

/** Results by output name, and what the reply says about how they came. */
export interface Results {
  tensor(name: string): Tensor;
  readonly meta: unknown;
  /** The new values of variables: those written, and those that a node made. */
  readonly variables: Map<string, Tensor>;
}

/** A tangent or cotangent as sent: where it lies, and what it is called in messages. */
export interface Direction {
  readonly value: Value;
  readonly where: Where;
  readonly what: string;
}

/** What came of a computation. */
export interface Ran {
  readonly outputs: readonly Tensor[];
  /** The name of the backend that ran it. */
  readonly backend: string;
  /** How many requests ran as one. */
  readonly together: number;
  /** Nobody looks at the outputs any more. */
  release(): void;
}

/** Runs a prepared computation by itself. */
export async function runAlone(
  { executable }: Compiled,
  inputs: readonly TypedArray[],
  checkpoint: Checkpoint,
): Promise<Ran> {
  const { backend } = executable;
  const outputs = await executable.run(inputs, checkpoint);
  return { outputs, backend, together: 1, release: () => executable.release(outputs) };
}

/** Runs a prepared computation; `directions` are tangents and cotangents by the names of the inputs they become. */
export async function run(
  prepared: Prepared,
  values: ReadonlyMap<string, Value>,
  directions: ReadonlyMap<string, Direction>,
  context: EngineContext,
  cached: boolean,
  started: number,
): Promise<Results> {
  const created = new Map<string, Tensor>();
  const arrays = prepared.inputs.map((name, i) => {
    const type = prepared.types[i] as TensorType;
    const direction = directions.get(name);
    if (direction) return bindValue(direction.value, type, name, direction.where, direction.what);
    const value = values.get(name);
    if (value) return bindValue(value, type, name);
    return initialOf(prepared.graph, name, type, created);
  });
  const bound = performance.now();
  context.place?.(prepared.executable);
  const running = context.execute?.(prepared, arrays) ?? runAlone(prepared, arrays, context.checkpoint);
  const { outputs, backend, together, release } = await running;
  context.afterReply(release);
  const done = performance.now();
  const tensor = (name: string): Tensor => outputs[prepared.places.get(name) as number] as Tensor;
  const variables = new Map(created);
  for (const name of prepared.graph.writes.keys()) variables.set(name, tensor(writeName(name)));
  return {
    tensor,
    variables,
    meta: {
      graph: prepared.graphHash,
      ...context.device,
      backend,
      cached,
      ...(together > 1 && { batch: together }),
      timing: { prepare: round(bound - started), run: round(done - bound) },
    },
  };
}

function initialOf(graph: Graph, name: string, type: TensorType, created: Map<string, Tensor>): TypedArray {
  const input = graph.inputs.find((candidate) => candidate.name === name);
  if (!input?.initial)
    throw new EngineError('missing_value', `'${name}' has no value; send one in 'values'`, {
      input: name,
      pointer: `/values/${name}`,
    });
  const data = input.initial();
  created.set(name, { type, data });
  return data;
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** The outputs a graph names, or its last node. */
export function outputNames(graph: Graph): string[] {
  return graph.outputs.map(({ name }) => name);
}

/** The variables that gradients are taken with respect to unless a request says otherwise. */
export function trainableNames(graph: Graph): string[] {
  return graph.inputs.filter(({ role, trainable }) => role === 'variable' && trainable).map(({ name }) => name);
}
