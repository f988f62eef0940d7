// biome-ignore-all lint/suspicious/noThenProperty: documents call a branch so, and nothing here is awaited.
/** @file Programs with sub-programs, written as documents: what the laws draw of the ops whose params hold programs. */
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import type { Sample } from '../../engine/ops/op.ts';
import { build } from '../../engine/program/build.ts';
import { type GraphDocumentInput, readDocument } from '../../engine/program/document.ts';
import type { Program } from '../../engine/program/program.ts';
import { formatType, type TensorType } from '../../engine/types.ts';
import type { Domain } from './draw.ts';
import { type Subject, typeOf } from './table.ts';

type Nodes = GraphDocumentInput['nodes'];

/** A document with its inputs' types as printed, and where they are drawn from. */
interface Written {
  readonly inputs: Readonly<Record<string, string>>;
  readonly nodes: Nodes;
  readonly outputs?: readonly string[];
  readonly domains?: Readonly<Record<string, Domain>>;
}

/** The program of a document, its inputs in the order of the document and then what its nodes brought. */
export function programOf({ inputs, nodes, outputs }: Written): Program {
  const declared = Object.entries(inputs).map(([name, type]): [string, TensorType] => [name, typeOf(type)]);
  const document = readDocument(
    {
      inputs: Object.fromEntries(declared),
      nodes,
      ...(outputs ? { outputs } : {}),
      dtype: 'float64',
    },
    DEFAULT_LIMITS,
  );
  return build(document, new Map(), DEFAULT_LIMITS).program;
}

/** The program of the document with a name. */
export function controlProgram(name: string): Program {
  const document = DOCUMENTS[name];
  if (!document) throw new Error(`there is no document '${name}'`);
  return programOf(document);
}

/** One subject per document. */
export function subjectsOfControl(): Subject[] {
  return Object.entries(DOCUMENTS).map(([name, document]) => {
    const program = programOf(document);
    return {
      name: `${name} (${program.inputs.map(({ type }) => formatType(type)).join(', ')})`,
      program,
      domains: program.inputs.map((input) => document.domains?.[input.name as string]),
    };
  });
}

const POSITIVE: Domain = [0.2, 2];
const NEGATIVE: Domain = [-2, -0.2];

/** `sin(x) * w` where `s` is positive, else `x * x + x`: each branch reads something of its own from outside. */
const choice = (condition: string, x: string): Nodes => [
  {
    name: 'y',
    op: 'cond',
    inputs: [condition, x],
    params: {
      then: {
        inputs: ['a'],
        nodes: [
          { name: 'u', op: 'sin', inputs: ['a'] },
          { name: 'v', op: 'mul', inputs: ['u', 'w'] },
        ],
        outputs: ['v', 'a'],
      },
      else: {
        inputs: ['a'],
        nodes: [
          { name: 'u', op: 'mul', inputs: ['a', 'a'] },
          { name: 'v', op: 'add', inputs: ['u', 'a'] },
        ],
        outputs: ['v', 'v'],
      },
    },
  },
];

const isPositive: Nodes = [{ name: 'p', op: 'gt', inputs: ['s', 0] }];

/** A recurrent cell: `h' = tanh(h @ w + x @ u)`, which is handed out too. */
const cell = {
  inputs: ['h', 'x'],
  nodes: [
    { name: 'hw', op: 'matmul', inputs: ['h', 'w'] },
    { name: 'xu', op: 'matmul', inputs: ['x', 'u'] },
    { name: 'z', op: 'add', inputs: ['hw', 'xu'] },
    { name: 'next', op: 'tanh', inputs: ['z'] },
  ],
  outputs: ['next', 'next'],
};

/** Two states that follow one another, and a result that reads both. */
const pair = {
  inputs: ['a', 'b', 'x'],
  nodes: [
    { name: 'c', op: 'mul', inputs: ['a', 'x'] },
    { name: 'd', op: 'add', inputs: ['c', 'k'] },
    { name: 'r', op: 'sub', inputs: ['a', 'b'] },
  ],
  outputs: ['b', 'd', 'r', 'x'],
};

/** A function with its own pullback, which is the true one: `y = x * exp(-x)`, `dx = (1 - x) exp(-x) ct`. */
const decay = {
  forward: {
    inputs: ['a'],
    nodes: [
      { name: 'n', op: 'neg', inputs: ['a'] },
      { name: 'e', op: 'exp', inputs: ['n'] },
      { name: 'y', op: 'mul', inputs: ['a', 'e'] },
    ],
    outputs: ['y'],
  },
  backward: {
    inputs: ['a', 'y', 'ct'],
    nodes: [
      { name: 'n', op: 'neg', inputs: ['a'] },
      { name: 'e', op: 'exp', inputs: ['n'] },
      { name: 'one', op: 'sub', inputs: [1, 'a'] },
      { name: 'slope', op: 'mul', inputs: ['one', 'e'] },
      { name: 'dx', op: 'mul', inputs: ['slope', 'ct'] },
    ],
    outputs: ['dx'],
  },
};

