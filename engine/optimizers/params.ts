/** @file The params that optimizers share, with their bounds. */
import { z } from 'zod';

/** A decay rate of a moving average. */
export const decaySchema = (doc: string, standard: number) =>
  z.number().min(0).max(0.999999).default(standard).meta({ description: doc });

/** How much of a variable itself is taken away in a step. */
export const weightDecaySchema = (doc: string, standard: number) =>
  z.number().min(0).max(1e6).default(standard).meta({ description: doc });

/** What keeps a denominator from being zero. */
export const epsilonSchema = z
  .number()
  .min(1e-30)
  .max(1)
  .default(1e-8)
  .meta({ description: 'Added to the denominator, outside the root.' });
