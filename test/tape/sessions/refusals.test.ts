/**
 * @file What sessions, variables and tapes refuse: in the client's own words, with its code and place, and so that the
 * tape's next good request is answered as if nothing had been.
 */
import { describe, expect, test } from 'vitest';
import { type Json, node } from '../harness.ts';
import { listening, type Notebook, refusal, type Tape } from './notebook.ts';

const service = listening();
const bounded = listening({ sessions: { quota: 4096, tapes: 4, perTenant: 2 } });

const USED = 'A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)';

interface Scene {
  readonly nb: Notebook;
  /** Persistent, with `y = x ** 2 * c` on it, `c` being watched. */
  readonly tape: Tape;
  /** Within `tape`, and used up. */
  readonly used: Tape;
  /** Beside them. */
  readonly other: Tape;
}

async function scene(): Promise<Scene> {
  const nb = await service.notebook({ x: [1, 2], n: { value: 3, dtype: 'int32' }, alone: 1 });
  const tape = await nb.tape({ persistent: true, tape: 'main', values: { c: [3, 4] }, watch: 'c' });
  const used = await nb.tape({ outer: tape, tape: 'spent' });
  await used.record('y = x ** 2 * c');
  await used.gradient('y', 'x');
  return { nb, tape, used, other: await nb.tape({ tape: 'other', persistent: true, values: { q: 2 } }) };
}

/** What a refused request must not have changed. */
async function stateOf({ nb, tape, used, other }: Scene): Promise<Json> {
  const told = ({ resident_bytes: _, ...info }: Json): Json => info;
  const { bytes, variables } = await nb.info();
  return [bytes, variables, told(await tape.info()), told(await used.info()), told(await other.info())];
}

type Ask = (scene: Scene) => Promise<unknown>;

/** What is asked, the code, and words of the detail. */
type Row = readonly [title: string, ask: Ask, expected: Json, ...words: string[]];

const ask =
  (verb: string, body: Json): Ask =>
  ({ tape }) =>
    tape.ask(verb, body);

const recording =
  (graph: Json, values: Json = {}, rest: Json = {}): Ask =>
  ({ tape }) =>
    tape.recorded(graph, values, rest);

const RECORD: readonly Row[] = [
  [
    'a name that nothing has',
    recording('z = y * wieght'),
    { code: 'missing_value', input: 'wieght', pointer: '/values/wieght' },
    "'wieght' has no value",
  ],
  [
    'a name that is nearly right',
    recording('z = alnoe * 2'),
    { code: 'missing_value', input: 'alnoe' },
    "Did you mean 'alone'?",
  ],
  [
    'a value for a variable',
    recording('z = x * 2', { x: [1, 2] }),
    { code: 'already_exists', status: 409, input: 'x', pointer: '/values/x' },
    "'x' is a variable of the session",
  ],
  [
    'a value for a variable that is not read',
    recording('z = y * 2', { x: [1, 2] }),
    { code: 'already_exists', input: 'x' },
    "'x' is a variable",
  ],
  [
    'a value that nothing reads',
    recording('z = y * 2', { stray: 1 }),
    { code: 'unexpected_value', input: 'stray' },
    "'stray'",
  ],
  [
    'a node that is called as a variable is',
    recording('alone = y * 2'),
    { code: 'duplicate_name', node: 'alone' },
    "'alone' is a variable of the session",
  ],
  ['a shape that does not fit', recording('z = y @ t', { t: [[1, 2, 3]] }), { code: 'type_mismatch', op: 'matmul' }],
  [
    'a declared type that the variable has not',
    recording({ variables: { x: { shape: [3] } }, nodes: [node('z', 'sum', ['x'])] }),
    { code: 'type_mismatch', input: 'x' },
    "'x'",
  ],
  ['an op that does not exist', recording('z = snih(y)'), { code: 'unknown_op' }, 'snih'],
  ['text that is none', recording('z = y *'), { code: 'invalid_text' }],
  ['no graph', recording(7), { code: 'invalid_graph' }, "'graph'"],
  ['no tensor', recording('z = y * t', { t: 'seven' }), { code: 'invalid_tensor', input: 't' }],
  [
    'an output that the graph has not',
    recording('z = y * 2', {}, { outputs: ['w'] }),
    { code: 'invalid_source', input: 'w' },
    "'w'",
  ],
  [
    'a watch of nothing',
    recording('z = y * 2', {}, { watch: ['nothing'] }),
    { code: 'invalid_source', input: 'nothing', pointer: '/watch' },
    "no tensor or variable 'nothing'",
  ],
  [
    'a watch of a node of the same cell',
    recording('z = y * 2; w = z * 2', {}, { watch: ['z'] }),
    { code: 'invalid_source', input: 'z', pointer: '/watch' },
    "'z' is computed by this graph",
  ],
  ['a field that there is none of', recording('z = y', {}, { tapes: 1 }), { code: 'invalid_request' }, 'tapes'],
  ['a tape that is used up', ({ used }) => used.record('z = y'), { code: 'tape_used', status: 409 }, USED],
];

