define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell38 = alloca i64
  %cell49 = alloca <16 x float>
  %cell50 = alloca <16 x float>
  %cell51 = alloca <16 x float>
  %cell52 = alloca <16 x float>
  %cell160 = alloca <16 x float>
  %cell161 = alloca <16 x float>
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
  %stride12 = load i64, ptr %arg11, align 8
  %some13 = icmp slt i64 %begin, %end
  br i1 %some13, label %then14, label %endif15
then14:
  %count16 = mul nsw i64 1, %size4
  %v17 = mul nsw i64 %count16, 4
  %v18 = add nsw i64 %v17, 63
  %v19 = and i64 %v18, -64
  %kept20 = getelementptr i8, ptr %scratch, i64 %v19
  %count21 = sub nsw i64 %size4, 0
  %v22 = and i64 %count21, -64
  %end23 = add nsw i64 0, %v22
  %v24 = and i64 %count21, -32
  %end25 = add nsw i64 0, %v24
  %v26 = and i64 %count21, -16
  %end27 = add nsw i64 0, %v26
  %ragged28 = icmp slt i64 %end27, %size4
  %left29 = sub nsw i64 %size4, %end27
  %v30 = call i64 @llvm.smin.i64(i64 %left29, i64 16)
  %v31 = trunc i64 %v30 to i32
  %v32 = insertelement <16 x i32> poison, i32 %v31, i64 0
  %v33 = shufflevector <16 x i32> %v32, <16 x i32> poison, <16 x i32> zeroinitializer
  %mask34 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v33
  %count35 = mul nsw i64 1, %size4
  %short36 = icmp sle i64 %count35, 2048
  %v37 = select i1 %short36, i64 %stride8, i64 0
  store i64 %begin, ptr %cell38
  %any43 = icmp slt i64 %begin, %end
  br i1 %any43, label %body39, label %done40
body39:
  %unit41 = phi i64 [ %begin, %then14 ], [ %next42, %endif319 ]
  %v44 = load i64, ptr %cell38
  %v45 = mul nsw i64 %v44, %stride8
  %v46 = getelementptr float, ptr %base6, i64 %v45
  %v47 = mul nsw i64 %v44, %stride12
  %v48 = getelementptr float, ptr %base10, i64 %v47
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell49
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell50
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell51
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell52
  %row53 = mul nsw i64 0, %size4
  %any58 = icmp slt i64 0, %end23
  br i1 %any58, label %body54, label %done55
body54:
  %j56 = phi i64 [ 0, %body39 ], [ %next57, %body54 ]
  %v59 = add nsw i64 %row53, %j56
  %v60 = getelementptr float, ptr %v46, i64 %j56
  %v61 = load <16 x float>, ptr %v60, align 4
  %v62 = load <16 x float>, ptr %cell49
  %v63 = fcmp ogt <16 x float> %v61, %v62
  %v64 = select <16 x i1> %v63, <16 x float> %v61, <16 x float> %v62
  %v65 = fcmp uno <16 x float> %v61, %v61
  %v66 = select <16 x i1> %v65, <16 x float> %v61, <16 x float> %v64
  store <16 x float> %v66, ptr %cell49
  %j67 = add nsw i64 %j56, 16
  %v68 = add nsw i64 %row53, %j67
  %v69 = getelementptr float, ptr %v46, i64 %j67
  %v70 = load <16 x float>, ptr %v69, align 4
  %v71 = load <16 x float>, ptr %cell50
  %v72 = fcmp ogt <16 x float> %v70, %v71
  %v73 = select <16 x i1> %v72, <16 x float> %v70, <16 x float> %v71
  %v74 = fcmp uno <16 x float> %v70, %v70
  %v75 = select <16 x i1> %v74, <16 x float> %v70, <16 x float> %v73
  store <16 x float> %v75, ptr %cell50
  %j76 = add nsw i64 %j56, 32
  %v77 = add nsw i64 %row53, %j76
  %v78 = getelementptr float, ptr %v46, i64 %j76
  %v79 = load <16 x float>, ptr %v78, align 4
  %v80 = load <16 x float>, ptr %cell51
  %v81 = fcmp ogt <16 x float> %v79, %v80
  %v82 = select <16 x i1> %v81, <16 x float> %v79, <16 x float> %v80
  %v83 = fcmp uno <16 x float> %v79, %v79
  %v84 = select <16 x i1> %v83, <16 x float> %v79, <16 x float> %v82
  store <16 x float> %v84, ptr %cell51
  %j85 = add nsw i64 %j56, 48
  %v86 = add nsw i64 %row53, %j85
  %v87 = getelementptr float, ptr %v46, i64 %j85
  %v88 = load <16 x float>, ptr %v87, align 4
  %v89 = load <16 x float>, ptr %cell52
  %v90 = fcmp ogt <16 x float> %v88, %v89
  %v91 = select <16 x i1> %v90, <16 x float> %v88, <16 x float> %v89
  %v92 = fcmp uno <16 x float> %v88, %v88
  %v93 = select <16 x i1> %v92, <16 x float> %v88, <16 x float> %v91
  store <16 x float> %v93, ptr %cell52
  %next57 = add nsw i64 %j56, 64
  %more94 = icmp slt i64 %next57, %end23
  br i1 %more94, label %body54, label %done55
