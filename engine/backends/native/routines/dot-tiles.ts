/** @file The parts of a matrix product as loops over tiles of dot products. */
import type { Body } from '../ir.ts';
import { Integers, loop } from './code.ts';
import { addDotTile } from './dots.ts';
import type { DotKernel } from './matmul-plan.ts';
import { elementAt, operandsOf, type Part, type Product, type WritePart } from './product.ts';

/** Adds the tiles' functions; returns what writes the loops over the tiles of a part. */
export function addDots(product: Product, { rows, columns }: DotKernel): WritePart {
  const { plan, module, name, target } = product;
  const { n, lhs_m, rhs_n } = plan.sizes;
  const last = n % columns;
  for (const width of last > 0 ? [columns, last] : [columns]) {
    const tile = { element: plan.element, rows, columns: width, aRow: lhs_m, bColumn: rhs_n, cRow: n };
    addDotTile(module, `${name}_dots${width}`, tile, target);
  }
  return (body, part) => {
    const integers = new Integers(body);
    const whole = integers.mul(integers.div(part.columns, columns), columns);
    loop(body, '0', whole, columns, (column) => writeColumn(body, product, part, rows, column, columns));
    if (last > 0)
      loop(body, whole, part.columns, columns, (column) => writeColumn(body, product, part, rows, column, last));
  };
}

/** The tiles one below the other; the last one overlaps the one before. */
function writeColumn(body: Body, product: Product, part: Part, rows: number, column: string, width: number): void {
  const { plan, bytes, name } = product;
  const { sizes } = plan;
  const { n, lhs_m, rhs_n } = sizes;
  const integers = new Integers(body);
  const [left, right] = operandsOf(plan);
  const place = integers.add(part.column, column);
  const b = elementAt(integers, right, bytes, [part.matrix, sizes.rhs_batch], [place, rhs_n], [part.term, 1]);
  const a = elementAt(integers, left, bytes, [part.matrix, sizes.lhs_batch], [part.row, lhs_m], [part.term, 1]);
  loop(body, '0', part.rows, rows, (next) => {
    const row = integers.min(next, integers.sub(part.rows, rows));
    const c = elementAt(integers, part.c, bytes, [row, n], [column, 1]);
    const first = elementAt(integers, a, bytes, [row, lhs_m]);
    body.line(`call void @${name}_dots${width}(ptr ${first}, ptr ${b}, ptr ${c}, i64 ${part.terms})`);
  });
}
