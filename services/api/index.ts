/** @file The method table: every method of the API, in the order the documentation lists them. */
import { batchJacobian } from './batch-jacobian.ts';
import { check } from './check.ts';
import { listDevices } from './engines/list-devices.ts';
import { listQuarantine } from './engines/list-quarantine.ts';
import { releaseQuarantine } from './engines/release-quarantine.ts';
import { evaluate } from './evaluate.ts';
import { getLimits } from './get-limits.ts';
import { gradient } from './gradient.ts';
import { getGraph } from './graphs/get-graph.ts';
import { putGraph } from './graphs/put-graph.ts';
import { hessian } from './hessian.ts';
import { hvp } from './hvp.ts';
import { jacobian } from './jacobian.ts';
import { jvp } from './jvp.ts';
import { listOps } from './list-ops.ts';
import type { Method } from './method.ts';
import { minimize } from './minimize.ts';
import { cancelOperation } from './operations/cancel-operation.ts';
import { deleteOperation } from './operations/delete-operation.ts';
import { getOperation } from './operations/get-operation.ts';
import { listOperations } from './operations/list-operations.ts';
import { startOperation } from './operations/start-operation.ts';
import { watchOperation } from './operations/watch-operation.ts';
import { run } from './run.ts';
import { createSession } from './sessions/create-session.ts';
import { deleteSession } from './sessions/delete-session.ts';
import { getSession } from './sessions/get-session.ts';
import { keepSessionAlive } from './sessions/keep-session-alive.ts';
import { listSessions } from './sessions/list-sessions.ts';
import { createTape } from './tapes/create-tape.ts';
import { deleteTape } from './tapes/delete-tape.ts';
import { getTape } from './tapes/get-tape.ts';
import { listTapes } from './tapes/list-tapes.ts';
import { pauseTape } from './tapes/pause-tape.ts';
import { recordTape } from './tapes/record-tape.ts';
import { resetTape } from './tapes/reset-tape.ts';
import { resumeTape } from './tapes/resume-tape.ts';
import { tapeBatchJacobian } from './tapes/tape-batch-jacobian.ts';
import { tapeGradient } from './tapes/tape-gradient.ts';
import { tapeJacobian } from './tapes/tape-jacobian.ts';
import { tapePullback } from './tapes/tape-pullback.ts';
import { tapePushforward } from './tapes/tape-pushforward.ts';
import { watchTape } from './tapes/watch-tape.ts';
import { assignAdd } from './variables/assign-add.ts';
import { assignSub } from './variables/assign-sub.ts';
import { deleteVariable } from './variables/delete-variable.ts';
import { downloadVariables } from './variables/download-variables.ts';
import { getVariable } from './variables/get-variable.ts';
import { listVariables } from './variables/list-variables.ts';
import { putVariable } from './variables/put-variable.ts';
import { updateVariables } from './variables/update-variables.ts';
import { uploadVariables } from './variables/upload-variables.ts';
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
  putGraph,
  getGraph,
  startOperation,
  listOperations,
  getOperation,
  watchOperation,
  cancelOperation,
  deleteOperation,
  listOps,
  getLimits,
  listDevices,
  listQuarantine,
  releaseQuarantine,
  createSession,
  listSessions,
  getSession,
  keepSessionAlive,
  deleteSession,
  listVariables,
  updateVariables,
  getVariable,
  putVariable,
  assignAdd,
  assignSub,
  deleteVariable,
  uploadVariables,
  downloadVariables,
  minimize,
  createTape,
  listTapes,
  getTape,
  deleteTape,
  recordTape,
  watchTape,
  pauseTape,
  resumeTape,
  resetTape,
  tapeGradient,
  tapeJacobian,
  tapeBatchJacobian,
  tapePushforward,
  tapePullback,
];
