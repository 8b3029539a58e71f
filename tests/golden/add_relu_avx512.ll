define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell54 = alloca i64
  %cell55 = alloca i64
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
  %block24 = phi i64 [ %first18, %then16 ], [ %next25, %done57 ]
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
  %first49 = sdiv i64 %v30, %size2
  %v50 = sub nsw i64 %v48, 1
  %v51 = sdiv i64 %v50, %size2
  %final52 = add nsw i64 %v51, 1
  %v53 = mul nsw i64 %first49, %size2
  store i64 %v53, ptr %cell54
  store i64 %first49, ptr %cell55
  %any60 = icmp slt i64 %first49, %final52
  br i1 %any60, label %body56, label %done57
body56:
  %unit58 = phi i64 [ %first49, %body22 ], [ %next59, %done68 ]
  %v61 = load i64, ptr %cell55
  %v62 = load i64, ptr %cell54
  %v63 = sub nsw i64 %v30, %v62
  %v64 = sub nsw i64 %v48, %v62
  %v65 = call i64 @llvm.smax.i64(i64 %v63, i64 0)
  %v66 = call i64 @llvm.smin.i64(i64 %v64, i64 %size2)
  %any71 = icmp slt i64 %v65, %v66
  br i1 %any71, label %body67, label %done68
body67:
  %row69 = phi i64 [ %v65, %body56 ], [ %next70, %endif132 ]
  %v72 = mul nsw i64 %row69, %stride8
  %v73 = getelementptr float, ptr %base6, i64 %v72
  %v74 = mul nsw i64 %row69, %stride14
  %v75 = getelementptr float, ptr %base12, i64 %v74
  %any80 = icmp slt i64 %start31, %end36
  br i1 %any80, label %body76, label %done77
body76:
  %j78 = phi i64 [ %start31, %body67 ], [ %next79, %body76 ]
  %v81 = getelementptr float, ptr %v73, i64 %j78
  %v82 = load <16 x float>, ptr %v81, align 4
  %v83 = getelementptr float, ptr %base10, i64 %j78
  %v84 = load <16 x float>, ptr %v83, align 4
  %v85 = fadd <16 x float> %v82, %v84
  %v86 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v85
  %v87 = select <16 x i1> %v86, <16 x float> splat (float 0x0000000000000000), <16 x float> %v85
  %v88 = getelementptr float, ptr %v75, i64 %j78
  store <16 x float> %v87, ptr %v88, align 4
  %j89 = add nsw i64 %j78, 16
  %v90 = getelementptr float, ptr %v73, i64 %j89
  %v91 = load <16 x float>, ptr %v90, align 4
  %v92 = getelementptr float, ptr %base10, i64 %j89
  %v93 = load <16 x float>, ptr %v92, align 4
  %v94 = fadd <16 x float> %v91, %v93
  %v95 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v94
  %v96 = select <16 x i1> %v95, <16 x float> splat (float 0x0000000000000000), <16 x float> %v94
  %v97 = getelementptr float, ptr %v75, i64 %j89
  store <16 x float> %v96, ptr %v97, align 4
  %j98 = add nsw i64 %j78, 32
  %v99 = getelementptr float, ptr %v73, i64 %j98
  %v100 = load <16 x float>, ptr %v99, align 4
  %v101 = getelementptr float, ptr %base10, i64 %j98
  %v102 = load <16 x float>, ptr %v101, align 4
  %v103 = fadd <16 x float> %v100, %v102
  %v104 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v103
  %v105 = select <16 x i1> %v104, <16 x float> splat (float 0x0000000000000000), <16 x float> %v103
  %v106 = getelementptr float, ptr %v75, i64 %j98
  store <16 x float> %v105, ptr %v106, align 4
  %j107 = add nsw i64 %j78, 48
  %v108 = getelementptr float, ptr %v73, i64 %j107
  %v109 = load <16 x float>, ptr %v108, align 4
  %v110 = getelementptr float, ptr %base10, i64 %j107
  %v111 = load <16 x float>, ptr %v110, align 4
  %v112 = fadd <16 x float> %v109, %v111
  %v113 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v112
  %v114 = select <16 x i1> %v113, <16 x float> splat (float 0x0000000000000000), <16 x float> %v112
  %v115 = getelementptr float, ptr %v75, i64 %j107
  store <16 x float> %v114, ptr %v115, align 4
  %next79 = add nsw i64 %j78, 64
  %more116 = icmp slt i64 %next79, %end36
  br i1 %more116, label %body76, label %done77
done77:
  %any121 = icmp slt i64 %end36, %end40
  br i1 %any121, label %body117, label %done118
body117:
  %j119 = phi i64 [ %end36, %done77 ], [ %next120, %body117 ]
  %v122 = getelementptr float, ptr %v73, i64 %j119
  %v123 = load <16 x float>, ptr %v122, align 4
  %v124 = getelementptr float, ptr %base10, i64 %j119
  %v125 = load <16 x float>, ptr %v124, align 4
  %v126 = fadd <16 x float> %v123, %v125
  %v127 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v126
  %v128 = select <16 x i1> %v127, <16 x float> splat (float 0x0000000000000000), <16 x float> %v126
  %v129 = getelementptr float, ptr %v75, i64 %j119
  store <16 x float> %v128, ptr %v129, align 4
  %next120 = add nsw i64 %j119, 16
  %more130 = icmp slt i64 %next120, %end40
  br i1 %more130, label %body117, label %done118
done118:
  br i1 %ragged41, label %then131, label %endif132
then131:
  %v133 = getelementptr float, ptr %v73, i64 %end40
  %v134 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v133, i32 4, <16 x i1> %mask47, <16 x float> zeroinitializer)
  %v135 = getelementptr float, ptr %base10, i64 %end40
  %v136 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v135, i32 4, <16 x i1> %mask47, <16 x float> zeroinitializer)
  %v137 = fadd <16 x float> %v134, %v136
  %v138 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v137
  %v139 = select <16 x i1> %v138, <16 x float> splat (float 0x0000000000000000), <16 x float> %v137
  %v140 = getelementptr float, ptr %v75, i64 %end40
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v139, ptr %v140, i32 4, <16 x i1> %mask47)
  br label %endif132
endif132:
  %next70 = add nsw i64 %row69, 1
  %more141 = icmp slt i64 %next70, %v66
  br i1 %more141, label %body67, label %done68
done68:
  %v142 = add nsw i64 %v62, %size2
  store i64 %v142, ptr %cell54
  %v143 = add nsw i64 %v61, 1
  store i64 %v143, ptr %cell55
  %next59 = add nsw i64 %unit58, 1
  %more144 = icmp slt i64 %next59, %final52
  br i1 %more144, label %body56, label %done57
done57:
  %next25 = add nsw i64 %block24, 1
  %more145 = icmp slt i64 %next25, %final21
  br i1 %more145, label %body22, label %done23
done23:
  br label %endif17
endif17:
  ret i64 0
}

declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
