define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell17 = alloca i64
  %cell40 = alloca <8 x float>
  %cell41 = alloca <8 x float>
  %cell42 = alloca <8 x float>
  %cell43 = alloca <8 x float>
  %cell99 = alloca <8 x float>
  %arg1 = getelementptr i64, ptr %args, i64 0
  %size2 = load i64, ptr %arg1, align 8
  %arg3 = getelementptr i64, ptr %args, i64 1
  %size4 = load i64, ptr %arg3, align 8
  %arg5 = getelementptr i64, ptr %args, i64 2
  %base6 = load ptr, ptr %arg5, align 8
  %arg7 = getelementptr i64, ptr %args, i64 3
  %stride8 = load i64, ptr %arg7, align 8
  %arg9 = getelementptr i64, ptr %args, i64 4
  %base10 = load ptr, ptr %arg9, align 8
  %some11 = icmp slt i64 %begin, %end
  br i1 %some11, label %then12, label %endif13
then12:
  %count14 = mul nsw i64 64, %size2
  %v15 = add nsw i64 %size4, 63
  %blocks16 = ashr i64 %v15, 6
  store i64 %begin, ptr %cell17
  br label %head18
head18:
  %unit21 = phi i64 [ %begin, %then12 ], [ %next22, %endif30 ]
  %more23 = icmp slt i64 %unit21, %end
  br i1 %more23, label %body19, label %done20
body19:
  %v24 = load i64, ptr %cell17
  %start25 = mul nsw i64 %v24, 64
  %stop26 = add nsw i64 %start25, 64
  %full27 = icmp sle i64 %stop26, %size4
  br i1 %full27, label %then28, label %else29
then28:
  br label %head31
head31:
  %j34 = phi i64 [ %start25, %then28 ], [ %next35, %done46 ]
  %more36 = icmp slt i64 %j34, %stop26
  br i1 %more36, label %body32, label %done33
body32:
  %j37 = add nsw i64 %j34, 8
  %j38 = add nsw i64 %j34, 16
  %j39 = add nsw i64 %j34, 24
  store <8 x float> splat (float 0x0000000000000000), ptr %cell40
  store <8 x float> splat (float 0x0000000000000000), ptr %cell41
  store <8 x float> splat (float 0x0000000000000000), ptr %cell42
  store <8 x float> splat (float 0x0000000000000000), ptr %cell43
  br label %head44
head44:
  %r47 = phi i64 [ 0, %body32 ], [ %next48, %body45 ]
  %more49 = icmp slt i64 %r47, %size2
  br i1 %more49, label %body45, label %done46
body45:
  %v50 = mul nsw i64 0, %size2
  %v51 = add nsw i64 %v50, %r47
  %v52 = mul nsw i64 %r47, %stride8
  %v53 = getelementptr float, ptr %base6, i64 %v52
  %row54 = mul nsw i64 %v51, 64
  %v55 = sub nsw i64 %j34, %start25
  %v56 = add nsw i64 %row54, %v55
  %v57 = getelementptr float, ptr %v53, i64 %j34
  %v58 = load <8 x float>, ptr %v57, align 4
  %v59 = load <8 x float>, ptr %cell40
  %v60 = fadd <8 x float> %v58, %v59
  store <8 x float> %v60, ptr %cell40
  %v61 = sub nsw i64 %j37, %start25
  %v62 = add nsw i64 %row54, %v61
  %v63 = getelementptr float, ptr %v53, i64 %j37
  %v64 = load <8 x float>, ptr %v63, align 4
  %v65 = load <8 x float>, ptr %cell41
  %v66 = fadd <8 x float> %v64, %v65
  store <8 x float> %v66, ptr %cell41
  %v67 = sub nsw i64 %j38, %start25
  %v68 = add nsw i64 %row54, %v67
  %v69 = getelementptr float, ptr %v53, i64 %j38
  %v70 = load <8 x float>, ptr %v69, align 4
  %v71 = load <8 x float>, ptr %cell42
  %v72 = fadd <8 x float> %v70, %v71
  store <8 x float> %v72, ptr %cell42
  %v73 = sub nsw i64 %j39, %start25
  %v74 = add nsw i64 %row54, %v73
  %v75 = getelementptr float, ptr %v53, i64 %j39
  %v76 = load <8 x float>, ptr %v75, align 4
  %v77 = load <8 x float>, ptr %cell43
  %v78 = fadd <8 x float> %v76, %v77
  store <8 x float> %v78, ptr %cell43
  %next48 = add nsw i64 %r47, 1
  br label %head44
