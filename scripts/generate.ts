/**
 * @file Writes the pages of `docs/` that are read off the tables: ops.md from the catalogue, errors.md from the error
 * table, openapi.json from the method table; and the descriptors of the `.proto` files. With `--check` it writes nothing, and fails naming the pages that differ.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Composite } from '../engine/composites/composite.ts';
import { EngineError, ERROR_CODES, ERRORS } from '../engine/errors.ts';
import { DEFAULT_LIMITS } from '../engine/limits.ts';
import { CATALOGUE, type Entry } from '../engine/ops/catalogue.ts';
import { type Case, type CaseTensor, type Operand, type OpRules, ruleFor, type Sample } from '../engine/ops/op.ts';
import { build } from '../engine/program/build.ts';
import { type GraphDocumentInput, readDocument } from '../engine/program/document.ts';
import { type Link, links } from '../engine/transform/connect.ts';
import { type DType, isFloat, parseType, sizeOf, type TensorType } from '../engine/types.ts';
import manifest from '../package.json' with { type: 'json' };
import { METHODS } from '../services/api/index.ts';
import { openApiDocument } from '../services/rest/openapi.ts';
import { problemOf, problemRow } from '../services/rest/problem.ts';

/** The file that says what is in the `.proto` files, and where the gRPC port reads it. */
const DESCRIPTORS = 'services/grpc/descriptors.binpb';

/** What `buf` makes of the `.proto` files, without their comments. */
function descriptors(): Buffer {
  const options = ['build', '--exclude-source-info', '--as-file-descriptor-set', '-o', '-'];
  return execFileSync('node_modules/.bin/buf', options, { cwd: fileURLToPath(new URL('../', import.meta.url)) });
}

/** The generated pages: path from the root of the repository, and text. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/ops.md', opsPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/openapi.json', `${JSON.stringify(openApiDocument(METHODS, manifest.version), null, 2)}\n`],
  ]);
}

const NOTICE = '<!-- Written by `npm run generate`. Edit what it is read from, not this page. -->';

const FAMILIES: Record<Entry['family'], readonly [title: string, text: string]> = {
  elementwise: ['Elementwise', 'Element by element, on inputs broadcast to one shape.'],
  reduction: ['Reductions', 'Axes folded away; `axes` left out or `null` means all of them.'],
  movement: ['Movement', 'The same elements in other places.'],
  linalg: ['Linear algebra', 'Sums of products.'],
  indexing: ['Indexing', 'Elements chosen by position.'],
  creation: ['Creation', 'Tensors from params alone.'],
  control: ['Control', 'Ops whose params hold sub-graphs; [graphs.md](graphs.md) shows them at work.'],
  state: ['State', 'Ops that write variables.'],
  composite: ['Composites', 'Written as equations of the ops above, whose rules give them their derivatives.'],
};

function opsPage(): string {
  const entries = [...new Set(CATALOGUE.values())].sort((a, b) => (a.name < b.name ? -1 : 1));
  const named = entries.filter(canBeNamed);
  const unnamed = entries.filter((entry) => !canBeNamed(entry));
  const families = Object.entries(FAMILIES).flatMap(([family, [title, text]]) => {
    const members = named.filter((entry) => entry.family === family);
    return members.length === 0 ? [] : [{ title, text, members }];
  });
  const composites = named.filter(({ family }) => family === 'composite').length;
  return page([
    '# Ops',
    NOTICE,
    `What a node's \`op\` may name: ${named.length - composites} ops and ${composites} composites. \`GET /v1/ops\` gives the same as data.`,
    [
      'An input **takes** one of: `float`, of which integers and bools are cast to float64; `number`, of which bools are',
      'cast to int32; `integer` and `bool`, exactly that; `any`. Inputs marked *promoted* are cast to one common dtype',
      "by NumPy's rules; a number written in the graph takes the dtype of its neighbours, and one with a fraction makes",
      "floats of integers. Where an op broadcasts, its inputs are first brought to one shape, by NumPy's rules too.",
    ].join('\n'),
    [
      "The **derivative** of an input is a rule of the op's own, or it is *linear*: the op itself, applied to the tangents. Where",
      'there is none the table gives the reason, in the word that a reply has for it under `unconnected`. Integers and bools',
      'never have derivatives, whatever the op (`integer_dtype`).',
    ].join('\n'),
    'The examples are bodies for `POST /v1/evaluate`; the numbers come from the library named beside them, not from this one.',
    families
      .map(({ title, members }) => `**${title}**: ${members.map(({ name }) => `[${name}](#${name})`).join(', ')}.`)
      .join('\n\n'),
    ...families.flatMap(({ title, text, members }) => [`## ${title}`, text, ...members.flatMap(opSections)]),
    ...(unnamed.length === 0
      ? []
      : ['## In programs only', 'Equations that transforms and the checker emit; a document cannot.']),
    ...unnamed.flatMap(({ name, doc }) => [`### ${name}`, doc]),
  ]);
}

/** Whether a document can write it: every param is something that JSON can hold. */
function canBeNamed(entry: Entry): boolean {
  return (
    'build' in entry ||
    entry.surface !== undefined ||
    paramsOf(entry).every(({ schema }) => Object.keys(schema).length > 0)
  );
}

