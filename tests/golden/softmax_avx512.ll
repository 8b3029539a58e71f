define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell21 = alloca i64
  %cell33 = alloca <16 x float>
  %cell34 = alloca <16 x float>
  %cell35 = alloca <16 x float>
  %cell36 = alloca <16 x float>
  %cell156 = alloca <16 x float>
  %cell157 = alloca <16 x float>
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
  store i64 %begin, ptr %cell21
  br label %head22
head22:
  %unit25 = phi i64 [ %begin, %then14 ], [ %next26, %endif314 ]
  %more27 = icmp slt i64 %unit25, %end
  br i1 %more27, label %body23, label %done24
body23:
  %v28 = load i64, ptr %cell21
  %v29 = mul nsw i64 %v28, %stride8
  %v30 = getelementptr float, ptr %base6, i64 %v29
  %v31 = mul nsw i64 %v28, %stride12
  %v32 = getelementptr float, ptr %base10, i64 %v31
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell33
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell34
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell35
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell36
  %row37 = mul nsw i64 0, %size4
  %count38 = sub nsw i64 %size4, 0
  %v39 = and i64 %count38, -64
  %end40 = add nsw i64 0, %v39
  br label %head41
head41:
  %j44 = phi i64 [ 0, %body23 ], [ %next45, %body42 ]
  %more46 = icmp slt i64 %j44, %end40
  br i1 %more46, label %body42, label %done43
body42:
  %v47 = add nsw i64 %row37, %j44
  %v48 = getelementptr float, ptr %v30, i64 %j44
  %v49 = load <16 x float>, ptr %v48, align 4
  %v50 = load <16 x float>, ptr %cell33
  %v51 = fcmp ogt <16 x float> %v49, %v50
  %v52 = select <16 x i1> %v51, <16 x float> %v49, <16 x float> %v50
  %v53 = fcmp uno <16 x float> %v49, %v49
  %v54 = select <16 x i1> %v53, <16 x float> %v49, <16 x float> %v52
  store <16 x float> %v54, ptr %cell33
  %j55 = add nsw i64 %j44, 16
  %v56 = add nsw i64 %row37, %j55
  %v57 = getelementptr float, ptr %v30, i64 %j55
  %v58 = load <16 x float>, ptr %v57, align 4
  %v59 = load <16 x float>, ptr %cell34
  %v60 = fcmp ogt <16 x float> %v58, %v59
  %v61 = select <16 x i1> %v60, <16 x float> %v58, <16 x float> %v59
  %v62 = fcmp uno <16 x float> %v58, %v58
  %v63 = select <16 x i1> %v62, <16 x float> %v58, <16 x float> %v61
  store <16 x float> %v63, ptr %cell34
  %j64 = add nsw i64 %j44, 32
  %v65 = add nsw i64 %row37, %j64
  %v66 = getelementptr float, ptr %v30, i64 %j64
  %v67 = load <16 x float>, ptr %v66, align 4
  %v68 = load <16 x float>, ptr %cell35
  %v69 = fcmp ogt <16 x float> %v67, %v68
  %v70 = select <16 x i1> %v69, <16 x float> %v67, <16 x float> %v68
  %v71 = fcmp uno <16 x float> %v67, %v67
  %v72 = select <16 x i1> %v71, <16 x float> %v67, <16 x float> %v70
  store <16 x float> %v72, ptr %cell35
  %j73 = add nsw i64 %j44, 48
  %v74 = add nsw i64 %row37, %j73
  %v75 = getelementptr float, ptr %v30, i64 %j73
  %v76 = load <16 x float>, ptr %v75, align 4
  %v77 = load <16 x float>, ptr %cell36
  %v78 = fcmp ogt <16 x float> %v76, %v77
  %v79 = select <16 x i1> %v78, <16 x float> %v76, <16 x float> %v77
  %v80 = fcmp uno <16 x float> %v76, %v76
  %v81 = select <16 x i1> %v80, <16 x float> %v76, <16 x float> %v79
  store <16 x float> %v81, ptr %cell36
  %next45 = add nsw i64 %j44, 64
  br label %head41
