/** @file The `.proto` files and the method table say the same, and what was published before still holds. */
import { spawnSync } from 'node:child_process';
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { graphDocumentSchema, subgraphSchema } from '../../engine/program/document.ts';
import { DTYPES } from '../../engine/types.ts';
import { METHODS } from '../../services/api/index.ts';
import { isStream } from '../../services/api/method.ts';
import { messageNamed, PACKAGE } from '../../services/grpc/schema.ts';
import { RPCS, rpcOf } from './harness.ts';

/** Fields that only text needs: how a port writes tensors as JSON. */
const JSON_ONLY: ReadonlySet<string> = new Set(['encoding']);

type Schema = z.core.JSONSchema.BaseSchema;

/** What differs between a schema and a message, with all that is below; each difference in words. */
function differences(schema: Schema, desc: DescMessage, root: Schema = schema, at = desc.name): string[] {
  const options = alternatives(schema, root);
  const oneof = desc.oneofs.length === 1 && desc.fields.every((field) => field.oneof) ? desc.oneofs[0] : undefined;
  if (oneof !== undefined && oneof.name !== 'kind') {
    const tags = options.map((option) => (option.properties?.[oneof.name] as Schema | undefined)?.const as string);
    return [
      ...unlike(
        `${at}.${oneof.name}`,
        tags,
        oneof.fields.map(({ name }) => name),
      ),
      ...options.flatMap((option, i) => {
        const { [oneof.name]: _, ...properties } = option.properties ?? {};
        const member = oneof.fields.find(({ name }) => name === tags[i])?.message;
        return member === undefined ? [] : differences({ ...option, properties }, member, root, `${at}.${tags[i]}`);
      }),
    ];
  }
  const objects = options.filter(({ properties }) => properties !== undefined);
  if (objects.length === 0 || oneof !== undefined) return [];
  const properties = Object.assign({}, ...objects.map((object) => object.properties)) as Record<string, Schema>;
  const names = Object.keys(properties).filter((name) => !JSON_ONLY.has(name));
  // An object that is open has fields that its schema does not list.
  const isOpen = objects.some(({ additionalProperties }) => typeof additionalProperties === 'object');
  const fields = desc.fields.map(({ name }) => name).filter((name) => !isOpen || names.includes(name));
  return [
    ...unlike(at, names, fields),
    ...desc.fields.flatMap((field) => {
      const property = properties[field.name];
      return property === undefined ? [] : fieldDifferences(property, field, root, `${at}.${field.name}`);
    }),
  ];
}

function fieldDifferences(schema: Schema, field: DescField, root: Schema, at: string): string[] {
  const options = alternatives(schema, root);
  const inner = options.flatMap((option) => {
    if (field.fieldKind === 'list') return typeof option.items === 'object' ? [option.items as Schema] : [];
    if (field.fieldKind === 'map')
      return typeof option.additionalProperties === 'object' ? [option.additionalProperties] : [];
    return [option];
  });
  if (field.enum !== undefined) {
    const words = field.enum.values.slice(1).map(({ localName }) => localName.toLowerCase());
    const wanted = inner
      .flatMap((option) => alternatives(option, root))
      .flatMap((option) => (option.enum ?? []) as string[]);
    // The wire has dtypes that only some places take.
    if (field.enum.name === 'Dtype')
      return wanted.filter((word) => !words.includes(word)).map((word) => `${at}: no ${word}`);
    return unlike(at, wanted, words);
  }
  return field.message === undefined
    ? []
    : inner.flatMap((option) => differences(option, field.message as DescMessage, root, at));
}

function unlike(at: string, schema: readonly string[], proto: readonly string[]): string[] {
  return [
    ...schema.filter((name) => !proto.includes(name)).map((name) => `${at}: the schema alone has ${name}`),
    ...proto.filter((name) => !schema.includes(name)).map((name) => `${at}: the message alone has ${name}`),
  ];
}

function alternatives(schema: Schema, root: Schema): Schema[] {
  const named = schema.$ref === undefined ? undefined : root.$defs?.[schema.$ref.replace('#/$defs/', '')];
  const options = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(named ? [named] : [])] as Schema[];
  return options.length === 0 ? [schema] : options.flatMap((option) => alternatives(option, root));
}

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Schema =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' });

describe('the service', () => {
  test('has an rpc for each row of the method table, and no other', () => {
    expect(RPCS.map(({ name }) => name).sort()).toEqual(METHODS.map(({ name }) => name).sort());
  });

  test.each(METHODS)('$name streams what the table says it streams', (method) => {
    const { methodKind } = rpcOf(method.name);
    if (isStream(method) || method.content?.of === 'response') expect(methodKind).toBe('server_streaming');
    else expect(methodKind).toBe(method.content?.of === 'request' ? 'client_streaming' : 'unary');
  });

  test.each(METHODS)('$name takes the fields of its request schema', ({ name, request }) => {
    expect(differences(jsonSchema(request, 'input'), rpcOf(name).input)).toEqual([]);
  });

  test.each(METHODS)('$name gives the fields of its response schema', ({ name, response }) => {
    expect(differences(jsonSchema(response, 'output'), rpcOf(name).output)).toEqual([]);
  });

  test.each([
    ['GraphDocument', graphDocumentSchema],
    ['Subgraph', subgraphSchema],
  ])('%s has the fields of its schema', (name, schema) => {
    expect(differences(jsonSchema(schema, 'input'), messageNamed(`${PACKAGE}.${name}`))).toEqual([]);
  });

  test('a difference would be found, at any depth', () => {
    const { input } = rpcOf('Run');
    const schema = jsonSchema(METHODS.find(({ name }) => name === 'Run')?.request as z.ZodType, 'input');
    const text = JSON.stringify(schema);
    const changed = (from: string, to: string): string[] => differences(JSON.parse(text.replaceAll(from, to)), input);
    expect(changed('"stacked"', '"stackd"').length).toBeGreaterThan(0);
    expect(changed('"forward"', '"forwards"').length).toBeGreaterThan(0);
    expect(changed('"vmap"', '"wmap"').length).toBeGreaterThan(0);
    expect(changed('"timeout_ms"', '"timeout"').length).toBeGreaterThan(0);
  });

  test('Dtype has every dtype of the engine', () => {
    const { values } = messageNamed(`${PACKAGE}.Tensor`).field.dtype?.enum ?? { values: [] };
    const words = values.map(({ localName }) => localName.toLowerCase());
    expect(words).toEqual(expect.arrayContaining([...DTYPES]));
  });
});

describe('buf', () => {
  const buf = (...args: string[]): { status: number | null; said: string } => {
    const { status, stdout, stderr } = spawnSync('node_modules/.bin/buf', args, { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };

  test.each([[['lint']], [['format', '--diff', '--exit-code']]])('%o finds nothing', (args) => {
    expect(buf(...args)).toEqual({ status: 0, said: '' });
  });

  test('finds nothing that breaks clients made from the baseline', () => {
    expect(buf('breaking', 'proto', '--against', 'proto/baseline.binpb')).toEqual({ status: 0, said: '' });
  });
});
