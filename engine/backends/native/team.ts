/**
 * @file The team: threads that share the units of a phase. Written as LLVM IR on POSIX threads, because a fork and join
 * in between would cost more than the phases. Whoever is free takes the next units, and the thread that asked goes on as
 * soon as all units are done: a member that the system does not let run holds nobody up.
 */
import { JOB_WORDS } from './llvm.ts';

/** What divides phases: `void (ptr function, ptr arguments, i64 units, i64 threads)`; one thread is the one that asks. */
export const PARALLEL = 'adjoint_parallel';
/** What a team compiles by: `void (ptr jobs, i64 begin, i64 end)`, of jobs as `CompilingTeam` has them. */
export const COMPILE = 'adjoint_compile';
/** Starts members beside the thread that asks: `void (i64 members)`; called once. */
export const START = 'adjoint_start';

/** Looks for work before a member goes to sleep: some tens of microseconds. */
const PATIENCE = 2_000;
/** Looks at unfinished units before the asking thread lets others run. */
const HASTE = 20_000;

/**
 * The module. A word holds the number of the call in its upper half and how many units are left in its lower half: units
 * are taken by exchanging it, so a member that comes late for one call can take nothing of the next. All else that a call
 * is described by changes before the word does, and is read by those alone who have taken units.
 */
