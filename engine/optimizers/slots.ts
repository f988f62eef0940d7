/** @file What an optimizer keeps between steps, by names under which a session can store it. */
import type { TensorType } from '../types.ts';
import type { Chosen } from './index.ts';

/** The name of what an optimizer keeps of a variable, such as `adam/m/w`. */
export function slotName(optimizer: string, slot: string, variable: string): string {
  return `${optimizer}/${slot}/${variable}`;
}

/** The name of the number of steps taken, such as `adam/step`. */
export function stepName(optimizer: string): string {
  return `${optimizer}/step`;
}

/** The type of the number of steps taken. */
export const STEP_TYPE: TensorType = { dtype: 'int64', shape: [] };

/** The names and types of all that an optimizer keeps of these variables; it begins as zeros. */
export function slotTypes(
  { optimizer, params }: Chosen,
  variables: ReadonlyMap<string, TensorType>,
): Map<string, TensorType> {
  const types = new Map([[stepName(optimizer.name), STEP_TYPE]]);
  for (const [variable, type] of variables)
    for (const slot of optimizer.slots)
      types.set(slotName(optimizer.name, slot.name, variable), slot.type(type, params));
  return types;
}
