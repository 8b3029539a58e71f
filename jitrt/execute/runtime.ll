; Runs a step table on the calling thread; @parallel_step (threads.ll or serial.ll) shares a step out.

; function, args, extent, chunk; where the chunk is negative, the function returns how many steps to go on
%Step = type { ptr, ptr, i64, i64 }
; table, steps, scratch, stride, threads, timing, status, brief, work (what @leave estimates), patches, their number,
; floating-point mode, 1 to stop before the next step
%Run = type { ptr, i64, ptr, i64, i64, ptr, i64, i64, i64, ptr, i64, i64, i64 }
; Where a run's array goes: its place in the list, the address of the argument, what to add to the array's address
%Patch = type { i64, ptr, i64 }
; What a run has of the pool: 0 nothing yet, 1 it is counted as active, 2 it holds the pool as well; workers it
; may still wake; when it took the pool, in ns; chunks of its steps; those that its own thread ran.
%Hold = type { i32, i64, i64, i64, i64 }

%Method = type { ptr, ptr, i32, ptr }                    ; PyMethodDef: name, function, flags, doc

declare ptr @PyList_GetItem(ptr, i64)
declare ptr @PyLong_AsVoidPtr(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i32 @clock_gettime(i32, ptr)

@name = internal constant [4 x i8] c"run\00"
@method = constant %Method { ptr @name, ptr @run_method, i32 4, ptr null }  ; 4: METH_NOARGS
@name_on = internal constant [7 x i8] c"run_on\00"
@method_on = constant %Method { ptr @name_on, ptr @run_on_method, i32 8, ptr null }  ; 8: METH_O

; run() -> int: a CPython method whose self is the address of a %Run.
define internal ptr @run_method(ptr %self, ptr %none) {
  %run = call ptr @PyLong_AsVoidPtr(ptr %self)
  %failed = call i64 @run_among_threads(ptr %run)
  %result = call ptr @PyLong_FromLongLong(i64 %failed)
  ret ptr %result
}

; run_on(arrays: list) -> int: as run(), after the addresses of the arrays are in the steps' arguments.
define internal ptr @run_on_method(ptr %self, ptr %arrays) {
entry:
  %run = call ptr @PyLong_AsVoidPtr(ptr %self)
  %patches.at = getelementptr %Run, ptr %run, i32 0, i32 9
  %patches = load ptr, ptr %patches.at
  %count.at = getelementptr %Run, ptr %run, i32 0, i32 10
  %count = load i64, ptr %count.at
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %found ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %go
one:
  %patch = getelementptr %Patch, ptr %patches, i64 %i
  %place = load i64, ptr %patch
  %array = call ptr @PyList_GetItem(ptr %arrays, i64 %place)
  %missing = icmp eq ptr %array, null
  br i1 %missing, label %fail, label %found
found:
  call void @apply(ptr %patch, ptr %array)
  %i.next = add i64 %i, 1
  br label %next
go:
  %result = call ptr @run_method(ptr %self, ptr null)
  ret ptr %result
fail:
  ret ptr null                                           ; IndexError, or SystemError for what is no list
}

; Puts the array's address where the patch says.
define internal void @apply(ptr %patch, ptr %array) alwaysinline {
  %data.at = getelementptr i8, ptr %array, i64 $data_offset
  %data = load i64, ptr %data.at
  %argument.at = getelementptr %Patch, ptr %patch, i32 0, i32 1
  %argument = load ptr, ptr %argument.at
  %offset.at = getelementptr %Patch, ptr %patch, i32 0, i32 2
  %offset = load i64, ptr %offset.at
  %address = add i64 %data, %offset
  store i64 %address, ptr %argument
  ret void
}

; As @run. Another Python thread may take the GIL meanwhile, unless the run is brief: getting the GIL back could then
; take far longer than the run.
define internal i64 @run_among_threads(ptr %run) {
  %brief.at = getelementptr %Run, ptr %run, i32 0, i32 7
  %brief.flag = load i64, ptr %brief.at
  %brief = icmp ne i64 %brief.flag, 0
  br i1 %brief, label %hold, label %release
hold:
  %held = call i64 @run(ptr %run)
  ret i64 %held
release:
  %thread = call ptr @PyEval_SaveThread()
  %released = call i64 @run(ptr %run)
  call void @PyEval_RestoreThread(ptr %thread)
  ret i64 %released
}

; Executes the steps in order, but where one jumps, up to the first that fails; returns its index, or -1. A run
; that is stopped fails with status $stopped.
define internal i64 @run(ptr %run) {
entry:
  %hold = alloca %Hold
  store i32 0, ptr %hold
  %table = load ptr, ptr %run
  %steps.at = getelementptr %Run, ptr %run, i32 0, i32 1
  %steps = load i64, ptr %steps.at
  %scratch.at = getelementptr %Run, ptr %run, i32 0, i32 2
  %scratch = load ptr, ptr %scratch.at
  %threads.at = getelementptr %Run, ptr %run, i32 0, i32 4
  %threads = load i64, ptr %threads.at
  %alone = icmp slt i64 %threads, 2
  %timing.at = getelementptr %Run, ptr %run, i32 0, i32 5
  %timing = load ptr, ptr %timing.at
  %timed = icmp ne ptr %timing, null
  %mode.at = getelementptr %Run, ptr %run, i32 0, i32 11
  %mode = load i64, ptr %mode.at
  %mode.outer = call i64 @float_mode()
  call void @change_float_mode(i64 %mode)
  %stop.at = getelementptr %Run, ptr %run, i32 0, i32 12
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %finished ]
  %more = icmp slt i64 %i, %steps
  br i1 %more, label %proceed, label %leave
proceed:
  %stop.flag = load atomic i64, ptr %stop.at monotonic, align 8
  %stop = icmp ne i64 %stop.flag, 0
  br i1 %stop, label %leave, label %step
step:
  %row = getelementptr %Step, ptr %table, i64 %i
  %times = getelementptr [2 x i64], ptr %timing, i64 %i
  br i1 %timed, label %start, label %size
start:
  %begun.now = call i64 @now()
  br label %size
size:
  %begun = phi i64 [ 0, %step ], [ %begun.now, %start ]
  %extent.at = getelementptr %Step, ptr %row, i32 0, i32 2
  %extent = load i64, ptr %extent.at
  %chunk.at = getelementptr %Step, ptr %row, i32 0, i32 3
  %chunk = load i64, ptr %chunk.at
  %some = icmp sgt i64 %extent, 0
  br i1 %some, label %choose, label %executed
choose:
  %unsplit = icmp slt i64 %chunk, 1
  %single = icmp sge i64 %chunk, %extent
  %whole = or i1 %unsplit, %single
  %serial = or i1 %whole, %alone
  br i1 %serial, label %call, label %share
call:
  %status.serial = call i64 @serial_step(ptr %row, ptr %scratch)
  br label %executed
share:
  %status.parallel = call i64 @parallel_step(ptr %row, ptr %run, ptr %hold)
  br label %executed
executed:
  %status = phi i64 [ 0, %size ], [ %status.serial, %call ], [ %status.parallel, %share ]
  br i1 %timed, label %end, label %finished
end:
  call void @time(ptr %times, i64 %begun)
  br label %finished
finished:
  %jumps = icmp slt i64 %chunk, 0
  %distance = select i1 %jumps, i64 %status, i64 1
  %i.next = add i64 %i, %distance
  %failure = select i1 %jumps, i64 0, i64 %status
  %failed = icmp ne i64 %failure, 0
  br i1 %failed, label %leave, label %next
leave:
  %result = phi i64 [ -1, %next ], [ %i, %proceed ], [ %i, %finished ]
  %status.last = phi i64 [ 0, %next ], [ $stopped, %proceed ], [ %status, %finished ]
  %status.at = getelementptr %Run, ptr %run, i32 0, i32 6
  store i64 %status.last, ptr %status.at
  call void @leave(ptr %run, ptr %hold)
  call void @change_float_mode(i64 %mode.outer)
  ret i64 %result
}

