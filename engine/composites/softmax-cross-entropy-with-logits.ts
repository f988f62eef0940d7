import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { mul } from '../ops/mul.ts';
import { neg } from '../ops/neg.ts';
import { operand } from '../ops/op.ts';
import { sum } from '../ops/sum.ts';
import { type Composite, composite } from './composite.ts';
import { logProbabilities } from './log-softmax.ts';

const params = z.strictObject({ axis: axisSchema.default(-1) });

/** The cross entropy of distributions over classes and of the softmax of logits, one per example. */
export const softmaxCrossEntropyWithLogits: Composite<z.output<typeof params>> = composite({
  name: 'softmax_cross_entropy_with_logits',
  doc: '`-sum(labels * log_softmax(logits))` along `axis` (-1): one loss per example.',
  operands: [operand('labels', 'float'), operand('logits', 'float')],
  variadic: false,
  broadcast: true,
  params,
  positional: ['axis'],
  build: (b, [labels, logits], { axis }) => {
    const classes = normalAxis(axis, logits.type.shape.length);
    return neg(b, sum(b, mul(b, labels, logProbabilities(b, logits, classes)), { axes: [classes] }));
  },
  cases: [
    {
      inputs: [
        { type: 'f64[2,2]', data: [1, 0, 0.25, 0.75] },
        { type: 'f64[2,2]', data: [0, 0, -800, 900] },
      ],
      outputs: [{ type: 'f64[2]', data: [Math.LN2, 425] }],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'f32[2,3]', data: [1, 0, 0, 0, 1, 0] },
        { type: 'f32[2,3]', data: [0.5, -1, 2, 80, -80, 79] },
      ],
      outputs: [{ type: 'f32[2]', data: [1.7413113, 160.31326] }],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'f64[2,2]', data: [1, 0.5, 0, 0.5] },
        { type: 'f64[2,2]', data: [1, 2, 3, 5] },
      ],
      params: { axis: 0 },
      outputs: [{ type: 'f64[2]', data: [2.1269280110429727, 1.548587351573742] }],
      source: 'tensorflow',
    },
  ],
  samples: [{ types: ['f64[2,3]', 'f64[2,3]'] }, { types: ['f32[2,3]', 'f32[2,3]'], params: { axis: 0 } }],
});
