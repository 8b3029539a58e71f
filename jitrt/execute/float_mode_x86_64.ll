declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)

; MXCSR, without the flags of exceptions that there were.
define internal i64 @float_mode() alwaysinline {
  %at = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %at)
  %register = load i32, ptr %at
  %control = and i32 %register, -64
  %mode = zext i32 %control to i64
  ret i64 %mode
}

define internal void @set_float_mode(i64 %mode) {
  %at = alloca i32
  %control = trunc i64 %mode to i32
  store i32 %control, ptr %at
  call void @llvm.x86.sse.ldmxcsr(ptr %at)
  ret void
}
