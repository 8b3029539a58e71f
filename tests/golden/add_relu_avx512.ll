define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell49 = alloca i64
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
  %arg11 = getelementptr i64, ptr %args, i64 5
  %base12 = load ptr, ptr %arg11, align 8
  %arg13 = getelementptr i64, ptr %args, i64 6
  %stride14 = load i64, ptr %arg13, align 8
  %some15 = icmp slt i64 %begin, %end
  br i1 %some15, label %then16, label %endif17
then16:
  %first18 = sdiv i64 %begin, %size2
  %v19 = sub nsw i64 %end, 1
  %v20 = sdiv i64 %v19, %size2
  %final21 = add nsw i64 %v20, 1
  %any26 = icmp slt i64 %first18, %final21
  br i1 %any26, label %body22, label %done23
body22:
  %block24 = phi i64 [ %first18, %then16 ], [ %next25, %done51 ]
  %before27 = mul nsw i64 %block24, %size2
  %v28 = sub nsw i64 %begin, %before27
  %v29 = sub nsw i64 %end, %before27
  %v30 = call i64 @llvm.smax.i64(i64 %v28, i64 0)
  %start31 = mul nsw i64 %block24, 16384
  %v32 = add nsw i64 %start31, 16384
  %v33 = call i64 @llvm.smin.i64(i64 %v32, i64 %size4)
  %count34 = sub nsw i64 %v33, %start31
  %v35 = and i64 %count34, -64
  %end36 = add nsw i64 %start31, %v35
  %v37 = and i64 %count34, -32
  %end38 = add nsw i64 %start31, %v37
  %v39 = and i64 %count34, -16
  %end40 = add nsw i64 %start31, %v39
  %ragged41 = icmp slt i64 %end40, %v33
  %left42 = sub nsw i64 %v33, %end40
  %v43 = call i64 @llvm.smin.i64(i64 %left42, i64 16)
  %v44 = trunc i64 %v43 to i32
  %v45 = insertelement <16 x i32> poison, i32 %v44, i64 0
  %v46 = shufflevector <16 x i32> %v45, <16 x i32> poison, <16 x i32> zeroinitializer
  %mask47 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v46
  %v48 = call i64 @llvm.smin.i64(i64 %v29, i64 %size2)
  store i64 %v30, ptr %cell49
  %any54 = icmp slt i64 %v30, %v48
  br i1 %any54, label %body50, label %done51
body50:
  %unit52 = phi i64 [ %v30, %body22 ], [ %next53, %endif116 ]
  %v55 = load i64, ptr %cell49
  %v56 = mul nsw i64 %v55, %stride8
  %v57 = getelementptr float, ptr %base6, i64 %v56
  %v58 = mul nsw i64 %v55, %stride14
  %v59 = getelementptr float, ptr %base12, i64 %v58
  %any64 = icmp slt i64 %start31, %end36
  br i1 %any64, label %body60, label %done61
