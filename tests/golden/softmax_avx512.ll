define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell35 = alloca i64
  %cell46 = alloca <16 x float>
  %cell47 = alloca <16 x float>
  %cell48 = alloca <16 x float>
  %cell49 = alloca <16 x float>
  %cell157 = alloca <16 x float>
  %cell158 = alloca <16 x float>
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
  store i64 %begin, ptr %cell35
  %any40 = icmp slt i64 %begin, %end
  br i1 %any40, label %body36, label %done37
body36:
  %unit38 = phi i64 [ %begin, %then14 ], [ %next39, %endif303 ]
  %v41 = load i64, ptr %cell35
  %v42 = mul nsw i64 %v41, %stride8
  %v43 = getelementptr float, ptr %base6, i64 %v42
  %v44 = mul nsw i64 %v41, %stride12
  %v45 = getelementptr float, ptr %base10, i64 %v44
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell46
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell47
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell48
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell49
  %row50 = mul nsw i64 0, %size4
  %any55 = icmp slt i64 0, %end23
  br i1 %any55, label %body51, label %done52
body51:
  %j53 = phi i64 [ 0, %body36 ], [ %next54, %body51 ]
  %v56 = add nsw i64 %row50, %j53
  %v57 = getelementptr float, ptr %v43, i64 %j53
  %v58 = load <16 x float>, ptr %v57, align 4
  %v59 = load <16 x float>, ptr %cell46
  %v60 = fcmp ogt <16 x float> %v58, %v59
  %v61 = select <16 x i1> %v60, <16 x float> %v58, <16 x float> %v59
  %v62 = fcmp uno <16 x float> %v58, %v58
  %v63 = select <16 x i1> %v62, <16 x float> %v58, <16 x float> %v61
  store <16 x float> %v63, ptr %cell46
  %j64 = add nsw i64 %j53, 16
  %v65 = add nsw i64 %row50, %j64
  %v66 = getelementptr float, ptr %v43, i64 %j64
  %v67 = load <16 x float>, ptr %v66, align 4
  %v68 = load <16 x float>, ptr %cell47
  %v69 = fcmp ogt <16 x float> %v67, %v68
  %v70 = select <16 x i1> %v69, <16 x float> %v67, <16 x float> %v68
  %v71 = fcmp uno <16 x float> %v67, %v67
  %v72 = select <16 x i1> %v71, <16 x float> %v67, <16 x float> %v70
  store <16 x float> %v72, ptr %cell47
  %j73 = add nsw i64 %j53, 32
  %v74 = add nsw i64 %row50, %j73
  %v75 = getelementptr float, ptr %v43, i64 %j73
  %v76 = load <16 x float>, ptr %v75, align 4
  %v77 = load <16 x float>, ptr %cell48
  %v78 = fcmp ogt <16 x float> %v76, %v77
  %v79 = select <16 x i1> %v78, <16 x float> %v76, <16 x float> %v77
  %v80 = fcmp uno <16 x float> %v76, %v76
  %v81 = select <16 x i1> %v80, <16 x float> %v76, <16 x float> %v79
  store <16 x float> %v81, ptr %cell48
  %j82 = add nsw i64 %j53, 48
  %v83 = add nsw i64 %row50, %j82
  %v84 = getelementptr float, ptr %v43, i64 %j82
  %v85 = load <16 x float>, ptr %v84, align 4
  %v86 = load <16 x float>, ptr %cell49
  %v87 = fcmp ogt <16 x float> %v85, %v86
  %v88 = select <16 x i1> %v87, <16 x float> %v85, <16 x float> %v86
  %v89 = fcmp uno <16 x float> %v85, %v85
  %v90 = select <16 x i1> %v89, <16 x float> %v85, <16 x float> %v88
  store <16 x float> %v90, ptr %cell49
  %next54 = add nsw i64 %j53, 64
  %more91 = icmp slt i64 %next54, %end23
  br i1 %more91, label %body51, label %done52
