define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell19 = alloca [1024 x double], align 64
  %cell29 = alloca i64
  %cell31 = alloca i64
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
  %v20 = icmp sge i64 %size2, 16
  %v21 = icmp slt i64 %size4, 16
  %v22 = icmp slt i64 %stride15, 512
  %narrow23 = and i1 %v21, %v22
  %v24 = add nsw i64 %size2, 63
  %blocks25 = ashr i64 %v24, 6
  %v26 = add nsw i64 %size4, 511
  %blocks27 = ashr i64 %v26, 9
  %v28 = srem i64 %begin, %blocks27
  store i64 %v28, ptr %cell29
  %v30 = sdiv i64 %begin, %blocks27
  store i64 %v30, ptr %cell31
  %any36 = icmp slt i64 %begin, %end
  br i1 %any36, label %body32, label %done33
body32:
  %unit34 = phi i64 [ %begin, %then17 ], [ %next35, %endif47 ]
  %v37 = load i64, ptr %cell31
  %v38 = load i64, ptr %cell29
  %start39 = mul nsw i64 %v37, 64
  %v40 = add nsw i64 %start39, 64
  %v41 = call i64 @llvm.smin.i64(i64 %v40, i64 %size2)
  %start42 = mul nsw i64 %v38, 512
  %v43 = add nsw i64 %start42, 512
  %v44 = call i64 @llvm.smin.i64(i64 %v43, i64 %size4)
  br i1 %narrow23, label %then45, label %else46
then45:
  %any52 = icmp slt i64 %start42, %v44
  br i1 %any52, label %body48, label %done49
body48:
  %column50 = phi i64 [ %start42, %then45 ], [ %next51, %done115 ]
  %v53 = mul nsw i64 %column50, %stride8
  %v54 = getelementptr double, ptr %base6, i64 %v53
  %v55 = mul nsw i64 %column50, 1
  %v56 = getelementptr double, ptr %base13, i64 %v55
  %count57 = sub nsw i64 %v41, %start39
  %v58 = and i64 %count57, -8
  %end59 = add nsw i64 %start39, %v58
  %any64 = icmp slt i64 %start39, %end59
  br i1 %any64, label %body60, label %done61
body60:
  %j62 = phi i64 [ %start39, %body48 ], [ %next63, %body60 ]
  %j65 = add nsw i64 %j62, 0
  %v66 = mul nsw i64 %j65, 1
  %v67 = getelementptr double, ptr %v54, i64 %v66
  %v68 = mul nsw i64 %j65, %stride15
  %v69 = getelementptr double, ptr %v56, i64 %v68
  %v70 = load double, ptr %v67, align 8
  store double %v70, ptr %v69, align 8
  %j71 = add nsw i64 %j62, 1
  %v72 = mul nsw i64 %j71, 1
  %v73 = getelementptr double, ptr %v54, i64 %v72
  %v74 = mul nsw i64 %j71, %stride15
  %v75 = getelementptr double, ptr %v56, i64 %v74
  %v76 = load double, ptr %v73, align 8
  store double %v76, ptr %v75, align 8
  %j77 = add nsw i64 %j62, 2
  %v78 = mul nsw i64 %j77, 1
  %v79 = getelementptr double, ptr %v54, i64 %v78
  %v80 = mul nsw i64 %j77, %stride15
  %v81 = getelementptr double, ptr %v56, i64 %v80
  %v82 = load double, ptr %v79, align 8
  store double %v82, ptr %v81, align 8
  %j83 = add nsw i64 %j62, 3
  %v84 = mul nsw i64 %j83, 1
  %v85 = getelementptr double, ptr %v54, i64 %v84
  %v86 = mul nsw i64 %j83, %stride15
  %v87 = getelementptr double, ptr %v56, i64 %v86
  %v88 = load double, ptr %v85, align 8
  store double %v88, ptr %v87, align 8
  %j89 = add nsw i64 %j62, 4
  %v90 = mul nsw i64 %j89, 1
  %v91 = getelementptr double, ptr %v54, i64 %v90
  %v92 = mul nsw i64 %j89, %stride15
  %v93 = getelementptr double, ptr %v56, i64 %v92
  %v94 = load double, ptr %v91, align 8
  store double %v94, ptr %v93, align 8
  %j95 = add nsw i64 %j62, 5
  %v96 = mul nsw i64 %j95, 1
  %v97 = getelementptr double, ptr %v54, i64 %v96
  %v98 = mul nsw i64 %j95, %stride15
  %v99 = getelementptr double, ptr %v56, i64 %v98
  %v100 = load double, ptr %v97, align 8
  store double %v100, ptr %v99, align 8
  %j101 = add nsw i64 %j62, 6
  %v102 = mul nsw i64 %j101, 1
  %v103 = getelementptr double, ptr %v54, i64 %v102
  %v104 = mul nsw i64 %j101, %stride15
  %v105 = getelementptr double, ptr %v56, i64 %v104
  %v106 = load double, ptr %v103, align 8
  store double %v106, ptr %v105, align 8
  %j107 = add nsw i64 %j62, 7
  %v108 = mul nsw i64 %j107, 1
  %v109 = getelementptr double, ptr %v54, i64 %v108
  %v110 = mul nsw i64 %j107, %stride15
  %v111 = getelementptr double, ptr %v56, i64 %v110
  %v112 = load double, ptr %v109, align 8
  store double %v112, ptr %v111, align 8
  %next63 = add nsw i64 %j62, 8
  %more113 = icmp slt i64 %next63, %end59
  br i1 %more113, label %body60, label %done61
