/** @file The servers that are compared: how each is started, asked, and understood. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { encodeBytes, encodeTensor } from '../../engine/formats/tensor.ts';
import type { GraphDocumentInput } from '../../engine/program/document.ts';
import { arrayFrom, BYTES, sizeOf, type Tensor, type TensorType, viewArray } from '../../engine/types.ts';
import { binaryBody, type Reply, requestBytes } from '../connection.ts';
import { grpcMethod, grpcNames, grpcTensor } from '../grpc.ts';
import { peersEnvironment, pythonOf } from '../peers.ts';
import { freePort, type Server, startServer, startService } from '../service.ts';
import type { Case } from './cases.ts';
import type { Request } from './line.ts';

/** A server's way to be asked for a case. */
export interface Contestant {
  readonly name: string;
  readonly request: Request;
  /** The loss and the gradients that a reply tells; some servers do not tell the loss. */
  read(reply: Pick<Reply, 'header' | 'body'>): Readonly<Record<string, Tensor>>;
}

/** A started server with its contestants. */
export interface Started {
  readonly server: Server;
  readonly contestants: readonly Contestant[];
}

/** The service, with the settings that it has by default; over gRPC it is a contestant of its own. */
export async function startOurs(asked: Case): Promise<Started> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  const server = await startService(port, { ADJOINT_GRPC_PORT: String(grpcPort) });
  return { server, contestants: [overRest(server.url, asked), overGrpc(`127.0.0.1:${grpcPort}`, asked)] };
}

/** What a request for a gradient is made of. */
export type Asked = Pick<Case, 'inputs' | 'sources' | 'sentAs'> & {
  readonly graph: Case['graph'] | GraphDocumentInput;
};

/** A request for the gradient of a case to the service, with an API key if it wants one. */
export function gradientRequest(
  url: string,
  { graph, inputs, sources, sentAs }: Asked,
  key?: string,
  device = 'auto',
): Request {
  const values = mapValues(inputs, sentAs === 'text' ? asNested : sized);
  const json = { graph, values, sources, options: { device, ...(sentAs === 'bytes' && { encoding: 'binary' }) } };
  const { body, headers } =
    sentAs === 'text'
      ? { body: JSON.stringify(json), headers: {} }
      : binaryBody(
          json,
          Object.values(inputs).map(({ data }) => data),
        );
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return {
    transport: 'rest',
    url,
    bytes: requestBytes('POST', `${url}/v1/gradient`, body, { ...headers, ...authorization }),
  };
}

function overRest(url: string, asked: Case): Contestant {
  const names = ['loss', ...asked.sources];
  return {
    name: 'Adjoint',
    request: gradientRequest(url, asked),
    read: (reply) => {
      // The gradients are a list, as the sources are.
      if (asked.sentAs === 'bytes')
        return inTurn(asked, names, reply.body.subarray(Number(reply.header('inference-header-content-length'))));
      const { values, gradients } = JSON.parse(reply.body.toString());
      const found = [values.loss, ...gradients];
      return mapTensors(asked, names, (_, type, i) => fromNested(found[i], type));
    },
  };
}

function overGrpc(address: string, asked: Case): Contestant {
  const { path, message, read } = gradientMessage(asked);
  return { name: 'Adjoint', request: { transport: 'grpc', address, path, message }, read: ({ body }) => read(body) };
}

/** A message for the gradient of a case to the service, and how the one that answers is read. */
export function gradientMessage(asked: Case): {
  readonly path: string;
  readonly message: Buffer;
  read(answer: Buffer): Readonly<Record<string, Tensor>>;
} {
  const { path, requestSerialize, responseDeserialize } = grpcMethod('AutodiffService', 'Gradient');
  const { graph, inputs, sources } = asked;
  const message = requestSerialize({
    graph: { text: graph },
    values: mapValues(inputs, grpcTensor),
    sources: grpcNames(sources),
  });
  return {
    path,
    message,
    read: (answer) => {
      const { values, gradients } = responseDeserialize(answer) as GradientReply;
      const found = [values.loss, ...gradients.list.items.map(({ tensor }) => tensor)];
      return mapTensors(asked, ['loss', ...sources], (_, type, i) => fromBytes(found[i]!.data, type));
    },
  };
}

interface GradientReply {
  readonly values: { readonly loss: GrpcTensor };
  readonly gradients: { readonly list: { readonly items: readonly { readonly tensor: GrpcTensor }[] } };
}

interface GrpcTensor {
  readonly data: Buffer;
}

