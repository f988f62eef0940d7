/** @file The routines that have native code. */
import type { RoutineRenderer } from '../routine.ts';
import { conv } from './conv.ts';
import { matmul, matmulSizes } from './matmul.ts';
import { openblasMatmul, preferBlas } from './openblas.ts';
import { scatterAdd } from './scatter-add.ts';

/** Native code by the name of the routine. */
export const ROUTINES: Readonly<Record<string, RoutineRenderer>> = {
  matmul: (routine, types, module, name, target) => {
    const isByBlas = target.blas && preferBlas(matmulSizes(routine), target);
    const byBlas = isByBlas ? openblasMatmul(routine, types, module, name, target) : undefined;
    return byBlas ?? matmul(routine, types, module, name, target);
  },
  conv,
  scatter_add: scatterAdd,
};