done55:
  %any99 = icmp slt i64 %end23, %end27
  br i1 %any99, label %body95, label %done96
body95:
  %j97 = phi i64 [ %end23, %done55 ], [ %next98, %body95 ]
  %v100 = add nsw i64 %row53, %j97
  %v101 = getelementptr float, ptr %v46, i64 %j97
  %v102 = load <16 x float>, ptr %v101, align 4
  %v103 = load <16 x float>, ptr %cell49
  %v104 = fcmp ogt <16 x float> %v102, %v103
  %v105 = select <16 x i1> %v104, <16 x float> %v102, <16 x float> %v103
  %v106 = fcmp uno <16 x float> %v102, %v102
  %v107 = select <16 x i1> %v106, <16 x float> %v102, <16 x float> %v105
  store <16 x float> %v107, ptr %cell49
  %next98 = add nsw i64 %j97, 16
  %more108 = icmp slt i64 %next98, %end27
  br i1 %more108, label %body95, label %done96
done96:
  br i1 %ragged28, label %then109, label %endif110
then109:
  %v111 = add nsw i64 %row53, %end27
  %v112 = getelementptr float, ptr %v46, i64 %end27
  %v113 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v112, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v114 = load <16 x float>, ptr %cell49
  %v115 = fcmp ogt <16 x float> %v113, %v114
  %v116 = select <16 x i1> %v115, <16 x float> %v113, <16 x float> %v114
  %v117 = fcmp uno <16 x float> %v113, %v113
  %v118 = select <16 x i1> %v117, <16 x float> %v113, <16 x float> %v116
  %v119 = select <16 x i1> %mask34, <16 x float> %v118, <16 x float> %v114
  store <16 x float> %v119, ptr %cell49
  br label %endif110
endif110:
  %v120 = load <16 x float>, ptr %cell49
  %v121 = load <16 x float>, ptr %cell50
  %v122 = load <16 x float>, ptr %cell51
  %v123 = load <16 x float>, ptr %cell52
  %v124 = fcmp ogt <16 x float> %v120, %v122
  %v125 = select <16 x i1> %v124, <16 x float> %v120, <16 x float> %v122
  %v126 = fcmp uno <16 x float> %v120, %v120
  %v127 = select <16 x i1> %v126, <16 x float> %v120, <16 x float> %v125
  %v128 = fcmp ogt <16 x float> %v121, %v123
  %v129 = select <16 x i1> %v128, <16 x float> %v121, <16 x float> %v123
  %v130 = fcmp uno <16 x float> %v121, %v121
  %v131 = select <16 x i1> %v130, <16 x float> %v121, <16 x float> %v129
  %v132 = fcmp ogt <16 x float> %v127, %v131
  %v133 = select <16 x i1> %v132, <16 x float> %v127, <16 x float> %v131
  %v134 = fcmp uno <16 x float> %v127, %v127
  %v135 = select <16 x i1> %v134, <16 x float> %v127, <16 x float> %v133
  %v136 = shufflevector <16 x float> %v135, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v137 = shufflevector <16 x float> %v135, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v138 = fcmp ogt <8 x float> %v137, %v136
  %v139 = select <8 x i1> %v138, <8 x float> %v137, <8 x float> %v136
  %v140 = fcmp uno <8 x float> %v137, %v137
  %v141 = select <8 x i1> %v140, <8 x float> %v137, <8 x float> %v139
  %v142 = shufflevector <8 x float> %v141, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v143 = shufflevector <8 x float> %v141, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v144 = fcmp ogt <4 x float> %v143, %v142
  %v145 = select <4 x i1> %v144, <4 x float> %v143, <4 x float> %v142
  %v146 = fcmp uno <4 x float> %v143, %v143
  %v147 = select <4 x i1> %v146, <4 x float> %v143, <4 x float> %v145
  %v148 = shufflevector <4 x float> %v147, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v149 = shufflevector <4 x float> %v147, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v150 = fcmp ogt <2 x float> %v149, %v148
  %v151 = select <2 x i1> %v150, <2 x float> %v149, <2 x float> %v148
  %v152 = fcmp uno <2 x float> %v149, %v149
  %v153 = select <2 x i1> %v152, <2 x float> %v149, <2 x float> %v151
  %v154 = extractelement <2 x float> %v153, i64 0
  %v155 = extractelement <2 x float> %v153, i64 1
  %v156 = fcmp ogt float %v155, %v154
  %v157 = select i1 %v156, float %v155, float %v154
  %v158 = fcmp uno float %v155, %v155
  %v159 = select i1 %v158, float %v155, float %v157
  store <16 x float> splat (float 0x0000000000000000), ptr %cell160
  store <16 x float> splat (float 0x0000000000000000), ptr %cell161
  %v162 = insertelement <16 x float> poison, float %v159, i64 0
  %v163 = shufflevector <16 x float> %v162, <16 x float> poison, <16 x i32> zeroinitializer
  %row164 = mul nsw i64 0, %size4
  %any169 = icmp slt i64 0, %end25
  br i1 %any169, label %body165, label %done166
