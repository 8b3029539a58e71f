; Stands in for threads.ll on systems without futexes: every step runs on the calling thread.

define internal i64 @parallel_step(ptr %row, ptr %run, ptr %hold) {
  %scratch.at = getelementptr %Run, ptr %run, i32 0, i32 2
  %scratch = load ptr, ptr %scratch.at
  %status = call i64 @serial_step(ptr %row, ptr %scratch)
  ret i64 %status
}

define internal void @leave(ptr %run, ptr %hold) {
  ret void
}
