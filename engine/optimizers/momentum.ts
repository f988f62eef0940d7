import { z } from 'zod';
import { add } from '../ops/add.ts';
import { firstOrder, scale, slotLikeVariable } from './optimizer.ts';
import { decaySchema, weightDecaySchema } from './params.ts';
import { descend, withDecay } from './sgd.ts';

/** Gradient descent with a velocity. */
export const momentum = firstOrder({
  name: 'momentum',
  doc: '`v = g + momentum * v`, then `w - rate * v`; with `nesterov` `w - rate * (g + momentum * v)`. `optax.sgd(momentum=…)`; the gradient may have `weight_decay * w` added.',
  learningRate: 0.01,
  params: z.strictObject({
    momentum: decaySchema('How much of the velocity is kept.', 0.9),
    nesterov: z.boolean().default(false).meta({ description: 'Whether the step looks ahead along the velocity.' }),
    weight_decay: weightDecaySchema('Added to the gradient, times the variable.', 0),
  }),
  slots: [slotLikeVariable('v', 'The velocity: the sum of the gradients, older ones decayed.')],
  update: (b, { param, gradient, slots: [v], rate }, { momentum, nesterov, weight_decay }) => {
    const g = withDecay(b, gradient, weight_decay, param);
    const velocity = add(b, g, scale(b, momentum, v!));
    const u = nesterov ? add(b, g, scale(b, momentum, velocity)) : velocity;
    return { param: descend(b, param, rate, u), slots: [velocity] };
  },
});
