/**
 * @file Random histories of sessions against a plain model, with the service begun anew and its memory taken away in
 * between. `ADJOINT_FAULTS_RUNS` says how many.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionCopies } from '../../services/sessions/copies.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import type { Store } from '../../services/sessions/store.ts';
import { temporaryFolder } from '../store/stores.ts';
import {
  type Json,
  type Local,
  moreCopies,
  type Reply,
  randomOf,
  route,
  type Server,
  serve,
  type Verb,
} from './harness.ts';
import { atRest, type Jet, type Pair } from './jet.ts';
import { ModelSession, type ModelTape, POLYNOMIALS, type Refusal } from './model.ts';

/** The service under test, and the paths of its sessions. */
interface Real {
  server: Server;
  restart(): Promise<void>;
  readonly paths: string[];
}

interface Model {
  readonly sessions: (ModelSession | undefined)[];
  /** Whether derivatives were recorded: of those it is the engine's business which are zero and which are none. */
  hasDerived: boolean;
}

type Step = fc.AsyncCommand<Model, Real>;

const SESSIONS = 2;
const TRAINABLE = ['v0', 'v1'];
const VARIABLES = [...TRAINABLE, 'f0'];
const BOUND = ['x0', 'x1'];
const NODES = ['t0', 't1', 't2'];
const DERIVED = ['g0', 'g1'];

const BIG = 1e5;

function close(actual: Json, wanted: Pair | number[], what: string): void {
  expect(actual, what).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries())
    expect(
      Math.abs(actual[i] - value) / Math.max(1, Math.abs(value)),
      `${what}: ${actual}, expected ${wanted}`,
    ).toBeLessThan(1e-9);
}

function expectRefused({ status, body }: Reply, { refused }: Refusal, what: string): void {
  expect(body?.code ?? status, `${what}: ${JSON.stringify(body)}`).toBe(refused);
}

/** A step about a session, which is made where there is none. */
function step(name: string, at: number, run: (model: Model, session: ModelSession, send: Send) => Promise<void>): Step {
  return {
    check: () => true,
    run: async (model, real) => {
      let session = model.sessions[at];
      if (!session) {
        session = new ModelSession();
        model.sessions[at] = session;
        const { status, body } = await real.server.send({ verb: 'POST', path: '/v1/sessions', body: {} });
        expect(status).toBe(201);
        real.paths[at] = `/v1/sessions/${body.session.session}`;
        for (const first of preludeOf(at)) await first.run(model, real);
      }
      await run(model, session, (verb, path, body) =>
        real.server.send({ verb, path: real.paths[at] + path, ...(body !== undefined && { body }) }),
      );
    },
    toString: () => name,
  };
}

type Send = (verb: Verb, path: string, body?: unknown) => Promise<Reply>;

const ok = (reply: Reply, what: string): Json => {
  expect(reply.status, `${what}: ${JSON.stringify(reply.body)}`).toBeLessThan(300);
  return reply.body;
};

const f64 = (pair: Pair): object => ({ dtype: 'float64', shape: [2], data: [...pair] });

type Claim = 'right' | 'wrong' | 'any' | 'missing';

function versionFor(session: ModelSession, name: string, claim: Claim): number | '*' | undefined {
  const known = session.variables.get(name)?.version ?? 1;
  return { right: known, wrong: known + 1, any: '*' as const, missing: undefined }[claim];
}

function refusalOf(session: ModelSession, name: string, claim: Claim, isPut: boolean): Refusal | undefined {
  if (!session.variables.has(name))
    return isPut && (claim === 'any' || claim === 'missing') ? undefined : { refused: 'not_found' };
  if (claim === 'wrong') return { refused: 'version_mismatch' };
  return claim === 'missing' && isPut ? { refused: 'version_required' } : undefined;
}

function write(session: ModelSession, name: string, value: Pair, version: number): void {
  expect(version).toBeGreaterThan(session.version);
  session.version = version;
  const known = session.variables.get(name);
  session.variables.set(name, { value, version, trainable: known?.trainable ?? name !== 'f0' });
}

