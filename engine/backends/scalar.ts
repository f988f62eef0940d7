/** @file Scalar functions that JavaScript lacks, as the contract defines them. */

/** To the nearest integer, halves to even. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  // The ceiling of what rounds to zero from below is -0, as it should be.
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : Math.ceil(x);
}

/** `x` to the power `y` by IEEE 754: 1 to any power is 1, and so is -1 to an infinite one, where JavaScript says NaN. */
export function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return x ** y;
}

/** What floor division leaves: exact, with the divisor's sign. */
export function floorRemainder(x: number, y: number): number {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

/** The floor of the exact quotient. */
export function floorDivide(x: number, y: number): number {
  const quotient = x / y;
  if (!Number.isFinite(quotient) || y === 0) return Math.floor(quotient);
  // By an infinite number the quotient rounds to zero, and is below it where the signs differ.
  if (!Number.isFinite(y)) return x !== 0 && x < 0 !== y < 0 ? -1 : quotient;
  return Math.round((x - floorRemainder(x, y)) / y);
}

/** Truncated towards zero and clamped to 32 bits; 0 of NaN. */
export function toInt32(x: number): number {
  // The bitwise or truncates, takes NaN to 0, and leaves no -0, which an integer cannot be.
  return Math.min(2147483647, Math.max(-2147483648, x)) | 0;
}

/** Truncated towards zero and clamped to 64 bits; 0 of NaN. */
export function toInt64(x: number): bigint {
  if (Number.isNaN(x)) return 0n;
  if (x >= 2 ** 63) return 2n ** 63n - 1n;
  return x <= -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(x));
}

/** `x` to an integer power, wrapped to 64 bits; of a negative power the truncated quotient, as in C. */
export function powInt64(x: bigint, y: bigint): bigint {
  if (y < 0n) return x === 1n ? 1n : x === -1n ? (y % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  let square = x;
  for (let rest = y; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asIntN(64, result * square);
    square = BigInt.asIntN(64, square * square);
  }
  return result;
}

/** `x` to an integer power, wrapped to 32 bits. */
export function powInt32(x: number, y: number): number {
  return Number(BigInt.asIntN(32, powInt64(BigInt(x), BigInt(y))));
}
