/** @file Every composite. */

import { arange } from './arange.ts';
import { binaryCrossEntropyWithLogits } from './binary-cross-entropy-with-logits.ts';
import type { Composite } from './composite.ts';
import { conv } from './conv.ts';
import { dense } from './dense.ts';
import { diag } from './diag.ts';
import { diagonal } from './diagonal.ts';
import { divideNoNan } from './divide-no-nan.ts';
import { dot } from './dot.ts';
import { elu } from './elu.ts';
import { exp2 } from './exp2.ts';
import { expandDims } from './expand-dims.ts';
import { eye } from './eye.ts';
import { fullLike } from './full-like.ts';
import { gelu } from './gelu.ts';
import { index } from './getitem.ts';
import { layerNorm } from './layer-norm.ts';
import { leakyRelu } from './leaky-relu.ts';
import { linspace } from './linspace.ts';
import { logSigmoid } from './log-sigmoid.ts';
import { logSoftmax } from './log-softmax.ts';
import { log2 } from './log2.ts';
import { log10 } from './log10.ts';
import { logsumexp } from './logsumexp.ts';
import { matmul } from './matmul.ts';
import { mean } from './mean.ts';
import { meanSquaredError } from './mean-squared-error.ts';
import { mish } from './mish.ts';
import { moveaxis } from './moveaxis.ts';
import { norm } from './norm.ts';
import { oneHot } from './one-hot.ts';
import { ones } from './ones.ts';
import { onesLike } from './ones-like.ts';
import { outer } from './outer.ts';
import { ravel } from './ravel.ts';
import { reciprocal } from './reciprocal.ts';
import { relu } from './relu.ts';
import { relu6 } from './relu6.ts';
import { roll } from './roll.ts';
import { selu } from './selu.ts';
import { silu } from './silu.ts';
import { softmax } from './softmax.ts';
import { softmaxCrossEntropyWithLogits } from './softmax-cross-entropy-with-logits.ts';
import { softsign } from './softsign.ts';
import { sparseSoftmaxCrossEntropyWithLogits } from './sparse-softmax-cross-entropy-with-logits.ts';
import { split } from './split.ts';
import { square } from './square.ts';
import { squaredDifference } from './squared-difference.ts';
import { squeeze } from './squeeze.ts';
import { stack } from './stack.ts';
import { std } from './std.ts';
import { swapaxes } from './swapaxes.ts';
import { takeAlongAxis } from './take-along-axis.ts';
import { tensordot } from './tensordot.ts';
import { tile } from './tile.ts';
import { trace } from './trace.ts';
import { tril } from './tril.ts';
import { triu } from './triu.ts';
import { unstack } from './unstack.ts';
import { variance } from './var.ts';
import { xlogy } from './xlogy.ts';
import { zeros } from './zeros.ts';
import { zerosLike } from './zeros-like.ts';

/** Every composite. */
export const COMPOSITES: readonly Composite[] = [
  arange,
  binaryCrossEntropyWithLogits,
  conv,
  dense,
  diag,
  diagonal,
  divideNoNan,
  dot,
  elu,
  exp2,
  expandDims,
  eye,
  fullLike,
  gelu,
  index,
  layerNorm,
  leakyRelu,
  linspace,
  log10,
  log2,
  logSigmoid,
  logSoftmax,
  logsumexp,
  matmul,
  mean,
  meanSquaredError,
  mish,
  moveaxis,
  norm,
  oneHot,
  ones,
  onesLike,
  outer,
  ravel,
  reciprocal,
  relu,
  relu6,
  roll,
  selu,
  silu,
  softmax,
  softmaxCrossEntropyWithLogits,
  softsign,
  sparseSoftmaxCrossEntropyWithLogits,
  split,
  square,
  squaredDifference,
  squeeze,
  stack,
  std,
  swapaxes,
  takeAlongAxis,
  tensordot,
  tile,
  trace,
  tril,
  triu,
  unstack,
  variance,
  xlogy,
  zeros,
  zerosLike,
];