const ASKS: readonly Row[] = [
  [
    'a target that there is none of',
    ask('gradient', { targets: 'loss', sources: 'x' }),
    { code: 'invalid_source', input: 'loss' },
    "called 'loss'",
  ],
  [
    'a source that there is none of',
    ask('gradient', { targets: 'y', sources: ['x', 'why'] }),
    { code: 'invalid_source', input: 'why' },
    "called 'why'",
  ],
  [
    'a target that was not read',
    ask('gradient', { targets: 'alone', sources: 'x' }),
    { code: 'invalid_source', input: 'alone' },
    "has read the variable 'alone'",
  ],
  ['no target', ask('gradient', { targets: [], sources: 'x' }), { code: 'invalid_source' }, "name 'targets'"],
  [
    'no sources on a tape that watches none',
    ({ other }) => other.ask('gradient', { targets: 'q' }),
    { code: 'invalid_source', pointer: '/sources' },
    "name the sources in 'sources'",
  ],
  [
    'output gradients that are too few',
    ask('gradient', { targets: ['y', 'c'], sources: 'x', output_gradients: [[1, 2]] }),
    { code: 'invalid_request', pointer: '/output_gradients' },
    'a list of 2',
  ],
  [
    'output gradients of another shape (TFSA-2020-022)',
    ask('gradient', { targets: 'y', sources: 'x', output_gradients: [1, 2, 3] }),
    { code: 'type_mismatch', pointer: '/output_gradients' },
    "the output gradient of 'y' has shape [3], expected f32[2]",
  ],
  [
    'output gradients in a list, one of another shape',
    ask('gradient', { targets: ['c', 'y'], sources: 'x', output_gradients: [null, 1] }),
    { code: 'type_mismatch', pointer: '/output_gradients/1' },
    "the output gradient of 'y'",
  ],
  [
    'an unknown stand-in',
    ask('gradient', { targets: 'y', sources: 'x', unconnected_gradients: 'nan' }),
    { code: 'invalid_request', pointer: '/unconnected_gradients' },
  ],
  [
    'a Jacobian of several targets',
    ask('jacobian', { target: ['y', 'c'], sources: 'x' }),
    { code: 'invalid_request', pointer: '/target' },
  ],
  ['a Jacobian without sources', ask('jacobian', { target: 'y' }), { code: 'invalid_request', pointer: '/sources' }],
  [
    'a batch of rank 1',
    ask('batch_jacobian', { target: 'y', sources: 'x' }),
    { code: 'type_mismatch' },
    'must have rank at least 2',
  ],
  [
    'no tangents',
    ask('pushforward', { tangents: {}, targets: 'y' }),
    { code: 'invalid_request', pointer: '/tangents' },
    "'tangents' is empty",
  ],
  [
    'no cotangents',
    ask('pullback', { cotangents: {}, sources: 'x' }),
    { code: 'invalid_request', pointer: '/cotangents' },
    "'cotangents' is empty",
  ],
  [
    'a tangent of another shape',
    ask('pushforward', { tangents: { x: [1, 2, 3] }, targets: 'y' }),
    { code: 'type_mismatch', input: 'x', pointer: '/tangents/x' },
    "'x' has shape [2]",
  ],
  [
    'a cotangent of another shape',
    ask('pullback', { cotangents: { y: [[[1, 2]]] }, sources: 'x' }),
    { code: 'type_mismatch', input: 'y', pointer: '/cotangents/y' },
    "'y' has shape [2]",
  ],
  [
    'a tangent that is no tensor',
    ask('pushforward', { tangents: { x: 'east' }, targets: 'y' }),
    { code: 'invalid_tensor', pointer: '/tangents/x' },
  ],
  [
    'a cotangent of what there is none of',
    ask('pullback', { cotangents: { loss: 1 }, sources: 'x' }),
    { code: 'invalid_source', input: 'loss' },
    "'loss'",
  ],
  [
    'a tangent of what there is none of',
    ask('pushforward', { tangents: { w: 1 }, targets: 'y' }),
    { code: 'invalid_source', input: 'w' },
    "'w'",
  ],
  ['a tape that is used up', ({ used }) => used.gradient('y', 'x'), { code: 'tape_used', status: 409 }, USED],
  [
    'a tape that does not exist',
    ({ nb }) => nb.tapeOf('mian').gradient('y', 'x'),
    { code: 'not_found', status: 404 },
    "'mian'",
    "Did you mean 'main'?",
  ],
  [
    'a record onto a tape that is used up',
    ({ tape, used }) => tape.gradient('y', 'x', { record: [used, 'g'] }),
    { code: 'tape_used' },
    USED,
  ],
  [
    'a record onto a tape beside',
    ({ tape, other }) => tape.gradient('y', 'x', { record: [other, 'g'] }),
    { code: 'tape_state', pointer: '/record/tape' },
    "'other'",
    "'main'",
  ],
  [
    'a record onto a tape that does not exist',
    ({ nb, tape }) => tape.gradient('y', 'x', { record: [nb.tapeOf('nowhere'), 'g'] }),
    { code: 'not_found' },
    "'nowhere'",
  ],
  [
    'a record under a name that a variable has',
    ({ tape }) => tape.gradient('y', 'x', { record: [tape, 'alone'] }),
    { code: 'duplicate_name', input: 'alone', pointer: '/record/as' },
    "'alone' is a variable of the session",
  ],
  [
    'a record under no name',
    ({ tape }) => tape.gradient('y', 'x', { record: [tape, '7 up'] }),
    { code: 'invalid_request', pointer: '/record/as' },
  ],
];

