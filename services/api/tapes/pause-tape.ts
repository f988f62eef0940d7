import { EngineError } from '../../../engine/errors.ts';
import { turnMethod } from './turn.ts';

/** Stops recording until the tape is resumed, as `tape.stop_recording` does. */
export const pauseTape = turnMethod(
  'PauseTape',
  'pause',
  'Stops recording until the tape is resumed, as `tape.stop_recording` does; graphs run all the same.',
  'paused',
  ({ state }) =>
    state === 'recording'
      ? undefined
      : new EngineError('tape_state', 'Trying to stop recording a tape which is not recording.'),
);