function opSections(entry: Entry): string[] {
  const { name, aliases = [], doc, operands, broadcast } = entry;
  const worked = exampleOf(entry);
  return [
    `### ${name}`,
    ...(aliases.length > 0 ? [`Also ${aliases.map(code).join(', ')}.`] : []),
    doc,
    ...(operands.length > 0 ? [inputsTable(entry)] : []),
    ...(broadcast && operands.length > 1 ? ['Broadcasts.'] : []),
    ...paramsSections(entry),
    ...(worked ? [worked] : []),
  ];
}

function inputsTable(entry: Entry): string {
  const { operands, variadic, minimum } = entry;
  const derivatives = 'build' in entry ? derivativesFound(entry) : operands.map((_, i) => declaredDerivative(entry, i));
  const least = minimum ?? operands.length;
  return table(
    ['input', 'takes', 'derivative'],
    operands.map(({ name, kind, promoted }, i) => [
      code(name) + (variadic && i === operands.length - 1 ? ' …' : '') + (i >= least ? ' (optional)' : ''),
      kind + (promoted && operands.filter((operand) => operand.promoted).length > 1 ? ', promoted' : ''),
      derivatives[i] as string,
    ]),
  );
}

/** What an op declares of its derivative by one input. */
function declaredDerivative({ jvp, transpose, operands, lower, family }: OpRules, i: number): string {
  const { kind } = operands[i] as Operand;
  if (kind === 'integer' || kind === 'bool') return 'none: `integer_dtype`';
  // What selects a branch is no part of what the branches compute.
  if (lower.kind === 'branch' && i === 0) return 'none: `integer_dtype`';
  if (typeof jvp === 'function') return family === 'control' ? 'that of the sub-graphs' : 'yes';
  if (jvp === 'linear')
    return typeof transpose === 'object' && ruleFor(transpose, i) === null ? 'none: `integer_dtype`' : 'linear';
  const rule = ruleFor(jvp, i);
  return typeof rule === 'string' ? `none: ${code(rule)}` : 'yes';
}

/** What lies between a composite's inputs and its first output, found in the equations of a sample. */
function derivativesFound(composite: Composite): string[] {
  const { operands, samples } = composite;
  const sample = samples.find(({ types }) => types.every((type) => isFloat(typeOf(type).dtype))) ?? samples[0];
  const connections = sample ? linksOf(composite, sample) : [];
  return operands.map(({ kind }, i) => {
    if (kind === 'integer' || kind === 'bool') return 'none: `integer_dtype`';
    const link = connections[i] ?? 'connected';
    return link === 'connected' ? 'yes' : `none: ${code(link)}`;
  });
}

function linksOf({ name }: Composite, { types, params = {} }: Sample): Link[] {
  const inputs = types.map((_, i) => `x${i}`);
  const document: GraphDocumentInput = {
    inputs: Object.fromEntries(inputs.map((input, i) => [input, declared(typeOf(types[i] as string))])),
    nodes: [{ name: 'y', op: name, inputs, params: { ...params } }],
  };
  const { program, inputs: made } = build(readDocument(document, DEFAULT_LIMITS), new Map(), DEFAULT_LIMITS);
  const link = links(program, program.outputs);
  return made.map(({ variable }) => link(variable));
}

type Schema = z.core.JSONSchema.BaseSchema;

interface ParamRow {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** The params as a document writes them. */
function paramsOf(entry: Entry): ParamRow[] {
  const params = 'build' in entry ? entry.params : (entry.surface?.params ?? entry.params);
  const { properties = {}, required = [] } = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    schema: schema as Schema,
    isRequired: required.includes(name),
  }));
}