const TAPES: readonly Row[] = [
  [
    'an id that is taken',
    ({ nb }) => nb.tape({ tape: 'main' }),
    { code: 'already_exists', status: 409, pointer: '/tape' },
    "a tape 'main' already",
  ],
  ['an id that is none', ({ nb }) => nb.tape({ tape: '../main' }), { code: 'invalid_request', pointer: '/tape' }],
  [
    'an outer tape that does not exist',
    ({ nb }) => nb.send('POST', '/tapes', { outer: 'none' }),
    { code: 'not_found' },
    "'none'",
  ],
  ['an outer tape that is used up', ({ nb, used }) => nb.tape({ outer: used }), { code: 'tape_used' }, USED],
  [
    'a value that is called as a variable',
    ({ nb }) => nb.tape({ values: { x: 1 } }),
    { code: 'already_exists', input: 'x', pointer: '/values/x' },
    "'x' is a variable of the session",
  ],
  [
    'a watch of nothing',
    ({ nb }) => nb.tape({ watch: 'ecks' }),
    { code: 'invalid_source', input: 'ecks', pointer: '/watch' },
    "'ecks'",
  ],
  [
    'a value that is no tensor',
    ({ nb }) => nb.tape({ values: { v: { dtype: 'float32' } } }),
    { code: 'invalid_tensor' },
  ],
  [
    'watching nothing',
    ({ tape }) => tape.watch('zed'),
    { code: 'invalid_source', input: 'zed', pointer: '/names' },
    "'zed'",
  ],
  [
    'watching a value that is called as a variable',
    ({ tape }) => tape.watch({ x: 1 }),
    { code: 'already_exists', input: 'x' },
    "'x'",
  ],
  ['watching on a tape that is used up', ({ used }) => used.watch('y'), { code: 'tape_used' }, USED],
  [
    'resuming a tape that records',
    ({ tape }) => tape.resume(),
    { code: 'tape_state' },
    'Tape is still recording, This can happen if you try to re-enter an already-active tape.',
  ],
  ['resuming a tape that is used up', ({ used }) => used.resume(), { code: 'tape_used' }, USED, 'reset it'],
  [
    'pausing a tape that is used up',
    ({ used }) => used.pause(),
    { code: 'tape_state' },
    'Trying to stop recording a tape which is not recording.',
  ],
  ['resetting a tape that does not exist', ({ nb }) => nb.tapeOf('none').reset(), { code: 'not_found' }, "'none'"],
  ['deleting a tape that does not exist', ({ nb }) => nb.tapeOf('none').delete(), { code: 'not_found' }, "'none'"],
  ['looking at a tape that does not exist', ({ nb }) => nb.tapeOf('none').info(), { code: 'not_found' }, "'none'"],
];

