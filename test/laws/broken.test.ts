/** Every law can fail: ops and programs with one thing wrong, and the law that must notice. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Plan, plan } from '../../engine/compile/plan.ts';
import type { Routine } from '../../engine/compile/routine.ts';
import { broadcastTo } from '../../engine/ops/broadcast-to.ts';
import { cos } from '../../engine/ops/cos.ts';
import { mul } from '../../engine/ops/mul.ts';
import { type BatchRule, type CotangentRule, defineOp, type OpRules, operand } from '../../engine/ops/op.ts';
import { sin } from '../../engine/ops/sin.ts';
import { sum } from '../../engine/ops/sum.ts';
import { Builder } from '../../engine/program/builder.ts';
import type { Var } from '../../engine/program/program.ts';
import { EXACT, expectSame } from './compare.ts';
import { randomFrom } from './draw.ts';
import { LAWS } from './laws.ts';
import { checkPlan } from './memory.ts';
import type { Subject } from './table.ts';

/** An op that is right: `sin(x)`, with everything by the book. */
const RIGHT: OpRules = {
  name: 'right',
  family: 'elementwise',
  doc: '',
  operands: [operand('x')],
  variadic: false,
  broadcast: true,
  params: z.strictObject({}),
  type: ([x]) => [x!],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, cos(b, x))],
  batch: 'pointwise',
  lower: { kind: 'map', element: (e, read, at) => e.apply('sin', [read(0, at)]) },
  cases: [],
  samples: [],
};

function subject(wrong: Partial<OpRules>, type = 'float64' as 'float64' | 'bool'): Subject {
  const op = defineOp({ ...RIGHT, ...wrong });
  const b = new Builder();
  const x = b.input({ dtype: type, shape: [3] });
  return { name: 'broken', program: b.build(b.emit(op as OpRules, [x])), domains: [] };
}

function withRoutine(run: Routine['run'], wrong: Partial<OpRules> = {}, type?: 'bool'): Subject {
  const lower = { kind: 'routine', routine: () => ({ name: 'broken', sizes: {}, flops: 0, run }) } as const;
  return subject({ ...wrong, lower }, type);
}

let runs = 0;

/** A result that is another in every run. */
const fickle = (wrong: Partial<OpRules> = {}): Subject =>
  withRoutine((_, [y]) => (y as Float64Array).fill(runs++), wrong);

/** `cos`, with a derivative that is wrong. */
const wrongSlope = defineOp({
  ...RIGHT,
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, sin(b, x))],
  lower: { kind: 'map', element: (e, read, at) => e.apply('cos', [read(0, at)]) },
});

/** A batch rule that mixes up the examples: each gets the sum of all. */
const mixedUp: BatchRule<unknown> = (b, { x: [x] }) => ({
  y: [repeated(b, sum(b, x, { axes: [0] }), x)],
  batched: [true],
});

/** `cos`, right but for its batches. */
const wrongBatch = defineOp({
  ...RIGHT,
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, sin(b, x))],
  batch: mixedUp,
  lower: { kind: 'map', element: (e, read, at) => e.apply('cos', [read(0, at)]) },
});

/** A cotangent rule that is wrong by a factor. */
const twice: CotangentRule<unknown> = (b, ct) => mul(b, ct, b.full(2, ct.type));

function repeated(b: Builder, from: Var, to: Var): Var {
  return broadcastTo(b, from, { shape: to.type.shape });
}

/** The identity, which says that it is linear. */
const linear: Partial<OpRules> = {
  jvp: 'linear',
  transpose: [(_, ct) => ct],
  lower: { kind: 'map', element: (_, read, at) => read(0, at) },
};

const outOfOrder = (): Subject => {
  const { program, ...rest } = subject({});
  const b = new Builder();
  b.emit(sin as OpRules, [program.outputs[0] as Var]);
  return { ...rest, program: { ...program, eqns: [...b.eqns, ...program.eqns] } };
};

