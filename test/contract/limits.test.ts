/** @file Every limit of GET /v1/limits at its value and one over it, and every schema of the API bounded. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DEFAULT_LIMITS, type Limits } from '../../engine/limits.ts';
import { CATALOGUE } from '../../engine/ops/catalogue.ts';
import { graphDocumentSchema, subgraphSchema } from '../../engine/program/document.ts';
import { METHODS } from '../../services/api/index.ts';
import { client, type Json, node } from '../tape/harness.ts';

/** A request that needs `size` of what a limit bounds; the limit itself is set small. */
interface Bound {
  readonly what: string;
  readonly limit: keyof Limits;
  /** The limit that the service is given. */
  readonly at: number;
  readonly path?: string;
  readonly request: (size: number) => unknown;
  /** What one over it is refused with, where that is not `limit_exceeded`. */
  readonly code?: string;
}

const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const record = (count: number, prefix: string, make: (i: number) => unknown): Record<string, unknown> =>
  Object.fromEntries(many(count, (i) => [`${prefix}${i}`, make(i)]));

/** `scan` within `scan`, `depth` levels deep. */
function nestedScans(depth: number, input: string): object {
  const inner = `${input}v`;
  const body =
    depth === 1
      ? { inputs: [inner], outputs: [inner] }
      : { inputs: [inner], nodes: [nestedScans(depth - 1, inner)], outputs: [`${inner}s`] };
  return node(`${input}s`, 'scan', [input], { carry: 1, length: 1, body });
}

