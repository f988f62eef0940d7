/**
 * @file Learning-rate schedules: the rate as a function of the number of steps already taken. Names, params and values
 * are those of `optax.schedules`, whose initial or peak value is the optimizer's learning rate.
 */
import { z } from 'zod';

/** The rate of the step that `count` steps came before. */
export type Schedule = (count: number) => number;

/** A row of the table of schedules. */
interface ScheduleRow<S extends z.ZodType> {
  readonly doc: string;
  readonly params: S;
  /** The schedule for the optimizer's learning rate. */
  make(rate: number, params: z.output<S>): Schedule;
}

function row<S extends z.ZodType>(schedule: ScheduleRow<S>): ScheduleRow<S> {
  return schedule;
}

const steps = z
  .int()
  .min(1)
  .max(2 ** 40);
const begin = z
  .int()
  .min(0)
  .max(2 ** 40)
  .default(0);
const rate = z.number().min(0).max(1e6);

const constant = row({
  doc: 'The learning rate in every step. `optax.constant_schedule`.',
  params: z.strictObject({}),
  make: (rate) => () => rate,
});

const linear = row({
  doc: 'Straight from the learning rate to `end_value` in `transition_steps` steps, after `transition_begin` steps. `optax.linear_schedule`.',
  params: z.strictObject({ end_value: rate, transition_steps: steps, transition_begin: begin }),
  make: (rate, params) => polynomial.make(rate, { ...params, power: 1 }),
});

const polynomial = row({
  doc: '`(rate - end_value) * (1 - count / transition_steps) ** power + end_value`. `optax.polynomial_schedule`.',
  params: z.strictObject({
    end_value: rate,
    power: z.number().min(0).max(100).default(1),
    transition_steps: steps,
    transition_begin: begin,
  }),
  make:
    (rate, { end_value, power, transition_steps, transition_begin }) =>
    (count) => {
      const left = 1 - within(count - transition_begin, transition_steps) / transition_steps;
      return (rate - end_value) * left ** power + end_value;
    },
});

const exponentialDecay = row({
  doc: '`rate * decay_rate ** ((count - transition_begin) / transition_steps)`, in steps of whole powers if `staircase`, never beyond `end_value`. `optax.exponential_decay`.',
  params: z.strictObject({
    transition_steps: steps,
    decay_rate: z.number().min(1e-30).max(1e6),
    transition_begin: begin,
    staircase: z.boolean().default(false),
    end_value: rate.optional(),
  }),
  make:
    (rate, { transition_steps, decay_rate, transition_begin, staircase, end_value }) =>
    (count) => {
      const power = Math.max(count - transition_begin, 0) / transition_steps;
      const decayed = rate * decay_rate ** (staircase ? Math.floor(power) : power);
      if (end_value === undefined) return decayed;
      return decay_rate < 1 ? Math.max(decayed, end_value) : Math.min(decayed, end_value);
    },
});

const cosineDecay = row({
  doc: 'Half a cosine from the learning rate to `alpha` of it in `decay_steps` steps, raised to `exponent`. `optax.cosine_decay_schedule`.',
  params: z.strictObject({
    decay_steps: steps,
    alpha: z.number().min(0).max(1).default(0),
    exponent: z.number().min(1e-3).max(100).default(1),
  }),
  make:
    (rate, { decay_steps, alpha, exponent }) =>
    (count) => {
      const cosine = 0.5 * (1 + Math.cos((Math.PI * within(count, decay_steps)) / decay_steps));
      return rate * ((1 - alpha) * cosine ** exponent + alpha);
    },
});

const warmupConstant = row({
  doc: 'Straight from `init_value` to the learning rate in `warmup_steps` steps, then constant. `optax.warmup_constant_schedule`.',
  params: z.strictObject({ init_value: rate.default(0), warmup_steps: steps }),
  make:
    (rate, { init_value, warmup_steps }) =>
    (count) =>
      init_value + (rate - init_value) * (within(count, warmup_steps) / warmup_steps),
});

const warmupCosineDecay = row({
  doc: 'Straight from `init_value` to the learning rate in `warmup_steps` steps, then half a cosine to `end_value` at step `decay_steps`, the warm-up included. `optax.warmup_cosine_decay_schedule`.',
  params: z
    .strictObject({
      init_value: rate.default(0),
      warmup_steps: steps,
      decay_steps: steps,
      end_value: rate.default(0),
      exponent: z.number().min(1e-3).max(100).default(1),
    })
    .refine(({ warmup_steps, decay_steps }) => decay_steps > warmup_steps, {
      path: ['decay_steps'],
      message: 'it counts the warm-up and must be more than warmup_steps',
    }),
  make: (rate, { init_value, warmup_steps, decay_steps, end_value, exponent }) => {
    const alpha = rate === 0 ? 0 : end_value / rate;
    const warmup = warmupConstant.make(rate, { init_value, warmup_steps });
    const decay = cosineDecay.make(rate, { decay_steps: decay_steps - warmup_steps, alpha, exponent });
    return (count) => (count < warmup_steps ? warmup(count) : decay(count - warmup_steps));
  },
});

const piecewiseConstant = row({
  doc: 'The learning rate, multiplied by `scales[i]` from step `boundaries[i]` on. `optax.piecewise_constant_schedule`.',
  params: z
    .strictObject({
      boundaries: z
        .array(
          z
            .int()
            .min(0)
            .max(2 ** 40),
        )
        .max(1000),
      scales: z.array(z.number().min(0).max(1e6)).max(1000),
    })
    .refine(({ boundaries, scales }) => boundaries.length === scales.length, {
      path: ['scales'],
      message: 'expected one scale for each boundary',
    }),
  make:
    (rate, { boundaries, scales }) =>
    (count) =>
      boundaries.reduce((value, boundary, i) => (count >= boundary ? value * (scales[i] as number) : value), rate),
});

/** Every schedule by its name. */
export const SCHEDULES = {
  constant,
  linear,
  polynomial,
  exponential_decay: exponentialDecay,
  cosine_decay: cosineDecay,
  warmup_constant: warmupConstant,
  warmup_cosine_decay: warmupCosineDecay,
  piecewise_constant: piecewiseConstant,
} as const;

/** The name of a schedule. */
export type ScheduleName = keyof typeof SCHEDULES;

/** Every name of the table. */
export const SCHEDULE_NAMES = Object.keys(SCHEDULES) as [ScheduleName, ...ScheduleName[]];

/** A schedule of the table from its params; throws a `ZodError`. */
export function scheduleOf(name: ScheduleName, rate: number, params: unknown = {}): Schedule {
  const schedule: ScheduleRow<z.ZodType> = SCHEDULES[name];
  return schedule.make(rate, schedule.params.parse(params));
}

function within(count: number, most: number): number {
  return Math.min(Math.max(count, 0), most);
}
