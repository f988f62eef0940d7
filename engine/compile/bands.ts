/**
 * @file Bands: runs of steps that go through the same rows, done a few rows at a time, so that what one step writes is
 * still in the cache when the next reads it, and what no step outside the band reads is never in memory as a whole.
 *
 * In: steps in order. Out: the same steps, some of them gathered into bands. A step belongs to a band when, for each of
 * its rows, it reads of what the band writes that same row alone. A fold across rows becomes one over the rows of each
 * chunk, which belongs to the band, and one over the chunks after it.
 */
import { poll } from '../interrupt.ts';
import type { Var } from '../program/program.ts';
import { bytesOf, sizeOf } from '../types.ts';
import type { Affine } from './affine.ts';
import type { Expr, Exprs } from './expr.ts';
import { analyse, type Loop } from './loops.ts';
import type { Kernel } from './plan.ts';
import type { ScheduledStep } from './schedule.ts';
import { splitFolds } from './split.ts';

/** Bytes of all that a band touches in one chunk: about half of a second-level cache. */
const CHUNK_BYTES = 2 ** 19;
/** A band has at least this many chunks where it has rows enough, for the team to share. */
const FEWEST_CHUNKS = 16;
/** Scalar operations and elements moved below which a step is done before anybody could help. */
const SMALL = 100_000;

type KernelStep = Extract<ScheduledStep, { kind: 'kernel' }>;

/** The steps with bands gathered; `outputs` are the program's. */
export function gatherBands(
  e: Exprs,
  steps: readonly ScheduledStep[],
  outputs: readonly Var[],
  kernelStep: (kernel: Kernel) => KernelStep,
): ScheduledStep[] {
  const gathered: ScheduledStep[] = [];
  let rest: readonly Candidate[] = steps.map(candidateOf);
  for (let at = 0; at < rest.length; ) {
    const seed = rest[at++] as Candidate;
    // Most steps of a long program begin no band: what follows is looked through for those alone that do.
    const band = seed.rows === undefined ? undefined : bestBand(seed, seed.rows, rest.slice(at));
    const made = band && finish(e, band, kernelStep);
    gathered.push(...(made ?? [seed.step]));
    if (band && made) [rest, at] = [band.left, 0];
  }
  return withLocals(gathered, outputs);
}

/** Each band with what it writes divided into what others read and what nobody does. */
function withLocals(steps: readonly ScheduledStep[], outputs: readonly Var[]): ScheduledStep[] {
  const read = new Set([...outputs, ...steps.flatMap(({ inputs }) => inputs)]);
  return steps.map((step) => {
    if (step.kind !== 'band') return step;
    const isLocal = (variable: Var): boolean => !read.has(variable);
    return {
      ...step,
      locals: step.outputs.filter(isLocal),
      outputs: step.outputs.filter((output) => !isLocal(output)),
    };
  });
}

/** The band with the most work among those that begin with a step, by what their rows may be. */
function bestBand(seed: Candidate, own: number, others: readonly Candidate[]): Band | undefined {
  const near = others.slice(0, 16).flatMap(({ rows }) => (rows !== undefined && own % rows === 0 ? [rows] : []));
  let best: Band | undefined;
  for (const rows of new Set([own, ...near])) {
    const band = collect(rows, seed, others);
    if (band && (!best || band.work > best.work)) best = band;
  }
  return best;
}

/** A step, with what is known of its rows. */
interface Candidate {
  readonly step: ScheduledStep;
  /** The rows of a band that begins with it; `undefined` for steps that begin none. */
  readonly rows: number | undefined;
  readonly shape: RowShape | undefined;
}

/** How a kernel goes through rows. */
interface RowShape {
  /** The outermost loop of its space, whose runs are rows. */
  readonly own: Loop | undefined;
  /** The outermost loop of its folds, whose runs are rows that it folds together. */
  readonly across: Loop | undefined;
  readonly loads: readonly { readonly source: Var; readonly place: Affine | undefined }[];
  readonly loops: readonly Loop[];
  readonly work: number;
}

interface Band {
  readonly rows: number;
  readonly work: number;
  /** Steps that cannot go through the rows, and read nothing of the band: it may read what they write. */
  readonly before: readonly ScheduledStep[];
  readonly members: readonly { readonly step: KernelStep; readonly isAcross: boolean }[];
  readonly left: readonly Candidate[];
}

function candidateOf(step: ScheduledStep): Candidate {
  if (step.kind !== 'kernel' || step.kernel.space.includes(0)) return { step, rows: undefined, shape: undefined };
  const { loops, values, sums, folds } = analyse(step.kernel);
  if (loops.some(({ size }) => size === 0)) return { step, rows: undefined, shape: undefined };
  const own = loops.find(({ isFold }) => !isFold);
  // What is split is the first axis, which may be no loop.
  const across = folds[0]?.over[0] === 1 ? undefined : loops.find(({ isFold }) => isFold);
  const loads = values.flatMap((expr) =>
    expr.fn === 'load' ? [{ source: expr.source, place: sums.get(expr.args[0] as Expr) }] : [],
  );
  const moved = [...step.inputs, ...step.outputs].reduce((total, { type }) => total + sizeOf(type.shape), 0);
  const work = step.kernel.flops + moved;
  // The rows are those of the largest tensor: a fold of few results goes through the rows of what it folds.
  const isMostlyFold = across && (!own || own.size < across.size);
  const rows = work < SMALL ? undefined : isMostlyFold ? across.size : own?.size;
  return { step, rows, shape: { own, across, loads, loops, work } };
}