/** For each law, a subject that breaks it, and what the law must say. */
const BROKEN: Readonly<Record<keyof typeof LAWS, readonly [() => Subject, string]>> = {
  backendsAgree: [() => fickle(), 'portable, output 0'],
  nativeAgrees: [() => fickle(), 'native, output 0'],
  typesAreTrue: [() => withRoutine((_, [y]) => (y as Uint8Array).fill(2), {}, 'bool'), 'neither 0 nor 1'],
  primalIsValue: [
    () => subject({ jvp: (b, { x: [x] }, [dx]) => ({ y: [cos(b, x)], dy: [mul(b, dx as Var, cos(b, x))] }) }),
    'primal, output 0',
  ],
  jvpIsDifference: [() => subject({ jvp: [(b, dx, { x: [x] }) => mul(b, dx, sin(b, x))] }), 'jvp, output 0'],
  pullbackIsDifference: [() => subject({ ...linear, transpose: [twice] }), 'vjp: the inner products'],
  linearizeIsJvp: [() => fickle({ jvp: [(b, dx, { y: [y] }) => mul(b, dx, y)] }), 'linearized, output 0'],
  transposeIsAdjoint: [() => subject({ ...linear, transpose: [twice] }), 'transpose: the inner products'],
  declaredLinearityHolds: [() => subject({ ...linear, lower: RIGHT.lower }), 'linear combination'],
  secondOrderHolds: [() => subject({ jvp: [(b, dx, { x: [x] }) => mul(b, dx, wrongSlope(b, x))] }), 'jvp, output 0'],
  vmapIsLoop: [() => subject({ batch: mixedUp }), 'vmap of inputs [true]'],
  vmapKeepsWhatIsShared: [() => fickle(), 'vmap of nothing'],
  vmapOfDerivativesIsLoop: [
    () => subject({ jvp: [(b, dx, { x: [x] }) => mul(b, dx, wrongBatch(b, x))] }),
    'vmap of inputs',
  ],
  stackedDerivativesAreLoops: [
    () => subject({ ...linear, batch: mixedUp, transpose: [(b, ct) => wrongBatch(b, ct)] }),
    'a stack through pullback',
  ],
  textRoundTrips: [outOfOrder, 'expected a token'],
  wireRoundTrips: [() => withRoutine((_, [y]) => (y as Uint8Array).fill(2), {}, 'bool'), 'for a bool'],
  fusedIsUnfused: [() => fickle(), 'fused, output 0'],
  fusedIsUnfusedInNative: [() => fickle(), 'fused, output 0'],
  simplifiedIsSame: [() => subject({ simplify: (b, { x: [x] }) => mul(b, x, x) }), 'simplified, output 0'],
  storageIsWritten: [
    () => withRoutine(([x], [y]) => (y as Float64Array).set((x as Float64Array).subarray(1))),
    'in poisoned storage',
  ],
};

describe('laws fail where they should', () => {
  // Plans are the compiler's, not an op's: below, plans that are wrong are shown to what this law checks them with.
  for (const [name, law] of Object.entries(LAWS).filter(([name]) => name !== 'memoryIsAsPlanned'))
    test(name, () => {
      const [broken, message] = BROKEN[name] ?? [];
      if (!broken) throw new Error('there is no subject that breaks the law');
      expect(() => law(broken(), randomFrom(1))).toThrow(message);
    });

  test('and hold where they should', () => {
    const names = Object.keys(LAWS).filter((name) => name !== 'textRoundTrips');
    for (const name of names) LAWS[name]?.(subject({}), randomFrom(1));
  });
});

describe('instruments fail where they should', () => {
  const chain = (): Plan => {
    const b = new Builder();
    const x = b.input({ dtype: 'float64', shape: [3, 3] });
    // Both sums are read by folds of another space, and the first again by the last.
    const rows = sum(b, x, { axes: [0] });
    const total = sum(b, mul(b, rows, rows), { axes: [0] });
    const last = sum(b, mul(b, rows, repeated(b, total, rows)), { axes: [0] });
    return plan(b.build([last]));
  };

  test('buffers that share bytes while both are alive', () => {
    const planned = chain();
    checkPlan(planned);
    const buffers = planned.buffers.map((buffer) =>
      buffer.place.kind === 'arena' ? { ...buffer, place: { kind: 'arena', offset: 0 } as const } : buffer,
    );
    expect(() => checkPlan({ ...planned, buffers })).toThrow('share bytes');
    expect(() => checkPlan({ ...planned, arenaBytes: 0 })).toThrow('arena');
    expect(() => checkPlan({ ...planned, steps: planned.steps.toReversed() })).toThrow('nothing has written');
  });

  test('zeros of different signs, and NaN against a number', () => {
    const tensor = (...data: number[]) => [
      { type: { dtype: 'float64', shape: [data.length] } as const, data: Float64Array.of(...data) },
    ];
    expect(() => expectSame(tensor(0), tensor(-0), EXACT, 'zero')).toThrow('expected');
    expect(() => expectSame(tensor(Number.NaN), tensor(0), { float32: 1, float64: 1 }, 'nan')).toThrow('expected');
    expectSame(tensor(Number.NaN), tensor(Number.NaN), EXACT, 'nan');
  });
});
