/**
 * @file HTTP/1.1 over one kept connection, as bytes over a socket: a client that takes so little of the processors that
 * most of what is measured is the server. Replies need a `Content-Length`.
 */
import { connect, type Socket } from 'node:net';

const EMPTY = Buffer.alloc(0);

/** A reply, with its body as it came in pieces. */
export class Reply {
  readonly status: number;
  readonly #head: string;
  readonly #pieces: readonly Buffer[];

  constructor(head: string, pieces: readonly Buffer[]) {
    this.status = statusOf(head);
    this.#head = head;
    this.#pieces = pieces;
  }

  /** What a header says; its name in lower case. */
  header(name: string): string | undefined {
    return headerOf(this.#head, name);
  }

  get body(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

/** One kept connection, for one request at a time; it is made anew when the server has closed it. */
export class Connection {
  readonly #url: string;
  #socket: Socket | undefined;
  #asked: PromiseWithResolvers<Reply> | undefined;
  /** What has come of a head, then the head. */
  #start: Buffer = EMPTY;
  #head: string | undefined;
  #pieces: Buffer[] = [];
  #left = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Sends the bytes of a whole request, and waits for the whole reply; throws if the connection breaks. */
  exchange(request: Buffer): Promise<Reply> {
    this.#asked = Promise.withResolvers();
    this.#socket ??= this.#connected();
    this.#socket.write(request);
    return this.#asked.promise;
  }

  /** Sends a request and reads the reply to its end; throws unless it is a 2xx. */
  async send(
    method: string,
    path: string,
    body?: string | Buffer,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Buffer> {
    const reply = await this.exchange(requestBytes(method, this.#url + path, body, headers));
    if (reply.status >= 200 && reply.status < 300) return reply.body;
    throw new Error(`${method} ${path}: ${reply.status} ${reply.body.toString().slice(0, 300)}`);
  }

  /** Posts JSON, and reads JSON. */
  async post(path: string, json: unknown): Promise<unknown> {
    return JSON.parse((await this.send('POST', path, JSON.stringify(json))).toString());
  }

  /** Posts JSON with tensors as raw bytes behind it, in the order in which the JSON has them. */
  postBinary(path: string, json: unknown, tensors: readonly NodeJS.ArrayBufferView[]): Promise<Buffer> {
    const { body, headers } = binaryBody(json, tensors);
    return this.send('POST', path, body, headers);
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connected(): Socket {
    const { hostname, port } = new URL(this.#url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const gone = (reason: Error): void => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#asked?.reject(reason);
    };
    socket.on('data', (piece: Buffer) => this.#receive(piece));
    socket.on('error', gone);
    socket.on('close', () => gone(new Error('the server closed the connection')));
    return socket;
  }

  #receive(piece: Buffer): void {
    let body = piece;
    let head = this.#head;
    if (head === undefined) {
      this.#start = this.#start.length === 0 ? piece : Buffer.concat([this.#start, piece]);
      const end = this.#start.indexOf('\r\n\r\n');
      if (end < 0) return;
      head = this.#start.toString('latin1', 0, end);
      this.#head = head;
      this.#left = lengthOf(head);
      body = this.#start.subarray(end + 4);
      this.#start = EMPTY;
    }
    if (body.length > 0) this.#pieces.push(body);
    this.#left -= body.length;
    if (this.#left > 0) return;
    const reply = new Reply(head, this.#pieces);
    this.#head = undefined;
    this.#pieces = [];
    if (reply.header('connection')?.toLowerCase() === 'close') this.close();
    if (this.#left === 0) this.#asked?.resolve(reply);
    else this.#asked?.reject(new Error(`a reply that does not tell its length, or tells it wrong: ${reply.status}`));
  }
}

/** The bytes of a request; a body is JSON unless the headers say otherwise. */
export function requestBytes(
  method: string,
  url: string,
  body: string | Buffer = EMPTY,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const { host, pathname, search } = new URL(url);
  const content = typeof body === 'string' ? Buffer.from(body) : body;
  const all = {
    host,
    'content-length': String(content.length),
    ...(content.length > 0 && { 'content-type': 'application/json' }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), content]);
}

/** JSON with tensors as raw bytes behind it, in the order in which the JSON has them, and the headers that say so. */
export function binaryBody(
  json: unknown,
  tensors: readonly NodeJS.ArrayBufferView[],
): { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> } {
  const head = Buffer.from(JSON.stringify(json));
  return {
    body: Buffer.concat([head, ...tensors.map(bytesOf)]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
  };
}

/** The memory of an array as bytes. */
export function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function statusOf(head: string): number {
  return Number(head.slice(9, 12));
}

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`\r\n${name}:[ \t]*([^\r]*)`, 'i').exec(head)?.[1];
}

function lengthOf(head: string): number {
  const status = statusOf(head);
  // -1 cannot be reached by what is received.
  return status === 204 || status === 304 ? 0 : Number(headerOf(head, 'content-length') ?? -1);
}
