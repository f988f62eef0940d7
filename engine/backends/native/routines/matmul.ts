/** @file Matrix products in native code: a tile of the output in registers, panels of the right operand in the cache. */
import type { Routine } from '../../../compile/routine.ts';
import type { DType, TensorType } from '../../../types.ts';
import type { Body, Element, Module } from '../ir.ts';
import type { NativeRoutine, RoutineRenderer } from '../routine.ts';
import type { Target } from '../target.ts';
import { addFunction, bytesOf, Integers, lanesOf, loop } from './code.ts';
import { addTile, callTile, type Tile } from './tile.ts';

/** The sizes of routine `matmul`: strides in elements. */
export interface MatmulSizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lhs_batch: number;
  readonly lhs_m: number;
  readonly lhs_k: number;
  readonly rhs_batch: number;
  readonly rhs_k: number;
  readonly rhs_n: number;
  readonly strided: boolean;
}

const ELEMENTS: Readonly<Record<DType, Element | undefined>> = {
  float32: 'float',
  float64: 'double',
  int32: 'i32',
  int64: 'i64',
  bool: undefined,
};

/** `matmul` of every dtype of numbers. */
export const matmul: RoutineRenderer = (routine, types, module, name, target) => {
  const sizes = matmulSizes(routine);
  const element = ELEMENTS[types.outputs[0]!.dtype];
  if (!element || !sizes.strided) return undefined;
  if (sizes.rhs_n !== 1 || !target.masks || sizes.k === 0) return undefined;
  const plan = planOf(sizes, element, target);
  return render(sizes, plan, types.outputs[0]!, module, name, target);
};

/** The sizes as the routine tells them. */
export function matmulSizes({ sizes }: Routine): MatmulSizes {
  return sizes as unknown as MatmulSizes;
}

/** How a product is cut up. */
interface Plan {
  readonly element: Element;
  /** Rows of a tile, and its width in registers. */
  readonly height: number;
  readonly vectors: number;
  /** Columns of a tile. */
  readonly width: number;
  /** Rows of a block. */
  readonly blockRows: number;
  readonly rowBlocks: number;
}

function planOf({ m }: MatmulSizes, element: Element, target: Target): Plan {
  const vectors = 2;
  const most = Math.floor((target.registers - vectors - 2) / vectors);
  const height = Math.max(1, Math.ceil(m / Math.ceil(m / most)));
  const blockRows = Math.min(m, height * 4);
  return {
    element,
    height,
    vectors,
    width: (vectors * target.vectorBits) / (8 * bytesOf(element)),
    blockRows,
    rowBlocks: Math.ceil(m / blockRows),
  };
}

function render(
  sizes: MatmulSizes,
  plan: Plan,
  output: TensorType,
  module: Module,
  name: string,
  target: Target,
): NativeRoutine {
  const { batch, m, n, k, lhs_m, lhs_k } = sizes;
  const { element, height, vectors, blockRows, rowBlocks } = plan;
  const tileOf = (rows: number): Tile => ({ element, rows, vectors, aRow: lhs_m, aStep: lhs_k, accumulates: false });
  const heights = [...new Set([height, m % height])].filter((rows) => rows > 0);
  for (const rows of heights) addTile(module, `${name}_tile${rows}`, tileOf(rows), target);
  const bytes = bytesOf(element);
  addFunction(
    module,
    `${name}_multiply`,
    ['ptr %x', 'ptr %y', 'ptr %out', 'ptr %scratch', 'i64 %begin', 'i64 %end'],
    (body) => {
      const integers = new Integers(body);
      loop(body, '%begin', '%end', 1, (unit) => {
        const block = integers.rem(unit, rowBlocks);
        const matrix = integers.div(unit, rowBlocks);
        const row = integers.mul(block, blockRows);
        const rows = rowBlocks === 1 ? String(m) : integers.min(integers.sub(m, row), blockRows);
        const a = integers.at(
          integers.at('%x', integers.mul(matrix, sizes.lhs_batch * bytes)),
          integers.mul(row, lhs_m * bytes),
        );
        const b = integers.at('%y', integers.mul(matrix, sizes.rhs_batch * bytes));
        const c = integers.at('%out', integers.mul(integers.add(integers.mul(matrix, m), row), n * bytes));
        loop(body, 0, n, plan.width, (column) => {
          const columns = columnsFrom(body, integers, column, n, plan.width);
          const operands = {
            b: integers.at(b, integers.mul(column, bytes)),
            bStep: sizes.rhs_k * bytes,
            cRow: n * bytes,
            k,
            columns,
            from: '',
            fromRow: 0,
          };
          const corner = integers.at(c, integers.mul(column, bytes));
          const whole = integers.mul(integers.div(rows, height), height);
          const tile = (at: string, rows: number): void =>
            callTile(body, `${name}_tile${rows}`, tileOf(rows), {
              ...operands,
              a: integers.at(a, integers.mul(at, lhs_m * bytes)),
              c: integers.at(corner, integers.mul(at, n * bytes)),
            });
          loop(body, 0, whole, height, (at) => tile(at, height));
          if (m % height > 0) loop(body, whole, rows, height, (at) => tile(at, m % height));
        });
      });
    },
    '',
  );
  void lanesOf;
  void output;
  return {
    scratchBytes: 0,
    phases: [{ name: `${name}_multiply`, units: batch * rowBlocks, flops: 2 * batch * m * n * k }],
  };
}

function columnsFrom(body: Body, integers: Integers, column: string, n: number, width: number): string {
  if (n <= width) return String(n);
  return body.value(`trunc i64 ${integers.min(integers.sub(n, column), width)} to i32`);
}
