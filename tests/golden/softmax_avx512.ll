define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell35 = alloca i64
  %cell47 = alloca <16 x float>
  %cell48 = alloca <16 x float>
  %cell49 = alloca <16 x float>
  %cell50 = alloca <16 x float>
  %cell158 = alloca <16 x float>
  %cell159 = alloca <16 x float>
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
  br label %head36
head36:
  %unit39 = phi i64 [ %begin, %then14 ], [ %next40, %endif300 ]
  %more41 = icmp slt i64 %unit39, %end
  br i1 %more41, label %body37, label %done38
body37:
  %v42 = load i64, ptr %cell35
  %v43 = mul nsw i64 %v42, %stride8
  %v44 = getelementptr float, ptr %base6, i64 %v43
  %v45 = mul nsw i64 %v42, %stride12
  %v46 = getelementptr float, ptr %base10, i64 %v45
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell47
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell48
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell49
  store <16 x float> splat (float 0xFFF0000000000000), ptr %cell50
  %row51 = mul nsw i64 0, %size4
  br label %head52
head52:
  %j55 = phi i64 [ 0, %body37 ], [ %next56, %body53 ]
  %more57 = icmp slt i64 %j55, %end23
  br i1 %more57, label %body53, label %done54
body53:
  %v58 = add nsw i64 %row51, %j55
  %v59 = getelementptr float, ptr %v44, i64 %j55
  %v60 = load <16 x float>, ptr %v59, align 4
  %v61 = load <16 x float>, ptr %cell47
  %v62 = fcmp ogt <16 x float> %v60, %v61
  %v63 = select <16 x i1> %v62, <16 x float> %v60, <16 x float> %v61
  %v64 = fcmp uno <16 x float> %v60, %v60
  %v65 = select <16 x i1> %v64, <16 x float> %v60, <16 x float> %v63
  store <16 x float> %v65, ptr %cell47
  %j66 = add nsw i64 %j55, 16
  %v67 = add nsw i64 %row51, %j66
  %v68 = getelementptr float, ptr %v44, i64 %j66
  %v69 = load <16 x float>, ptr %v68, align 4
  %v70 = load <16 x float>, ptr %cell48
  %v71 = fcmp ogt <16 x float> %v69, %v70
  %v72 = select <16 x i1> %v71, <16 x float> %v69, <16 x float> %v70
  %v73 = fcmp uno <16 x float> %v69, %v69
  %v74 = select <16 x i1> %v73, <16 x float> %v69, <16 x float> %v72
  store <16 x float> %v74, ptr %cell48
  %j75 = add nsw i64 %j55, 32
  %v76 = add nsw i64 %row51, %j75
  %v77 = getelementptr float, ptr %v44, i64 %j75
  %v78 = load <16 x float>, ptr %v77, align 4
  %v79 = load <16 x float>, ptr %cell49
  %v80 = fcmp ogt <16 x float> %v78, %v79
  %v81 = select <16 x i1> %v80, <16 x float> %v78, <16 x float> %v79
  %v82 = fcmp uno <16 x float> %v78, %v78
  %v83 = select <16 x i1> %v82, <16 x float> %v78, <16 x float> %v81
  store <16 x float> %v83, ptr %cell49
  %j84 = add nsw i64 %j55, 48
  %v85 = add nsw i64 %row51, %j84
  %v86 = getelementptr float, ptr %v44, i64 %j84
  %v87 = load <16 x float>, ptr %v86, align 4
  %v88 = load <16 x float>, ptr %cell50
  %v89 = fcmp ogt <16 x float> %v87, %v88
  %v90 = select <16 x i1> %v89, <16 x float> %v87, <16 x float> %v88
  %v91 = fcmp uno <16 x float> %v87, %v87
  %v92 = select <16 x i1> %v91, <16 x float> %v87, <16 x float> %v90
  store <16 x float> %v92, ptr %cell50
  %next56 = add nsw i64 %j55, 64
  br label %head52
done54:
  br label %head93
head93:
  %j96 = phi i64 [ %end23, %done54 ], [ %next97, %body94 ]
  %more98 = icmp slt i64 %j96, %end27
  br i1 %more98, label %body94, label %done95