done52:
  %any96 = icmp slt i64 %end23, %end27
  br i1 %any96, label %body92, label %done93
body92:
  %j94 = phi i64 [ %end23, %done52 ], [ %next95, %body92 ]
  %v97 = add nsw i64 %row50, %j94
  %v98 = getelementptr float, ptr %v43, i64 %j94
  %v99 = load <16 x float>, ptr %v98, align 4
  %v100 = load <16 x float>, ptr %cell46
  %v101 = fcmp ogt <16 x float> %v99, %v100
  %v102 = select <16 x i1> %v101, <16 x float> %v99, <16 x float> %v100
  %v103 = fcmp uno <16 x float> %v99, %v99
  %v104 = select <16 x i1> %v103, <16 x float> %v99, <16 x float> %v102
  store <16 x float> %v104, ptr %cell46
  %next95 = add nsw i64 %j94, 16
  %more105 = icmp slt i64 %next95, %end27
  br i1 %more105, label %body92, label %done93
done93:
  br i1 %ragged28, label %then106, label %endif107
then106:
  %v108 = add nsw i64 %row50, %end27
  %v109 = getelementptr float, ptr %v43, i64 %end27
  %v110 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v109, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v111 = load <16 x float>, ptr %cell46
  %v112 = fcmp ogt <16 x float> %v110, %v111
  %v113 = select <16 x i1> %v112, <16 x float> %v110, <16 x float> %v111
  %v114 = fcmp uno <16 x float> %v110, %v110
  %v115 = select <16 x i1> %v114, <16 x float> %v110, <16 x float> %v113
  %v116 = select <16 x i1> %mask34, <16 x float> %v115, <16 x float> %v111
  store <16 x float> %v116, ptr %cell46
  br label %endif107
endif107:
  %v117 = load <16 x float>, ptr %cell46
  %v118 = load <16 x float>, ptr %cell47
  %v119 = load <16 x float>, ptr %cell48
  %v120 = load <16 x float>, ptr %cell49
  %v121 = fcmp ogt <16 x float> %v117, %v119
  %v122 = select <16 x i1> %v121, <16 x float> %v117, <16 x float> %v119
  %v123 = fcmp uno <16 x float> %v117, %v117
  %v124 = select <16 x i1> %v123, <16 x float> %v117, <16 x float> %v122
  %v125 = fcmp ogt <16 x float> %v118, %v120
  %v126 = select <16 x i1> %v125, <16 x float> %v118, <16 x float> %v120
  %v127 = fcmp uno <16 x float> %v118, %v118
  %v128 = select <16 x i1> %v127, <16 x float> %v118, <16 x float> %v126
  %v129 = fcmp ogt <16 x float> %v124, %v128
  %v130 = select <16 x i1> %v129, <16 x float> %v124, <16 x float> %v128
  %v131 = fcmp uno <16 x float> %v124, %v124
  %v132 = select <16 x i1> %v131, <16 x float> %v124, <16 x float> %v130
  %v133 = shufflevector <16 x float> %v132, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v134 = shufflevector <16 x float> %v132, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v135 = fcmp ogt <8 x float> %v134, %v133
  %v136 = select <8 x i1> %v135, <8 x float> %v134, <8 x float> %v133
  %v137 = fcmp uno <8 x float> %v134, %v134
  %v138 = select <8 x i1> %v137, <8 x float> %v134, <8 x float> %v136
  %v139 = shufflevector <8 x float> %v138, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v140 = shufflevector <8 x float> %v138, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v141 = fcmp ogt <4 x float> %v140, %v139
  %v142 = select <4 x i1> %v141, <4 x float> %v140, <4 x float> %v139
  %v143 = fcmp uno <4 x float> %v140, %v140
  %v144 = select <4 x i1> %v143, <4 x float> %v140, <4 x float> %v142
  %v145 = shufflevector <4 x float> %v144, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v146 = shufflevector <4 x float> %v144, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v147 = fcmp ogt <2 x float> %v146, %v145
  %v148 = select <2 x i1> %v147, <2 x float> %v146, <2 x float> %v145
  %v149 = fcmp uno <2 x float> %v146, %v146
  %v150 = select <2 x i1> %v149, <2 x float> %v146, <2 x float> %v148
  %v151 = extractelement <2 x float> %v150, i64 0
  %v152 = extractelement <2 x float> %v150, i64 1
  %v153 = fcmp ogt float %v152, %v151
  %v154 = select i1 %v153, float %v152, float %v151
  %v155 = fcmp uno float %v152, %v152
  %v156 = select i1 %v155, float %v152, float %v154
  store <16 x float> splat (float 0x0000000000000000), ptr %cell157
  store <16 x float> splat (float 0x0000000000000000), ptr %cell158
  %v159 = insertelement <16 x float> poison, float %v156, i64 0
  %v160 = shufflevector <16 x float> %v159, <16 x float> poison, <16 x i32> zeroinitializer
  %row161 = mul nsw i64 0, %size4
  %any166 = icmp slt i64 0, %end25
  br i1 %any166, label %body162, label %done163
