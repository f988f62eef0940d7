/**
 * @file The service as a process that is killed between requests and within them. `ADJOINT_FAULTS=all` kills it more
 * often.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openLlvm } from '../../engine/backends/native/llvm.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import { expectSound } from '../store/history.ts';
import { temporaryFolder } from '../store/stores.ts';
import {
  type Child,
  type Json,
  keepCode,
  killAll,
  newSession,
  ok,
  type Request,
  randomOf,
  serve,
  start,
} from './harness.ts';
import { LARGE, LIFE, lasting, live } from './life.ts';

const isThorough = process.env.ADJOINT_FAULTS === 'all';
const SWEEPS = { ADJOINT_SWEEP_INTERVAL_MS: '40' };

let forgetCode = (): void => {};
beforeAll(async () => {
  forgetCode = await keepCode();
});
afterEach(killAll);
afterAll(() => forgetCode());

/** Two sweeps later: what nothing names is gone then. */
const swept = (): Promise<void> => sleep(400);

describe('killed between requests', () => {
  test('any two of a life, every answer is that of an undisturbed one', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    let child = await start(folder, SWEEPS);
    // Other places each time; `life.test.ts` begins anew at all of them, in one process.
    const offset = Math.floor(Math.random() * 4);
    const replies = await live(child, async (at) => {
      if (at === 0 || (!isThorough && at % 4 !== offset)) return child;
      await child.kill();
      child = await start(folder, SWEEPS);
      return child;
    });
    const wanted = await live(serve(memoryStore()));
    for (const [at, { verb, path, rebuilds }] of LIFE.entries()) {
      expect(lasting(replies[at]!), `${at}: ${verb} ${path}`).toEqual(lasting(wanted[at]!));
      if (rebuilds && (isThorough || at % 4 === offset))
        expect(replies[at]!.body.meta.rebuilt, `${at}: ${path}`).toBe(true);
    }
    await swept();
    await child.kill();
    await expectSound(folder);
  });

  test.skipIf(!openLlvm())('in native code too', { timeout: 300_000 }, async () => {
    const environment = { ADJOINT_BACKEND: 'native' };
    const undisturbed = await start(temporaryFolder(), environment);
    const wanted = await live(undisturbed);
    await undisturbed.kill();
    const folder = temporaryFolder();
    let child = await start(folder, environment);
    const kills = new Set(isThorough ? LIFE.keys() : [9, 13, 21]);
    const replies = await live(child, async (at) => {
      if (!kills.has(at)) return child;
      await child.kill();
      child = await start(folder, environment);
      return child;
    });
    for (const [at, { verb, path }] of LIFE.entries())
      expect(lasting(replies[at]!), `${at}: ${verb} ${path}`).toEqual(lasting(wanted[at]!));
    expect(replies.some(({ body }) => body?.meta?.rebuilt)).toBe(true);
    await child.kill();
  });
});

/** A large value whose elements are all the same, so that a torn one shows. */
function uniform(of: number): object {
  const data = new Float64Array(LARGE).fill(of);
  return { dtype: 'float64', shape: [LARGE], base64: Buffer.from(data.buffer).toString('base64') };
}

const STEP = {
  variables: { n: {}, v: {} },
  nodes: [
    { name: 'next', op: 'assign_add', inputs: ['n', 1] },
    { name: 'y', op: 'mul', inputs: ['next', 'v'] },
  ],
  outputs: ['y'],
};

/** What can be seen of a session that the requests below change. */
interface State {
  /** Sum of what was added, and how often a graph was recorded. */
  readonly a: number;
  readonly b: number;
  readonly n: number;
  readonly fragments: number;
  readonly big: number;
  readonly tapes: number;
  readonly version: Readonly<Record<string, number>>;
}

/** A request, and what it does when it is done once. */
interface Deed {
  readonly request: Request;
  readonly does: (state: State) => Omit<State, 'version'>;
}

/** What a client may want next, under a key of its own. */
function deedOf(session: string, random: () => number, serial: number): Deed {
  const headers = { 'idempotency-key': `key-${serial}` };
  const request = (verb: Request['verb'], path: string, body: unknown): Request => ({
    ...{ verb, path: session + path, body, headers },
  });
  const deeds: Deed[] = [
    {
      request: request('PATCH', '/variables', { updates: { a: { assign_add: 1 }, b: { assign_sub: 1 } } }),
      does: (state) => ({ ...state, a: state.a + 1, b: state.b - 1 }),
    },
    {
      request: request('POST', '/variables/a/assign_add', { value: 5 }),
      does: (state) => ({ ...state, a: state.a + 5 }),
    },
    {
      request: request('POST', '/tapes/t/record', { graph: STEP }),
      does: (state) => ({ ...state, n: state.n + 1, fragments: state.fragments + 1 }),
    },
    {
      request: request('POST', '/variables/big/assign_add', { value: uniform(1) }),
      does: (state) => ({ ...state, big: state.big + 1 }),
    },
    { request: request('POST', '/tapes', {}), does: (state) => ({ ...state, tapes: state.tapes + 1 }) },
  ];
  return deeds[Math.floor(random() * deeds.length)]!;
}

