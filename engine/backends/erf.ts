/** The error function to within 1e-15 of its value. */
export function erf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 2) return series(x);
  if (magnitude >= 6) return Math.sign(x);
  return Number.isNaN(x) ? x : Math.sign(x) * (1 - complement(magnitude));
}

/** 2/√π exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (1 · 3 · … · (2n+1)), whose terms have one sign and therefore cancel nothing. */
function series(x: number): number {
  const doubled = 2 * x * x;
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term *= doubled / n;
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** exp(-x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), from the inside out. */
function complement(x: number): number {
  let rest = x;
  // The error after n fractions is near exp(-2x √(2n)), and the complement itself is below 0.005.
  for (let n = Math.ceil(170 / (x * x)); n > 0; n--) rest = x + n / 2 / rest;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * rest);
}
