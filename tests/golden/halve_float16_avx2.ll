define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %arg1 = getelementptr i64, ptr %args, i64 0
  %size2 = load i64, ptr %arg1, align 8
  %arg3 = getelementptr i64, ptr %args, i64 1
  %base4 = load ptr, ptr %arg3, align 8
  %arg5 = getelementptr i64, ptr %args, i64 2
  %stride6 = load i64, ptr %arg5, align 8
  %v7 = insertelement <8 x i64> poison, i64 %stride6, i64 0
  %v8 = shufflevector <8 x i64> %v7, <8 x i64> poison, <8 x i32> zeroinitializer
  %v9 = mul <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %v8
  %arg10 = getelementptr i64, ptr %args, i64 3
  %base11 = load ptr, ptr %arg10, align 8
  %some12 = icmp slt i64 %begin, %end
  br i1 %some12, label %then13, label %endif14
then13:
  %count15 = sub nsw i64 %end, %begin
  %v16 = and i64 %count15, -32
  %end17 = add nsw i64 %begin, %v16
  %v18 = and i64 %count15, -16
  %end19 = add nsw i64 %begin, %v18
  %v20 = and i64 %count15, -8
  %end21 = add nsw i64 %begin, %v20
  %ragged22 = icmp slt i64 %end21, %end
  %left23 = sub nsw i64 %end, %end21
  %v24 = call i64 @llvm.smin.i64(i64 %left23, i64 8)
  %v25 = trunc i64 %v24 to i32
  %v26 = insertelement <8 x i32> poison, i32 %v25, i64 0
  %v27 = shufflevector <8 x i32> %v26, <8 x i32> poison, <8 x i32> zeroinitializer
  %mask28 = icmp ult <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v27
  br label %head29
head29:
  %j32 = phi i64 [ %begin, %then13 ], [ %next33, %body30 ]
  %more34 = icmp slt i64 %j32, %end17
  br i1 %more34, label %body30, label %done31
body30:
  %v35 = mul nsw i64 %j32, %stride6
  %v36 = getelementptr half, ptr %base4, i64 %v35
  %v37 = getelementptr half, ptr %v36, <8 x i64> %v9
  %v38 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v37, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v39 = fpext <8 x half> %v38 to <8 x float>
  %v40 = fmul <8 x float> %v39, splat (float 0x3FE0000000000000)
  %v41 = getelementptr half, ptr %base11, i64 %j32
  %v42 = fptrunc <8 x float> %v40 to <8 x half>
  store <8 x half> %v42, ptr %v41, align 2
  %j43 = add nsw i64 %j32, 8
  %v44 = mul nsw i64 %j43, %stride6
  %v45 = getelementptr half, ptr %base4, i64 %v44
  %v46 = getelementptr half, ptr %v45, <8 x i64> %v9
  %v47 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v46, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v48 = fpext <8 x half> %v47 to <8 x float>
  %v49 = fmul <8 x float> %v48, splat (float 0x3FE0000000000000)
  %v50 = getelementptr half, ptr %base11, i64 %j43
  %v51 = fptrunc <8 x float> %v49 to <8 x half>
  store <8 x half> %v51, ptr %v50, align 2
  %j52 = add nsw i64 %j32, 16
  %v53 = mul nsw i64 %j52, %stride6
  %v54 = getelementptr half, ptr %base4, i64 %v53
  %v55 = getelementptr half, ptr %v54, <8 x i64> %v9
  %v56 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v55, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v57 = fpext <8 x half> %v56 to <8 x float>
  %v58 = fmul <8 x float> %v57, splat (float 0x3FE0000000000000)
  %v59 = getelementptr half, ptr %base11, i64 %j52
  %v60 = fptrunc <8 x float> %v58 to <8 x half>
  store <8 x half> %v60, ptr %v59, align 2
  %j61 = add nsw i64 %j32, 24
  %v62 = mul nsw i64 %j61, %stride6
  %v63 = getelementptr half, ptr %base4, i64 %v62
  %v64 = getelementptr half, ptr %v63, <8 x i64> %v9
  %v65 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v64, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v66 = fpext <8 x half> %v65 to <8 x float>
  %v67 = fmul <8 x float> %v66, splat (float 0x3FE0000000000000)
  %v68 = getelementptr half, ptr %base11, i64 %j61
  %v69 = fptrunc <8 x float> %v67 to <8 x half>
  store <8 x half> %v69, ptr %v68, align 2
  %next33 = add nsw i64 %j32, 32
  br label %head29
done31:
  br label %head70
head70:
  %j73 = phi i64 [ %end17, %done31 ], [ %next74, %body71 ]
  %more75 = icmp slt i64 %j73, %end21
  br i1 %more75, label %body71, label %done72
body71:
  %v76 = mul nsw i64 %j73, %stride6
  %v77 = getelementptr half, ptr %base4, i64 %v76
  %v78 = getelementptr half, ptr %v77, <8 x i64> %v9
  %v79 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v78, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v80 = fpext <8 x half> %v79 to <8 x float>
  %v81 = fmul <8 x float> %v80, splat (float 0x3FE0000000000000)
  %v82 = getelementptr half, ptr %base11, i64 %j73
  %v83 = fptrunc <8 x float> %v81 to <8 x half>
  store <8 x half> %v83, ptr %v82, align 2
  %next74 = add nsw i64 %j73, 8
  br label %head70
done72:
  br i1 %ragged22, label %then84, label %endif85
then84:
  %v86 = mul nsw i64 %end21, %stride6
  %v87 = getelementptr half, ptr %base4, i64 %v86
  %v88 = getelementptr half, ptr %v87, <8 x i64> %v9
  %v89 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v88, i32 2, <8 x i1> %mask28, <8 x half> zeroinitializer)
  %v90 = fpext <8 x half> %v89 to <8 x float>
  %v91 = fmul <8 x float> %v90, splat (float 0x3FE0000000000000)
  %v92 = getelementptr half, ptr %base11, i64 %end21
  %v93 = fptrunc <8 x float> %v91 to <8 x half>
  call void @llvm.masked.store.v8f16.p0(<8 x half> %v93, ptr %v92, i32 2, <8 x i1> %mask28)
  br label %endif85
endif85:
  br label %endif14
endif14:
  ret i64 0
}

declare <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr>, i32, <8 x i1>, <8 x half>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v8f16.p0(<8 x half>, ptr, i32, <8 x i1>)
