/** @file What is measured: each computation as a client would send it, with its inputs and what is asked of it. */
import type { Transform } from '../../engine/derive.ts';
import type { GraphDocumentInput } from '../../engine/program/document.ts';
import type { Tensor } from '../../engine/types.ts';
import { LSTM, type ScalarNode, scalarDocument, scalarNodes } from './graphs.ts';
import { filled, type Random } from './inputs.ts';

/** A floating point type that a case computes in. */
export type CaseDType = 'float32' | 'float64';

/** One computation, for one size and dtype. */
export interface Case {
  readonly name: string;
  readonly dtype: CaseDType;
  /** The peers' function for it. */
  readonly computation: string;
  inputs(random: Random): Readonly<Record<string, Tensor>>;
  graph(): string | GraphDocumentInput;
  /** Outputs of the graph that are wanted, and how it is differentiated. */
  readonly values: readonly string[];
  readonly transforms: readonly Transform[];
  /** The largest error allowed between any two results, as `compare.ts` measures it. */
  readonly tolerance: number;
  /** For graphs that the peers build node by node. */
  readonly nodes?: readonly ScalarNode[];
}

type Ask = Pick<Case, 'values' | 'transforms'>;

/** The value of a target and its gradient with respect to sources. */
function gradient(target: string, sources: readonly string[]): Ask {
  return { values: [target], transforms: [{ kind: 'gradient', targets: [target], sources }] };
}

const TOLERANCE = { float32: 1e-4, float64: 1e-9 } as const satisfies Record<CaseDType, number>;

function elementwise(name: string, size: number): Case {
  return {
    name,
    dtype: 'float32',
    computation: 'elementwise',
    inputs: (random) => ({
      x: filled('float32', [size], () => random.uniform(-3, 3)),
      y: filled('float32', [size], () => random.uniform(-3, 3)),
    }),
    graph: () => 'z = exp(-x ** 2) * sin(y) + log(1 + x ** 2) / (1 + y ** 2)',
    values: ['z'],
    transforms: [],
    tolerance: 1e-5,
  };
}

function blackScholes(dtype: CaseDType): Case {
  return {
    name: 'Black-Scholes, 5 gradients, 1M',
    dtype,
    computation: 'black_scholes',
    inputs: (random) => {
      const spread = (low: number, high: number): Tensor => filled(dtype, [1e6], () => random.uniform(low, high));
      return {
        S: spread(50, 150),
        K: spread(50, 150),
        T: spread(0.1, 2),
        r: spread(0.01, 0.08),
        sigma: spread(0.1, 0.6),
      };
    },
    graph: () => `
      width = sigma * sqrt(T)
      d1 = (log(S / K) + (r + sigma ** 2 / 2) * T) / width
      d2 = d1 - width
      call = S * (0.5 + 0.5 * erf(d1 / 2 ** 0.5)) - K * exp(-r * T) * (0.5 + 0.5 * erf(d2 / 2 ** 0.5))`,
    ...gradient('call', ['S', 'K', 'T', 'r', 'sigma']),
    tolerance: TOLERANCE[dtype],
  };
}

function perceptron(batch: number): Case {
  return {
    name: `MLP 784-512-512-10, batch ${batch}`,
    dtype: 'float32',
    computation: 'mlp',
    inputs: (random) => {
      const normal = (scale: number, ...shape: number[]): Tensor =>
        filled('float32', shape, () => scale * random.normal());
      return {
        x: normal(1, batch, 784),
        labels: filled('int32', [batch], () => Math.floor(random.uniform(0, 10))),
        w1: normal(0.05, 784, 512),
        b1: normal(0.1, 512),
        w2: normal(0.06, 512, 512),
        b2: normal(0.1, 512),
        w3: normal(0.06, 512, 10),
        b3: normal(0.1, 10),
      };
    },
    graph: () => `
      h1 = relu(x @ w1 + b1)
      h2 = relu(h1 @ w2 + b2)
      loss = mean(sparse_softmax_cross_entropy_with_logits(labels, h2 @ w3 + b3))`,
    ...gradient('loss', ['w1', 'b1', 'w2', 'b2', 'w3', 'b3']),
    tolerance: TOLERANCE.float32,
  };
}

