/** @file Native routines against their definitions: every dtype, layout and vector width, at sizes around those of tiles. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBlas } from '../../engine/backends/native/blas.ts';
import { Module } from '../../engine/backends/native/ir.ts';
import type { NativeRoutine } from '../../engine/backends/native/routine.ts';
import { ROUTINES } from '../../engine/backends/native/routines/index.ts';
import { openblasMatmul } from '../../engine/backends/native/routines/openblas.ts';
import type { Target } from '../../engine/backends/native/target.ts';
import type { Routine } from '../../engine/compile/routine.ts';
import { convGeneral } from '../../engine/ops/conv-general.ts';
import { type MatmulOperand, matmulRoutine } from '../../engine/ops/matmul-routine.ts';
import { scatterAdd } from '../../engine/ops/scatter-add.ts';
import {
  allocateArray,
  BYTES,
  type DType,
  isFloat,
  type Shape,
  sizeOf,
  type TensorType,
  type TypedArray,
  viewArray,
} from '../../engine/types.ts';
import { addressOf, openJit, type PhaseCall, phaseFunction } from './jit-shim-routines.ts';

const jit = openJit();
const blas = loadBlas();
const DTYPES = ['float32', 'float64', 'int32', 'int64'] as const;

/** The processor of this machine, and narrower ones whose code runs on it too. */
const TARGETS: Readonly<Record<string, Partial<Target>>> = {
  host: {},
  '256 bits, no masks': { vectorBits: 256, registers: 16, masks: false },
  '128 bits, no fma': { vectorBits: 128, registers: 16, masks: false, fma: false },
  '128 bits, 32 registers': { vectorBits: 128, registers: 32, masks: false },
};

/** A routine at work: its definition and its types. */
interface Work {
  readonly what: string;
  readonly routine: Routine;
  readonly inputs: readonly TensorType[];
  readonly output: TensorType;
  /** Fills an input other than with random numbers. */
  fill?(input: number, data: TypedArray): void;
  /** The largest differences allowed; none where they are to be exact. */
  tolerance?(inputs: readonly TypedArray[]): Float64Array;
}

/** A fixed sequence of numbers from -1 to 1. */
function randoms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function fillRandomly(data: TypedArray, dtype: DType, random: () => number): void {
  for (let i = 0; i < data.length; i++)
    data[i] =
      dtype === 'int64'
        ? BigInt.asIntN(64, BigInt(Math.round(random() * 2 ** 52)) * 2053n)
        : dtype === 'int32'
          ? Math.round(random() * (2 ** 31 - 1))
          : random();
}

/** Bytes that nobody may write, before and after a buffer. */
const CANARY = 0xa5;
const MARGIN = 64;

function isAlive(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === CANARY);
}

/** An array between canaries, at an address that is a multiple of its elements' size and of nothing larger. */
class Guarded {
  readonly data: TypedArray;
  readonly #bytes: Uint8Array;
  readonly #start: number;

