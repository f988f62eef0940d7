import { turnMethod } from './turn.ts';

/** Forgets what a tape recorded and what it watches, and records from here on. */
export const resetTape = turnMethod(
  'ResetTape',
  'reset',
  'Forgets what the tape recorded and watched, and records from here on, as `tape.reset` does; tensors keep their names.',
  'reset',
  () => undefined,
);
