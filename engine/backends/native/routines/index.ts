/** @file Routines that have native code. */
import type { RoutineRenderer } from '../routine.ts';

/** How each is rendered, by the routine's name. */
export const ROUTINES: Readonly<Record<string, RoutineRenderer>> = {};
