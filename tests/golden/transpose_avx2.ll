define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell32 = alloca [1024 x double], align 64
  %cell36 = alloca i64
  %arg1 = getelementptr i64, ptr %args, i64 0
  %size2 = load i64, ptr %arg1, align 8
  %arg3 = getelementptr i64, ptr %args, i64 1
  %size4 = load i64, ptr %arg3, align 8
  %arg5 = getelementptr i64, ptr %args, i64 2
  %base6 = load ptr, ptr %arg5, align 8
  %arg7 = getelementptr i64, ptr %args, i64 3
  %stride8 = load i64, ptr %arg7, align 8
  %v9 = insertelement <4 x i64> poison, i64 %stride8, i64 0
  %v10 = shufflevector <4 x i64> %v9, <4 x i64> poison, <4 x i32> zeroinitializer
  %v11 = mul <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v10
  %arg12 = getelementptr i64, ptr %args, i64 4
  %base13 = load ptr, ptr %arg12, align 8
  %arg14 = getelementptr i64, ptr %args, i64 5
  %stride15 = load i64, ptr %arg14, align 8
  %some16 = icmp slt i64 %begin, %end
  br i1 %some16, label %then17, label %endif18
then17:
  %count19 = sub nsw i64 %size4, 0
  %v20 = and i64 %count19, -16
  %end21 = add nsw i64 0, %v20
  %v22 = and i64 %count19, -8
  %end23 = add nsw i64 0, %v22
  %v24 = and i64 %count19, -4
  %end25 = add nsw i64 0, %v24
  %ragged26 = icmp slt i64 %end25, %size4
  %left27 = sub nsw i64 %size4, %end25
  %v28 = call i64 @llvm.smin.i64(i64 %left27, i64 4)
  %v29 = insertelement <4 x i64> poison, i64 %v28, i64 0
  %v30 = shufflevector <4 x i64> %v29, <4 x i64> poison, <4 x i32> zeroinitializer
  %mask31 = icmp ult <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v30
  %large33 = icmp sge i64 %size2, 16
  %v34 = add nsw i64 %size2, 15
  %blocks35 = ashr i64 %v34, 4
  store i64 %begin, ptr %cell36
  %any41 = icmp slt i64 %begin, %end
  br i1 %any41, label %body37, label %done38
body37:
  %unit39 = phi i64 [ %begin, %then17 ], [ %next40, %endif48 ]
  %v42 = load i64, ptr %cell36
  %first43 = mul nsw i64 %v42, 16
  %v44 = add nsw i64 %first43, 16
  %v45 = call i64 @llvm.smin.i64(i64 %v44, i64 %size2)
  br i1 %large33, label %then46, label %else47
then46:
  %v49 = sub nsw i64 %size2, 16
  %v50 = call i64 @llvm.smin.i64(i64 %first43, i64 %v49)
  %any55 = icmp slt i64 0, %size4
  br i1 %any55, label %body51, label %done52
body51:
  %panel53 = phi i64 [ 0, %then46 ], [ %next54, %done196 ]
  %v56 = add nsw i64 %panel53, 64
  %v57 = call i64 @llvm.smin.i64(i64 %v56, i64 %size4)
  %v58 = mul nsw i64 %v50, 1
  %v59 = getelementptr double, ptr %base6, i64 %v58
  %v60 = mul nsw i64 %v50, %stride15
  %v61 = getelementptr double, ptr %base13, i64 %v60
  %last62 = sub nsw i64 %v57, 1
  %any67 = icmp slt i64 %panel53, %v57
  br i1 %any67, label %body63, label %done64
