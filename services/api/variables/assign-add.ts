import { updateMethod } from './update.ts';

/** Writes `variable + value` to a variable. */
export const assignAdd = updateMethod(
  'AssignAdd',
  'assign_add',
  'Writes `variable + value` to a variable, whatever its version unless one is sent.',
);
