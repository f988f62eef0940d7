/** @file Which worker has likely seen something before: rendezvous hashing, so that one worker more or less moves little. */

/** The index, of `count`, that a key belongs to. */
export function homeOf(key: string, count: number): number {
  let best = 0;
  let most = -1;
  for (let index = 0; index < count; index++) {
    const score = hash(key, index);
    if (score > most) [best, most] = [index, score];
  }
  return best;
}

/** 32 bits of FNV-1a, mixed so that keys that differ little are far apart. */
function hash(key: string, seed: number): number {
  let state = 0x811c9dc5 ^ Math.imul(seed + 1, 0x9e3779b1);
  for (let i = 0; i < key.length; i++) state = Math.imul(state ^ key.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