/** Channels come last, as JAX and PyTorch are fastest with them on processors. */
const CONVOLUTIONAL: Case = {
  name: 'CNN 28x28x1, 3x3x32, 3x3x64, 10, batch 128',
  dtype: 'float32',
  computation: 'cnn',
  inputs: (random) => {
    const normal = (scale: number, ...shape: number[]): Tensor =>
      filled('float32', shape, () => scale * random.normal());
    return {
      x: normal(1, 128, 28, 28, 1),
      labels: filled('int32', [128], () => Math.floor(random.uniform(0, 10))),
      w1: normal(0.3, 3, 3, 1, 32),
      b1: normal(0.1, 32),
      w2: normal(0.08, 3, 3, 32, 64),
      b2: normal(0.1, 64),
      w3: normal(0.02, 12544, 10),
      b3: normal(0.1, 10),
    };
  },
  graph: () => `
      h1 = relu(conv(x, w1, padding="same", data_format="NHWC") + b1)
      h2 = relu(conv(h1, w2, strides=2, padding="same", data_format="NHWC") + b2)
      loss = mean(sparse_softmax_cross_entropy_with_logits(labels, reshape(h2, [128, 12544]) @ w3 + b3))`,
  ...gradient('loss', ['w1', 'b1', 'w2', 'b2', 'w3', 'b3']),
  tolerance: TOLERANCE.float32,
};

const RESIDUAL: Case = {
  name: 'residual block 3x3, 56x56x64, batch 8',
  dtype: 'float32',
  computation: 'residual_block',
  inputs: (random) => {
    const normal = (scale: number, ...shape: number[]): Tensor =>
      filled('float32', shape, () => scale * random.normal());
    return { x: normal(1, 8, 56, 56, 64), w1: normal(0.04, 3, 3, 64, 64), w2: normal(0.04, 3, 3, 64, 64) };
  },
  graph: () => `
      h = silu(conv(x, w1, padding="same", data_format="NHWC"))
      loss = mean(relu(x + conv(h, w2, padding="same", data_format="NHWC")) ** 2)`,
  ...gradient('loss', ['x', 'w1', 'w2']),
  tolerance: TOLERANCE.float32,
};

const LOGISTIC_REGRESSION: Case = {
  name: 'logistic regression 100k x 100',
  dtype: 'float32',
  computation: 'logistic_regression',
  inputs: (random) => ({
    x: filled('float32', [100_000, 100], () => random.normal()),
    labels: filled('float32', [100_000], () => Math.round(random.uniform(0, 1))),
    w: filled('float32', [100], () => 0.2 * random.normal()),
    b: filled('float32', [], () => 0.1),
  }),
  graph: () => 'loss = mean(binary_cross_entropy_with_logits(labels, x @ w + b))',
  ...gradient('loss', ['w', 'b']),
  tolerance: TOLERANCE.float32,
};

const CROSS_ENTROPY: Case = {
  name: 'softmax cross-entropy 4096 x 1000',
  dtype: 'float32',
  computation: 'cross_entropy',
  inputs: (random) => ({
    logits: filled('float32', [4096, 1000], () => 2 * random.normal()),
    labels: filled('int32', [4096], () => Math.floor(random.uniform(0, 1000))),
  }),
  graph: () => 'loss = mean(sparse_softmax_cross_entropy_with_logits(labels, logits))',
  ...gradient('loss', ['logits']),
  tolerance: TOLERANCE.float32,
};

