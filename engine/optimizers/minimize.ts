/**
 * @file Minimization: from variables and slots to better ones, step by step. It has no clock and does no I/O; whoever
 * takes its steps decides when to keep what it has found, and when to let others have the processor.
 */
import { type Checkpoint, UNLIMITED } from '../backends/backend.ts';
import type { Engine } from '../engine.ts';
import { didYouMean, EngineError } from '../errors.ts';
import { checkLimit } from '../limits.ts';
import { bindValue } from '../program/bind.ts';
import type { GraphInput } from '../program/build.ts';
import type { Program, Var } from '../program/program.ts';
import type { Value } from '../program/value.ts';
import type { Executable } from '../runtime/execute.ts';
import { allocateArray, sizeOf, type Tensor, type TensorType, type TypedArray } from '../types.ts';
import { batchesOf, type Data } from './batches.ts';
import { firstOrderWalk } from './first-order.ts';
import type { Chosen } from './index.ts';
import { type Problem, trialProgram, turnProgram, updateProgram } from './program.ts';
import { quasiNewtonWalk } from './quasi-newton.ts';
import type { Schedule } from './schedules.ts';
import { STEP_TYPE, slotTypes, stepName } from './slots.ts';
import { type Bind, type Runner, runnerOf, type Seen, type State, type Walk } from './walk.ts';

/** A problem and an optimizer, compiled: it can be kept for as long as the graph and the types stay. */
export interface Prepared {
  readonly problem: Problem;
  readonly chosen: Chosen;
  readonly executables: readonly Executable[];
  /** The programs' ways to step, given inputs. */
  walk(bind: Bind, runner: Runner): Walk;
}

/** Compiles the programs of a minimization; throws `cost_exceeded` with the estimate when they are over the limits. */
export function prepareMinimize(engine: Engine, problem: Problem, { optimizer, params, clipNorm }: Chosen): Prepared {
  const chosen = { optimizer, params, clipNorm };
  const compile = (program: Program): Executable => {
    const { length } = program.eqns;
    checkLimit(engine.limits, 'equations', length, () => `the program of a step has ${length} equations`);
    return engine.compile(program);
  };
  const count = problem.variables.length;
  switch (optimizer.kind) {
    case 'first_order': {
      const update = compile(updateProgram(problem, { ...chosen, optimizer }).program);
      return {
        problem,
        chosen,
        executables: [update],
        walk: (bind, runner) => firstOrderWalk(update, count, bind, runner),
      };
    }
    case 'quasi_newton': {
      const trial = compile(trialProgram(problem).program);
      const turn = compile(turnProgram(problem, { ...chosen, optimizer }));
      const most = optimizer.evaluations(params);
      return {
        problem,
        chosen,
        executables: [trial, turn],
        walk: (bind, runner) => quasiNewtonWalk({ trial, turn }, count, most, bind, runner),
      };
    }
    default:
      return optimizer satisfies never;
  }
}

/** When a minimization ends. */
export interface Stop {
  /** After so many steps. */
  readonly steps: number;
  /** When the loss is at most this. */
  readonly loss?: number | undefined;
  /** When the norm of the gradients is at most this. */
  readonly gradientNorm?: number | undefined;
  /** When the lowest loss has not become smaller by this part of itself for `window` steps. */
  readonly improvement?: { readonly relative: number; readonly window: number } | undefined;
}

/** Why a minimization ended. */
export const STOP_REASONS = {
  steps: 'all steps were taken',
  loss: 'the loss is as small as asked for',
  gradient_norm: 'the gradient is as small as asked for',
  improvement: 'the loss has stopped improving',
  non_finite_loss: 'the loss became infinite or NaN; the variables are those of the last step at which it was finite',
  non_finite_gradient: 'the gradient became infinite or NaN; the variables are those at which it did',
  line_search: 'no step along the direction makes the loss smaller',
} as const;

/** A reason why a minimization ended. */
export type StopReason = keyof typeof STOP_REASONS;

/** A step that was taken, or the end where none was. */
export interface Progress extends Seen {
  /** How many steps were taken to the variables as they are now, those before this minimization included. */
  readonly step: number;
  /** The learning rate; with `lbfgs` the length of the step. */
  readonly rate: number;
  /** In the last one. */
  readonly stopped?: StopReason;
}

