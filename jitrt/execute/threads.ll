; Shares a step out among the caller and the workers of the process-wide pool (Linux).
;
; One word, the claim, says what there is to do: bits 0-25 chunks that nobody has claimed, bits 26-51 chunks
; that are not finished, bits 52-63 threads that may claim. Whoever decrements the first number owns a chunk,
; and a step does not end before all chunks are finished: so an owner, and only an owner, reads the rest of
; the job. The caller waits for claimed chunks only, never for a worker that has not arrived yet.
;
; Each thread's first chunk is a long run of units, so that the next step finds in its core's cache what this
; one left there; a quarter of the units is left for small chunks, which even out when threads finish.

; claim, function, args, extent, chunk, scratch, stride, status, small chunks, units of a long one, float mode
%Job = type { i64, ptr, ptr, i64, i64, ptr, i64, i64, i64, i64, i64 }

@job = global %Job zeroinitializer, align 128
@lock = global i32 0, align 128          ; 1 while a run holds the pool
@active = global i32 0                   ; runs that have a parallel step, holding the pool or not
@size = global i32 1, align 128          ; threads, the caller included
@limit = global i32 1                    ; threads that there may be
@cores = global i32 1                    ; cores that this process may keep busy
@grow = global ptr null                  ; void (i32 threads), called by a run that holds the pool
@asleep = global [$threads x i32] zeroinitializer, align 128  ; per worker; the futex it sleeps on

; Each worker is pinned to a place, a set of CPUs of its own; one place more than there are workers is free.
@free_place = global i32 0
@worker_at = global [$threads x i32] zeroinitializer          ; per place; 0 at the free one
@thread_id = global [$threads x i32] zeroinitializer          ; per worker; 0 before it has started
@place_of_cpu = global [$cpus x i32] zeroinitializer          ; -1: none
@cpus_of_place = global [$threads x [$mask_bytes x i8]] zeroinitializer

declare i64 @syscall(i64, ...)
declare i32 @sched_getcpu()
declare i32 @sched_setaffinity(i32, i64, ptr)
declare i32 @sched_yield()

; One parallel step, on the calling thread alone if another run holds the pool.
define internal i64 @parallel_step(ptr %row, ptr %run, ptr %hold) noinline {
entry:
  %scratch.at = getelementptr %Run, ptr %run, i32 0, i32 2
  %scratch = load ptr, ptr %scratch.at
  %threads.at = getelementptr %Run, ptr %run, i32 0, i32 4
  %threads.asked = load i64, ptr %threads.at
  %asked = trunc i64 %threads.asked to i32
  %limit = load i32, ptr @limit
  %wanted = call i32 @llvm.smin.i32(i32 %asked, i32 %limit)
  %held = load i32, ptr %hold
  switch i32 %held, label %have [ i32 0, label %enter
                                  i32 1, label %try ]
enter:
  %counted = atomicrmw add ptr @active, i32 1 monotonic
  store i32 1, ptr %hold
  br label %try
try:
  %attempt = cmpxchg ptr @lock, i32 0, i32 1 acquire monotonic
  %locked = extractvalue { i32, i1 } %attempt, 1
  br i1 %locked, label %take, label %serial
take:
  call void @take(ptr %run, ptr %hold)
  %size.now = load i32, ptr @size
  %small = icmp slt i32 %size.now, %wanted
  br i1 %small, label %enlarge, label %have
enlarge:
  %grow = load ptr, ptr @grow
  call void %grow(i32 %wanted)
  br label %have
have:
  ; Each other active run keeps a core busy.
  %size = load i32, ptr @size
  %available = call i32 @llvm.smin.i32(i32 %wanted, i32 %size)
  %cores = load i32, ptr @cores
  %room = call i32 @llvm.smax.i32(i32 %cores, i32 %available)
  %active = load atomic i32, ptr @active monotonic, align 4
  %others = sub i32 %active, 1
  %left = sub i32 %room, %others
  %n = call i32 @llvm.smin.i32(i32 %available, i32 %left)
  %several = icmp sgt i32 %n, 1
  br i1 %several, label %share, label %serial
serial:
  %status.serial = call i64 @serial_step(ptr %row, ptr %scratch)
  ret i64 %status.serial
share:
  call void @clear_core_of_caller(i32 %n)
  %word = call i64 @publish(ptr %row, ptr %run, i32 %n)
  call void @wake(i32 %n, i64 %word, ptr %hold)
  %own = call i64 @work(i64 0, i64 %word)
  call void @wait()
  %chunks = and i64 %word, 67108863
  %chunks.at = getelementptr %Hold, ptr %hold, i32 0, i32 3
  call void @add(ptr %chunks.at, i64 %chunks)
  %own.at = getelementptr %Hold, ptr %hold, i32 0, i32 4
  call void @add(ptr %own.at, i64 %own)
  %status.at = getelementptr %Job, ptr @job, i32 0, i32 7
  %status = load i64, ptr %status.at
  ret i64 %status
}