const LAYER_NORM: Case = {
  name: 'layer_norm and gelu 2048 x 1024',
  dtype: 'float32',
  computation: 'layer_norm_gelu',
  inputs: (random) => ({
    x: filled('float32', [2048, 1024], () => 0.5 + 2 * random.normal()),
    gamma: filled('float32', [1024], () => 1 + 0.2 * random.normal()),
    beta: filled('float32', [1024], () => 0.2 * random.normal()),
  }),
  graph: () => 'loss = mean(gelu(layer_norm(x) * gamma + beta) ** 2)',
  ...gradient('loss', ['x', 'gamma', 'beta']),
  tolerance: TOLERANCE.float32,
};

const ATTENTION: Case = {
  name: 'attention 8 x 512 x 64',
  dtype: 'float32',
  computation: 'attention',
  inputs: (random) => {
    const normal = (): Tensor => filled('float32', [8, 512, 64], () => random.normal());
    return { q: normal(), k: normal(), v: normal() };
  },
  graph: () => `
    weights = softmax(q @ swapaxes(k) / 8)
    loss = sum((weights @ v) ** 2)`,
  ...gradient('loss', ['q', 'k', 'v']),
  tolerance: TOLERANCE.float32,
};

const RECURRENT: Case = {
  name: 'LSTM, 100 steps, batch 32, hidden 128',
  dtype: 'float32',
  computation: 'lstm',
  inputs: (random) => {
    const normal = (scale: number, ...shape: number[]): Tensor =>
      filled('float32', shape, () => scale * random.normal());
    return {
      xs: normal(1, 100, 32, 64),
      h0: normal(0, 32, 128),
      c0: normal(0, 32, 128),
      wx: normal(0.1, 64, 512),
      wh: normal(0.08, 128, 512),
      b: normal(0.1, 512),
    };
  },
  graph: () => LSTM,
  ...gradient('loss', ['wx', 'wh', 'b']),
  tolerance: TOLERANCE.float32,
};

const BODIES: Case = {
  name: 'n-body energy gradient, 1000 bodies',
  dtype: 'float64',
  computation: 'n_body',
  inputs: (random) => ({
    x: filled('float64', [1000, 3], () => random.normal()),
    m: filled('float64', [1000], () => random.uniform(0.5, 1.5)),
  }),
  graph: () => `
    apart = x[:, None, :] - x[None, :, :]
    energy = -0.5 * sum(m[:, None] * m / sqrt(sum(apart ** 2, axis=2) + 0.01))`,
  ...gradient('energy', ['x']),
  tolerance: TOLERANCE.float64,
};

/** The numbers of points, dimensions and components of the mixture. */
const [N, D, K] = [1000, 10, 25];

/**
 * The objective of ADBench (github.com/microsoft/ADBench): the log-likelihood of points under a mixture of normal
 * distributions whose inverse covariances are square roots `Q = diag(exp(q)) + L`, and a Wishart prior for those.
 */
const MIXTURE: Case = {
  name: 'Gaussian mixture (ADBench), d 10, K 25, N 1000',
  dtype: 'float64',
  computation: 'gaussian_mixture',
  inputs: (random) => ({
    alphas: filled('float64', [K], () => random.normal()),
    means: filled('float64', [K, D], () => random.uniform(0, 1)),
    icf: filled('float64', [K, D + (D * (D - 1)) / 2], () => random.normal()),
    x: filled('float64', [N, D], () => random.normal()),
    // Where L takes its elements from: its columns below the diagonal, one after the other, count from 1; 0 is a zero.
    place: filled('int32', [D, D], (i) => {
      const [row, column] = [Math.floor(i / D), i % D];
      return row > column ? 1 + column * D - (column * (column + 1)) / 2 + row - column - 1 : 0;
    }),
  }),
  graph: () => {
    // The prior has scale 1 and D + 1 degrees of freedom, ADBench's m being 0.
    const freedom = D + 1;
    const perComponent = freedom * D * Math.log(1 / Math.SQRT2) - logGamma(freedom / 2, D);
    return `
      logs = icf[:, :${D}]
      below = icf[:, ${D}:]
      L = take(pad(below, [[0, 0], [1, 0]]), place, axis=1)
      diagonal = exp(logs)
      log_det = sum(logs, axis=1)
      apart = x[None, :, :] - means[:, None, :]
      scaled = apart * diagonal[:, None, :] + apart @ swapaxes(L)
      inner = (alphas + log_det)[:, None] - 0.5 * sum(scaled ** 2, axis=2)
      likelihood = sum(logsumexp(inner, axis=0)) - ${N} * logsumexp(alphas)
      prior = 0.5 * (sum(diagonal ** 2) + sum(below ** 2))
      objective = likelihood + prior - ${(N * D * Math.log(2 * Math.PI)) / 2 + K * perComponent}`;
  },
  ...gradient('objective', ['alphas', 'means', 'icf']),
  tolerance: TOLERANCE.float64,
};