const BOUNDS: readonly Bound[] = [
  {
    what: 'nodes of a document',
    limit: 'nodes',
    at: 4,
    request: (size) => ({
      graph: { inputs: { x: {} }, nodes: many(size, (i) => node(`n${i}`, 'sin', ['x'])) },
      values: { x: 1 },
    }),
  },
  {
    what: 'nodes of a document, those of sub-graphs included',
    limit: 'nodes',
    at: 4,
    request: (size) => ({
      graph: {
        inputs: { x: {} },
        nodes: [
          node('s', 'scan', ['x'], {
            carry: 1,
            length: 1,
            body: { inputs: ['v'], nodes: many(size - 1, (i) => node(`n${i}`, 'sin', ['v'])), outputs: ['v'] },
          }),
        ],
      },
      values: { x: 1 },
    }),
  },
  {
    what: 'nodes of a text',
    limit: 'nodes',
    at: 4,
    request: (size) => ({ graph: `y = ${'-'.repeat(size)}x`, values: { x: 1 } }),
  },
  {
    what: 'inputs of a node',
    limit: 'inputs_per_node',
    at: 3,
    request: (size) => ({
      graph: {
        inputs: { x: {} },
        nodes: [
          node(
            'y',
            'stack',
            many(size, () => 'x'),
          ),
        ],
      },
      values: { x: 1 },
    }),
  },
  {
    what: 'inputs, variables and constants together',
    limit: 'names',
    at: 6,
    request: (size) => ({
      graph: {
        inputs: record(2, 'i', () => ({})),
        variables: record(2, 'v', () => ({})),
        constants: record(size - 4, 'c', () => 1),
        nodes: [node('y', 'add', ['i0', 'v0'])],
      },
      values: { ...record(2, 'i', () => 1), ...record(2, 'v', () => 1) },
    }),
  },
  {
    what: 'variables that nodes make',
    limit: 'names',
    at: 5,
    request: (size) => ({
      graph: {
        inputs: { x: {} },
        nodes: many(size - 1, (i) => node(`d${i}`, 'dense', ['x'], { units: 1, use_bias: false })),
      },
      values: { x: [1] },
    }),
  },
  {
    what: 'outputs of a document',
    limit: 'outputs',
    at: 3,
    request: (size) => ({
      graph: { inputs: { x: {} }, nodes: [node('y', 'sin', ['x'])], outputs: many(size, () => 'y') },
      values: { x: 1 },
    }),
  },
  ...(['outputs', 'targets', 'sources'] as const).map(
    (field): Bound => ({
      what: `names in '${field}'`,
      limit: 'outputs',
      at: 3,
      path: field === 'outputs' ? '/v1/evaluate' : '/v1/gradient',
      request: (size) => ({
        graph: { inputs: { x: {} }, nodes: many(4, (i) => node(`y${i}`, 'sin', ['x'])), outputs: ['y0'] },
        values: { x: 1 },
        ...(field !== 'outputs' && { sources: 'x' }),
        [field]: many(size, (i) => `y${i}`),
      }),
    }),
  ),
  {
    what: "names in nested 'sources'",
    limit: 'outputs',
    at: 3,
    path: '/v1/jacobian',
    request: (size) => ({
      graph: { inputs: record(4, 'x', () => ({})), nodes: [node('y', 'stack', ['x0', 'x1', 'x2', 'x3'])] },
      values: record(4, 'x', () => 1),
      sources: { a: ['x0'], b: { c: many(size - 1, (i) => `x${i + 1}`) } },
    }),
  },
  {
    what: 'tangents',
    limit: 'outputs',
    at: 3,
    path: '/v1/jvp',
    request: (size) => ({
      graph: { inputs: record(4, 'x', () => ({})), nodes: [node('y', 'stack', ['x0', 'x1', 'x2', 'x3'])] },
      values: record(4, 'x', () => 1),
      tangents: record(size, 'x', () => 1),
    }),
  },
  {
    what: 'characters of a name',
    limit: 'name_length',
    at: 5,
    request: (size) => ({
      graph: { inputs: { x: {} }, nodes: [node('n'.repeat(size), 'sin', ['x'])] },
      values: { x: 1 },
    }),
  },
  {
    what: 'characters of a name in a text',
    limit: 'name_length',
    at: 5,
    request: (size) => ({ graph: `${'n'.repeat(size)} = x`, values: { x: 1 } }),
    // Faults of a text say at which line and column they lie.
    code: 'invalid_text',
  },
  {
    what: 'dimensions of a value',
    limit: 'rank',
    at: 3,
    request: (size) => ({ graph: 'y = x', values: { x: { shape: many(size, () => 1), data: [1] } } }),
  },
  {
    what: 'dimensions of nested lists',
    limit: 'rank',
    at: 3,
    request: (size) => ({ graph: 'y = x', values: { x: JSON.parse('['.repeat(size) + ']'.repeat(size)) } }),
  },
  {
    what: 'dimensions of a result',
    limit: 'rank',
    at: 3,
    request: (size) => ({
      graph: { inputs: { x: {} }, nodes: [node('y', 'reshape', ['x'], { shape: many(size, () => 1) })] },
      values: { x: 1 },
    }),
  },
  {
    what: 'elements of a value',
    limit: 'elements',
    at: 6,
    request: (size) => ({ graph: 'y = sum(x)', values: { x: many(size, () => 1) } }),
  },
  {
    what: 'elements of a declared input',
    limit: 'elements',
    at: 6,
    path: '/v1/check',
    request: (size) => ({
      graph: { inputs: { x: { shape: [size] } }, nodes: [node('y', 'sum', ['x'])] },
      sources: 'x',
    }),
  },
  {
    what: 'elements of an intermediate',
    limit: 'elements',
    at: 6,
    request: (size) => ({ graph: `y = sum(zeros(${size}) + x)`, values: { x: 1 } }),
    code: 'cost_exceeded',
  },
  {
    what: 'elements of a derivative',
    limit: 'elements',
    at: 9,
    path: '/v1/jacobian',
    // A Jacobian of n by n: 3 and then 4 is one size over.
    request: (size) => ({ graph: 'y = sin(x)', values: { x: many(size === 9 ? 3 : 4, () => 1) }, sources: 'x' }),
    code: 'cost_exceeded',
  },
  {
    what: 'elements of all constants',
    limit: 'constant_elements',
    at: 6,
    request: (size) => ({
      graph: {
        inputs: { x: {} },
        constants: { a: [1, 2, 3], b: many(size - 3, () => 1) },
        nodes: [node('y', 'sin', ['x'])],
      },
      values: { x: 1 },
    }),
  },
  {
    what: 'elements of constants, those of sub-graphs included',
    limit: 'constant_elements',
    at: 6,
    request: (size) => ({
      graph: {
        inputs: { x: {} },
        constants: { a: [1, 2, 3] },
        nodes: [
          node('s', 'scan', ['x'], {
            carry: 1,
            length: 1,
            body: { inputs: ['v'], constants: { b: many(size - 3, () => 1) }, outputs: ['v'] },
          }),
        ],
      },
      values: { x: 1 },
    }),
  },
  {
    what: 'elements of a param',
    limit: 'param_elements',
    at: 2,
    request: (size) => ({
      graph: { inputs: { x: {} }, nodes: [node('y', 'sum', ['x'], { axes: many(size, (i) => i) })] },
      values: { x: [[[1]]] },
    }),
  },
  {
    what: 'sub-graphs within sub-graphs',
    limit: 'subgraph_depth',
    at: 3,
    request: (size) => ({ graph: { inputs: { x: {} }, nodes: [nestedScans(size, 'x')] }, values: { x: 1 } }),
  },
  {
    what: 'steps of a scan',
    limit: 'trips',
    at: 5,
    request: (size) => ({
      graph: {
        inputs: { x: {} },
        nodes: [node('y', 'scan', ['x'], { carry: 1, length: size, body: { inputs: ['v'], outputs: ['v'] } })],
      },
      values: { x: 1 },
    }),
  },
  {
    what: 'steps of a scan over a stack',
    limit: 'trips',
    at: 5,
    request: (size) => ({
      graph: {
        inputs: { xs: {} },
        nodes: [node('y', 'scan', ['xs'], { carry: 0, body: { inputs: ['v'], outputs: ['v'] } })],
      },
      values: { xs: many(size, () => 1) },
    }),
  },
  {
    what: 'transforms that differentiate',
    limit: 'order',
    at: 2,
    path: '/v1/run',
    request: (size) => ({
      graph: 'y = x ** 5',
      values: { x: 1 },
      transforms: many(size, () => ({ transform: 'gradient', sources: ['x'] })),
    }),
    code: 'order_too_high',
  },
  {
    what: 'equations of a graph',
    limit: 'equations',
    at: 5,
    request: (size) => ({
      graph: { inputs: { x: {} }, nodes: many(size, (i) => node(`n${i}`, 'sin', ['x'])) },
      values: { x: 1 },
    }),
  },
  {
    what: 'bytes at the peak',
    limit: 'peak_bytes',
    at: 800,
    // The value sent and the one returned, 4 bytes an element.
    request: (size) => ({ graph: 'y = sin(x)', values: { x: many(Math.ceil(size / 8), () => 1) } }),
    code: 'cost_exceeded',
  },
  {
    what: 'characters of a text',
    limit: 'text_length',
    at: 20,
    request: (size) => ({ graph: `y = x${' '.repeat(size - 5)}`, values: { x: 1 } }),
  },
];