body63:
  %column65 = phi i64 [ %panel53, %body51 ], [ %next66, %body63 ]
  %v68 = sub nsw i64 %column65, %panel53
  %v69 = add nsw i64 %column65, 0
  %v70 = call i64 @llvm.smin.i64(i64 %v69, i64 %last62)
  %v71 = mul nsw i64 %v70, %stride8
  %v72 = getelementptr double, ptr %v59, i64 %v71
  %v73 = add nsw i64 %column65, 1
  %v74 = call i64 @llvm.smin.i64(i64 %v73, i64 %last62)
  %v75 = mul nsw i64 %v74, %stride8
  %v76 = getelementptr double, ptr %v59, i64 %v75
  %v77 = add nsw i64 %column65, 2
  %v78 = call i64 @llvm.smin.i64(i64 %v77, i64 %last62)
  %v79 = mul nsw i64 %v78, %stride8
  %v80 = getelementptr double, ptr %v59, i64 %v79
  %v81 = add nsw i64 %column65, 3
  %v82 = call i64 @llvm.smin.i64(i64 %v81, i64 %last62)
  %v83 = mul nsw i64 %v82, %stride8
  %v84 = getelementptr double, ptr %v59, i64 %v83
  %v85 = getelementptr double, ptr %v72, i64 0
  %v86 = load <4 x double>, ptr %v85, align 8
  %v87 = getelementptr double, ptr %v76, i64 0
  %v88 = load <4 x double>, ptr %v87, align 8
  %v89 = getelementptr double, ptr %v80, i64 0
  %v90 = load <4 x double>, ptr %v89, align 8
  %v91 = getelementptr double, ptr %v84, i64 0
  %v92 = load <4 x double>, ptr %v91, align 8
  %v93 = shufflevector <4 x double> %v86, <4 x double> %v88, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v94 = shufflevector <4 x double> %v86, <4 x double> %v88, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v95 = shufflevector <4 x double> %v90, <4 x double> %v92, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v96 = shufflevector <4 x double> %v90, <4 x double> %v92, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v97 = shufflevector <4 x double> %v93, <4 x double> %v95, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v98 = shufflevector <4 x double> %v93, <4 x double> %v95, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v99 = shufflevector <4 x double> %v94, <4 x double> %v96, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v100 = shufflevector <4 x double> %v94, <4 x double> %v96, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v101 = getelementptr double, ptr %cell32, i64 %v68
  %v102 = getelementptr double, ptr %v101, i64 0
  store <4 x double> %v97, ptr %v102, align 8
  %v103 = getelementptr double, ptr %cell32, i64 %v68
  %v104 = getelementptr double, ptr %v103, i64 64
  store <4 x double> %v99, ptr %v104, align 8
  %v105 = getelementptr double, ptr %cell32, i64 %v68
  %v106 = getelementptr double, ptr %v105, i64 128
  store <4 x double> %v98, ptr %v106, align 8
  %v107 = getelementptr double, ptr %cell32, i64 %v68
  %v108 = getelementptr double, ptr %v107, i64 192
  store <4 x double> %v100, ptr %v108, align 8
  %v109 = getelementptr double, ptr %v72, i64 4
  %v110 = load <4 x double>, ptr %v109, align 8
  %v111 = getelementptr double, ptr %v76, i64 4
  %v112 = load <4 x double>, ptr %v111, align 8
  %v113 = getelementptr double, ptr %v80, i64 4
  %v114 = load <4 x double>, ptr %v113, align 8
  %v115 = getelementptr double, ptr %v84, i64 4
  %v116 = load <4 x double>, ptr %v115, align 8
  %v117 = shufflevector <4 x double> %v110, <4 x double> %v112, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v118 = shufflevector <4 x double> %v110, <4 x double> %v112, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v119 = shufflevector <4 x double> %v114, <4 x double> %v116, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v120 = shufflevector <4 x double> %v114, <4 x double> %v116, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v121 = shufflevector <4 x double> %v117, <4 x double> %v119, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v122 = shufflevector <4 x double> %v117, <4 x double> %v119, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v123 = shufflevector <4 x double> %v118, <4 x double> %v120, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v124 = shufflevector <4 x double> %v118, <4 x double> %v120, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v125 = getelementptr double, ptr %cell32, i64 %v68
  %v126 = getelementptr double, ptr %v125, i64 256
  store <4 x double> %v121, ptr %v126, align 8
  %v127 = getelementptr double, ptr %cell32, i64 %v68
  %v128 = getelementptr double, ptr %v127, i64 320
  store <4 x double> %v123, ptr %v128, align 8
  %v129 = getelementptr double, ptr %cell32, i64 %v68
  %v130 = getelementptr double, ptr %v129, i64 384
  store <4 x double> %v122, ptr %v130, align 8
  %v131 = getelementptr double, ptr %cell32, i64 %v68
  %v132 = getelementptr double, ptr %v131, i64 448
  store <4 x double> %v124, ptr %v132, align 8
  %v133 = getelementptr double, ptr %v72, i64 8
  %v134 = load <4 x double>, ptr %v133, align 8
  %v135 = getelementptr double, ptr %v76, i64 8
  %v136 = load <4 x double>, ptr %v135, align 8
  %v137 = getelementptr double, ptr %v80, i64 8
  %v138 = load <4 x double>, ptr %v137, align 8
  %v139 = getelementptr double, ptr %v84, i64 8
  %v140 = load <4 x double>, ptr %v139, align 8
  %v141 = shufflevector <4 x double> %v134, <4 x double> %v136, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v142 = shufflevector <4 x double> %v134, <4 x double> %v136, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v143 = shufflevector <4 x double> %v138, <4 x double> %v140, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v144 = shufflevector <4 x double> %v138, <4 x double> %v140, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v145 = shufflevector <4 x double> %v141, <4 x double> %v143, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v146 = shufflevector <4 x double> %v141, <4 x double> %v143, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v147 = shufflevector <4 x double> %v142, <4 x double> %v144, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v148 = shufflevector <4 x double> %v142, <4 x double> %v144, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v149 = getelementptr double, ptr %cell32, i64 %v68
  %v150 = getelementptr double, ptr %v149, i64 512
  store <4 x double> %v145, ptr %v150, align 8
  %v151 = getelementptr double, ptr %cell32, i64 %v68
  %v152 = getelementptr double, ptr %v151, i64 576
  store <4 x double> %v147, ptr %v152, align 8
  %v153 = getelementptr double, ptr %cell32, i64 %v68
  %v154 = getelementptr double, ptr %v153, i64 640
  store <4 x double> %v146, ptr %v154, align 8
  %v155 = getelementptr double, ptr %cell32, i64 %v68
  %v156 = getelementptr double, ptr %v155, i64 704
  store <4 x double> %v148, ptr %v156, align 8
  %v157 = getelementptr double, ptr %v72, i64 12
  %v158 = load <4 x double>, ptr %v157, align 8
  %v159 = getelementptr double, ptr %v76, i64 12
  %v160 = load <4 x double>, ptr %v159, align 8
  %v161 = getelementptr double, ptr %v80, i64 12
  %v162 = load <4 x double>, ptr %v161, align 8
  %v163 = getelementptr double, ptr %v84, i64 12
  %v164 = load <4 x double>, ptr %v163, align 8
  %v165 = shufflevector <4 x double> %v158, <4 x double> %v160, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v166 = shufflevector <4 x double> %v158, <4 x double> %v160, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v167 = shufflevector <4 x double> %v162, <4 x double> %v164, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v168 = shufflevector <4 x double> %v162, <4 x double> %v164, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v169 = shufflevector <4 x double> %v165, <4 x double> %v167, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v170 = shufflevector <4 x double> %v165, <4 x double> %v167, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v171 = shufflevector <4 x double> %v166, <4 x double> %v168, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v172 = shufflevector <4 x double> %v166, <4 x double> %v168, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v173 = getelementptr double, ptr %cell32, i64 %v68
  %v174 = getelementptr double, ptr %v173, i64 768
  store <4 x double> %v169, ptr %v174, align 8
  %v175 = getelementptr double, ptr %cell32, i64 %v68
  %v176 = getelementptr double, ptr %v175, i64 832
  store <4 x double> %v171, ptr %v176, align 8
  %v177 = getelementptr double, ptr %cell32, i64 %v68
  %v178 = getelementptr double, ptr %v177, i64 896
  store <4 x double> %v170, ptr %v178, align 8
  %v179 = getelementptr double, ptr %cell32, i64 %v68
  %v180 = getelementptr double, ptr %v179, i64 960
  store <4 x double> %v172, ptr %v180, align 8
  %next66 = add nsw i64 %column65, 4
  %more181 = icmp slt i64 %next66, %v57
  br i1 %more181, label %body63, label %done64