; Notes the start of a run that holds the pool. To wake a worker costs time on both sides: a run may wake as
; many as its work, as last estimated, is worth; all of them the first time.
define internal void @take(ptr %run, ptr %hold) {
  store i32 2, ptr %hold
  %work.at = getelementptr %Run, ptr %run, i32 0, i32 8
  %work = load i64, ptr %work.at
  %unknown = icmp eq i64 %work, 0
  %worth = udiv i64 %work, $wake_ns
  %wakes = select i1 %unknown, i64 $threads, i64 %worth
  %wakes.at = getelementptr %Hold, ptr %hold, i32 0, i32 1
  store i64 %wakes, ptr %wakes.at
  %now = call i64 @now()
  %begun.at = getelementptr %Hold, ptr %hold, i32 0, i32 2
  store i64 %now, ptr %begun.at
  %chunks.at = getelementptr %Hold, ptr %hold, i32 0, i32 3
  store i64 0, ptr %chunks.at
  %own.at = getelementptr %Hold, ptr %hold, i32 0, i32 4
  store i64 0, ptr %own.at
  ret void
}

; Gives back what @parallel_step took, and estimates the run's work: what it took, in ns, times its chunks
; over those that the calling thread ran.
define internal void @leave(ptr %run, ptr %hold) {
  %held = load i32, ptr %hold
  switch i32 %held, label %nothing [ i32 1, label %count
                                     i32 2, label %estimate ]
estimate:
  %own.at = getelementptr %Hold, ptr %hold, i32 0, i32 4
  %own = load i64, ptr %own.at
  %shared = icmp ne i64 %own, 0
  br i1 %shared, label %divide, label %unlock
divide:
  %now = call i64 @now()
  %begun.at = getelementptr %Hold, ptr %hold, i32 0, i32 2
  %begun = load i64, ptr %begun.at
  %taken = sub i64 %now, %begun
  %chunks.at = getelementptr %Hold, ptr %hold, i32 0, i32 3
  %chunks = load i64, ptr %chunks.at
  %taken.float = uitofp i64 %taken to double
  %chunks.float = uitofp i64 %chunks to double
  %own.float = uitofp i64 %own to double
  %product = fmul double %taken.float, %chunks.float
  %quotient = fdiv double %product, %own.float
  %work = call i64 @llvm.fptosi.sat.i64.f64(double %quotient)
  %work.at = getelementptr %Run, ptr %run, i32 0, i32 8
  store i64 %work, ptr %work.at
  br label %unlock
unlock:
  store atomic i32 0, ptr @lock release, align 4
  br label %count
count:
  %counted = atomicrmw sub ptr @active, i32 1 monotonic
  br label %nothing
nothing:
  ret void
}

define internal void @add(ptr %sum, i64 %term) alwaysinline {
  %old = load i64, ptr %sum
  %new = add i64 %old, %term
  store i64 %new, ptr %sum
  ret void
}