done43:
  %v82 = and i64 %count38, -16
  %end83 = add nsw i64 0, %v82
  br label %head84
head84:
  %j87 = phi i64 [ %end40, %done43 ], [ %next88, %body85 ]
  %more89 = icmp slt i64 %j87, %end83
  br i1 %more89, label %body85, label %done86
body85:
  %v90 = add nsw i64 %row37, %j87
  %v91 = getelementptr float, ptr %v30, i64 %j87
  %v92 = load <16 x float>, ptr %v91, align 4
  %v93 = load <16 x float>, ptr %cell33
  %v94 = fcmp ogt <16 x float> %v92, %v93
  %v95 = select <16 x i1> %v94, <16 x float> %v92, <16 x float> %v93
  %v96 = fcmp uno <16 x float> %v92, %v92
  %v97 = select <16 x i1> %v96, <16 x float> %v92, <16 x float> %v95
  store <16 x float> %v97, ptr %cell33
  %next88 = add nsw i64 %j87, 16
  br label %head84
done86:
  %ragged98 = icmp slt i64 %end83, %size4
  br i1 %ragged98, label %then99, label %endif100
then99:
  %left101 = sub nsw i64 %size4, %end83
  %v102 = call i64 @llvm.smin.i64(i64 %left101, i64 16)
  %v103 = trunc i64 %v102 to i32
  %v104 = insertelement <16 x i32> poison, i32 %v103, i64 0
  %v105 = shufflevector <16 x i32> %v104, <16 x i32> poison, <16 x i32> zeroinitializer
  %mask106 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v105
  %v107 = add nsw i64 %row37, %end83
  %v108 = getelementptr float, ptr %v30, i64 %end83
  %v109 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v108, i32 4, <16 x i1> %mask106, <16 x float> zeroinitializer)
  %v110 = load <16 x float>, ptr %cell33
  %v111 = fcmp ogt <16 x float> %v109, %v110
  %v112 = select <16 x i1> %v111, <16 x float> %v109, <16 x float> %v110
  %v113 = fcmp uno <16 x float> %v109, %v109
  %v114 = select <16 x i1> %v113, <16 x float> %v109, <16 x float> %v112
  %v115 = select <16 x i1> %mask106, <16 x float> %v114, <16 x float> %v110
  store <16 x float> %v115, ptr %cell33
  br label %endif100
endif100:
  %v116 = load <16 x float>, ptr %cell33
  %v117 = load <16 x float>, ptr %cell34
  %v118 = load <16 x float>, ptr %cell35
  %v119 = load <16 x float>, ptr %cell36
  %v120 = fcmp ogt <16 x float> %v116, %v118
  %v121 = select <16 x i1> %v120, <16 x float> %v116, <16 x float> %v118
  %v122 = fcmp uno <16 x float> %v116, %v116
  %v123 = select <16 x i1> %v122, <16 x float> %v116, <16 x float> %v121
  %v124 = fcmp ogt <16 x float> %v117, %v119
  %v125 = select <16 x i1> %v124, <16 x float> %v117, <16 x float> %v119
  %v126 = fcmp uno <16 x float> %v117, %v117
  %v127 = select <16 x i1> %v126, <16 x float> %v117, <16 x float> %v125
  %v128 = fcmp ogt <16 x float> %v123, %v127
  %v129 = select <16 x i1> %v128, <16 x float> %v123, <16 x float> %v127
  %v130 = fcmp uno <16 x float> %v123, %v123
  %v131 = select <16 x i1> %v130, <16 x float> %v123, <16 x float> %v129
  %v132 = shufflevector <16 x float> %v131, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v133 = shufflevector <16 x float> %v131, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v134 = fcmp ogt <8 x float> %v133, %v132
  %v135 = select <8 x i1> %v134, <8 x float> %v133, <8 x float> %v132
  %v136 = fcmp uno <8 x float> %v133, %v133
  %v137 = select <8 x i1> %v136, <8 x float> %v133, <8 x float> %v135
  %v138 = shufflevector <8 x float> %v137, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v139 = shufflevector <8 x float> %v137, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v140 = fcmp ogt <4 x float> %v139, %v138
  %v141 = select <4 x i1> %v140, <4 x float> %v139, <4 x float> %v138
  %v142 = fcmp uno <4 x float> %v139, %v139
  %v143 = select <4 x i1> %v142, <4 x float> %v139, <4 x float> %v141
  %v144 = shufflevector <4 x float> %v143, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v145 = shufflevector <4 x float> %v143, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v146 = fcmp ogt <2 x float> %v145, %v144
  %v147 = select <2 x i1> %v146, <2 x float> %v145, <2 x float> %v144
  %v148 = fcmp uno <2 x float> %v145, %v145
  %v149 = select <2 x i1> %v148, <2 x float> %v145, <2 x float> %v147
  %v150 = extractelement <2 x float> %v149, i64 0
  %v151 = extractelement <2 x float> %v149, i64 1
  %v152 = fcmp ogt float %v151, %v150
  %v153 = select i1 %v152, float %v151, float %v150
  %v154 = fcmp uno float %v151, %v151
  %v155 = select i1 %v154, float %v151, float %v153
  store <16 x float> splat (float 0x0000000000000000), ptr %cell156
  store <16 x float> splat (float 0x0000000000000000), ptr %cell157
  %v158 = insertelement <16 x float> poison, float %v155, i64 0
  %v159 = shufflevector <16 x float> %v158, <16 x float> poison, <16 x i32> zeroinitializer
  %row160 = mul nsw i64 0, %size4
  %count161 = sub nsw i64 %size4, 0
  %v162 = and i64 %count161, -32
  %end163 = add nsw i64 0, %v162
  br label %head164