done61:
  %any118 = icmp slt i64 %end59, %v41
  br i1 %any118, label %body114, label %done115
body114:
  %j116 = phi i64 [ %end59, %done61 ], [ %next117, %body114 ]
  %v119 = mul nsw i64 %j116, 1
  %v120 = getelementptr double, ptr %v54, i64 %v119
  %v121 = mul nsw i64 %j116, %stride15
  %v122 = getelementptr double, ptr %v56, i64 %v121
  %v123 = load double, ptr %v120, align 8
  store double %v123, ptr %v122, align 8
  %next117 = add nsw i64 %j116, 1
  %more124 = icmp slt i64 %next117, %v41
  br i1 %more124, label %body114, label %done115
done115:
  %next51 = add nsw i64 %column50, 1
  %more125 = icmp slt i64 %next51, %v44
  br i1 %more125, label %body48, label %done49
done49:
  br label %endif47
else46:
  br i1 %v20, label %then126, label %else127
then126:
  %any133 = icmp slt i64 %start42, %v44
  br i1 %any133, label %body129, label %done130
body129:
  %panel131 = phi i64 [ %start42, %then126 ], [ %next132, %done137 ]
  %v134 = add nsw i64 %panel131, 64
  %v135 = call i64 @llvm.smin.i64(i64 %v134, i64 %v44)
  %any140 = icmp slt i64 %start39, %v41
  br i1 %any140, label %body136, label %done137
body136:
  %strip138 = phi i64 [ %start39, %body129 ], [ %next139, %done283 ]
  %v141 = add nsw i64 %strip138, 16
  %v142 = call i64 @llvm.smin.i64(i64 %v141, i64 %v41)
  %v143 = sub nsw i64 %size2, 16
  %v144 = call i64 @llvm.smin.i64(i64 %strip138, i64 %v143)
  %v145 = mul nsw i64 %v144, 1
  %v146 = getelementptr double, ptr %base6, i64 %v145
  %v147 = mul nsw i64 %v144, %stride15
  %v148 = getelementptr double, ptr %base13, i64 %v147
  %last149 = sub nsw i64 %v135, 1
  %any154 = icmp slt i64 %panel131, %v135
  br i1 %any154, label %body150, label %done151
