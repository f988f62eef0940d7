/** @file What a request says of a minimization: optimizer, schedule, data and end, as fields and as the engine takes them. */
import { z } from 'zod';
import { EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import { checkLimit, type Limits } from '../../engine/limits.ts';
import type { Data } from '../../engine/optimizers/batches.ts';
import { type Chosen, choose, clipNormSchema, OPTIMIZER_NAMES, OPTIMIZERS } from '../../engine/optimizers/index.ts';
import {
  type Prepared,
  type Progress,
  STOP_REASONS,
  type Stop,
  type StopReason,
} from '../../engine/optimizers/minimize.ts';
import { SCHEDULE_NAMES, SCHEDULES, type Schedule, scheduleOf } from '../../engine/optimizers/schedules.ts';
import { boundedBy, nameSchema } from '../../engine/program/document.ts';
import type { Value } from '../../engine/program/value.ts';
import { violationsOf } from '../../engine/program/violations.ts';
import { weightOfExecutable } from '../../engine/weight.ts';
import { tensorSchema } from './schemas.ts';

const paramsSchema = z.record(z.string().max(64), z.unknown()).default({});

/** An optimizer of the table. */
export const optimizerSchema = z.strictObject({
  name: z.enum(OPTIMIZER_NAMES),
  learning_rate: z.number().min(0).max(1e6).optional().meta({
    description:
      "What a schedule begins with or rises to; each optimizer's own when left out. With lbfgs the first length tried.",
  }),
  clip_norm: clipNormSchema.optional().meta({
    description: 'The largest norm of all gradients together; larger ones are scaled down to it.',
  }),
  params: paramsSchema.meta({ description: "The optimizer's own params; docs/optimizers.md lists them." }),
});

/** A learning-rate schedule of the table. */
export const scheduleSchema = z.strictObject({
  name: z.enum(SCHEDULE_NAMES),
  params: paramsSchema.meta({ description: "The schedule's own params; docs/optimizers.md lists them." }),
});

/** Where the rows of an input come from. */
const sourceSchema = z
  .strictObject({
    variable: nameSchema.optional().meta({ description: 'A variable of the session.' }),
    value: tensorSchema.optional(),
  })
  .refine(({ variable, value }) => (variable === undefined) !== (value === undefined), {
    message: "needs either 'variable' or 'value'",
  });

/** Tensors that are read a batch of rows at a time. */
export const dataSchema = z.strictObject({
  inputs: z.record(nameSchema, sourceSchema).meta({
    ...boundedBy('names'),
    description: 'By the input that reads it, a tensor with the rows along axis 0; all have as many.',
  }),
  batch: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .meta({ description: 'Rows of each step. They go around: an epoch follows the other.' }),
  shuffle: z.boolean().default(false).meta({ description: 'Whether each epoch has its rows in an order of its own.' }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0)
    .meta({ description: 'What the orders follow from.' }),
});

/** When to end before all steps are taken. */
export const stopSchema = z.strictObject({
  loss: z
    .number()
    .min(-Number.MAX_VALUE)
    .max(Number.MAX_VALUE)
    .optional()
    .meta({ description: 'At a loss of at most this.' }),
  gradient_norm: z
    .number()
    .min(0)
    .max(Number.MAX_VALUE)
    .optional()
    .meta({ description: 'At a gradient of at most this norm.' }),
  improvement: z
    .strictObject({
      relative: z.number().min(0).max(1).default(1e-4),
      window: z
        .int()
        .min(1)
        .max(2 ** 31 - 1),
    })
    .optional()
    .meta({
      description: 'When the lowest loss has not become smaller by the part `relative` of itself for `window` steps.',
    }),
});

/** The fields of a request that minimizes, beside its graph and values. */
export const minimizeFields = {
  optimizer: optimizerSchema,
  schedule: scheduleSchema.optional(),
  data: dataSchema.optional(),
  steps: z.int().min(1).max(1e9),
  stop: stopSchema.default({}),
};

/** A number that JSON may have no word for. */
const numberSchema = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]);

