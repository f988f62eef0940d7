/** @file The routines that have native code. */
import type { RoutineRenderer } from '../routine.ts';
import { matmul } from './matmul.ts';
import { scatterAdd } from './scatter-add.ts';

/** Native code by the name of the routine. */
export const ROUTINES: Readonly<Record<string, RoutineRenderer>> = { matmul, scatter_add: scatterAdd };