/** FastAPI with JAX under uvicorn, a process for each core: as it is written, where tensors are text, and for speed. */
export async function startFastApi(asked: Case): Promise<Started> {
  const python = pythonOf({
    name: 'bench-fastapi',
    requirements: new URL('peers/fastapi.txt', import.meta.url),
    modules: ['fastapi', 'jax', 'orjson', 'uvicorn'],
    size: 'about 150 MB to download, 400 MB on disk',
  });
  const server = await startUvicorn(python, 'fastapi_app:app', () => ({}));
  const { inputs, sentAs } = asked;
  const asText = sentAs === 'text';
  const body = asText
    ? JSON.stringify(mapValues(inputs, asNested))
    : Buffer.concat(Object.values(inputs).map(encodeBytes));
  const headers = { 'content-type': asText ? 'application/json' : 'application/octet-stream' };
  const names = ['loss', ...asked.sources];
  const contestant = (name: string, path: string): Contestant => ({
    name,
    request: {
      transport: 'rest',
      url: server.url,
      bytes: requestBytes('POST', `${server.url}${path}`, body, headers),
    },
    read: (reply) => {
      if (!asText) return inTurn(asked, names, reply.body);
      const json = JSON.parse(reply.body.toString());
      return mapTensors(asked, names, (tensor, type) => fromNested(json[tensor], type));
    },
  });
  const fast = contestant('FastAPI + JAX, no models', `/fast/${asked.function}`);
  return { server, contestants: asText ? [contestant('FastAPI + JAX', `/${asked.function}`), fast] : [fast] };
}

/**
 * A Tesseract, served by the app that `tesseract-runtime serve` serves in a container, a process for each core and
 * without a log of requests. Its product of a cotangent and the Jacobian is the gradient; the loss would be a request
 * more.
 */
export async function startTesseract(asked: Case): Promise<Started> {
  const python = pythonOf({
    name: 'bench-tesseract',
    requirements: new URL('peers/tesseract.txt', import.meta.url),
    modules: ['tesseract_core', 'jax', 'uvicorn'],
    size: 'about 200 MB to download, 500 MB on disk',
  });
  const server = await startUvicorn(python, 'tesseract_core.runtime.app_http:app', (folder) => ({
    TESSERACT_API_PATH: `${PEERS}tesseract_api.py`,
    // It makes a folder there for each request.
    TESSERACT_OUTPUT_PATH: folder,
    ADJOINT_BENCH_FUNCTION: asked.function,
  }));
  const asText = asked.sentAs === 'text';
  const encoded = (tensor: Tensor): object => ({
    object_type: 'array',
    ...tensor.type,
    data: asText
      ? { encoding: 'json', buffer: asNested(tensor) }
      : { encoding: 'base64', buffer: encodeBytes(tensor).toBase64() },
  });
  const body = JSON.stringify({
    inputs: mapValues(asked.inputs, encoded),
    vjp_inputs: asked.sources,
    vjp_outputs: ['loss'],
    cotangent_vector: { loss: 1 },
  });
  const headers = { accept: asText ? 'application/json' : 'application/json+base64' };
  const contestant: Contestant = {
    name: 'tesseract-core',
    request: {
      transport: 'rest',
      url: server.url,
      bytes: requestBytes('POST', `${server.url}/vector_jacobian_product`, body, headers),
    },
    read: (reply) => {
      const json = JSON.parse(reply.body.toString());
      return mapTensors(asked, asked.sources, (name, type) => {
        const { buffer } = json[name].data;
        return asText ? fromNested(buffer, type) : fromBytes(Buffer.from(buffer, 'base64'), type);
      });
    },
  };
  return { server, contestants: [contestant] };
}

const PEERS = fileURLToPath(new URL('peers/', import.meta.url));

async function startUvicorn(
  python: string,
  app: string,
  environment: (folder: string) => NodeJS.ProcessEnv,
): Promise<Server> {
  const port = await freePort();
  const workers = availableParallelism();
  return startServer({
    file: python,
    args: ['-m', 'uvicorn', app, '--port', String(port), '--workers', String(workers), '--no-access-log'],
    env: (folder) => ({ ...peersEnvironment(), JAX_PLATFORMS: 'cpu', ...environment(folder) }),
    cwd: PEERS,
    url: `http://127.0.0.1:${port}`,
    isReady: (printed) => printed.split('Application startup complete').length > workers,
  });
}

/** The loss and gradients of a case by name, each read by its type. */
function mapTensors(
  { inputs }: Case,
  names: readonly string[],
  read: (name: string, type: TensorType, i: number) => Tensor,
): Record<string, Tensor> {
  const typeOf = (name: string): TensorType => inputs[name]?.type ?? { dtype: 'float32', shape: [] };
  return Object.fromEntries(names.map((name, i) => [name, read(name, typeOf(name), i)]));
}

/** Tensors whose bytes lie one after another. */
function inTurn(asked: Case, names: readonly string[], bytes: Buffer): Record<string, Tensor> {
  let at = 0;
  return mapTensors(asked, names, (_, type) => {
    const start = at;
    at += sizeOf(type.shape) * BYTES[type.dtype];
    return fromBytes(bytes.subarray(start, at), type);
  });
}

function fromBytes(bytes: Buffer, type: TensorType): Tensor {
  // A copy, for the bytes may lie anywhere.
  return { type, data: viewArray(type.dtype, new Uint8Array(bytes).buffer, 0, sizeOf(type.shape)) };
}

function fromNested(numbers: unknown, type: TensorType): Tensor {
  return { type, data: arrayFrom(type.dtype, [numbers].flat(Infinity) as number[]) };
}

function asNested(tensor: Tensor): unknown {
  return encodeTensor(tensor, 'nested');
}

function sized({ type, data }: Tensor): object {
  return { ...type, binary_data_size: data.byteLength };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
