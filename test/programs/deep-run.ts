/** @file Takes long chains through every pass, in a process with a small stack; prints what it found as one line of JSON. */
import { portable } from '../../engine/backends/portable.ts';
import { type Cost, plan } from '../../engine/compile/plan.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { OPS } from '../../engine/ops/index.ts';
import type { OpRules } from '../../engine/ops/op.ts';
import { build } from '../../engine/program/build.ts';
import { readDocument } from '../../engine/program/document.ts';
import { hashProgram } from '../../engine/program/hash.ts';
import { parse } from '../../engine/program/parse.ts';
import { print } from '../../engine/program/print.ts';
import type { Program } from '../../engine/program/program.ts';
import { verify } from '../../engine/program/verify.ts';
import { executable } from '../../engine/runtime/execute.ts';
import { gradient, pushforward } from '../../engine/transform/compose.ts';
import { links } from '../../engine/transform/connect.ts';
import { simplify } from '../../engine/transform/simplify.ts';
import { vmapAll } from '../../engine/transform/vmap.ts';
import type { TensorType } from '../../engine/types.ts';

/** What a chain came to. */
export interface Found {
  readonly hash: string;
  readonly sameWhenReadBack: boolean;
  readonly link: string;
  readonly value: number;
  readonly derivative: number;
  readonly pushed: number;
  readonly batched: readonly number[];
  readonly equations: number;
  readonly cost: Pick<Cost, 'flops' | 'peakBytes'>;
}

type Shape = 'scalar' | 'vector';

/** Chains by name: what each node is to the one before. */
const CHAINS = {
  /** Elementwise, with a dear function now and then. */
  mixed: (before: string, i: number) =>
    i % 3 === 0 ? ['sin', [before]] : i % 3 === 1 ? ['mul', [before, 1.0001]] : ['add', [before, 0.0001]],
  /** Each step reads the one before twice: a program that copies what it shares would double at each. */
  doubling: (before: string, i: number) => (i % 2 === 0 ? ['add', [before, before]] : ['mul', [before, 0.5]]),
  /** Each step waits for a fold. */
  folds: (before: string, i: number) => (i % 2 === 0 ? ['sum', [before]] : ['broadcast_to', [before]]),
} as const satisfies Record<string, (before: string, i: number) => readonly [string, readonly (string | number)[]]>;

/** A kind of chain. */
export type Chain = keyof typeof CHAINS;

function chain(kind: Chain, length: number, shape: Shape): Program {
  const nodes = Array.from({ length }, (_, i) => {
    const [op, inputs] = CHAINS[kind](i === 0 ? 'x' : `n${i - 1}`, i);
    return { name: `n${i}`, op, inputs, params: op === 'broadcast_to' ? { shape: [3] } : {} };
  });
  const type: TensorType = { dtype: 'float64', shape: shape === 'scalar' ? [] : [3] };
  const document = readDocument({ inputs: { x: type }, nodes, outputs: [`n${length - 1}`] }, DEFAULT_LIMITS);
  return build(document, new Map(), DEFAULT_LIMITS).program;
}

function run(program: Program, inputs: readonly Float64Array[]): Float64Array[] {
  const made = executable(plan(program), portable).run(inputs) as { data: Float64Array }[];
  return made.map(({ data }) => data);
}

function found(kind: Chain, length: number, shape: Shape): Found {
  const program = chain(kind, length, shape);
  verify(program);
  const text = print(program);
  const read = parse(text, new Map((OPS as unknown as readonly OpRules[]).map((op) => [op.name, op])));
  const derived = gradient(program, 1, [0]);
  verify(derived);
  const simplified = simplify(derived);
  verify(simplified);
  const x = new Float64Array(shape === 'scalar' ? 1 : 3).fill(0.7);
  const [value, derivative] = run(simplified, [x]);
  const [, pushed] = run(pushforward(program, 1, [0], undefined), [x, x.map(() => 1)]);
  const batched = vmapAll(program, [true], 2);
  verify(batched);
  const both = new Float64Array(2 * x.length).fill(0.7);
  return {
    hash: hashProgram(program),
    sameWhenReadBack: hashProgram(read) === hashProgram(program),
    link: links(program, program.outputs)(program.inputs[0] as Program['inputs'][0]),
    value: value?.[0] as number,
    derivative: derivative?.[0] as number,
    pushed: pushed?.[0] as number,
    batched: [...(run(batched, [both])[0] as Float64Array)],
    equations: simplified.eqns.length,
    cost: plan(simplified).cost,
  };
}

const [kind, length, shape] = process.argv.slice(2) as [Chain, string, Shape];
process.stdout.write(JSON.stringify(found(kind, Number(length), shape)));
