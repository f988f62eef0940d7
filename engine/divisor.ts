/** The greatest common divisor of two integers, at least one of them not 0. */
export function commonDivisor(x: number, y: number): number {
  return y === 0 ? x : commonDivisor(y, x % y);
}