head164:
  %j167 = phi i64 [ 0, %endif100 ], [ %next168, %body165 ]
  %more169 = icmp slt i64 %j167, %end163
  br i1 %more169, label %body165, label %done166
body165:
  %v170 = add nsw i64 %row160, %j167
  %v171 = getelementptr float, ptr %v30, i64 %j167
  %v172 = load <16 x float>, ptr %v171, align 4
  %v173 = fsub <16 x float> %v172, %v159
  %v174 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v173
  %v175 = select <16 x i1> %v174, <16 x float> splat (float 0x4056400000000000), <16 x float> %v173
  %v176 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v175
  %v177 = select <16 x i1> %v176, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v175
  %v178 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v177, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v179 = fsub <16 x float> %v178, splat (float 0x4168000000000000)
  %v180 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v179, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v177)
  %v181 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v179, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v180)
  %v182 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v181, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v183 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v181, <16 x float> %v182, <16 x float> splat (float 0x3FA5558F00000000))
  %v184 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v181, <16 x float> %v183, <16 x float> splat (float 0x3FC5554920000000))
  %v185 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v181, <16 x float> %v184, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v186 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v181, <16 x float> %v185, <16 x float> splat (float 0x3FF0000000000000))
  %v187 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v181, <16 x float> %v186, <16 x float> splat (float 0x3FF0000000000000))
  %v188 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v187, <16 x float> %v179, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v189 = getelementptr float, ptr %scratch, i64 %v170
  store <16 x float> %v188, ptr %v189, align 4
  %v190 = load <16 x float>, ptr %cell156
  %v191 = fadd <16 x float> %v188, %v190
  store <16 x float> %v191, ptr %cell156
  %j192 = add nsw i64 %j167, 16
  %v193 = add nsw i64 %row160, %j192
  %v194 = getelementptr float, ptr %v30, i64 %j192
  %v195 = load <16 x float>, ptr %v194, align 4
  %v196 = fsub <16 x float> %v195, %v159
  %v197 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v196
  %v198 = select <16 x i1> %v197, <16 x float> splat (float 0x4056400000000000), <16 x float> %v196
  %v199 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v198
  %v200 = select <16 x i1> %v199, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v198
  %v201 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v200, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v202 = fsub <16 x float> %v201, splat (float 0x4168000000000000)
  %v203 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v200)
  %v204 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v202, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v203)
  %v205 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v204, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v206 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v204, <16 x float> %v205, <16 x float> splat (float 0x3FA5558F00000000))
  %v207 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v204, <16 x float> %v206, <16 x float> splat (float 0x3FC5554920000000))
  %v208 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v204, <16 x float> %v207, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v209 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v204, <16 x float> %v208, <16 x float> splat (float 0x3FF0000000000000))
  %v210 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v204, <16 x float> %v209, <16 x float> splat (float 0x3FF0000000000000))
  %v211 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v210, <16 x float> %v202, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v212 = getelementptr float, ptr %scratch, i64 %v193
  store <16 x float> %v211, ptr %v212, align 4
  %v213 = load <16 x float>, ptr %cell157
  %v214 = fadd <16 x float> %v211, %v213
  store <16 x float> %v214, ptr %cell157
  %next168 = add nsw i64 %j167, 32
  br label %head164
