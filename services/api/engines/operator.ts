/** @file Who may see and change what belongs to no tenant. */
import { EngineError } from '../../../engine/errors.ts';
import type { Context } from '../method.ts';

/** Throws `permission_denied` unless the caller is an operator. */
export function requireOperator({ isOperator }: Context): void {
  if (isOperator) return;
  throw new EngineError(
    'permission_denied',
    'this is for operators: tenants that the service names in ADJOINT_OPERATORS',
  );
}
