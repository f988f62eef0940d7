import type { Lanes, Value } from '../ir.ts';
import { type Constants, constant, flipSign, formatOf, nearest, polynomial, subtractMultiple } from './float.ts';
import { type Lanewise, patchRare } from './rare.ts';

/** (sin(r) - r) / r³ as a polynomial in r², on |r| a little above π/4; the error of sin(r) is below 2^-27 and 2^-57. */
const SIN_REST: Constants = {
  float: [-0.16666654, 0.0083321, -0.00019506495],
  double: [
    -0.16666666666666624, 0.008333333333320361, -0.00019841269828121982, 2.7557313096312205e-6, -2.5050663549271768e-8,
    1.5891253008665903e-10,
  ],
};

/** cos(r) as a polynomial in r², there too; the error of cos(r) is below 2^-32 and 2^-63. */
const COS: Constants = {
  float: [1, -0.5, 0.04166664, -0.001388713, 2.4412086e-5],
  double: [
    1, -0.5, 0.041666666666666574, -0.0013888888888869768, 2.4801587286779807e-5, -2.755731357645542e-7,
    2.087561843707749e-9, -1.1354251474443925e-11,
  ],
};

/** How multiples of π/2 are subtracted. */
interface Reduction {
  /** The largest angle for which it is right. */
  readonly limit: number;
  /** π/2 in parts: the differences with multiples of all but the last two are exact. */
  readonly parts: readonly number[];
}

/**
 * Where a product and a sum are rounded once, the first difference is exact as it cancels, and three whole words of π/2
 * reach below the last place of any angle up to the limit, however near to a multiple it is.
 */
const FUSED: Readonly<Record<'float' | 'double', Reduction>> = {
  float: { limit: 2 ** 17, parts: [1.5707963, 7.5497894e-8, 5.390303e-15] },
  double: { limit: 2 ** 30, parts: [1.5707963267948966, 6.123233995736765e-17, 1.082856673921914e-32] },
};

/** Elsewhere the products must be exact by themselves: parts of 11 and 27 bits, times multiples of 13 and 26 bits. */
const UNFUSED: Readonly<Record<'float' | 'double', Reduction>> = {
  float: { limit: 2 ** 13, parts: [1.5703125, 0.0004837513, 7.5495336e-8, 2.563344e-12] },
  double: {
    limit: 2 ** 26,
    parts: [1.570796325802803, 9.920935184482005e-10, 6.123233932053594e-17, 6.36831716351095e-25],
  },
};

/** sin(x) = ± sin(r) or ± cos(r), where x = n π/2 + r and |r| ≤ π/4, as n says. */
export function sin(v: Lanes, x: Value): Value {
  const { integer, width } = formatOf(x);
  const { sine, cosine, n, isFar } = reduced(v, x);
  // Of |x|, whose sign comes back at the end: -0 is kept.
  const magnitude = v.select(isOdd(v, n), cosine, sine);
  const signs = v.xor(v.shiftLeft(n, width - 2), v.bitcast(x, integer));
  return patchRare(v, isFar, flipSign(v, magnitude, signs), 'sin', library('sin'), x);
}

/** cos(x) = ± cos(r) or ± sin(r), where x = n π/2 + r and |r| ≤ π/4, as n says. */
export function cos(v: Lanes, x: Value): Value {
  const { integer, width } = formatOf(x);
  const { sine, cosine, n, isFar } = reduced(v, x);
  const magnitude = v.select(isOdd(v, n), sine, cosine);
  const signs = v.shiftLeft(v.add(n, v.const(integer, 1)), width - 2);
  return patchRare(v, isFar, flipSign(v, magnitude, signs), 'cos', library('cos'), x);
}

/** tan(x) = sin(r) / cos(r) or - cos(r) / sin(r), where x = n π/2 + r and |r| ≤ π/4, as n says. */
export function tan(v: Lanes, x: Value): Value {
  const { integer, width } = formatOf(x);
  const { sine, cosine, n, isFar } = reduced(v, x);
  const swap = isOdd(v, n);
  const quotient = v.div(v.select(swap, cosine, sine), v.select(swap, sine, cosine));
  const signs = v.xor(v.shiftLeft(n, width - 1), v.bitcast(x, integer));
  return patchRare(v, isFar, flipSign(v, quotient, signs), 'tan', library('tan'), x);
}

/** Sine and cosine of |x| - n π/2, n in the low bits, and where |x| is too large for them to be right. */
function reduced(v: Lanes, x: Value): { sine: Value; cosine: Value; n: Value; isFar: Value } {
  const { limit, parts } = (v.features.fma ? FUSED : UNFUSED)[formatOf(x).element];
  const magnitude = v.abs(x);
  const n = nearest(v, magnitude, 2 / Math.PI);
  const [middle, low] = parts.slice(-2).map((part) => constant(v, x, part)) as [Value, Value];
  const exact = subtractMultiple(v, magnitude, n.float, parts.slice(0, -2));
  // The last two products, the first as a sum of two words, and what rounding their difference lost.
  const product = v.mul(n.float, middle);
  const rest = v.fma(n.float, low, v.fma(n.float, middle, v.neg(product)));
  const r = v.sub(exact, product);
  const tail = v.sub(v.sub(v.sub(exact, r), product), rest);
  const square = v.mul(r, v.fma(tail, constant(v, x, 2), r));
  return {
    // r + (r³ P(r²) + tail)
    sine: v.add(v.fma(v.mul(square, r), polynomial(v, square, SIN_REST), tail), r),
    cosine: polynomial(v, square, COS),
    n: n.bits,
    isFar: v.compare('ge', magnitude, constant(v, x, limit)),
  };
}

/** A function of the C library, for angles of any size. */
function library(name: string): Lanewise {
  return (v, ...x) => v.scalarCall(x[0]!.element === 'float' ? `${name}f` : name, x[0]!);
}

function isOdd(v: Lanes, integer: Value): Value {
  return v.compare('ne', v.and(integer, v.const(integer.element, 1)), v.const(integer.element, 0));
}
