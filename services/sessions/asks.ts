/** @file Derivatives that requests ask of tapes: what their names mean, what has none and why, and the numbers. */
import { checkBatch, checkTargets } from '../../engine/derive.ts';
import { didYouMeanOf, EngineError } from '../../engine/errors.ts';
import { interruptibly } from '../../engine/interrupt.ts';
import { checkLimit } from '../../engine/limits.ts';
import { bindValue } from '../../engine/program/bind.ts';
import { digest } from '../../engine/program/hash.ts';
import type { Ask } from '../../engine/tape/derivative.ts';
import { tapeLinks } from '../../engine/tape/links.ts';
import { addressOf, orderOf, type Recorded } from '../../engine/tape/recording.ts';
import { allocateArray, isFloat, sameType, sizeOf, type Tensor, type TensorType } from '../../engine/types.ts';
import type { Direction } from '../api/compute.ts';
import type { EngineContext } from '../api/method.ts';
import type { Reason } from '../api/schemas.ts';
import type { Bound, Derived } from './events.ts';
import type { Nest, TapeState } from './nest.ts';
import { happen, typeOfRow, usableTape } from './tapes.ts';
import type { Work } from './work.ts';

/** What is asked of a tape. */
export interface Question {
  readonly ask: Ask;
  readonly targets: readonly string[];
  readonly sources: readonly string[];
  /** One per target or source, as the ask takes them; `undefined` for ones. */
  readonly directions: readonly (Direction | undefined)[];
  /** Where the results are recorded, and what they are called there; by target and source for a push forward. */
  readonly record?: { readonly tape: string; readonly as: string } | undefined;
}

/** What a tape answers. */
export interface AskedOf {
  /** Sources that have a derivative, in order. */
  readonly connected: readonly string[];
  /** Why the others have none. */
  readonly reasons: ReadonlyMap<string, Reason>;
  /** Targets that are floats: the others have no tangents. */
  readonly floats: readonly string[];
  /** What was computed: one per connected source, or per float target of a push forward. */
  readonly made: readonly Tensor[];
  /** The types of the targets. */
  readonly targets: readonly TensorType[];
  /** The type of a source. */
  typeOf(source: string): TensorType;
  /** The name of the backend that computed it. */
  readonly backend: string;
}

/** Asks a tape, which is used up then unless it is persistent. */
export async function askTape(work: Work, id: string, question: Question, context: EngineContext): Promise<AskedOf> {
  const { root, nest, state } = usableTape(work, id);
  checkTargets(question.targets);
  const targets = question.targets.map((name) => tensorOf(work, nest, state, name));
  const sources = question.sources.map((name) => meaningOf(work, nest, state, name));
  const reasons = await reasonsWhyNot(nest, state, targets, sources, context);
  const connected = sources.filter(({ name }) => !reasons.has(name));
  const isFloatAt = (_: unknown, i: number): boolean => isFloat((targets[i] as Recorded).type.dtype);
  const floats = question.targets.filter(isFloatAt);
  const isForward = question.ask.kind === 'pushforward';
  const asked: Asked = {
    targets: floats,
    sources: connected.map(({ name }) => name),
    directions: isForward
      ? question.directions.filter((_, i) => !reasons.has((sources[i] as Meaning).name))
      : question.directions.filter(isFloatAt),
  };
  const answer = await compute(work, root, nest, id, asked, question, targets.filter(isFloatAt), connected, context);
  if (!state.persistent) await happen(work, root, nest, { type: 'used', tape: id });
  const types = new Map(sources.map(({ name, type }) => [name, type]));
  return {
    connected: asked.sources,
    reasons,
    floats,
    made: answer.made,
    backend: answer.backend,
    targets: targets.map(({ type }) => type),
    typeOf: (name) => types.get(name) as TensorType,
  };
}

/** The part of a question that has an answer: float targets, connected sources, and the directions that belong to them. */
type Asked = Pick<Question, 'targets' | 'sources' | 'directions'>;