function paramsSections(entry: Entry): string[] {
  const params = paramsOf(entry);
  if (params.length === 0) return [];
  const positional = ('build' in entry ? entry : entry.surface)?.positional ?? [];
  return [
    table(
      ['param', 'takes', 'default'],
      params.map(({ name, schema, isRequired }) => [
        code(name),
        takes(schema) + (schema.description === undefined ? '' : `. ${schema.description}`),
        isRequired ? 'required' : schema.default === undefined ? 'optional' : code(JSON.stringify(schema.default)),
      ]),
    ),
    ...(positional.length > 0
      ? [`In a text graph by position, after the inputs: ${positional.map(code).join(', ')}.`]
      : []),
  ];
}

/** A JSON schema in words. */
function takes(schema: Schema): string {
  if (schema.anyOf) return [...new Set((schema.anyOf as Schema[]).map(takes).filter((words) => words))].join('; or ');
  if (schema.enum) return schema.enum.map((value) => code(JSON.stringify(value))).join(', ');
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  switch (schema.type) {
    case 'integer':
      return `an integer${bounds(schema.minimum, schema.maximum)}`;
    case 'number':
      return `a number${bounds(schema.minimum, schema.maximum)}`;
    case 'boolean':
      return '`true` or `false`';
    case 'null':
      return '`null`';
    case 'string':
      return 'a string';
    case 'array': {
      const count = schema.maxItems === undefined ? '' : `at most ${schema.maxItems} `;
      if (schema.prefixItems) {
        const parts = schema.prefixItems.map((item) => takes(item as Schema).replaceAll('; or ', ' or '));
        return `a list of ${parts.length}, each ${[...new Set(parts)].join(', then ')}`;
      }
      const item = takes((schema.items ?? {}) as Schema);
      const [, plain, range = ''] = /^an? (integer|number)(, [^;]*)?$/.exec(item) ?? [];
      if (plain !== undefined) return `a list of ${count}${plain}s${range}`;
      return `a list of ${count}items, each ${item.replaceAll('; or ', ' or ')}`;
    }
    case 'object':
      return 'an object';
    default:
      return '';
  }
}

/** Bounds worth telling: what every number obeys is none. */
function bounds(low: number | undefined, high: number | undefined): string {
  const told = (bound: number | undefined): bound is number =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const [min, max] = [told(low), told(high)];
  if (min && max) return `, ${low} to ${high}`;
  if (min) return `, ${low} or more`;
  return max ? `, ${high} or less` : '';
}

/** The worked case that reads best, as a request and its answer. */
function exampleOf(entry: Entry): string | undefined {
  const worked = [...entry.cases].sort((a, b) => rank(a) - rank(b))[0];
  if (!worked) return undefined;
  const { inputs, outputs, params, source } = worked;
  const names = inputs.map((_, i) => operandName(entry, i));
  const written = 'build' in entry ? undefined : entry.writes;
  const types = inputs.map(({ type }) => typeOf(type));
  const declare = (which: (i: number) => boolean): Record<string, unknown> =>
    Object.fromEntries(
      names.flatMap((name, i) => (which(i) ? [[name, declaration(types[i] as TensorType, i === written)]] : [])),
    );
  const results = outputs.map((_, i) => (i === 0 ? 'result' : `result:${i}`));
  const isFloat64 = [...types, ...outputs.map(({ type }) => typeOf(type))].some(({ dtype }) => dtype === 'float64');
  const graph = {
    ...(isFloat64 ? { dtype: 'float64' } : {}),
    ...(names.length > (written === undefined ? 0 : 1) ? { inputs: declare((i) => i !== written) } : {}),
    ...(written === undefined ? {} : { variables: declare((i) => i === written) }),
    nodes: [
      {
        name: 'result',
        op: entry.name,
        ...(names.length > 0 ? { inputs: names } : {}),
        ...(params && Object.keys(params).length > 0 ? { params } : {}),
      },
    ],
    ...(results.length > 1 ? { outputs: results } : {}),
  };
  const values = Object.fromEntries(names.map((name, i) => [name, asJson(inputs[i] as CaseTensor)]));
  const request = { graph, ...(names.length > 0 ? { values } : {}) };
  const answer = { values: Object.fromEntries(results.map((name, i) => [name, asJson(outputs[i] as CaseTensor)])) };
  return [
    `Example (numbers: ${source}):`,
    '',
    '```json',
    oneLine(request),
    '```',
    '```json',
    oneLine(answer),
    '```',
  ].join('\n');
}

