/** @file Whether two contestants computed the same. */
import { formatType, sameType, type Tensor } from '../../engine/types.ts';

/**
 * The largest difference between two tensors, relative to the element and the root mean square of all: what was summed
 * up from large terms is as exact as those let it be. Infinite where one has no number or another type.
 */
export function differenceOf(a: Tensor, b: Tensor): number {
  if (!sameType(a.type, b.type)) return Infinity;
  const [left, right] = [a.data, b.data];
  let squares = 0;
  for (const element of right) squares += Number(element) ** 2;
  const usual = Math.sqrt(squares / Math.max(right.length, 1));
  let largest = 0;
  for (let i = 0; i < left.length; i++) {
    const [x, y] = [Number(left[i]), Number(right[i])];
    const difference = x === y ? 0 : Math.abs(x - y) / (Math.abs(y) + usual);
    if (Number.isNaN(difference)) return Infinity;
    if (difference > largest) largest = difference;
  }
  return largest;
}

/** What is wrong between two lists of results, or nothing. */
export function disagreement(
  [left, a]: readonly [name: string, results: readonly Tensor[]],
  [right, b]: readonly [name: string, results: readonly Tensor[]],
  names: readonly string[],
  tolerance: number,
): string | undefined {
  if (a.length !== b.length) return `${left} gave ${a.length} results, ${right} ${b.length}`;
  for (const [i, tensor] of a.entries()) {
    const other = b[i] as Tensor;
    const difference = differenceOf(tensor, other);
    if (difference > tolerance)
      return (
        `${names[i]} of ${left}, ${formatType(tensor.type)}, and of ${right}, ${formatType(other.type)}, ` +
        `differ by ${difference.toPrecision(2)}; allowed is ${tolerance}`
      );
  }
  return undefined;
}
