/** What native runs do at their ends: deadlines, routines of others that fail, nothing at all, and tensors handed through. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Checkpoint, UNLIMITED } from '../../engine/backends/backend.ts';
import { plan } from '../../engine/compile/plan.ts';
import { add } from '../../engine/ops/add.ts';
import { cond } from '../../engine/ops/cond.ts';
import { constant } from '../../engine/ops/constant.ts';
import { mul } from '../../engine/ops/mul.ts';
import { ne } from '../../engine/ops/ne.ts';
import { defineOp, type Op, operand } from '../../engine/ops/op.ts';
import { scan } from '../../engine/ops/scan.ts';
import { where } from '../../engine/ops/where.ts';
import { Builder } from '../../engine/program/builder.ts';
import type { Program, Var } from '../../engine/program/program.ts';
import { executable } from '../../engine/runtime/execute.ts';
import { vmapAll } from '../../engine/transform/vmap.ts';
import type { Tensor, TensorType, TypedArray } from '../../engine/types.ts';
import { expectSame } from '../laws/compare.ts';
import { subjectsOfControl } from '../laws/control.ts';
import { draw, randomOf } from '../laws/draw.ts';
import { isRunnable } from '../laws/laws.ts';
import { DEFINITION, dataOf, evaluate, NATIVE } from '../laws/run.ts';
import { ENTRIES, subjectOf, typeOf } from '../laws/table.ts';
import { derivative, graphProgram } from '../programs/graphs.ts';

/** A plan on the native backend, to be run several times. */
function bind(program: Program): (inputs: readonly TypedArray[], checkpoint?: Checkpoint) => TypedArray[] {
  const bound = executable(plan(program, NATIVE), NATIVE!);
  return (inputs, checkpoint) => dataOf(bound.run(inputs, checkpoint) as Tensor[]);
}

function agree(program: Program, name: string): void {
  const inputs = program.inputs.map(({ type }) => draw(type, randomOf(name)));
  const expected = evaluate(program, inputs, DEFINITION);
  expectSame(evaluate(program, inputs, NATIVE), expected, NATIVE!.tolerance, name);
}

/** A program of one loop over nothing, `x` its state; `body` makes the next one. */
function looping(type: TensorType, length: number, body: (b: Builder, x: Var) => Var): Program {
  const within = new Builder();
  const next = body(within, within.input(type));
  const b = new Builder();
  const params = { body: within.build([next]), constants: 0, carried: 1, length, reverse: false };
  return b.build(b.emit(scan, [b.input(type)], params));
}

/** A run that must end in some milliseconds. */
function within(milliseconds: number): Checkpoint {
  const end = performance.now() + milliseconds;
  return {
    left: () => end - performance.now(),
    check() {
      if (performance.now() > end) throw new Error('the end has come');
    },
  };
}

