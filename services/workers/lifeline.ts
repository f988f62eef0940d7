/** @file Processes that end with the one that started them. */
import koffi from 'koffi';

/** `PR_SET_PDEATHSIG` and `SIGKILL`, of Linux. */
const [SIGNAL_OF_PARENTS_DEATH, KILL] = [1, 9] as const;

/**
 * Has the system end this process with its parent, however that ends: what computes hears of nothing. Where the system
 * can't, this process ends once it has time to see that its channel is closed.
 */
export function endWithParent(parent: number): void {
  try {
    koffi.load(null).func('int prctl(int option, unsigned long value)')(SIGNAL_OF_PARENTS_DEATH, KILL);
  } catch {
    return;
  }
  // It may have ended before.
  if (process.ppid !== parent) process.exit();
}
