/** @file The phase of a matrix product that copies the right operand to panels. */
import type { Body } from '../ir.ts';
import type { Phase } from '../routine.ts';
import { Integers, loop, when } from './code.ts';
import type { TileKernel } from './matmul-plan.ts';
import { addPanelOfColumns, addPanelOfRows, addPanelOfScalars, callPanel } from './pack.ts';
import { addPhase, columnsFrom, elementAt, operandsOf, type Product, packedPanels, rightMatrices } from './product.ts';

/** Elements that a unit copies, about. */
const UNIT_ELEMENTS = 1 << 14;

/** Adds the phase; a panel holds its terms one after the other, whole registers wide. */
export function addPack(product: Product, kernel: TileKernel): Phase | undefined {
  const { plan, module, name } = product;
  const { sizes } = plan;
  const panels = packedPanels(sizes, kernel);
  if (panels === 0) return undefined;
  const slices = slicesOf(sizes.k, kernel.width);
  const fill = addFill(product, kernel);
  addPhase(module, `${name}_pack`, (body) =>
    loop(body, '%begin', '%end', 1, (unit) => writeSlice(body, product, kernel, slices, unit, fill)),
  );
  const units = slices * panels * rightMatrices(sizes);
  return { name: `${name}_pack`, units, flops: panels * kernel.width * sizes.k * rightMatrices(sizes) };
}

/** Slices of a panel that are units: each has more terms than a register has lanes. */
function slicesOf(k: number, width: number): number {
  return Math.max(1, Math.floor((k * width) / UNIT_ELEMENTS));
}

type Fill = (body: Body, to: string, from: string, terms: string | number, columns: string | number) => void;

function writeSlice(
  body: Body,
  { plan, bytes, scratch }: Product,
  kernel: TileKernel,
  slices: number,
  unit: string,
  fill: Fill,
): void {
  const integers = new Integers(body);
  const { sizes } = plan;
  const { n, k } = sizes;
  const { width } = kernel;
  const panels = packedPanels(sizes, kernel);
  const [part, rest] = integers.divide(unit, slices);
  const [panel, matrix] = integers.divide(rest, panels);
  const slice = Math.floor(k / slices);
  const term = integers.mul(part, slice);
  // The last slice has what is left over.
  const terms = slices === 1 ? k : integers.pick(integers.equal(part, slices - 1), integers.sub(k, term), slice);
  const column = integers.mul(integers.add(panel, Math.ceil(n / width) - panels), width);
  const to = elementAt(
    integers,
    integers.at('%scratch', scratch.right),
    bytes,
    [matrix, panels * k * width],
    [panel, k * width],
    [term, width],
  );
  const [, right] = operandsOf(plan);
  const from = elementAt(integers, right, bytes, [matrix, sizes.rhs_batch], [term, sizes.rhs_k], [column, sizes.rhs_n]);
  fill(body, to, from, terms, columnsFrom(body, column, n, width));
}

/** Adds the functions that fill one panel; returns what writes their calls. */
function addFill({ plan, bytes, module, name, target }: Product, { vectors, width }: TileKernel): Fill {
  const { sizes, element } = plan;
  const { n, k, rhs_k, rhs_n } = sizes;
  const panel = { element, vectors };
  const call =
    (suffix: string): Fill =>
    (body, to, from, terms, columns) =>
      callPanel(body, `${name}_${suffix}`, {
        to,
        from,
        fromTerm: rhs_k * bytes,
        fromColumn: rhs_n * bytes,
        terms,
        columns,
      });
  const fill = call('panel');
  if (rhs_n !== 1) {
    const isSquare = target.masks || k >= target.vectorBits / (8 * bytes);
    if (isSquare) addPanelOfColumns(module, `${name}_panel`, panel, k, target);
    else addPanelOfScalars(module, `${name}_panel`, panel, target);
    return fill;
  }
  addPanelOfRows(module, `${name}_panel`, panel, target);
  if (target.masks || n % width === 0) return fill;
  addPanelOfScalars(module, `${name}_edge_panel`, panel, target);
  const fillEdge = call('edge_panel');
  return (body, ...args) => {
    const isWhole = body.value(`icmp eq i32 ${args[3]}, ${width}`);
    when(body, isWhole, () => fill(body, ...args));
    when(body, body.value(`xor i1 ${isWhole}, true`), () => fillEdge(body, ...args));
  };
}
