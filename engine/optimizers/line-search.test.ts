import { describe, expect, test } from 'vitest';
import { type Point, strongWolfe } from './line-search.ts';

type Curve = (t: number) => { loss: number; slope: number };

function search(curve: Curve, first = 1, evaluations = 25): { found: Point | undefined; asked: number[] } {
  const lengths = strongWolfe(curve(0), first, evaluations);
  const asked: number[] = [];
  let next = lengths.next();
  while (!next.done) {
    asked.push(next.value);
    next = lengths.next(curve(next.value));
  }
  return { found: next.value, asked };
}

// Moré and Thuente, 1994, functions 5.1 to 5.3, and others.
const CURVES: Record<string, Curve> = {
  'a parabola': (t) => ({ loss: (t - 1) ** 2, slope: 2 * (t - 1) }),
  'a distant parabola': (t) => ({ loss: (t - 1e4) ** 2, slope: 2 * (t - 1e4) }),
  'a near parabola': (t) => ({ loss: (t - 1e-5) ** 2, slope: 2 * (t - 1e-5) }),
  'function 5.1': (t) => ({ loss: -t / (t * t + 2), slope: (t * t - 2) / (t * t + 2) ** 2 }),
  'function 5.2': (t) => ({
    loss: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4,
    slope: 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3,
  }),
  'a wall of infinity': (t) =>
    t < 0.7 ? { loss: -Math.log(0.7 - t) - 3 * t, slope: 1 / (0.7 - t) - 3 } : { loss: Infinity, slope: Number.NaN },
  'no numbers beyond': (t) =>
    t < 1e-3
      ? { loss: -Math.sqrt(1e-6 - (t - 5e-4) ** 2), slope: (t - 5e-4) / Math.sqrt(1e-6 - (t - 5e-4) ** 2) }
      : { loss: Number.NaN, slope: Number.NaN },
};

describe.each(Object.entries(CURVES))('%s', (_, curve) => {
  test.each([1e-3, 0.1, 1, 10, 1e3])('from %d: the strong Wolfe conditions', (first) => {
    const { found, asked } = search(curve, first);
    const start = curve(0);
    expect(found).toBeDefined();
    const { t, loss, slope } = found as Point;
    expect({ loss, slope }).toEqual(curve(t));
    expect(loss).toBeLessThanOrEqual(start.loss + 1e-4 * t * start.slope);
    expect(Math.abs(slope)).toBeLessThanOrEqual(0.9 * Math.abs(start.slope));
    expect(asked.length).toBeLessThanOrEqual(25);
    expect(asked).toContain(t);
    expect(asked.every((each) => each > 0)).toBe(true);
  });
});

test('evaluations are counted, and the best point is taken when they end', () => {
  const down: Curve = (t) => ({ loss: -t, slope: -1 });
  const { found, asked } = search(down, 1, 5);
  expect(asked.length).toBe(5);
  expect(found?.t).toBe(Math.max(...asked));
});

test('where every length is worse there is none', () => {
  const up: Curve = (t) => ({ loss: t, slope: t === 0 ? -1 : 1 });
  const { found, asked } = search(up, 1, 12);
  expect(found).toBeUndefined();
  expect(asked.length).toBe(12);
});

test('where the loss stays what it is there is none', () => {
  expect(search((t) => ({ loss: 1, slope: t === 0 ? -1e-20 : -1e-20 - t }), 1, 12).found).toBeUndefined();
});

test('a loss of minus infinity is no minimum', () => {
  const { found } = search((t) => (t > 0.5 ? { loss: -Infinity, slope: -Infinity } : { loss: -t, slope: -1 }), 1, 8);
  expect(Number.isFinite(found?.loss)).toBe(true);
});
