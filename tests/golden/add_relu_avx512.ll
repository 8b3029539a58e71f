define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell18 = alloca i64
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
  store i64 %begin, ptr %cell18
  br label %head19
head19:
  %unit22 = phi i64 [ %begin, %then16 ], [ %next23, %endif92 ]
  %more24 = icmp slt i64 %unit22, %end
  br i1 %more24, label %body20, label %done21
body20:
  %v25 = load i64, ptr %cell18
  %v26 = mul nsw i64 %v25, %stride8
  %v27 = getelementptr float, ptr %base6, i64 %v26
  %v28 = mul nsw i64 %v25, %stride14
  %v29 = getelementptr float, ptr %base12, i64 %v28
  %count30 = sub nsw i64 %size4, 0
  %v31 = and i64 %count30, -64
  %end32 = add nsw i64 0, %v31
  br label %head33
head33:
  %j36 = phi i64 [ 0, %body20 ], [ %next37, %body34 ]
  %more38 = icmp slt i64 %j36, %end32
  br i1 %more38, label %body34, label %done35
body34:
  %v39 = getelementptr float, ptr %v27, i64 %j36
  %v40 = load <16 x float>, ptr %v39, align 4
  %v41 = getelementptr float, ptr %base10, i64 %j36
  %v42 = load <16 x float>, ptr %v41, align 4
  %v43 = fadd <16 x float> %v40, %v42
  %v44 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v43
  %v45 = select <16 x i1> %v44, <16 x float> splat (float 0x0000000000000000), <16 x float> %v43
  %v46 = getelementptr float, ptr %v29, i64 %j36
  store <16 x float> %v45, ptr %v46, align 4
  %j47 = add nsw i64 %j36, 16
  %v48 = getelementptr float, ptr %v27, i64 %j47
  %v49 = load <16 x float>, ptr %v48, align 4
  %v50 = getelementptr float, ptr %base10, i64 %j47
  %v51 = load <16 x float>, ptr %v50, align 4
  %v52 = fadd <16 x float> %v49, %v51
  %v53 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v52
  %v54 = select <16 x i1> %v53, <16 x float> splat (float 0x0000000000000000), <16 x float> %v52
  %v55 = getelementptr float, ptr %v29, i64 %j47
  store <16 x float> %v54, ptr %v55, align 4
  %j56 = add nsw i64 %j36, 32
  %v57 = getelementptr float, ptr %v27, i64 %j56
  %v58 = load <16 x float>, ptr %v57, align 4
  %v59 = getelementptr float, ptr %base10, i64 %j56
  %v60 = load <16 x float>, ptr %v59, align 4
  %v61 = fadd <16 x float> %v58, %v60
  %v62 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v61
  %v63 = select <16 x i1> %v62, <16 x float> splat (float 0x0000000000000000), <16 x float> %v61
  %v64 = getelementptr float, ptr %v29, i64 %j56
  store <16 x float> %v63, ptr %v64, align 4
  %j65 = add nsw i64 %j36, 48
  %v66 = getelementptr float, ptr %v27, i64 %j65
  %v67 = load <16 x float>, ptr %v66, align 4
  %v68 = getelementptr float, ptr %base10, i64 %j65
  %v69 = load <16 x float>, ptr %v68, align 4
  %v70 = fadd <16 x float> %v67, %v69
  %v71 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v70
  %v72 = select <16 x i1> %v71, <16 x float> splat (float 0x0000000000000000), <16 x float> %v70
  %v73 = getelementptr float, ptr %v29, i64 %j65
  store <16 x float> %v72, ptr %v73, align 4
  %next37 = add nsw i64 %j36, 64
  br label %head33
done35:
  %v74 = and i64 %count30, -16
  %end75 = add nsw i64 0, %v74
  br label %head76
head76:
  %j79 = phi i64 [ %end32, %done35 ], [ %next80, %body77 ]
  %more81 = icmp slt i64 %j79, %end75
  br i1 %more81, label %body77, label %done78
body77:
  %v82 = getelementptr float, ptr %v27, i64 %j79
  %v83 = load <16 x float>, ptr %v82, align 4
  %v84 = getelementptr float, ptr %base10, i64 %j79
  %v85 = load <16 x float>, ptr %v84, align 4
  %v86 = fadd <16 x float> %v83, %v85
  %v87 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v86
  %v88 = select <16 x i1> %v87, <16 x float> splat (float 0x0000000000000000), <16 x float> %v86
  %v89 = getelementptr float, ptr %v29, i64 %j79
  store <16 x float> %v88, ptr %v89, align 4
  %next80 = add nsw i64 %j79, 16
  br label %head76
done78:
  %ragged90 = icmp slt i64 %end75, %size4
  br i1 %ragged90, label %then91, label %endif92
then91:
  %left93 = sub nsw i64 %size4, %end75
  %v94 = call i64 @llvm.smin.i64(i64 %left93, i64 16)
  %v95 = trunc i64 %v94 to i32
  %v96 = insertelement <16 x i32> poison, i32 %v95, i64 0
  %v97 = shufflevector <16 x i32> %v96, <16 x i32> poison, <16 x i32> zeroinitializer
  %mask98 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v97
  %v99 = getelementptr float, ptr %v27, i64 %end75
  %v100 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v99, i32 4, <16 x i1> %mask98, <16 x float> zeroinitializer)
  %v101 = getelementptr float, ptr %base10, i64 %end75
  %v102 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v101, i32 4, <16 x i1> %mask98, <16 x float> zeroinitializer)
  %v103 = fadd <16 x float> %v100, %v102
  %v104 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v103
  %v105 = select <16 x i1> %v104, <16 x float> splat (float 0x0000000000000000), <16 x float> %v103
  %v106 = getelementptr float, ptr %v29, i64 %end75
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v105, ptr %v106, i32 4, <16 x i1> %mask98)
  br label %endif92
endif92:
  %v107 = add nsw i64 %v25, 1
  store i64 %v107, ptr %cell18
  %next23 = add nsw i64 %unit22, 1
  br label %head19
done21:
  br label %endif17
endif17:
  ret i64 0
}

declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
