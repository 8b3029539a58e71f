define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell17 = alloca i64
  %cell38 = alloca <8 x float>
  %cell39 = alloca <8 x float>
  %cell40 = alloca <8 x float>
  %cell41 = alloca <8 x float>
  %cell42 = alloca <8 x float>
  %cell43 = alloca <8 x float>
  %cell44 = alloca <8 x float>
  %cell45 = alloca <8 x float>
  %cell134 = alloca <8 x float>
  %cell135 = alloca <8 x float>
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
  %j32 = phi i64 [ %start24, %then27 ], [ %next33, %done47 ]
  %j35 = add nsw i64 %j32, 8
  %j36 = add nsw i64 %j32, 16
  %j37 = add nsw i64 %j32, 24
  store <8 x float> splat (float 0x0000000000000000), ptr %cell38
  store <8 x float> splat (float 0x0000000000000000), ptr %cell39
  store <8 x float> splat (float 0x0000000000000000), ptr %cell40
  store <8 x float> splat (float 0x0000000000000000), ptr %cell41
  store <8 x float> splat (float 0x0000000000000000), ptr %cell42
  store <8 x float> splat (float 0x0000000000000000), ptr %cell43
  store <8 x float> splat (float 0x0000000000000000), ptr %cell44
  store <8 x float> splat (float 0x0000000000000000), ptr %cell45
  %any50 = icmp slt i64 0, %size2
  br i1 %any50, label %body46, label %done47
body46:
  %r48 = phi i64 [ 0, %body30 ], [ %next49, %endif84 ]
  %v51 = mul nsw i64 0, %size2
  %v52 = add nsw i64 %v51, %r48
  %v53 = mul nsw i64 %r48, %stride8
  %v54 = getelementptr float, ptr %base6, i64 %v53
  %row55 = mul nsw i64 %v52, 64
  %v56 = sub nsw i64 %j32, %start24
  %v57 = add nsw i64 %row55, %v56
  %v58 = getelementptr float, ptr %v54, i64 %j32
  %v59 = load <8 x float>, ptr %v58, align 4
  %v60 = load <8 x float>, ptr %cell38
  %v61 = fadd <8 x float> %v59, %v60
  store <8 x float> %v61, ptr %cell38
  %v62 = sub nsw i64 %j35, %start24
  %v63 = add nsw i64 %row55, %v62
  %v64 = getelementptr float, ptr %v54, i64 %j35
  %v65 = load <8 x float>, ptr %v64, align 4
  %v66 = load <8 x float>, ptr %cell39
  %v67 = fadd <8 x float> %v65, %v66
  store <8 x float> %v67, ptr %cell39
  %v68 = sub nsw i64 %j36, %start24
  %v69 = add nsw i64 %row55, %v68
  %v70 = getelementptr float, ptr %v54, i64 %j36
  %v71 = load <8 x float>, ptr %v70, align 4
  %v72 = load <8 x float>, ptr %cell40
  %v73 = fadd <8 x float> %v71, %v72
  store <8 x float> %v73, ptr %cell40
  %v74 = sub nsw i64 %j37, %start24
  %v75 = add nsw i64 %row55, %v74
  %v76 = getelementptr float, ptr %v54, i64 %j37
  %v77 = load <8 x float>, ptr %v76, align 4
  %v78 = load <8 x float>, ptr %cell41
  %v79 = fadd <8 x float> %v77, %v78
  store <8 x float> %v79, ptr %cell41
  %v80 = and i64 %v52, 127
  %v81 = icmp eq i64 %v80, 127
  br i1 %v81, label %then82, label %else83
then82:
  %v85 = load <8 x float>, ptr %cell38
  %v86 = load <8 x float>, ptr %cell42
  %v87 = fadd <8 x float> %v85, %v86
  store <8 x float> %v87, ptr %cell38
  %v88 = load <8 x float>, ptr %cell38
  store <8 x float> %v88, ptr %cell42
  store <8 x float> splat (float 0x0000000000000000), ptr %cell38
  %v89 = load <8 x float>, ptr %cell39
  %v90 = load <8 x float>, ptr %cell43
  %v91 = fadd <8 x float> %v89, %v90
  store <8 x float> %v91, ptr %cell39
  %v92 = load <8 x float>, ptr %cell39
  store <8 x float> %v92, ptr %cell43
  store <8 x float> splat (float 0x0000000000000000), ptr %cell39
  %v93 = load <8 x float>, ptr %cell40
  %v94 = load <8 x float>, ptr %cell44
  %v95 = fadd <8 x float> %v93, %v94
  store <8 x float> %v95, ptr %cell40
  %v96 = load <8 x float>, ptr %cell40
  store <8 x float> %v96, ptr %cell44
  store <8 x float> splat (float 0x0000000000000000), ptr %cell40
  %v97 = load <8 x float>, ptr %cell41
  %v98 = load <8 x float>, ptr %cell45
  %v99 = fadd <8 x float> %v97, %v98
  store <8 x float> %v99, ptr %cell41
  %v100 = load <8 x float>, ptr %cell41
  store <8 x float> %v100, ptr %cell45
  store <8 x float> splat (float 0x0000000000000000), ptr %cell41
  br label %endif84
else83:
  br label %endif84
endif84:
  %next49 = add nsw i64 %r48, 1
  %more101 = icmp slt i64 %next49, %size2
  br i1 %more101, label %body46, label %done47