const put =
  (name: string, body: Json, headers?: Record<string, string>): Ask =>
  ({ nb }) =>
    nb.send('PUT', `/variables/${name}`, body, headers);

const VARIABLES: readonly Row[] = [
  [
    'a variable that exists, without a version',
    put('x', { value: [5, 6] }),
    { code: 'version_required', status: 428, input: 'x' },
    "'x' exists and has version 1",
    'If-Match: "1"',
  ],
  [
    'a variable that exists, under another version',
    put('x', { value: [5, 6] }, { 'if-match': '"99"' }),
    { code: 'version_mismatch', status: 412, input: 'x' },
    "'x' has version 1, not 99",
  ],
  [
    'a new one under a version',
    put('new', { value: 1, version: 3 }),
    { code: 'not_found', input: 'new' },
    "no variable 'new'",
  ],
  [
    'another shape',
    put('x', { value: [1, 2, 3], version: '*' }),
    { code: 'type_mismatch', input: 'x', pointer: '/value' },
    "'x'",
  ],
  [
    'another dtype',
    put('x', { value: { dtype: 'float64', shape: [2], data: [1, 2] }, version: '*' }),
    { code: 'type_mismatch', input: 'x' },
    "'x'",
  ],
  ['no value', put('new', {}), { code: 'invalid_request', pointer: '/value' }],
  ['a name that is none', put('7up', { value: 1 }), { code: 'invalid_request', pointer: '/name' }],
  ['no dtype', put('new', { value: 1, dtype: 'float16' }), { code: 'invalid_request', pointer: '/dtype' }],
  [
    'adding to what does not exist',
    ({ nb }) => nb.assignAdd('xs', 1),
    { code: 'not_found', input: 'xs' },
    "no variable 'xs'",
  ],
  ['adding another shape', ({ nb }) => nb.assignAdd('x', 1), { code: 'type_mismatch', input: 'x', pointer: '/value' }],
  ['adding a fraction to an integer', ({ nb }) => nb.assignAdd('n', 0.5), { code: 'type_mismatch', input: 'n' }],
  [
    'subtracting under another version',
    ({ nb }) => nb.send('POST', '/variables/n/assign_sub', { value: 1, version: 77 }),
    { code: 'version_mismatch', input: 'n' },
    "'n' has version 1, not 77",
  ],
  [
    'an update of nothing',
    ({ nb }) => nb.send('PATCH', '/variables', { updates: { n: {} } }),
    { code: 'invalid_request', input: 'n', pointer: '/updates/n' },
    "for 'n'",
  ],
  [
    'an update that is two',
    ({ nb }) => nb.send('PATCH', '/variables', { updates: { n: { assign: 1, assign_add: 1 } } }),
    { code: 'invalid_request', input: 'n' },
    'assign_add',
  ],
  [
    'updates of which one is under another version',
    ({ nb }) => nb.send('PATCH', '/variables', { updates: { n: { assign: 1 }, alone: { assign: 2, version: 50 } } }),
    { code: 'version_mismatch', input: 'alone' },
    "'alone'",
  ],
  ['reading what does not exist', ({ nb }) => nb.valueOf('ex'), { code: 'not_found', input: 'ex' }, "no variable 'ex'"],
  [
    'deleting what does not exist',
    ({ nb }) => nb.send('DELETE', '/variables/ex'),
    { code: 'not_found', input: 'ex' },
    "'ex'",
  ],
  [
    'deleting under another version',
    ({ nb }) => nb.send('DELETE', '/variables/x?version=8'),
    { code: 'version_mismatch', input: 'x' },
    "'x' has version 1, not 8",
  ],
  [
    'a checkpoint of what does not exist',
    ({ nb }) => nb.send('GET', '/checkpoint?names=x,ex'),
    { code: 'not_found', input: 'ex' },
    "'ex'",
  ],
  [
    'a checkpoint that is none',
    ({ nb }) => nb.send('PUT', '/checkpoint', 'no file', { 'content-type': 'application/vnd.safetensors' }),
    { code: 'invalid_tensor' },
  ],
];