describe('at the limit and one over it', () => {
  test.each(BOUNDS)(
    '$what ($limit)',
    async ({ limit, at, path = '/v1/evaluate', request, code = 'limit_exceeded' }) => {
      const service = client({ limits: { [limit]: at } });
      await service.ok(path, request(at));
      const problem = await service.refused(path, request(at + 1));
      expect(problem.code, problem.detail).toBe(code);
      // The client reads which limit it met, and how high it is.
      expect(problem.detail).toContain(`the limit '${limit}' is ${at}`);
      await service.ok(path, request(at));
    },
  );

  test('scalar operations (flops)', async () => {
    const request = { graph: 'y = sum(sin(x) * cos(x))', values: { x: many(100, () => 1) } };
    const { body } = await client().post('/v1/check', { ...request, sources: 'x' });
    const { flops } = body.cost.evaluate;
    await client({ limits: { flops } }).ok('/v1/evaluate', request);
    const problem = await client({ limits: { flops: flops - 1 } }).refused('/v1/evaluate', request);
    expect(problem).toMatchObject({ status: 422, code: 'cost_exceeded' });
    expect(problem.detail).toContain(`${flops}`);
    expect(problem.detail).toContain(`the limit 'flops' is ${flops - 1}`);
  });

  test('equations of a derived program (equations)', async () => {
    const request = { graph: 'y = tanh(tanh(tanh(x)))', values: { x: 1 }, sources: 'x' };
    const service = client({ limits: { equations: 4 } });
    await service.ok('/v1/evaluate', { graph: request.graph, values: request.values });
    const problem = await service.refused('/v1/gradient', request);
    expect(problem.detail).toContain("the limit 'equations' is 4");
  });

  test('every limit is tested', () => {
    const tested = new Set([...BOUNDS.map(({ limit }) => limit), 'flops']);
    expect([...tested].sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort());
  });

  test('GET /v1/limits says what is in force', async () => {
    const { body } = await client({ limits: { nodes: 7 } }).get('/v1/limits');
    expect(body.limits).toMatchObject({ ...DEFAULT_LIMITS, nodes: 7 });
  });
});

