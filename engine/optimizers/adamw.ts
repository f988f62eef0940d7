import { z } from 'zod';
import { adamDirection, adamParams, adamSlots } from './adam.ts';
import { firstOrder } from './optimizer.ts';
import { weightDecaySchema } from './params.ts';
import { descend, withDecay } from './sgd.ts';

/** Adam whose weight decay does not pass through its means. */
export const adamw = firstOrder({
  name: 'adamw',
  doc: '`w - rate * (m̂ / (√v̂ + epsilon) + weight_decay * w)` with the means of `adam`. `optax.adamw`; Loshchilov and Hutter, 2019.',
  learningRate: 0.001,
  params: z.strictObject({
    ...adamParams,
    weight_decay: weightDecaySchema('What a step takes away of a variable, times the rate.', 1e-4),
  }),
  slots: adamSlots,
  update: (b, at, params) => {
    const { u, slots } = adamDirection(b, at, params);
    return { param: descend(b, at.param, at.rate, withDecay(b, u, params.weight_decay, at.param)), slots };
  },
});
