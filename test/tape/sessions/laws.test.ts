/**
 * @file Laws of notebooks: a random graph cut into cells over several requests has the values, gradients, Jacobians,
 * pushforwards, pullbacks and second derivatives that it has in one cell, and in one stateless request.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RUNS } from '../../laws/runs.ts';
import { choice, expectClose, type Json, node } from '../harness.ts';
import { listening, type Notebook, type Tape } from './notebook.ts';

/** More sessions than a long run opens. */
const perTenant = 1_000_000;

const service = listening({ sessions: { perTenant } });
/** Every request finds the values of all the others gone. */
const forgetful = listening({ sessions: { memory: 1, perTenant } });

/** One step: an op, what it reads, and whether a new cell begins before it. */
interface Step {
  readonly op: number;
  readonly reads: readonly [number, number];
  readonly cut: boolean;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ op: fc.nat(1000), reads: fc.tuple(fc.nat(1000), fc.nat(1000)), cut: fc.boolean() }),
  { minLength: 1, maxLength: 9 },
);

type Kind = 'scalar' | 'vector';

interface Node {
  readonly node: object;
  readonly kind: Kind;
  readonly reads: readonly string[];
}

/** Ops that are smooth and tame, each from names of a kind to a node. */
const OPS: readonly ((name: string, scalar: string, vector: string, other: string) => Node)[] = [
  ...['sin', 'cos', 'tanh', 'sigmoid', 'softplus', 'atan'].map((op) => (name: string, _: string, v: string) => ({
    node: node(name, op, [v]),
    kind: 'vector' as const,
    reads: [v],
  })),
  ...['add', 'sub', 'mul'].map((op) => (name: string, _: string, v: string, w: string) => ({
    node: node(name, op, [v, w]),
    kind: 'vector' as const,
    reads: [v, w],
  })),
  (name, s, v) => ({ node: node(name, 'mul', [s, v]), kind: 'vector', reads: [s, v] }),
  (name, _, v) => ({ node: node(name, 'sum', [v]), kind: 'scalar', reads: [v] }),
  (name, s) => ({ node: node(name, 'sin', [s]), kind: 'scalar', reads: [s] }),
  (name, _, v) => ({ node: node(name, 'mean', [v]), kind: 'scalar', reads: [v] }),
  (name, _, v) => ({ node: node(name, 'flip', [v], { axes: [0] }), kind: 'vector', reads: [v] }),
  (name, _, v) => ({ node: node(name, 'stop_gradient', [v]), kind: 'vector', reads: [v] }),
  (name, s, v, w) => ({
    node: choice(
      name,
      ['yes'],
      { nodes: [node('m', 'mul', [v, s])], outputs: ['m'] },
      { nodes: [node('m', 'sin', [w])], outputs: ['m'] },
    ),
    kind: 'vector',
    reads: ['yes', s, v, w],
  }),
  (name, s, v) => ({
    node: node(name, 'scan', [s, v], {
      carry: 1,
      body: {
        inputs: ['state', 'item'],
        nodes: [node('t', 'tanh', ['state']), node('n', 'add', ['t', 'item'])],
        outputs: ['n'],
      },
    }),
    kind: 'scalar',
    reads: [s, v],
  }),
];

const VALUES: Json = {
  a: { dtype: 'float64', shape: [], data: [0.7] },
  u: { dtype: 'float64', shape: [3], data: [0.3, -0.8, 0.5] },
  v: { dtype: 'float64', shape: [3], data: [-0.4, 0.9, 0.2] },
  yes: { dtype: 'bool', shape: [], data: [true] },
};
const SOURCES = ['a', 'u', 'v'];

/** The nodes of a recipe, cell by cell; the last node is the scalar `loss`. */
function cellsOf(recipe: readonly Step[]): { readonly cells: readonly (readonly Node[])[]; readonly last: string } {
  const known: Record<Kind, string[]> = { scalar: ['a'], vector: ['u', 'v'] };
  const cells: Node[][] = [[]];
  const pick = (kind: Kind, at: number): string => known[kind][at % known[kind].length] as string;
  recipe.forEach(({ op, reads: [i, j], cut }, at) => {
    if (cut && cells.at(-1)?.length !== 0) cells.push([]);
    const make = OPS[op % OPS.length] as (typeof OPS)[number];
    const made = make(`n${at}`, pick('scalar', i), pick('vector', i), pick('vector', j));
    known[made.kind].unshift(`n${at}`);
    cells.at(-1)?.push(made);
  });
  const [scalar, vector] = [known.scalar[0] as string, known.vector[0] as string];
  cells
    .at(-1)
    ?.push(
      { node: node('mix', 'mul', [scalar, vector]), kind: 'vector', reads: [scalar, vector] },
      { node: node('loss', 'sum', ['mix']), kind: 'scalar', reads: ['mix'] },
    );
  return { cells, last: vector };
}

