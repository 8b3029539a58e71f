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
  %any33 = icmp slt i64 %begin, %end17
  br i1 %any33, label %body29, label %done30
body29:
  %j31 = phi i64 [ %begin, %then13 ], [ %next32, %body29 ]
  %v34 = mul nsw i64 %j31, %stride6
  %v35 = getelementptr half, ptr %base4, i64 %v34
  %v36 = getelementptr half, ptr %v35, <8 x i64> %v9
  %v37 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v36, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v38 = fpext <8 x half> %v37 to <8 x float>
  %v39 = fmul <8 x float> %v38, splat (float 0x3FE0000000000000)
  %v40 = getelementptr half, ptr %base11, i64 %j31
  %v41 = fptrunc <8 x float> %v39 to <8 x half>
  store <8 x half> %v41, ptr %v40, align 2
  %j42 = add nsw i64 %j31, 8
  %v43 = mul nsw i64 %j42, %stride6
  %v44 = getelementptr half, ptr %base4, i64 %v43
  %v45 = getelementptr half, ptr %v44, <8 x i64> %v9
  %v46 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v45, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v47 = fpext <8 x half> %v46 to <8 x float>
  %v48 = fmul <8 x float> %v47, splat (float 0x3FE0000000000000)
  %v49 = getelementptr half, ptr %base11, i64 %j42
  %v50 = fptrunc <8 x float> %v48 to <8 x half>
  store <8 x half> %v50, ptr %v49, align 2
  %j51 = add nsw i64 %j31, 16
  %v52 = mul nsw i64 %j51, %stride6
  %v53 = getelementptr half, ptr %base4, i64 %v52
  %v54 = getelementptr half, ptr %v53, <8 x i64> %v9
  %v55 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v54, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v56 = fpext <8 x half> %v55 to <8 x float>
  %v57 = fmul <8 x float> %v56, splat (float 0x3FE0000000000000)
  %v58 = getelementptr half, ptr %base11, i64 %j51
  %v59 = fptrunc <8 x float> %v57 to <8 x half>
  store <8 x half> %v59, ptr %v58, align 2
  %j60 = add nsw i64 %j31, 24
  %v61 = mul nsw i64 %j60, %stride6
  %v62 = getelementptr half, ptr %base4, i64 %v61
  %v63 = getelementptr half, ptr %v62, <8 x i64> %v9
  %v64 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v63, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v65 = fpext <8 x half> %v64 to <8 x float>
  %v66 = fmul <8 x float> %v65, splat (float 0x3FE0000000000000)
  %v67 = getelementptr half, ptr %base11, i64 %j60
  %v68 = fptrunc <8 x float> %v66 to <8 x half>
  store <8 x half> %v68, ptr %v67, align 2
  %next32 = add nsw i64 %j31, 32
  %more69 = icmp slt i64 %next32, %end17
  br i1 %more69, label %body29, label %done30
done30:
  %any74 = icmp slt i64 %end17, %end21
  br i1 %any74, label %body70, label %done71
body70:
  %j72 = phi i64 [ %end17, %done30 ], [ %next73, %body70 ]
  %v75 = mul nsw i64 %j72, %stride6
  %v76 = getelementptr half, ptr %base4, i64 %v75
  %v77 = getelementptr half, ptr %v76, <8 x i64> %v9
  %v78 = call <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr> %v77, i32 2, <8 x i1> splat (i1 true), <8 x half> zeroinitializer)
  %v79 = fpext <8 x half> %v78 to <8 x float>
  %v80 = fmul <8 x float> %v79, splat (float 0x3FE0000000000000)
  %v81 = getelementptr half, ptr %base11, i64 %j72
  %v82 = fptrunc <8 x float> %v80 to <8 x half>
  store <8 x half> %v82, ptr %v81, align 2
  %next73 = add nsw i64 %j72, 8
  %more83 = icmp slt i64 %next73, %end21
  br i1 %more83, label %body70, label %done71
done71:
  %any88 = icmp slt i64 %end21, %end
  br i1 %any88, label %body84, label %done85
body84:
  %j86 = phi i64 [ %end21, %done71 ], [ %next87, %body84 ]
  %v89 = mul nsw i64 %j86, %stride6
  %v90 = getelementptr half, ptr %base4, i64 %v89
  %v91 = load half, ptr %v90, align 2
  %v92 = fpext half %v91 to float
  %v93 = fmul float %v92, 0x3FE0000000000000
  %v94 = getelementptr half, ptr %base11, i64 %j86
  %v95 = fptrunc float %v93 to half
  store half %v95, ptr %v94, align 2
  %next87 = add nsw i64 %j86, 1
  %more96 = icmp slt i64 %next87, %end
  br i1 %more96, label %body84, label %done85
done85:
  br label %endif14
endif14:
  ret i64 0
}

declare <8 x half> @llvm.masked.gather.v8f16.v8p0(<8 x ptr>, i32, <8 x i1>, <8 x half>)
declare i64 @llvm.smin.i64(i64, i64)
