/** The team does each unit of a call once, and none of another call's, however calls follow one another. */
import { readdirSync } from 'node:fs';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { openLlvm } from '../../engine/backends/native/llvm.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { PARALLEL, renderTeam, START } from '../../engine/backends/native/team.ts';

const MOST_UNITS = 70;

/**
 * `drive` makes calls of `a` and of `b` units by turns, resting some microseconds before each, and returns how many times
 * a unit was done twice, or not at all, or without being asked for. A caller that goes on in native code is the worst for
 * members that come late: it asks again some nanoseconds after the last unit is done.
 */
const DRIVER = `
declare i32 @usleep(i32)

define internal void @mark(ptr %marks, i64 %begin, i64 %end) nounwind {
entry:
  br label %next
next:
  %i = phi i64 [ %begin, %entry ], [ %following, %next ]
  %at = getelementptr i32, ptr %marks, i64 %i
  %r = atomicrmw add ptr %at, i32 1 monotonic
  %following = add i64 %i, 1
  %more = icmp ult i64 %following, %end
  br i1 %more, label %next, label %out
out:
  ret void
}

define i64 @drive(ptr %marks, i64 %calls, i64 %a, i64 %b, i32 %rest) nounwind {
entry:
  br label %call
call:
  %c = phi i64 [ 0, %entry ], [ %following, %checked ]
  %before = phi i64 [ 0, %entry ], [ %wrong, %checked ]
  %isOdd = trunc i64 %c to i1
  %units = select i1 %isOdd, i64 %b, i64 %a
  %rests = icmp ne i32 %rest, 0
  br i1 %rests, label %sleep, label %go
sleep:
  %s = call i32 @usleep(i32 %rest)
  br label %go
go:
  call void @${PARALLEL}(ptr @mark, ptr %marks, i64 %units, i64 2)
  br label %check
check:
  %i = phi i64 [ 0, %go ], [ %j, %check ]
  %sum = phi i64 [ %before, %go ], [ %wrong, %check ]
  %at = getelementptr i32, ptr %marks, i64 %i
  %done = atomicrmw xchg ptr %at, i32 0 monotonic
  %isAsked = icmp ult i64 %i, %units
  %wanted = zext i1 %isAsked to i32
  %isWrong = icmp ne i32 %done, %wanted
  %more = zext i1 %isWrong to i64
  %wrong = add i64 %sum, %more
  %j = add i64 %i, 1
  %again = icmp ult i64 %j, ${MOST_UNITS}
  br i1 %again, label %check, label %checked
checked:
  %following = add i64 %c, 1
  %goesOn = icmp ult i64 %following, %calls
  br i1 %goesOn, label %call, label %out
out:
  ret i64 %wrong
}
`;

type Drive = (marks: Int32Array, calls: number, a: number, b: number, rest: number) => number;

/** A driver with a team of its own. */
function driver(members: number): Drive {
  const llvm = openLlvm()!;
  const linked = llvm.link(llvm.compile([renderTeam(llvm.architecture) + DRIVER]));
  const start = koffi.decode(linked.address(START), koffi.proto(`void start_${members}(int64_t)`));
  start(members);
  const type = koffi.proto(`int64_t drive_${members}(void*, int64_t, int64_t, int64_t, int32_t)`);
  return koffi.decode(linked.address('drive'), type);
}

describe.skipIf(!openLlvm())('the team of threads (needs libLLVM)', () => {
  for (const members of [0, 1, 3]) {
    test(`${members} beside the caller do each unit once`, () => {
      const drive = driver(members);
      const marks = new Int32Array(MOST_UNITS);
      const counts = [
        [2, 64],
        [3, 5],
        [16, 17],
        [1, MOST_UNITS],
      ] as const;
      for (const [a, b] of counts) expect(drive(marks, 50_000, a, b, 0), `${a} and ${b} units`).toBe(0);
      // Members are asleep by then, or about to be.
      for (const rest of [20, 60, 200]) expect(drive(marks, 300, 2, 64, rest), `after ${rest} µs`).toBe(0);
    });
  }

  test.skipIf(process.platform !== 'linux')(
    'has as many threads as a backend is opened with, the caller among them',
    () => {
      const tasks = (): number => readdirSync('/proc/self/task').length;
      const before = tasks();
      openNative({ threads: 1 });
      expect(tasks() - before).toBe(0);
      openNative({ threads: 4 });
      expect(tasks() - before).toBe(3);
    },
  );
});
