define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %arg1 = getelementptr i64, ptr %args, i64 0
  %size2 = load i64, ptr %arg1, align 8
  %arg3 = getelementptr i64, ptr %args, i64 1
  %base4 = load ptr, ptr %arg3, align 8
  %arg5 = getelementptr i64, ptr %args, i64 2
  %stride6 = load i64, ptr %arg5, align 8
  %arg7 = getelementptr i64, ptr %args, i64 3
  %base8 = load ptr, ptr %arg7, align 8
  %some9 = icmp slt i64 %begin, %end
  br i1 %some9, label %then10, label %endif11
then10:
  %count12 = sub nsw i64 %end, %begin
  %v13 = and i64 %count12, -32
  %end14 = add nsw i64 %begin, %v13
  br label %head15
head15:
  %j18 = phi i64 [ %begin, %then10 ], [ %next19, %body16 ]
  %more20 = icmp slt i64 %j18, %end14
  br i1 %more20, label %body16, label %done17
body16:
  %v21 = mul nsw i64 %j18, %stride6
  %v22 = getelementptr half, ptr %base4, i64 %v21
  %v23 = insertelement <8 x i64> poison, i64 %stride6, i64 0
  %v24 = shufflevector <8 x i64> %v23, <8 x i64> poison, <8 x i32> zeroinitializer
  %v25 = mul <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %v24
  %v26 = getelementptr half, ptr %v22, <8 x i64> %v25
  %v27 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v26, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v28 = fpext <8 x half> %v27 to <8 x float>
  %v29 = fmul <8 x float> %v28, splat (float 0x3FE0000000000000)
  %v30 = getelementptr half, ptr %base8, i64 %j18
  %v31 = fptrunc <8 x float> %v29 to <8 x half>
  store <8 x half> %v31, ptr %v30, align 2
  %j32 = add nsw i64 %j18, 8
  %v33 = mul nsw i64 %j32, %stride6
  %v34 = getelementptr half, ptr %base4, i64 %v33
  %v35 = insertelement <8 x i64> poison, i64 %stride6, i64 0
  %v36 = shufflevector <8 x i64> %v35, <8 x i64> poison, <8 x i32> zeroinitializer
  %v37 = mul <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %v36
  %v38 = getelementptr half, ptr %v34, <8 x i64> %v37
  %v39 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v38, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v40 = fpext <8 x half> %v39 to <8 x float>
  %v41 = fmul <8 x float> %v40, splat (float 0x3FE0000000000000)
  %v42 = getelementptr half, ptr %base8, i64 %j32
  %v43 = fptrunc <8 x float> %v41 to <8 x half>
  store <8 x half> %v43, ptr %v42, align 2
  %j44 = add nsw i64 %j18, 16
  %v45 = mul nsw i64 %j44, %stride6
  %v46 = getelementptr half, ptr %base4, i64 %v45
  %v47 = insertelement <8 x i64> poison, i64 %stride6, i64 0
  %v48 = shufflevector <8 x i64> %v47, <8 x i64> poison, <8 x i32> zeroinitializer
  %v49 = mul <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %v48
  %v50 = getelementptr half, ptr %v46, <8 x i64> %v49
  %v51 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v50, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v52 = fpext <8 x half> %v51 to <8 x float>
  %v53 = fmul <8 x float> %v52, splat (float 0x3FE0000000000000)
  %v54 = getelementptr half, ptr %base8, i64 %j44
  %v55 = fptrunc <8 x float> %v53 to <8 x half>
  store <8 x half> %v55, ptr %v54, align 2
  %j56 = add nsw i64 %j18, 24
  %v57 = mul nsw i64 %j56, %stride6
  %v58 = getelementptr half, ptr %base4, i64 %v57
  %v59 = insertelement <8 x i64> poison, i64 %stride6, i64 0
  %v60 = shufflevector <8 x i64> %v59, <8 x i64> poison, <8 x i32> zeroinitializer
  %v61 = mul <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %v60
  %v62 = getelementptr half, ptr %v58, <8 x i64> %v61
  %v63 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v62, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v64 = fpext <8 x half> %v63 to <8 x float>
  %v65 = fmul <8 x float> %v64, splat (float 0x3FE0000000000000)
  %v66 = getelementptr half, ptr %base8, i64 %j56
  %v67 = fptrunc <8 x float> %v65 to <8 x half>
  store <8 x half> %v67, ptr %v66, align 2
  %next19 = add nsw i64 %j18, 32
  br label %head15
done17:
  %v68 = and i64 %count12, -8
  %end69 = add nsw i64 %begin, %v68
  br label %head70
head70:
  %j73 = phi i64 [ %end14, %done17 ], [ %next74, %body71 ]
  %more75 = icmp slt i64 %j73, %end69
  br i1 %more75, label %body71, label %done72
body71:
  %v76 = mul nsw i64 %j73, %stride6
  %v77 = getelementptr half, ptr %base4, i64 %v76
  %v78 = insertelement <8 x i64> poison, i64 %stride6, i64 0
  %v79 = shufflevector <8 x i64> %v78, <8 x i64> poison, <8 x i32> zeroinitializer
  %v80 = mul <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %v79
  %v81 = getelementptr half, ptr %v77, <8 x i64> %v80
  %v82 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v81, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v83 = fpext <8 x half> %v82 to <8 x float>
  %v84 = fmul <8 x float> %v83, splat (float 0x3FE0000000000000)
  %v85 = getelementptr half, ptr %base8, i64 %j73
  %v86 = fptrunc <8 x float> %v84 to <8 x half>
  store <8 x half> %v86, ptr %v85, align 2
  %next74 = add nsw i64 %j73, 8
  br label %head70
done72:
  %ragged87 = icmp slt i64 %end69, %end
  br i1 %ragged87, label %then88, label %endif89
then88:
  %left90 = sub nsw i64 %end, %end69
  %v91 = call i64 @llvm.smin.i64(i64 %left90, i64 8)
  %v92 = trunc i64 %v91 to i32
  %v93 = insertelement <8 x i32> poison, i32 %v92, i64 0
  %v94 = shufflevector <8 x i32> %v93, <8 x i32> poison, <8 x i32> zeroinitializer
  %mask95 = icmp ult <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v94
  %v96 = mul nsw i64 %end69, %stride6
  %v97 = getelementptr half, ptr %base4, i64 %v96
  %v98 = insertelement <8 x i64> poison, i64 %stride6, i64 0
  %v99 = shufflevector <8 x i64> %v98, <8 x i64> poison, <8 x i32> zeroinitializer
  %v100 = mul <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %v99
  %v101 = getelementptr half, ptr %v97, <8 x i64> %v100
  %v102 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v101, i32 2, <8 x i1> %mask95, <8 x half> zeroinitializer)
  %v103 = fpext <8 x half> %v102 to <8 x float>
  %v104 = fmul <8 x float> %v103, splat (float 0x3FE0000000000000)
  %v105 = getelementptr half, ptr %base8, i64 %end69
  %v106 = fptrunc <8 x float> %v104 to <8 x half>
  call void @llvm.masked.store.v8f16.p0(<8 x half> %v106, ptr %v105, i32 2, <8 x i1> %mask95)
  br label %endif89
endif89:
  br label %endif11
endif11:
  ret i64 0
}

declare <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr>, i32, <8 x i1>, <8 x half>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v8f16.p0(<8 x half>, ptr, i32, <8 x i1>)