body60:
  %j62 = phi i64 [ %start31, %body50 ], [ %next63, %body60 ]
  %v65 = getelementptr float, ptr %v57, i64 %j62
  %v66 = load <16 x float>, ptr %v65, align 4
  %v67 = getelementptr float, ptr %base10, i64 %j62
  %v68 = load <16 x float>, ptr %v67, align 4
  %v69 = fadd <16 x float> %v66, %v68
  %v70 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v69
  %v71 = select <16 x i1> %v70, <16 x float> splat (float 0x0000000000000000), <16 x float> %v69
  %v72 = getelementptr float, ptr %v59, i64 %j62
  store <16 x float> %v71, ptr %v72, align 4
  %j73 = add nsw i64 %j62, 16
  %v74 = getelementptr float, ptr %v57, i64 %j73
  %v75 = load <16 x float>, ptr %v74, align 4
  %v76 = getelementptr float, ptr %base10, i64 %j73
  %v77 = load <16 x float>, ptr %v76, align 4
  %v78 = fadd <16 x float> %v75, %v77
  %v79 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v78
  %v80 = select <16 x i1> %v79, <16 x float> splat (float 0x0000000000000000), <16 x float> %v78
  %v81 = getelementptr float, ptr %v59, i64 %j73
  store <16 x float> %v80, ptr %v81, align 4
  %j82 = add nsw i64 %j62, 32
  %v83 = getelementptr float, ptr %v57, i64 %j82
  %v84 = load <16 x float>, ptr %v83, align 4
  %v85 = getelementptr float, ptr %base10, i64 %j82
  %v86 = load <16 x float>, ptr %v85, align 4
  %v87 = fadd <16 x float> %v84, %v86
  %v88 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v87
  %v89 = select <16 x i1> %v88, <16 x float> splat (float 0x0000000000000000), <16 x float> %v87
  %v90 = getelementptr float, ptr %v59, i64 %j82
  store <16 x float> %v89, ptr %v90, align 4
  %j91 = add nsw i64 %j62, 48
  %v92 = getelementptr float, ptr %v57, i64 %j91
  %v93 = load <16 x float>, ptr %v92, align 4
  %v94 = getelementptr float, ptr %base10, i64 %j91
  %v95 = load <16 x float>, ptr %v94, align 4
  %v96 = fadd <16 x float> %v93, %v95
  %v97 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v96
  %v98 = select <16 x i1> %v97, <16 x float> splat (float 0x0000000000000000), <16 x float> %v96
  %v99 = getelementptr float, ptr %v59, i64 %j91
  store <16 x float> %v98, ptr %v99, align 4
  %next63 = add nsw i64 %j62, 64
  %more100 = icmp slt i64 %next63, %end36
  br i1 %more100, label %body60, label %done61
done61:
  %any105 = icmp slt i64 %end36, %end40
  br i1 %any105, label %body101, label %done102
body101:
  %j103 = phi i64 [ %end36, %done61 ], [ %next104, %body101 ]
  %v106 = getelementptr float, ptr %v57, i64 %j103
  %v107 = load <16 x float>, ptr %v106, align 4
  %v108 = getelementptr float, ptr %base10, i64 %j103
  %v109 = load <16 x float>, ptr %v108, align 4
  %v110 = fadd <16 x float> %v107, %v109
  %v111 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v110
  %v112 = select <16 x i1> %v111, <16 x float> splat (float 0x0000000000000000), <16 x float> %v110
  %v113 = getelementptr float, ptr %v59, i64 %j103
  store <16 x float> %v112, ptr %v113, align 4
  %next104 = add nsw i64 %j103, 16
  %more114 = icmp slt i64 %next104, %end40
  br i1 %more114, label %body101, label %done102
done102:
  br i1 %ragged41, label %then115, label %endif116
then115:
  %v117 = getelementptr float, ptr %v57, i64 %end40
  %v118 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v117, i32 4, <16 x i1> %mask47, <16 x float> zeroinitializer)
  %v119 = getelementptr float, ptr %base10, i64 %end40
  %v120 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v119, i32 4, <16 x i1> %mask47, <16 x float> zeroinitializer)
  %v121 = fadd <16 x float> %v118, %v120
  %v122 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v121
  %v123 = select <16 x i1> %v122, <16 x float> splat (float 0x0000000000000000), <16 x float> %v121
  %v124 = getelementptr float, ptr %v59, i64 %end40
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v123, ptr %v124, i32 4, <16 x i1> %mask47)
  br label %endif116
endif116:
  %v125 = add nsw i64 %v55, 1
  store i64 %v125, ptr %cell49
  %next53 = add nsw i64 %unit52, 1
  %more126 = icmp slt i64 %next53, %v48
  br i1 %more126, label %body50, label %done51
done51:
  %next25 = add nsw i64 %block24, 1
  %more127 = icmp slt i64 %next25, %final21
  br i1 %more127, label %body22, label %done23
done23:
  br label %endif17
endif17:
  ret i64 0
}

declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