done46:
  %v79 = load <8 x float>, ptr %cell40
  %v80 = load <8 x float>, ptr %cell41
  %v81 = load <8 x float>, ptr %cell42
  %v82 = load <8 x float>, ptr %cell43
  %v83 = getelementptr float, ptr %base10, i64 %j34
  store <8 x float> %v79, ptr %v83, align 4
  %v84 = getelementptr float, ptr %base10, i64 %j37
  store <8 x float> %v80, ptr %v84, align 4
  %v85 = getelementptr float, ptr %base10, i64 %j38
  store <8 x float> %v81, ptr %v85, align 4
  %v86 = getelementptr float, ptr %base10, i64 %j39
  store <8 x float> %v82, ptr %v86, align 4
  %next35 = add nsw i64 %j34, 32
  br label %head31
done33:
  br label %endif30
else29:
  br label %head87
head87:
  %j90 = phi i64 [ %start25, %else29 ], [ %next91, %done102 ]
  %more92 = icmp slt i64 %j90, %size4
  br i1 %more92, label %body88, label %done89
body88:
  %left93 = sub nsw i64 %size4, %j90
  %v94 = call i64 @llvm.smin.i64(i64 %left93, i64 8)
  %v95 = trunc i64 %v94 to i32
  %v96 = insertelement <8 x i32> poison, i32 %v95, i64 0
  %v97 = shufflevector <8 x i32> %v96, <8 x i32> poison, <8 x i32> zeroinitializer
  %mask98 = icmp ult <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v97
  store <8 x float> splat (float 0x0000000000000000), ptr %cell99
  br label %head100
head100:
  %r103 = phi i64 [ 0, %body88 ], [ %next104, %body101 ]
  %more105 = icmp slt i64 %r103, %size2
  br i1 %more105, label %body101, label %done102
body101:
  %v106 = mul nsw i64 0, %size2
  %v107 = add nsw i64 %v106, %r103
  %v108 = mul nsw i64 %r103, %stride8
  %v109 = getelementptr float, ptr %base6, i64 %v108
  %row110 = mul nsw i64 %v107, 64
  %v111 = sub nsw i64 %j90, %start25
  %v112 = add nsw i64 %row110, %v111
  %v113 = getelementptr float, ptr %v109, i64 %j90
  %v114 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v113, i32 4, <8 x i1> %mask98, <8 x float> zeroinitializer)
  %v115 = load <8 x float>, ptr %cell99
  %v116 = fadd <8 x float> %v114, %v115
  store <8 x float> %v116, ptr %cell99
  %next104 = add nsw i64 %r103, 1
  br label %head100
done102:
  %v117 = load <8 x float>, ptr %cell99
  %v118 = getelementptr float, ptr %base10, i64 %j90
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v117, ptr %v118, i32 4, <8 x i1> %mask98)
  %next91 = add nsw i64 %j90, 8
  br label %head87
done89:
  br label %endif30
endif30:
  %v119 = add nsw i64 %v24, 1
  store i64 %v119, ptr %cell17
  %next22 = add nsw i64 %unit21, 1
  br label %head18
done20:
  br label %endif13
endif13:
  ret i64 0
}

declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, i32, <8 x i1>, <8 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, i32, <8 x i1>)