/** Places that a schema leaves open on purpose, and what bounds them instead. */
const OPEN: ReadonlyMap<string, string> = new Map([
  ['params', "the op's own strict schema"],
  ...['then', 'else', 'body', 'forward', 'backward'].map((param) => [param, 'the schema of sub-graphs'] as const),
]);

describe('every number has a least and a greatest value; every list, record and text has a greatest length', () => {
  test.each(METHODS.map(({ name, request }) => ({ name, request })))('request of $name', ({ request }) => {
    expect(unbounded(request)).toEqual([]);
  });

  test.each([
    ['a graph document', graphDocumentSchema],
    ['a sub-graph', subgraphSchema],
  ])('%s', (_, schema) => {
    expect(unbounded(schema)).toEqual([]);
  });

  test.each([...new Set(CATALOGUE.values())].map((entry) => ({ name: entry.name, entry })))(
    'params of $name',
    ({ entry }) => {
      const params = 'build' in entry ? entry.params : (entry.surface?.params ?? entry.params);
      expect(unbounded(params)).toEqual([]);
    },
  );

  test('the walk finds what is unbounded', () => {
    const schema = z.strictObject({
      n: z.number(),
      i: z.int(),
      s: z.string(),
      l: z.array(z.boolean()),
      r: z.record(z.string().max(1), z.boolean()),
    });
    expect(unbounded(schema)).toEqual(['/n', '/i', '/s', '/l', '/r']);
  });
});

/** The paths of numbers, texts, lists and records in a schema that have no bound. */
function unbounded(schema: z.ZodType): string[] {
  const found: string[] = [];
  const walk = (json: Json, at: string): void => {
    const kinds = [json.type].flat();
    const fixed = json.enum !== undefined || json.const !== undefined;
    if (!fixed && isOpen(json, kinds) && !OPEN.has(at.split('/').at(-1) ?? '')) found.push(at);
    for (const [key, part] of Object.entries<Json>(json.properties ?? {})) walk(part, `${at}/${key}`);
    for (const [key, part] of Object.entries<Json>(json.$defs ?? {})) walk(part, `${at}/${key}`);
    for (const part of [json.anyOf, json.oneOf, json.allOf, json.prefixItems].flat()) if (part) walk(part, at);
    for (const part of [json.items, json.propertyNames, json.additionalProperties])
      if (typeof part === 'object') walk(part, `${at}/*`);
  };
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '');
  return found;
}

function isOpen(json: Json, kinds: readonly string[]): boolean {
  // What a configurable limit bounds names it; a typing slip in the name is no bound.
  if (json['x-limit'] !== undefined) return !Object.hasOwn(DEFAULT_LIMITS, json['x-limit']);
  if (kinds.includes('number') || kinds.includes('integer')) {
    // zod's own bounds of an integer are what a double holds, which bounds nothing.
    const isBound = (bound: unknown): boolean =>
      typeof bound === 'number' && Math.abs(bound) !== Number.MAX_SAFE_INTEGER;
    return !isBound(json.minimum) || !isBound(json.maximum);
  }
  if (kinds.includes('string')) return json.maxLength === undefined && !/\{0,\d+\}\$$/.test(json.pattern ?? '');
  if (kinds.includes('array')) return json.maxItems === undefined && json.items !== false;
  return kinds.includes('object') && json.additionalProperties !== false;
}
