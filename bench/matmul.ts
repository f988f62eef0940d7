/**
 * @file Measures matrix products: our own code and OpenBLAS, in GFLOP/s, over a grid of sizes.
 * `node bench/matmul.ts [--double] [--threads 2] [--core SKYLAKEX] [m,n,k[,transposed left,transposed right[,batch]]…]`.
 * Each figure is the best of many runs, and the two take turns: on a shared machine others only ever make it slower.
 */
import { type Blas, loadBlas } from '../engine/backends/native/blas.ts';
import { Module } from '../engine/backends/native/ir.ts';
import type { NativeRoutine, RoutineRenderer } from '../engine/backends/native/routine.ts';
import { matmul } from '../engine/backends/native/routines/matmul.ts';
import { openblasMatmul } from '../engine/backends/native/routines/openblas.ts';
import { type MatmulOperand, matmulRoutine } from '../engine/ops/matmul-routine.ts';
import { allocateArray, sizeOf, type TypedArray } from '../engine/types.ts';
import { type Jit, openJit, phaseFunction } from '../test/backends/jit-shim-routines.ts';

/** Milliseconds for which each side of a row is measured, and the rounds this is divided into. */
const [BUDGET, ROUNDS] = [300, 3];

const GRID = [
  '16,16,16',
  '32,32,32',
  '64,64,64',
  '100,100,100',
  '128,128,128',
  '256,256,256',
  '400,400,400',
  '512,512,512',
  '1000,1000,1000',
  '1024,1024,1024',
  '2048,2048,2048',
  '2048,2048,2048,1,0',
  '2048,2048,2048,0,1',
  '32,512,128',
  '32,512,512,0,1',
  '64,4096,1024',
  '256,512,784',
  '256,10,512',
  '256,784,512,0,1',
  '784,512,256,1,0',
  '512,512,64,0,1,8',
  '512,64,512,0,0,8',
  '8,512,512,0,1',
  '100,100,100000,1,0',
  '784,10,60000,1,0',
  '1,4096,4096',
  '1,4096,4096,0,1',
  '100000,1,100',
  '100,1,100000,1,0',
];

interface Options {
  readonly dtype: 'float32' | 'float64';
  readonly threads: number;
  readonly core: string | undefined;
  readonly grid: readonly string[];
}

function optionsOf(args: readonly string[]): Options {
  const after = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const grid = args.filter((arg) => /^\d+(,\d+)+$/.test(arg));
  return {
    dtype: args.includes('--double') ? 'float64' : 'float32',
    threads: Number(after('--threads') ?? 1),
    core: after('--core'),
    grid: grid.length > 0 ? grid : GRID,
  };
}

/** A compiled product, ready to run. */
interface Contender {
  readonly compileMs: number;
  run(): Promise<void> | void;
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  const jit = openJit();
  if (!jit) throw new Error('no libLLVM found');
  const blas = loadBlas(options.core === undefined ? {} : { coreType: options.core });
  console.log(`${options.dtype}, ${options.threads} threads, ${jit.library} for ${jit.cpu}; OpenBLAS ${blas?.core}`);
  console.log(['m,n,k', 'own', 'OpenBLAS', 'compile ms'].map((title) => title.padStart(20)).join(''));
  for (const spec of options.grid) console.log(await row(spec, options, jit, blas));
}

async function row(spec: string, options: Options, jit: Jit, blas: Blas | undefined): Promise<string> {
  const [m, n, k, left = 0, right = 0, batch = 1] = spec.split(',').map(Number) as [number, number, number];
  const { dtype } = options;
  const lhs: MatmulOperand = {
    type: { dtype, shape: left ? [batch, k, m] : [batch, m, k] },
    groups: left ? [[0], [2], [1]] : [[0], [1], [2]],
  };
  const rhs: MatmulOperand = {
    type: { dtype, shape: right ? [batch, n, k] : [batch, k, n] },
    groups: right ? [[0], [2], [1]] : [[0], [1], [2]],
  };
  const routine = matmulRoutine({ batch, m, n, k }, lhs, rhs);
  const operands = [lhs.type, rhs.type].map(({ shape }) => allocateArray(dtype, sizeOf(shape)).map(Math.random));
  const buffers = [...operands, allocateArray(dtype, batch * m * n)] as TypedArray[];
  const types = { inputs: [lhs.type, rhs.type], outputs: [{ dtype, shape: [batch, m, n] }] };
  const compile = (render: RoutineRenderer): Contender | undefined => {
    const module = new Module();
    const name = `bench${count++}`;
    const native = render(routine, types, module, name, jit.target);
    return native && contender(native, linked(module, blas), buffers, jit, options.threads);
  };
  const contenders = [compile(matmul), blas && compile(openblasMatmul)];
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, one] of contenders.entries()) if (one) best[i] = Math.min(best[i]!, await bestTime(one));
  const speeds = best.map((ms) => (routine.flops / ms / 1e6).toFixed(1));
  return [spec, ...speeds, contenders[0]!.compileMs.toFixed(1)].map((text) => text.padStart(20)).join('');
}
let count = 0;

/** The module's text, with the addresses of OpenBLAS in it. */
function linked(module: Module, blas: Blas | undefined): string {
  return [...(blas?.symbols ?? [])].reduce(
    (text, [name, address]) => text.replaceAll(`call void @${name}(`, `call void inttoptr (i64 ${address} to ptr)(`),
    module.toString(),
  );
}

function contender(
  native: NativeRoutine,
  text: string,
  buffers: readonly TypedArray[],
  jit: Jit,
  threads: number,
): Contender {
  const compiled = jit.compile(text);
  const all = [...buffers, new Float64Array(native.scratchBytes / 8 + 1)];
  const phases = native.phases.map(({ name, units }) => ({
    units,
    ...phaseFunction(compiled.address(name), all.length),
  }));
  const { parse, generate } = compiled.times;
  const run = (): void => {
    for (const { call, units } of phases) call(all, 0, units);
  };
  const runOnThreads = async (): Promise<void> => {
    for (const { later, units } of phases) {
      const share = (part: number): number => Math.floor((units * part) / threads);
      await Promise.all(Array.from({ length: threads }, (_, part) => later(all, share(part), share(part + 1))));
    }
  };
  return { compileMs: parse + generate, run: threads === 1 ? run : runOnThreads };
}

/** Milliseconds of the fastest run. */
async function bestTime({ run }: Contender): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + BUDGET / ROUNDS;
  do {
    const start = performance.now();
    const running = run();
    if (running) await running;
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return best;
}

await main();