; Offers the step's chunks to %n threads, the first one being the caller's already; returns the claim word
; of that chunk. No other thread reads or writes the job meanwhile: nothing can be claimed.
define internal i64 @publish(ptr %row, ptr %run, i32 %n) alwaysinline {
  %step = load %Step, ptr %row
  %function = extractvalue %Step %step, 0
  %args = extractvalue %Step %step, 1
  %extent = extractvalue %Step %step, 2
  %chunk.asked = extractvalue %Step %step, 3
  %chunk.least = lshr i64 %extent, 25  ; keeps the number of chunks below 2^26
  %chunk.above = add i64 %chunk.least, 1
  %chunk = call i64 @llvm.smax.i64(i64 %chunk.asked, i64 %chunk.above)
  %extent.up = add i64 %extent, %chunk
  %extent.last = sub i64 %extent.up, 1
  %chunks.even = udiv i64 %extent.last, %chunk

  %n.wide = zext i32 %n to i64
  %n.four = mul i64 %n.wide, 4
  %few.chunks = icmp ult i64 %chunks.even, %n.four
  %n.square = mul i64 %n.four, %n.wide
  %few.units = icmp ult i64 %extent, %n.square  ; a long run could then begin past the end
  %few = or i1 %few.chunks, %few.units
  %quarter = lshr i64 %chunks.even, 2
  %small = select i1 %few, i64 %chunks.even, i64 %quarter
  %small.units = mul i64 %quarter, %chunk
  %long.units = sub i64 %extent, %small.units
  %long.up = add i64 %long.units, %n.wide
  %long.last = sub i64 %long.up, 1
  %long = udiv i64 %long.last, %n.wide
  %chunks.uneven = add i64 %quarter, %n.wide
  %chunks = select i1 %few, i64 %chunks.even, i64 %chunks.uneven

  %run.fields = load %Run, ptr %run
  %scratch = extractvalue %Run %run.fields, 2
  %stride = extractvalue %Run %run.fields, 3
  %function.at = getelementptr %Job, ptr @job, i32 0, i32 1
  store ptr %function, ptr %function.at
  %args.at = getelementptr %Job, ptr @job, i32 0, i32 2
  store ptr %args, ptr %args.at
  %extent.at = getelementptr %Job, ptr @job, i32 0, i32 3
  store i64 %extent, ptr %extent.at
  %chunk.at = getelementptr %Job, ptr @job, i32 0, i32 4
  store i64 %chunk, ptr %chunk.at
  %scratch.at = getelementptr %Job, ptr @job, i32 0, i32 5
  store ptr %scratch, ptr %scratch.at
  %stride.at = getelementptr %Job, ptr @job, i32 0, i32 6
  store i64 %stride, ptr %stride.at
  %status.at = getelementptr %Job, ptr @job, i32 0, i32 7
  store i64 0, ptr %status.at
  %small.at = getelementptr %Job, ptr @job, i32 0, i32 8
  store i64 %small, ptr %small.at
  %long.at = getelementptr %Job, ptr @job, i32 0, i32 9
  store i64 %long, ptr %long.at
  %mode = extractvalue %Run %run.fields, 11
  %mode.at = getelementptr %Job, ptr @job, i32 0, i32 10
  store i64 %mode, ptr %mode.at

  %threads = zext i32 %n to i64
  %threads.bits = shl i64 %threads, 52
  %unfinished.bits = shl i64 %chunks, 26
  %high = or i64 %threads.bits, %unfinished.bits
  %word = or i64 %high, %chunks
  %word.left = sub i64 %word, 1
  ; Sequentially consistent: a worker either sees this claim before it sleeps, or is seen asleep by @wake.
  store atomic i64 %word.left, ptr @job seq_cst, align 8
  ret i64 %word
}

; Wakes the sleeping workers that there are chunks for, as long as the run may.
define internal void @wake(i32 %n, i64 %word, ptr %hold) alwaysinline {
entry:
  %wakes.at = getelementptr %Hold, ptr %hold, i32 0, i32 1
  %chunks.all = and i64 %word, 67108863
  %chunks = trunc i64 %chunks.all to i32
  %end = call i32 @llvm.smin.i32(i32 %n, i32 %chunks)
  br label %next
next:
  %worker = phi i32 [ 1, %entry ], [ %worker.next, %skip ]
  %more = icmp slt i32 %worker, %end
  br i1 %more, label %look, label %done
look:
  %futex = getelementptr i32, ptr @asleep, i32 %worker
  %state = load atomic i32, ptr %futex seq_cst, align 4
  %sleeps = icmp ne i32 %state, 0
  %wakes = load i64, ptr %wakes.at
  %may = icmp ne i64 %wakes, 0
  %rouses = and i1 %sleeps, %may
  br i1 %rouses, label %rouse, label %skip
rouse:
  %wakes.left = sub i64 %wakes, 1
  store i64 %wakes.left, ptr %wakes.at
  store atomic i32 0, ptr %futex seq_cst, align 4
  %woken = call i64 (i64, ...) @syscall(i64 $futex, ptr %futex, i32 129, i32 1)  ; FUTEX_WAKE_PRIVATE
  br label %skip
skip:
  %worker.next = add i32 %worker, 1
  br label %next
done:
  ret void
}

