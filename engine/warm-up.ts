/**
 * @file Warming up: computations of every common kind, made and run a few times, so that the first ones that clients
 * ask for find the compiler's own code compiled.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { derive, withoutShifts } from './derive.ts';
import type { Engine } from './engine.ts';
import { build } from './program/build.ts';
import { Value } from './program/value.ts';
import { type Shape, sizeOf } from './types.ts';

/** A graph as text, the shapes of its inputs, and the inputs that it is differentiated by. */
interface Exercise {
  readonly graph: string;
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly sources: readonly string[];
}

const EXERCISES: readonly Exercise[] = [
  {
    graph: 'y = mean(exp(-x ** 2) * sin(x) + log(1 + x ** 2) / (1 + erf(x) ** 2) + tanh(x) * sqrt(1 + x ** 2))',
    inputs: { x: [40] },
    sources: ['x'],
  },
  {
    graph: 'h = maximum(x @ w + b, 0); y = -sum(log_softmax(h @ v, axis=1) * t) / 4',
    inputs: { x: [4, 12], w: [12, 24], b: [24], v: [24, 8], t: [4, 8] },
    sources: ['w', 'b', 'v'],
  },
  {
    graph: 'h = gelu(layer_norm(x) * g + b); y = sum(h * h)',
    inputs: { x: [6, 20], g: [20], b: [20] },
    sources: ['x', 'g', 'b'],
  },
  {
    graph: 'p = softmax(q @ transpose(k, axes=[0, 2, 1]) / 4, axis=2); o = p @ v; y = sum(o * o)',
    inputs: { q: [2, 6, 4], k: [2, 6, 4], v: [2, 6, 4] },
    sources: ['q', 'k', 'v'],
  },
];

/** How often each exercise is done: code that is run often enough is compiled. */
const TIMES = 12;

/** Does the exercises, giving way to other work in between. */
export async function warmUp(engine: Engine): Promise<void> {
  for (let time = 0; time < TIMES; time++)
    for (const exercise of EXERCISES) {
      await exerciseOnce(engine, exercise);
      await turn();
    }
}

async function exerciseOnce(engine: Engine, { graph: text, inputs, sources }: Exercise): Promise<void> {
  const values = new Map(
    Object.entries(inputs).map(([name, shape]) => [
      name,
      new Value(
        'float32',
        shape,
        Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1)),
      ),
    ]),
  );
  const graph = build(engine.readGraph(text), values, engine.limits);
  const derived = derive(graph, ['y'], [{ kind: 'gradient', targets: ['y'], sources }], engine.limits);
  const { program, inputs: names } = withoutShifts(derived);
  const executable = engine.compile(program);
  executable.release(await executable.run(names.map((name) => values.get(name)?.data as Float32Array)));
}
