/** @file Convolutions in native code: matrix products whose right operand is read window by window. */
import type { Routine } from '../../../compile/routine.ts';
import type { RoutineRenderer } from '../routine.ts';
import { matmulSizes, renderProduct } from './matmul.ts';
import { planConv, withUnitStrides } from './matmul-plan.ts';
import { windowsOf } from './windows.ts';

/** `conv` of numbers: sums are accumulated in the dtype of the operands. */
export const conv: RoutineRenderer = (routine, { inputs, outputs }, module, name, target) => {
  const windows = windowsOf(routine, inputs[0]!);
  if (!windows) return undefined;
  return renderProduct(routine, outputs[0]!, module, name, target, (element) => ({
    plan: planConv(sizesOf(routine), element, target),
    windows,
  }));
};

/** The sizes of the product; its right operand has no strides. */
function sizesOf(routine: Routine): ReturnType<typeof matmulSizes> {
  return withUnitStrides({ ...matmulSizes(routine), rhs_batch: 0, rhs_k: 0, rhs_n: 0 });
}