/** What a reader of the first example is best shown: plain float32 tensors with elements. */
function rank({ inputs, outputs }: Case): number {
  const types = [...inputs, ...outputs].map(({ type }) => typeOf(type));
  const order: readonly DType[] = ['float32', 'bool', 'int32', 'int64', 'float64'];
  const empty = types.some(({ shape }) => sizeOf(shape) === 0);
  return (empty ? 100 : 0) + Math.max(...types.map(({ dtype }) => order.indexOf(dtype)));
}

function operandName({ operands }: Entry, i: number): string {
  const last = operands.length - 1;
  const repeats = i >= last && operands[last] !== undefined;
  const { name } = operands[Math.min(i, last)] as Operand;
  return repeats && i > last ? `${name}${i - last + 1}` : name;
}

/** What must be declared of an input beside its value: dtypes that plain numbers would not take. */
function declaration({ dtype }: TensorType, isVariable: boolean): object {
  return dtype === 'int32' || dtype === 'int64' ? { dtype } : isVariable && dtype === 'bool' ? { dtype } : {};
}

function declared({ dtype, shape }: TensorType): { dtype: DType; shape: readonly number[] } {
  return { dtype, shape };
}

/** A tensor as JSON: nested lists, where they can tell its shape. */
function asJson({ type, data }: CaseTensor): unknown {
  const { dtype, shape } = typeOf(type);
  const elements = data.map((element) => (Number.isFinite(Number(element)) ? element : String(element)));
  if (shape.slice(0, -1).includes(0)) return { dtype, shape, data: elements };
  let at = 0;
  const nested = (axis: number): unknown =>
    axis === shape.length ? elements[at++] : Array.from({ length: shape[axis] as number }, () => nested(axis + 1));
  return nested(0);
}

function typeOf(printed: string): TensorType {
  const type = parseType(printed);
  if (!type) throw new Error(`'${printed}' is no type`);
  return type;
}

function errorsPage(): string {
  const rows = ERROR_CODES.map((problem) => {
    const { status, title } = problemRow(problem);
    return [`<a id="${problem}"></a>${code(problem)}`, String(status), code(ERRORS[problem].status), title];
  });
  return page([
    '# Errors',
    NOTICE,
    'A request that fails is answered with `application/problem+json` (RFC 9457). `code` is one of the table; `detail` says what was given, what was wanted and where, in the names of the request; `node`, `op`, `input`, `param` and `pointer` say the same for programs, where they apply; `errors` lists the faults where there are several; `instance` is the request id, under which the log tells more. `GET /errors/{code}` gives what all problems of a code have in common. Over [gRPC](grpc.md#metadata-deadlines-errors) the same is in the details of the status.',
    ['```json', JSON.stringify(problemExample(), null, 2), '```'].join('\n'),
    table(['code', 'HTTP', 'gRPC', 'meaning'], rows),
  ]);
}

/** A real problem, under a made-up request id. */
function problemExample(): unknown {
  const document: GraphDocumentInput = {
    inputs: { x: { shape: [2, 3] }, y: { shape: [3, 4] } },
    nodes: [{ name: 'loss', op: 'matmull', inputs: ['x', 'y'] }],
  };
  try {
    build(readDocument(document, DEFAULT_LIMITS), new Map(), DEFAULT_LIMITS);
  } catch (reason) {
    return problemOf(EngineError.from(reason), 'f3a1');
  }
  throw new Error('the example of a wrong graph is right');
}

function page(blocks: readonly string[]): string {
  return `${blocks.join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** JSON on one line, with a space after each comma and colon as a person would write it. */
function oneLine(json: unknown): string {
  if (Array.isArray(json)) return `[${json.map(oneLine).join(', ')}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  const fields = Object.entries(json).map(([key, value]) => `${JSON.stringify(key)}: ${oneLine(value)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

if (import.meta.main) {
  const root = new URL('../', import.meta.url);
  const stale: string[] = [];
  const pages = [...generatedPages()].map(([path, text]): [string, Buffer] => [path, Buffer.from(text)]);
  for (const [path, bytes] of [[DESCRIPTORS, descriptors()] as const, ...pages]) {
    const file = new URL(path, root);
    if (!process.argv.includes('--check')) await writeFile(file, bytes);
    else if (!(await readFile(file).catch(() => undefined))?.equals(bytes)) stale.push(path);
  }
  if (stale.length > 0) {
    console.error(`out of date: ${stale.join(', ')}. Run npm run generate and commit what it writes.`);
    process.exitCode = 1;
  }
}