body94:
  %v99 = add nsw i64 %row51, %j96
  %v100 = getelementptr float, ptr %v44, i64 %j96
  %v101 = load <16 x float>, ptr %v100, align 4
  %v102 = load <16 x float>, ptr %cell47
  %v103 = fcmp ogt <16 x float> %v101, %v102
  %v104 = select <16 x i1> %v103, <16 x float> %v101, <16 x float> %v102
  %v105 = fcmp uno <16 x float> %v101, %v101
  %v106 = select <16 x i1> %v105, <16 x float> %v101, <16 x float> %v104
  store <16 x float> %v106, ptr %cell47
  %next97 = add nsw i64 %j96, 16
  br label %head93
done95:
  br i1 %ragged28, label %then107, label %endif108
then107:
  %v109 = add nsw i64 %row51, %end27
  %v110 = getelementptr float, ptr %v44, i64 %end27
  %v111 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v110, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v112 = load <16 x float>, ptr %cell47
  %v113 = fcmp ogt <16 x float> %v111, %v112
  %v114 = select <16 x i1> %v113, <16 x float> %v111, <16 x float> %v112
  %v115 = fcmp uno <16 x float> %v111, %v111
  %v116 = select <16 x i1> %v115, <16 x float> %v111, <16 x float> %v114
  %v117 = select <16 x i1> %mask34, <16 x float> %v116, <16 x float> %v112
  store <16 x float> %v117, ptr %cell47
  br label %endif108
endif108:
  %v118 = load <16 x float>, ptr %cell47
  %v119 = load <16 x float>, ptr %cell48
  %v120 = load <16 x float>, ptr %cell49
  %v121 = load <16 x float>, ptr %cell50
  %v122 = fcmp ogt <16 x float> %v118, %v120
  %v123 = select <16 x i1> %v122, <16 x float> %v118, <16 x float> %v120
  %v124 = fcmp uno <16 x float> %v118, %v118
  %v125 = select <16 x i1> %v124, <16 x float> %v118, <16 x float> %v123
  %v126 = fcmp ogt <16 x float> %v119, %v121
  %v127 = select <16 x i1> %v126, <16 x float> %v119, <16 x float> %v121
  %v128 = fcmp uno <16 x float> %v119, %v119
  %v129 = select <16 x i1> %v128, <16 x float> %v119, <16 x float> %v127
  %v130 = fcmp ogt <16 x float> %v125, %v129
  %v131 = select <16 x i1> %v130, <16 x float> %v125, <16 x float> %v129
  %v132 = fcmp uno <16 x float> %v125, %v125
  %v133 = select <16 x i1> %v132, <16 x float> %v125, <16 x float> %v131
  %v134 = shufflevector <16 x float> %v133, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v135 = shufflevector <16 x float> %v133, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v136 = fcmp ogt <8 x float> %v135, %v134
  %v137 = select <8 x i1> %v136, <8 x float> %v135, <8 x float> %v134
  %v138 = fcmp uno <8 x float> %v135, %v135
  %v139 = select <8 x i1> %v138, <8 x float> %v135, <8 x float> %v137
  %v140 = shufflevector <8 x float> %v139, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v141 = shufflevector <8 x float> %v139, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v142 = fcmp ogt <4 x float> %v141, %v140
  %v143 = select <4 x i1> %v142, <4 x float> %v141, <4 x float> %v140
  %v144 = fcmp uno <4 x float> %v141, %v141
  %v145 = select <4 x i1> %v144, <4 x float> %v141, <4 x float> %v143
  %v146 = shufflevector <4 x float> %v145, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v147 = shufflevector <4 x float> %v145, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v148 = fcmp ogt <2 x float> %v147, %v146
  %v149 = select <2 x i1> %v148, <2 x float> %v147, <2 x float> %v146
  %v150 = fcmp uno <2 x float> %v147, %v147
  %v151 = select <2 x i1> %v150, <2 x float> %v147, <2 x float> %v149
  %v152 = extractelement <2 x float> %v151, i64 0
  %v153 = extractelement <2 x float> %v151, i64 1
  %v154 = fcmp ogt float %v153, %v152
  %v155 = select i1 %v154, float %v153, float %v152
  %v156 = fcmp uno float %v153, %v153
  %v157 = select i1 %v156, float %v153, float %v155
  store <16 x float> splat (float 0x0000000000000000), ptr %cell158
  store <16 x float> splat (float 0x0000000000000000), ptr %cell159
  %v160 = insertelement <16 x float> poison, float %v157, i64 0
  %v161 = shufflevector <16 x float> %v160, <16 x float> poison, <16 x i32> zeroinitializer
  %row162 = mul nsw i64 0, %size4
  br label %head163
head163:
  %j166 = phi i64 [ 0, %endif108 ], [ %next167, %body164 ]
  %more168 = icmp slt i64 %j166, %end25
  br i1 %more168, label %body164, label %done165