body165:
  %j167 = phi i64 [ 0, %endif110 ], [ %next168, %body165 ]
  %v170 = add nsw i64 %row164, %j167
  %v171 = getelementptr float, ptr %v46, i64 %j167
  %v172 = load <16 x float>, ptr %v171, align 4
  %v173 = fsub <16 x float> %v172, %v163
  %v174 = fcmp olt <16 x float> %v173, splat (float 0xC05A000000000000)
  %v175 = xor <16 x i1> %v174, splat (i1 true)
  %v176 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v173
  %v177 = select <16 x i1> %v176, <16 x float> splat (float 0x4056400000000000), <16 x float> %v173
  %v178 = select <16 x i1> %v175, <16 x float> %v177, <16 x float> splat (float 0x0000000000000000)
  %v179 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v180 = fsub <16 x float> %v179, splat (float 0x4168000000000000)
  %v181 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v178)
  %v182 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v181)
  %v183 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v182, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v184 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v182, <16 x float> %v183, <16 x float> splat (float 0x3FA5558F00000000))
  %v185 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v182, <16 x float> %v184, <16 x float> splat (float 0x3FC5554920000000))
  %v186 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v182, <16 x float> %v185, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v187 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v182, <16 x float> %v186, <16 x float> splat (float 0x3FF0000000000000))
  %v188 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v182, <16 x float> %v187, <16 x float> splat (float 0x3FF0000000000000))
  %v189 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v188, <16 x float> %v180, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v190 = select <16 x i1> %v175, <16 x float> %v189, <16 x float> splat (float 0x0000000000000000)
  %v191 = getelementptr float, ptr %scratch, i64 %v170
  store <16 x float> %v190, ptr %v191, align 4
  %v192 = getelementptr float, ptr %v46, i64 %j167
  %v193 = getelementptr float, ptr %v192, i64 %v37
  call void @llvm.prefetch.p0(ptr %v193, i32 0, i32 3, i32 1)
  %v194 = getelementptr float, ptr %v48, i64 %j167
  call void @llvm.prefetch.p0(ptr %v194, i32 1, i32 3, i32 1)
  %v195 = load <16 x float>, ptr %cell160
  %v196 = fadd <16 x float> %v190, %v195
  store <16 x float> %v196, ptr %cell160
  %j197 = add nsw i64 %j167, 16
  %v198 = add nsw i64 %row164, %j197
  %v199 = getelementptr float, ptr %v46, i64 %j197
  %v200 = load <16 x float>, ptr %v199, align 4
  %v201 = fsub <16 x float> %v200, %v163
  %v202 = fcmp olt <16 x float> %v201, splat (float 0xC05A000000000000)
  %v203 = xor <16 x i1> %v202, splat (i1 true)
  %v204 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v201
  %v205 = select <16 x i1> %v204, <16 x float> splat (float 0x4056400000000000), <16 x float> %v201
  %v206 = select <16 x i1> %v203, <16 x float> %v205, <16 x float> splat (float 0x0000000000000000)
  %v207 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v206, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v208 = fsub <16 x float> %v207, splat (float 0x4168000000000000)
  %v209 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v208, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v206)
  %v210 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v208, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v209)
  %v211 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v210, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v212 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v210, <16 x float> %v211, <16 x float> splat (float 0x3FA5558F00000000))
  %v213 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v210, <16 x float> %v212, <16 x float> splat (float 0x3FC5554920000000))
  %v214 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v210, <16 x float> %v213, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v215 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v210, <16 x float> %v214, <16 x float> splat (float 0x3FF0000000000000))
  %v216 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v210, <16 x float> %v215, <16 x float> splat (float 0x3FF0000000000000))
  %v217 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v216, <16 x float> %v208, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v218 = select <16 x i1> %v203, <16 x float> %v217, <16 x float> splat (float 0x0000000000000000)
  %v219 = getelementptr float, ptr %scratch, i64 %v198
  store <16 x float> %v218, ptr %v219, align 4
  %v220 = getelementptr float, ptr %v46, i64 %j197
  %v221 = getelementptr float, ptr %v220, i64 %v37
  call void @llvm.prefetch.p0(ptr %v221, i32 0, i32 3, i32 1)
  %v222 = getelementptr float, ptr %v48, i64 %j197
  call void @llvm.prefetch.p0(ptr %v222, i32 1, i32 3, i32 1)
  %v223 = load <16 x float>, ptr %cell161
  %v224 = fadd <16 x float> %v218, %v223
  store <16 x float> %v224, ptr %cell161
  %next168 = add nsw i64 %j167, 32
  %more225 = icmp slt i64 %next168, %end25
  br i1 %more225, label %body165, label %done166