describe.skipIf(!NATIVE)('the end of a run (needs libLLVM)', () => {
  const counting = (b: Builder, x: Var): Var => add(b, x, b.full(1, x.type));
  const type = typeOf('f64[4096]');
  const many = 1_000_000;
  const start = Float64Array.from({ length: 4096 }, (_, i) => i);

  /** Ends early and says so; afterwards it is as if nothing had happened. */
  function expectEnd(program: Program, inputs: readonly TypedArray[], expected?: TypedArray, end = 20): void {
    const run = bind(program);
    const begun = performance.now();
    expect(() => run(inputs, within(end))).toThrow('the end has come');
    const took = performance.now() - begun;
    if (took >= 150) {
      // On a busy machine all takes longer: what it would have taken says whether it was ended.
      const again = performance.now();
      run(inputs);
      expect(took).toBeLessThan((performance.now() - again) / 2);
    }
    if (expected) expect(run(inputs)).toEqual([expected]);
  }

  test('comes between the trips of a loop', () => {
    expectEnd(
      looping(type, many, counting),
      [start],
      start.map((x) => x + many),
    );
  });

  test('comes between the trips of a loop within a loop', () => {
    const short = looping(type, many / 100, counting);
    expectEnd(
      looping(type, 100, (b, x) => b.inline(short, [x])[0]!),
      [start],
    );
    const long = looping(type, many, counting);
    expectEnd(
      looping(type, 2, (b, x) => b.inline(long, [x])[0]!),
      [start],
    );
  });

  test('comes within a branch', () => {
    const b = new Builder();
    const branches = [looping(type, many, counting), looping(type, 3, counting)];
    const program = b.build(b.emit(cond, [b.input(typeOf('i32')), b.input(type)], { branches }));
    expectEnd(program, [Int32Array.of(0), start]);
    expect(bind(program)([Int32Array.of(1), start], within(1000))).toEqual([start.map((x) => x + 3)]);
  });

  test('comes between steps', () => {
    const names = Array.from({ length: 25 }, (_, i) => `x${i} = x${i - 1} @ w / 8`).slice(1);
    const program = graphProgram(names.join('\n'), { x0: 'f64[512,512]', w: 'f64[512,512]' });
    expectEnd(
      program,
      program.inputs.map(() => new Float64Array(512 * 512).fill(0.01)),
    );
  });

  test('comes within a step', () => {
    // A run that went on to its end would not throw.
    const product = bind(graphProgram('y = x @ x', { x: 'f64[3000,3000]' }));
    expect(() => product([new Float64Array(9_000_000).fill(0.01)], within(20))).toThrow('the end has come');
    const names = Array.from({ length: 40 }, (_, i) => `x${i + 1} = ${['sin', 'tanh', 'exp', 'erf'][i % 4]}(x${i})`);
    const elements = new Float64Array(8_000_000).fill(0.5);
    const elementwise = bind(graphProgram(names.join('\n'), { x0: 'f64[8000000]' }));
    expect(() => elementwise([elements], within(20))).toThrow('the end has come');
  });

  test('that has come before is not begun', () => {
    expectEnd(looping(type, many, counting), [start], undefined, -1);
  });

  test('that lies in the past of another run is forgotten', () => {
    const run = bind(looping(type, 10_000, counting));
    for (const end of [within(1e6), UNLIMITED, within(1e12)])
      expect(run([start], end)).toEqual([start.map((x) => x + 10_000)]);
  });
});

describe.skipIf(!NATIVE)('a routine without native code (needs libLLVM)', () => {
  /** Runs of the routine since the test began. */
  let runs = 0;
  /** Twice the input; fails where that begins with NaN. */
  const twice: Op = defineOp({
    name: 'twice',
    family: 'elementwise',
    doc: '',
    operands: [operand('x')],
    variadic: false,
    broadcast: true,
    params: z.strictObject({}),
    type: ([x]) => [x!],
    jvp: 'linear',
    batch: 'pointwise',
    lower: {
      kind: 'routine',
      routine: () => ({
        name: 'twice',
        sizes: {},
        flops: 0,
        run: ([x], [y]) => {
          runs++;
          if (Number.isNaN(x![0])) throw new Error('the routine fails');
          (y as Float64Array).set((x as Float64Array).map((element) => 2 * element));
        },
      }),
    },
    cases: [],
    samples: [],
  });
  const type = typeOf('f64[3]');
  const inPlan = (): Program => {
    const b = new Builder();
    const x = b.input(type);
    return b.build([add(b, twice(b, mul(b, x, x)), x)]);
  };
  const inBranch = (): Program => {
    const b = new Builder();
    const [p, x] = [b.input(typeOf('i32')), b.input(type)];
    const identity = new Builder();
    const branches = [identity.build([identity.input(type)]), inPlan()];
    return b.build(b.emit(cond, [p, x], { branches }));
  };
  const inLoop = (): Program => looping(type, 1000, (b, x) => add(b, twice(b, x), mul(b, x, b.full(-1, type))));
  const x = Float64Array.of(1, -2, 3);
  const fails = Float64Array.of(Number.NaN, 0, 0);

  test.each<[string, () => Program, TypedArray[], TypedArray[]]>([
    ['a plan', inPlan, [x], [Float64Array.of(3, 6, 21)]],
    ['a branch', inBranch, [Int32Array.of(1), x], [Float64Array.of(3, 6, 21)]],
    ['a branch not taken', inBranch, [Int32Array.of(0), x], [x]],
    ['a loop', inLoop, [x], [x]],
  ])('is called back for in %s', (_, program, inputs, expected) => {
    const run = bind(program());
    for (let i = 0; i < 3; i++) expect(run(inputs)).toEqual(expected);
  });

  test.each<[string, () => Program, TypedArray[]]>([
    ['a plan', inPlan, []],
    ['a branch', inBranch, [Int32Array.of(1)]],
    ['a loop', inLoop, []],
  ])('fails once in %s, and the next run is right', (_, program, before) => {
    const run = bind(program());
    const expected = run([...before, x]);
    runs = 0;
    expect(() => run([...before, fails])).toThrow('the routine fails');
    expect(runs).toBe(1);
    expect(run([...before, x])).toEqual(expected);
  });
});