body162:
  %j164 = phi i64 [ 0, %endif107 ], [ %next165, %body162 ]
  %v167 = add nsw i64 %row161, %j164
  %v168 = getelementptr float, ptr %v43, i64 %j164
  %v169 = load <16 x float>, ptr %v168, align 4
  %v170 = fsub <16 x float> %v169, %v160
  %v171 = fcmp olt <16 x float> %v170, splat (float 0xC05A000000000000)
  %v172 = select <16 x i1> %v171, <16 x float> splat (float 0x0000000000000000), <16 x float> %v170
  %v173 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v172
  %v174 = select <16 x i1> %v173, <16 x float> splat (float 0x4056400000000000), <16 x float> %v172
  %v175 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v174, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v176 = fsub <16 x float> %v175, splat (float 0x4168000000000000)
  %v177 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v176, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v174)
  %v178 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v176, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v177)
  %v179 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v180 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> %v179, <16 x float> splat (float 0x3FA5558F00000000))
  %v181 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> %v180, <16 x float> splat (float 0x3FC5554920000000))
  %v182 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> %v181, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v183 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> %v182, <16 x float> splat (float 0x3FF0000000000000))
  %v184 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> %v183, <16 x float> splat (float 0x3FF0000000000000))
  %v185 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v184, <16 x float> %v176, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v186 = select <16 x i1> %v171, <16 x float> splat (float 0x0000000000000000), <16 x float> %v185
  %v187 = getelementptr float, ptr %scratch, i64 %v167
  store <16 x float> %v186, ptr %v187, align 4
  %v188 = load <16 x float>, ptr %cell157
  %v189 = fadd <16 x float> %v186, %v188
  store <16 x float> %v189, ptr %cell157
  %j190 = add nsw i64 %j164, 16
  %v191 = add nsw i64 %row161, %j190
  %v192 = getelementptr float, ptr %v43, i64 %j190
  %v193 = load <16 x float>, ptr %v192, align 4
  %v194 = fsub <16 x float> %v193, %v160
  %v195 = fcmp olt <16 x float> %v194, splat (float 0xC05A000000000000)
  %v196 = select <16 x i1> %v195, <16 x float> splat (float 0x0000000000000000), <16 x float> %v194
  %v197 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v196
  %v198 = select <16 x i1> %v197, <16 x float> splat (float 0x4056400000000000), <16 x float> %v196
  %v199 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v198, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v200 = fsub <16 x float> %v199, splat (float 0x4168000000000000)
  %v201 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v200, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v198)
  %v202 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v200, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v201)
  %v203 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v204 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> %v203, <16 x float> splat (float 0x3FA5558F00000000))
  %v205 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> %v204, <16 x float> splat (float 0x3FC5554920000000))
  %v206 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> %v205, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v207 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> %v206, <16 x float> splat (float 0x3FF0000000000000))
  %v208 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> %v207, <16 x float> splat (float 0x3FF0000000000000))
  %v209 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v208, <16 x float> %v200, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v210 = select <16 x i1> %v195, <16 x float> splat (float 0x0000000000000000), <16 x float> %v209
  %v211 = getelementptr float, ptr %scratch, i64 %v191
  store <16 x float> %v210, ptr %v211, align 4
  %v212 = load <16 x float>, ptr %cell158
  %v213 = fadd <16 x float> %v210, %v212
  store <16 x float> %v213, ptr %cell158
  %next165 = add nsw i64 %j164, 32
  %more214 = icmp slt i64 %next165, %end25
  br i1 %more214, label %body162, label %done163