const sum = ([a, b]: Pair, [x, y]: Pair, sign: number): Pair => [a + sign * x, b + sign * y];

function putStep(at: number, name: string, value: Pair, claim: Claim): Step {
  return step(`put ${at}/${name} ${value} ${claim}`, at, async (_, session, send) => {
    const reply = await send('PUT', `/variables/${name}`, {
      value: f64(value),
      ...(session.variables.has(name) ? {} : { trainable: name !== 'f0' }),
      ...(claim !== 'missing' && { version: versionFor(session, name, claim) }),
    });
    const refusal = refusalOf(session, name, claim, true);
    if (refusal) return expectRefused(reply, refusal, 'put');
    write(session, name, value, ok(reply, 'put').variable.version);
  });
}

function assignStep(at: number, name: string, value: Pair, claim: Claim, sign: 1 | -1): Step {
  const verb = sign === 1 ? 'assign_add' : 'assign_sub';
  return step(`${verb} ${at}/${name} ${value} ${claim}`, at, async (_, session, send) => {
    const version = versionFor(session, name, claim);
    const reply = await send('POST', `/variables/${name}/${verb}`, { value: f64(value), ...(version && { version }) });
    const refusal = refusalOf(session, name, claim, false);
    if (refusal) return expectRefused(reply, refusal, verb);
    write(session, name, sum(session.variables.get(name)!.value, value, sign), ok(reply, verb).variable.version);
  });
}

function patchStep(at: number, changes: readonly (readonly [string, Pair, Claim, 'assign' | 'assign_add'])[]): Step {
  return step(`patch ${at} ${JSON.stringify(changes)}`, at, async (_, session, send) => {
    const updates: Record<string, unknown> = {};
    let refusal: Refusal | undefined;
    for (const [name, value, claim, kind] of changes) {
      const version = versionFor(session, name, claim);
      updates[name] = { [kind]: f64(value), ...(version && { version }) };
      refusal ??= refusalOf(session, name, claim, false);
    }
    const reply = await send('PATCH', '/variables', { updates });
    if (refusal) return expectRefused(reply, refusal, 'patch');
    const infos = ok(reply, 'patch').variables;
    const before = session.version;
    for (const [i, [name, value, , kind]] of changes.entries()) {
      session.version = before;
      const old = session.variables.get(name)!.value;
      write(session, name, kind === 'assign' ? value : sum(old, value, 1), infos[i].version);
    }
  });
}

function deleteVariableStep(at: number, name: string, claim: Claim): Step {
  return step(`delete ${at}/${name} ${claim}`, at, async (_, session, send) => {
    const version = versionFor(session, name, claim);
    const reply = await send('DELETE', `/variables/${name}${version ? `?version=${version}` : ''}`);
    const refusal = refusalOf(session, name, claim, false);
    if (refusal) return expectRefused(reply, refusal, 'delete');
    ok(reply, 'delete');
    session.variables.delete(name);
  });
}

function openStep(at: number, id: string, outer: string | undefined, persistent: boolean, watches: boolean): Step {
  return step(
    `open ${at}/${id} in ${outer} ${persistent ? 'persistent' : ''} ${watches}`,
    at,
    async (_, session, send) => {
      const body = { tape: id, outer, persistent, watch_accessed_variables: watches };
      const reply = await send('POST', '/tapes', body);
      const refusal = session.open(id, outer, persistent, watches);
      if (refusal) expectRefused(reply, refusal, 'open');
      else ok(reply, 'open');
    },
  );
}

function turnStep(at: number, id: string, verb: 'pause' | 'resume' | 'reset'): Step {
  return step(`${verb} ${at}/${id}`, at, async (_, session, send) => {
    const reply = await send('POST', `/tapes/${id}/${verb}`, {});
    const refusal = session.turn(id, verb);
    if (refusal) expectRefused(reply, refusal, verb);
    else ok(reply, verb);
  });
}

