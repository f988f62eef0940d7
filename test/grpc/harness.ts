/** @file The whole service in process behind real sockets, asked over gRPC by a stock client and over REST. */
import { fileURLToPath } from 'node:url';
import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
// biome-ignore lint/style/noRestrictedImports: the ports want a logger, and this one is silent.
import { type Logger, pino } from 'pino';
import { onTestFinished } from 'vitest';
import { createEngine } from '../../engine/engine.ts';
import { createService, type Service } from '../../services/api/call.ts';
import { METHODS } from '../../services/api/index.ts';
import type { Method } from '../../services/api/method.ts';
import { readConfig } from '../../services/config.ts';
import { messageNamed, SERVICES } from '../../services/grpc/schema.ts';
import { createGrpcServer, type GrpcServer } from '../../services/grpc/server.ts';
import { createApp } from '../../services/rest/app.ts';
import { memoryStore } from '../../services/sessions/memory.ts';

/** JSON as read: the tests look into it without types of their own. */
// biome-ignore lint/suspicious/noExplicitAny: a reply is whatever the service said.
export type Json = any;

const PROTO = fileURLToPath(new URL('../../proto/', import.meta.url));

const FILES = SERVICES.map(({ file }) => `${file.name}.proto`);

/** The definitions that a client without any code of ours makes of the `.proto` files. */
export const definitions = loadSync([...new Set(FILES)], {
  includeDirs: [PROTO],
  keepCase: true,
  enums: String,
  longs: Number,
  defaults: true,
  oneofs: true,
});

/** Every rpc of our own services. */
export const RPCS: readonly DescMethod[] = SERVICES.flatMap(({ methods }) => methods);

/** The rpc of a row of the method table. */
export function rpcOf(name: string): DescMethod {
  const rpc = RPCS.find((candidate) => candidate.name === name);
  if (rpc === undefined) throw new Error(`there is no rpc ${name}`);
  return rpc;
}

/** What a test may change about the service. */
export interface Settings {
  readonly environment?: Record<string, string>;
  readonly methods?: readonly Method[];
  readonly log?: Logger;
  /** Whether the server goes when the test does. */
  readonly close?: (server: GrpcServer) => void;
}

/** A service that listens, with what is needed to call it. */
export interface Running {
  readonly service: Service;
  readonly server: GrpcServer;
  readonly address: string;
  /** A stock client of all our services in one. */
  client(options?: grpc.ClientOptions): Stock;
  /** A request over REST; in process. */
  inject(
    verb: string,
    url: string,
    body?: Json,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Json }>;
  /** The same method over REST. */
  rest(method: Method, request: Json, headers?: Record<string, string>): Promise<{ status: number; body: Json }>;
}