done64:
  %count182 = sub nsw i64 %v57, %panel53
  %v183 = and i64 %count182, -16
  %end184 = add nsw i64 %panel53, %v183
  %v185 = and i64 %count182, -8
  %end186 = add nsw i64 %panel53, %v185
  %v187 = and i64 %count182, -4
  %end188 = add nsw i64 %panel53, %v187
  %ragged189 = icmp slt i64 %end188, %v57
  %left190 = sub nsw i64 %v57, %end188
  %v191 = call i64 @llvm.smin.i64(i64 %left190, i64 4)
  %v192 = insertelement <4 x i64> poison, i64 %v191, i64 0
  %v193 = shufflevector <4 x i64> %v192, <4 x i64> poison, <4 x i32> zeroinitializer
  %mask194 = icmp ult <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v193
  %any199 = icmp slt i64 %first43, %v45
  br i1 %any199, label %body195, label %done196
body195:
  %row197 = phi i64 [ %first43, %done64 ], [ %next198, %endif239 ]
  %v200 = mul nsw i64 %row197, 1
  %v201 = getelementptr double, ptr %base6, i64 %v200
  %v202 = mul nsw i64 %row197, %stride15
  %v203 = getelementptr double, ptr %base13, i64 %v202
  %v204 = sub nsw i64 %row197, %v50
  %v205 = mul nsw i64 %v204, 64
  %v206 = sub nsw i64 %v205, %panel53
  %v207 = getelementptr double, ptr %cell32, i64 %v206
  %any212 = icmp slt i64 %panel53, %end184
  br i1 %any212, label %body208, label %done209
