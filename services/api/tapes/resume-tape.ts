import { EngineError } from '../../../engine/errors.ts';
import { USED } from '../../sessions/tapes.ts';
import { turnMethod } from './turn.ts';

/** Records again after a pause. */
export const resumeTape = turnMethod('ResumeTape', 'resume', 'Records again after a pause.', 'resumed', ({ state }) => {
  if (state === 'paused') return undefined;
  if (state === 'used') return new EngineError('tape_used', `${USED}; reset it to record again`);
  return new EngineError(
    'tape_state',
    'Tape is still recording, This can happen if you try to re-enter an already-active tape.',
  );
});
