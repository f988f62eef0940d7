import { z } from 'zod';
import { sign } from '../ops/sign.ts';
import { blend } from './adam.ts';
import { firstOrder, slotLikeVariable } from './optimizer.ts';
import { decaySchema, weightDecaySchema } from './params.ts';
import { descend, withDecay } from './sgd.ts';

/** Steps of the learning rate in each element, by the sign of a mean. */
export const lion = firstOrder({
  name: 'lion',
  doc: '`w - rate * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * w)`, then `m = beta2 * m + (1 - beta2) * g`. `optax.lion`; Chen et al., 2023.',
  learningRate: 0.001,
  params: z.strictObject({
    beta1: decaySchema('How much the mean of the gradients counts in the step.', 0.9),
    beta2: decaySchema('How much of the mean of the gradients is kept.', 0.99),
    weight_decay: weightDecaySchema('What a step takes away of a variable, times the rate.', 1e-3),
  }),
  slots: [slotLikeVariable('m', 'The mean of the gradients, older ones decayed.')],
  update: (b, { param, gradient, slots: [m], rate }, { beta1, beta2, weight_decay }) => {
    const u = sign(b, blend(b, beta1, m!, gradient));
    return {
      param: descend(b, param, rate, withDecay(b, u, weight_decay, param)),
      slots: [blend(b, beta2, m!, gradient)],
    };
  },
});
