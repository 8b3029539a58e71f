; Looks up the elements of an array in a dictionary: a CPython method, as the calls from Python cost more than
; the look-ups.

%Method = type { ptr, ptr, i32, ptr }                    ; PyMethodDef: name, function, flags, doc

declare ptr @PyDict_GetItemWithError(ptr, ptr)
declare ptr @PyErr_Occurred()
declare i64 @PyLong_AsLongLong(ptr)
declare void @Py_IncRef(ptr)

@name = internal constant [5 x i8] c"find\00"
@method = constant %Method { ptr @name, ptr @find, i32 128, ptr null }  ; 128: METH_FASTCALL

; find(table: dict, keys: array of objects, found: array of int64 [n]) -> found: found[i] is table[keys[i]], or -1.
define internal ptr @find(ptr %self, ptr %arguments, i64 %count) {
entry:
  %table = load ptr, ptr %arguments
  %keys.at = getelementptr ptr, ptr %arguments, i64 1
  %keys = load ptr, ptr %keys.at
  %found.at = getelementptr ptr, ptr %arguments, i64 2
  %found = load ptr, ptr %found.at
  %keys.data.at = getelementptr i8, ptr %keys, i64 $data_offset
  %keys.data = load ptr, ptr %keys.data.at
  %found.data.at = getelementptr i8, ptr %found, i64 $data_offset
  %found.data = load ptr, ptr %found.data.at
  %sizes.at = getelementptr i8, ptr %found, i64 $sizes_offset
  %sizes = load ptr, ptr %sizes.at
  %n = load i64, ptr %sizes
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %store ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %look, label %return
look:
  %key.at = getelementptr ptr, ptr %keys.data, i64 %i
  %key = load ptr, ptr %key.at
  %number = call ptr @PyDict_GetItemWithError(ptr %table, ptr %key)
  %missing = icmp eq ptr %number, null
  br i1 %missing, label %miss, label %hit
miss:
  %error = call ptr @PyErr_Occurred()
  %failed = icmp ne ptr %error, null
  br i1 %failed, label %fail, label %store
hit:
  %value = call i64 @PyLong_AsLongLong(ptr %number)
  br label %store
store:
  %place = phi i64 [ -1, %miss ], [ %value, %hit ]
  %place.at = getelementptr i64, ptr %found.data, i64 %i
  store i64 %place, ptr %place.at
  %i.next = add i64 %i, 1
  br label %next
return:
  call void @Py_IncRef(ptr %found)
  ret ptr %found
fail:
  ret ptr null                                           ; TypeError for a key without a hash
}