body208:
  %j210 = phi i64 [ %panel53, %body195 ], [ %next211, %body208 ]
  %v213 = getelementptr double, ptr %v207, i64 %j210
  %v214 = load <4 x double>, ptr %v213, align 8
  %v215 = getelementptr double, ptr %v203, i64 %j210
  store <4 x double> %v214, ptr %v215, align 8
  %j216 = add nsw i64 %j210, 4
  %v217 = getelementptr double, ptr %v207, i64 %j216
  %v218 = load <4 x double>, ptr %v217, align 8
  %v219 = getelementptr double, ptr %v203, i64 %j216
  store <4 x double> %v218, ptr %v219, align 8
  %j220 = add nsw i64 %j210, 8
  %v221 = getelementptr double, ptr %v207, i64 %j220
  %v222 = load <4 x double>, ptr %v221, align 8
  %v223 = getelementptr double, ptr %v203, i64 %j220
  store <4 x double> %v222, ptr %v223, align 8
  %j224 = add nsw i64 %j210, 12
  %v225 = getelementptr double, ptr %v207, i64 %j224
  %v226 = load <4 x double>, ptr %v225, align 8
  %v227 = getelementptr double, ptr %v203, i64 %j224
  store <4 x double> %v226, ptr %v227, align 8
  %next211 = add nsw i64 %j210, 16
  %more228 = icmp slt i64 %next211, %end184
  br i1 %more228, label %body208, label %done209
done209:
  %any233 = icmp slt i64 %end184, %end188
  br i1 %any233, label %body229, label %done230
body229:
  %j231 = phi i64 [ %end184, %done209 ], [ %next232, %body229 ]
  %v234 = getelementptr double, ptr %v207, i64 %j231
  %v235 = load <4 x double>, ptr %v234, align 8
  %v236 = getelementptr double, ptr %v203, i64 %j231
  store <4 x double> %v235, ptr %v236, align 8
  %next232 = add nsw i64 %j231, 4
  %more237 = icmp slt i64 %next232, %end188
  br i1 %more237, label %body229, label %done230
done230:
  br i1 %ragged189, label %then238, label %endif239
then238:
  %v240 = getelementptr double, ptr %v207, i64 %end188
  %v241 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v240, i32 8, <4 x i1> %mask194, <4 x double> zeroinitializer)
  %v242 = getelementptr double, ptr %v203, i64 %end188
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v241, ptr %v242, i32 8, <4 x i1> %mask194)
  br label %endif239
endif239:
  %next198 = add nsw i64 %row197, 1
  %more243 = icmp slt i64 %next198, %v45
  br i1 %more243, label %body195, label %done196
done196:
  %next54 = add nsw i64 %panel53, 64
  %more244 = icmp slt i64 %next54, %size4
  br i1 %more244, label %body51, label %done52
done52:
  br label %endif48
else47:
  %any249 = icmp slt i64 %first43, %v45
  br i1 %any249, label %body245, label %done246
