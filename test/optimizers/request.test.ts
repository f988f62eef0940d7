import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EngineError } from '../../engine/errors.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { Value } from '../../engine/program/value.ts';
import { violationsOf } from '../../engine/program/violations.ts';
import {
  chosenOf,
  dataOf,
  dataSchema,
  minimizeFields,
  optimizerSchema,
  progressFields,
  progressOf,
  scheduleFrom,
  scheduleSchema,
  stopOf,
  stopSchema,
} from '../../services/api/optimizers.ts';

const request = z.strictObject(minimizeFields);

/** What a client is told of a request's fields, read as the ports read them. */
function fault(json: unknown): { detail: string; pointer: string | undefined } {
  const parsed = request.safeParse(json);
  if (!parsed.success) return violationsOf(parsed.error, json, request)[0];
  const { optimizer, schedule } = parsed.data;
  try {
    chosenOf(optimizer);
    scheduleFrom(schedule, optimizer);
  } catch (reason) {
    if (!(reason instanceof EngineError)) throw reason;
    expect(reason.code).toBe('invalid_request');
    return { detail: reason.message, pointer: reason.where.pointer };
  }
  throw new Error('nothing is wrong with it');
}

test('what is left out is standard', () => {
  const { optimizer, schedule, stop, data } = request.parse({ optimizer: { name: 'adam' }, steps: 5 });
  expect(chosenOf(optimizer)).toMatchObject({
    optimizer: { name: 'adam' },
    params: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    clipNorm: undefined,
  });
  expect(scheduleFrom(schedule, optimizer)(100)).toBe(0.001);
  expect(stopOf(5, stop)).toEqual({ steps: 5 });
  expect(data).toBeUndefined();
});

test('what is given is passed on', () => {
  const optimizer = optimizerSchema.parse({
    name: 'momentum',
    learning_rate: 0.5,
    clip_norm: 2,
    params: { nesterov: true },
  });
  expect(chosenOf(optimizer)).toMatchObject({
    params: { momentum: 0.9, nesterov: true, weight_decay: 0 },
    clipNorm: 2,
  });
  const schedule = scheduleSchema.parse({
    name: 'exponential_decay',
    params: { transition_steps: 1, decay_rate: 0.5 },
  });
  expect([0, 1, 2].map(scheduleFrom(schedule, optimizer))).toEqual([0.5, 0.25, 0.125]);
  const stop = stopSchema.parse({ loss: 0.1, gradient_norm: 0.2, improvement: { window: 7 } });
  expect(stopOf(3, stop)).toEqual({
    steps: 3,
    loss: 0.1,
    gradientNorm: 0.2,
    improvement: { relative: 1e-4, window: 7 },
  });
});

describe('faults are told in the names of the request', () => {
  const optimizer = { name: 'adam' };
  test.each<[object, RegExp, string]>([
    [{ optimizer: { name: 'adamm' } }, /'optimizer.name' is "adamm".*Did you mean 'adam'/, '/optimizer/name'],
    [{ optimizer: { name: 'adam', lr: 1 } }, /'optimizer.lr' is not a known field/, '/optimizer/lr'],
    [{ optimizer: { name: 'adam', learning_rate: -1 } }, /'optimizer.learning_rate' is -1/, '/optimizer/learning_rate'],
    [
      { optimizer: { name: 'adam', params: { beta_1: 0.5 } } },
      /'optimizer.params.beta_1' is not a known field. Did you mean 'beta1'/,
      '/optimizer/params/beta_1',
    ],
    [
      { optimizer: { name: 'adam', params: { beta1: 1 } } },
      /'optimizer.params.beta1' is 1, expected at most 0.999999/,
      '/optimizer/params/beta1',
    ],
    [
      { optimizer: { name: 'momentum', params: { nesterov: 1 } } },
      /'optimizer.params.nesterov' is 1, expected a boolean/,
      '/optimizer/params/nesterov',
    ],
    [{ optimizer: { name: 'lbfgs', clip_norm: 1 } }, /'lbfgs' .* clips no gradient/, '/optimizer/clip_norm'],
    [{ optimizer, schedule: { name: 'cosine' } }, /'schedule.name' is "cosine"/, '/schedule/name'],
    [
      { optimizer, schedule: { name: 'cosine_decay' } },
      /'schedule.params.decay_steps' is missing/,
      '/schedule/params/decay_steps',
    ],
    [
      { optimizer, schedule: { name: 'warmup_cosine_decay', params: { warmup_steps: 5, decay_steps: 5 } } },
      /'schedule.params.decay_steps' is 5: it counts the warm-up/,
      '/schedule/params/decay_steps',
    ],
    [
      { optimizer, schedule: { name: 'piecewise_constant', params: { boundaries: [1], scales: [] } } },
      /one scale for each boundary/,
      '/schedule/params/scales',
    ],
    [{ optimizer, steps: 0 }, /'steps' is 0, expected at least 1/, '/steps'],
    [{ optimizer, data: { inputs: {}, batch: 0 } }, /'data.batch' is 0/, '/data/batch'],
    [
      { optimizer, data: { inputs: { x: {} }, batch: 1 } },
      /'data.inputs.x' is .*either 'variable' or 'value'/,
      '/data/inputs/x',
    ],
    [{ optimizer, stop: { improvement: {} } }, /'stop.improvement.window' is missing/, '/stop/improvement/window'],
  ])('%j', (fields, detail, pointer) => {
    const found = fault({ steps: 1, ...fields });
    expect(found.detail).toMatch(detail);
    expect(found.pointer).toBe(pointer);
  });
});

test('data come from the session or from the request', () => {
  const kept = new Value('float32', [2, 1], Float32Array.of(1, 2));
  const variable = (name: string, pointer: string): Value => {
    if (name === 'X') return kept;
    throw new EngineError('not_found', name, { pointer });
  };
  const read = (json: unknown) => dataOf(dataSchema.parse(json), variable, DEFAULT_LIMITS);
  const inputs = { x: { variable: 'X' }, t: { value: [3, 4] } };
  const data = read({ inputs, batch: 2, shuffle: true, seed: 9 });
  expect(data).toMatchObject({ batch: 2, seed: 9 });
  expect(data.tensors.get('x')).toBe(kept);
  expect(data.tensors.get('t')).toEqual(new Value(undefined, [2], Float64Array.of(3, 4)));
  expect(read({ inputs, batch: 2, seed: 9 }).seed).toBeUndefined();
  const at = (pointer: string) => expect.objectContaining({ where: expect.objectContaining({ pointer }) });
  expect(() => read({ inputs: { x: { variable: 'Y' } }, batch: 1 })).toThrow(at('/data/inputs/x/variable'));
  expect(() => read({ inputs: { x: { value: [[1], 2] } }, batch: 1 })).toThrow(at('/data/inputs/x/value/1'));
  expect(() => read({ inputs: {}, batch: 1 })).toThrow(at('/data/inputs'));
});

test('progress is JSON, whatever the loss is', () => {
  const schema = z.object(progressFields);
  const message = progressOf({
    step: 3,
    loss: Number.NaN,
    gradientNorm: Infinity,
    rate: 0.1,
    stopped: 'non_finite_loss',
  });
  expect(JSON.parse(JSON.stringify(schema.parse(message)))).toEqual({
    step: 3,
    loss: 'NaN',
    gradient_norm: 'Infinity',
    rate: 0.1,
    stopped: { reason: 'non_finite_loss', detail: expect.stringContaining('finite') },
  });
  expect(schema.parse(progressOf({ step: 1, loss: 2, gradientNorm: 3, rate: 4 })).stopped).toBeNull();
});
