/** @file Every op, by family. */

import { abs } from './abs.ts';
import { acos } from './acos.ts';
import { acosh } from './acosh.ts';
import { add } from './add.ts';
import { all } from './all.ts';
import { any } from './any.ts';
import { argmax } from './argmax.ts';
import { argmin } from './argmin.ts';
import { asin } from './asin.ts';
import { asinh } from './asinh.ts';
import { assign } from './assign.ts';
import { assignAdd } from './assign-add.ts';
import { assignSub } from './assign-sub.ts';
import { atan } from './atan.ts';
import { atan2 } from './atan2.ts';
import { atanh } from './atanh.ts';
import { broadcastTo } from './broadcast-to.ts';
import { cast } from './cast.ts';
import { ceil } from './ceil.ts';
import { clip } from './clip.ts';
import { concatenate } from './concatenate.ts';
import { cond } from './cond.ts';
import { constant } from './constant.ts';
import { convGeneral } from './conv-general.ts';
import { cos } from './cos.ts';
import { cosh } from './cosh.ts';
import { customLinear } from './custom-linear.ts';
import { customVjp } from './custom-vjp.ts';
import { div } from './div.ts';
import { dotGeneral } from './dot-general.ts';
import { eq } from './eq.ts';
import { erf } from './erf.ts';
import { exp } from './exp.ts';
import { expm1 } from './expm1.ts';
import { flip } from './flip.ts';
import { floor } from './floor.ts';
import { floorDivide } from './floor-divide.ts';
import { full } from './full.ts';
import { ge } from './ge.ts';
import { gt } from './gt.ts';
import { hypot } from './hypot.ts';
import { identity } from './identity.ts';
import { iota } from './iota.ts';
import { isfinite } from './isfinite.ts';
import { isinf } from './isinf.ts';
import { isnan } from './isnan.ts';
import { le } from './le.ts';
import { log } from './log.ts';
import { log1p } from './log1p.ts';
import { logaddexp } from './logaddexp.ts';
import { logicalAnd } from './logical-and.ts';
import { logicalNot } from './logical-not.ts';
import { logicalOr } from './logical-or.ts';
import { logicalXor } from './logical-xor.ts';
import { lt } from './lt.ts';
import { max } from './max.ts';
import { maximum } from './maximum.ts';
import { min } from './min.ts';
import { minimum } from './minimum.ts';
import { mul } from './mul.ts';
import { ne } from './ne.ts';
import { neg } from './neg.ts';
import { pad } from './pad.ts';
import { pow } from './pow.ts';
import { prod } from './prod.ts';
import { remainder } from './remainder.ts';
import { reshape } from './reshape.ts';
import { round } from './round.ts';
import { rsqrt } from './rsqrt.ts';
import { scan } from './scan.ts';
import { scatterAdd } from './scatter-add.ts';
import { sigmoid } from './sigmoid.ts';
import { sign } from './sign.ts';
import { sin } from './sin.ts';
import { sinh } from './sinh.ts';
import { slice } from './slice.ts';
import { softplus } from './softplus.ts';
import { sqrt } from './sqrt.ts';
import { stopGradient } from './stop-gradient.ts';
import { sub } from './sub.ts';
import { sum } from './sum.ts';
import { take } from './take.ts';
import { tan } from './tan.ts';
import { tanh } from './tanh.ts';
import { transpose } from './transpose.ts';
import { trunc } from './trunc.ts';
import { where } from './where.ts';

/** Every op. */
export const OPS = [
  abs,
  acos,
  acosh,
  add,
  all,
  any,
  argmax,
  argmin,
  asin,
  asinh,
  assign,
  assignAdd,
  assignSub,
  atan,
  atan2,
  atanh,
  broadcastTo,
  cast,
  ceil,
  clip,
  concatenate,
  cond,
  constant,
  cos,
  cosh,
  customLinear,
  customVjp,
  div,
  convGeneral,
  dotGeneral,
  eq,
  erf,
  exp,
  expm1,
  flip,
  floor,
  floorDivide,
  full,
  ge,
  gt,
  hypot,
  identity,
  iota,
  isfinite,
  isinf,
  isnan,
  le,
  log,
  log1p,
  logaddexp,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  lt,
  max,
  maximum,
  min,
  minimum,
  mul,
  ne,
  neg,
  pad,
  pow,
  prod,
  remainder,
  reshape,
  round,
  rsqrt,
  scan,
  scatterAdd,
  sigmoid,
  sign,
  sin,
  sinh,
  slice,
  softplus,
  sqrt,
  stopGradient,
  sub,
  sum,
  take,
  tan,
  tanh,
  transpose,
  trunc,
  where,
] as const;