describe.each([
  ['record', RECORD],
  ['asks', ASKS],
  ['tapes', TAPES],
  ['variables', VARIABLES],
])('%s', (_, rows) => {
  test.each(rows)('%s', async (_, request, expected, ...words) => {
    const all = await scene();
    const before = await stateOf(all);
    const problem = await refusal(request(all));
    expect(problem).toMatchObject(expected);
    for (const word of words) expect(problem.detail).toContain(word);
    expect(await stateOf(all)).toEqual(before);
    // Nothing has been: the values and the tapes are what they were.
    expect(await all.nb.valueOf('x')).toEqual([1, 2]);
    expect(await all.nb.valueOf('n')).toBe(3);
    await all.tape.record('good = sum(y) * alone');
    expect(await all.tape.gradient('good', ['x', 'c', 'alone'])).toEqual([[6, 16], [1, 4], 19]);
  });
});

describe('sessions', () => {
  test('that do not exist', async () => {
    for (const [verb, path, body] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/keep_alive', {}],
      ['GET', '/variables'],
      ['GET', '/variables/x'],
      ['PUT', '/variables/x', { value: 1 }],
      ['POST', '/tapes', {}],
      ['GET', '/tapes'],
      ['POST', '/tapes/t/gradient', { targets: 'y', sources: 'x' }],
      ['POST', '/tapes/t/record', { graph: 'y = 1.0' }],
    ] as const) {
      const problem = await refusal(service.send(verb, `/v1/sessions/ses_none${path}`, body));
      expect(problem, `${verb} ${path}`).toMatchObject({ status: 404, code: 'not_found' });
      expect(problem.detail).toContain("'ses_none'");
    }
  });

  test.each([
    [{ ttl_seconds: 0 }, '/ttl_seconds'],
    [{ ttl_seconds: 1e9 }, '/ttl_seconds'],
    [{ variables: { '7': { value: 1 } } }, '/variables'],
    [{ variables: { x: { value: 'seven' } } }, '/variables/x/value'],
    [{ variables: { x: 1 } }, '/variables/x'],
  ])('%o', async (body, pointer) => {
    const problem = await refusal(service.send('POST', '/v1/sessions', body));
    expect(problem.status).toBe(400);
    expect(problem.pointer).toContain(pointer);
  });

  test('a session that was deleted is gone, with its tapes and variables', async () => {
    const { nb, tape } = await scene();
    await service.send('DELETE', `/v1/sessions/${nb.id}`);
    expect(await refusal(tape.gradient('y', 'x'))).toMatchObject({ status: 404 });
    expect(await refusal(nb.info())).toMatchObject({ status: 404 });
  });

  test('over the bounds of bytes, tapes and sessions', async () => {
    const nb = await bounded.notebook({ x: [1, 2] });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x * x');
    const big = { dtype: 'float32', shape: [2000], data: new Array(2000).fill(1.5) };
    const { bytes } = await nb.info();
    for (const over of [
      () => tape.record('z = sum(b)', { b: big }),
      () => nb.variable('big', big),
      () => nb.tape({ values: { big } }),
      () => tape.watch({ big }),
    ]) {
      const problem = await refusal(over());
      expect(problem).toMatchObject({ status: 429, code: 'quota_exceeded' });
      expect(problem.detail).toContain('its quota is 4096');
      expect(await nb.info()).toMatchObject({ bytes, tapes: 1 });
    }
    expect(await tape.gradient('y', 'x')).toEqual([2, 4]);
    for (let i = 1; i < 4; i++) await nb.tape();
    const problem = await refusal(nb.tape());
    expect(problem).toMatchObject({ status: 429, code: 'quota_exceeded' });
    expect(problem.detail).toContain('4 tapes');
    await tape.delete();
    await nb.tape();
    await bounded.notebook();
    expect(await refusal(bounded.notebook())).toMatchObject({ status: 429, code: 'quota_exceeded' });
  });
});