body150:
  %column152 = phi i64 [ %panel131, %body136 ], [ %next153, %body150 ]
  %v155 = sub nsw i64 %column152, %panel131
  %v156 = add nsw i64 %column152, 0
  %v157 = call i64 @llvm.smin.i64(i64 %v156, i64 %last149)
  %v158 = mul nsw i64 %v157, %stride8
  %v159 = getelementptr double, ptr %v146, i64 %v158
  %v160 = add nsw i64 %column152, 1
  %v161 = call i64 @llvm.smin.i64(i64 %v160, i64 %last149)
  %v162 = mul nsw i64 %v161, %stride8
  %v163 = getelementptr double, ptr %v146, i64 %v162
  %v164 = add nsw i64 %column152, 2
  %v165 = call i64 @llvm.smin.i64(i64 %v164, i64 %last149)
  %v166 = mul nsw i64 %v165, %stride8
  %v167 = getelementptr double, ptr %v146, i64 %v166
  %v168 = add nsw i64 %column152, 3
  %v169 = call i64 @llvm.smin.i64(i64 %v168, i64 %last149)
  %v170 = mul nsw i64 %v169, %stride8
  %v171 = getelementptr double, ptr %v146, i64 %v170
  %v172 = getelementptr double, ptr %v159, i64 0
  %v173 = load <4 x double>, ptr %v172, align 8
  %v174 = getelementptr double, ptr %v163, i64 0
  %v175 = load <4 x double>, ptr %v174, align 8
  %v176 = getelementptr double, ptr %v167, i64 0
  %v177 = load <4 x double>, ptr %v176, align 8
  %v178 = getelementptr double, ptr %v171, i64 0
  %v179 = load <4 x double>, ptr %v178, align 8
  %v180 = shufflevector <4 x double> %v173, <4 x double> %v175, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v181 = shufflevector <4 x double> %v173, <4 x double> %v175, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v182 = shufflevector <4 x double> %v177, <4 x double> %v179, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v183 = shufflevector <4 x double> %v177, <4 x double> %v179, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v184 = shufflevector <4 x double> %v180, <4 x double> %v182, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v185 = shufflevector <4 x double> %v180, <4 x double> %v182, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v186 = shufflevector <4 x double> %v181, <4 x double> %v183, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v187 = shufflevector <4 x double> %v181, <4 x double> %v183, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v188 = getelementptr double, ptr %cell19, i64 %v155
  %v189 = getelementptr double, ptr %v188, i64 0
  store <4 x double> %v184, ptr %v189, align 8
  %v190 = getelementptr double, ptr %cell19, i64 %v155
  %v191 = getelementptr double, ptr %v190, i64 64
  store <4 x double> %v186, ptr %v191, align 8
  %v192 = getelementptr double, ptr %cell19, i64 %v155
  %v193 = getelementptr double, ptr %v192, i64 128
  store <4 x double> %v185, ptr %v193, align 8
  %v194 = getelementptr double, ptr %cell19, i64 %v155
  %v195 = getelementptr double, ptr %v194, i64 192
  store <4 x double> %v187, ptr %v195, align 8
  %v196 = getelementptr double, ptr %v159, i64 4
  %v197 = load <4 x double>, ptr %v196, align 8
  %v198 = getelementptr double, ptr %v163, i64 4
  %v199 = load <4 x double>, ptr %v198, align 8
  %v200 = getelementptr double, ptr %v167, i64 4
  %v201 = load <4 x double>, ptr %v200, align 8
  %v202 = getelementptr double, ptr %v171, i64 4
  %v203 = load <4 x double>, ptr %v202, align 8
  %v204 = shufflevector <4 x double> %v197, <4 x double> %v199, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v205 = shufflevector <4 x double> %v197, <4 x double> %v199, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v206 = shufflevector <4 x double> %v201, <4 x double> %v203, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v207 = shufflevector <4 x double> %v201, <4 x double> %v203, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v208 = shufflevector <4 x double> %v204, <4 x double> %v206, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v209 = shufflevector <4 x double> %v204, <4 x double> %v206, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v210 = shufflevector <4 x double> %v205, <4 x double> %v207, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v211 = shufflevector <4 x double> %v205, <4 x double> %v207, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v212 = getelementptr double, ptr %cell19, i64 %v155
  %v213 = getelementptr double, ptr %v212, i64 256
  store <4 x double> %v208, ptr %v213, align 8
  %v214 = getelementptr double, ptr %cell19, i64 %v155
  %v215 = getelementptr double, ptr %v214, i64 320
  store <4 x double> %v210, ptr %v215, align 8
  %v216 = getelementptr double, ptr %cell19, i64 %v155
  %v217 = getelementptr double, ptr %v216, i64 384
  store <4 x double> %v209, ptr %v217, align 8
  %v218 = getelementptr double, ptr %cell19, i64 %v155
  %v219 = getelementptr double, ptr %v218, i64 448
  store <4 x double> %v211, ptr %v219, align 8
  %v220 = getelementptr double, ptr %v159, i64 8
  %v221 = load <4 x double>, ptr %v220, align 8
  %v222 = getelementptr double, ptr %v163, i64 8
  %v223 = load <4 x double>, ptr %v222, align 8
  %v224 = getelementptr double, ptr %v167, i64 8
  %v225 = load <4 x double>, ptr %v224, align 8
  %v226 = getelementptr double, ptr %v171, i64 8
  %v227 = load <4 x double>, ptr %v226, align 8
  %v228 = shufflevector <4 x double> %v221, <4 x double> %v223, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v229 = shufflevector <4 x double> %v221, <4 x double> %v223, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v230 = shufflevector <4 x double> %v225, <4 x double> %v227, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v231 = shufflevector <4 x double> %v225, <4 x double> %v227, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v232 = shufflevector <4 x double> %v228, <4 x double> %v230, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v233 = shufflevector <4 x double> %v228, <4 x double> %v230, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v234 = shufflevector <4 x double> %v229, <4 x double> %v231, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v235 = shufflevector <4 x double> %v229, <4 x double> %v231, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v236 = getelementptr double, ptr %cell19, i64 %v155
  %v237 = getelementptr double, ptr %v236, i64 512
  store <4 x double> %v232, ptr %v237, align 8
  %v238 = getelementptr double, ptr %cell19, i64 %v155
  %v239 = getelementptr double, ptr %v238, i64 576
  store <4 x double> %v234, ptr %v239, align 8
  %v240 = getelementptr double, ptr %cell19, i64 %v155
  %v241 = getelementptr double, ptr %v240, i64 640
  store <4 x double> %v233, ptr %v241, align 8
  %v242 = getelementptr double, ptr %cell19, i64 %v155
  %v243 = getelementptr double, ptr %v242, i64 704
  store <4 x double> %v235, ptr %v243, align 8
  %v244 = getelementptr double, ptr %v159, i64 12
  %v245 = load <4 x double>, ptr %v244, align 8
  %v246 = getelementptr double, ptr %v163, i64 12
  %v247 = load <4 x double>, ptr %v246, align 8
  %v248 = getelementptr double, ptr %v167, i64 12
  %v249 = load <4 x double>, ptr %v248, align 8
  %v250 = getelementptr double, ptr %v171, i64 12
  %v251 = load <4 x double>, ptr %v250, align 8
  %v252 = shufflevector <4 x double> %v245, <4 x double> %v247, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v253 = shufflevector <4 x double> %v245, <4 x double> %v247, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v254 = shufflevector <4 x double> %v249, <4 x double> %v251, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v255 = shufflevector <4 x double> %v249, <4 x double> %v251, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v256 = shufflevector <4 x double> %v252, <4 x double> %v254, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v257 = shufflevector <4 x double> %v252, <4 x double> %v254, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v258 = shufflevector <4 x double> %v253, <4 x double> %v255, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v259 = shufflevector <4 x double> %v253, <4 x double> %v255, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v260 = getelementptr double, ptr %cell19, i64 %v155
  %v261 = getelementptr double, ptr %v260, i64 768
  store <4 x double> %v256, ptr %v261, align 8
  %v262 = getelementptr double, ptr %cell19, i64 %v155
  %v263 = getelementptr double, ptr %v262, i64 832
  store <4 x double> %v258, ptr %v263, align 8
  %v264 = getelementptr double, ptr %cell19, i64 %v155
  %v265 = getelementptr double, ptr %v264, i64 896
  store <4 x double> %v257, ptr %v265, align 8
  %v266 = getelementptr double, ptr %cell19, i64 %v155
  %v267 = getelementptr double, ptr %v266, i64 960
  store <4 x double> %v259, ptr %v267, align 8
  %next153 = add nsw i64 %column152, 4
  %more268 = icmp slt i64 %next153, %v135
  br i1 %more268, label %body150, label %done151
