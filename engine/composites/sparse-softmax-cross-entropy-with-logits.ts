import { any } from '../ops/any.ts';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { noParams } from '../ops/elementwise.ts';
import { eq } from '../ops/eq.ts';
import { iota } from '../ops/iota.ts';
import { neg } from '../ops/neg.ts';
import { operand, TypeMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { sum } from '../ops/sum.ts';
import { where } from '../ops/where.ts';
import { formatType, sameShape } from '../types.ts';
import { type Composite, composite } from './composite.ts';
import { logProbabilities } from './log-softmax.ts';

/** Labels that are classes, then logits. */
const domain = [
  [0, 3],
  [-2, 2],
] as const;

/** The cross entropy of known classes and of the softmax of logits, one per example. */
export const sparseSoftmaxCrossEntropyWithLogits: Composite = composite({
  name: 'sparse_softmax_cross_entropy_with_logits',
  doc:
    '`-log_softmax(logits)[label]` along the last axis for the integer label of each example; ' +
    'NaN for a label that is no class.',
  operands: [operand('labels', 'integer'), operand('logits', 'float')],
  variadic: false,
  broadcast: false,
  params: noParams,
  build: (b, [labels, logits]) => {
    const { shape } = logits.type;
    const { dtype } = labels.type;
    const axis = shape.length - 1;
    if (axis < 0) throw new TypeMismatch(1, 'an axis of classes');
    if (!sameShape(labels.type.shape, shape.slice(0, -1)))
      throw new TypeMismatch(0, formatType({ dtype, shape: shape.slice(0, -1) }));
    const spread = broadcastTo(b, reshape(b, labels, { shape: [...labels.type.shape, 1] }), { shape });
    const chosen = eq(b, spread, iota(b, { dtype, shape, axis }));
    const picked = where(b, chosen, logProbabilities(b, logits, axis), b.full(0, logits.type));
    const loss = neg(b, sum(b, picked, { axes: [axis] }));
    return where(b, any(b, chosen, { axes: [axis] }), loss, b.full(NaN, loss.type));
  },
  cases: [
    {
      inputs: [
        { type: 'i32[2]', data: [2, 0] },
        { type: 'f64[2,3]', data: [1, 2, -3, 1000, -1000, 999.5] },
      ],
      outputs: [{ type: 'f64[2]', data: [5.318175429247454, 0.4740769841801067] }],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'i64[2]', data: [1, 2] },
        { type: 'f32[2,3]', data: [0.5, -1, 2, 80, -80, 79] },
      ],
      outputs: [{ type: 'f32[2]', data: [3.2413113, 1.3132616] }],
      source: 'tensorflow',
    },
  ],
  samples: [
    { types: ['i32[2]', 'f64[2,3]'], domain },
    { types: ['i64[4]', 'f32[4,5]'], domain },
  ],
});