done166:
  %v215 = and i64 %count161, -16
  %end216 = add nsw i64 0, %v215
  br label %head217
head217:
  %j220 = phi i64 [ %end163, %done166 ], [ %next221, %body218 ]
  %more222 = icmp slt i64 %j220, %end216
  br i1 %more222, label %body218, label %done219
body218:
  %v223 = add nsw i64 %row160, %j220
  %v224 = getelementptr float, ptr %v30, i64 %j220
  %v225 = load <16 x float>, ptr %v224, align 4
  %v226 = fsub <16 x float> %v225, %v159
  %v227 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v226
  %v228 = select <16 x i1> %v227, <16 x float> splat (float 0x4056400000000000), <16 x float> %v226
  %v229 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v228
  %v230 = select <16 x i1> %v229, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v228
  %v231 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v230, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v232 = fsub <16 x float> %v231, splat (float 0x4168000000000000)
  %v233 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v232, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v230)
  %v234 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v232, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v233)
  %v235 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v234, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v236 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v234, <16 x float> %v235, <16 x float> splat (float 0x3FA5558F00000000))
  %v237 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v234, <16 x float> %v236, <16 x float> splat (float 0x3FC5554920000000))
  %v238 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v234, <16 x float> %v237, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v239 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v234, <16 x float> %v238, <16 x float> splat (float 0x3FF0000000000000))
  %v240 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v234, <16 x float> %v239, <16 x float> splat (float 0x3FF0000000000000))
  %v241 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v240, <16 x float> %v232, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v242 = getelementptr float, ptr %scratch, i64 %v223
  store <16 x float> %v241, ptr %v242, align 4
  %v243 = load <16 x float>, ptr %cell156
  %v244 = fadd <16 x float> %v241, %v243
  store <16 x float> %v244, ptr %cell156
  %next221 = add nsw i64 %j220, 16
  br label %head217
done219:
  %ragged245 = icmp slt i64 %end216, %size4
  br i1 %ragged245, label %then246, label %endif247
then246:
  %left248 = sub nsw i64 %size4, %end216
  %v249 = call i64 @llvm.smin.i64(i64 %left248, i64 16)
  %v250 = trunc i64 %v249 to i32
  %v251 = insertelement <16 x i32> poison, i32 %v250, i64 0
  %v252 = shufflevector <16 x i32> %v251, <16 x i32> poison, <16 x i32> zeroinitializer
  %mask253 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v252
  %v254 = add nsw i64 %row160, %end216
  %v255 = getelementptr float, ptr %v30, i64 %end216
  %v256 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v255, i32 4, <16 x i1> %mask253, <16 x float> zeroinitializer)
  %v257 = fsub <16 x float> %v256, %v159
  %v258 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v257
  %v259 = select <16 x i1> %v258, <16 x float> splat (float 0x4056400000000000), <16 x float> %v257
  %v260 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v259
  %v261 = select <16 x i1> %v260, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v259
  %v262 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v261, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v263 = fsub <16 x float> %v262, splat (float 0x4168000000000000)
  %v264 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v263, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v261)
  %v265 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v263, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v264)
  %v266 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v265, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v267 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v265, <16 x float> %v266, <16 x float> splat (float 0x3FA5558F00000000))
  %v268 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v265, <16 x float> %v267, <16 x float> splat (float 0x3FC5554920000000))
  %v269 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v265, <16 x float> %v268, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v270 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v265, <16 x float> %v269, <16 x float> splat (float 0x3FF0000000000000))
  %v271 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v265, <16 x float> %v270, <16 x float> splat (float 0x3FF0000000000000))
  %v272 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v271, <16 x float> %v263, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v273 = getelementptr float, ptr %scratch, i64 %v254
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v272, ptr %v273, i32 4, <16 x i1> %mask253)
  %v274 = load <16 x float>, ptr %cell156
  %v275 = fadd <16 x float> %v272, %v274
  %v276 = select <16 x i1> %mask253, <16 x float> %v275, <16 x float> %v274
  store <16 x float> %v276, ptr %cell156
  br label %endif247
