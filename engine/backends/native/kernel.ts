/**
 * @file Kernels as LLVM IR: loops over scalars around one loop over vectors. Every expression is computed in the
 * outermost loop where its operands are known; what is the same in all lanes is computed once, as a scalar.
 */
import type { Affine } from '../../compile/affine.ts';
import { type Expr, type Fold, SCALARS, type ScalarFn } from '../../compile/expr.ts';
import { type Analysis, analyse, type Loop } from '../../compile/loops.ts';
import type { Kernel } from '../../compile/plan.ts';
import { reachable } from '../../compile/traverse.ts';
import type { Window } from '../../compile/windows.ts';
import type { Var } from '../../program/program.ts';
import { BYTES, type DType, sizeOf } from '../../types.ts';
import { Body, type Element, Lanes, type Module, type Value } from './ir.ts';
import type { Phase } from './routine.ts';
import { applyScalar, ELEMENT } from './scalars.ts';
import { PAGE, type Target } from './target.ts';

/** Scalar operations that one unit of a kernel does, so that handing it to a thread costs little beside it. */
const UNIT_FLOPS = 32_768;
/** A fold of at most this many elements is written out instead of a loop. */
const MAX_UNROLLED = 8;
/** Runs of a loop whose sums are taken in float32 before they are added in float64. */
const NARROW_RUNS = 64;
/** Scalar operations of a run up to which the rest of a loop is a run of its own, so that the others need no mask. */
const LIGHT = 64;

/** How much of a kernel's outermost loop is a unit: `each` of every `of` equal parts; the last unit may be smaller. */
export interface UnitSize {
  readonly of: number;
  readonly each: number;
}

/**
 * Adds a kernel's functions to a module, one for each window. Their units are runs of the outermost loop, of a size that
 * is given or one that seems right.
 */
export function renderKernel(
  kernel: Kernel,
  reads: readonly Var[],
  module: Module,
  name: string,
  target: Target,
  unit?: UnitSize,
): Phase[] {
  return windowsFor(kernel, unit).map((window, i) => {
    const renderer = new Renderer(
      { ...kernel, stores: window?.stores ?? kernel.stores },
      window,
      reads,
      module,
      target,
      unit,
    );
    const part = window ? `${name}w${i}` : name;
    module.add(renderer.render(part));
    return { name: part, units: renderer.units, flops: kernel.flops };
  });
}

/** The windows of a kernel, if units of this size are of another axis; else the kernel as a whole. */
function windowsFor(kernel: Kernel, unit: UnitSize | undefined): readonly (Window | undefined)[] {
  const isWithin = kernel.windows.every((window) => {
    const [outermost] = analyse({ space: kernel.space, stores: window.stores }, window).loops;
    return unit === undefined || (outermost?.axis !== window.axis && (outermost?.size ?? 0) % unit.of === 0);
  });
  return kernel.windows.length > 0 && isWithin ? kernel.windows : [undefined];
}

/** A value in a function: in every lane the same, or one a lane. */
interface Known {
  readonly value: Value;
  readonly isWide: boolean;
}

/** The vector loop where instructions are being added: how many lanes, and which of them count. */
interface Here {
  readonly wide: Lanes;
  readonly mask: Value | undefined;
}

/** Where a loop runs from and to: numbers, or names of `i64` values. */
interface Range {
  readonly from: number | string;
  readonly to: number | string;
  /** How many, where that is known and the ends are not. */
  readonly runs?: number;
}

class Renderer {
  readonly units: number;
  readonly #kernel: Kernel;
  readonly #target: Target;
  readonly #body: Body;
  readonly #one: Lanes;
  readonly #analysis: Analysis;
  /** Outermost first; the last of the space's or of the fold's runs over lanes. */
  readonly #order: readonly Loop[];
  readonly #vector: Loop | undefined;
  readonly #lanes: number;
  /** Scalar operations of one run of all loops. */
  readonly #work: number;
  readonly #spaceLoops: number;
  /** The loop whose runs make up units: the outermost in storage. */
  readonly #split: Loop | undefined;
  /** Its runs in one unit. */
  readonly #grain: number;
  readonly #pointers = new Map<Var, string>();
  readonly #indices = new Map<Loop, number | string>();
  readonly #levels = new Map<Expr, number>();
  readonly #varying = new Set<Expr>();
  readonly #afterFold = new Set<Expr>();
  #scopes: Map<Expr, Known>[] = [new Map()];
  #here: Here;