done163:
  %any219 = icmp slt i64 %end25, %end27
  br i1 %any219, label %body215, label %done216
body215:
  %j217 = phi i64 [ %end25, %done163 ], [ %next218, %body215 ]
  %v220 = add nsw i64 %row161, %j217
  %v221 = getelementptr float, ptr %v43, i64 %j217
  %v222 = load <16 x float>, ptr %v221, align 4
  %v223 = fsub <16 x float> %v222, %v160
  %v224 = fcmp olt <16 x float> %v223, splat (float 0xC05A000000000000)
  %v225 = select <16 x i1> %v224, <16 x float> splat (float 0x0000000000000000), <16 x float> %v223
  %v226 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v225
  %v227 = select <16 x i1> %v226, <16 x float> splat (float 0x4056400000000000), <16 x float> %v225
  %v228 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v227, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v229 = fsub <16 x float> %v228, splat (float 0x4168000000000000)
  %v230 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v229, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v227)
  %v231 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v229, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v230)
  %v232 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v231, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v233 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v231, <16 x float> %v232, <16 x float> splat (float 0x3FA5558F00000000))
  %v234 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v231, <16 x float> %v233, <16 x float> splat (float 0x3FC5554920000000))
  %v235 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v231, <16 x float> %v234, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v236 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v231, <16 x float> %v235, <16 x float> splat (float 0x3FF0000000000000))
  %v237 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v231, <16 x float> %v236, <16 x float> splat (float 0x3FF0000000000000))
  %v238 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v237, <16 x float> %v229, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v239 = select <16 x i1> %v224, <16 x float> splat (float 0x0000000000000000), <16 x float> %v238
  %v240 = getelementptr float, ptr %scratch, i64 %v220
  store <16 x float> %v239, ptr %v240, align 4
  %v241 = load <16 x float>, ptr %cell157
  %v242 = fadd <16 x float> %v239, %v241
  store <16 x float> %v242, ptr %cell157
  %next218 = add nsw i64 %j217, 16
  %more243 = icmp slt i64 %next218, %end27
  br i1 %more243, label %body215, label %done216
done216:
  br i1 %ragged28, label %then244, label %endif245