done151:
  %count269 = sub nsw i64 %v135, %panel131
  %v270 = and i64 %count269, -16
  %end271 = add nsw i64 %panel131, %v270
  %v272 = and i64 %count269, -8
  %end273 = add nsw i64 %panel131, %v272
  %v274 = and i64 %count269, -4
  %end275 = add nsw i64 %panel131, %v274
  %ragged276 = icmp slt i64 %end275, %v135
  %left277 = sub nsw i64 %v135, %end275
  %v278 = call i64 @llvm.smin.i64(i64 %left277, i64 4)
  %v279 = insertelement <4 x i64> poison, i64 %v278, i64 0
  %v280 = shufflevector <4 x i64> %v279, <4 x i64> poison, <4 x i32> zeroinitializer
  %mask281 = icmp ult <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v280
  %any286 = icmp slt i64 %strip138, %v142
  br i1 %any286, label %body282, label %done283
body282:
  %row284 = phi i64 [ %strip138, %done151 ], [ %next285, %endif326 ]
  %v287 = mul nsw i64 %row284, 1
  %v288 = getelementptr double, ptr %base6, i64 %v287
  %v289 = mul nsw i64 %row284, %stride15
  %v290 = getelementptr double, ptr %base13, i64 %v289
  %v291 = sub nsw i64 %row284, %v144
  %v292 = mul nsw i64 %v291, 64
  %v293 = sub nsw i64 %v292, %panel131
  %v294 = getelementptr double, ptr %cell19, i64 %v293
  %any299 = icmp slt i64 %panel131, %end271
  br i1 %any299, label %body295, label %done296
