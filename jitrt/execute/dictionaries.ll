; Dictionaries of an array's elements: CPython methods, as the calls from Python cost more than the dictionaries' own work.

declare ptr @PyErr_Occurred()
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyDict_Copy(ptr)
declare i32 @PyDict_SetItem(ptr, ptr, ptr)
declare ptr @PyTuple_GetItem(ptr, i64)
declare i64 @PyTuple_Size(ptr)
declare ptr @PyFloat_FromDouble(double)

@name_find = internal constant [5 x i8] c"find\00"
@method_find = constant %Method { ptr @name_find, ptr @find, i32 128, ptr null }  ; 128: METH_FASTCALL
@name_zip = internal constant [4 x i8] c"zip\00"
@method_zip = constant %Method { ptr @name_zip, ptr @zip, i32 8, ptr null }        ; 8: METH_O

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

; zip(rows: array of float32 [n, k]) -> [n] copies of the dictionary, where keys[j] has rows[i, j]; or None for an array
; of other sizes, or not C-contiguous. Its self is (keys, dictionary), the keys a tuple [k].
define internal ptr @zip(ptr %self, ptr %rows) {
entry:
  %keys = call ptr @PyTuple_GetItem(ptr %self, i64 0)
  %first = call ptr @PyTuple_GetItem(ptr %self, i64 1)
  %fields = getelementptr i8, ptr %rows, i64 $data_offset
  %data = load ptr, ptr %fields
  %rank.at = getelementptr %Array, ptr %fields, i32 0, i32 1
  %rank = load i32, ptr %rank.at
  %flags.at = getelementptr %Array, ptr %fields, i32 0, i32 6
  %flags = load i32, ptr %flags.at
  %contiguous = and i32 %flags, 1
  %form = mul i32 %rank, %contiguous
  %is_matrix = icmp eq i32 %form, 2
  %k = call i64 @PyTuple_Size(ptr %keys)
  br i1 %is_matrix, label %check, label %other
check:
  %sizes.at = getelementptr %Array, ptr %fields, i32 0, i32 2
  %sizes = load ptr, ptr %sizes.at
  %n = load i64, ptr %sizes
  %columns.at = getelementptr i64, ptr %sizes, i64 1
  %columns = load i64, ptr %columns.at
  %fits = icmp eq i64 %columns, %k
  br i1 %fits, label %make, label %other
make:
  %list = call ptr @PyList_New(i64 %n)
  %listed = icmp ne ptr %list, null
  br i1 %listed, label %row, label %fail
row:
  %i = phi i64 [ 0, %make ], [ %i.next, %row.end ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %copy, label %return
copy:
  %dictionary = call ptr @PyDict_Copy(ptr %first)
  %copied = icmp ne ptr %dictionary, null
  br i1 %copied, label %keep, label %drop
keep:
  %listing = call i32 @PyList_SetItem(ptr %list, i64 %i, ptr %dictionary)
  %row.start = mul i64 %i, %k
  br label %column
column:
  %j = phi i64 [ 0, %keep ], [ %j.next, %set ]
  %some = icmp slt i64 %j, %k
  br i1 %some, label %value, label %row.end
value:
  %place = add i64 %row.start, %j
  %number.at = getelementptr float, ptr %data, i64 %place
  %number = load float, ptr %number.at
  %wide = fpext float %number to double
  %value.new = call ptr @PyFloat_FromDouble(double %wide)
  %made = icmp ne ptr %value.new, null
  br i1 %made, label %set, label %drop
set:
  %key = call ptr @PyTuple_GetItem(ptr %keys, i64 %j)
  %status = call i32 @PyDict_SetItem(ptr %dictionary, ptr %key, ptr %value.new)
  call void @Py_DecRef(ptr %value.new)
  %done = icmp eq i32 %status, 0
  %j.next = add i64 %j, 1
  br i1 %done, label %column, label %drop
row.end:
  %i.next = add i64 %i, 1
  br label %row
return:
  ret ptr %list
drop:
  call void @Py_DecRef(ptr %list)
  ret ptr null                                           ; MemoryError
fail:
  ret ptr null
other:
  %none = call ptr @none()
  ret ptr %none
}