  constructor(
    kernel: Kernel,
    window: Window | undefined,
    reads: readonly Var[],
    module: Module,
    target: Target,
    unit: UnitSize | undefined,
  ) {
    this.#kernel = kernel;
    this.#target = target;
    this.#body = new Body(module);
    this.#one = new Lanes(this.#body, 1, target);
    this.#here = { wide: this.#one, mask: undefined };
    this.#analysis = analyse(kernel, window);
    const { loops } = this.#analysis;
    this.#spaceLoops = loops.filter(({ isFold }) => !isFold).length;
    this.#vector = this.#chooseVector();
    this.#order = inOrder(loops, this.#vector);
    this.#work = this.#analysis.values.reduce(
      (total, { fn }) => total + (fn in SCALARS ? SCALARS[fn as ScalarFn].flops : 1),
      0,
    );
    this.#lanes = this.#chooseLanes();
    const [outermost] = loops;
    this.#split = outermost && !outermost.isFold ? outermost : undefined;
    const size = this.#split?.size ?? 1;
    this.#grain = unit === undefined ? this.#chooseGrain(size) : (size / unit.of) * unit.each;
    this.units = kernel.space.includes(0) ? 0 : Math.ceil(size / this.#grain);
    reads.forEach((variable, i) => this.#pointers.set(variable, `%a${i}`));
    this.#place();
  }

  render(name: string): string {
    const { stores } = this.#kernel;
    const parameters = [
      ...[...this.#pointers.values()].map((pointer) => `ptr ${pointer}`),
      ...stores.map((_, i) => `ptr %o${i}`),
      'ptr %scratch',
      'i64 %begin',
      'i64 %end',
    ];
    if (this.units > 0) this.#nest(0);
    return `define internal void @${name}(${parameters.join(', ')}) nounwind {\nentry:\n${this.#body}\n  ret void\n}`;
  }

  // ---- Choices

  /** The loop over lanes: the one along which the most loads and stores are of neighbours. */
  #chooseVector(): Loop | undefined {
    const { loops, values, sums, position, folds } = this.#analysis;
    if (folds.length > 0 && sizeOf((folds[0] as Fold).over) === 0) return undefined;
    const candidates = loops.filter(({ isFold }) => !isFold || folds.length > 0);
    const places = values.flatMap((expr) => {
      if (expr.fn !== 'load') return [];
      return [{ place: sums.get(expr.args[0] as Expr), bytes: BYTES[expr.dtype] }];
    });
    const stored = { place: position, bytes: BYTES[this.#kernel.stores[0]?.target.type.dtype ?? 'float32'] };
    const innermostFold = loops.filter(({ isFold }) => isFold).at(-1);
    const full = this.#target.vectorBits / 32;
    const costOf = (loop: Loop): number => {
      // What steps by one costs one access a vector, what stays a fraction, anything else one access a lane.
      const access = ({ place, bytes }: { readonly place: Affine | undefined; readonly bytes: number }): number => {
        const step = place?.coefficients[loop.axis];
        if (step === 0) return 0.25;
        if (step === 1) return 1;
        // Lanes that share a set of the cache push one another out of it before the next vector comes.
        return step !== undefined && loop.size > 8 && (step * bytes) % PAGE === 0 ? full : full / 2;
      };
      let cost = places.reduce((total, each) => total + access(each), 1);
      if (loop.isFold) cost += (4 * full) / loop.size;
      else cost += access(stored) / (folds.length > 0 ? sizeOf((folds[0] as Fold).over) : 1);
      const vectors = Math.ceil(loop.size / full);
      return (cost * vectors * full) / loop.size;
    };
    let best: Loop | undefined;
    let least = Infinity;
    // The innermost of equals, which keeps the order of the loops that of storage.
    for (const loop of [...candidates].reverse()) {
      if (loop.isFold && loop !== innermostFold) continue;
      const cost = costOf(loop);
      if (cost < least) [best, least] = [loop, cost];
    }
    return best;
  }

  #chooseLanes(): number {
    const vector = this.#vector;
    if (!vector) return 1;
    const { values, folds } = this.#analysis;
    const isNarrow = values.some(({ dtype, fn }) => dtype === 'float32' || (dtype === 'int32' && fn === 'load'));
    const full = this.#target.vectorBits / (isNarrow ? 32 : 64);
    const work = this.#work;
    // Several vectors at once hide the latency of short chains; long ones fill the registers by themselves.
    const vectors = folds.length === 0 ? (work < 24 ? 2 : 1) : vector.isFold ? (work < 24 ? 4 : 2) : work < 24 ? 2 : 1;
    let lanes = full * vectors;
    // Without masks a vector must not reach beyond the loop.
    while (lanes > 1 && (this.#target.masks ? lanes / 2 >= vector.size : lanes > vector.size)) lanes /= 2;
    return lanes;
  }

  #chooseGrain(size: number): number {
    if (!this.#split) return 1;
    const perRun = Math.max(1, this.#kernel.flops + sizeOf(this.#kernel.space)) / size;
    const wanted = Math.max(1, Math.floor(UNIT_FLOPS / perRun));
    if (this.#split !== this.#vector) return Math.min(wanted, size);
    return Math.min(Math.max(1, Math.round(wanted / this.#lanes)) * this.#lanes, size);
  }

  /** For every value: how many loops must be open, whether lanes differ, and whether it needs a fold's result. */
  #place(): void {
    const { values, sums } = this.#analysis;
    for (const [expr, sum] of sums) this.#placeSum(expr, sum);
    for (const expr of values) {
      if (expr.fn === 'fold') {
        this.#levels.set(expr, this.#spaceLoops);
        if (this.#vector && !this.#vector.isFold) this.#varying.add(expr);
        this.#afterFold.add(expr);
        continue;
      }
      this.#levels.set(expr, Math.max(0, ...expr.args.map((arg) => this.#levels.get(arg) as number)));
      if (expr.args.some((arg) => this.#varying.has(arg))) this.#varying.add(expr);
      if (expr.args.some((arg) => this.#afterFold.has(arg))) this.#afterFold.add(expr);
    }
  }

  #placeSum(expr: Expr, { coefficients }: Affine): void {
    let level = 0;
    this.#order.forEach((loop, at) => {
      if (coefficients[loop.axis]) level = at + 1;
    });
    this.#levels.set(expr, level);
    if (this.#vector && coefficients[this.#vector.axis]) this.#varying.add(expr);
  }

  // ---- Loops

  /** Opens the loops of the space from `depth` on. */
  #nest(depth: number): void {
    this.#define(depth, false);
    if (depth === this.#spaceLoops) {
      this.#point();
      return;
    }
    const loop = this.#order[depth] as Loop;
    const range = loop === this.#split ? this.#unitRange(loop) : { from: loop.first, to: loop.first + loop.size };
    this.#loop(loop, range, [], () => {
      this.#nest(depth + 1);
      return [];
    });
  }

  /** The runs of the outermost loop that units `%begin` to `%end` stand for. */
  #unitRange({ size, first }: Loop): Range {
    const body = this.#body;
    if (this.#grain >= size) return { from: first, to: first + size };
    const at = (unit: string): string => {
      const runs = body.value(`mul i64 ${unit}, ${this.#grain}`);
      return first === 0 ? runs : body.value(`add i64 ${runs}, ${first}`);
    };
    const [from, to] = [at('%begin'), at('%end')];
    if (size % this.#grain === 0) return { from, to };
    const over = body.value(`icmp ugt i64 ${to}, ${first + size}`);
    return { from, to: body.value(`select i1 ${over}, i64 ${first + size}, i64 ${to}`) };
  }

  /** All that happens at one point of the space, or at one vector of points. */
  #point(): void {
    const { folds } = this.#analysis;
    if (folds.length > 0) {
      const results = this.#fold(folds);
      for (const expr of this.#analysis.values)
        if (expr.fn === 'fold')
          this.#know(expr, results[folds.indexOf(expr.fold)]?.[expr.index] as Value, this.#varying.has(expr));
      this.#define(this.#spaceLoops, true);
    }
    this.#kernel.stores.forEach(({ expr, target }, i) => this.#store(`%o${i}`, target.type.dtype, expr));
  }

  /** The accumulators of folds over one space. */
  #fold(folds: readonly Fold[]): Value[][] {
    const sizes = folds.map(({ identity }) => identity.length);
    const identities = folds.flatMap(({ identity }) => identity);
    const lanes = this.#accumulatorLanes();
    const start = identities.map((expr) => constantOf(lanes, expr));
    const isEmpty = sizeOf((folds[0] as Fold).over) === 0;
    const hasLoops = this.#order.length > this.#spaceLoops;
    const ends = isEmpty
      ? start
      : hasLoops
        ? this.#foldNest(this.#spaceLoops, folds, start)
        : this.#narrowly(folds, start, (begun) => this.#step(folds, begun));
    const parts = sizes.map((size, f) => {
      const first = sizes.slice(0, f).reduce((total, each) => total + each, 0);
      return ends.slice(first, first + size);
    });
    if (!this.#vector?.isFold) return parts;
    return parts.map((part, f) => this.#acrossLanes(folds[f] as Fold, part, this.#lanes));
  }

  #foldNest(depth: number, folds: readonly Fold[], carried: readonly Value[]): Value[] {
    if (depth > this.#spaceLoops) this.#define(depth, false);
    if (depth === this.#order.length) return this.#step(folds, carried);
    const loop = this.#order[depth] as Loop;
    const inside = (range: Range, values: readonly Value[]): Value[] =>
      this.#loop(loop, range, values, (inner) => this.#foldNest(depth + 1, folds, inner));
    const isInnermost = depth === this.#order.length - 1;
    if (!isInnermost || narrowPlaces(folds).length === 0) return inside({ from: 0, to: loop.size }, carried);
    return this.#inBlocks(loop, carried, (range, values) =>
      this.#narrowly(folds, values, (begun) => inside(range, begun)),
    );
  }

  /** Sums begin at nothing in float32, and are added to those before in float64. */
  #narrowly(
    folds: readonly Fold[],
    carried: readonly Value[],
    run: (begun: readonly Value[]) => readonly Value[],
  ): Value[] {
    const narrow = narrowPlaces(folds);
    const lanes = this.#accumulatorLanes();
    const begun = carried.map((value, i) => (narrow.includes(i) ? lanes.const('float', 0) : value));
    return run(begun).map((value, i) =>
      narrow.includes(i) ? lanes.add(carried[i] as Value, lanes.toFloat(value, 'double')) : value,
    );
  }

  /** A loop in blocks of few runs, those that are left over in one more. */
  #inBlocks(
    loop: Loop,
    carried: readonly Value[],
    block: (range: Range, carried: readonly Value[]) => Value[],
  ): Value[] {
    const size = NARROW_RUNS * (loop === this.#vector ? this.#lanes : 1);
    const whole = Math.floor(loop.size / size) * size;
    let values = [...carried];
    if (whole > 0) {
      const outer: Loop = { size: whole, first: 0, isFold: true, axis: -1 };
      values = this.#counted(outer, { from: 0, to: whole }, size, this.#typeOf(), values, (inner) => {
        const from = this.#indices.get(outer) as number | string;
        const to = typeof from === 'number' ? from + size : this.#body.value(`add i64 ${from}, ${size}`);
        return block({ from, to, runs: size }, inner);
      });
    }
    return whole < loop.size ? block({ from: whole, to: loop.size }, values) : values;
  }

  /** The accumulators with one more element folded in. */
  #step(folds: readonly Fold[], carried: readonly Value[]): Value[] {
    const { wide, mask } = this.#here;
    const isVectorFold = this.#vector?.isFold === true;
    let first = 0;
    return folds.flatMap((fold) => {
      const own = carried.slice(first, first + fold.identity.length);
      first += fold.identity.length;
      const lanes = this.#vector ? wide : this.#one;
      const read = (expr: Expr): Value => (this.#vector ? this.#wide(expr) : this.#uniform(expr));
      const combined = fold.narrow
        ? [this.#addNarrow(lanes, own[0] as Value, fold.narrow, read)]
        : this.#combine(lanes, fold, [...own, ...fold.element.map(read)]);
      if (!isVectorFold || !mask) return combined;
      return combined.map((value, i) => wide.select(mask, value, own[i] as Value));
    });
  }

  /** A sum in float32 with one more element, a product rounded once with its addition. */
  #addNarrow(lanes: Lanes, sum: Value, element: Expr, read: (expr: Expr) => Value): Value {
    const [x, y] = element.args;
    return element.fn === 'mul' && this.#target.fma
      ? lanes.fma(read(x as Expr), read(y as Expr), sum)
      : lanes.add(sum, read(element));
  }

  #combine(lanes: Lanes, { combine }: Fold, accumulators: readonly Value[]): Value[] {
    const known = new Map<Expr, Value>();
    for (const expr of reachable(combine).all) {
      const value =
        expr.fn === 'acc'
          ? (accumulators[expr.index] as Value)
          : expr.fn === 'const'
            ? constantOf(lanes, expr)
            : applyScalar(
                lanes,
                expr.fn as ScalarFn,
                expr.dtype,
                expr.args.map((arg) => known.get(arg) as Value),
              );
      known.set(expr, value);
    }
    return combine.map((expr) => known.get(expr) as Value);
  }

  /** Halves are combined until one lane is left: always in the same order. */
  #acrossLanes(fold: Fold, accumulators: readonly Value[], count: number): Value[] {
    let values = accumulators;
    for (let width = count; width > 1; width /= 2) {
      const half = width / 2;
      const lanes = new Lanes(this.#body, half, this.#target);
      const part = ({ element, text }: Value, from: number): Value => {
        const type = `<${width} x ${element}>`;
        if (half === 1) return { element, text: this.#body.value(`extractelement ${type} ${text}, i32 ${from}`) };
        const places = Array.from({ length: half }, (_, lane) => `i32 ${from + lane}`).join(', ');
        return {
          element,
          text: this.#body.value(`shufflevector ${type} ${text}, ${type} poison, <${half} x i32> <${places}>`),
        };
      };
      values = this.#combine(lanes, fold, [
        ...values.map((value) => part(value, 0)),
        ...values.map((value) => part(value, half)),
      ]);
    }
    return [...values];
  }

  /** One loop; `carried` goes from run to run, and what it ends with is returned. */
  #loop(
    loop: Loop,
    range: Range,
    carried: readonly Value[],
    run: (carried: readonly Value[]) => readonly Value[],
  ): Value[] {
    if (loop === this.#vector) return this.#vectorLoop(loop, range, carried, run);
    if (loop.isFold && sizeOf((this.#analysis.folds[0] as Fold).over) <= MAX_UNROLLED) {
      let values = carried;
      for (let i = 0; i < loop.size; i++) values = this.#inScope(() => this.#run(loop, i, values, run));
      return [...values];
    }
    return this.#counted(loop, range, 1, this.#typeOf(), carried, run);
  }

  #typeOf(): (value: Value) => string {
    const lanes = this.#accumulatorLanes();
    return ({ element }) => lanes.type(element);
  }

  #accumulatorLanes(): Lanes {
    return this.#vector?.isFold ? new Lanes(this.#body, this.#lanes, this.#target) : this.#here.wide;
  }

  /** The loop over lanes: whole vectors, then what is left under a mask or one by one. */
  #vectorLoop(
    loop: Loop,
    range: Range,
    carried: readonly Value[],
    run: (carried: readonly Value[]) => readonly Value[],
  ): Value[] {
    const lanes = this.#lanes;
    const outside = this.#here;
    const wide = new Lanes(this.#body, lanes, this.#target);
    const isWhole = this.#isWhole(loop, range);
    const type = ({ element }: Value): string => wide.type(element);
    let results: Value[];
    const runs = (of: Range, isMasked: boolean, values: readonly Value[]): Value[] =>
      this.#counted(loop, of, lanes, type, values, (inner) => {
        this.#here = { wide, mask: isMasked ? this.#maskOf(wide, loop, of) : undefined };
        return run(inner);
      });
    const { from, to } = range;
    const isFixed = typeof from === 'number' && typeof to === 'number';
    if (isWhole) results = runs(range, false, carried);
    else if (this.#target.masks && isFixed && this.#work <= LIGHT && to - from > lanes) {
      const middle = from + Math.floor((to - from) / lanes) * lanes;
      results = runs({ from: middle, to }, true, runs({ from, to: middle }, false, carried));
    } else if (this.#target.masks) results = runs(range, true, carried);
    else results = this.#withRemainder(loop, range, wide, carried, run);
    this.#here = outside;
    return results;
  }

  /** Whether a range is a number of vectors without a rest. */
  #isWhole(loop: Loop, { from, to, runs }: Range): boolean {
    if (runs !== undefined) return runs % this.#lanes === 0;
    if (typeof from === 'number' && typeof to === 'number') return (to - from) % this.#lanes === 0;
    return loop.size % this.#lanes === 0 && this.#grain % this.#lanes === 0;
  }

  /** Whole vectors as far as they go, then the rest one element at a time. */
  #withRemainder(
    loop: Loop,
    { from, to }: Range,
    wide: Lanes,
    carried: readonly Value[],
    run: (carried: readonly Value[]) => readonly Value[],
  ): Value[] {
    const body = this.#body;
    const lanes = wide.count;
    const count = body.value(`sub i64 ${to}, ${from}`);
    const middle = body.value(`add i64 ${from}, ${body.value(`and i64 ${count}, ${-lanes}`)}`);
    let values = this.#counted(
      loop,
      { from, to: middle },
      lanes,
      ({ element }) => wide.type(element),
      carried,
      (inner) => {
        this.#here = { wide, mask: undefined };
        return run(inner);
      },
      true,
    );
    const rest = (type: (value: Value) => string): Value[] =>
      this.#counted(
        loop,
        { from: middle, to },
        1,
        type,
        values,
        (inner) => {
          this.#here = { wide: this.#one, mask: undefined };
          return run(inner);
        },
        true,
      );
    // The rest is folded into the first lane.
    const whole = values;
    const lane = ({ element, text }: Value): string => `${wide.type(element)} ${text}`;
    values = whole.map((value) => ({
      element: value.element,
      text: body.value(`extractelement ${lane(value)}, i32 0`),
    }));
    return rest(({ element }) => element).map(({ element, text }, i) => ({
      element,
      text: body.value(`insertelement ${lane(whole[i] as Value)}, ${element} ${text}, i32 0`),
    }));
  }