; The whole extent in one call.
define internal i64 @serial_step(ptr %row, ptr %scratch) {
  %function = load ptr, ptr %row
  %args.at = getelementptr %Step, ptr %row, i32 0, i32 1
  %args = load ptr, ptr %args.at
  %extent.at = getelementptr %Step, ptr %row, i32 0, i32 2
  %extent = load i64, ptr %extent.at
  %status = call i64 %function(ptr %args, i64 0, i64 %extent, ptr %scratch)
  ret i64 %status
}

; Adds the time since %begun to a step's start and end: a step that runs again ends later by what it took.
define internal void @time(ptr %times, i64 %begun) {
  %end.at = getelementptr i64, ptr %times, i64 1
  %start.before = load i64, ptr %times
  %end.before = load i64, ptr %end.at
  %again = icmp ne i64 %end.before, 0
  %start = select i1 %again, i64 %start.before, i64 %begun
  %from = select i1 %again, i64 %end.before, i64 %begun
  %now = call i64 @now()
  %took = sub i64 %now, %begun
  %end = add i64 %from, %took
  store i64 %start, ptr %times
  store i64 %end, ptr %end.at
  ret void
}

; Monotonic time in ns.
define internal i64 @now() {
  %time = alloca { i64, i64 }
  %ignored = call i32 @clock_gettime(i32 $monotonic, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr { i64, i64 }, ptr %time, i32 0, i32 1
  %rest = load i64, ptr %rest.at
  %whole = mul i64 %seconds, 1000000000
  %ns = add i64 %whole, %rest
  ret i64 %ns
}

; Sets the thread's floating-point mode, unless it is set already.
define internal void @change_float_mode(i64 %mode) alwaysinline {
  %current = call i64 @float_mode()
  %differs = icmp ne i64 %current, %mode
  br i1 %differs, label %change, label %return
change:
  call void @set_float_mode(i64 %mode)
  br label %return
return:
  ret void
}

$float_mode
