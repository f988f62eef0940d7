/** @file What requests do to tapes: from what they say to events, and from what was computed to what they are told. */
import { variableOf } from '../../engine/derive.ts';
import { didYouMeanOf, EngineError } from '../../engine/errors.ts';
import { interruptibly } from '../../engine/interrupt.ts';
import { bindValue } from '../../engine/program/bind.ts';
import { build, type Graph, type GraphInput } from '../../engine/program/build.ts';
import type { GraphDocument } from '../../engine/program/document.ts';
import { digest } from '../../engine/program/hash.ts';
import { Value } from '../../engine/program/value.ts';
import type { Recorded } from '../../engine/tape/recording.ts';
import { allocateArray, type DType, formatType, sameType, type Tensor, type TensorType } from '../../engine/types.ts';
import { decodeValues, typesOf, weightOfGraph } from '../api/compute.ts';
import type { EngineContext } from '../api/method.ts';
import type { Bound, Ran, TapeEvent, VariableRead } from './events.ts';
import { type Nest, placed, type TapeState } from './nest.ts';
import type { VariableRow } from './store.ts';
import type { Work } from './work.ts';

/** TensorFlow's words for the second use of a tape that is not persistent. */
export const USED = 'A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)';

/** A tape of the session that may still be used; throws `not_found` or `tape_used`. */
export function usableTape(work: Work, id: string): { root: string; nest: Nest; state: TapeState } {
  const found = work.session.tape(id);
  if (found.state.state !== 'used') return found;
  throw new EngineError('tape_used', `${USED}; open the next one with persistent: true, or reset this one`);
}

/** Does to a nest what an event says, and has it committed. */
export async function happen(work: Work, root: string, nest: Nest, event: TapeEvent): Promise<void> {
  const staged = await nest.stage(event, work.fresh);
  work.append(root, event, () => staged.apply());
}

/** What a graph that was recorded gave. */
export interface RecordedRun {
  readonly values: ReadonlyMap<string, Tensor>;
  /** The variables that it wrote or made. */
  readonly variables: ReadonlyMap<string, Tensor>;
  readonly versions: ReadonlyMap<string, number>;
}

/** Runs a graph for a tape and records it. */
export async function record(
  work: Work,
  id: string,
  request: {
    readonly graph: unknown;
    readonly values: Readonly<Record<string, unknown>>;
    readonly watch: readonly string[];
    readonly outputs: readonly string[] | undefined;
  },
  context: EngineContext,
): Promise<RecordedRun> {
  const { root, nest } = usableTape(work, id);
  const reading = new Reading(work, nest, request.graph, decodeValues(request.values, context.engine), context);
  for (const name of request.watch) reading.watch(name);
  const sources = reading.resolve();
  const graph = reading.check(sources);
  reading.refuseShadows(graph);
  const wanted = request.outputs ?? graph.outputs.map(({ name }) => name);
  for (const name of wanted) variableOf(graph, name);
  const values: Record<string, Bound> = {};
  const variables: Record<string, VariableRead> = {};
  const made = new Map<string, Tensor>();
  for (const input of graph.inputs) {
    const { name } = input;
    const source = sources.get(name);
    if (source?.kind === 'sent') values[name] = work.keep(boundTo(source.value, input));
    // A node brings variables of its own: made when it is first recorded, and read from then on.
    const isKnown = source === undefined && work.variable(name) !== undefined;
    if (source?.kind === 'variable' || isKnown) variables[name] = reading.read(name, input);
    else if (source?.kind === 'new' || source === undefined) {
      const value = source?.value ?? reading.sent(name);
      const tensor = value ? boundTo(value, input) : initialOf(input);
      const row = work.write(name, tensor, input.trainable);
      variables[name] = { ...work.keep(tensor), trainable: input.trainable, version: row.version };
      made.set(name, tensor);
    }
  }
  const written = Object.fromEntries([...graph.writes.keys()].map((name) => [name, work.version]));
  const event: Ran = {
    type: 'ran',
    tape: id,
    watch: request.watch,
    tapes: nest.recorders(id).map((tape) => tape.id),
    graph: work.keepJson(request.graph),
    values,
    variables,
    wanted,
    written,
  };
  const staged = await interruptibly(context.checkpoint, () => nest.stage(event, work.fresh));
  await nest.recording.valuesOf(staged.kept, context.checkpoint);
  const computed = async (tensor: Recorded): Promise<Tensor> => {
    const [data] = await nest.recording.valuesOf([tensor], context.checkpoint);
    return { type: tensor.type, data: data as Tensor['data'] };
  };
  const versions = new Map<string, number>();
  for (const name of made.keys()) versions.set(name, work.version);
  for (const [name, tensor] of staged.writes) {
    const value = await computed(tensor);
    versions.set(name, work.write(name, value, variables[name]?.trainable ?? true).version);
    made.set(name, value);
  }
  const results = new Map<string, Tensor>();
  for (const name of wanted) results.set(name, await computed(staged.tensors.get(name) as Recorded));
  work.append(root, event, () => staged.apply());
  return { values: results, variables: made, versions };
}