describe.skipIf(!NATIVE)('what is handed through (needs libLLVM)', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const ones = (type: TensorType): TypedArray => draw(type, () => 0.99);

  test('programs over nothing', () => {
    const first = ENTRIES.flatMap((entry) => entry.samples.slice(0, 1).map((sample) => subjectOf(entry, sample)));
    for (const { name, program } of [...subjectsOfControl(), ...first]) {
      if (program.inputs.length === 0 || !isRunnable(program)) continue;
      agree(
        vmapAll(
          program,
          program.inputs.map(() => true),
          0,
        ),
        name,
      );
    }
    const graphs = [
      'y = sum(exp(x), axis=1) + 1',
      'y = sum(x) + prod(x)',
      'y = x @ transpose(x)',
      'y = mean(x, axis=0)',
    ];
    for (const graph of graphs)
      for (const shape of ['0,3', '3,0', '0,0', '500,0'])
        agree(derivative(graphProgram(graph, { x: `f32[${shape}]` })), `${graph} of ${shape}`);
  });

  test('tensors of eight axes', () => {
    const inputs = { x: 'f64[2,1,3,2,1,2,2,3]', z: 'f32[3,1,2,1,2,3]' };
    const graphs = [
      'y = transpose(x, axes=[7, 0, 6, 1, 5, 2, 4, 3]) * 2',
      'y = x * z + sum(x, axis=[0, 2, 5], keepdims=True)',
      'y = max(flip(x, axis=[0, 7]), axis=[1, 3, 7]) + argmin(sum(x, axis=2), axis=0)[0, 0, 0, 0, 0, 0]',
      'y = concatenate([x, x[:, :, ::-1]], axis=6)[1, 0, 1:, ..., 2]',
    ];
    for (const graph of graphs) agree(derivative(graphProgram(graph, inputs)), graph);
  });

  test.each(['bool', 'int32', 'int64', 'float32', 'float64'] as const)(
    'inputs, constants and outputs of %s, small and large',
    (dtype) => {
      for (const size of [1, 7, 40, 300]) {
        const type: TensorType = { dtype, shape: [size] };
        const data = draw(type, randomOf(`${dtype}${size}`));
        const kept = data.slice() as TypedArray;
        const b = new Builder();
        const [x, unused] = [b.input(type), b.input(type)];
        const held = b.emit(constant, [], { tensor: { type, data } })[0]!;
        const flag = ne(b, x, held);
        const chosen = where(b, flag, held, x);
        // Inputs, a constant, and what is computed, twice.
        const run = bind(b.build([unused, x, held, flag, chosen, chosen, x]));
        const inputs = [draw(type, randomOf(`${dtype}${size}, other`)), ones(type)] as const;
        for (const given of [inputs[0], ones(type)]) {
          const outputs = run([given, inputs[1]]);
          const flags = Uint8Array.from(given.keys(), (i) => Number(given[i] !== kept[i]));
          expect(outputs).toEqual([inputs[1], given, kept, flags, kept, kept, given]);
          expect(outputs[0]).toBe(inputs[1]);
          expect(outputs[5]).toBe(outputs[4]);
          // Small arrays lie where the engine may move them.
          collect();
        }
      }
    },
  );
});