  #maskOf(wide: Lanes, loop: Loop, { to }: Range): Value {
    const at = this.#indices.get(loop) as number | string;
    const index = (value: number | string): Value =>
      typeof value === 'number'
        ? wide.const('i32', value)
        : wide.splat('i32', this.#body.value(`trunc i64 ${value} to i32`));
    const [first, last] = [index(at), index(to)];
    return wide.compare(
      'lt',
      wide.add(
        first,
        wide.each('i32', (lane) => lane),
      ),
      last,
    );
  }

  /** A loop that counts by `step`; `mayBeEmpty` where the range may hold nothing. */
  #counted(
    loop: Loop,
    { from, to }: Range,
    step: number,
    type: (value: Value) => string,
    carried: readonly Value[],
    run: (carried: readonly Value[]) => readonly Value[],
    mayBeEmpty = false,
  ): Value[] {
    const body = this.#body;
    if (typeof from === 'number' && typeof to === 'number' && to - from <= step)
      return this.#inScope(() => this.#run(loop, from, carried, run));
    const before = body.block;
    const [head, exit] = [body.label(), body.label()];
    if (mayBeEmpty) body.line(`br i1 ${body.value(`icmp ult i64 ${from}, ${to}`)}, label %${head}, label %${exit}`);
    else body.line(`br label %${head}`);
    body.begin(head);
    const index = body.name();
    const writeIndex = body.reserve();
    const phis = carried.map((value) => ({ value, name: body.name(), write: body.reserve() }));
    const made = this.#inScope(() =>
      this.#run(
        loop,
        index,
        phis.map(({ value, name }) => ({ element: value.element, text: name })),
        run,
      ),
    );
    const latch = body.block;
    const next = body.value(`add i64 ${index}, ${step}`);
    body.line(`br i1 ${body.value(`icmp ult i64 ${next}, ${to}`)}, label %${head}, label %${exit}`);
    writeIndex(`${index} = phi i64 [ ${from}, %${before} ], [ ${next}, %${latch} ]`);
    phis.forEach(({ value, name, write }, i) =>
      write(`${name} = phi ${type(value)} [ ${value.text}, %${before} ], [ ${(made[i] as Value).text}, %${latch} ]`),
    );
    body.begin(exit);
    if (!mayBeEmpty) return [...made];
    return carried.map(({ element, text }, i) => ({
      element,
      text: body.value(
        `phi ${type({ element, text })} [ ${text}, %${before} ], [ ${(made[i] as Value).text}, %${latch} ]`,
      ),
    }));
  }

  #run(
    loop: Loop,
    index: number | string,
    carried: readonly Value[],
    run: (carried: readonly Value[]) => readonly Value[],
  ): Value[] {
    this.#indices.set(loop, index);
    return [...run(carried)];
  }

  #inScope<T>(run: () => T): T {
    this.#scopes.push(new Map());
    const result = run();
    this.#scopes.pop();
    return result;
  }

  // ---- Values

  /** Computes what is first known when `level` loops are open. */
  #define(level: number, afterFold: boolean): void {
    for (const expr of this.#analysis.values) {
      if (this.#levels.get(expr) !== level || this.#afterFold.has(expr) !== afterFold) continue;
      if (expr.fn === 'const' || expr.fn === 'fold') continue;
      const isWide = this.#varying.has(expr);
      this.#know(expr, this.#compute(expr, isWide), isWide);
    }
  }

  #know(expr: Expr, value: Value, isWide: boolean): void {
    (this.#scopes.at(-1) as Map<Expr, Known>).set(expr, { value, isWide });
  }

  #known(expr: Expr): Known | undefined {
    for (let at = this.#scopes.length - 1; at >= 0; at--) {
      const known = this.#scopes[at]?.get(expr);
      if (known) return known;
    }
    return undefined;
  }

  #compute(expr: Expr, isWide: boolean): Value {
    if (expr.fn === 'load') return this.#load(expr, isWide);
    const args = expr.args.map((arg) => (isWide ? this.#wide(arg) : this.#uniform(arg)));
    return applyScalar(isWide ? this.#here.wide : this.#one, expr.fn as ScalarFn, expr.dtype, args);
  }

  /** The value as one a lane. */
  #wide(expr: Expr): Value {
    const { wide } = this.#here;
    if (expr.fn === 'const') return constantOf(wide, expr);
    const sum = this.#analysis.sums.get(expr);
    if (sum) return this.#sumValue(wide, sum);
    const known = this.#known(expr) as Known;
    return known.isWide ? known.value : wide.splat(known.value.element, known.value.text);
  }

  /** The value as a scalar. */
  #uniform(expr: Expr): Value {
    if (expr.fn === 'const') return constantOf(this.#one, expr);
    const sum = this.#analysis.sums.get(expr);
    if (sum) return this.#sumValue(this.#one, sum);
    return (this.#known(expr) as Known).value;
  }

  /** An index as a value. */
  #sumValue(lanes: Lanes, sum: Affine): Value {
    const base = this.#offset(sum);
    const step = this.#stepOf(sum);
    const first =
      typeof base === 'number'
        ? lanes.const('i32', base)
        : lanes.splat('i32', this.#body.value(`trunc i64 ${base} to i32`));
    if (step === 0 || lanes.count === 1) return first;
    return lanes.add(
      first,
      lanes.each('i32', (lane) => lane * step),
    );
  }

  /** How far lanes are apart. */
  #stepOf({ coefficients }: Affine): number {
    return this.#vector ? (coefficients[this.#vector.axis] as number) : 0;
  }

  /** A sum's value in the first lane, as a number or an `i64`. */
  #offset({ coefficients, constant }: Affine): number | string {
    const body = this.#body;
    let known = constant;
    let name: string | undefined;
    for (const loop of this.#order) {
      const coefficient = coefficients[loop.axis] as number;
      const index = this.#indices.get(loop);
      if (coefficient === 0 || index === undefined) continue;
      if (typeof index === 'number') known += coefficient * index;
      else {
        const term = coefficient === 1 ? index : body.value(`mul i64 ${index}, ${coefficient}`);
        name = name === undefined ? term : body.value(`add i64 ${name}, ${term}`);
      }
    }
    if (name === undefined) return known;
    return known === 0 ? name : body.value(`add i64 ${name}, ${known}`);
  }

  // ---- Memory

  #load(expr: Extract<Expr, { fn: 'load' }>, isWide: boolean): Value {
    const { dtype } = expr;
    const pointer = this.#pointers.get(expr.source) as string;
    const offset = expr.args[0] as Expr;
    const sum = this.#analysis.sums.get(offset);
    const memory = memoryElement(dtype);
    if (!isWide) {
      const at = sum ? this.#offset(sum) : this.#body.value(`sext i32 ${this.#uniform(offset).text} to i64`);
      const text = this.#body.value(`load ${memory}, ptr ${this.#address(pointer, memory, at)}, align ${BYTES[dtype]}`);
      return fromMemory(this.#one, { element: memory, text }, dtype);
    }
    const { wide } = this.#here;
    if (wide.count === 1) {
      const at = sum ? this.#offset(sum) : this.#body.value(`sext i32 ${this.#wide(offset).text} to i64`);
      const text = this.#body.value(`load ${memory}, ptr ${this.#address(pointer, memory, at)}, align ${BYTES[dtype]}`);
      return fromMemory(wide, { element: memory, text }, dtype);
    }
    const type = wide.type(memory);
    const text =
      sum && this.#stepOf(sum) === 1
        ? this.#loadRun(type, memory, this.#address(pointer, memory, this.#offset(sum)), dtype)
        : this.#gather(type, memory, this.#addresses(pointer, memory, sum, offset), dtype);
    return fromMemory(wide, { element: memory, text }, dtype);
  }

  /** Neighbours. */
  #loadRun(type: string, memory: Element, address: string, dtype: DType): string {
    const { wide, mask } = this.#here;
    const align = BYTES[dtype];
    if (!mask) return this.#body.value(`load ${type}, ptr ${address}, align ${align}`);
    const name = `@llvm.masked.load.${wide.suffix(memory)}.p0`;
    const masks = wide.type('i1');
    this.#body.module.declare(`${type} ${name}(ptr, i32, ${masks}, ${type})`);
    return this.#body.value(
      `call ${type} ${name}(ptr ${address}, i32 ${align}, ${masks} ${mask.text}, ${type} zeroinitializer)`,
    );
  }

  /** Elements anywhere. */
  #gather(type: string, memory: Element, addresses: string, dtype: DType): string {
    const { wide, mask } = this.#here;
    const name = `@llvm.masked.gather.${wide.suffix(memory)}.v${wide.count}p0`;
    const masks = wide.type('i1');
    const pointers = `<${wide.count} x ptr>`;
    this.#body.module.declare(`${type} ${name}(${pointers}, i32, ${masks}, ${type})`);
    const lanes = mask ?? wide.const('i1', 1);
    return this.#body.value(
      `call ${type} ${name}(${pointers} ${addresses}, i32 ${BYTES[dtype]}, ${masks} ${lanes.text}, ${type} zeroinitializer)`,
    );
  }

  /** The address of an element, by its offset in elements. */
  #address(pointer: string, memory: Element, at: number | string): string {
    if (at === 0) return pointer;
    return this.#body.value(`getelementptr ${memory}, ptr ${pointer}, i64 ${at}`);
  }

  /** One address a lane. */
  #addresses(pointer: string, memory: Element, sum: Affine | undefined, offset: Expr): string {
    const { wide } = this.#here;
    if (!sum)
      return this.#body.value(
        `getelementptr ${memory}, ptr ${pointer}, ${wide.type('i32')} ${this.#wide(offset).text}`,
      );
    const first = this.#address(pointer, memory, this.#offset(sum));
    const step = this.#stepOf(sum);
    const steps = wide.each('i32', (lane) => lane * step);
    return this.#body.value(`getelementptr ${memory}, ptr ${first}, ${wide.type('i32')} ${steps.text}`);
  }

  #store(pointer: string, dtype: DType, expr: Expr): void {
    const { position } = this.#analysis;
    const { wide, mask } = this.#here;
    const memory = memoryElement(dtype);
    const align = BYTES[dtype];
    const step = this.#stepOf(position);
    const isWide = this.#vector !== undefined && !this.#vector.isFold && wide.count > 1;
    if (!isWide) {
      const value = wide.count === 1 && this.#vector && !this.#vector.isFold ? this.#wide(expr) : this.#uniform(expr);
      const { text } = toMemory(this.#one, value);
      this.#body.line(
        `store ${memory} ${text}, ptr ${this.#address(pointer, memory, this.#offset(position))}, align ${align}`,
      );
      return;
    }
    const { text } = toMemory(wide, this.#wide(expr));
    const type = wide.type(memory);
    const masks = wide.type('i1');
    if (step === 1) {
      const address = this.#address(pointer, memory, this.#offset(position));
      if (!mask) {
        this.#body.line(`store ${type} ${text}, ptr ${address}, align ${align}`);
        return;
      }
      const name = `@llvm.masked.store.${wide.suffix(memory)}.p0`;
      this.#body.module.declare(`void ${name}(${type}, ptr, i32, ${masks})`);
      this.#body.line(`call void ${name}(${type} ${text}, ptr ${address}, i32 ${align}, ${masks} ${mask.text})`);
      return;
    }
    const name = `@llvm.masked.scatter.${wide.suffix(memory)}.v${wide.count}p0`;
    const pointers = `<${wide.count} x ptr>`;
    this.#body.module.declare(`void ${name}(${type}, ${pointers}, i32, ${masks})`);
    const addresses = this.#addresses(pointer, memory, position, expr);
    const lanes = mask ?? wide.const('i1', 1);
    this.#body.line(
      `call void ${name}(${type} ${text}, ${pointers} ${addresses}, i32 ${align}, ${masks} ${lanes.text})`,
    );
  }
}