function closeStep(at: number, id: string): Step {
  return step(`close ${at}/${id}`, at, async (_, session, send) => {
    const reply = await send('DELETE', `/tapes/${id}`);
    const refusal = session.close(id);
    if (refusal) expectRefused(reply, refusal, 'close');
    else ok(reply, 'close');
  });
}

function watchStep(at: number, id: string, name: string, value: Pair | undefined): Step {
  return step(`watch ${at}/${id} ${name} ${value}`, at, async (_, session, send) => {
    const isBound = value !== undefined && BOUND.includes(name);
    const body = { names: [name], ...(isBound && { values: { [name]: f64(value) } }) };
    const reply = await send('POST', `/tapes/${id}/watch`, body);
    const tape = session.usable(id);
    if ('refused' in tape) return expectRefused(reply, tape, 'watch');
    if (isBound) session.bind(tape, name, value);
    const refusal = session.watch(tape, name);
    if (refusal) expectRefused(reply, refusal, 'watch');
    else ok(reply, 'watch');
  });
}

function recordStep(
  at: number,
  id: string,
  which: number,
  out: string,
  a: string,
  b: string,
  sent: Pair | undefined,
): Step {
  const polynomial = POLYNOMIALS[which]!;
  const text = polynomial.text(out, a, b);
  return step(`record ${at}/${id} ${text} ${sent ?? ''}`, at, async (_, session, send) => {
    const tape = session.usable(id);
    const sends = sent !== undefined && BOUND.includes(a);
    const body = { graph: text, outputs: out, ...(sends && { values: { [a]: f64(sent) } }) };
    if ('refused' in tape) return expectRefused(await send('POST', `/tapes/${id}/record`, body), tape, 'record');
    const isKnown = (name: string): boolean => (sends && name === a) || session.knows(tape, name);
    if (!isKnown(a) || !isKnown(b))
      return expectRefused(await send('POST', `/tapes/${id}/record`, body), { refused: 'missing_value' }, text);
    const size = (name: string): number =>
      Math.max(...(sends && name === a ? sent : session.valueIn(tape, name)).map(Math.abs));
    // Numbers that grow without bound say nothing.
    if (size(a) > BIG || size(b) > BIG) return;
    if (sends) session.bind(tape, a, sent);
    const reply = ok(await send('POST', `/tapes/${id}/record`, body), text);
    close(reply.values[out], session.record(tape, polynomial, out, a, b), text);
  });
}

function recordAssignStep(at: number, id: string, name: string, operand: string, out: string): Step {
  return step(`record ${at}/${id} ${out} = assign_add(${name}, ${operand})`, at, async (_, session, send) => {
    const tape = session.usable(id);
    const graph = {
      inputs: { [operand]: {} },
      variables: { [name]: {} },
      nodes: [{ name: out, op: 'assign_add', inputs: [name, operand] }],
      outputs: [out],
    };
    const isOpen = !('refused' in tape);
    if (isOpen && session.variables.has(name) && session.knows(tape, operand) && operand !== name && operand !== out) {
      const reply = ok(await send('POST', `/tapes/${id}/record`, { graph }), 'assign');
      close(reply.values[out], session.recordAssign(tape, name, operand, out), 'assign');
      close(reply.variables[name], session.variables.get(name)!.value, 'assign');
      expect(reply.versions[name]).toBeGreaterThan(session.version);
      session.version = reply.versions[name];
      session.wrote(tape, name, reply.versions[name]);
    } else if (operand !== name && operand !== out) {
      const reply = await send('POST', `/tapes/${id}/record`, { graph });
      expectRefused(reply, isOpen ? { refused: 'missing_value' } : tape, 'assign');
    }
  });
}

/** The sources that are asked for and that the session or the tape knows. */
function refusalOfNames(
  session: ModelSession,
  tape: ModelTape,
  target: string,
  sources: readonly string[],
): Refusal | undefined {
  const { names } = session.nestOf(tape);
  if (!names.has(target)) return { refused: 'invalid_source' };
  for (const source of sources)
    if (!names.has(source) && !session.variables.has(source) && !tape.reads.has(source))
      return { refused: 'invalid_source' };
  return undefined;
}