; A worker that shares the caller's core would run only when the caller is preempted: moves it away.
define internal void @clear_core_of_caller(i32 %n) alwaysinline {
  %cpu = call i32 @sched_getcpu()
  %known = icmp ult i32 %cpu, $cpus
  br i1 %known, label %look, label %done
look:
  %place.at = getelementptr i32, ptr @place_of_cpu, i32 %cpu
  %place = load i32, ptr %place.at
  %placed = icmp sge i32 %place, 0
  br i1 %placed, label %ask, label %done
ask:
  %worker.at = getelementptr i32, ptr @worker_at, i32 %place
  %worker = load i32, ptr %worker.at
  %unneeded = icmp sge i32 %worker, %n
  %free = icmp eq i32 %worker, 0
  %clear = or i1 %unneeded, %free
  br i1 %clear, label %done, label %move
move:
  %to = load i32, ptr @free_place
  %to.at = getelementptr i32, ptr @worker_at, i32 %to
  ; A worker that starts now stores its id and then looks for its place: one side sees the other's change.
  store atomic i32 %worker, ptr %to.at seq_cst, align 4
  store atomic i32 0, ptr %worker.at seq_cst, align 4
  store i32 %place, ptr @free_place
  %thread.at = getelementptr i32, ptr @thread_id, i32 %worker
  %thread = load atomic i32, ptr %thread.at seq_cst, align 4
  %started = icmp ne i32 %thread, 0
  br i1 %started, label %pin, label %done
pin:
  %cpus = getelementptr [$mask_bytes x i8], ptr @cpus_of_place, i32 %to
  %pinned = call i32 @sched_setaffinity(i32 %thread, i64 $mask_bytes, ptr %cpus)
  br label %done
done:
  ret void
}

; Waits until every chunk is finished. The last ones may take long: the core goes to whoever needs it.
define internal void @wait() alwaysinline {
entry:
  br label %poll
poll:
  %polls = phi i32 [ 0, %entry ], [ %polls.next, %spin ], [ %polls, %yield ]
  %word = load atomic i64, ptr @job acquire, align 8
  %high = lshr i64 %word, 26
  %unfinished = and i64 %high, 67108863
  %done = icmp eq i64 %unfinished, 0
  br i1 %done, label %return, label %idle
idle:
  %patient = icmp slt i32 %polls, 1000
  br i1 %patient, label %spin, label %yield
spin:
  %polls.next = add i32 %polls, 1
  call void @pause()
  br label %poll
yield:
  %yielded = call i32 @sched_yield()
  br label %poll
return:
  ret void
}

; Runs the chunk that %claimed, a claim word, was decremented for, and as many more as can be claimed.
; Chunks go from the end of the extent to its beginning. Returns how many it ran.
define internal i64 @work(i64 %thread, i64 %claimed) {
entry:
  %job = load %Job, ptr @job  ; its claim is not used
  %function = extractvalue %Job %job, 1
  %args = extractvalue %Job %job, 2
  %extent = extractvalue %Job %job, 3
  %chunk = extractvalue %Job %job, 4
  %scratch.first = extractvalue %Job %job, 5
  %stride = extractvalue %Job %job, 6
  %small = extractvalue %Job %job, 8
  %long = extractvalue %Job %job, 9
  %mode = extractvalue %Job %job, 10
  call void @change_float_mode(i64 %mode)
  %small.units = mul i64 %small, %chunk
  %scratch.offset = mul i64 %thread, %stride
  %scratch = getelementptr i8, ptr %scratch.first, i64 %scratch.offset
  br label %chunks
chunks:
  %word = phi i64 [ %claimed, %entry ], [ %seen, %claim ]
  %finished = phi i64 [ 0, %entry ], [ %finished.next, %claim ]
  %index.up = and i64 %word, 67108863
  %index = sub i64 %index.up, 1
  %is.small = icmp ult i64 %index, %small
  %begin.small = mul i64 %index, %chunk
  %index.long = sub i64 %index, %small
  %units.before = mul i64 %index.long, %long
  %begin.long = add i64 %small.units, %units.before
  %begin = select i1 %is.small, i64 %begin.small, i64 %begin.long
  %units = select i1 %is.small, i64 %chunk, i64 %long
  %begin.next = add i64 %begin, %units
  %end = call i64 @llvm.smin.i64(i64 %begin.next, i64 %extent)
  %status = call i64 %function(ptr %args, i64 %begin, i64 %end, ptr %scratch)
  %finished.next = add i64 %finished, 1
  %failed = icmp ne i64 %status, 0
  br i1 %failed, label %fail, label %more
fail:
  call void @cancel(i64 %status)
  br label %more
more:
  %current = load atomic i64, ptr @job monotonic, align 8
  br label %try
try:
  %seen = phi i64 [ %current, %more ], [ %changed, %claim ]
  %left = and i64 %seen, 67108863
  %none = icmp eq i64 %left, 0
  br i1 %none, label %report, label %claim
claim:
  %taken = sub i64 %seen, 1
  %attempt = cmpxchg ptr @job, i64 %seen, i64 %taken acquire monotonic
  %changed = extractvalue { i64, i1 } %attempt, 0
  %claims = extractvalue { i64, i1 } %attempt, 1
  br i1 %claims, label %chunks, label %try
report:
  %finished.bits = shl i64 %finished.next, 26
  %before = atomicrmw sub ptr @job, i64 %finished.bits acq_rel
  ret i64 %finished.next
}