async function compute(
  work: Work,
  root: string,
  nest: Nest,
  id: string,
  asked: Asked,
  question: Question,
  floats: readonly Recorded[],
  connected: readonly Meaning[],
  context: EngineContext,
): Promise<{ readonly made: readonly Tensor[]; readonly backend: string }> {
  const { ask } = question;
  if (connected.length === 0 || asked.targets.length === 0) return { made: [], backend: context.engine.backend };
  if (ask.kind === 'batch_jacobian')
    checkBatch(
      asked.targets[0] as string,
      (floats[0] as Recorded).type.shape,
      connected.map(({ name, type }) => [name, type.shape]),
    );
  const order = orderOf(floats);
  if (order > context.engine.limits.order)
    throw new EngineError(
      'order_too_high',
      `this derivative has order ${order}, counting those recorded before; the limit 'order' is ${context.engine.limits.order}`,
      { input: asked.targets[0] as string },
    );
  const sources = connected.map(({ tensors }) => tensors);
  const derivative = interruptibly(context.checkpoint, () => nest.derivative(id, ask, floats, sources));
  const own = ask.kind === 'pushforward' ? asked.sources : asked.targets;
  const inputs = derivative.directions.map((type, i) => tensorFor(asked.directions[i], type, own[i] as string));
  // Recorded or not, the derivative reads them: what was let go is computed again, once.
  const residuals = await nest.recording.valuesOf(nest.residualsOf(derivative), context.checkpoint);
  if (question.record) return recorded(work, root, nest, id, asked, question, inputs, question.record, context);
  const executable = interruptibly(context.checkpoint, () => derivative.executable());
  const made = await executable.run([...residuals, ...inputs.map(({ data }) => data)], context.checkpoint);
  context.afterReply(() => executable.release(made));
  return { made, backend: executable.backend };
}

/** A direction as the derivative takes it; ones where none was sent. */
function tensorFor(direction: Direction | undefined, type: TensorType, name: string): Tensor {
  if (!direction) return { type, data: allocateArray(type.dtype, sizeOf(type.shape)).fill(1 as never) };
  return { type, data: bindValue(direction.value, type, name, direction.where, direction.what) };
}

async function recorded(
  work: Work,
  root: string,
  nest: Nest,
  id: string,
  { targets, sources }: Asked,
  question: Question,
  directions: readonly Tensor[],
  { tape: outer, as }: { readonly tape: string; readonly as: string },
  context: EngineContext,
): Promise<{ readonly made: readonly Tensor[]; readonly backend: string }> {
  usableTape(work, outer);
  if (!nest.isAround(outer, id))
    throw new EngineError(
      'tape_state',
      `the tape '${outer}' did not record what '${id}' did; open '${id}' with outer: '${outer}', and record then`,
      { pointer: '/record/tape' },
    );
  const { ask } = question;
  const names =
    ask.kind === 'pushforward'
      ? namesOf(as, targets, question.targets.length)
      : namesOf(as, sources, question.sources.length);
  for (const name of names) {
    const where = { input: name.slice(0, 128), pointer: '/record/as' };
    const found = (): string => `a result would be called '${where.input}…', ${name.length} characters`;
    checkLimit(context.engine.limits, 'name_length', name.length, found, where);
    if (work.variable(name))
      throw new EngineError(
        'duplicate_name',
        `'${name}' is a variable of the session; record it under another name`,
        where,
      );
  }
  const event: Derived = {
    type: 'derived',
    tape: id,
    ask,
    targets,
    sources,
    directions: directions.map((tensor): Bound => work.keep(tensor)),
    tapes: nest.recorders(outer).map((tape) => tape.id),
    names,
  };
  const staged = await interruptibly(context.checkpoint, () => nest.stage(event, work.fresh));
  await nest.recording.valuesOf(staged.kept, context.checkpoint);
  const tensors = names.map((name) => staged.tensors.get(name) as Recorded);
  const data = await nest.recording.valuesOf(tensors, context.checkpoint);
  work.append(root, event, () => staged.apply());
  return {
    made: tensors.map(({ type }, i) => ({ type, data: data[i] as Tensor['data'] })),
    backend: nest.recording.backend ?? context.engine.backend,
  };
}

/** What results are called: as asked where one was asked for, `<as>/<name>` where several were, computed or not. */
function namesOf(as: string, of: readonly string[], asked: number): string[] {
  return asked === 1 ? [as] : of.map((name) => `${as}/${name}`);
}

/** The type of what a name means to a tape. */
export function typeNamed(work: Work, id: string, name: string): TensorType {
  const { nest, state } = usableTape(work, id);
  return meaningOf(work, nest, state, name).type;
}