/** The logarithm of the gamma function in `p` dimensions, at halves: log Γ(1/2) = log √π, and Γ(x + 1) = x Γ(x). */
function logGamma(a: number, p: number): number {
  const one = (x: number): number => {
    if (x === 0.5) return Math.log(Math.PI) / 2;
    return x === 1 ? 0 : Math.log(x - 1) + one(x - 1);
  };
  let sum = 0.25 * p * (p - 1) * Math.log(Math.PI);
  for (let j = 1; j <= p; j++) sum += one(a + 0.5 * (1 - j));
  return sum;
}

const ROSENBROCK: Case = {
  name: 'Rosenbrock Hessian, n 100',
  dtype: 'float64',
  computation: 'rosenbrock_hessian',
  inputs: (random) => ({ x: filled('float64', [100], () => random.uniform(-1.5, 1.5)) }),
  graph: () => 'f = sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)',
  values: [],
  transforms: [{ kind: 'hessian', targets: ['f'], sources: ['x'] }],
  tolerance: TOLERANCE.float64,
};

const SQUARE: Case = {
  name: 'gradient of x²',
  dtype: 'float32',
  computation: 'square',
  inputs: () => ({ x: filled('float32', [], () => 3) }),
  graph: () => 'y = x ** 2',
  ...gradient('y', ['x']),
  tolerance: TOLERANCE.float32,
};

const SCALAR_NODES = scalarNodes(10_000);

const SCALARS: Case = {
  name: 'graph of 10,000 scalar nodes',
  dtype: 'float64',
  computation: 'scalar_graph',
  inputs: (random) =>
    Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`x${i}`, filled('float64', [], () => random.uniform(-1, 1))]),
    ),
  graph: () => scalarDocument(SCALAR_NODES),
  ...gradient('total', ['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', 'x9']),
  tolerance: TOLERANCE.float64,
  nodes: SCALAR_NODES,
};

/** All of them, in the order of the table. */
export const CASES: readonly Case[] = [
  elementwise('elementwise, 1M', 2 ** 20),
  elementwise('elementwise, 16M', 2 ** 24),
  blackScholes('float32'),
  blackScholes('float64'),
  perceptron(256),
  perceptron(32),
  CONVOLUTIONAL,
  RESIDUAL,
  LOGISTIC_REGRESSION,
  CROSS_ENTROPY,
  LAYER_NORM,
  ATTENTION,
  RECURRENT,
  BODIES,
  MIXTURE,
  ROSENBROCK,
  SQUARE,
  SCALARS,
];

/** What a case is called where it must be told from all others. */
export function titleOf({ name, dtype }: Case): string {
  return `${name}, ${dtype}`;
}

/** The names of what a case computes, in the order that the peers give it. */
export function resultsOf({ values, transforms }: Case): string[] {
  const made = transforms.flatMap((transform) => {
    if (transform.kind === 'gradient') return transform.sources.map((source) => `gradient(${source})`);
    if (transform.kind !== 'hessian') throw new Error(`no case takes a ${transform.kind}`);
    return transform.sources.flatMap((a) => transform.sources.map((b) => `hessian(${a}, ${b})`));
  });
  return [...values, ...made];
}
