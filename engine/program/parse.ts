/** @file Reads the text that `print` writes: for golden files, regressions and people. */
import type { OpRules } from '../ops/op.ts';
import { formatType, parseType, sameType, sizeOf, type Tensor, type TensorType, viewArray } from '../types.ts';
import { Builder } from './builder.ts';
import type { Param, Program, Var } from './program.ts';

/** The program that a text describes; throws `SyntaxError` with the offset of what it cannot read. */
export function parse(text: string, ops: ReadonlyMap<string, OpRules>): Program {
  const reader = new Reader(text, ops);
  const program = reader.program();
  reader.end();
  return program;
}

const TOKEN =
  /\s*(?:(%\d+)|((?:bool|i32|i64|f32|f64)(?:\[[\d,]*\])?(?![\w]))|("(?:[^"\\]|\\.)*")|(-?(?:Infinity|\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN)|([A-Za-z_]\w*)|([()[\]{}<>,:=]))/y;

class Reader {
  readonly #text: string;
  readonly #ops: ReadonlyMap<string, OpRules>;
  #token = '';
  #at = 0;

  constructor(text: string, ops: ReadonlyMap<string, OpRules>) {
    this.#text = text;
    this.#ops = ops;
    this.#next();
  }

  program(): Program {
    const b = new Builder();
    const env = new Map<string, Var>();
    const uses = (): Var[] =>
      this.#list('(', ')', () => {
        const found = env.get(this.#next());
        return found ?? this.#fail('a variable defined above');
      });
    this.#expect('program');
    this.#list('(', ')', () => {
      const name = this.#next();
      this.#expect(':');
      env.set(name, b.input(this.#type()));
    });
    this.#expect('{');
    while (this.#token !== 'return') {
      const names: { name: string; type: TensorType }[] = [];
      while (this.#token !== '=') {
        const name = this.#next();
        this.#expect(':');
        names.push({ name, type: this.#type() });
        if (!this.#accept(',')) break;
      }
      this.#expect('=');
      const op = this.#ops.get(this.#next()) ?? this.#fail('the name of an op');
      const params: Record<string, Param> = {};
      if (this.#token === '[')
        this.#list('[', ']', () => {
          const name = this.#next();
          this.#expect('=');
          params[name] = this.#param();
        });
      const outputs = b.emit(op, uses(), params);
      names.forEach(({ name, type }, i) => {
        const output = outputs[i] as Var;
        if (!sameType(output.type, type)) this.#fail(`type ${formatType(output.type)} for ${name}`);
        env.set(name, output);
      });
    }
    this.#expect('return');
    const outputs = uses();
    this.#expect('}');
    return b.build(outputs);
  }

  end(): void {
    if (this.#token !== '') this.#fail('the end');
  }

  #type(): TensorType {
    return parseType(this.#next()) ?? this.#fail('a type');
  }

  #param(): Param {
    if (this.#token === 'program') return this.program();
    if (this.#token === '[') return this.#list('[', ']', () => this.#param());
    const token = this.#next();
    if (token === 'tensor') return this.#tensor();
    if (token.startsWith('"')) return JSON.parse(token) as string;
    if (token === 'true' || token === 'false') return token === 'true';
    if (token === 'null') return null;
    return Number(token);
  }

  #tensor(): Tensor {
    this.#expect('<');
    const type = this.#type();
    this.#expect('>');
    const bytes = Uint8Array.from(Buffer.from(JSON.parse(this.#next()) as string, 'base64'));
    return { type, data: viewArray(type.dtype, bytes.buffer, 0, sizeOf(type.shape)) };
  }

  #list<T>(open: string, close: string, item: () => T): T[] {
    const items: T[] = [];
    this.#expect(open);
    while (this.#token !== close) {
      items.push(item());
      if (!this.#accept(',')) break;
    }
    this.#expect(close);
    return items;
  }

  #accept(token: string): boolean {
    if (this.#token !== token) return false;
    this.#next();
    return true;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) this.#fail(`'${token}'`);
  }

  #next(): string {
    const token = this.#token;
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match) this.#at = TOKEN.lastIndex;
    else if (this.#text.slice(this.#at).trim() !== '') this.#fail('a token');
    this.#token = match ? match[0].trim() : '';
    return token;
  }

  #fail(wanted: string): never {
    throw new SyntaxError(`expected ${wanted} before offset ${this.#at}, found '${this.#token}'`);
  }
}