/** What a source means to a tape. */
interface Meaning {
  readonly name: string;
  readonly type: TensorType;
  /** The tensors that move together; none for a variable that the tape does not watch. */
  readonly tensors: readonly Recorded[];
  readonly variable: { readonly trainable: boolean } | undefined;
}

function meaningOf(work: Work, nest: Nest, state: TapeState, name: string): Meaning {
  const tensors = nest.tensorsOf(state.id, name);
  const [tensor] = tensors;
  // Of a variable that was deleted, tapes keep what they read.
  const variable = nest.names.has(name) ? undefined : work.variable(name)?.row;
  if (!variable && !tensor) throw unknown(work, nest, name);
  const type = variable ? typeOfRow(variable) : (tensor as Recorded).type;
  return { name, type, tensors: tensor && sameType(tensor.type, type) ? tensors : [], variable };
}

/** The tensor that a target means; of a variable, what was read last. */
function tensorOf(work: Work, nest: Nest, state: TapeState, name: string): Recorded {
  const found = nest.tensorsOf(state.id, name).at(-1) ?? nest.readsOf(name).at(-1);
  if (found) return found;
  if (!work.variable(name)) throw unknown(work, nest, name);
  throw new EngineError(
    'invalid_source',
    `nothing on this tape has read the variable '${name}', so it cannot be a target`,
    {
      input: name,
    },
  );
}

function unknown(work: Work, nest: Nest, name: string): EngineError {
  const known = [...nest.names.keys(), ...work.session.variables.keys()];
  const shown = name.slice(0, 128);
  return new EngineError(
    'invalid_source',
    `nothing recorded on this tape and no variable of the session is called '${shown}'.${didYouMeanOf(name, known)}`,
    { input: shown },
  );
}

/** For each source, why it has no derivative; sources with one are not in it. */
async function reasonsWhyNot(
  nest: Nest,
  state: TapeState,
  targets: readonly Recorded[],
  sources: readonly Meaning[],
  context: EngineContext,
): Promise<ReadonlyMap<string, Reason>> {
  const { recording, selectors } = nest;
  const chosen = new Map<Recorded, number>();
  if (selectors.size > 0) {
    const all = [...selectors];
    const values = await recording.valuesOf(all, context.checkpoint);
    all.forEach((selector, i) => chosen.set(selector, Number(values[i]?.[0])));
  }
  const find = (): Map<string, Reason> => {
    const link = tapeLinks(state.tape, recording.entries, targets, (selector) => chosen.get(selector));
    const reasons = new Map<string, Reason>();
    for (const source of sources) {
      const reason = reasonFor(source, nest, state, link);
      if (reason) reasons.set(source.name, reason);
    }
    return reasons;
  };
  const key = digest([
    'reasons',
    recording.key,
    state.tape.key,
    [...chosen.values()],
    targets.map(addressOf),
    sources.map(({ name, tensors, type, variable }) => [name, tensors.map(addressOf), type, variable?.trainable]),
    [...state.accessed],
    sources.map(({ name }) => nest.readsOf(name).map(addressOf)),
  ]);
  return context.engine.remember(key, find, () => 4096).value;
}

function reasonFor(
  { name, type, tensors, variable }: Meaning,
  nest: Nest,
  state: TapeState,
  link: ReturnType<typeof tapeLinks>,
): Reason | undefined {
  if (!isFloat(type.dtype)) return 'integer_dtype';
  if (variable && tensors.length === 0) {
    const reads = nest.readsOf(name).filter((read) => sameType(read.type, type));
    if (reads.length > 0 && state.accessed.has(name)) return variable.trainable ? 'not_watched' : 'not_trainable';
    return reads.some((read) => link(read) === 'not_recorded') ? 'not_recorded' : 'not_on_path';
  }
  const on = tensors.filter((tensor) => state.tape.isOn(tensor));
  if (on.length === 0) {
    const [tensor] = tensors;
    if (tensor && nest.constants.has(tensor)) return 'constant';
    const { entry } = tensor as Recorded;
    if (entry.fragment && !state.tape.hasSeen(entry)) return 'not_recorded';
    return 'not_watched';
  }
  const found = on.map(link);
  if (found.includes('connected')) return undefined;
  return found.find((one) => one !== 'not_on_path' && one !== 'connected') ?? 'not_on_path';
}

/** Zeros in place of a derivative that does not exist. */
export function zerosOf(type: TensorType): Tensor {
  return { type, data: allocateArray(type.dtype, sizeOf(type.shape)) };
}
