/**
 * @file Split folds: a kernel whose folds go over much becomes two. The first folds each of a number of equal parts, the
 * second folds those results. The number depends on sizes alone, so the result does not depend on who computes a part.
 */
import type { Var } from '../program/program.ts';
import { sizeOf } from '../types.ts';
import { type Expr, type Exprs, type Fold, SCALARS, type ScalarFn } from './expr.ts';
import type { Kernel } from './plan.ts';
import { reachable, rewrite } from './traverse.ts';

/** The kernels of a split: `partial` runs over one more axis, the parts, before the kernel's own. */
export interface Split {
  readonly partial: Kernel;
  readonly rest: Kernel;
}

/** The kernel with its folds split into parts along the first axis they go over, which `parts` divides. */
export function splitFolds(e: Exprs, kernel: Kernel, parts: number): Split {
  const { space } = kernel;
  const folds = [...new Set(reachable(kernel.stores.map(({ expr }) => expr)).folds.map(({ fold }) => fold))];
  const [first = 1, ...others] = (folds[0] as Fold).over;
  const over = [first / parts, ...others];
  const within = insideParts(e, space, parts, over);
  const made = folds.map((fold) => {
    const element = fold.element.map((expr) => rewrite(e, expr, within));
    const narrow = fold.narrow && rewrite(e, fold.narrow, within);
    return { fold, results: e.fold({ ...fold, over, element, narrow }) };
  });
  const targets = made.map(({ results }) =>
    results.map(({ dtype }): Var => ({ type: { dtype, shape: [parts, ...space] }, name: undefined })),
  );
  const at = e.linear(sizeOf(space));
  const place = e.add(e.mul(e.foldAxis(0, parts), e.at(sizeOf(space))), at);
  const joined = made.map(({ fold }, f) =>
    e.fold({
      ...fold,
      over: [parts],
      element: (targets[f] as Var[]).map((target) => e.load(target, place)),
      narrow: undefined,
    }),
  );
  const results = new Map<Fold, readonly Expr[]>(made.map(({ fold }, f) => [fold, joined[f] as Expr[]]));
  const whole = (expr: Expr): Expr | undefined =>
    expr.fn === 'fold' ? results.get(expr.fold)?.[expr.index] : undefined;
  const known = new Map<Expr, Expr>();
  return {
    partial: {
      space: [parts, ...space],
      stores: made.flatMap(({ results }, f) =>
        results.map((expr, i) => ({ target: (targets[f] as Var[])[i] as Var, expr })),
      ),
      windows: [],
      flops: kernel.flops,
    },
    rest: {
      space,
      stores: kernel.stores.map(({ target, expr }) => ({ target, expr: rewrite(e, expr, whole, known) })),
      windows: [],
      flops: sizeOf(space) * (parts + flopsAfter(kernel)),
    },
  };
}

/** The indices of a kernel in terms of those of its parts: of one more axis before the space, of shorter folds. */
function insideParts(
  e: Exprs,
  space: readonly number[],
  parts: number,
  over: readonly number[],
): (expr: Expr) => Expr | undefined {
  const part = e.axis(0, parts);
  const [length = 1] = over;
  return (expr) => {
    switch (expr.fn) {
      case 'axis':
        return e.axis(expr.axis + 1, space[expr.axis] as number);
      case 'linear':
        return e.mod(e.linear(parts * sizeOf(space)), e.at(sizeOf(space)));
      case 'foldAxis':
        return expr.axis === 0
          ? e.add(e.mul(part, e.at(length)), e.foldAxis(0, length))
          : e.foldAxis(expr.axis, over[expr.axis] as number);
      case 'foldLinear':
        return e.add(e.mul(part, e.at(sizeOf(over))), e.foldLinear(sizeOf(over)));
      default:
        return undefined;
    }
  };
}

function flopsAfter({ stores }: Kernel): number {
  return reachable(stores.map(({ expr }) => expr)).all.reduce(
    (total, { fn }) => total + (fn in SCALARS ? SCALARS[fn as ScalarFn].flops : 0),
    0,
  );
}
