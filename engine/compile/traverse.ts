/** @file Walks over expressions; all of them iterative. */
import { poll } from '../interrupt.ts';
import type { Expr, Exprs, ScalarFn } from './expr.ts';

/** The expressions under some roots, each once, arguments first; folds are entered by nobody but who asks for them. */
export function reachable(roots: readonly Expr[]): Leaves & { readonly all: readonly Expr[] } {
  const all = collect(roots).sort((a, b) => a.id - b.id);
  return { all, ...leavesAmong(all) };
}

/** What expressions read. */
export interface Leaves {
  readonly loads: readonly Extract<Expr, { fn: 'load' }>[];
  readonly folds: readonly Extract<Expr, { fn: 'fold' }>[];
}

/** What the expressions under some roots read, each once. */
export function leaves(roots: readonly Expr[]): Leaves {
  return leavesAmong(collect(roots));
}

function leavesAmong(exprs: readonly Expr[]): Leaves {
  const loads: Extract<Expr, { fn: 'load' }>[] = [];
  const folds: Extract<Expr, { fn: 'fold' }>[] = [];
  for (const expr of exprs) {
    if (expr.fn === 'load') loads.push(expr);
    else if (expr.fn === 'fold') folds.push(expr);
  }
  return { loads, folds };
}

function collect(roots: readonly Expr[]): Expr[] {
  poll();
  const seen = new Set<Expr>(roots);
  // A set can be walked while it grows: every expression is reached once.
  for (const expr of seen) for (const arg of expr.args) seen.add(arg);
  return [...seen];
}

/** An expression with others in the place of some of its parts; `known` holds them and collects what was rewritten. */
export function substitute(e: Exprs, root: Expr, known: Map<Expr, Expr>): Expr {
  return rewrite(e, root, () => undefined, known);
}

/** The same with the others made by `replace`, which is asked of every part and leaves alone what it answers nothing to. */
export function rewrite(
  e: Exprs,
  root: Expr,
  replace: (expr: Expr) => Expr | undefined,
  known: Map<Expr, Expr> = new Map(),
): Expr {
  poll();
  const stack = [root];
  while (stack.length > 0) {
    const expr = stack.at(-1) as Expr;
    if (known.has(expr)) {
      stack.pop();
      continue;
    }
    const other = replace(expr);
    if (other) {
      known.set(expr, other);
      continue;
    }
    const pending = expr.args.filter((arg) => !known.has(arg));
    if (pending.length > 0) {
      stack.push(...pending);
      continue;
    }
    stack.pop();
    const args = expr.args.map((arg) => known.get(arg) as Expr);
    const same = args.every((arg, i) => arg === expr.args[i]);
    known.set(expr, same ? expr : rebuilt(e, expr, args));
  }
  return known.get(root) as Expr;
}

function rebuilt(e: Exprs, expr: Expr, args: readonly Expr[]): Expr {
  if (expr.fn === 'load') return e.load(expr.source, args[0] as Expr);
  return e.apply(expr.fn as ScalarFn, args, expr.dtype);
}