endif247:
  %v277 = load <16 x float>, ptr %cell156
  %v278 = load <16 x float>, ptr %cell157
  %v279 = fadd <16 x float> %v277, %v278
  %v280 = shufflevector <16 x float> %v279, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v281 = shufflevector <16 x float> %v279, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v282 = fadd <8 x float> %v281, %v280
  %v283 = shufflevector <8 x float> %v282, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v284 = shufflevector <8 x float> %v282, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v285 = fadd <4 x float> %v284, %v283
  %v286 = shufflevector <4 x float> %v285, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v287 = shufflevector <4 x float> %v285, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v288 = fadd <2 x float> %v287, %v286
  %v289 = extractelement <2 x float> %v288, i64 0
  %v290 = extractelement <2 x float> %v288, i64 1
  %v291 = fadd float %v290, %v289
  %v292 = insertelement <16 x float> poison, float %v155, i64 0
  %v293 = shufflevector <16 x float> %v292, <16 x float> poison, <16 x i32> zeroinitializer
  %v294 = fdiv float 0x3FF0000000000000, %v291
  %v295 = insertelement <16 x float> poison, float %v294, i64 0
  %v296 = shufflevector <16 x float> %v295, <16 x float> poison, <16 x i32> zeroinitializer
  %row297 = mul nsw i64 0, %size4
  %count298 = sub nsw i64 %size4, 0
  %v299 = and i64 %count298, -16
  %end300 = add nsw i64 0, %v299
  br label %head301
head301:
  %j304 = phi i64 [ 0, %endif247 ], [ %next305, %body302 ]
  %more306 = icmp slt i64 %j304, %end300
  br i1 %more306, label %body302, label %done303
body302:
  %v307 = add nsw i64 %row297, %j304
  %v308 = getelementptr float, ptr %scratch, i64 %v307
  %v309 = load <16 x float>, ptr %v308, align 4
  %v310 = fmul <16 x float> %v309, %v296
  %v311 = getelementptr float, ptr %v32, i64 %j304
  store <16 x float> %v310, ptr %v311, align 4
  %next305 = add nsw i64 %j304, 16
  br label %head301
done303:
  %ragged312 = icmp slt i64 %end300, %size4
  br i1 %ragged312, label %then313, label %endif314
then313:
  %left315 = sub nsw i64 %size4, %end300
  %v316 = call i64 @llvm.smin.i64(i64 %left315, i64 16)
  %v317 = trunc i64 %v316 to i32
  %v318 = insertelement <16 x i32> poison, i32 %v317, i64 0
  %v319 = shufflevector <16 x i32> %v318, <16 x i32> poison, <16 x i32> zeroinitializer
  %mask320 = icmp ult <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v319
  %v321 = add nsw i64 %row297, %end300
  %v322 = getelementptr float, ptr %scratch, i64 %v321
  %v323 = load <16 x float>, ptr %v322, align 4
  %v324 = fmul <16 x float> %v323, %v296
  %v325 = getelementptr float, ptr %v32, i64 %end300
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v324, ptr %v325, i32 4, <16 x i1> %mask320)
  br label %endif314
endif314:
  %v326 = add nsw i64 %v28, 1
  store i64 %v326, ptr %cell21
  %next26 = add nsw i64 %unit25, 1
  br label %head22
done24:
  br label %endif15
endif15:
  ret i64 0
}

declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float>, <16 x float>, <16 x float>, i16, i32)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