body245:
  %row247 = phi i64 [ %first43, %else47 ], [ %next248, %endif295 ]
  %v250 = mul nsw i64 %row247, 1
  %v251 = getelementptr double, ptr %base6, i64 %v250
  %v252 = mul nsw i64 %row247, %stride15
  %v253 = getelementptr double, ptr %base13, i64 %v252
  %any258 = icmp slt i64 0, %end21
  br i1 %any258, label %body254, label %done255
body254:
  %j256 = phi i64 [ 0, %body245 ], [ %next257, %body254 ]
  %v259 = mul nsw i64 %j256, %stride8
  %v260 = getelementptr double, ptr %v251, i64 %v259
  %v261 = getelementptr double, ptr %v260, <4 x i64> %v11
  %v262 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v261, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v263 = getelementptr double, ptr %v253, i64 %j256
  store <4 x double> %v262, ptr %v263, align 8
  %j264 = add nsw i64 %j256, 4
  %v265 = mul nsw i64 %j264, %stride8
  %v266 = getelementptr double, ptr %v251, i64 %v265
  %v267 = getelementptr double, ptr %v266, <4 x i64> %v11
  %v268 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v267, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v269 = getelementptr double, ptr %v253, i64 %j264
  store <4 x double> %v268, ptr %v269, align 8
  %j270 = add nsw i64 %j256, 8
  %v271 = mul nsw i64 %j270, %stride8
  %v272 = getelementptr double, ptr %v251, i64 %v271
  %v273 = getelementptr double, ptr %v272, <4 x i64> %v11
  %v274 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v273, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v275 = getelementptr double, ptr %v253, i64 %j270
  store <4 x double> %v274, ptr %v275, align 8
  %j276 = add nsw i64 %j256, 12
  %v277 = mul nsw i64 %j276, %stride8
  %v278 = getelementptr double, ptr %v251, i64 %v277
  %v279 = getelementptr double, ptr %v278, <4 x i64> %v11
  %v280 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v279, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v281 = getelementptr double, ptr %v253, i64 %j276
  store <4 x double> %v280, ptr %v281, align 8
  %next257 = add nsw i64 %j256, 16
  %more282 = icmp slt i64 %next257, %end21
  br i1 %more282, label %body254, label %done255
done255:
  %any287 = icmp slt i64 %end21, %end25
  br i1 %any287, label %body283, label %done284
body283:
  %j285 = phi i64 [ %end21, %done255 ], [ %next286, %body283 ]
  %v288 = mul nsw i64 %j285, %stride8
  %v289 = getelementptr double, ptr %v251, i64 %v288
  %v290 = getelementptr double, ptr %v289, <4 x i64> %v11
  %v291 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v290, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v292 = getelementptr double, ptr %v253, i64 %j285
  store <4 x double> %v291, ptr %v292, align 8
  %next286 = add nsw i64 %j285, 4
  %more293 = icmp slt i64 %next286, %end25
  br i1 %more293, label %body283, label %done284
done284:
  br i1 %ragged26, label %then294, label %endif295
then294:
  %v296 = mul nsw i64 %end25, %stride8
  %v297 = getelementptr double, ptr %v251, i64 %v296
  %v298 = getelementptr double, ptr %v297, <4 x i64> %v11
  %v299 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v298, i32 8, <4 x i1> %mask31, <4 x double> zeroinitializer)
  %v300 = getelementptr double, ptr %v253, i64 %end25
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v299, ptr %v300, i32 8, <4 x i1> %mask31)
  br label %endif295
endif295:
  %next248 = add nsw i64 %row247, 1
  %more301 = icmp slt i64 %next248, %v45
  br i1 %more301, label %body245, label %done246
done246:
  br label %endif48
endif48:
  %v302 = add nsw i64 %v42, 1
  store i64 %v302, ptr %cell36
  %next40 = add nsw i64 %unit39, 1
  %more303 = icmp slt i64 %next40, %end
  br i1 %more303, label %body37, label %done38
done38:
  br label %endif18
endif18:
  ret i64 0
}

declare <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr>, i32, <4 x i1>, <4 x double>)
declare <4 x double> @llvm.masked.load.v4f64.p0(ptr, i32, <4 x i1>, <4 x double>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v4f64.p0(<4 x double>, ptr, i32, <4 x i1>)