done47:
  %v102 = load <8 x float>, ptr %cell38
  %v103 = load <8 x float>, ptr %cell42
  %v104 = fadd <8 x float> %v102, %v103
  store <8 x float> %v104, ptr %cell38
  %v105 = load <8 x float>, ptr %cell39
  %v106 = load <8 x float>, ptr %cell43
  %v107 = fadd <8 x float> %v105, %v106
  store <8 x float> %v107, ptr %cell39
  %v108 = load <8 x float>, ptr %cell40
  %v109 = load <8 x float>, ptr %cell44
  %v110 = fadd <8 x float> %v108, %v109
  store <8 x float> %v110, ptr %cell40
  %v111 = load <8 x float>, ptr %cell41
  %v112 = load <8 x float>, ptr %cell45
  %v113 = fadd <8 x float> %v111, %v112
  store <8 x float> %v113, ptr %cell41
  %v114 = load <8 x float>, ptr %cell38
  %v115 = load <8 x float>, ptr %cell39
  %v116 = load <8 x float>, ptr %cell40
  %v117 = load <8 x float>, ptr %cell41
  %v118 = getelementptr float, ptr %base10, i64 %j32
  store <8 x float> %v114, ptr %v118, align 4
  %v119 = getelementptr float, ptr %base10, i64 %j35
  store <8 x float> %v115, ptr %v119, align 4
  %v120 = getelementptr float, ptr %base10, i64 %j36
  store <8 x float> %v116, ptr %v120, align 4
  %v121 = getelementptr float, ptr %base10, i64 %j37
  store <8 x float> %v117, ptr %v121, align 4
  %next33 = add nsw i64 %j32, 32
  %more122 = icmp slt i64 %next33, %stop25
  br i1 %more122, label %body30, label %done31
done31:
  br label %endif29
else28:
  %any127 = icmp slt i64 %start24, %size4
  br i1 %any127, label %body123, label %done124
body123:
  %j125 = phi i64 [ %start24, %else28 ], [ %next126, %done137 ]
  %left128 = sub nsw i64 %size4, %j125
  %v129 = call i64 @llvm.smin.i64(i64 %left128, i64 8)
  %v130 = trunc i64 %v129 to i32
  %v131 = insertelement <8 x i32> poison, i32 %v130, i64 0
  %v132 = shufflevector <8 x i32> %v131, <8 x i32> poison, <8 x i32> zeroinitializer
  %mask133 = icmp ult <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, %v132
  store <8 x float> splat (float 0x0000000000000000), ptr %cell134
  store <8 x float> splat (float 0x0000000000000000), ptr %cell135
  %any140 = icmp slt i64 0, %size2
  br i1 %any140, label %body136, label %done137
body136:
  %r138 = phi i64 [ 0, %body123 ], [ %next139, %endif156 ]
  %v141 = mul nsw i64 0, %size2
  %v142 = add nsw i64 %v141, %r138
  %v143 = mul nsw i64 %r138, %stride8
  %v144 = getelementptr float, ptr %base6, i64 %v143
  %row145 = mul nsw i64 %v142, 64
  %v146 = sub nsw i64 %j125, %start24
  %v147 = add nsw i64 %row145, %v146
  %v148 = getelementptr float, ptr %v144, i64 %j125
  %v149 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v148, i32 4, <8 x i1> %mask133, <8 x float> zeroinitializer)
  %v150 = load <8 x float>, ptr %cell134
  %v151 = fadd <8 x float> %v149, %v150
  store <8 x float> %v151, ptr %cell134
  %v152 = and i64 %v142, 127
  %v153 = icmp eq i64 %v152, 127
  br i1 %v153, label %then154, label %else155
then154:
  %v157 = load <8 x float>, ptr %cell134
  %v158 = load <8 x float>, ptr %cell135
  %v159 = fadd <8 x float> %v157, %v158
  store <8 x float> %v159, ptr %cell134
  %v160 = load <8 x float>, ptr %cell134
  store <8 x float> %v160, ptr %cell135
  store <8 x float> splat (float 0x0000000000000000), ptr %cell134
  br label %endif156
else155:
  br label %endif156
endif156:
  %next139 = add nsw i64 %r138, 1
  %more161 = icmp slt i64 %next139, %size2
  br i1 %more161, label %body136, label %done137
done137:
  %v162 = load <8 x float>, ptr %cell134
  %v163 = load <8 x float>, ptr %cell135
  %v164 = fadd <8 x float> %v162, %v163
  store <8 x float> %v164, ptr %cell134
  %v165 = load <8 x float>, ptr %cell134
  %v166 = getelementptr float, ptr %base10, i64 %j125
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v165, ptr %v166, i32 4, <8 x i1> %mask133)
  %next126 = add nsw i64 %j125, 8
  %more167 = icmp slt i64 %next126, %size4
  br i1 %more167, label %body123, label %done124
done124:
  br label %endif29
endif29:
  %v168 = add nsw i64 %v23, 1
  store i64 %v168, ptr %cell17
  %next21 = add nsw i64 %unit20, 1
  %more169 = icmp slt i64 %next21, %end
  br i1 %more169, label %body18, label %done19
done19:
  br label %endif13
endif13:
  ret i64 0
}

declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, i32, <8 x i1>, <8 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, i32, <8 x i1>)