done166:
  %any230 = icmp slt i64 %end25, %end27
  br i1 %any230, label %body226, label %done227
body226:
  %j228 = phi i64 [ %end25, %done166 ], [ %next229, %body226 ]
  %v231 = add nsw i64 %row164, %j228
  %v232 = getelementptr float, ptr %v46, i64 %j228
  %v233 = load <16 x float>, ptr %v232, align 4
  %v234 = fsub <16 x float> %v233, %v163
  %v235 = fcmp olt <16 x float> %v234, splat (float 0xC05A000000000000)
  %v236 = xor <16 x i1> %v235, splat (i1 true)
  %v237 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v234
  %v238 = select <16 x i1> %v237, <16 x float> splat (float 0x4056400000000000), <16 x float> %v234
  %v239 = select <16 x i1> %v236, <16 x float> %v238, <16 x float> splat (float 0x0000000000000000)
  %v240 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v239, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v241 = fsub <16 x float> %v240, splat (float 0x4168000000000000)
  %v242 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v241, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v239)
  %v243 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v241, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v242)
  %v244 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v243, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v245 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v243, <16 x float> %v244, <16 x float> splat (float 0x3FA5558F00000000))
  %v246 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v243, <16 x float> %v245, <16 x float> splat (float 0x3FC5554920000000))
  %v247 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v243, <16 x float> %v246, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v248 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v243, <16 x float> %v247, <16 x float> splat (float 0x3FF0000000000000))
  %v249 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v243, <16 x float> %v248, <16 x float> splat (float 0x3FF0000000000000))
  %v250 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v249, <16 x float> %v241, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v251 = select <16 x i1> %v236, <16 x float> %v250, <16 x float> splat (float 0x0000000000000000)
  %v252 = getelementptr float, ptr %scratch, i64 %v231
  store <16 x float> %v251, ptr %v252, align 4
  %v253 = getelementptr float, ptr %v46, i64 %j228
  %v254 = getelementptr float, ptr %v253, i64 %v37
  call void @llvm.prefetch.p0(ptr %v254, i32 0, i32 3, i32 1)
  %v255 = getelementptr float, ptr %v48, i64 %j228
  call void @llvm.prefetch.p0(ptr %v255, i32 1, i32 3, i32 1)
  %v256 = load <16 x float>, ptr %cell160
  %v257 = fadd <16 x float> %v251, %v256
  store <16 x float> %v257, ptr %cell160
  %next229 = add nsw i64 %j228, 16
  %more258 = icmp slt i64 %next229, %end27
  br i1 %more258, label %body226, label %done227
done227:
  br i1 %ragged28, label %then259, label %endif260
