; A call like one before: a CPython method that checks what is fed, makes the outputs and runs the step table.

; name, element type, rank, sizes, and of an input whose value counts: its bytes and their number
%Input = type { ptr, ptr, i64, ptr, ptr, i64 }
; shape and element type, as numpy.empty takes them
%Output = type { ptr, ptr }
; the %Run; inputs and their number; outputs and their number; the outputs' names, a list; what may stand for them;
; the session's free arenas, a list; the table's arena; what makes the outputs of results, or null
%Call = type { ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr }
; None, dict, numpy.ndarray, numpy.empty
%Objects = type { ptr, ptr, ptr, ptr }

; An array object after its header: data, rank, sizes, strides, base, element type, flags
%Array = type { ptr, i32, ptr, ptr, ptr, ptr, i32 }

@objects = global %Objects zeroinitializer

declare i32 @PyObject_RichCompareBool(ptr, ptr, i32)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyDict_GetItemWithError(ptr, ptr)
declare i64 @PyDict_Size(ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare i64 @PyList_Size(ptr)
declare i32 @PyList_SetSlice(ptr, i64, i64, ptr)
declare i32 @PyList_Append(ptr, ptr)
declare void @PyErr_Clear()
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare i32 @memcmp(ptr, ptr, i64)

@name_repeat = internal constant [7 x i8] c"repeat\00"
@method_repeat = constant %Method { ptr @name_repeat, ptr @repeat_method, i32 128, ptr null }  ; 128: METH_FASTCALL

; repeat(output_names, input_feed) -> the outputs, a list; or None where the call is another one, where another run has
; the arena, and where a step fails. Its self is the address of a %Call.
define internal ptr @repeat_method(ptr %self, ptr %arguments, i64 %argument_count) {
entry:
  %call = call ptr @PyLong_AsVoidPtr(ptr %self)
  %names = load ptr, ptr %arguments
  %feed.at = getelementptr ptr, ptr %arguments, i64 1
  %feed = load ptr, ptr %feed.at
  %inputs.at = getelementptr %Call, ptr %call, i32 0, i32 1
  %inputs = load ptr, ptr %inputs.at
  %count.at = getelementptr %Call, ptr %call, i32 0, i32 2
  %count = load i64, ptr %count.at
  %output_count.at = getelementptr %Call, ptr %call, i32 0, i32 4
  %output_count = load i64, ptr %output_count.at
  %array_count = add i64 %count, %output_count
  %arrays = alloca ptr, i64 %array_count
  %names.fit = call i1 @names_fit(ptr %call, ptr %names)
  br i1 %names.fit, label %feed.type, label %other
feed.type:
  %is_dict = call i1 @is_a(ptr %feed, i32 1)
  br i1 %is_dict, label %feed.size, label %other
feed.size:
  %size = call i64 @PyDict_Size(ptr %feed)
  %complete = icmp eq i64 %size, %count
  br i1 %complete, label %next, label %other
next:
  %i = phi i64 [ 0, %feed.size ], [ %i.next, %keep ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %look, label %compute
look:
  %input = getelementptr %Input, ptr %inputs, i64 %i
  %name = load ptr, ptr %input
  %array = call ptr @PyDict_GetItemWithError(ptr %feed, ptr %name)
  %given = icmp ne ptr %array, null
  br i1 %given, label %check, label %other
check:
  %fits = call i1 @input_fits(ptr %input, ptr %array)
  br i1 %fits, label %keep, label %other
keep:
  %array.at = getelementptr ptr, ptr %arrays, i64 %i
  store ptr %array, ptr %array.at
  %i.next = add i64 %i, 1
  br label %next
compute:
  call void @for_each(ptr %arrays, i64 %count, ptr @Py_IncRef)
  %outcome = call ptr @compute(ptr %call, ptr %arrays)
  call void @for_each(ptr %arrays, i64 %count, ptr @Py_DecRef)
  ret ptr %outcome
other:
  call void @PyErr_Clear()
  %none = call ptr @none()
  ret ptr %none
}

; The outputs for the inputs in %arrays, which has room for the results; None where they are to be had in another way.
define internal ptr @compute(ptr %call, ptr %arrays) {
entry:
  %results = call ptr @new_results(ptr %call, ptr %arrays)
  %made = icmp ne ptr %results, null
  br i1 %made, label %take, label %fail
take:
  %taken = call i1 @take_arena(ptr %call)
  br i1 %taken, label %patch, label %drop
patch:
  %run = load ptr, ptr %call
  %patches.at = getelementptr %Run, ptr %run, i32 0, i32 9
  %patches = load ptr, ptr %patches.at
  %count.at = getelementptr %Run, ptr %run, i32 0, i32 10
  %count = load i64, ptr %count.at
  br label %next
next:
  %i = phi i64 [ 0, %patch ], [ %i.next, %one ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %go
one:
  %patch.at = getelementptr %Patch, ptr %patches, i64 %i
  %place = load i64, ptr %patch.at
  %array.at = getelementptr ptr, ptr %arrays, i64 %place
  %array = load ptr, ptr %array.at
  call void @apply(ptr %patch.at, ptr %array)
  %i.next = add i64 %i, 1
  br label %next
go:
  %failed = call i64 @run_among_threads(ptr %run)
  call void @give_arena_back(ptr %call)
  %finished = icmp slt i64 %failed, 0
  br i1 %finished, label %continue, label %drop
continue:
  %continuation.at = getelementptr %Call, ptr %call, i32 0, i32 9
  %continuation = load ptr, ptr %continuation.at
  %is_last = icmp eq ptr %continuation, null
  br i1 %is_last, label %return, label %hand_on
return:
  ret ptr %results
hand_on:
  %none.read = load ptr, ptr @objects
  %outputs = call ptr @call_with(ptr %continuation, ptr %none.read, ptr %results)
  call void @Py_DecRef(ptr %results)
  ret ptr %outputs
drop:
  call void @Py_DecRef(ptr %results)
  %none = call ptr @none()
  ret ptr %none
fail:
  ret ptr null                                           ; MemoryError
}

; Whether the names of outputs mean those of the call.
define internal i1 @names_fit(ptr %call, ptr %names) {
entry:
  %short.at = getelementptr %Call, ptr %call, i32 0, i32 6
  %short = load ptr, ptr %short.at
  %is_short = icmp eq ptr %names, %short
  br i1 %is_short, label %yes, label %compare
compare:
  %own.at = getelementptr %Call, ptr %call, i32 0, i32 5
  %own = load ptr, ptr %own.at
  %equal = call i32 @PyObject_RichCompareBool(ptr %own, ptr %names, i32 2)  ; 2: Py_EQ
  %fit = icmp eq i32 %equal, 1
  ret i1 %fit
yes:
  ret i1 true
}

; Whether an object is an array as the input was: of its element type and shape, aligned and C-contiguous.
define internal i1 @input_fits(ptr %input, ptr %array) alwaysinline {
entry:
  %is_array = call i1 @is_a(ptr %array, i32 2)
  br i1 %is_array, label %compare, label %no
compare:
  %fields = getelementptr i8, ptr %array, i64 $data_offset
  %dtype.at = getelementptr %Array, ptr %fields, i32 0, i32 5
  %dtype = load ptr, ptr %dtype.at
  %dtype.own.at = getelementptr %Input, ptr %input, i32 0, i32 1
  %dtype.own = load ptr, ptr %dtype.own.at
  %dtype.same = icmp eq ptr %dtype, %dtype.own
  %flags.at = getelementptr %Array, ptr %fields, i32 0, i32 6
  %flags = load i32, ptr %flags.at
  %flags.read = and i32 %flags, 257                      ; C-contiguous and aligned
  %ready = icmp eq i32 %flags.read, 257
  %rank.at = getelementptr %Array, ptr %fields, i32 0, i32 1
  %rank.narrow = load i32, ptr %rank.at
  %rank = zext i32 %rank.narrow to i64
  %rank.own.at = getelementptr %Input, ptr %input, i32 0, i32 2
  %rank.own = load i64, ptr %rank.own.at
  %rank.same = icmp eq i64 %rank, %rank.own
  %alike = and i1 %dtype.same, %rank.same
  %plain = and i1 %alike, %ready
  br i1 %plain, label %sizes, label %no
sizes:
  %sizes.at = getelementptr %Array, ptr %fields, i32 0, i32 2
  %sizes.given = load ptr, ptr %sizes.at
  %sizes.own.at = getelementptr %Input, ptr %input, i32 0, i32 3
  %sizes.own = load ptr, ptr %sizes.own.at
  %sizes.nbytes = shl i64 %rank, 3
  %sizes.differ = call i32 @memcmp(ptr %sizes.given, ptr %sizes.own, i64 %sizes.nbytes)
  %sizes.same = icmp eq i32 %sizes.differ, 0
  br i1 %sizes.same, label %value, label %no
value:
  %data = load ptr, ptr %fields
  %bytes.at = getelementptr %Input, ptr %input, i32 0, i32 4
  %bytes = load ptr, ptr %bytes.at
  %nbytes.at = getelementptr %Input, ptr %input, i32 0, i32 5
  %nbytes = load i64, ptr %nbytes.at
  %differ = call i32 @memcmp(ptr %data, ptr %bytes, i64 %nbytes)
  %same = icmp eq i32 %differ, 0
  ret i1 %same
no:
  ret i1 false
}

; A list of new arrays for the results, which go after the inputs in %arrays as well. Null without memory.
define internal ptr @new_results(ptr %call, ptr %arrays) {
entry:
  %first.at = getelementptr %Call, ptr %call, i32 0, i32 2
  %first = load i64, ptr %first.at
  %outputs.at = getelementptr %Call, ptr %call, i32 0, i32 3
  %outputs = load ptr, ptr %outputs.at
  %count.at = getelementptr %Call, ptr %call, i32 0, i32 4
  %count = load i64, ptr %count.at
  %results = call ptr @PyList_New(i64 %count)
  %listed = icmp ne ptr %results, null
  br i1 %listed, label %next, label %fail
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %keep ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %return
one:
  %output = getelementptr %Output, ptr %outputs, i64 %i
  %shape = load ptr, ptr %output
  %dtype.at = getelementptr %Output, ptr %output, i32 0, i32 1
  %dtype = load ptr, ptr %dtype.at
  %empty.at = getelementptr %Objects, ptr @objects, i32 0, i32 3
  %empty = load ptr, ptr %empty.at
  %array = call ptr @call_with(ptr %empty, ptr %shape, ptr %dtype)
  %made = icmp ne ptr %array, null
  br i1 %made, label %keep, label %drop
keep:
  %listing = call i32 @PyList_SetItem(ptr %results, i64 %i, ptr %array)
  %place = add i64 %first, %i
  %array.at = getelementptr ptr, ptr %arrays, i64 %place
  store ptr %array, ptr %array.at
  %i.next = add i64 %i, 1
  br label %next
return:
  ret ptr %results
drop:
  call void @Py_DecRef(ptr %results)
  ret ptr null
fail:
  ret ptr null
}

; Takes the table's arena from the free ones; false where it is not among them.
define internal i1 @take_arena(ptr %call) {
entry:
  %free.at = getelementptr %Call, ptr %call, i32 0, i32 7
  %free = load ptr, ptr %free.at
  %arena.at = getelementptr %Call, ptr %call, i32 0, i32 8
  %arena = load ptr, ptr %arena.at
  %count = call i64 @PyList_Size(ptr %free)
  br label %next
next:
  %i = phi i64 [ %count, %entry ], [ %i.next, %look ]
  %more = icmp sgt i64 %i, 0
  br i1 %more, label %look, label %no
look:
  %i.next = sub i64 %i, 1
  %other = call ptr @PyList_GetItem(ptr %free, i64 %i.next)
  %found = icmp eq ptr %other, %arena
  br i1 %found, label %take, label %next
take:
  %taking = call i32 @PyList_SetSlice(ptr %free, i64 %i.next, i64 %i, ptr null)
  %taken = icmp eq i32 %taking, 0
  ret i1 %taken
no:
  ret i1 false
}

define internal void @give_arena_back(ptr %call) {
  %free.at = getelementptr %Call, ptr %call, i32 0, i32 7
  %free = load ptr, ptr %free.at
  %arena.at = getelementptr %Call, ptr %call, i32 0, i32 8
  %arena = load ptr, ptr %arena.at
  %ignored = call i32 @PyList_Append(ptr %free, ptr %arena)
  ret void
}

; function(first, second)
define internal ptr @call_with(ptr %function, ptr %first, ptr %second) alwaysinline {
  %arguments = alloca [2 x ptr]
  store ptr %first, ptr %arguments
  %second.at = getelementptr ptr, ptr %arguments, i64 1
  store ptr %second, ptr %second.at
  %result = call ptr @PyObject_Vectorcall(ptr %function, ptr %arguments, i64 2, ptr null)
  ret ptr %result
}

; Whether the type of an object, the last field of its header, is the one of this number in @objects.
define internal i1 @is_a(ptr %object, i32 %number) alwaysinline {
  %fields = getelementptr i8, ptr %object, i64 $data_offset
  %type.at = getelementptr ptr, ptr %fields, i64 -1
  %type = load ptr, ptr %type.at
  %expected.at = getelementptr ptr, ptr @objects, i32 %number
  %expected = load ptr, ptr %expected.at
  %same = icmp eq ptr %type, %expected
  ret i1 %same
}

; A new reference to None.
define internal ptr @none() alwaysinline {
  %none = load ptr, ptr @objects
  call void @Py_IncRef(ptr %none)
  ret ptr %none
}

define internal void @for_each(ptr %objects, i64 %count, ptr %function) alwaysinline {
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %one ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %one, label %return
one:
  %object.at = getelementptr ptr, ptr %objects, i64 %i
  %object = load ptr, ptr %object.at
  call void %function(ptr %object)
  %i.next = add i64 %i, 1
  br label %next
return:
  ret void
}