function graphOf(nodes: readonly Node[]): object {
  const made = new Set(nodes.map((each) => (each.node as { name: string }).name));
  const inputs = [...new Set(nodes.flatMap(({ reads }) => reads))].filter((name) => !made.has(name));
  return {
    inputs: Object.fromEntries(inputs.map((name) => [name, {}])),
    nodes: nodes.map((each) => each.node),
  };
}

async function record(tape: Tape, cells: readonly (readonly Node[])[]): Promise<Json> {
  let values: Json;
  for (const cell of cells) values = await tape.record(graphOf(cell));
  return values;
}

/** Ways of recording the same: cut as drawn, in one cell, and a cell for each node. */
function waysOf(cells: readonly (readonly Node[])[]): readonly (readonly (readonly Node[])[])[] {
  const all = cells.flat();
  return [cells, [all], all.map((each) => [each])];
}

async function notebook(client = service): Promise<Notebook> {
  return client.notebook({
    a: { value: VALUES.a },
    u: { value: VALUES.u },
    v: { value: VALUES.v },
    yes: { value: VALUES.yes, trainable: false },
  });
}

const stateless = (cells: readonly (readonly Node[])[], verb: string, rest: object): Promise<Json> =>
  service.send('POST', `/v1/${verb}`, { graph: graphOf(cells.flat()), values: VALUES, ...rest });

/** Values that the stateless answer has; those that the graph does not read are unknown to it. */
const readBy = (cells: readonly (readonly Node[])[]): string[] =>
  SOURCES.filter((name) => cells.flat().some(({ reads }) => reads.includes(name)));

function obeys(law: (recipe: readonly Step[], seed: number) => Promise<void>, runs = 12) {
  return (): Promise<void> =>
    fc.assert(fc.asyncProperty(steps, fc.nat(1000), law), { numRuns: Math.ceil(runs * RUNS.factor) });
}

const TOLERANCE = 1e-10;
const DIRECTIONS: Json = {
  a: { dtype: 'float64', shape: [], data: [0.5] },
  u: { dtype: 'float64', shape: [3], data: [1, -2, 0.5] },
  v: { dtype: 'float64', shape: [3], data: [0.25, 1, -1] },
};

function valuesFor(cells: readonly (readonly Node[])[]): Json {
  const names = [...readBy(cells), ...(cells.flat().some(({ reads }) => reads.includes('yes')) ? ['yes'] : [])];
  return Object.fromEntries(names.map((name) => [name, VALUES[name]]));
}