body164:
  %v169 = add nsw i64 %row162, %j166
  %v170 = getelementptr float, ptr %v44, i64 %j166
  %v171 = load <16 x float>, ptr %v170, align 4
  %v172 = fsub <16 x float> %v171, %v161
  %v173 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v172
  %v174 = select <16 x i1> %v173, <16 x float> splat (float 0x4056400000000000), <16 x float> %v172
  %v175 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v174
  %v176 = select <16 x i1> %v175, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v174
  %v177 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v176, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v178 = fsub <16 x float> %v177, splat (float 0x4168000000000000)
  %v179 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v176)
  %v180 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v178, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v179)
  %v181 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v182 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> %v181, <16 x float> splat (float 0x3FA5558F00000000))
  %v183 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> %v182, <16 x float> splat (float 0x3FC5554920000000))
  %v184 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> %v183, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v185 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> %v184, <16 x float> splat (float 0x3FF0000000000000))
  %v186 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v180, <16 x float> %v185, <16 x float> splat (float 0x3FF0000000000000))
  %v187 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v186, <16 x float> %v178, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v188 = getelementptr float, ptr %scratch, i64 %v169
  store <16 x float> %v187, ptr %v188, align 4
  %v189 = load <16 x float>, ptr %cell158
  %v190 = fadd <16 x float> %v187, %v189
  store <16 x float> %v190, ptr %cell158
  %j191 = add nsw i64 %j166, 16
  %v192 = add nsw i64 %row162, %j191
  %v193 = getelementptr float, ptr %v44, i64 %j191
  %v194 = load <16 x float>, ptr %v193, align 4
  %v195 = fsub <16 x float> %v194, %v161
  %v196 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v195
  %v197 = select <16 x i1> %v196, <16 x float> splat (float 0x4056400000000000), <16 x float> %v195
  %v198 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v197
  %v199 = select <16 x i1> %v198, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v197
  %v200 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v199, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v201 = fsub <16 x float> %v200, splat (float 0x4168000000000000)
  %v202 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v201, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v199)
  %v203 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v201, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v202)
  %v204 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v203, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v205 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v203, <16 x float> %v204, <16 x float> splat (float 0x3FA5558F00000000))
  %v206 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v203, <16 x float> %v205, <16 x float> splat (float 0x3FC5554920000000))
  %v207 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v203, <16 x float> %v206, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v208 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v203, <16 x float> %v207, <16 x float> splat (float 0x3FF0000000000000))
  %v209 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v203, <16 x float> %v208, <16 x float> splat (float 0x3FF0000000000000))
  %v210 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v209, <16 x float> %v201, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v211 = getelementptr float, ptr %scratch, i64 %v192
  store <16 x float> %v210, ptr %v211, align 4
  %v212 = load <16 x float>, ptr %cell159
  %v213 = fadd <16 x float> %v210, %v212
  store <16 x float> %v213, ptr %cell159
  %next167 = add nsw i64 %j166, 32
  br label %head163
done165:
  br label %head214
head214:
  %j217 = phi i64 [ %end25, %done165 ], [ %next218, %body215 ]
  %more219 = icmp slt i64 %j217, %end27
  br i1 %more219, label %body215, label %done216
body215:
  %v220 = add nsw i64 %row162, %j217
  %v221 = getelementptr float, ptr %v44, i64 %j217
  %v222 = load <16 x float>, ptr %v221, align 4
  %v223 = fsub <16 x float> %v222, %v161
  %v224 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v223
  %v225 = select <16 x i1> %v224, <16 x float> splat (float 0x4056400000000000), <16 x float> %v223
  %v226 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v225
  %v227 = select <16 x i1> %v226, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v225
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
  %v239 = getelementptr float, ptr %scratch, i64 %v220
  store <16 x float> %v238, ptr %v239, align 4
  %v240 = load <16 x float>, ptr %cell158
  %v241 = fadd <16 x float> %v238, %v240
  store <16 x float> %v241, ptr %cell158
  %next218 = add nsw i64 %j217, 16
  br label %head214
done216:
  br i1 %ragged28, label %then242, label %endif243
