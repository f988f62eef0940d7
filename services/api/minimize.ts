import { z } from 'zod';
import { didYouMeanOf, EngineError } from '../../engine/errors.ts';
import { batchValues, type Data } from '../../engine/optimizers/batches.ts';
import type { Chosen } from '../../engine/optimizers/index.ts';
import { type Minimization, minimize as minimization, prepareMinimize } from '../../engine/optimizers/minimize.ts';
import { type Problem, problemOf } from '../../engine/optimizers/program.ts';
import { slotTypes, stepName } from '../../engine/optimizers/slots.ts';
import { build, type Graph } from '../../engine/program/build.ts';
import { boundedArray, type GraphDocument } from '../../engine/program/document.ts';
import { digest } from '../../engine/program/hash.ts';
import type { Var } from '../../engine/program/program.ts';
import { Value } from '../../engine/program/value.ts';
import { formatType, sameType, type TensorType, type TypedArray } from '../../engine/types.ts';
import { placed } from '../sessions/nest.ts';
import type { Session } from '../sessions/session.ts';
import { sentForVariable, typeOfRow } from '../sessions/tapes.ts';
import type { Work } from '../sessions/work.ts';
import { decodeValues, typesOf, weightOfGraph } from './compute.ts';
import { singleTarget } from './derivative.ts';
import { type EngineContext, engineStreamMethod } from './method.ts';
import {
  chosenOf,
  dataOf,
  minimizeFields,
  progressFields,
  progressOf,
  scheduleFrom,
  stopOf,
  weightOfMinimize,
} from './optimizers.ts';
import { graphSchema, optionsSchema, referenceSchema, tensorsSchema } from './schemas.ts';
import { sessionSchema } from './sessions/schemas.ts';

/** How long steps go on before everybody else has a turn, in milliseconds. */
const TURN = 10;

const interval = z.int().min(0).max(3_600_000);

const request = z.strictObject({
  session: sessionSchema,
  graph: graphSchema,
  loss: referenceSchema.optional().meta({ description: "One number; default: the graph's only output." }),
  variables: boundedArray(referenceSchema, 100_000)
    .optional()
    .meta({ description: 'What may move; default: the trainable variables that the loss depends on.' }),
  values: tensorsSchema.default({}).meta({ description: 'Inputs that are the same in every step.' }),
  ...minimizeFields,
  steps: minimizeFields.steps.optional().meta({ description: 'How many steps to take.' }),
  until_step: minimizeFields.steps.optional().meta({
    description:
      'Instead of `steps`: how many steps shall have been taken in all, those before included. A request that is begun ' +
      'again then goes on where it had come to.',
  }),
  restart: z.boolean().default(false).meta({ description: 'Whether to forget what the optimizer kept from before.' }),
  progress_interval_ms: interval.default(200).meta({ description: 'Between two messages; 0 for one a step.' }),
  commit_interval_ms: interval.default(2000).meta({
    description: 'Between two commits of the variables; what is cancelled keeps the last. 0 for one a step.',
  }),
  options: optionsSchema,
});

type Request = z.output<typeof request>;

/** Moves variables of a session until a loss is small. */
export const minimize = engineStreamMethod({
  name: 'Minimize',
  summary: 'Moves variables of a session until a loss is small, and tells of every step.',
  description:
    'Loss, gradient and update are one compiled program. The variables and what the optimizer keeps (as variables called ' +
    '`<optimizer>/<slot>/<variable>`) are committed now and then and at the end, so that another request goes on from ' +
    'there. A variable that somebody else writes meanwhile ends it with `version_mismatch`.',
  verb: 'POST',
  path: '/v1/sessions/{session}/minimize',
  changes: true,
  computes: true,
  request,
  response: z.object({
    ...progressFields,
    eta_ms: z.number().nullable().meta({ description: 'Until all steps are taken, if they go on as they did.' }),
    version: z.number().nullable().meta({ description: 'Of the variables that were committed last by this request.' }),
  }),
  examples: [
    {
      title: 'Three steps of Adam',
      request: { graph: 'loss = sum((w - 1) ** 2)', optimizer: { name: 'adam', learning_rate: 0.1 }, steps: 3 },
    },
  ],
  async *stream(request, context) {
    const task = await prepare(request, context);
    const started = performance.now();
    let turned = started;
    let told = Number.NEGATIVE_INFINITY;
    let committed = started;
    const first = task.steps.step;
    for await (const progress of task.steps) {
      const now = performance.now();
      const isLast = progress.stopped !== undefined;
      const message = (): object => ({
        ...progressOf(progress),
        eta_ms: isLast ? 0 : etaOf(progress.step - first, task.last - progress.step, now - started),
        version: task.version,
      });
      if (isLast) {
        yield await task.finish(message);
        return;
      }
      if (now - committed >= request.commit_interval_ms) {
        await task.commit();
        committed = performance.now();
      }
      if (now - told >= request.progress_interval_ms) {
        told = now;
        yield message() as never;
      } else if (now - turned >= TURN) {
        await context.turn();
        turned = performance.now();
      }
    }
  },
});

