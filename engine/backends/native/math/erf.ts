import type { Lanes, Value } from '../ir.ts';
import { expm1Scaled } from './expm1.ts';
import { atMost, type Constants, constant, polynomial } from './float.ts';

/** The leading word of 2/√π. */
const SLOPE = { float: 1.1283792, double: 1.1283791670955126 };

/** -log(erfc(x)) / x without that word, as far as erfc(x) is anything beside 1; the error of erf(x) is below 2^-27 and 2^-55. */
const ERFC_LOG: Constants = {
  float: [
    -5.4121433e-8, 0.6366194, 0.10277776, -0.019152788, -0.00016089324, 0.001667508, -0.00063309027, 0.0001177097,
    -9.263643e-6,
  ],
  double: [
    -9.01223319281097e-18, 0.6366197723675909, 0.10277260330131721, -0.01912844699312838, -0.0002091948535729046,
    0.001696207667584467, -0.0005901324200400168, 2.590446766639211e-5, 6.442054760264598e-5, -2.9575802794380876e-5,
    3.1698583507658294e-6, 3.1327610308234844e-6, -2.0370172943443066e-6, 5.70516614108355e-7, -1.164557809606891e-8,
    -6.576060470910427e-8, 3.459415343862077e-8, -1.0775872952754645e-8, 2.361046337028544e-9, -3.761562376895933e-10,
    4.302784102785946e-11, -3.365158063847288e-12, 1.6152741584149622e-13, -3.593127736971075e-15,
  ],
};

/** Where the result has become 1. */
const HIGHEST = { float: 4, double: 6 };

/** erf(x) = 1 - exp(log(erfc(x))), of |x|, with its sign. */
export function erf(v: Lanes, x: Value): Value {
  const magnitude = atMost(v, v.abs(x), HIGHEST);
  const rest = v.mul(magnitude, polynomial(v, magnitude, ERFC_LOG));
  const logarithm = v.neg(v.fma(magnitude, constant(v, x, SLOPE), rest));
  return v.copysign(expm1Scaled(v, logarithm, 0), x);
}
