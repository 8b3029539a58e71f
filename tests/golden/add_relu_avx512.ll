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
  %any37 = icmp slt i64 %begin, %end
  br i1 %any37, label %body33, label %done34
body33:
  %unit35 = phi i64 [ %begin, %then16 ], [ %next36, %endif99 ]
  %v38 = load i64, ptr %cell32
  %v39 = mul nsw i64 %v38, %stride8
  %v40 = getelementptr float, ptr %base6, i64 %v39
  %v41 = mul nsw i64 %v38, %stride14
  %v42 = getelementptr float, ptr %base12, i64 %v41
  %any47 = icmp slt i64 0, %end20
  br i1 %any47, label %body43, label %done44
body43:
  %j45 = phi i64 [ 0, %body33 ], [ %next46, %body43 ]
  %v48 = getelementptr float, ptr %v40, i64 %j45
  %v49 = load <16 x float>, ptr %v48, align 4
  %v50 = getelementptr float, ptr %base10, i64 %j45
  %v51 = load <16 x float>, ptr %v50, align 4
  %v52 = fadd <16 x float> %v49, %v51
  %v53 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v52
  %v54 = select <16 x i1> %v53, <16 x float> splat (float 0x0000000000000000), <16 x float> %v52
  %v55 = getelementptr float, ptr %v42, i64 %j45
  store <16 x float> %v54, ptr %v55, align 4
  %j56 = add nsw i64 %j45, 16
  %v57 = getelementptr float, ptr %v40, i64 %j56
  %v58 = load <16 x float>, ptr %v57, align 4
  %v59 = getelementptr float, ptr %base10, i64 %j56
  %v60 = load <16 x float>, ptr %v59, align 4
  %v61 = fadd <16 x float> %v58, %v60
  %v62 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v61
  %v63 = select <16 x i1> %v62, <16 x float> splat (float 0x0000000000000000), <16 x float> %v61
  %v64 = getelementptr float, ptr %v42, i64 %j56
  store <16 x float> %v63, ptr %v64, align 4
  %j65 = add nsw i64 %j45, 32
  %v66 = getelementptr float, ptr %v40, i64 %j65
  %v67 = load <16 x float>, ptr %v66, align 4
  %v68 = getelementptr float, ptr %base10, i64 %j65
  %v69 = load <16 x float>, ptr %v68, align 4
  %v70 = fadd <16 x float> %v67, %v69
  %v71 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v70
  %v72 = select <16 x i1> %v71, <16 x float> splat (float 0x0000000000000000), <16 x float> %v70
  %v73 = getelementptr float, ptr %v42, i64 %j65
  store <16 x float> %v72, ptr %v73, align 4
  %j74 = add nsw i64 %j45, 48
  %v75 = getelementptr float, ptr %v40, i64 %j74
  %v76 = load <16 x float>, ptr %v75, align 4
  %v77 = getelementptr float, ptr %base10, i64 %j74
  %v78 = load <16 x float>, ptr %v77, align 4
  %v79 = fadd <16 x float> %v76, %v78
  %v80 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v79
  %v81 = select <16 x i1> %v80, <16 x float> splat (float 0x0000000000000000), <16 x float> %v79
  %v82 = getelementptr float, ptr %v42, i64 %j74
  store <16 x float> %v81, ptr %v82, align 4
  %next46 = add nsw i64 %j45, 64
  %more83 = icmp slt i64 %next46, %end20
  br i1 %more83, label %body43, label %done44
done44:
  %any88 = icmp slt i64 %end20, %end24
  br i1 %any88, label %body84, label %done85
body84:
  %j86 = phi i64 [ %end20, %done44 ], [ %next87, %body84 ]
  %v89 = getelementptr float, ptr %v40, i64 %j86
  %v90 = load <16 x float>, ptr %v89, align 4
  %v91 = getelementptr float, ptr %base10, i64 %j86
  %v92 = load <16 x float>, ptr %v91, align 4
  %v93 = fadd <16 x float> %v90, %v92
  %v94 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v93
  %v95 = select <16 x i1> %v94, <16 x float> splat (float 0x0000000000000000), <16 x float> %v93
  %v96 = getelementptr float, ptr %v42, i64 %j86
  store <16 x float> %v95, ptr %v96, align 4
  %next87 = add nsw i64 %j86, 16
  %more97 = icmp slt i64 %next87, %end24
  br i1 %more97, label %body84, label %done85
done85:
  br i1 %ragged25, label %then98, label %endif99
then98:
  %v100 = getelementptr float, ptr %v40, i64 %end24
  %v101 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v100, i32 4, <16 x i1> %mask31, <16 x float> zeroinitializer)
  %v102 = getelementptr float, ptr %base10, i64 %end24
  %v103 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v102, i32 4, <16 x i1> %mask31, <16 x float> zeroinitializer)
  %v104 = fadd <16 x float> %v101, %v103
  %v105 = fcmp ogt <16 x float> splat (float 0x0000000000000000), %v104
  %v106 = select <16 x i1> %v105, <16 x float> splat (float 0x0000000000000000), <16 x float> %v104
  %v107 = getelementptr float, ptr %v42, i64 %end24
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v106, ptr %v107, i32 4, <16 x i1> %mask31)
  br label %endif99
endif99:
  %v108 = add nsw i64 %v38, 1
  store i64 %v108, ptr %cell32
  %next36 = add nsw i64 %unit35, 1
  %more109 = icmp slt i64 %next36, %end
  br i1 %more109, label %body33, label %done34
done34:
  br label %endif17
endif17:
  ret i64 0
}

declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