/** A service on a port of its own, closed when the test ends. */
export async function start({
  environment = {},
  methods = METHODS,
  log = pino({ level: 'silent' }),
}: Settings = {}): Promise<Running> {
  const config = readConfig(environment);
  const service = createService({
    engine: createEngine({ limits: config.limits }),
    config,
    methods,
    log,
    store: memoryStore(),
  });
  const server = createGrpcServer(service);
  const address = `127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
  const app = createApp({ service });
  const clients: grpc.Client[] = [];
  onFinish(async () => {
    for (const client of clients) client.close();
    await Promise.all([server.close(100), app.close()]);
  });
  const inject: Running['inject'] = async (verb, url, body, headers = {}) => {
    const hasBody = body !== undefined;
    const reply = await app.inject({
      method: verb as 'POST',
      url,
      headers: { ...headers, ...(hasBody && { 'content-type': 'application/json' }) },
      ...(hasBody && { payload: JSON.stringify(body) }),
    });
    return { status: reply.statusCode, body: JSON.parse(reply.body) };
  };
  return {
    service,
    server,
    address,
    inject,
    client(options) {
      const client = new grpc.Client(address, grpc.credentials.createInsecure(), options);
      clients.push(client);
      return new Stock(client);
    },
    async rest(method, request, headers = {}) {
      const rest = { ...request };
      const url = method.path.replace(/\{(\w+)\}/g, (_, field: string) => {
        const value = encodeURIComponent(rest[field]);
        delete rest[field];
        return value;
      });
      const hasBody = method.verb !== 'GET' && method.verb !== 'DELETE';
      if (hasBody) return inject(method.verb, url, rest, headers);
      return inject(method.verb, `${url}?${new URLSearchParams(rest)}`, undefined, headers);
    },
  };
}

/** A hook after the test, or after the file where the service is shared by its tests. */
function onFinish(close: () => Promise<unknown>): void {
  try {
    onTestFinished(async () => void (await close()));
  } catch {
    shared.push(close);
  }
}

/** What closes the services that were started outside of a test. */
export const shared: (() => Promise<unknown>)[] = [];

/** A stock client. */
export class Stock {
  readonly client: grpc.Client;

  constructor(client: grpc.Client) {
    this.client = client;
  }

  /** The response of an rpc; rejects with the `ServiceError`. */
  call(name: string, request: Json, options: { metadata?: grpc.Metadata; deadline?: number } = {}): Promise<Json> {
    const { path, requestSerialize, responseDeserialize } = definitionOf(name);
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    this.client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      options.metadata ?? new grpc.Metadata(),
      options.deadline === undefined ? {} : { deadline: options.deadline },
      (fault, response) => (fault === null ? resolve(response) : reject(fault)),
    );
    return promise;
  }

  /** The error of an rpc that must fail, with its `google.rpc` details. */
  async refused(
    name: string,
    request: Json,
    options: { metadata?: grpc.Metadata; deadline?: number } = {},
  ): Promise<Refusal> {
    try {
      await this.call(name, request, options);
    } catch (reason) {
      return refusalOf(reason as grpc.ServiceError);
    }
    throw new Error(`${name} was not refused`);
  }
}

/** An error of gRPC, read. */
export interface Refusal {
  readonly status: string;
  readonly detail: string;
  readonly metadata: grpc.Metadata;
  /** What is in `grpc-status-details-bin`, by the name of the message. */
  readonly details: Readonly<Record<string, Json>>;
}

const standard = loadSync(
  ['google/rpc/status.proto', 'grpc/health/v1/health.proto', 'grpc/reflection/v1/reflection.proto'],
  {
    includeDirs: [fileURLToPath(new URL('../../services/grpc/standard/', import.meta.url))],
    keepCase: true,
    enums: String,
    longs: Number,
    oneofs: true,
  },
);

/** The definition of a standard message or service. */
export function standardNamed(name: string): Json {
  return standard[name];
}

/** An error as the stock client gave it, with the details decoded. */
export function refusalOf(error: grpc.ServiceError): Refusal {
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const details: Record<string, Json> = {};
  if (bytes !== undefined)
    for (const { type_url, value } of standardNamed('google.rpc.Status').deserialize(bytes).details) {
      const name = type_url.slice(type_url.lastIndexOf('/') + 1);
      details[name.slice(name.lastIndexOf('.') + 1)] = standardNamed(name).deserialize(value);
    }
  return { status: grpc.status[error.code] as string, detail: error.details, metadata: error.metadata, details };
}

/** What the stock client knows of an rpc. */
export function definitionOf(name: string): grpc.MethodDefinition<Json, Json> {
  const rpc = rpcOf(name);
  const service = definitions[rpc.parent.typeName] as grpc.ServiceDefinition;
  return service[name] as grpc.MethodDefinition<Json, Json>;
}

/** A tensor as the stock client takes it. */
export function tensor(data: readonly number[], shape: readonly number[] = [data.length]): Json {
  return { dtype: 'DTYPE_FLOAT32', shape, data: Buffer.from(Float32Array.from(data).buffer) };
}

/**
 * A REST request as the stock client takes it, by the descriptors and the conventions of proto/: written apart from the
 * service's own codec, so that the one is checked by the other. Numbers without a dtype become float32.
 */
export function toStock(desc: DescMessage, json: Json): Json {
  if (desc.name === 'Tensor') return stockTensor(json);
  const [first] = desc.fields;
  const oneof = first?.oneof;
  if (oneof !== undefined && desc.oneofs.length === 1 && oneof.fields.length === desc.fields.length) {
    if (oneof.name !== 'kind') {
      const { [oneof.name]: tag, ...rest } = json;
      return { [tag]: toStock(messageOf(desc, tag), rest) };
    }
    if (json === null) return {};
    const name = kindOf(desc, json);
    return { [name]: item(fieldOf(desc, name), json) };
  }
  if (desc.fields.length === 1 && first?.name === 'items') return { items: field(first, json) };
  return Object.fromEntries(
    Object.entries(json)
      .filter(([name, value]) => value !== undefined && name !== 'encoding')
      .map(([name, value]) => {
        const inner = fieldOf(desc, name);
        if (inner.message?.typeName !== 'google.protobuf.Any') return [name, field(inner, value)];
        const { input } = rpcOf(json.method);
        const message = (definitions[input.typeName] as Json).serialize(toStock(input, value));
        return [name, { type_url: `type.googleapis.com/${input.typeName}`, value: message }];
      }),
  );
}

function field(desc: DescField, json: Json): Json {
  if (desc.fieldKind === 'list') return (Array.isArray(json) ? json : [json]).map((each: Json) => item(desc, each));
  if (desc.fieldKind === 'map')
    return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, item(desc, value)]));
  return item(desc, json);
}

function item(desc: DescField, json: Json): Json {
  if (desc.message !== undefined) return toStock(desc.message, json);
  if (desc.enum === undefined) return json;
  return `${desc.enum.sharedPrefix}${json}`.toUpperCase();
}

function kindOf(desc: DescMessage, json: Json): string {
  const names = desc.fields.map(({ name }) => name);
  const wanted = ((): string[] => {
    if (typeof json === 'string') return ['text', 'name'];
    if (typeof json === 'number') return ['number', 'tensor'];
    if (typeof json === 'boolean') return ['flag'];
    if (names.includes('tensor') && !names.includes('map')) return ['tensor'];
    if (Array.isArray(json)) return ['list'];
    if ('outputs' in json || 'nodes' in json) return ['graph', 'document'];
    return 'id' in json && names.includes('reference') ? ['reference'] : ['map'];
  })();
  return wanted.find((name) => names.includes(name)) as string;
}

function fieldOf(desc: DescMessage, name: string): DescField {
  const found = desc.fields.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`${desc.typeName} has no field ${name}`);
  return found;
}

function messageOf(desc: DescMessage, name: string): DescMessage {
  return fieldOf(desc, name).message as DescMessage;
}

const ARRAYS: Record<string, (data: Json[]) => ArrayBufferView> = {
  bool: (data) => Uint8Array.from(data, Number),
  int32: (data) => Int32Array.from(data),
  int64: (data) => BigInt64Array.from(data, BigInt),
  float32: (data) => Float32Array.from(data, Number),
  float64: (data) => Float64Array.from(data, Number),
};

function stockTensor(json: Json): Json {
  if (Array.isArray(json) || typeof json !== 'object' || json === null) {
    const shape: number[] = [];
    for (let level = json; Array.isArray(level); level = level[0]) shape.push(level.length);
    const data = Array.isArray(json) ? json.flat(Number.POSITIVE_INFINITY) : [json];
    return stockTensor({ dtype: typeof data[0] === 'boolean' ? 'bool' : 'float32', shape, data });
  }
  const { dtype = 'float32', shape = [json.data?.length], data, base64 } = json;
  const bytes =
    base64 === undefined
      ? (ARRAYS[dtype] as (data: Json[]) => ArrayBufferView)(data.flat(9))
      : Buffer.from(base64, 'base64');
  return {
    dtype: `DTYPE_${dtype.toUpperCase()}`,
    shape,
    data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
}

/** What the stock client answered as REST answers with the encoding base64. */
export function fromStock(desc: DescMessage, stock: Json): Json {
  if (desc.name === 'Tensor')
    return { dtype: stock.dtype.slice(6).toLowerCase(), shape: stock.shape, base64: stock.data.toString('base64') };
  if (desc.typeName === 'google.protobuf.Struct') return fromStruct(stock);
  if (desc.typeName === 'google.protobuf.Timestamp')
    return new Date(stock.seconds * 1000 + stock.nanos / 1e6).toISOString();
  if (desc.typeName === 'google.protobuf.Any') {
    const name = stock.type_url.slice(stock.type_url.lastIndexOf('/') + 1);
    return fromStock(messageNamed(name), (definitions[name] as Json).deserialize(stock.value));
  }
  const [first] = desc.fields;
  const oneof = first?.oneof;
  if (oneof?.name === 'kind') {
    const name = stock.kind;
    return name === undefined ? null : fromItem(fieldOf(desc, name), stock[name]);
  }
  if (desc.fields.length === 1 && first?.name === 'items') return fromField(first, stock.items);
  return Object.fromEntries(desc.fields.map((each) => [each.name, fromField(each, stock[each.name])]));
}

function fromField(desc: DescField, stock: Json): Json {
  if (desc.fieldKind === 'list') return stock.map((each: Json) => fromItem(desc, each));
  if (desc.fieldKind === 'map')
    return Object.fromEntries(Object.entries(stock).map(([key, value]) => [key, fromItem(desc, value)]));
  return stock === null ? null : fromItem(desc, stock);
}

function fromItem(desc: DescField, stock: Json): Json {
  if (desc.message !== undefined) return fromStock(desc.message, stock);
  return desc.enum === undefined ? stock : stock.slice(desc.enum.sharedPrefix?.length).toLowerCase();
}

function fromStruct({ fields }: Json): Json {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, fromValue(value)]));
}

function fromValue(value: Json): Json {
  switch (value.kind) {
    case 'listValue':
      return value.listValue.values.map(fromValue);
    case 'structValue':
      return fromStruct(value.structValue);
    case 'nullValue':
      return null;
    default:
      return value[value.kind];
  }
}
