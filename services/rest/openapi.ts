/** @file The OpenAPI 3.1 document, made from the method table and the error table alone. */
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../engine/errors.ts';
import { isStream, type Method } from '../api/method.ts';
import { JSON_LENGTH_HEADER } from './binary.ts';
import { problemRow } from './problem.ts';
import { intakeOf } from './read.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of these methods; the same table always gives the same document, key for key. */
export function openApiDocument(methods: readonly Method[], version: string): Json {
  const schemas: Json = { Problem: PROBLEM_SCHEMA };
  const paths: Record<string, Json> = {};
  for (const method of methods) {
    paths[method.path] = { ...paths[method.path], [method.verb.toLowerCase()]: operationOf(method, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Adjoint',
      version,
      summary: 'Autodiff as a service: a computation graph and values in, values and exact derivatives out.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    // Either alternative may apply: a service on a loopback address needs no key.
    security: [{ bearer: [] }, {}],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: {
        Accepted: ACCEPTED,
        ...Object.fromEntries([...PROBLEMS].map(([status, codes]) => [`Problem${status}`, problemsOf(codes)])),
      },
      parameters: PARAMETERS,
      headers: { ...COMMON_HEADERS, ...HEADERS },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An API key; it names the tenant.' } },
    },
  };
}

function operationOf(method: Method, schemas: Json): Json {
  const { body, takesVersion } = intakeOf(method);
  const request = hoist(z.toJSONSchema(method.request, { io: 'input', unrepresentable: 'any' }), schemas);
  const inPath = pathParameters(method.path);
  const fields = (request.properties ?? {}) as Record<string, Json>;
  const required = (request.required ?? []) as string[];
  const others = Object.keys(fields).filter((name) => !inPath.includes(name) && name !== 'content');
  const inQuery = body === 'fields' ? [] : others;
  const headers = [
    ...(takesVersion && method.verb !== 'GET' ? ['IfMatch'] : []),
    ...(isRevalidated(method) ? ['IfNoneMatch'] : []),
    ...(method.changes === true ? ['IdempotencyKey'] : []),
    ...(method.computes === true ? ['Prefer'] : []),
    ...COMMON_PARAMETERS,
  ];
  return {
    operationId: method.name,
    summary: method.summary,
    ...(method.description !== undefined && { description: method.description }),
    parameters: [
      ...inPath.map((name) => ({ name, in: 'path', required: true, schema: fields[name] ?? { type: 'string' } })),
      ...inQuery.map((name) => ({ name, in: 'query', required: required.includes(name), schema: fields[name] })),
      ...headers.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ],
    ...(body === 'fields' && {
      requestBody: {
        required: others.some((name) => required.includes(name)),
        ...bodyOf(method, share(`${method.name}Request`, withoutFields(request, inPath), schemas)),
      },
    }),
    ...(body === 'content' && { requestBody: { required: true, content: rawContent(method) } }),
    responses: {
      ...answerOf(method, schemas),
      ...Object.fromEntries(
        [...PROBLEMS]
          .filter(([, codes]) => body !== 'none' || codes.some((code) => !BODY_CODES.has(code)))
          .map(([status]) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  };
}

/** The reply that is no problem, and 304 where it may be known already. */
function answerOf(method: Method, schemas: Json): Json {
  const response = hoist(z.toJSONSchema(method.response, { io: 'input', unrepresentable: 'any' }), schemas);
  const isMade = method.created !== undefined;
  const isBegun = method.accepted !== undefined;
  const headers = [
    ...Object.keys(COMMON_HEADERS),
    ...(isMade || isBegun ? ['Location'] : []),
    ...(method.version === undefined ? [] : ['ETag']),
  ];
  const references = Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  return {
    [isMade ? 201 : isBegun ? 202 : 200]: {
      description: 'The answer.',
      headers: references,
      content: contentOf(method, response, schemas),
    },
    ...(method.computes === true && { 202: { $ref: '#/components/responses/Accepted' } }),
    ...(isRevalidated(method) && { 304: { description: 'The version that the client has.', headers: references } }),
  };
}

function contentOf(method: Method, response: Json, schemas: Json): Json {
  if (method.content?.of === 'response') return rawContent(method);
  const schema = share(`${method.name}Response`, response, schemas);
  if (isStream(method)) return { 'text/event-stream': { schema: eventsSchema(schema) } };
  const isBinary =
    method.verb !== 'GET' && method.verb !== 'DELETE' ? intakeOf(method).body === 'fields' : hasEncoding(method);
  return {
    'application/json': { schema },
    ...(isBinary && { 'application/octet-stream': { schema: BINARY_SCHEMA } }),
  };
}

function hasEncoding({ request }: Method): boolean {
  return request instanceof z.ZodObject && 'encoding' in request.shape;
}

/** Whether a client may ask for it only if it has changed. */
function isRevalidated({ verb, version }: Method): boolean {
  return verb === 'GET' && version !== undefined;
}

function rawContent({ content }: Method): Json {
  const type = content?.type ?? 'application/octet-stream';
  return { [type]: { schema: { type: 'string', contentMediaType: type } } };
}

function eventsSchema(message: Json): Json {
  return {
    type: 'string',
    description:
      'Server-Sent Events. Each `progress` has a message as its data; `done` comes at the end; `error` has problem ' +
      'details as its data and comes instead of `done` when the stream fails after its first message.',
    contentMediaType: 'application/json',
    contentSchema: message,
  };
}

/** The schema of an object without some of its members. */
function withoutFields(schema: Json, names: readonly string[]): Json {
  if (names.length === 0) return schema;
  const properties = Object.entries((schema.properties ?? {}) as Json).filter(([name]) => !names.includes(name));
  const required = ((schema.required ?? []) as string[]).filter((name) => !names.includes(name));
  const { required: _, ...rest } = schema;
  return { ...rest, properties: Object.fromEntries(properties), ...(required.length > 0 && { required }) };
}

function bodyOf(method: Method, schema: Json): Json {
  const examples = method.examples.map(({ title, request }) => [exampleKey(title), { summary: title, value: request }]);
  return {
    content: {
      'application/json': { schema, examples: Object.fromEntries(examples) },
      'application/octet-stream': { schema: BINARY_SCHEMA },
    },
  };
}

/** A title as a key that any tool accepts. */
function exampleKey(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
}

/** A reference to a schema, which is put among the shared ones under `name`. */
function share(name: string, schema: Json, schemas: Json): Json {
  schemas[name] = schema;
  return { $ref: `#/components/schemas/${name}` };
}

/** The schema with its named parts moved among the shared ones and every reference pointed there. */
function hoist(schema: z.core.JSONSchema.BaseSchema, schemas: Json): Json {
  const { $schema: _, $defs, ...rest } = schema;
  for (const [name, part] of Object.entries($defs ?? {})) schemas[name] = rewriteReferences(part);
  return rewriteReferences(rest) as Json;
}

function rewriteReferences(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(rewriteReferences);
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json).map(([key, value]) =>
    key === '$ref' && typeof value === 'string'
      ? [key, value.replace('#/$defs/', '#/components/schemas/')]
      : [key, rewriteReferences(value)],
  );
  return Object.fromEntries(entries);
}

/** Codes that only a request with a body can meet. */
const BODY_CODES: ReadonlySet<ErrorCode> = new Set(['invalid_json', 'unsupported_media_type', 'body_too_large']);

/** Codes that no documented operation answers: another verb's, and the one that nobody is left to read. */
const UNSEEN_CODES: ReadonlySet<ErrorCode> = new Set(['method_not_allowed', 'cancelled']);

/** The codes of each HTTP status, in ascending order. */
const PROBLEMS: ReadonlyMap<number, readonly ErrorCode[]> = new Map(
  [
    ...Map.groupBy(
      ERROR_CODES.filter((code) => !UNSEEN_CODES.has(code)),
      (code) => problemRow(code).status,
    ),
  ].sort(([a], [b]) => a - b),
);

function problemsOf(codes: readonly ErrorCode[]): Json {
  const rows = codes.map((code) => problemRow(code));
  const status = rows[0]?.status ?? 500;
  return {
    description: rows.map(({ code, title }) => `\`${code}\`: ${title}`).join(' '),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(
          rows.map((row) => [row.code, { value: { ...row, detail: STATUS_CODES[status], instance: 'f3a1' } }]),
        ),
      },
    },
  };
}

const PROBLEM_SCHEMA: Json = {
  type: 'object',
  description: 'Problem details (RFC 9457).',
  properties: {
    type: { type: 'string', format: 'uri-reference', description: 'Where the code is described.' },
    title: { type: 'string', description: 'What the code means.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'What was given, what was wanted, and where.' },
    instance: { type: 'string', description: 'The request id.' },
    retry_after: { type: 'number', description: 'Seconds after which the same request may be sent again.' },
    code: { type: 'string', enum: ERROR_CODES },
    node: { type: 'string', description: "The client's node." },
    op: { type: 'string', description: 'The op of that node.' },
    input: { type: 'string', description: "The client's name of the offending tensor." },
    param: { type: 'string', description: 'The offending param.' },
    pointer: { type: 'string', format: 'json-pointer', description: 'The place in the request body (RFC 6901).' },
    errors: {
      type: 'array',
      description: 'Every fault found, where there are several.',
      items: {
        type: 'object',
        properties: { pointer: { type: 'string', format: 'json-pointer' }, detail: { type: 'string' } },
        required: ['pointer', 'detail'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
};

const BINARY_SCHEMA: Json = {
  type: 'string',
  contentMediaType: 'application/octet-stream',
  description:
    'JSON of the length that Inference-Header-Content-Length gives, then the raw little-endian bytes of each ' +
    '{dtype, shape, binary_data_size} in it, in order. The reply has this form for options.encoding "binary".',
};

/** What every request may have. */
const COMMON_PARAMETERS = ['RequestId', 'TimeoutMs', 'JsonLength'];

const PARAMETERS: Json = {
  RequestId: {
    name: 'X-Request-Id',
    in: 'header',
    description: 'An id for the request; one is made up when it is absent or unusual.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,64}$' },
  },
  TimeoutMs: {
    name: 'X-Timeout-Ms',
    in: 'header',
    description: 'The deadline of the computation, in milliseconds.',
    schema: { type: 'integer', minimum: 1 },
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: 'With respond-async, the reply is 202 at once and the computation goes on as an operation.',
    schema: { type: 'string' },
  },
  JsonLength: {
    name: JSON_LENGTH_HEADER,
    in: 'header',
    description: 'The bytes of the body that are JSON, where raw tensors follow them.',
    schema: { type: 'integer', minimum: 0 },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The field `version`: a version in quotes, or * for any.',
    schema: { type: 'string', pattern: '^(\\*|"\\d{1,15}")$' },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'Versions that the client has, in quotes: one that is still right is answered with 304.',
    schema: { type: 'string' },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'A name for this request, 1 to 255 visible ASCII characters. Sent again under the same key, it is answered as ' +
      'before and not done again.',
    schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
  },
};

/** The reply to a request that goes on as an operation. */
const ACCEPTED: Json = {
  description: 'It goes on as the operation at `Location`, because of `Prefer: respond-async`.',
  headers: {
    Location: { $ref: '#/components/headers/Location' },
    'Preference-Applied': { description: 'respond-async', schema: { type: 'string' } },
  },
  content: { 'application/json': { schema: { type: 'object', description: 'As StartOperation answers.' } } },
};

/** What every reply has. */
const COMMON_HEADERS: Json = {
  'X-Request-Id': { description: 'The id of the request.', schema: { type: 'string' } },
  'Server-Timing': { description: 'How long each stage took, in milliseconds.', schema: { type: 'string' } },
};

const HEADERS: Json = {
  ETag: { description: 'The version, in quotes.', schema: { type: 'string', pattern: '^".+"$' } },
  Location: { description: 'The path of what was made or begun.', schema: { type: 'string', format: 'uri-reference' } },
};
