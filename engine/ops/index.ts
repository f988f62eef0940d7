/** @file Every op, by family. */
import { add } from './add.ts';
import { broadcastTo } from './broadcast-to.ts';
import { cos } from './cos.ts';
import { full } from './full.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { reshape } from './reshape.ts';
import { sin } from './sin.ts';
import { sum } from './sum.ts';
import { transpose } from './transpose.ts';
import { where } from './where.ts';

/** Every op. */
export const OPS = [add, broadcastTo, cos, full, mul, neg, reshape, sin, sum, transpose, where] as const;