/** Nodes with sub-graphs that fit: by op, the types of the inputs and the params. */
export const FITTING: Readonly<Record<string, Sample>> = {
  cond: {
    types: ['bool', 'f64[2]'],
    params: { then: { inputs: ['a'], outputs: ['a'] }, else: { inputs: ['a'], outputs: ['a'] } },
  },
  scan: {
    types: ['f64[2]', 'f64[3,2]'],
    params: { body: { inputs: ['a', 'x'], outputs: ['x', 'a'] }, carry: 1 },
  },
  custom_vjp: {
    types: ['f64[2]'],
    params: { forward: { inputs: ['a'], outputs: ['a'] }, backward: { inputs: ['a', 'y', 'ct'], outputs: ['ct'] } },
  },
};

/** The documents by name. */
const DOCUMENTS: Readonly<Record<string, Written>> = {
  'branch taken': {
    inputs: { s: 'f64', x: 'f64[2,3]', w: 'f64[2,3]' },
    nodes: [...isPositive, ...choice('p', 'x')],
    outputs: ['y', 'y:1'],
    domains: { s: POSITIVE },
  },
  'branch not taken': {
    inputs: { s: 'f64', x: 'f64[2,3]', w: 'f64[2,3]' },
    nodes: [...isPositive, ...choice('p', 'x')],
    outputs: ['y', 'y:1'],
    domains: { s: NEGATIVE },
  },
  'branch by a bool': {
    inputs: { p: 'bool', x: 'f32[3]', w: 'f32[3]' },
    nodes: choice('p', 'x'),
    outputs: ['y:1', 'y'],
  },
  'branch that passes inputs through': {
    inputs: { p: 'bool', x: 'f64[2]', n: 'i32[2]' },
    nodes: [
      {
        name: 'y',
        op: 'cond',
        inputs: ['p', 'x', 'n'],
        params: {
          then: { inputs: ['a', 'k'], nodes: [], outputs: ['a', 'k', 'a'] },
          else: {
            inputs: ['a', 'k'],
            nodes: [
              { name: 'z', op: 'neg', inputs: ['a'] },
              { name: 'm', op: 'add', inputs: ['k', 1] },
              { name: 'one', op: 'ones_like', inputs: ['a'] },
            ],
            outputs: ['z', 'm', 'one'],
          },
        },
      },
    ],
    outputs: ['y', 'y:1', 'y:2'],
  },
  'branch within a branch': {
    inputs: { p: 'bool', q: 'bool', x: 'f64[2]', w: 'f64[2]' },
    nodes: [
      {
        name: 'z',
        op: 'cond',
        inputs: ['p', 'x'],
        params: {
          then: { inputs: ['b'], nodes: choice('q', 'b'), outputs: ['y'] },
          else: { inputs: ['b'], nodes: [{ name: 'y', op: 'exp', inputs: ['b'] }], outputs: ['y'] },
        },
      },
      { name: 'out', op: 'mul', inputs: ['z', 'w'] },
    ],
  },
  'recurrent loop': {
    inputs: { h0: 'f64[3]', xs: 'f64[4,2]', w: 'f64[3,3]', u: 'f64[2,3]' },
    nodes: [{ name: 'y', op: 'scan', inputs: ['h0', 'xs'], params: { body: cell, carry: 1 } }],
    outputs: ['y', 'y:1'],
  },
  'recurrent loop, reversed, float32': {
    inputs: { h0: 'f32[3]', xs: 'f32[4,2]', w: 'f32[3,3]', u: 'f32[2,3]' },
    nodes: [{ name: 'y', op: 'scan', inputs: ['h0', 'xs'], params: { body: cell, carry: 1, reverse: true } }],
    outputs: ['y:1', 'y'],
  },
  'loop with two states that change places': {
    inputs: { a0: 'f64[2]', b0: 'f64[2]', xs: 'f64[3,2]', k: 'f64[2]' },
    nodes: [{ name: 'y', op: 'scan', inputs: ['a0', 'b0', 'xs'], params: { body: pair, carry: 2 } }],
    outputs: ['y', 'y:1', 'y:2', 'y:3'],
  },
  'loop of one step': {
    inputs: { a0: 'f64[2]', b0: 'f64[2]', xs: 'f64[1,2]', k: 'f64[2]' },
    nodes: [{ name: 'y', op: 'scan', inputs: ['a0', 'b0', 'xs'], params: { body: pair, carry: 2, reverse: true } }],
    outputs: ['y', 'y:1', 'y:2', 'y:3'],
  },
  'loop of no steps': {
    inputs: { a0: 'f64[2]', b0: 'f64[2]', xs: 'f64[0,2]', k: 'f64[2]' },
    nodes: [{ name: 'y', op: 'scan', inputs: ['a0', 'b0', 'xs'], params: { body: pair, carry: 2 } }],
    outputs: ['y', 'y:1', 'y:2', 'y:3'],
  },
  'loop over nothing': {
    inputs: { a0: 'f64', c: 'f64' },
    nodes: [
      {
        name: 'y',
        op: 'scan',
        inputs: ['a0'],
        params: {
          body: {
            inputs: ['a'],
            nodes: [
              { name: 's', op: 'sin', inputs: ['a'] },
              { name: 'b', op: 'mul', inputs: ['s', 'c'] },
            ],
            outputs: ['b', 'c', 'a'],
          },
          carry: 1,
          length: 5,
        },
      },
    ],
    outputs: ['y', 'y:1', 'y:2'],
  },
  'loop without a state': {
    inputs: { xs: 'f64[3,2]', k: 'f64[2]' },
    nodes: [
      {
        name: 'y',
        op: 'scan',
        inputs: ['xs'],
        params: {
          body: {
            inputs: ['x'],
            nodes: [
              { name: 'e', op: 'exp', inputs: ['x'] },
              { name: 'z', op: 'mul', inputs: ['e', 'k'] },
              { name: 't', op: 'sum', inputs: ['z'] },
            ],
            outputs: ['t', 'k'],
          },
          carry: 0,
        },
      },
    ],
    outputs: ['y', 'y:1'],
  },
  'loop that counts and picks': {
    inputs: { t: 'f64[5]', a0: 'f64', n0: 'i32', ks: 'i32[4]' },
    nodes: [
      {
        name: 'y',
        op: 'scan',
        inputs: ['a0', 'n0', 'ks'],
        params: {
          body: {
            inputs: ['a', 'n', 'k'],
            nodes: [
              { name: 'e', op: 'take', inputs: ['t', 'k'] },
              { name: 'b', op: 'mul', inputs: ['a', 'e'] },
              { name: 'm', op: 'add', inputs: ['n', 1] },
              { name: 'f', op: 'cast', inputs: ['n'], params: { dtype: 'float64' } },
              { name: 'r', op: 'mul', inputs: ['b', 'f'] },
            ],
            outputs: ['b', 'm', 'r', 'n'],
          },
          carry: 2,
        },
      },
    ],
    outputs: ['y', 'y:1', 'y:2', 'y:3'],
  },
  'loop with a state that becomes active': {
    inputs: { x: 'f64', w: 'f64' },
    nodes: [
      {
        name: 'y',
        op: 'scan',
        inputs: [1.5, 0.5, 'x'],
        params: {
          body: {
            inputs: ['a', 'b', 'c'],
            nodes: [
              { name: 'ab', op: 'mul', inputs: ['a', 'b'] },
              { name: 'bw', op: 'mul', inputs: ['b', 'c'] },
              { name: 'cs', op: 'sin', inputs: ['c'] },
              { name: 'cw', op: 'add', inputs: ['cs', 'w'] },
            ],
            outputs: ['ab', 'bw', 'cw'],
          },
          carry: 3,
          length: 3,
        },
      },
    ],
    outputs: ['y', 'y:1', 'y:2'],
  },
  'branch within a loop': {
    inputs: { a0: 'f64[2]', ps: 'bool[4]', xs: 'f64[4,2]', w: 'f64[2]' },
    nodes: [
      {
        name: 'z',
        op: 'scan',
        inputs: ['a0', 'ps', 'xs'],
        params: {
          body: {
            inputs: ['a', 'p', 'x'],
            nodes: [{ name: 'ax', op: 'mul', inputs: ['a', 'x'] }, ...choice('p', 'ax')],
            outputs: ['y', 'y:1'],
          },
          carry: 1,
        },
      },
    ],
    outputs: ['z', 'z:1'],
  },
  'loop within a branch': {
    inputs: { p: 'bool', h0: 'f64[2]', xs: 'f64[3,1]', w: 'f64[2,2]', u: 'f64[1,2]' },
    nodes: [
      {
        name: 'z',
        op: 'cond',
        inputs: ['p', 'h0', 'xs'],
        params: {
          then: {
            inputs: ['g', 'gs'],
            nodes: [{ name: 'y', op: 'scan', inputs: ['g', 'gs'], params: { body: cell, carry: 1 } }],
            outputs: ['y', 'y:1'],
          },
          else: {
            inputs: ['g', 'gs'],
            nodes: [
              { name: 'y', op: 'matmul', inputs: ['g', 'w'] },
              { name: 'r', op: 'matmul', inputs: ['gs', 'u'] },
            ],
            outputs: ['y', 'r'],
          },
        },
      },
    ],
    outputs: ['z', 'z:1'],
  },
  'loop within a loop': {
    inputs: { h0: 'f64[2]', xss: 'f64[2,3,1]', w: 'f64[2,2]', u: 'f64[1,2]' },
    nodes: [
      {
        name: 'z',
        op: 'scan',
        inputs: ['h0', 'xss'],
        params: {
          body: {
            inputs: ['g', 'gs'],
            nodes: [
              { name: 'y', op: 'scan', inputs: ['g', 'gs'], params: { body: cell, carry: 1, reverse: true } },
              { name: 'e', op: 'sin', inputs: ['y'] },
            ],
            outputs: ['e', 'y:1'],
          },
          carry: 1,
        },
      },
    ],
    outputs: ['z', 'z:1'],
  },
  'pullback of the client': {
    inputs: { x: 'f64[2,2]', k: 'f64[2,2]' },
    nodes: [
      { name: 'v', op: 'mul', inputs: ['x', 'k'] },
      { name: 'y', op: 'custom_vjp', inputs: ['v'], params: decay },
    ],
  },
  'pullback of the client with two inputs and outputs': {
    inputs: { x: 'f64[2]', z: 'f64[2]', k: 'f64[2]' },
    nodes: [
      // What is read from outside gets no cotangent, so it must not depend on a source here.
      { name: 'fixed', op: 'stop_gradient', inputs: ['k'] },
      {
        name: 'y',
        op: 'custom_vjp',
        inputs: ['x', 'z'],
        params: {
          forward: {
            inputs: ['a', 'b'],
            nodes: [
              { name: 'ab', op: 'mul', inputs: ['a', 'b'] },
              { name: 'p', op: 'mul', inputs: ['ab', 'fixed'] },
              { name: 'q', op: 'add', inputs: ['a', 'b'] },
            ],
            outputs: ['p', 'q'],
          },
          backward: {
            inputs: ['a', 'b', 'p', 'q', 'dp', 'dq'],
            nodes: [
              { name: 'dpk', op: 'mul', inputs: ['dp', 'fixed'] },
              { name: 'da', op: 'mul', inputs: ['dpk', 'b'] },
              { name: 'db', op: 'mul', inputs: ['dpk', 'a'] },
              { name: 'dx', op: 'add', inputs: ['da', 'dq'] },
              { name: 'dz', op: 'add', inputs: ['db', 'dq'] },
            ],
            outputs: ['dx', 'dz'],
          },
        },
      },
      { name: 'out', op: 'mul', inputs: ['y', 'y:1'] },
    ],
    outputs: ['out', 'y'],
  },
  'pullback of the client within a loop': {
    inputs: { a0: 'f64[2]', xs: 'f64[3,2]' },
    nodes: [
      {
        name: 'y',
        op: 'scan',
        inputs: ['a0', 'xs'],
        params: {
          body: {
            inputs: ['a', 'x'],
            nodes: [
              { name: 'v', op: 'mul', inputs: ['a', 'x'] },
              { name: 'd', op: 'custom_vjp', inputs: ['v'], params: decay },
            ],
            outputs: ['d', 'v'],
          },
          carry: 1,
        },
      },
    ],
    outputs: ['y', 'y:1'],
  },
  'pullback of the client within a branch': {
    inputs: { p: 'bool', x: 'f64[2]' },
    nodes: [
      {
        name: 'y',
        op: 'cond',
        inputs: ['p', 'x'],
        params: {
          then: {
            inputs: ['a'],
            nodes: [{ name: 'd', op: 'custom_vjp', inputs: ['a'], params: decay }],
            outputs: ['d'],
          },
          else: { inputs: ['a'], nodes: [{ name: 'd', op: 'sin', inputs: ['a'] }], outputs: ['d'] },
        },
      },
    ],
  },
  'dense layers': {
    inputs: { x: 'f64[3,2]' },
    nodes: [
      { name: 'first', op: 'dense', inputs: ['x'], params: { units: 4, activation: 'tanh' } },
      { name: 'second', op: 'dense', inputs: ['first'], params: { units: 1, use_bias: false } },
    ],
  },
};