then244:
  %v246 = add nsw i64 %row161, %end27
  %v247 = getelementptr float, ptr %v43, i64 %end27
  %v248 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v247, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v249 = fsub <16 x float> %v248, %v160
  %v250 = fcmp olt <16 x float> %v249, splat (float 0xC05A000000000000)
  %v251 = select <16 x i1> %v250, <16 x float> splat (float 0x0000000000000000), <16 x float> %v249
  %v252 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v251
  %v253 = select <16 x i1> %v252, <16 x float> splat (float 0x4056400000000000), <16 x float> %v251
  %v254 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v253, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v255 = fsub <16 x float> %v254, splat (float 0x4168000000000000)
  %v256 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v253)
  %v257 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v256)
  %v258 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v257, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v259 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v257, <16 x float> %v258, <16 x float> splat (float 0x3FA5558F00000000))
  %v260 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v257, <16 x float> %v259, <16 x float> splat (float 0x3FC5554920000000))
  %v261 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v257, <16 x float> %v260, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v262 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v257, <16 x float> %v261, <16 x float> splat (float 0x3FF0000000000000))
  %v263 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v257, <16 x float> %v262, <16 x float> splat (float 0x3FF0000000000000))
  %v264 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v263, <16 x float> %v255, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v265 = select <16 x i1> %v250, <16 x float> splat (float 0x0000000000000000), <16 x float> %v264
  %v266 = getelementptr float, ptr %scratch, i64 %v246
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v265, ptr %v266, i32 4, <16 x i1> %mask34)
  %v267 = load <16 x float>, ptr %cell157
  %v268 = fadd <16 x float> %v265, %v267
  %v269 = select <16 x i1> %mask34, <16 x float> %v268, <16 x float> %v267
  store <16 x float> %v269, ptr %cell157
  br label %endif245
endif245:
  %v270 = load <16 x float>, ptr %cell157
  %v271 = load <16 x float>, ptr %cell158
  %v272 = fadd <16 x float> %v270, %v271
  %v273 = shufflevector <16 x float> %v272, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v274 = shufflevector <16 x float> %v272, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v275 = fadd <8 x float> %v274, %v273
  %v276 = shufflevector <8 x float> %v275, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v277 = shufflevector <8 x float> %v275, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v278 = fadd <4 x float> %v277, %v276
  %v279 = shufflevector <4 x float> %v278, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v280 = shufflevector <4 x float> %v278, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v281 = fadd <2 x float> %v280, %v279
  %v282 = extractelement <2 x float> %v281, i64 0
  %v283 = extractelement <2 x float> %v281, i64 1
  %v284 = fadd float %v283, %v282
  %v285 = insertelement <16 x float> poison, float %v156, i64 0
  %v286 = shufflevector <16 x float> %v285, <16 x float> poison, <16 x i32> zeroinitializer
  %v287 = fdiv float 0x3FF0000000000000, %v284
  %v288 = insertelement <16 x float> poison, float %v287, i64 0
  %v289 = shufflevector <16 x float> %v288, <16 x float> poison, <16 x i32> zeroinitializer
  %row290 = mul nsw i64 0, %size4
  %any295 = icmp slt i64 0, %end27
  br i1 %any295, label %body291, label %done292
body291:
  %j293 = phi i64 [ 0, %endif245 ], [ %next294, %body291 ]
  %v296 = add nsw i64 %row290, %j293
  %v297 = getelementptr float, ptr %scratch, i64 %v296
  %v298 = load <16 x float>, ptr %v297, align 4
  %v299 = fmul <16 x float> %v298, %v289
  %v300 = getelementptr float, ptr %v45, i64 %j293
  store <16 x float> %v299, ptr %v300, align 4
  %next294 = add nsw i64 %j293, 16
  %more301 = icmp slt i64 %next294, %end27
  br i1 %more301, label %body291, label %done292
done292:
  br i1 %ragged28, label %then302, label %endif303
then302:
  %v304 = add nsw i64 %row290, %end27
  %v305 = getelementptr float, ptr %scratch, i64 %v304
  %v306 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v305, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v307 = fmul <16 x float> %v306, %v289
  %v308 = getelementptr float, ptr %v45, i64 %end27
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v307, ptr %v308, i32 4, <16 x i1> %mask34)
  br label %endif303
endif303:
  %v309 = add nsw i64 %v41, 1
  store i64 %v309, ptr %cell35
  %next39 = add nsw i64 %unit38, 1
  %more310 = icmp slt i64 %next39, %end
  br i1 %more310, label %body36, label %done37
done37:
  br label %endif15
endif15:
  ret i64 0
}

declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float>, <16 x float>, <16 x float>, i16, i32)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
