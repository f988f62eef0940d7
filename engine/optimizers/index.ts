/** @file The table of optimizers: the one place that knows them all. */
import { z } from 'zod';
import { EngineError } from '../errors.ts';
import { adam } from './adam.ts';
import { adamw } from './adamw.ts';
import { lbfgs } from './lbfgs.ts';
import { lion } from './lion.ts';
import { momentum } from './momentum.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

/** Every optimizer by its name. */
export const OPTIMIZERS = { sgd, momentum, adam, adamw, lion, lbfgs } as const;

/** The name of an optimizer. */
export type OptimizerName = keyof typeof OPTIMIZERS;

/** Every name of the table. */
export const OPTIMIZER_NAMES = Object.keys(OPTIMIZERS) as [OptimizerName, ...OptimizerName[]];

/** An optimizer with its params. */
export interface Chosen<P = unknown> {
  readonly optimizer: Optimizer<P>;
  readonly params: P;
  /** The largest norm of all gradients together; larger ones are scaled down to it. Not with `quasi_newton`. */
  readonly clipNorm?: number | undefined;
}

/** An optimizer of the table with its params, those left out being the standard ones; throws a `ZodError`. */
export function choose(name: OptimizerName, params: unknown = {}, clipNorm?: number): Chosen {
  const optimizer = OPTIMIZERS[name] as Optimizer<unknown>;
  if (optimizer.kind === 'quasi_newton' && clipNorm !== undefined)
    throw new EngineError('invalid_request', `'${name}' searches along its direction and clips no gradient`, {
      pointer: '/optimizer/clip_norm',
    });
  return { optimizer, params: optimizer.params.parse(params), clipNorm };
}

/** The largest norm of gradients. */
export const clipNormSchema = z.number().min(1e-30).max(1e30);