; Keeps the first status and withdraws the chunks that nobody has claimed.
define internal void @cancel(i64 %status) noinline {
entry:
  %status.at = getelementptr %Job, ptr @job, i32 0, i32 7
  %first = cmpxchg ptr %status.at, i64 0, i64 %status monotonic monotonic
  %current = load atomic i64, ptr @job monotonic, align 8
  br label %try
try:
  %seen = phi i64 [ %current, %entry ], [ %changed, %try ]
  %left = and i64 %seen, 67108863
  %left.unfinished = shl i64 %left, 26
  %withdrawn = or i64 %left.unfinished, %left
  %rest = sub i64 %seen, %withdrawn
  %attempt = cmpxchg ptr @job, i64 %seen, i64 %rest monotonic monotonic
  %changed = extractvalue { i64, i1 } %attempt, 0
  %done = extractvalue { i64, i1 } %attempt, 1
  br i1 %done, label %return, label %try
return:
  ret void
}

; A worker's life: claim, work, and sleep after $spin_ns ns in which there was nothing to claim.
define void @worker(i32 %worker) {
entry:
  %thread = zext i32 %worker to i64
  %futex = getelementptr i32, ptr @asleep, i32 %worker
  br label %watch
watch:
  br label %poll
poll:
  %polls = phi i32 [ 0, %watch ], [ %polls, %claim ], [ %polls.next, %idle ], [ %polls.next, %check ]
  %deadline = phi i64 [ 0, %watch ], [ %deadline, %claim ], [ %deadline, %idle ], [ %deadline.next, %check ]
  %word = load atomic i64, ptr @job monotonic, align 8
  %claimable = call i1 @is_claimable(i64 %word, i64 %thread)
  br i1 %claimable, label %claim, label %idle
claim:
  %taken = sub i64 %word, 1
  %attempt = cmpxchg ptr @job, i64 %word, i64 %taken acquire monotonic
  %claims = extractvalue { i64, i1 } %attempt, 1
  br i1 %claims, label %work, label %poll
work:
  %ran = call i64 @work(i64 %thread, i64 %word)
  br label %watch
idle:
  call void @pause()
  %polls.next = add i32 %polls, 1
  %round = and i32 %polls.next, 31
  %long = icmp eq i32 %round, 0
  br i1 %long, label %check, label %poll
check:
  %now = call i64 @now()
  %started = icmp ne i64 %deadline, 0
  %deadline.new = add i64 %now, $spin_ns
  %deadline.next = select i1 %started, i64 %deadline, i64 %deadline.new
  %late = icmp sgt i64 %now, %deadline.next
  br i1 %late, label %doze, label %poll
doze:
  store atomic i32 1, ptr %futex seq_cst, align 4
  %word.last = load atomic i64, ptr @job seq_cst, align 8
  %claimable.last = call i1 @is_claimable(i64 %word.last, i64 %thread)
  br i1 %claimable.last, label %stay, label %sleep
stay:
  store atomic i32 0, ptr %futex seq_cst, align 4
  br label %watch
sleep:
  %slept = call i64 (i64, ...) @syscall(i64 $futex, ptr %futex, i32 128, i32 1, ptr null)  ; FUTEX_WAIT_PRIVATE
  %state = load atomic i32, ptr %futex acquire, align 4
  %sleeps = icmp ne i32 %state, 0
  br i1 %sleeps, label %sleep, label %watch
}

define internal i1 @is_claimable(i64 %word, i64 %thread) alwaysinline {
  %left = and i64 %word, 67108863
  %some = icmp ne i64 %left, 0
  %threads = lshr i64 %word, 52
  %invited = icmp ult i64 %thread, %threads
  %claimable = and i1 %some, %invited
  ret i1 %claimable
}

define internal void @pause() alwaysinline {
  call void $pause
  ret void
}
