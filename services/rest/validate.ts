/** @file Requests held to a method's schema; what zod finds wrong becomes sentences with pointers. */
import { z } from 'zod';
import { didYouMean, EngineError, type Violation } from '../../engine/errors.ts';
import { describeJson, joinPointer } from '../../engine/formats/tensor.ts';
import type { Method } from '../api/method.ts';

/** Faults that one reply lists; a hostile body may have millions. */
const MAX_VIOLATIONS = 20;

type Issue = z.core.$ZodIssue;
type Path = Issue['path'];

/** The request as the method's schema reads it; throws `invalid_request` listing what is wrong with it. */
export function validate(method: Method, request: unknown): unknown {
  const parsed = method.request.safeParse(request);
  if (parsed.success) return parsed.data;
  const fields = fieldsOf(method);
  const violations = parsed.error.issues
    .slice(0, MAX_VIOLATIONS)
    .flatMap((issue) => violationsOf(issue, [], request, fields))
    .slice(0, MAX_VIOLATIONS);
  const [first] = violations as [Violation];
  throw new EngineError('invalid_request', first.detail, { pointer: first.pointer }, violations);
}

const schemas = new WeakMap<Method, JsonSchema>();

/** The method's request schema in a form whose fields can be listed. */
function fieldsOf(method: Method): JsonSchema {
  const known = schemas.get(method);
  if (known !== undefined) return known;
  const schema = z.toJSONSchema(method.request, { io: 'input', unrepresentable: 'any' });
  schemas.set(method, schema);
  return schema;
}

function violationsOf(issue: Issue, base: Path, request: unknown, fields: JsonSchema): Violation[] {
  const path = [...base, ...issue.path];
  const given = valueAt(request, path);
  const is = `'${nameOf(path)}' is ${describeJson(given)}`;
  switch (issue.code) {
    case 'invalid_type':
      if (given === undefined) return [at(path, `'${nameOf(path)}' is missing, expected ${article(issue.expected)}`)];
      return [at(path, `${is}, expected ${article(issue.expected)}`)];
    case 'invalid_value': {
      const words = issue.values.map(String);
      const guess = typeof given === 'string' ? didYouMean(given, words) : '';
      return [at(path, `${is}, expected ${words.map((word) => `'${word}'`).join(' or ')}.${guess}`)];
    }
    case 'unrecognized_keys':
      return issue.keys.slice(0, MAX_VIOLATIONS).map((key) => {
        const guess = didYouMean(key, fieldsAt(fields, path));
        return at([...path, key], `'${nameOf([...path, key])}' is not a known field.${guess}`);
      });
    case 'invalid_union':
      return unionViolations(issue, path, request, fields);
    case 'invalid_key':
    case 'invalid_element':
      return [at(path, `the name '${nameOf(path.slice(-1))}' ${issue.issues[0]?.message ?? 'is not valid'}`)];
    case 'too_big':
      return [at(path, `${is}, expected at most ${issue.maximum}${unitOf(issue.origin)}`)];
    case 'too_small':
      return [at(path, `${is}, expected at least ${issue.minimum}${unitOf(issue.origin)}`)];
    case 'invalid_format':
    case 'not_multiple_of':
    case 'custom':
      return [at(path, `${is}: ${issue.message}`)];
    default:
      return issue satisfies never;
  }
}

/** The faults against the alternative that the client most likely meant: the right kind of value, with the fewest faults. */
function unionViolations(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  request: unknown,
  fields: JsonSchema,
): Violation[] {
  const given = valueAt(request, path);
  const meant = issue.errors
    .filter((issues) => !issues.some((fault) => fault.path.length === 0 && fault.code.startsWith('invalid_')))
    .sort((a, b) => ownFaults(a) - ownFaults(b) || a.length - b.length)[0];
  if (meant !== undefined)
    return meant.slice(0, MAX_VIOLATIONS).flatMap((fault) => violationsOf(fault, path, request, fields));
  const kinds = issue.errors.flatMap(([fault]) => (fault?.code === 'invalid_type' ? [article(fault.expected)] : []));
  const wanted = kinds.length === 0 ? '' : `, expected ${[...new Set(kinds)].join(' or ')}`;
  const found = given === undefined ? 'missing' : describeJson(given);
  return [at(path, `'${nameOf(path)}' is ${found}${wanted || `: ${issue.message}`}`)];
}

/** Fields that an alternative lacks or does not know; what lies deeper does not make it the wrong alternative. */
function ownFaults(issues: readonly Issue[]): number {
  const weigh = (issue: Issue): number => (issue.code === 'unrecognized_keys' ? issue.keys.length : 1);
  return issues.reduce((sum, issue) => sum + (issue.path.length <= 1 ? weigh(issue) : 0), 0);
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' ? ' elements' : '';
}

function at(path: Path, detail: string): Violation {
  return { pointer: path.reduce<string>((pointer, key) => joinPointer(pointer, String(key)), ''), detail };
}

/** A path as a client would write it: `graph.nodes[3].op`; the whole request is `request`. */
function nameOf(path: Path): string {
  const name = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, 64)}`)).join('');
  return name.replace(/^\./, '') || 'request';
}

function valueAt(json: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Record<PropertyKey, unknown>)[key];
  }, json);
}

function article(kind: string): string {
  const word = kind === 'record' ? 'object' : kind === 'array' ? 'list' : kind;
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The names of the fields that the schema knows at a path, in any of its alternatives. */
function fieldsAt(schema: JsonSchema, path: Path): string[] {
  let level = alternatives(schema, schema);
  for (const key of path) {
    const next = level.flatMap((option) => {
      const items =
        typeof key === 'number' ? option.items : (option.properties?.[String(key)] ?? option.additionalProperties);
      return typeof items === 'object' && !Array.isArray(items) ? [items] : [];
    });
    level = next.flatMap((option) => alternatives(option, schema));
  }
  return level.flatMap((option) => Object.keys(option.properties ?? {}));
}

function alternatives(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  if (schema.$ref === '#') return [root];
  const named = schema.$ref === undefined ? undefined : root.$defs?.[schema.$ref.replace('#/$defs/', '')];
  const options = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.allOf ?? []),
    ...(named ? [named] : []),
  ];
  if (options.length === 0) return [schema];
  return options.flatMap((option) => (typeof option === 'boolean' ? [] : alternatives(option as JsonSchema, root)));
}