/** Where an input of a graph comes from. */
type Origin =
  | { readonly kind: 'sent'; readonly value: Value }
  | { readonly kind: 'new'; readonly value: Value }
  | { readonly kind: 'recorded'; readonly type: TensorType }
  | { readonly kind: 'variable'; readonly type: TensorType };

/** A graph being read for a tape: its names are looked up among what was sent, what was recorded, and the variables. */
class Reading {
  readonly document: GraphDocument;
  readonly #work: Work;
  readonly #nest: Nest;
  readonly #sent: ReadonlyMap<string, Value>;
  readonly #context: EngineContext;
  readonly #key: string;
  readonly #watchedConstants = new Map<string, Value>();

  constructor(work: Work, nest: Nest, graph: unknown, sent: ReadonlyMap<string, Value>, context: EngineContext) {
    this.#work = work;
    this.#nest = nest;
    this.#sent = sent;
    this.#context = context;
    this.#key = digest(['document', graph]);
    const { engine } = context;
    this.document = engine.remember(
      this.#key,
      () => engine.readGraph(graph),
      (document) => 512 * document.nodes.length,
    ).value;
  }

  /** Has the tape watch a name: of a value sent, a constant, a tensor recorded before, or a variable. */
  watch(name: string): void {
    const { constants, variables, nodes } = this.document;
    if (Object.hasOwn(constants, name)) {
      const values = decodeValues({ [name]: constants[name] }, this.#context.engine);
      this.#watchedConstants.set(name, values.get(name) as Value);
      return;
    }
    const isKnown =
      this.#sent.has(name) ||
      this.#nest.names.has(name) ||
      this.#work.variable(name) !== undefined ||
      Object.hasOwn(variables, name);
    if (isKnown) return;
    const isNode = nodes.some((node) => node.name === name);
    throw new EngineError(
      'invalid_source',
      isNode
        ? `'${name}' is computed by this graph; record it first and watch it before what reads it`
        : `there is no tensor or variable '${name}' to watch.${didYouMeanOf(name, this.#visible())}`,
      { input: name, pointer: '/watch' },
    );
  }

  /** Where each of the names comes from that the graph does not define itself. */
  resolve(): Map<string, Origin> {
    const origins = new Map<string, Origin>();
    const { inputs, variables } = this.document;
    for (const name of Object.keys(inputs)) origins.set(name, this.#origin(name, false));
    for (const name of Object.keys(variables)) origins.set(name, this.#origin(name, true));
    for (const [name, value] of this.#watchedConstants) origins.set(name, { kind: 'sent', value });
    for (const name of this.#sent.keys())
      if (!origins.has(name)) {
        if (Object.hasOwn(this.document.constants, name) || !this.#isVariable(name)) continue;
        throw sentForVariable(name);
      }
    return origins;
  }

  #origin(name: string, isVariable: boolean): Origin {
    const value = this.#sent.get(name);
    const variable = this.#work.variable(name);
    const recorded = isVariable ? undefined : this.#nest.names.get(name);
    if (value && variable) throw sentForVariable(name);
    if (value) return { kind: isVariable ? 'new' : 'sent', value };
    if (recorded) return { kind: 'recorded', type: recorded.type };
    if (variable) return { kind: 'variable', type: typeOfRow(variable.row) };
    throw new EngineError(
      'missing_value',
      `'${name}' has no value: it is no variable of the session and nothing recorded on this tape is called so; ` +
        `send one in 'values'.${didYouMeanOf(name, this.#visible())}`,
      { input: name, pointer: `/values/${name}` },
    );
  }

  /** The value that was sent under a name. */
  sent(name: string): Value | undefined {
    return this.#sent.get(name);
  }

  #isVariable(name: string): boolean {
    return this.#work.variable(name) !== undefined;
  }

  #visible(): string[] {
    return [...this.#work.session.variables.keys(), ...this.#nest.names.keys()];
  }

  /** The checked graph, with the types of what it reads. */
  check(origins: ReadonlyMap<string, Origin>): Graph {
    const values = new Map<string, Value>([...this.#sent].filter(([name]) => !origins.has(name)));
    const known: Record<string, { trainable: boolean }> = {};
    for (const [name, origin] of origins) {
      if (origin.kind === 'sent' || origin.kind === 'new') values.set(name, origin.value);
      else values.set(name, new Value(origin.type.dtype, origin.type.shape, allocateArray(origin.type.dtype, 0)));
      if (origin.kind !== 'variable') continue;
      known[name] = { trainable: this.#work.variable(name)?.row.trainable ?? true };
    }
    const { engine } = this.#context;
    const moved = [...this.#watchedConstants.keys()];
    return engine.remember(
      digest(['reading', this.#key, typesOf(values), known, moved]),
      () => build(placed(this.document, moved, known), values, engine.limits),
      weightOfGraph,
    ).value;
  }

  /** Throws when a tensor and a variable are called the same: later fragments could not tell them apart. */
  refuseShadows(graph: Graph): void {
    for (const { name, role } of graph.inputs)
      if (role === 'variable' && this.#nest.names.has(name))
        throw new EngineError(
          'duplicate_name',
          `'${name}' is a tensor that was recorded on this tape; give the variable another name`,
          { input: name },
        );
    const inputs = new Set(graph.inputs.map(({ name }) => name));
    for (const name of graph.names.keys())
      if (!inputs.has(name) && this.#isVariable(name))
        throw new EngineError(
          'duplicate_name',
          `'${name}' is a variable of the session; give the node another name, or write the variable with assign`,
          { node: name },
        );
  }

  /** The read of a variable: its value and version, of the type that the graph wants. */
  read(name: string, input: GraphInput): VariableRead {
    const variable = this.#work.session.variable(name);
    const { row } = variable;
    const type = typeOfRow(row);
    if (!sameType(type, input.variable.type))
      throw new EngineError(
        'type_mismatch',
        `the variable '${name}' is ${formatType(type)}, expected ${formatType(input.variable.type)}`,
        { input: name },
      );
    if (variable.data) this.#work.fresh.elements.set(row.value.digest, variable.data);
    return { ...type, blob: row.value, trainable: row.trainable, version: row.version };
  }
}

/** The type of a variable. */
export function typeOfRow({ dtype, shape }: VariableRow): TensorType {
  return { dtype: dtype as DType, shape };
}

function boundTo(value: Value, { name, variable }: GraphInput): Tensor {
  return { type: variable.type, data: bindValue(value, variable.type, name) };
}

function initialOf({ name, variable, initial }: GraphInput): Tensor {
  if (!initial) throw new EngineError('internal', `'${name}' has no value`);
  return { type: variable.type, data: initial() };
}

/** The refusal of a value that is sent under the name of a variable. */
export function sentForVariable(name: string): EngineError {
  const detail = `'${name}' is a variable of the session; assign it instead of sending a value`;
  return new EngineError('already_exists', detail, { input: name, pointer: `/values/${name}` });
}
