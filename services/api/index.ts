/** @file The method table: every method of the API, in the order the documentation lists them. */
import { batchJacobian } from './batch-jacobian.ts';
import { check } from './check.ts';
import { evaluate } from './evaluate.ts';
import { getLimits } from './get-limits.ts';
import { gradient } from './gradient.ts';
import { hessian } from './hessian.ts';
import { hvp } from './hvp.ts';
import { jacobian } from './jacobian.ts';
import { jvp } from './jvp.ts';
import { listOps } from './list-ops.ts';
import type { Method } from './method.ts';
import { cancelOperation } from './operations/cancel-operation.ts';
import { deleteOperation } from './operations/delete-operation.ts';
import { getOperation } from './operations/get-operation.ts';
import { listOperations } from './operations/list-operations.ts';
import { startOperation } from './operations/start-operation.ts';
import { watchOperation } from './operations/watch-operation.ts';
import { run } from './run.ts';
import { vjp } from './vjp.ts';

/** Every method. */
export const METHODS: readonly Method[] = [
  evaluate,
  gradient,
  jvp,
  vjp,
  jacobian,
  batchJacobian,
  hessian,
  hvp,
  run,
  check,
  startOperation,
  listOperations,
  getOperation,
  watchOperation,
  cancelOperation,
  deleteOperation,
  listOps,
  getLimits,
];