/** Which accumulators of some folds are sums that begin in float32. */
function narrowPlaces(folds: readonly Fold[]): number[] {
  const places: number[] = [];
  let first = 0;
  for (const { narrow, identity } of folds) {
    if (narrow) places.push(first);
    first += identity.length;
  }
  return places;
}

/** The loops with that over lanes last among those of its space, which is the innermost there. */
function inOrder(loops: readonly Loop[], vector: Loop | undefined): Loop[] {
  const isLast = (loop: Loop): number => Number(loop === vector);
  return [...loops].sort((a, b) => Number(a.isFold) - Number(b.isFold) || isLast(a) - isLast(b));
}

/** What a dtype is in memory: a bool is a byte. */
function memoryElement(dtype: DType): Element {
  return dtype === 'bool' ? 'i8' : ELEMENT[dtype];
}

function fromMemory(lanes: Lanes, value: Value, dtype: DType): Value {
  return dtype === 'bool' ? lanes.compare('ne', value, lanes.const('i8', 0)) : value;
}

function toMemory(lanes: Lanes, value: Value): Value {
  return value.element === 'i1' ? lanes.resize(value, 'i8') : value;
}

function constantOf(lanes: Lanes, expr: Expr): Value {
  if (expr.fn !== 'const') throw new Error(`${expr.fn} is no constant`);
  return lanes.const(ELEMENT[expr.dtype], expr.value);
}