/** What is told of each step. */
export const progressFields = {
  step: z.int().meta({ description: 'How many steps led to the variables, earlier minimizations included.' }),
  loss: numberSchema.meta({ description: 'Where the step began; with lbfgs, where it ended.' }),
  gradient_norm: numberSchema.meta({ description: 'Of the gradients of all variables together, before any clipping.' }),
  rate: z.number().meta({ description: 'The learning rate; with lbfgs the length of the step.' }),
  stopped: z
    .object({ reason: z.enum(Object.keys(STOP_REASONS) as [StopReason, ...StopReason[]]), detail: z.string() })
    .nullable()
    .meta({ description: 'In the last message, why it is the last.' }),
};

/** The optimizer of a request with its params; throws `invalid_request` in the client's names. */
export function chosenOf({ name, params, clip_norm }: z.output<typeof optimizerSchema>): Chosen {
  return inRequest('optimizer', params, OPTIMIZERS[name].params, () => choose(name, params, clip_norm));
}

/** The learning rate of every step that a request asks for; throws `invalid_request` in the client's names. */
export function scheduleFrom(
  schedule: z.output<typeof scheduleSchema> | undefined,
  optimizer: z.output<typeof optimizerSchema>,
): Schedule {
  const rate = optimizer.learning_rate ?? OPTIMIZERS[optimizer.name].learningRate;
  const { name, params } = schedule ?? { name: 'constant', params: {} };
  return inRequest('schedule', params, SCHEDULES[name].params, () => scheduleOf(name, rate, params));
}

/** The end that a request asks for. */
export function stopOf(steps: number, { loss, gradient_norm, improvement }: z.output<typeof stopSchema>): Stop {
  return { steps, loss, gradientNorm: gradient_norm, improvement };
}

/** The data of a request; `variable` gives a session's. */
export function dataOf(
  { inputs, batch, shuffle, seed }: z.output<typeof dataSchema>,
  variable: (name: string, pointer: string) => Value,
  limits: Limits,
): Data {
  const count = Object.keys(inputs).length;
  const pointer = '/data/inputs';
  checkLimit(limits, 'names', count, () => `'data.inputs' has ${count} names`, { pointer });
  if (count === 0) throw new EngineError('invalid_request', "'data.inputs' is empty", { pointer });
  const tensors = Object.entries(inputs).map(([name, source]): [string, Value] => {
    const at = `${pointer}/${name}`;
    if (source.variable !== undefined) return [name, variable(source.variable, `${at}/variable`)];
    return [name, decodeTensor(source.value, { input: name, pointer: `${at}/value` }, limits)];
  });
  return { tensors: new Map(tensors), batch, seed: shuffle ? seed : undefined };
}

/** A step as the reply tells it. */
export function progressOf({ step, loss, gradientNorm, rate, stopped }: Progress) {
  return {
    step,
    loss: writable(loss),
    gradient_norm: writable(gradientNorm),
    rate,
    stopped: stopped === undefined ? null : { reason: stopped, detail: STOP_REASONS[stopped] },
  };
}

/** Bytes that a prepared minimization takes while it is remembered, without its graph. */
export function weightOfMinimize({ executables }: Prepared): number {
  return executables.reduce((sum, executable) => sum + weightOfExecutable(executable), 0);
}

function writable(number: number): z.output<typeof numberSchema> {
  return Number.isFinite(number) ? number : (String(number) as 'NaN' | 'Infinity' | '-Infinity');
}

/** What `make` gives; a fault of params is one of the request's. */
function inRequest<T>(field: string, params: unknown, schema: z.ZodType, make: () => T): T {
  try {
    return make();
  } catch (reason) {
    if (!(reason instanceof z.ZodError)) throw reason;
    const violations = violationsOf(reason, params, schema, `/${field}/params`, [field, 'params']);
    const [{ detail, pointer }] = violations;
    throw new EngineError('invalid_request', detail, { pointer }, violations);
  }
}
