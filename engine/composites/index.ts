/** @file Every composite. */
import type { Composite } from './composite.ts';

/** Every composite. */
export const COMPOSITES: readonly Composite[] = [];
