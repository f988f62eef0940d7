import { add } from '../ops/add.ts';
import { mul } from '../ops/mul.ts';
import { neg } from '../ops/neg.ts';
import { operand } from '../ops/op.ts';
import { softplus } from '../ops/softplus.ts';
import { sub } from '../ops/sub.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** The cross entropy of probabilities and of the sigmoid of logits, element by element. */
export const binaryCrossEntropyWithLogits: Composite = elementwiseComposite({
  name: 'binary_cross_entropy_with_logits',
  aliases: ['sigmoid_cross_entropy_with_logits'],
  doc:
    '`-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits))`, element by element. ' +
    "The labels come first, as in TensorFlow and unlike PyTorch; PyTorch's is the mean of this.",
  operands: [operand('labels', 'float'), operand('logits', 'float')],
  build: (b, [labels, logits]) => {
    const others = sub(b, b.full(1, labels.type), labels);
    return add(b, mul(b, labels, softplus(b, neg(b, logits))), mul(b, others, softplus(b, logits)));
  },
  cases: [
    {
      inputs: [
        { type: 'f64[7]', data: [0, 1, 0, 1, 0.25, 1, 0] },
        { type: 'f64[7]', data: [0, 0, -30, -30, 2, 800, 800] },
      ],
      outputs: [
        {
          type: 'f64[7]',
          data: [Math.LN2, Math.LN2, 9.357622968839737e-14, 30.000000000000092, 1.6269280110429725, 0, 800],
        },
      ],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'f32[3]', data: [0, 1, 0.5] },
        { type: 'f32[3]', data: [-4, 15, 3] },
      ],
      outputs: [{ type: 'f32[3]', data: [0.018149927, 3.0590226e-7, 1.5485873] }],
      source: 'tensorflow',
    },
  ],
});