describe('random notebooks', { timeout: 60_000 * RUNS.factor }, () => {
  test(
    'have the gradients, Jacobians and products of one stateless request',
    obeys(async (recipe, seed) => {
      const { cells } = cellsOf(recipe);
      const sources = readBy(cells);
      const values = valuesFor(cells);
      const gradient = await stateless(cells, 'gradient', { values, targets: 'loss', sources });
      const jacobian = await stateless(cells, 'jacobian', { values, target: 'mix', sources });
      const tangents = Object.fromEntries(sources.map((name) => [name, DIRECTIONS[name]]));
      const jvp = await stateless(cells, 'jvp', { values, targets: ['mix'], tangents });
      const vjp = await stateless(cells, 'vjp', { values, cotangents: { mix: DIRECTIONS.u }, sources });
      const reasons = (reply: Json) =>
        Object.fromEntries(Object.entries<Json>(reply.unconnected).map(([name, { reason }]) => [name, reason]));
      const ways = waysOf(cells);
      const way = ways[seed % ways.length] as (typeof ways)[number];
      const tape = await (await notebook()).tape({ persistent: true });
      expectClose(await record(tape, way), { loss: gradient.values.loss }, TOLERANCE);
      const made = await tape.ask('gradient', { targets: 'loss', sources });
      expectClose(made.gradients, gradient.gradients, TOLERANCE);
      expect(reasons(made)).toEqual(reasons(gradient));
      const asZeros = { unconnected_gradients: 'zero' } as const;
      expectClose(await tape.jacobian('mix', sources, asZeros), jacobian.jacobians, TOLERANCE);
      expectClose(await tape.pushforward(tangents, 'mix'), jvp.tangents, TOLERANCE);
      expectClose(await tape.pullback({ mix: DIRECTIONS.u }, sources, asZeros), vjp.cotangents, TOLERANCE);
    }, 24),
  );

  test(
    'have the same second derivatives through nested tapes and on one tape',
    obeys(async (recipe, seed) => {
      const { cells } = cellsOf(recipe);
      const sources = readBy(cells);
      const values = valuesFor(cells);
      const tangents = Object.fromEntries(sources.map((name) => [name, DIRECTIONS[name]]));
      const { products } = await stateless(cells, 'hvp', { values, target: 'loss', tangents });
      const { hessians } = await stateless(cells, 'hessian', { values, target: 'loss', sources });
      const ways = waysOf(cells);
      const nb = await notebook();
      const outer = await nb.tape({ persistent: true });
      const inner = seed % 2 === 0 ? outer : await nb.tape({ persistent: true, outer });
      await record(inner, ways[seed % ways.length] as (typeof ways)[number]);
      const first = await inner.ask('gradient', { targets: 'loss', sources }, { record: [outer, 'g'] });
      const connected = sources.filter((_, i) => first.gradients[i] !== null);
      if (connected.length === 0) return;
      const nameOf = (source: string): string => (sources.length === 1 ? 'g' : `g/${source}`);
      // Reverse over reverse, with the direction as cotangents.
      const cotangents = Object.fromEntries(connected.map((name) => [nameOf(name), DIRECTIONS[name]]));
      const zero = { unconnected_gradients: 'zero' } as const;
      const product = await outer.pullback(cotangents, connected, zero);
      const wanted = connected.map((name) => products[name]);
      expectClose(product, wanted, TOLERANCE);
      // Forward over reverse.
      const forward = await outer.pushforward(
        Object.fromEntries(connected.map((name) => [name, DIRECTIONS[name]])),
        connected.map(nameOf),
      );
      expectClose(
        connected.map((name) => forward[nameOf(name)]),
        wanted,
        TOLERANCE,
      );
      // The whole matrix, block by block.
      for (const row of connected) {
        const blocks = await outer.jacobian(nameOf(row), connected, zero);
        expectClose(
          blocks,
          connected.map((column) => blockOf(hessians, sources, row, column)),
          TOLERANCE,
        );
      }
    }, 24),
  );

  test(
    'answer the same when all values have been let go',
    obeys(async (recipe, seed) => {
      const { cells } = cellsOf(recipe);
      const sources = readBy(cells);
      const ways = waysOf(cells);
      const way = ways[seed % ways.length] as (typeof ways)[number];
      const answers = async (client: typeof service): Promise<Json[]> => {
        const nb = await notebook(client);
        const outer = await nb.tape({ persistent: true });
        const inner = await nb.tape({ persistent: true, outer });
        await record(inner, way);
        const first = await inner.ask('gradient', { targets: 'loss', sources }, { record: [outer, 'g'] });
        const at = first.gradients.findIndex((each: Json) => each !== null);
        if (at === -1) return [first.gradients];
        const name = sources.length === 1 ? 'g' : `g/${sources[at]}`;
        const again = await inner.ask('gradient', { targets: 'loss', sources });
        const second = await outer.ask('jacobian', { target: name, sources });
        if (client === forgetful) expect(again.meta.rebuilt || at === -1).toBe(true);
        return [first.gradients, again.gradients, second.jacobians];
      };
      expectClose(await answers(forgetful), await answers(service), TOLERANCE);
    }),
  );
});

/** What happens between two cells. */
type Between = 'nothing' | 'pause' | 'resume' | 'reset' | 'assign' | 'write';

const between: fc.Arbitrary<readonly Between[]> = fc.array(
  fc.constantFrom<Between>('nothing', 'pause', 'resume', 'reset', 'assign', 'write'),
  { minLength: 9, maxLength: 9 },
);

/**
 * One stateless graph that is what a notebook does: what was not recorded, or recorded before a reset, is stopped, and a
 * variable that was assigned is itself plus a constant.
 */
class Whole {
  readonly nodes: object[] = [];
  readonly #now = new Map<string, string>([...SOURCES, 'yes'].map((name) => [name, name]));
  #fresh = 0;
  isPaused = false;

