/** @file What zod found, as sentences in the client's words with pointers to the place. */
import { z } from 'zod';
import { didYouMean, type Violation } from '../errors.ts';
import { describeJson, joinPointer } from '../formats/tensor.ts';

/** Faults that one reply lists; a hostile body may have millions. */
const MAX_VIOLATIONS = 20;

/** Characters of a key that a reply repeats. */
const MAX_KEY = 128;

type Issue = z.core.$ZodIssue;
type Path = Issue['path'];

/** What was parsed, and how its places are called. */
interface Parsed {
  readonly json: unknown;
  readonly fields: JsonSchema;
  /** Where the JSON lies: a pointer, and the words that names of places begin with. */
  readonly pointer: string;
  readonly words: Path;
}

/**
 * The faults of a failed parse of `json`; of a union's, those of the member that the client most likely meant. Names of
 * places begin with `words`, pointers with `pointer`.
 */
export function violationsOf(
  error: z.ZodError,
  json: unknown,
  schema: z.ZodType,
  pointer = '',
  words: Path = [],
): [Violation, ...Violation[]] {
  const parsed = { json, fields: fieldsOf(schema), pointer, words };
  // What is missing is often what another field was meant to be, and that field knows its nearest name.
  const unknown = error.issues.filter(({ code }) => code === 'unrecognized_keys');
  const others = error.issues.filter(({ code }) => code !== 'unrecognized_keys');
  const found = [...unknown, ...others].slice(0, MAX_VIOLATIONS).flatMap((issue) => sentences(issue, [], parsed));
  return found.slice(0, MAX_VIOLATIONS) as [Violation, ...Violation[]];
}

const schemas = new WeakMap<z.ZodType, JsonSchema>();

/** A schema in a form whose fields can be listed. */
function fieldsOf(schema: z.ZodType): JsonSchema {
  const known = schemas.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  schemas.set(schema, made);
  return made;
}

function sentences(issue: Issue, base: Path, parsed: Parsed): Violation[] {
  const path = [...base, ...issue.path];
  const given = valueAt(parsed.json, path);
  const name = nameOf([...parsed.words, ...path]);
  const is = `'${name}' is ${describeJson(given)}`;
  const at = (place: Path, detail: string): Violation => ({ pointer: pointerTo(place, parsed.pointer), detail });
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'nonoptional') return [at(path, `'${name}' is missing`)];
      if (given === undefined) return [at(path, `'${name}' is missing, expected ${article(issue.expected)}`)];
      return [at(path, `${is}, expected ${article(issue.expected)}`)];
    case 'invalid_value':
      // A schema may have words of its own for what it does not know.
      if (!issue.message.startsWith('Invalid'))
        return [at(path, `${issue.message}, expected ${oneOf(issue.values, given)}`)];
      return [at(path, `${given === undefined ? `'${name}' is missing` : is}, expected ${oneOf(issue.values, given)}`)];
    case 'unrecognized_keys':
      return issue.keys.slice(0, MAX_VIOLATIONS).map((key) => {
        const guess = didYouMean(key, fieldsAt(parsed.fields, path));
        return at([...path, key], `'${nameOf([...parsed.words, ...path, key])}' is not a known field.${guess}`);
      });
    case 'invalid_union':
      // Which alternative is meant is told by one field, whose values are known.
      if ('options' in issue && Array.isArray(issue.options))
        return [
          at(path, `${given === undefined ? `'${name}' is missing` : is}, expected ${oneOf(issue.options, given)}`),
        ];
      return unionSentences(issue, path, parsed);
    case 'invalid_key':
    case 'invalid_element':
      return [at(path, `the name '${nameOf(path.slice(-1))}' ${issue.issues[0]?.message ?? 'is not valid'}`)];
    case 'too_big':
      return [at(path, `${is}, expected at most ${issue.maximum}${unitOf(issue.origin)}`)];
    case 'too_small':
      return [at(path, `${is}, expected at least ${issue.minimum}${unitOf(issue.origin)}`)];
    case 'custom':
      // A rule about several fields at once says all there is to say.
      return [at(path, path.length === 0 ? issue.message : `${is}: ${issue.message}`)];
    case 'invalid_format':
    case 'not_multiple_of':
      return [at(path, `${is}: ${issue.message}`)];
    default:
      return issue satisfies never;
  }
}

/** The words that a value may be, and the one that it was meant to be. */
function oneOf(values: readonly unknown[], given: unknown): string {
  const words = values.map(String);
  const guess = typeof given === 'string' ? didYouMean(given, words) : '';
  return `${words.map((word) => `'${word}'`).join(' or ')}.${guess}`;
}

/** The faults against the alternative that the client most likely meant: the right kind of value, with the fewest faults. */
function unionSentences(issue: Extract<Issue, { code: 'invalid_union' }>, path: Path, parsed: Parsed): Violation[] {
  const given = valueAt(parsed.json, path);
  const meant = issue.errors
    .filter((issues) => !issues.some((fault) => fault.path.length === 0 && isOfOtherKind(fault, given)))
    .sort((a, b) => ownFaults(a) - ownFaults(b) || a.length - b.length)[0];
  if (meant !== undefined) return meant.slice(0, MAX_VIOLATIONS).flatMap((fault) => sentences(fault, path, parsed));
  const kinds = issue.errors.flatMap(([fault]) => (fault?.code === 'invalid_type' ? [article(fault.expected)] : []));
  const wanted = kinds.length === 0 ? '' : `, expected ${[...new Set(kinds)].join(' or ')}`;
  const found = given === undefined ? 'missing' : describeJson(given);
  const name = nameOf([...parsed.words, ...path]);
  const detail = `'${name}' is ${found}${wanted || `: ${issue.message}`}`;
  return [{ pointer: pointerTo(path, parsed.pointer), detail }];
}

/** Whether a fault with a whole value says that the value is of another kind; a word among others is not. */
function isOfOtherKind(fault: Issue, given: unknown): boolean {
  if (fault.code === 'invalid_value') return !fault.values.some((value) => typeof value === typeof given);
  return fault.code.startsWith('invalid_');
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

function pointerTo(path: Path, base: string): string {
  return path.reduce<string>((pointer, key) => joinPointer(pointer, String(key).slice(0, MAX_KEY)), base);
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