function expectDerivative(model: Model, actual: Json, wanted: Jet | undefined, what: string): void {
  const value = wanted && atRest(wanted);
  const isZero = (pair: Json): boolean => [pair].flat(2).every((one: number) => Math.abs(one) < 1e-9);
  if (model.hasDerived && (actual === null || !value)) {
    expect(isZero(actual ?? value ?? 0), `${what}: ${actual}, expected ${value}`).toBe(true);
    return;
  }
  if (!value) expect(actual, what).toBeNull();
  else if (Array.isArray(actual?.[0])) {
    close(actual[0], [value[0], 0], what);
    close(actual[1], [0, value[1]], what);
  } else close(actual, value, what);
}

function askStep(
  at: number,
  id: string,
  kind: 'gradient' | 'jacobian' | 'pushforward',
  target: string,
  sources: readonly string[],
): Step {
  return step(`${kind} ${at}/${id} d ${target} / d ${sources}`, at, async (model, session, send) => {
    const [source] = sources as [string];
    const bodies = {
      gradient: { targets: target, sources },
      jacobian: { target, sources },
      pushforward: { targets: target, tangents: { [source]: [2, -3] } },
    };
    const tape = session.usable(id);
    const asked = kind === 'pushforward' ? [source] : sources;
    const refusal = 'refused' in tape ? tape : refusalOfNames(session, tape, target, asked);
    const reply = await send('POST', `/tapes/${id}/${kind}`, bodies[kind]);
    if ('refused' in tape || refusal) return expectRefused(reply, refusal as Refusal, kind);
    const body = ok(reply, kind);
    const wanted = asked.map((name) => session.derivative(tape, target, name));
    // Two derivatives are all that the model knows of.
    if (wanted.every((jet) => !jet || jet.order >= 0)) {
      if (kind === 'pushforward') {
        const [x, y] = (wanted[0] && atRest(wanted[0])) ?? [0, 0];
        close(body.tangents[target], [2 * x, -3 * y], kind);
      } else
        for (const [i, jet] of wanted.entries())
          expectDerivative(
            model,
            (kind === 'gradient' ? body.gradients : body.jacobians)[i],
            jet,
            `${kind} d ${target} / d ${asked[i]}`,
          );
    }
    session.use(tape);
  });
}

function recordDerivativeStep(at: number, id: string, target: string, source: string, as: string): Step {
  return step(`record ${at}/${id} ${as} = d ${target} / d ${source}`, at, async (model, session, send) => {
    const tape = session.usable(id);
    if ('refused' in tape || !tape.persistent || tape.outer !== undefined) return;
    if (refusalOfNames(session, tape, target, [source])) return;
    const made = session.derivative(tape, target, source);
    if (made && made.order < 0) return;
    const body = ok(
      await send('POST', `/tapes/${id}/gradient`, { targets: target, sources: source, record: { tape: id, as } }),
      'derive',
    );
    expectDerivative(model, body.gradients, made, 'derive');
    if (body.gradients === null) return;
    model.hasDerived = true;
    // What the model takes for none and the engine for zero is on the tape all the same.
    session.recordDerivative(tape, made ?? { order: 0, terms: new Map(), depends: new Set() }, as);
  });
}

/** Everything that can be seen of the sessions. */
async function look(model: Model, real: Real): Promise<void> {
  for (const [at, session] of model.sessions.entries()) {
    if (!session) continue;
    const get = async (path: string): Promise<Json> =>
      ok(await real.server.send({ verb: 'GET', path: real.paths[at] + path }), path);
    const { variables } = await get('/variables');
    expect(variables.map(({ name, version, trainable }: Json) => [name, version, trainable])).toEqual(
      [...session.variables].map(([name, { version, trainable }]) => [name, version, trainable]).sort(),
    );
    for (const [name, { value, version }] of session.variables) {
      const read = await get(`/variables/${name}`);
      expect(read.variable.version).toBe(version);
      close(read.value, value, name);
    }
    const { tapes } = await get('/tapes');
    const seen = new Map<string, Json>(tapes.map((tape: Json) => [tape.tape, tape]));
    expect([...seen.keys()].sort()).toEqual([...session.tapes.keys()].sort());
    for (const tape of session.tapes.values())
      expect(seen.get(tape.id), tape.id).toMatchObject({
        state: tape.state,
        persistent: tape.persistent,
        outer: tape.outer ?? null,
        fragments: tape.fragments,
        watched_variables: [...new Set([...tape.reads.keys(), ...tape.named])],
        tensors: Object.fromEntries([...session.nestOf(tape).names.keys()].map((name) => [name, expect.any(String)])),
      });
    expect((await get('')).session).toMatchObject({ variables: session.variables.size, tapes: session.tapes.size });
  }
}