async function stateOf(child: Child, session: string): Promise<State> {
  const value = async (name: string): Promise<{ value: Json; version: number }> => {
    const { value, variable } = await ok(child, 'GET', `${session}/variables/${name}`);
    return { value, version: variable.version };
  };
  const [a, b, n, big] = [await value('a'), await value('b'), await value('n'), await value('big')];
  const elements = new Set(big.value as number[]);
  expect(elements.size, 'a variable is torn').toBe(1);
  const { tapes } = await ok(child, 'GET', `${session}/tapes`);
  const tape = tapes.find((info: Json) => info.tape === 't');
  return {
    ...{ a: a.value, b: b.value, n: n.value, big: [...elements][0] as number },
    fragments: tape.fragments,
    tapes: tapes.length,
    version: { a: a.version, b: b.version, n: n.version, big: big.version },
  };
}

function without({ version: _, ...rest }: State): Omit<State, 'version'> {
  return rest;
}

test('killed within requests, each is done or is not, and done once when it is sent again', {
  timeout: 600_000,
}, async () => {
  const rounds = isThorough ? 200 : 11;
  const seed = Number(process.env.ADJOINT_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomOf(seed);
  const folder = temporaryFolder();
  let child = await start(folder, SWEEPS);
  const variables = {
    a: { value: 0, dtype: 'float64' },
    b: { value: 0, dtype: 'float64' },
    n: { value: 0, dtype: 'float64' },
    v: { value: 2, dtype: 'float64' },
    big: { value: uniform(0) },
  };
  const sessions = [await newSession(child, { variables }), await newSession(child, { variables })];
  for (const session of sessions) await ok(child, 'POST', `${session}/tapes`, { tape: 't', persistent: true });
  const states = new Map<string, State>();
  for (const session of sessions) states.set(session, await stateOf(child, session));
  const outcomes = { done: 0, undone: 0, acknowledged: 0 };
  // How long requests are left alone at most, in ms: it follows what became of the last ones, on machines of any speed.
  let patience = 30;
  let serial = 0;
  for (let round = 0; round < rounds; round++) {
    const what = `seed ${seed}, round ${round}`;
    const deeds = sessions.map((session) => ({ session, ...deedOf(session, random, serial++) }));
    const replies = deeds.map(({ request }) => child.send(request).catch(() => undefined));
    await sleep(random() * patience);
    await child.kill();
    const heard = await Promise.all(replies);
    child = await start(folder, SWEEPS);
    const { done: doneBefore } = outcomes;
    for (const [i, { session, request, does }] of deeds.entries()) {
      const before = states.get(session)!;
      const now = await stateOf(child, session);
      const isDone = JSON.stringify(without(now)) !== JSON.stringify(without(before));
      const wanted = { ...without(before), ...(isDone ? without({ ...does(before), version: {} } as State) : {}) };
      expect(without(now), `${what}: ${request.verb} ${request.path}`).toEqual(wanted);
      if (!isDone) expect(now.version, what).toEqual(before.version);
      if (heard[i]) {
        expect(heard[i].status, what).toBeLessThan(300);
        expect(isDone, `${what}: acknowledged`).toBe(true);
        outcomes.acknowledged++;
      }
      outcomes[isDone ? 'done' : 'undone']++;
      const again = await child.send(request);
      expect(again.status, `${what}: ${JSON.stringify(again.body)}`).toBeLessThan(300);
      if (heard[i]) expect(again.body, what).toEqual(heard[i].body);
      const after = await stateOf(child, session);
      expect(without(after), what).toEqual(without({ ...does(before), version: {} } as State));
      if (isDone) expect(after.version, what).toEqual(now.version);
      states.set(session, after);
    }
    patience *= outcomes.done > doneBefore ? 0.8 : 2;
  }
  // Derivatives of what was recorded over many lives of the process.
  for (const session of sessions) {
    const { n, fragments } = states.get(session)!;
    if (fragments === 0) continue;
    expect((await ok(child, 'POST', `${session}/tapes/t/gradient`, { targets: 'y', sources: 'v' })).gradients).toBe(n);
  }
  // Were requests never cut off, or always, this would not be a test.
  expect(outcomes.done, JSON.stringify(outcomes)).toBeGreaterThan(0);
  expect(outcomes.undone, JSON.stringify(outcomes)).toBeGreaterThan(0);
  await swept();
  await child.kill();
  await expectSound(folder);
});