/** Milliseconds that the steps left will take, to three digits. */
function etaOf(taken: number, left: number, elapsed: number): number | null {
  return taken === 0 ? null : Number(((elapsed / taken) * left).toPrecision(3));
}

/** A minimization of a session's variables. */
class Task {
  readonly steps: Minimization;
  /** The step that is the last. */
  readonly last: number;
  /** The version of what was committed last. */
  version: number | null = null;
  readonly #id: string;
  readonly #context: EngineContext;
  /** The versions that the variables must still have; 0 for those that do not exist yet. */
  readonly #versions: ReadonlyMap<string, number>;
  readonly #trainable: ReadonlySet<string>;

  constructor(
    steps: Minimization,
    last: number,
    id: string,
    versions: ReadonlyMap<string, number>,
    trainable: ReadonlySet<string>,
    context: EngineContext,
  ) {
    this.steps = steps;
    this.last = last;
    this.#id = id;
    this.#versions = versions;
    this.#trainable = trainable;
    this.#context = context;
  }

  /** Commits the variables as they are now. */
  async commit(): Promise<void> {
    await this.#context.sessions.change(this.#context, this.#id, (work) => this.#write(work));
  }

  /** Commits the variables as they are in the end, with what the request is answered. */
  finish(message: () => object): Promise<never> {
    return this.#context.sessions.change(this.#context, this.#id, (work) => {
      this.#write(work);
      return message() as never;
    });
  }

  #write(work: Work): void {
    for (const [name, version] of this.#versions) {
      const found = work.variable(name)?.row.version ?? 0;
      if (found === (this.version ?? version)) continue;
      throw new EngineError(
        'version_mismatch',
        `'${name}' was written by another request while it was being moved; it has version ${found} now`,
        { input: name },
      );
    }
    // Its storage is used again by the next step, and what is kept must not change.
    for (const tensors of [this.steps.variables(), this.steps.slots()])
      for (const [name, { type, data }] of tensors)
        work.write(name, { type, data: data.slice() as TypedArray }, this.#trainable.has(name));
    this.version = work.version;
  }
}

async function prepare(request: Request, context: EngineContext): Promise<Task> {
  const { engine, sessions, tenant } = context;
  if ((request.steps === undefined) === (request.until_step === undefined))
    throw new EngineError('invalid_request', "one of 'steps' and 'until_step' is needed", { pointer: '/steps' });
  // As one commit left them: values and versions belong together, whatever is written while the values are read.
  const session = await sessions.read(tenant, request.session, ({ variables }) => ({ variables: new Map(variables) }));
  const document = engine.readGraph(request.graph);
  const known = await valuesOf(document, session, request, context);
  const variableAt = (name: string, pointer: string): Value => {
    const value = known.get(name);
    if (value) return value;
    throw new EngineError(
      'invalid_source',
      `the session has no variable '${name}'.${didYouMeanOf(name, session.variables.keys())}`,
      { input: name, pointer },
    );
  };
  const data = request.data && dataOf(request.data, variableAt, engine.limits);
  const { graph, key, values } = graphOf(document, request, session, known, data, context);
  const loss = singleTarget(graph, request.loss);
  const chosen = chosenOf(request.optimizer);
  const prepared = engine.remember(
    digest(['minimize', key, loss, request.variables, request.optimizer]),
    () => prepareMinimize(engine, problemOf(graph, loss, request.variables), chosen),
    weightOfMinimize,
  ).value;
  const slots = request.restart ? undefined : slotsOf(prepared.problem, chosen, session, known);
  const before = Number(slots?.get(stepName(chosen.optimizer.name))?.data[0] ?? 0);
  const last = request.until_step ?? before + (request.steps as number);
  if (last <= before)
    throw new EngineError('invalid_request', `${before} steps have been taken already, and 'until_step' is ${last}`, {
      pointer: '/until_step',
    });
  const steps = minimization(prepared, {
    values,
    slots,
    data,
    schedule: scheduleFrom(request.schedule, request.optimizer),
    stop: stopOf(last - before, request.stop),
    checkpoint: context.checkpoint,
  });
  const moved = [...prepared.problem.names, ...steps.slots().keys()];
  const versions = moved.map((name) => [name, session.variables.get(name)?.row.version ?? 0] as const);
  const trainable = prepared.problem.names.filter((name) => session.variables.get(name)?.row.trainable ?? true);
  return new Task(steps, last, request.session, new Map(versions), new Set(trainable), context);
}