/** The steps that can go through rows together with the first: each in its place, or before those that cannot. */
function collect(rows: number, seed: Candidate, others: readonly Candidate[]): Band | undefined {
  const written = new Set<Var>();
  const late = new Set<Var>();
  const members: { step: KernelStep; isAcross: boolean }[] = [];
  const before: ScheduledStep[] = [];
  const left: Candidate[] = [];
  let work = 0;
  for (const candidate of [seed, ...others]) {
    poll();
    const { step, shape } = candidate;
    const waits = step.inputs.some((input) => late.has(input));
    const fit = shape && !waits ? fitting(shape, rows, written) : undefined;
    if (fit === undefined) {
      if (!waits && !step.inputs.some((input) => written.has(input))) {
        before.push(step);
        continue;
      }
      for (const output of step.outputs) late.add(output);
      left.push(candidate);
      continue;
    }
    work += shape?.work ?? 0;
    members.push({ step: step as KernelStep, isAcross: fit === 'across' });
    // What is folded across rows is there when the band is done.
    for (const output of step.outputs) (fit === 'across' ? late : written).add(output);
  }
  const [only] = members;
  if (members.length === 0 || (members.length === 1 && !only?.isAcross)) return undefined;
  return { rows, work, members, before, left };
}

/** Whether a kernel has so many rows, and for each reads that row alone of what is `written`. */
export function goesByRows(step: KernelStep, rows: number, written: ReadonlySet<Var>): boolean {
  const { shape } = candidateOf(step);
  return shape !== undefined && fitting(shape, rows, written) === 'own';
}

/** Whether a kernel's own loop, or that of its folds, goes through the rows, reading what is written row by row. */
function fitting(shape: RowShape, rows: number, written: ReadonlySet<Var>): 'own' | 'across' | undefined {
  const isRowByRow = (loop: Loop | undefined): boolean =>
    loop !== undefined &&
    loop.size % rows === 0 &&
    shape.loads.every(({ source, place }) => !written.has(source) || staysInRow(shape, loop, rows, source, place));
  if (isRowByRow(shape.own)) return 'own';
  // A fold that reads nothing of the band gains nothing from it.
  const reads = shape.loads.some(({ source }) => written.has(source)) || written.size === 0;
  return reads && shape.own !== shape.across && isRowByRow(shape.across) ? 'across' : undefined;
}

/** Whether runs of a loop that make up one row read one row of a source. */
function staysInRow({ loops }: RowShape, loop: Loop, rows: number, { type }: Var, place: Affine | undefined): boolean {
  const size = sizeOf(type.shape);
  if (!place || size % rows !== 0) return false;
  const row = size / rows;
  const runs = loop.size / rows;
  const step = place.coefficients[loop.axis] as number;
  if (step * runs !== row || place.constant < 0) return false;
  let most = place.constant + step * (runs - 1);
  for (const other of loops) {
    const coefficient = place.coefficients[other.axis] as number;
    if (other === loop) continue;
    if (coefficient < 0) return false;
    most += coefficient * (other.size - 1);
  }
  return most < row;
}

/** The band as a step, its chunks chosen, and what joins the chunks after it. */
function finish(
  e: Exprs,
  { rows, members, before }: Band,
  kernelStep: (kernel: Kernel) => KernelStep,
): ScheduledStep[] | undefined {
  const touched = new Set(members.flatMap(({ step }) => [...step.inputs, ...step.outputs]));
  const bytes = [...touched].reduce((total, { type }) => total + (sizeOf(type.shape) >= rows ? bytesOf(type) : 0), 0);
  const chunks = chunksOf(rows, bytes, members);
  if (chunks === undefined) return undefined;
  const within: KernelStep[] = [];
  const after: KernelStep[] = [];
  for (const { step, isAcross } of members) {
    if (!isAcross) {
      within.push(step);
      continue;
    }
    const { partial, rest } = splitFolds(e, step.kernel, chunks);
    within.push(kernelStep(partial));
    after.push(kernelStep(rest));
  }
  const written = new Set(within.flatMap((step) => step.outputs));
  const inputs = new Set(within.flatMap((step) => step.inputs).filter((input) => !written.has(input)));
  const band: ScheduledStep = {
    kind: 'band',
    chunks,
    steps: within,
    locals: [],
    inputs: [...inputs],
    outputs: [...written],
  };
  return [...before, band, ...after];
}

/** A number of chunks that divides the rows, and the first axis of every fold across them. */
function chunksOf(rows: number, bytes: number, members: Band['members']): number | undefined {
  const wanted = Math.max(Math.ceil(bytes / CHUNK_BYTES), Math.min(rows, FEWEST_CHUNKS));
  const firsts = members.flatMap(({ step, isAcross }) => (isAcross ? [firstFoldAxis(step.kernel)] : []));
  const divides = (chunks: number): boolean => rows % chunks === 0 && firsts.every((size) => size % chunks === 0);
  for (let chunks = wanted; chunks <= Math.min(rows, 4 * wanted); chunks++) if (divides(chunks)) return chunks;
  for (let chunks = wanted - 1; chunks >= Math.max(2, wanted / 2); chunks--) if (divides(chunks)) return chunks;
  return undefined;
}

function firstFoldAxis(kernel: Kernel): number {
  return analyse(kernel).folds[0]?.over[0] ?? 1;
}