/** Where a minimization starts, and how it goes on. */
export interface Start {
  /** The inputs of the graph by name, the variables that move among them; not those that `data` has. */
  readonly values: ReadonlyMap<string, Value>;
  /** What the optimizer kept, by the names of `slotTypes`; without it everything begins as zeros. */
  readonly slots?: ReadonlyMap<string, Value> | undefined;
  readonly data?: Data | undefined;
  readonly schedule: Schedule;
  readonly stop: Stop;
  readonly checkpoint?: Checkpoint | undefined;
}

/**
 * A minimization under way: takes a step whenever the next of its `Progress` is asked for. The loss and the norm are
 * those at which the step began; with `lbfgs`, which knows them, those at which it ended.
 */
export interface Minimization extends AsyncIterable<Progress> {
  /** How many steps were taken, those before this minimization included. */
  readonly step: number;
  /** The variables as they are now, also after an error. Their storage is used again once the next step is asked for. */
  variables(): Map<string, Tensor>;
  /** What the optimizer keeps, by the names of `slotTypes`, likewise. */
  slots(): Map<string, Tensor>;
}

/** Begins a minimization; throws where what it starts from does not fit the graph. Nothing is computed before it is asked for. */
export function minimize({ problem, chosen, executables, walk: walkWith }: Prepared, start: Start): Minimization {
  const { stop, schedule, checkpoint = UNLIMITED } = start;
  checkData(problem, chosen, start);
  const bound = bindInputs(problem, start);
  const kept = readSlots(chosen, problem, start.slots);
  let state: State = [...bound.variables, ...kept.slots];
  let step = kept.step;
  const runner = runnerOf(executables, checkpoint, state);
  const walk = walkWith(bound.bind, runner);
  const count = problem.names.length;

  async function* steps(): AsyncGenerator<Progress, void, undefined> {
    const last = step + stop.steps;
    const isStalled = improvement(stop);
    /** The step before, to go back to. */
    let before: { readonly state: State; readonly seen: Seen; readonly rate: number } | undefined;
    const end = (stopped: StopReason, { loss, gradientNorm }: Seen, rate: number): Progress => {
      walk.end();
      if (before) runner.release(before.state, state);
      return { step, loss, gradientNorm, rate, stopped };
    };
    while (step < last) {
      checkpoint.check();
      const rate = schedule(step);
      const seen = await walk.look(state, step, rate);
      if (!Number.isFinite(seen.loss) && before) {
        const [bad, good] = [state, before];
        [state, before] = [good.state, undefined];
        step--;
        runner.release(bad, state);
        yield end('non_finite_loss', good.seen, good.rate);
        return;
      }
      const stopped = reasonToStop(stop, seen) ?? (isStalled(seen.loss) ? 'improvement' : undefined);
      const taken = stopped ? undefined : await walk.go();
      if (!taken) {
        yield end(stopped ?? (seen.gradientNorm === 0 ? 'gradient_norm' : 'line_search'), seen, rate);
        return;
      }
      if (before) runner.release(before.state, [...state, ...taken.state]);
      before = { state, seen, rate };
      state = taken.state;
      step++;
      if (step === last) yield end('steps', taken, taken.rate);
      else yield { step, loss: taken.loss, gradientNorm: taken.gradientNorm, rate: taken.rate };
    }
  }

  return {
    get step() {
      return step;
    },
    variables: () => new Map(problem.names.map((name, v) => [name, state[v] as Tensor])),
    slots: () => {
      const number = { type: STEP_TYPE, data: BigInt64Array.of(BigInt(step)) };
      const tensors = [number, ...state.slice(count)];
      return new Map([...kept.types.keys()].map((name, i) => [name, tensors[i] as Tensor]));
    },
    [Symbol.asyncIterator]: steps,
  };
}

function reasonToStop(stop: Stop, { loss, gradientNorm }: Seen): StopReason | undefined {
  if (!Number.isFinite(loss)) return 'non_finite_loss';
  if (!Number.isFinite(gradientNorm)) return 'non_finite_gradient';
  if (stop.loss !== undefined && loss <= stop.loss) return 'loss';
  return stop.gradientNorm !== undefined && gradientNorm <= stop.gradientNorm ? 'gradient_norm' : undefined;
}