describe('names that objects have of themselves', () => {
  test.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])('%s', async (name) => {
    const nb = await service.notebook({ x: 2 });
    const tape = await nb.tape({ persistent: true });
    expect(await refusal(tape.record(`y = x * ${name}`))).toMatchObject({ code: 'missing_value', input: name });
    expect(await refusal(tape.gradient(name, 'x'))).toMatchObject({ code: 'invalid_source', input: name });
    await nb.variable(name, 3);
    expect(await tape.record(`y = x * ${name}`)).toEqual({ y: 6 });
    expect(await tape.gradient('y', ['x', name])).toEqual([3, 2]);
    await nb.assignAdd(name, 1);
    await tape.record(`z = y * ${name}`);
    expect(await tape.gradient('z', name)).toBe(14);
    const other = await nb.tape();
    await other.record(`${name}1 = x * 2; w = ${name}1 * x`);
    expect(await other.gradient('w', ['x', `${name}1`])).toEqual([8, 2]);
    const { variables } = await nb.send('GET', '/variables');
    expect(variables.map((each: Json) => each.name)).toEqual([name, 'x']);
  });
});

test('__proto__ is a name of nothing', async () => {
  const nb = await service.notebook({ x: 2 });
  const tape = await nb.tape({ persistent: true });
  const name = '__proto__';
  expect(await refusal(nb.variable(name, 3))).toMatchObject({ status: 400 });
  expect(await refusal(tape.record(`y = x * ${name}`))).toMatchObject({ status: 400 });
  for (const body of [
    `{"graph": "y = x * 2", "values": {"${name}": 1}}`,
    `{"graph": {"inputs": {"x": {}, "${name}": {}}, "nodes": [{"name": "y", "op": "mul", "inputs": ["x", "${name}"]}]}}`,
    `{"graph": {"inputs": {"x": {}}, "nodes": [{"name": "${name}", "op": "mul", "inputs": ["x", "x"]}]}}`,
    `{"graph": "y = x * 2", "watch": ["${name}"]}`,
  ])
    expect(await refusal(nb.send('POST', `/tapes/${tape.id}/record`, body)), body).toMatchObject({ status: 400 });
  expect(await refusal(tape.gradient(name, 'x'))).toMatchObject({ code: 'invalid_source' });
  expect(await refusal(nb.tape({ tape: name }))).toMatchObject({ status: 400 });
  expect(({} as Json).value).toBeUndefined();
});