body295:
  %j297 = phi i64 [ %panel131, %body282 ], [ %next298, %body295 ]
  %v300 = getelementptr double, ptr %v294, i64 %j297
  %v301 = load <4 x double>, ptr %v300, align 8
  %v302 = getelementptr double, ptr %v290, i64 %j297
  store <4 x double> %v301, ptr %v302, align 8
  %j303 = add nsw i64 %j297, 4
  %v304 = getelementptr double, ptr %v294, i64 %j303
  %v305 = load <4 x double>, ptr %v304, align 8
  %v306 = getelementptr double, ptr %v290, i64 %j303
  store <4 x double> %v305, ptr %v306, align 8
  %j307 = add nsw i64 %j297, 8
  %v308 = getelementptr double, ptr %v294, i64 %j307
  %v309 = load <4 x double>, ptr %v308, align 8
  %v310 = getelementptr double, ptr %v290, i64 %j307
  store <4 x double> %v309, ptr %v310, align 8
  %j311 = add nsw i64 %j297, 12
  %v312 = getelementptr double, ptr %v294, i64 %j311
  %v313 = load <4 x double>, ptr %v312, align 8
  %v314 = getelementptr double, ptr %v290, i64 %j311
  store <4 x double> %v313, ptr %v314, align 8
  %next298 = add nsw i64 %j297, 16
  %more315 = icmp slt i64 %next298, %end271
  br i1 %more315, label %body295, label %done296
done296:
  %any320 = icmp slt i64 %end271, %end275
  br i1 %any320, label %body316, label %done317
body316:
  %j318 = phi i64 [ %end271, %done296 ], [ %next319, %body316 ]
  %v321 = getelementptr double, ptr %v294, i64 %j318
  %v322 = load <4 x double>, ptr %v321, align 8
  %v323 = getelementptr double, ptr %v290, i64 %j318
  store <4 x double> %v322, ptr %v323, align 8
  %next319 = add nsw i64 %j318, 4
  %more324 = icmp slt i64 %next319, %end275
  br i1 %more324, label %body316, label %done317
done317:
  br i1 %ragged276, label %then325, label %endif326
then325:
  %v327 = getelementptr double, ptr %v294, i64 %end275
  %v328 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v327, i32 8, <4 x i1> %mask281, <4 x double> zeroinitializer)
  %v329 = getelementptr double, ptr %v290, i64 %end275
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v328, ptr %v329, i32 8, <4 x i1> %mask281)
  br label %endif326
endif326:
  %next285 = add nsw i64 %row284, 1
  %more330 = icmp slt i64 %next285, %v142
  br i1 %more330, label %body282, label %done283
done283:
  %next139 = add nsw i64 %strip138, 16
  %more331 = icmp slt i64 %next139, %v41
  br i1 %more331, label %body136, label %done137
done137:
  %next132 = add nsw i64 %panel131, 64
  %more332 = icmp slt i64 %next132, %v44
  br i1 %more332, label %body129, label %done130
done130:
  br label %endif128
else127:
  %count333 = sub nsw i64 %v44, %start42
  %v334 = and i64 %count333, -16
  %end335 = add nsw i64 %start42, %v334
  %v336 = and i64 %count333, -8
  %end337 = add nsw i64 %start42, %v336
  %v338 = and i64 %count333, -4
  %end339 = add nsw i64 %start42, %v338
  %ragged340 = icmp slt i64 %end339, %v44
  %left341 = sub nsw i64 %v44, %end339
  %v342 = call i64 @llvm.smin.i64(i64 %left341, i64 4)
  %v343 = insertelement <4 x i64> poison, i64 %v342, i64 0
  %v344 = shufflevector <4 x i64> %v343, <4 x i64> poison, <4 x i32> zeroinitializer
  %mask345 = icmp ult <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v344
  %any350 = icmp slt i64 %start39, %v41
  br i1 %any350, label %body346, label %done347
