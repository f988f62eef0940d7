import { updateMethod } from './update.ts';

/** Writes `variable - value` to a variable. */
export const assignSub = updateMethod(
  'AssignSub',
  'assign_sub',
  'Writes `variable - value` to a variable, whatever its version unless one is sent.',
);
