/** @file Every composite. */

import { binaryCrossEntropyWithLogits } from './binary-cross-entropy-with-logits.ts';
import type { Composite } from './composite.ts';
import { divideNoNan } from './divide-no-nan.ts';
import { elu } from './elu.ts';
import { exp2 } from './exp2.ts';
import { gelu } from './gelu.ts';
import { leakyRelu } from './leaky-relu.ts';
import { logSigmoid } from './log-sigmoid.ts';
import { log2 } from './log2.ts';
import { log10 } from './log10.ts';
import { mish } from './mish.ts';
import { reciprocal } from './reciprocal.ts';
import { relu } from './relu.ts';
import { relu6 } from './relu6.ts';
import { selu } from './selu.ts';
import { silu } from './silu.ts';
import { softsign } from './softsign.ts';
import { square } from './square.ts';
import { squaredDifference } from './squared-difference.ts';
import { xlogy } from './xlogy.ts';

/** Every composite. */
export const COMPOSITES: readonly Composite[] = [
  binaryCrossEntropyWithLogits,
  divideNoNan,
  elu,
  exp2,
  gelu,
  leakyRelu,
  log10,
  log2,
  logSigmoid,
  mish,
  reciprocal,
  relu,
  relu6,
  selu,
  silu,
  softsign,
  square,
  squaredDifference,
  xlogy,
];