  constructor({ dtype, shape }: TensorType) {
    const size = sizeOf(shape);
    this.#start = MARGIN + BYTES[dtype];
    this.#bytes = new Uint8Array(this.#start + size * BYTES[dtype] + MARGIN).fill(CANARY);
    this.data = viewArray(dtype, this.#bytes.buffer, this.#start, size);
  }

  /** Whether the canaries are alive. */
  get isIntact(): boolean {
    return isAlive(this.#bytes.subarray(0, this.#start)) && isAlive(this.#bytes.subarray(-MARGIN));
  }

  copy(): Uint8Array {
    return this.#bytes.slice();
  }
}

/** Scratch memory at a multiple of 64, filled with NaNs of every width; canaries on both sides. */
class Scratch {
  readonly view: Uint8Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size + 3 * MARGIN).fill(0xff);
    const address = addressOf(this.#bytes);
    const start = Math.ceil((address + MARGIN) / 64) * 64 - address;
    this.view = this.#bytes.subarray(start, start + size) as Uint8Array<ArrayBuffer>;
    this.#bytes.fill(CANARY, 0, start).fill(CANARY, start + size);
  }

  get isIntact(): boolean {
    const { byteOffset, byteLength } = this.view;
    return isAlive(this.#bytes.subarray(0, byteOffset)) && isAlive(this.#bytes.subarray(byteOffset + byteLength));
  }
}

interface Compiled {
  readonly native: NativeRoutine;
  readonly phases: readonly PhaseCall[];
}

type Render = (work: Work, module: Module, name: string) => NativeRoutine | undefined;

/** Our own code for a processor. */
function ownFor(target: Target): Render {
  return ({ routine, inputs, output }, module, name) =>
    ROUTINES[routine.name]!(routine, { inputs, outputs: [output] }, module, name, target);
}

/** Compiles the routines of several works together, and checks each. */
function checkAll(works: readonly Work[], render: Render, link = (text: string): string => text): void {
  const module = new Module();
  const prefix = `test${count++}`;
  const natives = works.map(
    (work, i) => render(work, module, `${prefix}_${i}`) ?? expect.fail(`no code: ${work.what}`),
  );
  const compiled = jit!.compile(link(module.toString()));
  for (const [i, native] of natives.entries()) {
    const work = works[i]!;
    const arrays = work.inputs.length + 2;
    const phases = native.phases.map(({ name }) => phaseFunction(compiled.address(name), arrays).call);
    check(work, { native, phases });
  }
}
let count = 0;

type Cut = (units: number) => readonly (readonly [begin: number, end: number])[];

/** The ways units are divided: all at once, one by one from the last, in uneven ranges. */
const CUTS: readonly Cut[] = [
  (units) => [[0, units]],
  (units) => Array.from({ length: units }, (_, i) => [units - 1 - i, units - i] as const),
  (units) => {
    const [first, second] = [Math.floor(units / 3), Math.ceil(units / 2)];
    return [
      [second, units],
      [0, first],
      [first, second],
    ];
  },
];

/** What a routine writes, for one way of dividing its units; checks that it writes nothing else. */
function runNative({ native, phases }: Compiled, work: Work, inputs: readonly Guarded[], cut: Cut): Guarded {
  const output = new Guarded(work.output);
  fillRandomly(output.data, work.output.dtype, randoms(7));
  const scratch = new Scratch(native.scratchBytes);
  const before = inputs.map((input) => input.copy());
  const buffers = [...inputs.map(({ data }) => data), output.data, scratch.view];
  for (const [i, call] of phases.entries())
    for (const [begin, end] of cut(native.phases[i]!.units)) call(buffers, begin, end);
  expect([output.isIntact, scratch.isIntact], `canaries of ${work.what}`).toEqual([true, true]);
  for (const [i, input] of inputs.entries()) expectBytes(input.copy(), before[i]!, `input ${i} of ${work.what}`);
  return output;
}

/** Checks one routine: its definition, that units may be divided at will, and the rows that its units claim. */
function check(work: Work, compiled: Compiled): void {
  const random = randoms(work.what.length * 7919 + 1);
  const inputs = work.inputs.map((type, i) => {
    const guarded = new Guarded(type);
    if (work.fill && i === 1) work.fill(i, guarded.data);
    else fillRandomly(guarded.data, type.dtype, random);
    return guarded;
  });
  const [whole, ...others] = CUTS.map((cut) => runNative(compiled, work, inputs, cut));
  for (const other of others) expectBytes(bytesOf(whole!), bytesOf(other), work.what);
  expectClose(work, whole!.data, inputs);
  expectUnits(work, compiled, inputs, whole!);
}

function expectBytes(found: Uint8Array, wanted: Uint8Array, what: string): void {
  if (Buffer.compare(found, wanted) !== 0) expect(found, what).toEqual(wanted);
}

function bytesOf({ data }: { readonly data: TypedArray }): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function expectClose(work: Work, found: TypedArray, inputs: readonly Guarded[]): void {
  const isWide = work.tolerance && isFloat(work.output.dtype);
  const given = inputs.map(({ data }) => (isWide ? Float64Array.from(data as Float64Array) : data));
  const wanted = allocateArray(isWide ? 'float64' : work.output.dtype, found.length);
  work.routine.run(given, [wanted]);
  if (!isWide) {
    expectBytes(bytesOf({ data: found }), bytesOf({ data: wanted }), work.what);
    return;
  }
  const tolerance = work.tolerance!(given);
  const wrong = (found as Float64Array).findIndex((x, i) => !(Math.abs(x - Number(wanted[i])) <= tolerance[i]!));
  expect(wrong < 0 ? '' : `[${wrong}] ${found[wrong]} for ${wanted[wrong]}`, work.what).toBe('');
}

/** No element is written by two units of the last phase, and each writes the rows it says. */
function expectUnits(work: Work, compiled: Compiled, inputs: readonly Guarded[], whole: Guarded): void {
  const last = compiled.native.phases.at(-1);
  if (!last || last.units < 2 || last.units > 40) return;
  const output = new Guarded(work.output);
  const scratch = new Scratch(compiled.native.scratchBytes);
  const buffers = [...inputs.map(({ data }) => data), output.data, scratch.view];
  for (const [i, call] of compiled.phases.slice(0, -1).entries()) call(buffers, 0, compiled.native.phases[i]!.units);
  const [found, wanted] = [bytesOf(output), bytesOf(whole)];
  const before = found.slice();
  const rowBytes = (work.output.shape.at(-1) ?? 1) * BYTES[work.output.dtype];
  const writers = new Int32Array(found.length).fill(-1);
  for (let unit = 0; unit < last.units; unit++) {
    found.set(before);
    compiled.phases.at(-1)!(buffers, unit, unit + 1);
    for (let at = 0; at < found.length; at++) {
      if (found[at] === before[at]) continue;
      const owner: number = last.rows === undefined ? unit : Math.floor(at / (last.rows * rowBytes));
      const isRight = writers[at] === -1 && owner === unit && found[at] === wanted[at];
      if (!isRight) expect.fail(`unit ${unit} of ${work.what} writes byte ${at} of unit ${writers[at]} or ${owner}`);
      writers[at] = unit;
    }
  }
  const missing = writers.findIndex((writer, at) => writer === -1 && before[at] !== wanted[at]);
  expect(missing, `byte of ${work.what} that no unit writes`).toBe(-1);
}

/** How an operand's axes lie: `b` the batch, `m`, `n` and `k`, outermost first. */
type Order = string;

/** A matrix product by the orders of its operands' axes: `bmk`, `kn`. */
function matmulWork(
  dtype: DType,
  [batch, m, n, k]: readonly [number, number, number, number],
  left: Order,
  right: Order,
): Work {
  const sizes: Readonly<Record<string, number>> = { b: batch, m, n, k };
  const operand = (order: Order, axes: string): MatmulOperand => {
    const place = (axis: string): number[] => (order.includes(axis) ? [order.indexOf(axis)] : []);
    const [first, second, third] = [...axes].map(place) as [number[], number[], number[]];
    return { type: { dtype, shape: [...order].map((axis) => sizes[axis]!) }, groups: [first, second, third] };
  };
  const [lhs, rhs] = [operand(left, 'bmk'), operand(right, 'bkn')];
  const routine = matmulRoutine({ batch, m, n, k }, lhs, rhs);
  const shape: Shape = [batch, m, n];
  return {
    what: `${dtype} ${left}@${right} b${batch} m${m} n${n} k${k}`,
    routine,
    inputs: [lhs.type, rhs.type],
    output: { dtype, shape },
    tolerance: toleranceOf(routine, dtype, { dtype, shape }),
  };
}

/** Sizes of matrices: `batch, m, n, k`. */
type Sizes = readonly [number, number, number, number];

const AROUND_TILES: readonly Sizes[] = [
  [1, 1, 1, 1],
  [1, 2, 3, 5],
  [1, 13, 31, 7],
  [1, 14, 32, 16],
  [1, 15, 33, 17],
  [2, 29, 47, 8],
  [1, 59, 97, 37],
  [3, 6, 9, 65],
  [1, 64, 10, 100],
  [40, 20, 20, 20],
];
const VECTORS: readonly Sizes[] = [
  [1, 1, 100, 33],
  [1, 1, 7, 300],
  [2, 100, 1, 33],
  [1, 7, 1, 300],
  [1, 1, 1, 1000],
];
const LONG_SUMS: readonly Sizes[] = [
  [1, 10, 12, 20_011],
  [1, 1, 3, 9011],
  [1, 20, 1, 6345],
  [1, 1, 100, 22_003],
];
const EMPTY: readonly Sizes[] = [
  [1, 3, 5, 0],
  [2, 0, 5, 3],
  [1, 3, 0, 3],
  [0, 3, 4, 5],
  [1, 70, 100, 0],
];
const LAYOUTS: readonly (readonly [Order, Order])[] = [
  ['bmk', 'bkn'],
  ['bkm', 'bkn'],
  ['bmk', 'bnk'],
  ['bkm', 'bnk'],
];
/** The batch inside, or of one side alone. */
const BATCHED: readonly (readonly [Order, Order])[] = [
  ['mbk', 'kbn'],
  ['kbm', 'nbk'],
  ['mk', 'bkn'],
  ['bkm', 'kn'],
  ['bmk', 'nk'],
];

function matmulWorks(dtype: DType): Work[] {
  const all = (sizes: readonly Sizes[], layouts: readonly (readonly [Order, Order])[]): Work[] =>
    sizes.flatMap((size) => layouts.map(([left, right]) => matmulWork(dtype, size, left, right)));
  return [
    ...all([...AROUND_TILES, ...VECTORS, ...EMPTY], LAYOUTS),
    ...all(LONG_SUMS, LAYOUTS.slice(0, 3)),
    ...all(
      [
        [3, 17, 34, 20],
        [4, 1, 40, 18],
        [3, 33, 1, 50],
        [2, 5, 6, 1],
      ],
      BATCHED,
    ),
    // A vector whose elements are not side by side.
    matmulWork(dtype, [3, 20, 1, 40], 'bmk', 'kb'),
    matmulWork(dtype, [3, 1, 20, 40], 'kb', 'bnk'),
  ];
}

/** Products that are cut into blocks along every axis. */
const LARGE: readonly (readonly [Sizes, Order, Order])[] = [
  [[1, 97, 1100, 1031], 'mk', 'kn'],
  [[1, 70, 1025, 1100], 'km', 'nk'],
  [[1, 75, 300, 1024], 'mk', 'kn'],
  [[1, 8, 300, 257], 'mk', 'nk'],
  [[1, 40, 3000, 100], 'mk', 'kn'],
];

/** A convolution of `[batch, contracted, free, spatial]` with `[batch, free, contracted, spatial]`. */
interface Slide {
  readonly x: Shape;
  readonly window: Shape;
  readonly batch?: number;
  readonly contract?: number;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

const SLIDES: readonly Slide[] = [
  // Places that follow one another, and those that do not.
  { x: [70], window: [3, 5], strides: [1], dilations: [1] },
  { x: [70], window: [3, 5], strides: [3], dilations: [2] },
  { x: [4, 2, 19], window: [15, 4, 3], contract: 1, strides: [1], dilations: [3] },
  { x: [3, 2, 9, 40], window: [16, 3, 3, 2], contract: 1, strides: [1, 1], dilations: [1, 1] },
  { x: [3, 2, 9, 11], window: [7, 3, 3, 3], contract: 1, strides: [2, 1], dilations: [1, 2] },
  { x: [3, 2, 2, 5, 6], window: [3, 5, 2, 2, 2], batch: 1, contract: 1, strides: [1, 2], dilations: [2, 1] },
  { x: [2, 3, 4, 4, 5], window: [33, 2, 2, 3, 2], contract: 1, strides: [1, 1, 1], dilations: [1, 1, 1] },
  { x: [5, 30], window: [5, 1, 1], batch: 1, strides: [2], dilations: [1] },
  // One place, one term, one output.
  { x: [6, 3, 3], window: [20, 6, 3, 3], contract: 1, strides: [1, 1], dilations: [1, 1] },
  { x: [3, 50], window: [1], strides: [1], dilations: [1] },
  // The sums of a kernel's derivative: few places, many terms.
  { x: [40, 3, 22, 22], window: [13, 40, 20, 20], contract: 1, strides: [1, 1], dilations: [1, 1] },
  // Blocks of terms and of columns.
  { x: [60, 2, 30, 31], window: [35, 60, 3, 3], contract: 1, strides: [1, 1], dilations: [1, 1] },
  { x: [0, 2, 5], window: [3, 0, 2], contract: 1, strides: [1], dilations: [1] },
  { x: [2, 0, 5], window: [3, 2, 2], contract: 1, strides: [1], dilations: [1] },
  { x: [3], window: [2, 4], strides: [1], dilations: [1] },
];

function convWork(dtype: DType, { x, window, batch = 0, contract = 0, strides, dilations }: Slide): Work {
  const count = strides.length;
  const range = (from: number, size: number): number[] => Array.from({ length: size }, (_, i) => from + i);
  const params = {
    lhs_batch: range(0, batch),
    rhs_batch: range(0, batch),
    lhs_contract: range(batch, contract),
    rhs_contract: range(window.length - count - contract, contract),
    lhs_spatial: range(x.length - count, count),
    rhs_spatial: range(window.length - count, count),
    ...{ strides, dilations },
  };
  const inputs = [x, window].map((shape): TensorType => ({ dtype, shape }));
  const [output] = convGeneral.type(inputs, params);
  const { lower } = convGeneral;
  if (lower.kind !== 'reduce' || !lower.routine) return expect.fail('no routine');
  const routine = lower.routine({ x: inputs, y: [output!], params });
  return {
    what: `conv ${dtype} [${window}] over [${x}] by ${strides}, ${dilations}`,
    ...{ routine, inputs, output: output! },
    tolerance: toleranceOf(routine, dtype, output!),
  };
}

/** |error| ≤ c ε Σ |a b|: the worst case has c = k, random errors grow as √k. */
function toleranceOf(routine: Routine, dtype: DType, { shape }: TensorType): NonNullable<Work['tolerance']> {
  const epsilon = dtype === 'float32' ? 2 ** -24 : 2 ** -53;
  return (inputs) => {
    const sums = new Float64Array(sizeOf(shape));
    const sizes = inputs.map((data) => Float64Array.from(data as Float64Array, Math.abs));
    routine.run(sizes, [sums]);
    return sums.map((sum) => (8 + 2 * Math.sqrt(Number(routine.sizes.k))) * epsilon * sum);
  };
}

const SCATTERS: readonly (readonly [shape: Shape, indices: Shape, axis: number, batchDims: number])[] = [
  [[3], [4], 0, 0],
  [[1], [9], 0, 0],
  [[5, 7], [6], 0, 0],
  [[5, 7], [3, 2], 1, 0],
  [[4, 3, 17], [4, 5], 1, 1],
  [[2, 3, 4, 33], [2, 6], 2, 1],
  [[50, 200], [64], 0, 0],
  [[300, 3, 16], [40], 0, 0],
  [[2, 6000], [2, 100], 1, 1],
  [[0, 2], [0], 0, 0],
  [[3, 4], [0], 0, 0],
];

function scatterWorks(dtype: DType): Work[] {
  return SCATTERS.flatMap(([shape, indices, axis, batch_dims], i) => {
    const index = { dtype: i % 2 === 0 ? 'int32' : 'int64', shape: indices } as const;
    const places = indices.slice(batch_dims);
    const updates = { dtype, shape: [...shape.slice(0, axis), ...places, ...shape.slice(axis + 1)] };
    const x = { dtype, shape };
    const { lower } = scatterAdd;
    if (lower.kind !== 'routine') return [];
    const inputs = [x, index, updates];
    const random = randoms(i + 1);
    return {
      what: `scatter_add ${dtype} [${shape}] at [${indices}] along ${axis}`,
      routine: lower.routine({ x: inputs, y: [x], params: { axis, batch_dims } }),
      inputs,
      output: x,
      // From before the first to behind the last, a few times over.
      fill: (_: number, data: TypedArray) => {
        const size = shape[axis]!;
        const place = (): number => Math.round(random() * 1.5 * size);
        if (index.dtype === 'int64') (data as BigInt64Array).forEach((_, at, all) => (all[at] = BigInt(place())));
        else (data as Int32Array).forEach((_, at, all) => (all[at] = place()));
      },
    };
  });
}

describe.skipIf(!jit)('native routines', () => {
  for (const [at, [name, features]] of Object.entries(TARGETS).entries())
    describe(name, () => {
      let own: Render;
      beforeAll(() => {
        own = ownFor({ ...jit!.target, ...features });
      });
      // This machine's own code does all, the three others every third of them, each others.
      const some = (works: readonly Work[]): Work[] => works.filter((_, i) => at === 0 || i % 3 === at - 1);
      for (const dtype of DTYPES) {
        it(`matmul of ${dtype}`, () => checkAll(some(matmulWorks(dtype)), own));
        it(`conv of ${dtype}`, () => checkAll(some(SLIDES.map((slide) => convWork(dtype, slide))), own));
        it(`scatter_add of ${dtype}`, () => checkAll(some(scatterWorks(dtype)), own));
      }
      it('matmul in blocks', () =>
        checkAll(some(LARGE.map(([sizes, left, right]) => matmulWork('float32', sizes, left, right))), own));
    });

  it('leaves operands without strides to others', () => {
    const lhs: MatmulOperand = { type: { dtype: 'float32', shape: [2, 3, 4] }, groups: [[], [0, 2], [1]] };
    const rhs: MatmulOperand = { type: { dtype: 'float32', shape: [3, 5] }, groups: [[], [0], [1]] };
    const routine = matmulRoutine({ batch: 1, m: 8, n: 5, k: 3 }, lhs, rhs);
    const types = { inputs: [lhs.type, rhs.type], outputs: [{ dtype: 'float32', shape: [2, 4, 5] }] } as const;
    expect(ROUTINES.matmul!(routine, types, new Module(), 'none', jit!.target)).toBeUndefined();
  });
});

describe.skipIf(!jit || !blas)('matmul by OpenBLAS', () => {
  const render: Render = ({ routine, inputs, output }, module, name) =>
    openblasMatmul(routine, { inputs, outputs: [output] }, module, name, jit!.target);
  /** The calls with the addresses that the library was loaded at. */
  const link = (text: string): string =>
    [...blas!.symbols].reduce(
      (linked, [name, address]) =>
        linked.replaceAll(`call void @${name}(`, `call void inttoptr (i64 ${address} to ptr)(`),
      text,
    );
  for (const dtype of ['float32', 'float64'] as const)
    it(dtype, () => {
      const isSmall = ({ routine: { flops } }: Work): boolean => flops > 0 && flops < 2e6;
      checkAll([...matmulWorks(dtype).filter(isSmall), matmulWork(dtype, [2, 300, 70, 20], 'bmk', 'kn')], render, link);
    });
});
