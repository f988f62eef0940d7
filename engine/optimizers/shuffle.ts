/**
 * @file Orders of rows that anyone can repeat: Threefry-2x32 with 20 rounds (Salmon et al., 2011) turns a key and a
 * counter into random bits, so that an order follows from its seed and epoch and nothing is kept.
 */

/** The rows `0 … rows - 1` in the order of an epoch: a Fisher-Yates shuffle, from the last place down. */
export function shuffled(seed: number, epoch: number, rows: number): Uint32Array {
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  for (let i = rows - 1; i > 0; i--) {
    const [high, low] = threefry(seed, epoch, i, 0);
    // 53 random bits as a fraction: the bias is below rows / 2^53.
    const j = Math.floor(((high * 2 ** 21 + (low >>> 11)) / 2 ** 53) * (i + 1));
    const row = order[i] as number;
    order[i] = order[j] as number;
    order[j] = row;
  }
  return order;
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;

/** Two random words for a key and a counter of two words each. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ PARITY] as const;
  let x = (counter0 + keys[0]) | 0;
  let y = (counter1 + keys[1]) | 0;
  for (let round = 0; round < 20; round++) {
    x = (x + y) | 0;
    const by = ROTATIONS[round % 8] as number;
    y = ((y << by) | (y >>> (32 - by))) ^ x;
    if (round % 4 < 3) continue;
    const group = (round + 1) / 4;
    x = (x + (keys[group % 3] as number)) | 0;
    y = (y + (keys[(group + 1) % 3] as number) + group) | 0;
  }
  return [x >>> 0, y >>> 0];
}