  #emit(op: string, inputs: readonly Json[]): string {
    const name = `made${this.#fresh++}`;
    this.nodes.push(node(name, op, inputs));
    return name;
  }

  cell(nodes: readonly Node[]): void {
    const stopped = new Map<string, string>();
    for (const each of nodes) {
      const { name, inputs, ...rest } = each.node as { name: string; inputs: string[] };
      const read = (own: string): string => {
        const current = this.#now.get(own) as string;
        if (!this.isPaused || own === 'yes') return current;
        const known = stopped.get(current) ?? this.#emit('stop_gradient', [current]);
        stopped.set(current, known);
        return known;
      };
      const names = new Map(each.reads.map((own) => [own, read(own)]));
      const renamed = JSON.parse(JSON.stringify(rest), (_, value) => names.get(value) ?? value);
      this.nodes.push({ ...renamed, name, inputs: inputs.map((own) => names.get(own) ?? own) });
      this.#now.set(name, name);
    }
  }

  reset(): void {
    for (const [name, current] of this.#now)
      if (/^n[0-9]/.test(name)) this.#now.set(name, this.#emit('stop_gradient', [current]));
  }

  assign(name: string, by: number): void {
    this.#now.set(name, this.#emit('add', [this.#now.get(name) as string, by]));
  }
}

describe('random notebooks that pause, reset and assign', { timeout: 60_000 * RUNS.factor }, () => {
  test('have the derivatives of one graph, with stop_gradient where nothing was recorded', () =>
    fc.assert(
      fc.asyncProperty(steps, between, fc.nat(1000), async (recipe, happenings, seed) => {
        const { cells } = cellsOf(recipe.map((step) => ({ ...step, cut: step.cut || step.op % 2 === 0 })));
        const nb = await notebook();
        const outer = await nb.tape({ persistent: true });
        const tape = seed % 2 === 0 ? outer : await nb.tape({ persistent: true, outer });
        const whole = new Whole();
        for (const [i, cell] of cells.entries()) {
          const name = SOURCES[(seed + i) % SOURCES.length] as string;
          switch (happenings[i]) {
            case 'pause':
              if (!whole.isPaused) for (const each of new Set([tape, outer])) await each.pause();
              whole.isPaused = true;
              break;
            case 'resume':
              if (whole.isPaused) for (const each of new Set([tape, outer])) await each.resume();
              whole.isPaused = false;
              break;
            case 'reset':
              for (const each of new Set([tape, outer])) await each.reset();
              whole.isPaused = false;
              whole.reset();
              break;
            case 'assign': {
              const shape = name === 'a' ? [] : [3];
              await nb.assignAdd(name, {
                dtype: 'float64',
                shape,
                data: shape.length === 0 ? [0.25] : [0.25, 0.25, 0.25],
              });
              whole.assign(name, 0.25);
              break;
            }
            case 'write': {
              const add = node(`written${i}`, 'assign_add', [name, -0.5]);
              await tape.record({ variables: { [name]: {} }, nodes: [add] });
              whole.assign(name, -0.5);
              break;
            }
            default:
          }
          await tape.record(graphOf(cell));
          whole.cell(cell);
        }
        const graph = { inputs: { ...VALUES }, nodes: whole.nodes, outputs: ['loss'] };
        for (const name of Object.keys(graph.inputs)) graph.inputs[name] = {};
        const ask = (verb: string, rest: object): Promise<Json> =>
          service.send('POST', `/v1/${verb}`, { graph, values: VALUES, ...rest });
        const zero = { unconnected_gradients: 'zero' } as const;
        const { gradients, values } = await ask('gradient', { targets: 'loss', sources: SOURCES, ...zero });
        expectClose(await tape.gradient('loss', SOURCES, zero), gradients, TOLERANCE);
        const { jacobians } = await ask('jacobian', { target: 'mix', sources: SOURCES });
        expectClose(await outer.jacobian('mix', SOURCES, zero), jacobians, TOLERANCE);
        if (whole.isPaused) return;
        expectClose(
          (await tape.record({ inputs: { loss: {} }, nodes: [], outputs: ['loss'] })).loss,
          values.loss,
          TOLERANCE,
        );
        const first = await tape.ask('gradient', { targets: 'loss', sources: SOURCES }, { record: [outer, 'g'] });
        const connected = SOURCES.filter((_, i) => first.gradients[i] !== null);
        if (connected.length === 0) return;
        const { products } = await ask('hvp', { target: 'loss', tangents: DIRECTIONS });
        const cotangents = Object.fromEntries(connected.map((name) => [`g/${name}`, DIRECTIONS[name]]));
        const made = await outer.pullback(cotangents, SOURCES, zero);
        expectClose(
          made,
          SOURCES.map((name) => products[name]),
          TOLERANCE,
        );
      }),
      { numRuns: Math.ceil(24 * RUNS.factor) },
    ));
});

/** A block of a Hessian, whatever structure the sources were sent in. */
function blockOf(hessians: Json, sources: readonly string[], row: string, column: string): Json {
  return hessians[sources.indexOf(row)][sources.indexOf(column)];
}
