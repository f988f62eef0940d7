/**
 * @file Truncated Taylor polynomials of vectors of two, element by element: values and derivatives of polynomials by
 * school arithmetic, with nothing of the engine in it.
 */

/** How many elements every tensor of the model has. */
export type Pair = readonly [number, number];

/** A polynomial in small shifts of what is watched, up to some order. */
export interface Jet {
  readonly order: number;
  /** Coefficients by the sorted names of the shifts that they belong to. */
  readonly terms: ReadonlyMap<string, Pair>;
  /** The shifts that it is a function of, though its value may not change with them. */
  readonly depends: ReadonlySet<string>;
}

const ORDER = 2;

export function constant(value: Pair): Jet {
  return { order: ORDER, terms: new Map([['', value]]), depends: new Set() };
}

/** A jet that moves with one more shift. */
export function shifted(jet: Jet, shift: string): Jet {
  return add(jet, { order: ORDER, terms: new Map([[shift, [1, 1]]]), depends: new Set([shift]) });
}

/** The value where nothing is shifted. */
export function atRest({ terms }: Jet): Pair {
  return terms.get('') ?? [0, 0];
}

export function add(a: Jet, b: Jet): Jet {
  const terms = new Map(a.terms);
  for (const [key, [x, y]] of b.terms) {
    const [u, v] = terms.get(key) ?? [0, 0];
    terms.set(key, [u + x, v + y]);
  }
  return cut(Math.min(a.order, b.order), terms, a.depends.union(b.depends));
}

export function scale(a: Jet, by: number): Jet {
  return { ...a, terms: new Map([...a.terms].map(([key, [x, y]]) => [key, [by * x, by * y]])) };
}

export function mul(a: Jet, b: Jet): Jet {
  const terms = new Map<string, Pair>();
  for (const [left, [x, y]] of a.terms)
    for (const [right, [u, v]] of b.terms) {
      const key = [...shiftsIn(left), ...shiftsIn(right)].sort().join(' ');
      const [p, q] = terms.get(key) ?? [0, 0];
      terms.set(key, [p + x * u, q + y * v]);
    }
  return cut(Math.min(a.order, b.order), terms, a.depends.union(b.depends));
}

/** The derivative by shifts that move together. */
export function derivative(a: Jet, shifts: readonly string[]): Jet {
  const terms = new Map<string, Pair>();
  for (const [key, [x, y]] of a.terms) {
    const all = shiftsIn(key);
    for (const shift of shifts) {
      const times = all.filter((one) => one === shift).length;
      if (times === 0) continue;
      const rest = all.toSpliced(all.indexOf(shift), 1).join(' ');
      const [p, q] = terms.get(rest) ?? [0, 0];
      terms.set(rest, [p + times * x, q + times * y]);
    }
  }
  return cut(a.order - 1, terms, new Set([...terms.keys()].flatMap(shiftsIn)));
}

function shiftsIn(key: string): string[] {
  return key === '' ? [] : key.split(' ');
}

function cut(order: number, terms: Map<string, Pair>, depends: ReadonlySet<string>): Jet {
  for (const key of terms.keys()) if (shiftsIn(key).length > order) terms.delete(key);
  return { order, terms, depends };
}