/** The values of the session's variables that the request may mean. */
async function valuesOf(
  document: GraphDocument,
  session: Pick<Session, 'variables'>,
  request: Request,
  { sessions, tenant }: EngineContext,
) {
  const sources = Object.values(request.data?.inputs ?? {}).flatMap(({ variable }) => variable ?? []);
  const names = new Set([...Object.keys(document.inputs), ...Object.keys(document.variables), ...sources]);
  const values = new Map<string, Value>();
  for (const [name, variable] of session.variables) {
    const { dtype, shape } = typeOfRow(variable.row);
    // The variables that nodes bring and those of optimizers have a slash in their names.
    if (names.has(name) || name.includes('/'))
      values.set(name, new Value(dtype, shape, await sessions.elements(tenant, variable)));
  }
  return values;
}

function graphOf(
  document: GraphDocument,
  request: Request,
  session: Pick<Session, 'variables'>,
  known: ReadonlyMap<string, Value>,
  data: Data | undefined,
  { engine }: EngineContext,
): { readonly graph: Graph; readonly key: string; readonly values: ReadonlyMap<string, Value> } {
  const values = decodeValues(request.values, engine);
  const batches = data ? batchValues(data) : new Map<string, Value>();
  for (const name of values.keys()) if (session.variables.has(name)) throw sentForVariable(name);
  const variables: Record<string, { trainable: boolean }> = {};
  for (const name of [...Object.keys(document.inputs), ...Object.keys(document.variables)]) {
    const value = batches.has(name) || values.has(name) ? undefined : known.get(name);
    if (!value) continue;
    values.set(name, value);
    variables[name] = { trainable: session.variables.get(name)?.row.trainable ?? true };
  }
  const all = new Map([...values, ...batches]);
  const key = digest(['minimized', request.graph, typesOf(all), variables]);
  const { value: graph } = engine.remember(
    key,
    () => build(placed(document, [], variables), all, engine.limits),
    weightOfGraph,
  );
  for (const input of graph.inputs)
    if (!all.has(input.name)) values.set(input.name, own(input.name, input.variable.type, known, input.initial));
  return { graph, key, values };
}

/** The value of a variable that a node brings: the session's, or what it begins with. */
function own(
  name: string,
  type: TensorType,
  known: ReadonlyMap<string, Value>,
  initial: (() => TypedArray) | undefined,
): Value {
  const value = known.get(name);
  if (value) return value;
  if (initial) return new Value(type.dtype, type.shape, initial());
  throw new EngineError('missing_value', `'${name}' has no value; send one in 'values'`, { input: name });
}

/** What the optimizer kept from before: all of it, or nothing. */
function slotsOf(
  problem: Problem,
  chosen: Chosen,
  session: Pick<Session, 'variables'>,
  known: ReadonlyMap<string, Value>,
): Map<string, Value> | undefined {
  const types = slotTypes(chosen, new Map(problem.names.map((name, i) => [name, (problem.variables[i] as Var).type])));
  const slots = new Map<string, Value>();
  for (const [name, type] of types) {
    const variable = session.variables.get(name);
    if (!variable) return undefined;
    if (!sameType(typeOfRow(variable.row), type))
      throw new EngineError(
        'type_mismatch',
        `the variable '${name}', where the optimizer keeps its state, is ${formatType(typeOfRow(variable.row))}, ` +
          `expected ${formatType(type)}; delete it, or send restart: true`,
        { input: name },
      );
    slots.set(name, known.get(name) as Value);
  }
  return slots;
}