then242:
  %v244 = add nsw i64 %row162, %end27
  %v245 = getelementptr float, ptr %v44, i64 %end27
  %v246 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v245, i32 4, <16 x i1> %mask34, <16 x float> zeroinitializer)
  %v247 = fsub <16 x float> %v246, %v161
  %v248 = fcmp olt <16 x float> splat (float 0x4056400000000000), %v247
  %v249 = select <16 x i1> %v248, <16 x float> splat (float 0x4056400000000000), <16 x float> %v247
  %v250 = fcmp ogt <16 x float> splat (float 0xC05A000000000000), %v249
  %v251 = select <16 x i1> %v250, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v249
  %v252 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v251, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000000000000))
  %v253 = fsub <16 x float> %v252, splat (float 0x4168000000000000)
  %v254 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v253, <16 x float> splat (float 0xBFE62E4300000000), <16 x float> %v251)
  %v255 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v253, <16 x float> splat (float 0x3E205C6100000000), <16 x float> %v254)
  %v256 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> splat (float 0x3F56A28A40000000), <16 x float> splat (float 0x3F8123A2A0000000))
  %v257 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> %v256, <16 x float> splat (float 0x3FA5558F00000000))
  %v258 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> %v257, <16 x float> splat (float 0x3FC5554920000000))
  %v259 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> %v258, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v260 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> %v259, <16 x float> splat (float 0x3FF0000000000000))
  %v261 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v255, <16 x float> %v260, <16 x float> splat (float 0x3FF0000000000000))
  %v262 = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %v261, <16 x float> %v253, <16 x float> zeroinitializer, i16 -1, i32 4)
  %v263 = getelementptr float, ptr %scratch, i64 %v244
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v262, ptr %v263, i32 4, <16 x i1> %mask34)
  %v264 = load <16 x float>, ptr %cell158
  %v265 = fadd <16 x float> %v262, %v264
  %v266 = select <16 x i1> %mask34, <16 x float> %v265, <16 x float> %v264
  store <16 x float> %v266, ptr %cell158
  br label %endif243
endif243:
  %v267 = load <16 x float>, ptr %cell158
  %v268 = load <16 x float>, ptr %cell159
  %v269 = fadd <16 x float> %v267, %v268
  %v270 = shufflevector <16 x float> %v269, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v271 = shufflevector <16 x float> %v269, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v272 = fadd <8 x float> %v271, %v270
  %v273 = shufflevector <8 x float> %v272, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v274 = shufflevector <8 x float> %v272, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v275 = fadd <4 x float> %v274, %v273
  %v276 = shufflevector <4 x float> %v275, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v277 = shufflevector <4 x float> %v275, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v278 = fadd <2 x float> %v277, %v276
  %v279 = extractelement <2 x float> %v278, i64 0
  %v280 = extractelement <2 x float> %v278, i64 1
  %v281 = fadd float %v280, %v279
  %v282 = insertelement <16 x float> poison, float %v157, i64 0
  %v283 = shufflevector <16 x float> %v282, <16 x float> poison, <16 x i32> zeroinitializer
  %v284 = fdiv float 0x3FF0000000000000, %v281
  %v285 = insertelement <16 x float> poison, float %v284, i64 0
  %v286 = shufflevector <16 x float> %v285, <16 x float> poison, <16 x i32> zeroinitializer
  %row287 = mul nsw i64 0, %size4
  br label %head288
head288:
  %j291 = phi i64 [ 0, %endif243 ], [ %next292, %body289 ]
  %more293 = icmp slt i64 %j291, %end27
  br i1 %more293, label %body289, label %done290
body289:
  %v294 = add nsw i64 %row287, %j291
  %v295 = getelementptr float, ptr %scratch, i64 %v294
  %v296 = load <16 x float>, ptr %v295, align 4
  %v297 = fmul <16 x float> %v296, %v286
  %v298 = getelementptr float, ptr %v46, i64 %j291
  store <16 x float> %v297, ptr %v298, align 4
  %next292 = add nsw i64 %j291, 16
  br label %head288
done290:
  br i1 %ragged28, label %then299, label %endif300
then299:
  %v301 = add nsw i64 %row287, %end27
  %v302 = getelementptr float, ptr %scratch, i64 %v301
  %v303 = load <16 x float>, ptr %v302, align 4
  %v304 = fmul <16 x float> %v303, %v286
  %v305 = getelementptr float, ptr %v46, i64 %end27
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v304, ptr %v305, i32 4, <16 x i1> %mask34)
  br label %endif300
endif300:
  %v306 = add nsw i64 %v42, 1
  store i64 %v306, ptr %cell35
  %next40 = add nsw i64 %unit39, 1
  br label %head36
done38:
  br label %endif15
endif15:
  ret i64 0
}

declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float>, <16 x float>, <16 x float>, i16, i32)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
