/** @file How many random programs are tried: sized for every commit, longer by `ADJOINT_FUZZ_RUNS` (a factor). */
const FACTOR = Number(process.env.ADJOINT_FUZZ_RUNS ?? 1);

/** Random inputs per row of the catalogue, and random programs per law. */
export const RUNS = {
  factor: Math.max(1, FACTOR),
  perRow: Math.ceil(30 * FACTOR),
  programs: Math.ceil(60 * FACTOR),
} as const;
