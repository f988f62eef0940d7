/** @file The parts of a matrix product as loops over tiles of dot products. */
import { Integers, loop } from './code.ts';
import { addDotTile } from './dots.ts';
import type { DotKernel } from './matmul-plan.ts';
import { elementAt, operandsOf, type Product, type WritePart } from './product.ts';

/** Adds the tile's function; returns what writes the loops over the tiles of a part. */
export function addDots(product: Product, { rows, columns }: DotKernel): WritePart {
  const { plan, bytes, module, name, target } = product;
  const { sizes, element } = plan;
  const { n, lhs_m, rhs_n } = sizes;
  addDotTile(module, `${name}_dots`, { element, rows, columns, aRow: lhs_m, bColumn: rhs_n, cRow: n }, target);
  const [left, right] = operandsOf(plan);
  return (body, part) => {
    const integers = new Integers(body);
    const a = elementAt(integers, left, bytes, [part.matrix, sizes.lhs_batch], [part.row, lhs_m], [part.term, 1]);
    const b = elementAt(integers, right, bytes, [part.matrix, sizes.rhs_batch], [part.column, rhs_n], [part.term, 1]);
    loop(body, '0', part.columns, columns, (nextColumn) =>
      loop(body, '0', part.rows, rows, (nextRow) => {
        // The last tiles overlap those before them.
        const column = integers.min(nextColumn, integers.sub(part.columns, columns));
        const row = integers.min(nextRow, integers.sub(part.rows, rows));
        const c = elementAt(integers, part.c, bytes, [row, n], [column, 1]);
        const corner = [elementAt(integers, a, bytes, [row, lhs_m]), elementAt(integers, b, bytes, [column, rhs_n])];
        body.line(`call void @${name}_dots(ptr ${corner[0]}, ptr ${corner[1]}, ptr ${c}, i64 ${part.terms})`);
      }),
    );
  };
}
