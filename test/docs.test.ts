/** @file What the pages say is so: their requests are sent, their tables compared with ours, their links followed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
// biome-ignore lint/style/noRestrictedImports: the port wants a logger, and this one is silent.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../engine/engine.ts';
import { ERROR_CODES } from '../engine/errors.ts';
import type { Op } from '../engine/ops/op.ts';
import { Builder } from '../engine/program/builder.ts';
import type { Program } from '../engine/program/program.ts';
import { verify } from '../engine/program/verify.ts';
import { gradient } from '../engine/transform/compose.ts';
import { arrayFrom, parseType, type Tensor, type TensorType, type TypedArray } from '../engine/types.ts';
import { generatedPages } from '../scripts/generate.ts';
import { createService } from '../services/api/call.ts';
import { METHODS } from '../services/api/index.ts';
import { readConfig } from '../services/config.ts';
import { createApp } from '../services/rest/app.ts';
import { memoryStore } from '../services/sessions/memory.ts';
import { BACKENDS } from './laws/run.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const service = createService({
  store: memoryStore(),
  engine: createEngine(),
  config: readConfig({}),
  methods: METHODS,
  log: pino({ level: 'silent' }),
});
const app = createApp({ service });
let origin = '';
beforeAll(async () => {
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

interface Exchange {
  readonly line: number;
  readonly path: string;
  readonly request: unknown;
  readonly answer: unknown;
}

/**
 * The requests of a page with their answers: a block of JSON with a graph, or a curl command, and the next block of
 * JSON. The path is the command's, or the last that the text before the block names.
 */
function exchangesOf(text: string, defaultPath?: string): Exchange[] {
  const exchanges: Exchange[] = [];
  let open: Omit<Exchange, 'answer'> | undefined;
  let path = defaultPath;
  let end = 0;
  for (const match of text.matchAll(/^```(json|sh)\n([\s\S]*?)^```$/gm)) {
    const [whole, language, block = ''] = match;
    path = [...text.slice(end, match.index).matchAll(/`POST (\/v1\/\w+)`/g)].at(-1)?.[1] ?? path;
    end = match.index + whole.length;
    const line = text.slice(0, match.index).split('\n').length;
    const command = /^curl http:\/\/127\.0\.0\.1:8080(\S+) .*-d '([^']*)'$/ms.exec(block);
    if (language === 'sh') {
      if (command) open = { line, path: command[1] as string, request: JSON.parse(command[2] as string) };
      continue;
    }
    const json = JSON.parse(block) as { graph?: unknown };
    if (json.graph !== undefined) open = { line, path: path as string, request: json };
    else if (open) {
      exchanges.push({ ...open, answer: json });
      open = undefined;
    }
  }
  return exchanges;
}

/** Whether `given` has everything that `wanted` has; numbers within a relative error. */
function covers(given: unknown, wanted: unknown, error: number): boolean {
  if (typeof wanted === 'number')
    return (
      typeof given === 'number' && Math.abs(given - wanted) <= error * Math.max(Math.abs(wanted), Number.MIN_VALUE)
    );
  if (Array.isArray(wanted))
    return (
      Array.isArray(given) && given.length === wanted.length && wanted.every((item, i) => covers(given[i], item, error))
    );
  if (typeof wanted === 'object' && wanted !== null)
    return (
      typeof given === 'object' &&
      given !== null &&
      Object.entries(wanted).every(([key, part]) => covers((given as Record<string, unknown>)[key], part, error))
    );
  return given === wanted;
}