body346:
  %row348 = phi i64 [ %start39, %else127 ], [ %next349, %endif396 ]
  %v351 = mul nsw i64 %row348, 1
  %v352 = getelementptr double, ptr %base6, i64 %v351
  %v353 = mul nsw i64 %row348, %stride15
  %v354 = getelementptr double, ptr %base13, i64 %v353
  %any359 = icmp slt i64 %start42, %end335
  br i1 %any359, label %body355, label %done356
body355:
  %j357 = phi i64 [ %start42, %body346 ], [ %next358, %body355 ]
  %v360 = mul nsw i64 %j357, %stride8
  %v361 = getelementptr double, ptr %v352, i64 %v360
  %v362 = getelementptr double, ptr %v361, <4 x i64> %v11
  %v363 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v362, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v364 = getelementptr double, ptr %v354, i64 %j357
  store <4 x double> %v363, ptr %v364, align 8
  %j365 = add nsw i64 %j357, 4
  %v366 = mul nsw i64 %j365, %stride8
  %v367 = getelementptr double, ptr %v352, i64 %v366
  %v368 = getelementptr double, ptr %v367, <4 x i64> %v11
  %v369 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v368, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v370 = getelementptr double, ptr %v354, i64 %j365
  store <4 x double> %v369, ptr %v370, align 8
  %j371 = add nsw i64 %j357, 8
  %v372 = mul nsw i64 %j371, %stride8
  %v373 = getelementptr double, ptr %v352, i64 %v372
  %v374 = getelementptr double, ptr %v373, <4 x i64> %v11
  %v375 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v374, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v376 = getelementptr double, ptr %v354, i64 %j371
  store <4 x double> %v375, ptr %v376, align 8
  %j377 = add nsw i64 %j357, 12
  %v378 = mul nsw i64 %j377, %stride8
  %v379 = getelementptr double, ptr %v352, i64 %v378
  %v380 = getelementptr double, ptr %v379, <4 x i64> %v11
  %v381 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v380, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v382 = getelementptr double, ptr %v354, i64 %j377
  store <4 x double> %v381, ptr %v382, align 8
  %next358 = add nsw i64 %j357, 16
  %more383 = icmp slt i64 %next358, %end335
  br i1 %more383, label %body355, label %done356
done356:
  %any388 = icmp slt i64 %end335, %end339
  br i1 %any388, label %body384, label %done385
body384:
  %j386 = phi i64 [ %end335, %done356 ], [ %next387, %body384 ]
  %v389 = mul nsw i64 %j386, %stride8
  %v390 = getelementptr double, ptr %v352, i64 %v389
  %v391 = getelementptr double, ptr %v390, <4 x i64> %v11
  %v392 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v391, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v393 = getelementptr double, ptr %v354, i64 %j386
  store <4 x double> %v392, ptr %v393, align 8
  %next387 = add nsw i64 %j386, 4
  %more394 = icmp slt i64 %next387, %end339
  br i1 %more394, label %body384, label %done385
done385:
  br i1 %ragged340, label %then395, label %endif396
then395:
  %v397 = mul nsw i64 %end339, %stride8
  %v398 = getelementptr double, ptr %v352, i64 %v397
  %v399 = getelementptr double, ptr %v398, <4 x i64> %v11
  %v400 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v399, i32 8, <4 x i1> %mask345, <4 x double> zeroinitializer)
  %v401 = getelementptr double, ptr %v354, i64 %end339
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v400, ptr %v401, i32 8, <4 x i1> %mask345)
  br label %endif396
endif396:
  %next349 = add nsw i64 %row348, 1
  %more402 = icmp slt i64 %next349, %v41
  br i1 %more402, label %body346, label %done347
done347:
  br label %endif128
endif128:
  br label %endif47
endif47:
  %v403 = add nsw i64 %v38, 1
  %v404 = icmp eq i64 %v403, %blocks27
  %v405 = select i1 %v404, i64 0, i64 %v403
  %v406 = zext i1 %v404 to i64
  store i64 %v405, ptr %cell29
  %v407 = add nsw i64 %v37, %v406
  store i64 %v407, ptr %cell31
  %next35 = add nsw i64 %unit34, 1
  %more408 = icmp slt i64 %next35, %end
  br i1 %more408, label %body32, label %done33
done33:
  br label %endif18
endif18:
  ret i64 0
}

declare <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr>, i32, <4 x i1>, <4 x double>)
declare <4 x double> @llvm.masked.load.v4f64.p0(ptr, i32, <4 x i1>, <4 x double>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v4f64.p0(<4 x double>, ptr, i32, <4 x i1>)