then259:
  %v261 = add nsw i64 %row164, %end27
  %v262 = getelementptr float, ptr %v46, i64 %end27
  %v263 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v262, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v264 = fsub <16 x float> %v263, %v163
  %v265 = fcmp olt <16 x float> %v264, splat (float 0xC05A000000000000)
  %v266 = xor <16 x i1> %v265, splat (i1 true)
  %v267 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v264
  %v268 = select <16 x i1> %v267, <16 x float> splat (float 0x4056400000000000), <16 x float> %v264
  %v269 = select <16 x i1> %v266, <16 x float> %v268, <16 x float> splat (float 0x0000000000000000)
  %v270 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v269, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v271 = fsub <16 x float> %v270, splat (float 0x4168000000000000)
  %v272 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v271, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v269)
  %v273 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v271, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v272)
  %v274 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v273, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v275 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v273, <16 x float> %v274, <16 x float> splat (float 0x3FA5558F00000000))
  %v276 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v273, <16 x float> %v275, <16 x float> splat (float 0x3FC5554920000000))
  %v277 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v273, <16 x float> %v276, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v278 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v273, <16 x float> %v277, <16 x float> splat (float 0x3FF0000000000000))
  %v279 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v273, <16 x float> %v278, <16 x float> splat (float 0x3FF0000000000000))
  %v280 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v279, <16 x float> %v271, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v281 = select <16 x i1> %v266, <16 x float> %v280, <16 x float> splat (float 0x0000000000000000)
  %v282 = getelementptr float, ptr %scratch, i64 %v261
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v281, ptr %v282, i32 4, <16 x i1> %mask34)
  %v283 = load <16 x float>, ptr %cell160
  %v284 = fadd <16 x float> %v281, %v283
  %v285 = select <16 x i1> %mask34, <16 x float> %v284, <16 x float> %v283
  store <16 x float> %v285, ptr %cell160
  br label %endif260
endif260:
  %v286 = load <16 x float>, ptr %cell160
  %v287 = load <16 x float>, ptr %cell161
  %v288 = fadd <16 x float> %v286, %v287
  %v289 = shufflevector <16 x float> %v288, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v290 = shufflevector <16 x float> %v288, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v291 = fadd <8 x float> %v290, %v289
  %v292 = shufflevector <8 x float> %v291, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v293 = shufflevector <8 x float> %v291, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v294 = fadd <4 x float> %v293, %v292
  %v295 = shufflevector <4 x float> %v294, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v296 = shufflevector <4 x float> %v294, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v297 = fadd <2 x float> %v296, %v295
  %v298 = extractelement <2 x float> %v297, i64 0
  %v299 = extractelement <2 x float> %v297, i64 1
  %v300 = fadd float %v299, %v298
  %v301 = insertelement <16 x float> poison, float %v159, i64 0
  %v302 = shufflevector <16 x float> %v301, <16 x float> poison, <16 x i32> zeroinitializer
  %v303 = fdiv float 0x3FF0000000000000, %v300
  %v304 = insertelement <16 x float> poison, float %v303, i64 0
  %v305 = shufflevector <16 x float> %v304, <16 x float> poison, <16 x i32> zeroinitializer
  %row306 = mul nsw i64 0, %size4
  %any311 = icmp slt i64 0, %end27
  br i1 %any311, label %body307, label %done308
body307:
  %j309 = phi i64 [ 0, %endif260 ], [ %next310, %body307 ]
  %v312 = add nsw i64 %row306, %j309
  %v313 = getelementptr float, ptr %scratch, i64 %v312
  %v314 = load <16 x float>, ptr %v313, align 4
  %v315 = fmul <16 x float> %v314, %v305
  %v316 = getelementptr float, ptr %v48, i64 %j309
  store <16 x float> %v315, ptr %v316, align 4
  %next310 = add nsw i64 %j309, 16
  %more317 = icmp slt i64 %next310, %end27
  br i1 %more317, label %body307, label %done308
done308:
  br i1 %ragged28, label %then318, label %endif319
then318:
  %v320 = add nsw i64 %row306, %end27
  %v321 = getelementptr float, ptr %scratch, i64 %v320
  %v322 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v321, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v323 = fmul <16 x float> %v322, %v305
  %v324 = getelementptr float, ptr %v48, i64 %end27
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v323, ptr %v324, i32 4, <16 x i1> %mask34)
  br label %endif319
endif319:
  %v325 = add nsw i64 %v44, 1
  store i64 %v325, ptr %cell38
  %next42 = add nsw i64 %unit41, 1
  %more326 = icmp slt i64 %next42, %end
  br i1 %more326, label %body39, label %done40
done40:
  br label %endif15
endif15:
  ret i64 0
}

declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float>, <16 x float>, <16 x float>, i16, i32)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
