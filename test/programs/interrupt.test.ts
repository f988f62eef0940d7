// biome-ignore-all lint/suspicious/noThenProperty: documents call a branch so, and nothing here is awaited.
/**
 * @file Work that is interrupted at any of its looks at the checkpoint leaves the engine as it was: it ends with what
 * the checkpoint threw, nothing is remembered, and the same work done again gives the same numbers.
 */
import { describe, expect, test } from 'vitest';
import type { Backend, Checkpoint } from '../../engine/backends/backend.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { portable } from '../../engine/backends/portable.ts';
import { derive, type Transform, withoutShifts } from '../../engine/derive.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { poll } from '../../engine/interrupt.ts';
import { build } from '../../engine/program/build.ts';
import type { GraphDocumentInput } from '../../engine/program/document.ts';
import { hashProgram } from '../../engine/program/hash.ts';
import { Value } from '../../engine/program/value.ts';
import type { Executable } from '../../engine/runtime/execute.ts';
import { fragmentOf } from '../../engine/tape/fragment.ts';
import type { Tensor, TypedArray } from '../../engine/types.ts';

/** A checkpoint that throws when it is asked for the `last`-th time. */
interface Counted extends Checkpoint {
  asked: number;
  readonly reason: EngineError;
}

function endingAt(last: number): Counted {
  const counted: Counted = {
    asked: 0,
    reason: new EngineError('deadline_exceeded', `interrupted at look ${last}`),
    left: () => Infinity,
    check() {
      if (++counted.asked >= last) throw counted.reason;
    },
  };
  return counted;
}

/** A request: a graph and what is asked of it, with a point where it is asked. */
interface Asked {
  readonly graph: GraphDocumentInput | string;
  readonly transforms: readonly Transform[];
  readonly target: string;
  readonly values: Readonly<Record<string, readonly [shape: readonly number[], data: readonly number[]]>>;
}

function valuesOf({ values }: Asked): Map<string, Value> {
  return new Map(
    Object.entries(values).map(([name, [shape, data]]) => [name, new Value('float32', shape, Float32Array.from(data))]),
  );
}

/** Does what a request that computes has an engine do, and says whether it was remembered. */
function prepared(engine: Engine, asked: Asked): { readonly value: Executable; readonly cached: boolean } {
  const values = valuesOf(asked);
  const make = (): Executable => {
    const { value: graph } = engine.remember(
      'graph',
      () => build(engine.readGraph(asked.graph), values, engine.limits),
      () => 1,
    );
    hashProgram(graph.program);
    const { program } = withoutShifts(derive(graph, [asked.target], asked.transforms, engine.limits));
    engine.estimate(program);
    return engine.compile(program);
  };
  return engine.remember('prepared', make, () => 1);
}

function dataOf(tensors: readonly Tensor[]): readonly (readonly unknown[])[] {
  return tensors.map(({ data }) => Array.from(data as Float64Array));
}

function run(made: Executable, asked: Asked, checkpoint?: Checkpoint): readonly (readonly unknown[])[] {
  const inputs: TypedArray[] = [...valuesOf(asked).values()].map(({ data }) => data as TypedArray);
  return dataOf(made.run(inputs, checkpoint) as Tensor[]);
}

const ITEMS = Array.from({ length: 16 }, (_, i) => i);

