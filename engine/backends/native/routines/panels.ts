/** @file The phase of a matrix product that copies the right operand to panels. */
import type { Body } from '../ir.ts';
import type { Phase } from '../routine.ts';
import { Integers, loop, when } from './code.ts';
import type { TileKernel } from './matmul-plan.ts';
import { addPanelOfColumns, addPanelOfRows, addPanelOfScalars, callPanel, leastTerms } from './pack.ts';
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
  const fill = addFill(product, kernel, Math.floor(sizes.k / slices));
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

/** Where a panel's first element is in the right operand. */
export interface Corner {
  readonly matrix: string;
  readonly term: string;
  readonly column: string;
}

/** Writes the call that fills a panel, or some terms of it. */
export type Fill = (body: Body, to: string, from: Corner, terms: string | number, columns: string | number) => void;

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
  fill(body, to, { matrix, term, column }, terms, columnsFrom(body, column, n, width));
}

/**
 * Adds the functions that fill one panel with `shortest` terms or more; returns what writes their calls. What no other
 * function can do is done element by element: the last columns where there are no masks, and the fewest terms.
 */
export function addFill(product: Product, { vectors, width }: TileKernel, shortest: number): Fill {
  const { plan, module, name, target } = product;
  const { element } = plan;
  const { n, k, rhs_n } = plan.sizes;
  const panel = { element, vectors };
  const [fill, scalars] = [fillBy(product, 'panel'), fillBy(product, 'scalars')];
  const least = leastTerms(element);
  if (rhs_n === 1) addPanelOfRows(module, `${name}_panel`, panel, target);
  else if (k >= least) addPanelOfColumns(module, `${name}_panel`, panel, target);
  if (rhs_n === 1 ? target.masks || n % width === 0 : shortest >= least) return fill;
  addPanelOfScalars(module, `${name}_scalars`, panel, target);
  if (rhs_n !== 1 && k < least) return scalars;
  return (body, to, from, terms, columns) => {
    const condition = rhs_n === 1 ? `icmp eq i32 ${columns}, ${width}` : `icmp sge i64 ${terms}, ${least}`;
    const isFast = body.value(condition);
    when(body, isFast, () => fill(body, to, from, terms, columns));
    when(body, body.value(`xor i1 ${isFast}, true`), () => scalars(body, to, from, terms, columns));
  };
}

function fillBy({ plan, bytes, name }: Product, suffix: string): Fill {
  const { rhs_batch, rhs_k, rhs_n } = plan.sizes;
  const steps = { fromTerm: rhs_k * bytes, fromColumn: rhs_n * bytes };
  const [, right] = operandsOf(plan);
  return (body, to, { matrix, term, column }, terms, columns) => {
    const integers = new Integers(body);
    const from = elementAt(integers, right, bytes, [matrix, rhs_batch], [term, rhs_k], [column, rhs_n]);
    callPanel(body, `${name}_${suffix}`, { to, from, ...steps, terms, columns });
  };
}