const plain = (name: string, run: (model: Model, real: Real) => Promise<void>): Step => ({
  check: () => true,
  run,
  toString: () => name,
});

const at = fc.nat({ max: SESSIONS - 1 });
const of = (...names: (readonly string[])[]) => fc.constantFrom(...names.flat());
const value: fc.Arbitrary<Pair> = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }));
const claim = fc.constantFrom<Claim>('right', 'right', 'any', 'missing', 'wrong');
const tape = of(['A', 'A', 'A', 'A', 'B', 'B', 'B', 'C', 'D']);
const operand = of(VARIABLES, VARIABLES, BOUND, BOUND, NODES, NODES, DERIVED);
const sources = fc.uniqueArray(of(VARIABLES, BOUND), { minLength: 2, maxLength: 5 });
const target = of(NODES, NODES, NODES, BOUND, DERIVED);

const record = fc
  .tuple(
    at,
    tape,
    fc.nat({ max: POLYNOMIALS.length - 1 }),
    of(NODES),
    operand,
    operand,
    fc.option(value, { nil: undefined }),
  )
  // In text, a name that is read and defined again means what it meant before.
  .filter(([, , , out, a, b]) => out !== a && out !== b)
  .map((args) => recordStep(...args));
const ask = fc
  .tuple(
    at,
    tape,
    fc.constantFrom('gradient' as const, 'gradient' as const, 'jacobian' as const, 'pushforward' as const),
    target,
    sources,
  )
  .map((args) => askStep(...args));
const open = fc
  .tuple(at, tape, fc.option(tape, { nil: undefined, freq: 1 }), fc.boolean(), fc.constantFrom(true, true, false))
  .map((args) => openStep(...args));

const STEPS = [
  fc.tuple(at, of(VARIABLES), value, claim).map((args) => putStep(...args)),
  fc
    .tuple(at, of(VARIABLES), value, claim, fc.constantFrom(1 as const, -1 as const))
    .map((args) => assignStep(...args)),
  fc
    .tuple(
      at,
      fc.uniqueArray(fc.tuple(of(VARIABLES), value, claim, fc.constantFrom('assign' as const, 'assign_add' as const)), {
        minLength: 1,
        maxLength: 3,
        selector: ([name]) => name,
      }),
    )
    .map((args) => patchStep(...args)),
  fc.tuple(at, of(VARIABLES), claim).map((args) => deleteVariableStep(...args)),
  open,
  record,
  record,
  record,
  ask,
  ask,
  ask,
  fc.tuple(at, tape, of(TRAINABLE), of(BOUND, NODES), of(NODES)).map((args) => recordAssignStep(...args)),
  fc
    .tuple(at, tape, of(BOUND, BOUND, VARIABLES), fc.option(value, { nil: undefined, freq: 4 }))
    .map((args) => watchStep(...args)),
  fc
    .tuple(at, tape, fc.constantFrom('pause' as const, 'resume' as const, 'reset' as const))
    .map((args) => turnStep(...args)),
  fc.tuple(at, of(['A', 'B', 'C', 'D'])).map((args) => closeStep(...args)),
  fc.tuple(at, tape, target, of(VARIABLES, BOUND), of(DERIVED)).map((args) => recordDerivativeStep(...args)),
  at.map((which) =>
    step(
      `keep ${which} alive`,
      which,
      async (_, __, send) => void ok(await send('POST', '/keep_alive', {}), 'keep_alive'),
    ),
  ),
  fc.constant(plain('look', look)),
  fc.constant(
    plain('restart', async (model, real) => {
      await real.restart();
      await look(model, real);
    }),
  ),
  fc.constant(plain('restart', (_, real) => real.restart())),
  fc.tuple(at, fc.nat({ max: 5 })).map(([which, die]) =>
    plain(`delete ${which}`, async (model, real) => {
      if (!model.sessions[which] || die > 0) return;
      expect((await real.server.send({ verb: 'DELETE', path: real.paths[which]! })).status).toBe(200);
      expect((await real.server.send({ verb: 'GET', path: real.paths[which]! })).status).toBe(404);
      model.sessions[which] = undefined;
    }),
  ),
];