async function expectAnswer({ path, request, answer }: Exchange, error: number): Promise<void> {
  const reply = await fetch(origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  const given = await reply.json();
  if (!covers(given, answer, error)) expect(given).toEqual(answer);
}

describe('requests on the pages', () => {
  const readme = exchangesOf(read('README.md'));
  const graphs = exchangesOf(read('docs/graphs.md'));
  const ops = exchangesOf(generatedPages().get('docs/ops.md') as string, '/v1/evaluate');

  test('are found', () => {
    expect(readme[0]?.path).toBe('/v1/gradient');
    expect([readme.length, graphs.length]).toEqual([3, 7]);
    expect(ops.length).toBeGreaterThan(100);
  });

  test.each(readme)('README.md, line $line', (exchange) => expectAnswer(exchange, 0));
  test.each(graphs)('docs/graphs.md, line $line', (exchange) => expectAnswer(exchange, 0));

  // The numbers of the catalogue are other libraries'.
  test('docs/ops.md', async () => {
    for (const exchange of ops) await expectAnswer(exchange, 1e-5);
  });
});

describe('tables', () => {
  test('the README has every method, and no other', () => {
    const rows = [...read('README.md').matchAll(/^\| (\w+) \| `(GET|POST|PUT|PATCH|DELETE) (\S+)` \| /gm)].map((row) =>
      row.slice(1, 4),
    );
    expect(rows).toEqual(METHODS.map(({ name, verb, path }) => [name, verb, path]));
  });

  test('docs/errors.md has every code under its anchor', () => {
    const anchors = [...read('docs/errors.md').matchAll(/<a id="(\w+)">/g)].map(([, id]) => id);
    expect(new Set(anchors)).toEqual(new Set(ERROR_CODES));
  });

  test('generated pages are the same each time', () => {
    expect(generatedPages()).toEqual(generatedPages());
  });
});

describe('links', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'examples/README.md'].concat(
    readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      .map((path) => join('docs', path)),
  );

  test.each(pages.filter((page) => existsSync(join(ROOT, page))))('%s', (page) => {
    const text = read(page).replace(/^```[\s\S]*?^```$/gm, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string);
    const broken = links.filter((link) => !link.includes('://') && !resolves(page, link));
    expect(broken).toEqual([]);
  });

  function resolves(page: string, link: string): boolean {
    const [path, anchor] = link.split('#') as [string, string | undefined];
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, target))) return false;
    return anchor === undefined || anchorsOf(read(target)).has(anchor);
  }

  /** The anchors of a page: written out, or made of a heading as GitHub makes them. */
  function anchorsOf(text: string): Set<string> {
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      (heading as string)
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    return new Set([...headings, ...[...text.matchAll(/<a id="(\w+)">/g)].map(([, id]) => id as string)]);
  }
});

describe("the op of CONTRIBUTING.md's worked example", () => {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-docs-'));
  const file = join(folder, 'cbrt.ts');
  afterAll(() => rmSync(folder, { recursive: true }));
  const [, source = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(read('CONTRIBUTING.md')) ?? [];
  writeFileSync(file, source.replaceAll("from './", `from '${ROOT}engine/ops/`));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');

  test('has the types that the interface wants', () => {
    const config = join(folder, 'tsconfig.json');
    const compilerOptions = { typeRoots: [join(ROOT, 'node_modules/@types')], rootDir: '/' };
    writeFileSync(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files: [file] }));
    const { stdout, error } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', config], { encoding: 'utf8' });
    expect(error).toBeUndefined();
    expect(stdout.split('\n').filter((line) => /cbrt\.ts|tsconfig/.test(line))).toEqual([]);
  });

  test.each(BACKENDS)('computes its cases and its slope on $name', async (backend) => {
    const { cbrt } = (await import(/* @vite-ignore */ file)) as { cbrt: Op };
    const engine = createEngine({ backend });
    const compute = async (program: Program, x: TypedArray): Promise<number[]> =>
      Array.from(((await engine.compile(program).run([x])).at(-1) as Tensor).data, Number);
    const programOf = (type: TensorType): Program => {
      const b = new Builder();
      return b.build([cbrt(b, b.input(type))]);
    };
    for (const { inputs, outputs } of cbrt.cases) {
      const type = parseType(inputs[0]?.type ?? '') as TensorType;
      const given = await compute(programOf(type), arrayFrom(type.dtype, inputs[0]?.data ?? []));
      const error = type.dtype === 'float32' ? 1e-6 : 1e-15;
      given.forEach((value, i) => {
        const wanted = Number(outputs[0]?.data[i]);
        if (!Object.is(value, wanted)) expect(Math.abs(value / wanted - 1)).toBeLessThan(error);
      });
    }
    const program = programOf({ dtype: 'float64', shape: [3] });
    const derivative = gradient(program, 1, [0]);
    verify(derivative);
    const x = Float64Array.of(0.3, 1, 2.9);
    const h = 1e-5;
    const above = await compute(
      program,
      x.map((value) => value + h),
    );
    const below = await compute(
      program,
      x.map((value) => value - h),
    );
    (await compute(derivative, x)).forEach((slope, i) => {
      expect(slope).toBeCloseTo(((above[i] as number) - (below[i] as number)) / (2 * h), 8);
    });
  });
});
