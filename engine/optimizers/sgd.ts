import { z } from 'zod';
import { add } from '../ops/add.ts';
import { mul } from '../ops/mul.ts';
import { sub } from '../ops/sub.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { firstOrder, scale, spread } from './optimizer.ts';
import { weightDecaySchema } from './params.ts';

/** Gradient descent. */
export const sgd = firstOrder({
  name: 'sgd',
  doc: '`w - rate * (g + weight_decay * w)`; `optax.sgd` after `optax.add_decayed_weights`.',
  learningRate: 0.01,
  params: z.strictObject({ weight_decay: weightDecaySchema('Added to the gradient, times the variable.', 0) }),
  slots: [],
  update: (b, { param, gradient, rate }, { weight_decay }) => ({
    param: descend(b, param, rate, withDecay(b, gradient, weight_decay, param)),
    slots: [],
  }),
});

/** `w - rate · u` */
export function descend(b: Builder, w: Var, rate: Var, u: Var): Var {
  return sub(b, w, mul(b, spread(b, rate, w.type), u));
}

/** `u + decay · w` */
export function withDecay(b: Builder, u: Var, decay: number, w: Var): Var {
  return decay === 0 ? u : add(b, u, scale(b, decay, w));
}