const REQUESTS: Readonly<Record<string, Asked>> = {
  'the second derivative of a line of text': {
    graph: ITEMS.map((i) => `x${i + 1} = tanh(x${i} * sin(x${i}) + ${i})`).join('\n'),
    transforms: [
      { kind: 'gradient', sources: ['x0'] },
      { kind: 'gradient', sources: ['x0'] },
    ],
    target: 'x16',
    values: { x0: [[], [0.3]] },
  },
  'the Hessian of a document': {
    graph: {
      inputs: { x: {}, w: {} },
      nodes: [
        { name: 'h', op: 'matmul', inputs: ['x', 'w'] },
        { name: 'a', op: 'softmax', inputs: ['h'], params: { axis: 1 } },
        { name: 'b', op: 'layer_norm', inputs: ['a'] },
        { name: 'y', op: 'sum', inputs: ['b'] },
      ],
    },
    transforms: [{ kind: 'hessian', sources: ['w'] }],
    target: 'y',
    values: {
      x: [
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      ],
      w: [
        [3, 2],
        [0.1, -0.2, 0.3, -0.4, 0.5, -0.6],
      ],
    },
  },
  'the gradient of loops and branches': {
    graph: {
      inputs: { x: {} },
      nodes: [
        {
          name: 's',
          op: 'scan',
          inputs: ['x'],
          params: {
            length: 5,
            carry: 1,
            body: {
              inputs: ['h'],
              nodes: [
                { name: 'p', op: 'greater', inputs: ['h', 0] },
                {
                  name: 'c',
                  op: 'cond',
                  inputs: ['p', 'h'],
                  params: {
                    then: { inputs: ['a'], nodes: [{ name: 'r', op: 'sin', inputs: ['a'] }], outputs: ['r'] },
                    else: { inputs: ['a'], nodes: [{ name: 'r', op: 'cos', inputs: ['a'] }], outputs: ['r'] },
                  },
                },
                { name: 'd', op: 'tanh', inputs: ['c'] },
                { name: 'e', op: 'exp', inputs: ['d'] },
                { name: 'f', op: 'mul', inputs: ['e', 'h'] },
                { name: 'g', op: 'sin', inputs: ['f'] },
                { name: 'n', op: 'sub', inputs: ['g', 0.4] },
              ],
              outputs: ['n'],
            },
          },
        },
        { name: 'y', op: 'identity', inputs: ['s'] },
      ],
    },
    transforms: [
      { kind: 'gradient', sources: ['x'] },
      { kind: 'gradient', sources: ['x'] },
    ],
    target: 'y',
    values: { x: [[], [0.7]] },
  },
};

function engineOn(backend: Backend): Engine {
  return createEngine({ backend });
}

/** Interrupts the work at some of its looks, each time on an engine of its own, and then has it done there. */
function expectUnharmed(asked: Asked, backend: Backend, step: number): void {
  const whole = prepared(engineOn(backend), asked).value;
  const expected = run(whole, asked);
  const total = endingAt(Infinity);
  prepared(engineOn(backend).within(total), asked);
  expect(total.asked).toBeGreaterThan(10);
  let interrupted = 0;
  for (let k = 1; k <= total.asked + 1; k += step) {
    const engine = engineOn(backend);
    const checkpoint = endingAt(k);
    // Looks come every so many polls: this moves them, so that other polls are the ones that look.
    for (let i = 0; i < (k * 61) % 256; i++) poll();
    let thrown: unknown;
    try {
      prepared(engine.within(checkpoint), asked);
    } catch (reason) {
      thrown = reason;
    }
    // The very error, with no place in the graph put to it; after it nobody asks again.
    if (checkpoint.asked >= k) {
      expect(thrown).toBe(checkpoint.reason);
      expect(checkpoint.asked).toBe(k);
      interrupted++;
    } else expect(thrown).toBeUndefined();
    const again = prepared(engine, asked);
    expect(again.cached).toBe(thrown === undefined);
    expect(run(again.value, asked)).toEqual(expected);
    expect(prepared(engine, asked).cached).toBe(true);
  }
  expect(interrupted).toBeGreaterThanOrEqual(Math.floor((total.asked - 2) / step));
}

describe.each(Object.entries(REQUESTS))('%s', (_, asked) => {
  test('interrupted at any look, in JavaScript', { timeout: 120_000 }, () => {
    expectUnharmed(asked, portable, 1);
  });

  // A backend of its own, so that nothing is compiled yet.
  const native = openNative({ threads: 2 });
  test.skipIf(!native)('interrupted at some looks, in native code (needs libLLVM)', { timeout: 120_000 }, () => {
    expectUnharmed(asked, native as Backend, 5);
  });
});