export function renderTeam(architecture: string): string {
  const pause =
    architecture === 'x86_64' ? 'call void asm sideeffect "pause", ""()' : 'call void asm sideeffect "yield", ""()';
  return `@word = internal global i64 0, align 64
@done = internal global i64 0, align 64
@function = internal global ptr null, align 64
@arguments = internal global ptr null
@units = internal global i64 0
@share = internal global i64 1
@members = internal global i64 0
@sleepers = internal global i64 0, align 64
@mutex = internal global [16 x i64] zeroinitializer, align 64
@condition = internal global [16 x i64] zeroinitializer, align 64

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @sched_yield()

define internal void @take(i64 %call) nounwind {
entry:
  br label %look
look:
  %now = load atomic i64, ptr @word acquire, align 8
  %of = lshr i64 %now, 32
  %same = icmp eq i64 %of, %call
  br i1 %same, label %current, label %out
current:
  %left = and i64 %now, 4294967295
  %some = icmp ne i64 %left, 0
  br i1 %some, label %claim, label %out
claim:
  ; Another call's share does no harm.
  %share = load atomic i64, ptr @share monotonic, align 8
  %few = icmp ult i64 %left, %share
  %count = select i1 %few, i64 %left, i64 %share
  %next = sub i64 %now, %count
  %pair = cmpxchg ptr @word, i64 %now, i64 %next acq_rel monotonic, align 8
  %won = extractvalue { i64, i1 } %pair, 1
  br i1 %won, label %work, label %look
work:
  %units = load atomic i64, ptr @units monotonic, align 8
  %from = sub i64 %units, %left
  %to = add i64 %from, %count
  %function = load atomic ptr, ptr @function monotonic, align 8
  %arguments = load atomic ptr, ptr @arguments monotonic, align 8
  call void %function(ptr %arguments, i64 %from, i64 %to)
  %before = atomicrmw add ptr @done, i64 %count release, align 8
  br label %look
out:
  ret void
}

define internal ptr @member(ptr %ignored) nounwind {
entry:
  br label %wait
wait:
  %last = phi i64 [ 0, %entry ], [ %call, %found ], [ %last, %woken ]
  br label %spin
spin:
  %turn = phi i64 [ 0, %wait ], [ %following, %again ]
  %now = load atomic i64, ptr @word acquire, align 8
  %call = lshr i64 %now, 32
  %new = icmp ne i64 %call, %last
  br i1 %new, label %found, label %none
found:
  call void @take(i64 %call)
  br label %wait
none:
  %following = add i64 %turn, 1
  %patient = icmp ult i64 %following, ${PATIENCE}
  br i1 %patient, label %again, label %sleep
again:
  ${pause}
  br label %spin
sleep:
  %l = call i32 @pthread_mutex_lock(ptr @mutex)
  %a = atomicrmw add ptr @sleepers, i64 1 seq_cst, align 8
  br label %check
check:
  %then = load atomic i64, ptr @word seq_cst, align 8
  %latest = lshr i64 %then, 32
  %nothing = icmp eq i64 %latest, %last
  br i1 %nothing, label %rest, label %woken
rest:
  %w = call i32 @pthread_cond_wait(ptr @condition, ptr @mutex)
  br label %check
woken:
  %s = atomicrmw sub ptr @sleepers, i64 1 seq_cst, align 8
  %u = call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %wait
}

define void @${COMPILE}(ptr %jobs, i64 %begin, i64 %end) nounwind {
entry:
  %parse = load ptr, ptr %jobs
  %second = getelementptr i64, ptr %jobs, i64 1
  %emit = load ptr, ptr %second
  br label %next
next:
  %job = phi i64 [ %begin, %entry ], [ %following, %ended ]
  %offset = mul i64 %job, ${JOB_WORDS}
  %place = add i64 %offset, 2
  %context.at = getelementptr i64, ptr %jobs, i64 %place
  %text.at = getelementptr i64, ptr %context.at, i64 1
  %machine.at = getelementptr i64, ptr %context.at, i64 2
  %module.at = getelementptr i64, ptr %context.at, i64 3
  %message.at = getelementptr i64, ptr %context.at, i64 4
  %object.at = getelementptr i64, ptr %context.at, i64 5
  %failed.at = getelementptr i64, ptr %context.at, i64 6
  %context = load ptr, ptr %context.at
  %text = load ptr, ptr %text.at
  %unread = call i32 %parse(ptr %context, ptr %text, ptr %module.at, ptr %message.at)
  %read = icmp eq i32 %unread, 0
  br i1 %read, label %make, label %ended
make:
  %machine = load ptr, ptr %machine.at
  %module = load ptr, ptr %module.at
  %unmade = call i32 %emit(ptr %machine, ptr %module, i32 1, ptr %message.at, ptr %object.at)
  br label %ended
ended:
  %failed = phi i32 [ %unread, %next ], [ %unmade, %make ]
  %wide = zext i32 %failed to i64
  store i64 %wide, ptr %failed.at
  %following = add i64 %job, 1
  %more = icmp ult i64 %following, %end
  br i1 %more, label %next, label %out
out:
  ret void
}

define void @${START}(i64 %members) nounwind {
entry:
  %thread = alloca i64
  %m = call i32 @pthread_mutex_init(ptr @mutex, ptr null)
  %c = call i32 @pthread_cond_init(ptr @condition, ptr null)
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %following, %started ]
  %more = icmp ult i64 %i, %members
  br i1 %more, label %start, label %out
start:
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @member, ptr null)
  %bad = icmp ne i32 %failed, 0
  br i1 %bad, label %out, label %started
started:
  %id = load i64, ptr %thread
  %d = call i32 @pthread_detach(i64 %id)
  %following = add i64 %i, 1
  store i64 %following, ptr @members
  br label %next
out:
  ret void
}

define void @${PARALLEL}(ptr %function, ptr %arguments, i64 %units, i64 %limit) nounwind {
entry:
  %members = load i64, ptr @members
  %nobody = icmp eq i64 %members, 0
  %limited = icmp ule i64 %limit, 1
  %alone = or i1 %nobody, %limited
  %single = icmp ule i64 %units, 1
  %whole = or i1 %alone, %single
  br i1 %whole, label %one, label %several
one:
  call void %function(ptr %arguments, i64 0, i64 %units)
  ret void
several:
  %threads = add i64 %members, 1
  ; A few takes a thread, so that one that is slow does less.
  %takes = shl i64 %threads, 3
  %even = udiv i64 %units, %takes
  %small = icmp eq i64 %even, 0
  %share = select i1 %small, i64 1, i64 %even
  store atomic ptr %function, ptr @function monotonic, align 8
  store atomic ptr %arguments, ptr @arguments monotonic, align 8
  store atomic i64 %units, ptr @units monotonic, align 8
  store atomic i64 %share, ptr @share monotonic, align 8
  store atomic i64 0, ptr @done monotonic, align 8
  %old = load atomic i64, ptr @word monotonic, align 8
  %past = lshr i64 %old, 32
  %number = add i64 %past, 1
  %call = and i64 %number, 4294967295
  %upper = shl i64 %call, 32
  %word = or i64 %upper, %units
  store atomic i64 %word, ptr @word seq_cst, align 8
  %asleep = load atomic i64, ptr @sleepers seq_cst, align 8
  %any = icmp ne i64 %asleep, 0
  br i1 %any, label %wake, label %work
wake:
  %l = call i32 @pthread_mutex_lock(ptr @mutex)
  %b = call i32 @pthread_cond_broadcast(ptr @condition)
  %u = call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %work
work:
  call void @take(i64 %call)
  br label %join
join:
  %turn = phi i64 [ 0, %work ], [ %following, %again ], [ 0, %yielded ]
  %done = load atomic i64, ptr @done acquire, align 8
  %all = icmp uge i64 %done, %units
  br i1 %all, label %out, label %look
look:
  %following = add i64 %turn, 1
  %hasty = icmp ult i64 %following, ${HASTE}
  br i1 %hasty, label %again, label %yield
again:
  ${pause}
  br label %join
yield:
  %y = call i32 @sched_yield()
  br label %yielded
yielded:
  br label %join
out:
  ret void
}
`;
}