/** Whether the loss, told step by step, has stopped improving. */
function improvement({ improvement: wanted }: Stop): (loss: number) => boolean {
  let lowest = Infinity;
  let since = 0;
  return (loss) => {
    if (!wanted) return false;
    const isBetter = lowest === Infinity || loss < lowest - wanted.relative * Math.abs(lowest);
    [lowest, since] = isBetter ? [loss, 0] : [lowest, since + 1];
    return since >= wanted.window;
  };
}

function checkData({ graph, names }: Problem, { optimizer }: Chosen, { values, data }: Start): void {
  if (!data) return;
  if (optimizer.kind === 'quasi_newton')
    throw new EngineError('invalid_request', `'${optimizer.name}' compares losses, and those of batches are apart`, {
      pointer: '/data',
    });
  const inputs = graph.inputs.map(({ name }) => name);
  for (const name of data.tensors.keys()) {
    const where = { input: name, pointer: `/data/inputs/${name}` };
    if (!inputs.includes(name))
      throw new EngineError('unexpected_value', `the graph has no input '${name}'.${didYouMean(name, inputs)}`, where);
    if (names.includes(name))
      throw new EngineError('unexpected_value', `'${name}' is moved and cannot be data as well`, where);
    if (values.has(name))
      throw new EngineError('unexpected_value', `'${name}' has a value in 'values' and in 'data'`, where);
  }
}

/** The variables as they are at the start, and what binds the graph's inputs in each step. */
function bindInputs({ graph, names }: Problem, { values, data }: Start): { variables: Tensor[]; bind: Bind } {
  const { inputs } = graph;
  const placeOf = (name: string): number => inputs.findIndex((input) => input.name === name);
  const places = names.map(placeOf);
  const sliced = [...(data?.tensors.keys() ?? [])].map(placeOf);
  const batch = data && batchesOf(data, (name) => (inputs[placeOf(name)] as GraphInput).variable.type);
  const fixed = inputs.map((input, i) => (sliced.includes(i) ? new Uint8Array(0) : elements(input, values)));
  return {
    variables: places.map((place) => ({
      type: (inputs[place] as GraphInput).variable.type,
      data: fixed[place] as TypedArray,
    })),
    bind: (variables, count) => {
      const bound = fixed.slice();
      variables.forEach((variable, v) => {
        bound[places[v] as number] = variable;
      });
      batch?.(count).forEach((rows, i) => {
        bound[sliced[i] as number] = rows;
      });
      return bound;
    },
  };
}

function elements({ name, variable, initial }: GraphInput, values: ReadonlyMap<string, Value>): TypedArray {
  const value = values.get(name);
  if (value) return bindValue(value, variable.type, name);
  if (initial) return initial();
  throw new EngineError('missing_value', `'${name}' has no value; send one in 'values'`, {
    input: name,
    pointer: `/values/${name}`,
  });
}

/** What the optimizer kept, in the order of its types, and the number of steps. */
function readSlots(
  chosen: Chosen,
  { names, variables }: Problem,
  given: ReadonlyMap<string, Value> | undefined,
): { types: Map<string, TensorType>; slots: Tensor[]; step: number } {
  const types = slotTypes(chosen, new Map(names.map((name, v) => [name, (variables[v] as Var).type])));
  const [step, ...slots] = [...types].map(([name, type]): Tensor => {
    if (!given) return { type, data: allocateArray(type.dtype, sizeOf(type.shape)) };
    const value = given.get(name);
    if (!value)
      throw new EngineError('missing_value', `'${name}' is missing: an optimizer goes on with all that it kept`, {
        input: name,
        pointer: '/slots',
      });
    return { type, data: bindValue(value, type, name, { input: name, pointer: '/slots' }) };
  }) as [Tensor, ...Tensor[]];
  const number = Number(step.data[0]);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new EngineError('invalid_tensor', `'${stepName(chosen.optimizer.name)}' is ${number}, no number of steps`, {
      pointer: '/slots',
    });
  return { types, slots, step: number };
}