test('an engine bound to one request answers another as if nothing had happened', () => {
  const asked = REQUESTS['the second derivative of a line of text'] as Asked;
  const engine = engineOn(portable);
  const late = engine.within(endingAt(1));
  expect(() => prepared(late, asked)).toThrow('interrupted at look 1');
  const made = prepared(engine.within(endingAt(Infinity)), asked);
  expect(made.cached).toBe(false);
  // What is remembered is there for everybody, however late.
  expect(prepared(late, asked)).toEqual({ value: made.value, cached: true });
});

test('what tapes remember is computed for later requests, when the one that recorded it is over', () => {
  const engine = engineOn(portable);
  const { program } = build(
    engine.readGraph('y = sin(x) * x'),
    new Map([['x', new Value('float32', [], Float32Array.of(2))]]),
    engine.limits,
  );
  const over = endingAt(Infinity);
  const fragment = fragmentOf({ key: 'a', program, wanted: [0] }, [[true]], engine);
  expect(fragmentOf({ key: 'a', program, wanted: [0] }, [[true]], engine.within(over))).toBe(fragment);
  const [y] = fragment.executable().run([Float32Array.of(2)]) as Tensor[];
  expect(y?.data[0]).toBeCloseTo(Math.sin(2) * 2, 6);
});

describe('runs that are interrupted', () => {
  /** Programs of one long kernel or routine, which says by itself where it may end. */
  const LONG: Readonly<Record<string, Asked>> = {
    'an elementwise kernel': {
      graph: 'y = sin(x + arange(0, 300000) / 1000)',
      transforms: [],
      target: 'y',
      values: { x: [[], [0.5]] },
    },
    'a fold': {
      graph: 'y = sum(sin(x + arange(0, 300000) / 1000))',
      transforms: [],
      target: 'y',
      values: { x: [[], [0.5]] },
    },
    'a product of matrices': {
      graph: 'a = reshape(arange(0, 40000) / 40000 + x, (200, 200)); y = a @ a',
      transforms: [],
      target: 'y',
      values: { x: [[], [0.5]] },
    },
    'sums at picked places': {
      graph: 'y = scatter_add(zeros((10,)), cast(arange(0, 300000) % 10, dtype="int32"), broadcast_to(x, (300000,)))',
      transforms: [],
      target: 'y',
      values: { x: [[], [0.5]] },
    },
  };

  test.each(Object.entries(LONG))('%s ends within, and runs as ever afterwards', (_, asked) => {
    const made = prepared(engineOn(portable), asked).value;
    const expected = run(made, asked);
    const whole = endingAt(Infinity);
    run(made, asked, whole);
    // More than one look a step: it looks within.
    expect(whole.asked).toBeGreaterThan(made.plan.steps.length + 2);
    for (const k of [1, 2, Math.ceil(whole.asked / 2), whole.asked - 1]) {
      const checkpoint = endingAt(k);
      expect(() => run(made, asked, checkpoint)).toThrow(checkpoint.reason);
      expect(checkpoint.asked).toBe(k);
    }
    expect(run(made, asked)).toEqual(expected);
  });

  test('loops and branches ask between their steps', () => {
    const asked = REQUESTS['the gradient of loops and branches'] as Asked;
    const made = prepared(engineOn(portable), asked).value;
    const whole = endingAt(Infinity);
    const expected = run(made, asked, whole);
    for (let k = 1; k <= whole.asked; k++) {
      const checkpoint = endingAt(k);
      expect(() => run(made, asked, checkpoint)).toThrow(checkpoint.reason);
      expect(checkpoint.asked).toBe(k);
    }
    expect(run(made, asked)).toEqual(expected);
  });
});