/** What every session begins with, so that there is something to ask about. */
function preludeOf(at: number): readonly Step[] {
  return [
    putStep(at, 'v0', [1, 2], 'missing'),
    putStep(at, 'v1', [-2, 1], 'missing'),
    putStep(at, 'f0', [2, -1], 'missing'),
    openStep(at, 'A', undefined, true, true),
    openStep(at, 'B', 'A', true, true),
    watchStep(at, 'A', 'x0', [3, 1]),
    watchStep(at, 'B', 'x1', [-1, 2]),
    recordStep(at, 'B', 1, 't0', 'x0', 'v0', undefined),
    recordStep(at, 'A', 0, 't1', 'x1', 'v1', undefined),
    openStep(at, 'C', undefined, false, true),
    recordStep(at, 'C', 2, 't0', 'v0', 'v1', undefined),
  ];
}

async function real(
  store: Store,
  reopen: (store: Store) => Promise<Store>,
  environment: Record<string, string>,
  engines: number,
): Promise<Real & { close(): Promise<void> }> {
  let now = store;
  const begin = (): Server => {
    const server = serve(now, { environment });
    if (engines > 1) route(server, anyOf(server, engines));
    return server;
  };
  const made = {
    server: begin(),
    paths: [] as string[],
    async restart() {
      now = await reopen(now);
      made.server = begin();
    },
    close: () => now.close(),
  };
  return made;
}

/** Picks among several engines at random; now and then one of them has to begin again. */
function anyOf(server: Local, engines: number): () => SessionCopies {
  const random = randomOf(engines);
  const all = Array.from({ length: engines }, () => moreCopies(server));
  return () => {
    const at = Math.floor(random() * engines);
    if (random() < 0.1) all[at] = moreCopies(server);
    return all[at]!;
  };
}

const KINDS: readonly [string, Record<string, string>, number][] = [
  ['sqlite', {}, 1],
  ['sqlite', {}, 2],
  ['memory', { ADJOINT_SESSION_MEMORY: '1' }, 1],
  ['memory', { ADJOINT_SESSION_MEMORY: '1' }, 3],
  ['memory', { ADJOINT_RESIDENT_SESSIONS: '1' }, 1],
  ['memory', { ADJOINT_RESIDENT_SESSIONS: '1' }, 2],
];

describe('random histories', () => {
  test.each(KINDS)('in %s with %o and %i engines', { timeout: 3_600_000 }, async (kind, environment, engines) => {
    await fc.assert(
      fc.asyncProperty(fc.commands(STEPS, { maxCommands: 50, size: 'max' }), async (steps) => {
        const folder = temporaryFolder();
        const subject =
          kind === 'sqlite'
            ? await real(
                openSqliteStore(folder),
                async (store) => {
                  await store.close();
                  return openSqliteStore(folder);
                },
                environment,
                engines,
              )
            : await real(memoryStore(), async (store) => store, environment, engines);
        const model: Model = { sessions: [], hasDerived: false };
        try {
          await fc.asyncModelRun(() => ({ model, real: subject }), steps);
          await look(model, subject);
        } finally {
          await subject.close();
        }
      }),
      { numRuns: Number(process.env.ADJOINT_FAULTS_RUNS ?? 25) },
    );
  });
});
