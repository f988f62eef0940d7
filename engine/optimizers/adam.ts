import { z } from 'zod';
import { add } from '../ops/add.ts';
import { div } from '../ops/div.ts';
import { mul } from '../ops/mul.ts';
import { pow } from '../ops/pow.ts';
import { sqrt } from '../ops/sqrt.ts';
import { sub } from '../ops/sub.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { firstOrder, type Site, scale, slotLikeVariable, spread } from './optimizer.ts';
import { decaySchema, epsilonSchema } from './params.ts';
import { descend } from './sgd.ts';

/** The params of Adam and of what is built on it. */
export const adamParams = {
  beta1: decaySchema('How much of the mean of the gradients is kept.', 0.9),
  beta2: decaySchema('How much of the mean of their squares is kept.', 0.999),
  epsilon: epsilonSchema,
};

/** What Adam keeps. */
export const adamSlots = [
  slotLikeVariable('m', 'The mean of the gradients, older ones decayed.'),
  slotLikeVariable('v', 'The mean of the squared gradients, older ones decayed.'),
];

/** Steps of about the learning rate, whatever the gradient's size. */
export const adam = firstOrder({
  name: 'adam',
  doc: '`m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g²`, then `w - rate * m̂ / (√v̂ + epsilon)` with `m̂ = m / (1 - beta1ᵗ)`, `v̂ = v / (1 - beta2ᵗ)`. `optax.adam`; Kingma and Ba, 2015.',
  learningRate: 0.001,
  params: z.strictObject(adamParams),
  slots: adamSlots,
  update: (b, at, params) => {
    const { u, slots } = adamDirection(b, at, params);
    return { param: descend(b, at.param, at.rate, u), slots };
  },
});

/** `m̂ / (√v̂ + ε)`, and the new means. */
export function adamDirection(
  b: Builder,
  { gradient: g, slots, step }: Site,
  { beta1, beta2, epsilon }: { beta1: number; beta2: number; epsilon: number },
): { u: Var; slots: [Var, Var] } {
  const m = blend(b, beta1, slots[0]!, g);
  const v = blend(b, beta2, slots[1]!, mul(b, g, g));
  // Scalars are divided and rooted once, elements multiplied: √(v / c) = √v · (1 / √c).
  const mHat = mul(b, m, spread(b, div(b, one(b), debias(b, beta1, step)), g.type));
  const root = mul(b, sqrt(b, v), spread(b, div(b, one(b), sqrt(b, debias(b, beta2, step))), g.type));
  return { u: div(b, mHat, add(b, root, b.full(epsilon, g.type))), slots: [m, v] };
}

/** `β x + (1 - β) y` */
export function blend(b: Builder, beta: number, x: Var, y: Var): Var {
  return add(b, scale(b, beta, x), scale(b, 1 - beta, y));
}

/** `1 - βᵗ`: what a mean that began as zero lacks. */
function debias(b: Builder, beta: number, step: Var): Var {
  return sub(b, one(b), pow(b, b.full(beta, step.type), step));
}

function one(b: Builder): Var {
  return b.full(1, { dtype: 'float64', shape: [] });
}
