define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell32 = alloca i64
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
  %count18 = sub nsw i64 %size4, 0
  %v19 = and i64 %count18, -64
  %end20 = add nsw i64 0, %v19
  %v21 = and i64 %count18, -32
  %end22 = add nsw i64 0, %v21
  %v23 = and i64 %count18, -16
  %end24 = add nsw i64 0, %v23
  %ragged25 = icmp slt i64 %end24, %size4
  %left26 = sub nsw i64 %size4, %end24
  %v27 = call i64 @llvm.smin.i64(i64 %left26, i64 16)
  %v28 = trunc i64 %v27 to i32
  %v29 = insertelement <16 x i32> poison, i32 %v28, i64 0
  %v30 = shufflevector <16 x i32> %v29, <16 x i32> poison, <16 x i32> zeroinitializer
  %mask31 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v30
  store i64 %begin, ptr %cell32
  br label %head33
head33:
  %unit36 = phi i64 [ %begin, %then16 ], [ %next37, %endif100 ]
  %more38 = icmp slt i64 %unit36, %end
  br i1 %more38, label %body34, label %done35
body34:
  %v39 = load i64, ptr %cell32
  %v40 = mul nsw i64 %v39, %stride8
  %v41 = getelementptr float, ptr %base6, i64 %v40
  %v42 = mul nsw i64 %v39, %stride14
  %v43 = getelementptr float, ptr %base12, i64 %v42
  br label %head44
head44:
  %j47 = phi i64 [ 0, %body34 ], [ %next48, %body45 ]
  %more49 = icmp slt i64 %j47, %end20
  br i1 %more49, label %body45, label %done46
body45:
  %v50 = getelementptr float, ptr %v41, i64 %j47
  %v51 = load <16 x float>, ptr %v50, align 4
  %v52 = getelementptr float, ptr %base10, i64 %j47
  %v53 = load <16 x float>, ptr %v52, align 4
  %v54 = fadd <16 x float> %v51, %v53
  %v55 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v54
  %v56 = select <16 x i1> %v55, <16 x float> splat (float 0x0000000000000000), <16 x float> %v54
  %v57 = getelementptr float, ptr %v43, i64 %j47
  store <16 x float> %v56, ptr %v57, align 4
  %j58 = add nsw i64 %j47, 16
  %v59 = getelementptr float, ptr %v41, i64 %j58
  %v60 = load <16 x float>, ptr %v59, align 4
  %v61 = getelementptr float, ptr %base10, i64 %j58
  %v62 = load <16 x float>, ptr %v61, align 4
  %v63 = fadd <16 x float> %v60, %v62
  %v64 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v63
  %v65 = select <16 x i1> %v64, <16 x float> splat (float 0x0000000000000000), <16 x float> %v63
  %v66 = getelementptr float, ptr %v43, i64 %j58
  store <16 x float> %v65, ptr %v66, align 4
  %j67 = add nsw i64 %j47, 32
  %v68 = getelementptr float, ptr %v41, i64 %j67
  %v69 = load <16 x float>, ptr %v68, align 4
  %v70 = getelementptr float, ptr %base10, i64 %j67
  %v71 = load <16 x float>, ptr %v70, align 4
  %v72 = fadd <16 x float> %v69, %v71
  %v73 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v72
  %v74 = select <16 x i1> %v73, <16 x float> splat (float 0x0000000000000000), <16 x float> %v72
  %v75 = getelementptr float, ptr %v43, i64 %j67
  store <16 x float> %v74, ptr %v75, align 4
  %j76 = add nsw i64 %j47, 48
  %v77 = getelementptr float, ptr %v41, i64 %j76
  %v78 = load <16 x float>, ptr %v77, align 4
  %v79 = getelementptr float, ptr %base10, i64 %j76
  %v80 = load <16 x float>, ptr %v79, align 4
  %v81 = fadd <16 x float> %v78, %v80
  %v82 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v81
  %v83 = select <16 x i1> %v82, <16 x float> splat (float 0x0000000000000000), <16 x float> %v81
  %v84 = getelementptr float, ptr %v43, i64 %j76
  store <16 x float> %v83, ptr %v84, align 4
  %next48 = add nsw i64 %j47, 64
  br label %head44
done46:
  br label %head85
head85:
  %j88 = phi i64 [ %end20, %done46 ], [ %next89, %body86 ]
  %more90 = icmp slt i64 %j88, %end24
  br i1 %more90, label %body86, label %done87
body86:
  %v91 = getelementptr float, ptr %v41, i64 %j88
  %v92 = load <16 x float>, ptr %v91, align 4
  %v93 = getelementptr float, ptr %base10, i64 %j88
  %v94 = load <16 x float>, ptr %v93, align 4
  %v95 = fadd <16 x float> %v92, %v94
  %v96 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v95
  %v97 = select <16 x i1> %v96, <16 x float> splat (float 0x0000000000000000), <16 x float> %v95
  %v98 = getelementptr float, ptr %v43, i64 %j88
  store <16 x float> %v97, ptr %v98, align 4
  %next89 = add nsw i64 %j88, 16
  br label %head85
done87:
  br i1 %ragged25, label %then99, label %endif100
then99:
  %v101 = getelementptr float, ptr %v41, i64 %end24
  %v102 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v101, i32 4, <16 x i1> %mask31, <16 x float> zeroinitializer)
  %v103 = getelementptr float, ptr %base10, i64 %end24
  %v104 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v103, i32 4, <16 x i1> %mask31, <16 x float> zeroinitializer)
  %v105 = fadd <16 x float> %v102, %v104
  %v106 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v105
  %v107 = select <16 x i1> %v106, <16 x float> splat (float 0x0000000000000000), <16 x float> %v105
  %v108 = getelementptr float, ptr %v43, i64 %end24
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v107, ptr %v108, i32 4, <16 x i1> %mask31)
  br label %endif100
endif100:
  %v109 = add nsw i64 %v39, 1
  store i64 %v109, ptr %cell32
  %next37 = add nsw i64 %unit36, 1
  br label %head33
done35:
  br label %endif17
endif17:
  ret i64 0
}

declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
