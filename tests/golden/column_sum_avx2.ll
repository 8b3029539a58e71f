define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell17 = alloca i64
  %cell38 = alloca <8 x float>
  %cell39 = alloca <8 x float>
  %cell40 = alloca <8 x float>
  %cell41 = alloca <8 x float>
  %cell97 = alloca <8 x float>
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
  %any22 = icmp slt i64 %begin, %end
  br i1 %any22, label %body18, label %done19
body18:
  %unit20 = phi i64 [ %begin, %then12 ], [ %next21, %endif29 ]
  %v23 = load i64, ptr %cell17
  %start24 = mul nsw i64 %v23, 64
  %stop25 = add nsw i64 %start24, 64
  %full26 = icmp sle i64 %stop25, %size4
  br i1 %full26, label %then27, label %else28
then27:
  %any34 = icmp slt i64 %start24, %stop25
  br i1 %any34, label %body30, label %done31
body30:
  %j32 = phi i64 [ %start24, %then27 ], [ %next33, %done43 ]
  %j35 = add nsw i64 %j32, 8
  %j36 = add nsw i64 %j32, 16
  %j37 = add nsw i64 %j32, 24
  store <8 x float> splat (float 0x0000000000000000), ptr %cell38
  store <8 x float> splat (float 0x0000000000000000), ptr %cell39
  store <8 x float> splat (float 0x0000000000000000), ptr %cell40
  store <8 x float> splat (float 0x0000000000000000), ptr %cell41
  %any46 = icmp slt i64 0, %size2
  br i1 %any46, label %body42, label %done43
body42:
  %r44 = phi i64 [ 0, %body30 ], [ %next45, %body42 ]
  %v47 = mul nsw i64 0, %size2
  %v48 = add nsw i64 %v47, %r44
  %v49 = mul nsw i64 %r44, %stride8
  %v50 = getelementptr float, ptr %base6, i64 %v49
  %row51 = mul nsw i64 %v48, 64
  %v52 = sub nsw i64 %j32, %start24
  %v53 = add nsw i64 %row51, %v52
  %v54 = getelementptr float, ptr %v50, i64 %j32
  %v55 = load <8 x float>, ptr %v54, align 4
  %v56 = load <8 x float>, ptr %cell38
  %v57 = fadd <8 x float> %v55, %v56
  store <8 x float> %v57, ptr %cell38
  %v58 = sub nsw i64 %j35, %start24
  %v59 = add nsw i64 %row51, %v58
  %v60 = getelementptr float, ptr %v50, i64 %j35
  %v61 = load <8 x float>, ptr %v60, align 4
  %v62 = load <8 x float>, ptr %cell39
  %v63 = fadd <8 x float> %v61, %v62
  store <8 x float> %v63, ptr %cell39
  %v64 = sub nsw i64 %j36, %start24
  %v65 = add nsw i64 %row51, %v64
  %v66 = getelementptr float, ptr %v50, i64 %j36
  %v67 = load <8 x float>, ptr %v66, align 4
  %v68 = load <8 x float>, ptr %cell40
  %v69 = fadd <8 x float> %v67, %v68
  store <8 x float> %v69, ptr %cell40
  %v70 = sub nsw i64 %j37, %start24
  %v71 = add nsw i64 %row51, %v70
  %v72 = getelementptr float, ptr %v50, i64 %j37
  %v73 = load <8 x float>, ptr %v72, align 4
  %v74 = load <8 x float>, ptr %cell41
  %v75 = fadd <8 x float> %v73, %v74
  store <8 x float> %v75, ptr %cell41
  %next45 = add nsw i64 %r44, 1
  %more76 = icmp slt i64 %next45, %size2
  br i1 %more76, label %body42, label %done43
done43:
  %v77 = load <8 x float>, ptr %cell38
  %v78 = load <8 x float>, ptr %cell39
  %v79 = load <8 x float>, ptr %cell40
  %v80 = load <8 x float>, ptr %cell41
  %v81 = getelementptr float, ptr %base10, i64 %j32
  store <8 x float> %v77, ptr %v81, align 4
  %v82 = getelementptr float, ptr %base10, i64 %j35
  store <8 x float> %v78, ptr %v82, align 4
  %v83 = getelementptr float, ptr %base10, i64 %j36
  store <8 x float> %v79, ptr %v83, align 4
  %v84 = getelementptr float, ptr %base10, i64 %j37
  store <8 x float> %v80, ptr %v84, align 4
  %next33 = add nsw i64 %j32, 32
  %more85 = icmp slt i64 %next33, %stop25
  br i1 %more85, label %body30, label %done31
done31:
  br label %endif29
else28:
  %any90 = icmp slt i64 %start24, %size4
  br i1 %any90, label %body86, label %done87
body86:
  %j88 = phi i64 [ %start24, %else28 ], [ %next89, %done99 ]
  %left91 = sub nsw i64 %size4, %j88
  %v92 = call i64 @llvm.smin.i64(i64 %left91, i64 8)
  %v93 = trunc i64 %v92 to i32
  %v94 = insertelement <8 x i32> poison, i32 %v93, i64 0
  %v95 = shufflevector <8 x i32> %v94, <8 x i32> poison, <8 x i32> zeroinitializer
  %mask96 = icmp ult <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v95
  store <8 x float> splat (float 0x0000000000000000), ptr %cell97
  %any102 = icmp slt i64 0, %size2
  br i1 %any102, label %body98, label %done99
body98:
  %r100 = phi i64 [ 0, %body86 ], [ %next101, %body98 ]
  %v103 = mul nsw i64 0, %size2
  %v104 = add nsw i64 %v103, %r100
  %v105 = mul nsw i64 %r100, %stride8
  %v106 = getelementptr float, ptr %base6, i64 %v105
  %row107 = mul nsw i64 %v104, 64
  %v108 = sub nsw i64 %j88, %start24
  %v109 = add nsw i64 %row107, %v108
  %v110 = getelementptr float, ptr %v106, i64 %j88
  %v111 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v110, i32 4, <8 x i1> %mask96, <8 x float> zeroinitializer)
  %v112 = load <8 x float>, ptr %cell97
  %v113 = fadd <8 x float> %v111, %v112
  store <8 x float> %v113, ptr %cell97
  %next101 = add nsw i64 %r100, 1
  %more114 = icmp slt i64 %next101, %size2
  br i1 %more114, label %body98, label %done99
done99:
  %v115 = load <8 x float>, ptr %cell97
  %v116 = getelementptr float, ptr %base10, i64 %j88
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v115, ptr %v116, i32 4, <8 x i1> %mask96)
  %next89 = add nsw i64 %j88, 8
  %more117 = icmp slt i64 %next89, %size4
  br i1 %more117, label %body86, label %done87
done87:
  br label %endif29
endif29:
  %v118 = add nsw i64 %v23, 1
  store i64 %v118, ptr %cell17
  %next21 = add nsw i64 %unit20, 1
  %more119 = icmp slt i64 %next21, %end
  br i1 %more119, label %body18, label %done19
done19:
  br label %endif13
endif13:
  ret i64 0
}

declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, i32, <8 x i1>, <8 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, i32, <8 x i1>)
