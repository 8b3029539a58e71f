define i64 @kernel(ptr %args, i64 %begin, i64 %end, ptr %scratch) {
entry:
  %cell19 = alloca [1024 x double], align 64
  %cell27 = alloca i64
  %cell29 = alloca i64
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
  %v22 = add nsw i64 %size2, 63
  %blocks23 = ashr i64 %v22, 6
  %v24 = add nsw i64 %size4, 511
  %blocks25 = ashr i64 %v24, 9
  %v26 = srem i64 %begin, %blocks25
  store i64 %v26, ptr %cell27
  %v28 = sdiv i64 %begin, %blocks25
  store i64 %v28, ptr %cell29
  %any34 = icmp slt i64 %begin, %end
  br i1 %any34, label %body30, label %done31
body30:
  %unit32 = phi i64 [ %begin, %then17 ], [ %next33, %endif45 ]
  %v35 = load i64, ptr %cell29
  %v36 = load i64, ptr %cell27
  %start37 = mul nsw i64 %v35, 64
  %v38 = add nsw i64 %start37, 64
  %v39 = call i64 @llvm.smin.i64(i64 %v38, i64 %size2)
  %start40 = mul nsw i64 %v36, 512
  %v41 = add nsw i64 %start40, 512
  %v42 = call i64 @llvm.smin.i64(i64 %v41, i64 %size4)
  br i1 %v21, label %then43, label %else44
then43:
  %any50 = icmp slt i64 %start40, %v42
  br i1 %any50, label %body46, label %done47
body46:
  %column48 = phi i64 [ %start40, %then43 ], [ %next49, %done113 ]
  %v51 = mul nsw i64 %column48, %stride8
  %v52 = getelementptr double, ptr %base6, i64 %v51
  %v53 = mul nsw i64 %column48, 1
  %v54 = getelementptr double, ptr %base13, i64 %v53
  %count55 = sub nsw i64 %v39, %start37
  %v56 = and i64 %count55, -8
  %end57 = add nsw i64 %start37, %v56
  %any62 = icmp slt i64 %start37, %end57
  br i1 %any62, label %body58, label %done59
body58:
  %j60 = phi i64 [ %start37, %body46 ], [ %next61, %body58 ]
  %j63 = add nsw i64 %j60, 0
  %v64 = mul nsw i64 %j63, 1
  %v65 = getelementptr double, ptr %v52, i64 %v64
  %v66 = mul nsw i64 %j63, %stride15
  %v67 = getelementptr double, ptr %v54, i64 %v66
  %v68 = load double, ptr %v65, align 8
  store double %v68, ptr %v67, align 8
  %j69 = add nsw i64 %j60, 1
  %v70 = mul nsw i64 %j69, 1
  %v71 = getelementptr double, ptr %v52, i64 %v70
  %v72 = mul nsw i64 %j69, %stride15
  %v73 = getelementptr double, ptr %v54, i64 %v72
  %v74 = load double, ptr %v71, align 8
  store double %v74, ptr %v73, align 8
  %j75 = add nsw i64 %j60, 2
  %v76 = mul nsw i64 %j75, 1
  %v77 = getelementptr double, ptr %v52, i64 %v76
  %v78 = mul nsw i64 %j75, %stride15
  %v79 = getelementptr double, ptr %v54, i64 %v78
  %v80 = load double, ptr %v77, align 8
  store double %v80, ptr %v79, align 8
  %j81 = add nsw i64 %j60, 3
  %v82 = mul nsw i64 %j81, 1
  %v83 = getelementptr double, ptr %v52, i64 %v82
  %v84 = mul nsw i64 %j81, %stride15
  %v85 = getelementptr double, ptr %v54, i64 %v84
  %v86 = load double, ptr %v83, align 8
  store double %v86, ptr %v85, align 8
  %j87 = add nsw i64 %j60, 4
  %v88 = mul nsw i64 %j87, 1
  %v89 = getelementptr double, ptr %v52, i64 %v88
  %v90 = mul nsw i64 %j87, %stride15
  %v91 = getelementptr double, ptr %v54, i64 %v90
  %v92 = load double, ptr %v89, align 8
  store double %v92, ptr %v91, align 8
  %j93 = add nsw i64 %j60, 5
  %v94 = mul nsw i64 %j93, 1
  %v95 = getelementptr double, ptr %v52, i64 %v94
  %v96 = mul nsw i64 %j93, %stride15
  %v97 = getelementptr double, ptr %v54, i64 %v96
  %v98 = load double, ptr %v95, align 8
  store double %v98, ptr %v97, align 8
  %j99 = add nsw i64 %j60, 6
  %v100 = mul nsw i64 %j99, 1
  %v101 = getelementptr double, ptr %v52, i64 %v100
  %v102 = mul nsw i64 %j99, %stride15
  %v103 = getelementptr double, ptr %v54, i64 %v102
  %v104 = load double, ptr %v101, align 8
  store double %v104, ptr %v103, align 8
  %j105 = add nsw i64 %j60, 7
  %v106 = mul nsw i64 %j105, 1
  %v107 = getelementptr double, ptr %v52, i64 %v106
  %v108 = mul nsw i64 %j105, %stride15
  %v109 = getelementptr double, ptr %v54, i64 %v108
  %v110 = load double, ptr %v107, align 8
  store double %v110, ptr %v109, align 8
  %next61 = add nsw i64 %j60, 8
  %more111 = icmp slt i64 %next61, %end57
  br i1 %more111, label %body58, label %done59
done59:
  %any116 = icmp slt i64 %end57, %v39
  br i1 %any116, label %body112, label %done113
body112:
  %j114 = phi i64 [ %end57, %done59 ], [ %next115, %body112 ]
  %v117 = mul nsw i64 %j114, 1
  %v118 = getelementptr double, ptr %v52, i64 %v117
  %v119 = mul nsw i64 %j114, %stride15
  %v120 = getelementptr double, ptr %v54, i64 %v119
  %v121 = load double, ptr %v118, align 8
  store double %v121, ptr %v120, align 8
  %next115 = add nsw i64 %j114, 1
  %more122 = icmp slt i64 %next115, %v39
  br i1 %more122, label %body112, label %done113
done113:
  %next49 = add nsw i64 %column48, 1
  %more123 = icmp slt i64 %next49, %v42
  br i1 %more123, label %body46, label %done47
done47:
  br label %endif45
else44:
  br i1 %v20, label %then124, label %else125
then124:
  %any131 = icmp slt i64 %start40, %v42
  br i1 %any131, label %body127, label %done128
body127:
  %panel129 = phi i64 [ %start40, %then124 ], [ %next130, %done135 ]
  %v132 = add nsw i64 %panel129, 64
  %v133 = call i64 @llvm.smin.i64(i64 %v132, i64 %v42)
  %any138 = icmp slt i64 %start37, %v39
  br i1 %any138, label %body134, label %done135
body134:
  %strip136 = phi i64 [ %start37, %body127 ], [ %next137, %done281 ]
  %v139 = add nsw i64 %strip136, 16
  %v140 = call i64 @llvm.smin.i64(i64 %v139, i64 %v39)
  %v141 = sub nsw i64 %size2, 16
  %v142 = call i64 @llvm.smin.i64(i64 %strip136, i64 %v141)
  %v143 = mul nsw i64 %v142, 1
  %v144 = getelementptr double, ptr %base6, i64 %v143
  %v145 = mul nsw i64 %v142, %stride15
  %v146 = getelementptr double, ptr %base13, i64 %v145
  %last147 = sub nsw i64 %v133, 1
  %any152 = icmp slt i64 %panel129, %v133
  br i1 %any152, label %body148, label %done149
body148:
  %column150 = phi i64 [ %panel129, %body134 ], [ %next151, %body148 ]
  %v153 = sub nsw i64 %column150, %panel129
  %v154 = add nsw i64 %column150, 0
  %v155 = call i64 @llvm.smin.i64(i64 %v154, i64 %last147)
  %v156 = mul nsw i64 %v155, %stride8
  %v157 = getelementptr double, ptr %v144, i64 %v156
  %v158 = add nsw i64 %column150, 1
  %v159 = call i64 @llvm.smin.i64(i64 %v158, i64 %last147)
  %v160 = mul nsw i64 %v159, %stride8
  %v161 = getelementptr double, ptr %v144, i64 %v160
  %v162 = add nsw i64 %column150, 2
  %v163 = call i64 @llvm.smin.i64(i64 %v162, i64 %last147)
  %v164 = mul nsw i64 %v163, %stride8
  %v165 = getelementptr double, ptr %v144, i64 %v164
  %v166 = add nsw i64 %column150, 3
  %v167 = call i64 @llvm.smin.i64(i64 %v166, i64 %last147)
  %v168 = mul nsw i64 %v167, %stride8
  %v169 = getelementptr double, ptr %v144, i64 %v168
  %v170 = getelementptr double, ptr %v157, i64 0
  %v171 = load <4 x double>, ptr %v170, align 8
  %v172 = getelementptr double, ptr %v161, i64 0
  %v173 = load <4 x double>, ptr %v172, align 8
  %v174 = getelementptr double, ptr %v165, i64 0
  %v175 = load <4 x double>, ptr %v174, align 8
  %v176 = getelementptr double, ptr %v169, i64 0
  %v177 = load <4 x double>, ptr %v176, align 8
  %v178 = shufflevector <4 x double> %v171, <4 x double> %v173, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v179 = shufflevector <4 x double> %v171, <4 x double> %v173, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v180 = shufflevector <4 x double> %v175, <4 x double> %v177, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v181 = shufflevector <4 x double> %v175, <4 x double> %v177, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v182 = shufflevector <4 x double> %v178, <4 x double> %v180, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v183 = shufflevector <4 x double> %v178, <4 x double> %v180, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v184 = shufflevector <4 x double> %v179, <4 x double> %v181, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v185 = shufflevector <4 x double> %v179, <4 x double> %v181, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v186 = getelementptr double, ptr %cell19, i64 %v153
  %v187 = getelementptr double, ptr %v186, i64 0
  store <4 x double> %v182, ptr %v187, align 8
  %v188 = getelementptr double, ptr %cell19, i64 %v153
  %v189 = getelementptr double, ptr %v188, i64 64
  store <4 x double> %v184, ptr %v189, align 8
  %v190 = getelementptr double, ptr %cell19, i64 %v153
  %v191 = getelementptr double, ptr %v190, i64 128
  store <4 x double> %v183, ptr %v191, align 8
  %v192 = getelementptr double, ptr %cell19, i64 %v153
  %v193 = getelementptr double, ptr %v192, i64 192
  store <4 x double> %v185, ptr %v193, align 8
  %v194 = getelementptr double, ptr %v157, i64 4
  %v195 = load <4 x double>, ptr %v194, align 8
  %v196 = getelementptr double, ptr %v161, i64 4
  %v197 = load <4 x double>, ptr %v196, align 8
  %v198 = getelementptr double, ptr %v165, i64 4
  %v199 = load <4 x double>, ptr %v198, align 8
  %v200 = getelementptr double, ptr %v169, i64 4
  %v201 = load <4 x double>, ptr %v200, align 8
  %v202 = shufflevector <4 x double> %v195, <4 x double> %v197, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v203 = shufflevector <4 x double> %v195, <4 x double> %v197, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v204 = shufflevector <4 x double> %v199, <4 x double> %v201, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v205 = shufflevector <4 x double> %v199, <4 x double> %v201, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v206 = shufflevector <4 x double> %v202, <4 x double> %v204, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v207 = shufflevector <4 x double> %v202, <4 x double> %v204, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v208 = shufflevector <4 x double> %v203, <4 x double> %v205, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v209 = shufflevector <4 x double> %v203, <4 x double> %v205, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v210 = getelementptr double, ptr %cell19, i64 %v153
  %v211 = getelementptr double, ptr %v210, i64 256
  store <4 x double> %v206, ptr %v211, align 8
  %v212 = getelementptr double, ptr %cell19, i64 %v153
  %v213 = getelementptr double, ptr %v212, i64 320
  store <4 x double> %v208, ptr %v213, align 8
  %v214 = getelementptr double, ptr %cell19, i64 %v153
  %v215 = getelementptr double, ptr %v214, i64 384
  store <4 x double> %v207, ptr %v215, align 8
  %v216 = getelementptr double, ptr %cell19, i64 %v153
  %v217 = getelementptr double, ptr %v216, i64 448
  store <4 x double> %v209, ptr %v217, align 8
  %v218 = getelementptr double, ptr %v157, i64 8
  %v219 = load <4 x double>, ptr %v218, align 8
  %v220 = getelementptr double, ptr %v161, i64 8
  %v221 = load <4 x double>, ptr %v220, align 8
  %v222 = getelementptr double, ptr %v165, i64 8
  %v223 = load <4 x double>, ptr %v222, align 8
  %v224 = getelementptr double, ptr %v169, i64 8
  %v225 = load <4 x double>, ptr %v224, align 8
  %v226 = shufflevector <4 x double> %v219, <4 x double> %v221, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v227 = shufflevector <4 x double> %v219, <4 x double> %v221, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v228 = shufflevector <4 x double> %v223, <4 x double> %v225, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v229 = shufflevector <4 x double> %v223, <4 x double> %v225, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v230 = shufflevector <4 x double> %v226, <4 x double> %v228, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v231 = shufflevector <4 x double> %v226, <4 x double> %v228, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v232 = shufflevector <4 x double> %v227, <4 x double> %v229, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v233 = shufflevector <4 x double> %v227, <4 x double> %v229, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v234 = getelementptr double, ptr %cell19, i64 %v153
  %v235 = getelementptr double, ptr %v234, i64 512
  store <4 x double> %v230, ptr %v235, align 8
  %v236 = getelementptr double, ptr %cell19, i64 %v153
  %v237 = getelementptr double, ptr %v236, i64 576
  store <4 x double> %v232, ptr %v237, align 8
  %v238 = getelementptr double, ptr %cell19, i64 %v153
  %v239 = getelementptr double, ptr %v238, i64 640
  store <4 x double> %v231, ptr %v239, align 8
  %v240 = getelementptr double, ptr %cell19, i64 %v153
  %v241 = getelementptr double, ptr %v240, i64 704
  store <4 x double> %v233, ptr %v241, align 8
  %v242 = getelementptr double, ptr %v157, i64 12
  %v243 = load <4 x double>, ptr %v242, align 8
  %v244 = getelementptr double, ptr %v161, i64 12
  %v245 = load <4 x double>, ptr %v244, align 8
  %v246 = getelementptr double, ptr %v165, i64 12
  %v247 = load <4 x double>, ptr %v246, align 8
  %v248 = getelementptr double, ptr %v169, i64 12
  %v249 = load <4 x double>, ptr %v248, align 8
  %v250 = shufflevector <4 x double> %v243, <4 x double> %v245, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v251 = shufflevector <4 x double> %v243, <4 x double> %v245, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v252 = shufflevector <4 x double> %v247, <4 x double> %v249, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v253 = shufflevector <4 x double> %v247, <4 x double> %v249, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v254 = shufflevector <4 x double> %v250, <4 x double> %v252, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v255 = shufflevector <4 x double> %v250, <4 x double> %v252, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v256 = shufflevector <4 x double> %v251, <4 x double> %v253, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v257 = shufflevector <4 x double> %v251, <4 x double> %v253, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v258 = getelementptr double, ptr %cell19, i64 %v153
  %v259 = getelementptr double, ptr %v258, i64 768
  store <4 x double> %v254, ptr %v259, align 8
  %v260 = getelementptr double, ptr %cell19, i64 %v153
  %v261 = getelementptr double, ptr %v260, i64 832
  store <4 x double> %v256, ptr %v261, align 8
  %v262 = getelementptr double, ptr %cell19, i64 %v153
  %v263 = getelementptr double, ptr %v262, i64 896
  store <4 x double> %v255, ptr %v263, align 8
  %v264 = getelementptr double, ptr %cell19, i64 %v153
  %v265 = getelementptr double, ptr %v264, i64 960
  store <4 x double> %v257, ptr %v265, align 8
  %next151 = add nsw i64 %column150, 4
  %more266 = icmp slt i64 %next151, %v133
  br i1 %more266, label %body148, label %done149
done149:
  %count267 = sub nsw i64 %v133, %panel129
  %v268 = and i64 %count267, -16
  %end269 = add nsw i64 %panel129, %v268
  %v270 = and i64 %count267, -8
  %end271 = add nsw i64 %panel129, %v270
  %v272 = and i64 %count267, -4
  %end273 = add nsw i64 %panel129, %v272
  %ragged274 = icmp slt i64 %end273, %v133
  %left275 = sub nsw i64 %v133, %end273
  %v276 = call i64 @llvm.smin.i64(i64 %left275, i64 4)
  %v277 = insertelement <4 x i64> poison, i64 %v276, i64 0
  %v278 = shufflevector <4 x i64> %v277, <4 x i64> poison, <4 x i32> zeroinitializer
  %mask279 = icmp ult <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v278
  %any284 = icmp slt i64 %strip136, %v140
  br i1 %any284, label %body280, label %done281
body280:
  %row282 = phi i64 [ %strip136, %done149 ], [ %next283, %endif324 ]
  %v285 = mul nsw i64 %row282, 1
  %v286 = getelementptr double, ptr %base6, i64 %v285
  %v287 = mul nsw i64 %row282, %stride15
  %v288 = getelementptr double, ptr %base13, i64 %v287
  %v289 = sub nsw i64 %row282, %v142
  %v290 = mul nsw i64 %v289, 64
  %v291 = sub nsw i64 %v290, %panel129
  %v292 = getelementptr double, ptr %cell19, i64 %v291
  %any297 = icmp slt i64 %panel129, %end269
  br i1 %any297, label %body293, label %done294
body293:
  %j295 = phi i64 [ %panel129, %body280 ], [ %next296, %body293 ]
  %v298 = getelementptr double, ptr %v292, i64 %j295
  %v299 = load <4 x double>, ptr %v298, align 8
  %v300 = getelementptr double, ptr %v288, i64 %j295
  store <4 x double> %v299, ptr %v300, align 8
  %j301 = add nsw i64 %j295, 4
  %v302 = getelementptr double, ptr %v292, i64 %j301
  %v303 = load <4 x double>, ptr %v302, align 8
  %v304 = getelementptr double, ptr %v288, i64 %j301
  store <4 x double> %v303, ptr %v304, align 8
  %j305 = add nsw i64 %j295, 8
  %v306 = getelementptr double, ptr %v292, i64 %j305
  %v307 = load <4 x double>, ptr %v306, align 8
  %v308 = getelementptr double, ptr %v288, i64 %j305
  store <4 x double> %v307, ptr %v308, align 8
  %j309 = add nsw i64 %j295, 12
  %v310 = getelementptr double, ptr %v292, i64 %j309
  %v311 = load <4 x double>, ptr %v310, align 8
  %v312 = getelementptr double, ptr %v288, i64 %j309
  store <4 x double> %v311, ptr %v312, align 8
  %next296 = add nsw i64 %j295, 16
  %more313 = icmp slt i64 %next296, %end269
  br i1 %more313, label %body293, label %done294
done294:
  %any318 = icmp slt i64 %end269, %end273
  br i1 %any318, label %body314, label %done315
body314:
  %j316 = phi i64 [ %end269, %done294 ], [ %next317, %body314 ]
  %v319 = getelementptr double, ptr %v292, i64 %j316
  %v320 = load <4 x double>, ptr %v319, align 8
  %v321 = getelementptr double, ptr %v288, i64 %j316
  store <4 x double> %v320, ptr %v321, align 8
  %next317 = add nsw i64 %j316, 4
  %more322 = icmp slt i64 %next317, %end273
  br i1 %more322, label %body314, label %done315
done315:
  br i1 %ragged274, label %then323, label %endif324
then323:
  %v325 = getelementptr double, ptr %v292, i64 %end273
  %v326 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v325, i32 8, <4 x i1> %mask279, <4 x double> zeroinitializer)
  %v327 = getelementptr double, ptr %v288, i64 %end273
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v326, ptr %v327, i32 8, <4 x i1> %mask279)
  br label %endif324
endif324:
  %next283 = add nsw i64 %row282, 1
  %more328 = icmp slt i64 %next283, %v140
  br i1 %more328, label %body280, label %done281
done281:
  %next137 = add nsw i64 %strip136, 16
  %more329 = icmp slt i64 %next137, %v39
  br i1 %more329, label %body134, label %done135
done135:
  %next130 = add nsw i64 %panel129, 64
  %more330 = icmp slt i64 %next130, %v42
  br i1 %more330, label %body127, label %done128
done128:
  br label %endif126
else125:
  %count331 = sub nsw i64 %v42, %start40
  %v332 = and i64 %count331, -16
  %end333 = add nsw i64 %start40, %v332
  %v334 = and i64 %count331, -8
  %end335 = add nsw i64 %start40, %v334
  %v336 = and i64 %count331, -4
  %end337 = add nsw i64 %start40, %v336
  %ragged338 = icmp slt i64 %end337, %v42
  %left339 = sub nsw i64 %v42, %end337
  %v340 = call i64 @llvm.smin.i64(i64 %left339, i64 4)
  %v341 = insertelement <4 x i64> poison, i64 %v340, i64 0
  %v342 = shufflevector <4 x i64> %v341, <4 x i64> poison, <4 x i32> zeroinitializer
  %mask343 = icmp ult <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v342
  %any348 = icmp slt i64 %start37, %v39
  br i1 %any348, label %body344, label %done345
body344:
  %row346 = phi i64 [ %start37, %else125 ], [ %next347, %endif394 ]
  %v349 = mul nsw i64 %row346, 1
  %v350 = getelementptr double, ptr %base6, i64 %v349
  %v351 = mul nsw i64 %row346, %stride15
  %v352 = getelementptr double, ptr %base13, i64 %v351
  %any357 = icmp slt i64 %start40, %end333
  br i1 %any357, label %body353, label %done354
body353:
  %j355 = phi i64 [ %start40, %body344 ], [ %next356, %body353 ]
  %v358 = mul nsw i64 %j355, %stride8
  %v359 = getelementptr double, ptr %v350, i64 %v358
  %v360 = getelementptr double, ptr %v359, <4 x i64> %v11
  %v361 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v360, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v362 = getelementptr double, ptr %v352, i64 %j355
  store <4 x double> %v361, ptr %v362, align 8
  %j363 = add nsw i64 %j355, 4
  %v364 = mul nsw i64 %j363, %stride8
  %v365 = getelementptr double, ptr %v350, i64 %v364
  %v366 = getelementptr double, ptr %v365, <4 x i64> %v11
  %v367 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v366, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v368 = getelementptr double, ptr %v352, i64 %j363
  store <4 x double> %v367, ptr %v368, align 8
  %j369 = add nsw i64 %j355, 8
  %v370 = mul nsw i64 %j369, %stride8
  %v371 = getelementptr double, ptr %v350, i64 %v370
  %v372 = getelementptr double, ptr %v371, <4 x i64> %v11
  %v373 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v372, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v374 = getelementptr double, ptr %v352, i64 %j369
  store <4 x double> %v373, ptr %v374, align 8
  %j375 = add nsw i64 %j355, 12
  %v376 = mul nsw i64 %j375, %stride8
  %v377 = getelementptr double, ptr %v350, i64 %v376
  %v378 = getelementptr double, ptr %v377, <4 x i64> %v11
  %v379 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v378, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v380 = getelementptr double, ptr %v352, i64 %j375
  store <4 x double> %v379, ptr %v380, align 8
  %next356 = add nsw i64 %j355, 16
  %more381 = icmp slt i64 %next356, %end333
  br i1 %more381, label %body353, label %done354
done354:
  %any386 = icmp slt i64 %end333, %end337
  br i1 %any386, label %body382, label %done383
body382:
  %j384 = phi i64 [ %end333, %done354 ], [ %next385, %body382 ]
  %v387 = mul nsw i64 %j384, %stride8
  %v388 = getelementptr double, ptr %v350, i64 %v387
  %v389 = getelementptr double, ptr %v388, <4 x i64> %v11
  %v390 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v389, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v391 = getelementptr double, ptr %v352, i64 %j384
  store <4 x double> %v390, ptr %v391, align 8
  %next385 = add nsw i64 %j384, 4
  %more392 = icmp slt i64 %next385, %end337
  br i1 %more392, label %body382, label %done383
done383:
  br i1 %ragged338, label %then393, label %endif394
then393:
  %v395 = mul nsw i64 %end337, %stride8
  %v396 = getelementptr double, ptr %v350, i64 %v395
  %v397 = getelementptr double, ptr %v396, <4 x i64> %v11
  %v398 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v397, i32 8, <4 x i1> %mask343, <4 x double> zeroinitializer)
  %v399 = getelementptr double, ptr %v352, i64 %end337
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v398, ptr %v399, i32 8, <4 x i1> %mask343)
  br label %endif394
endif394:
  %next347 = add nsw i64 %row346, 1
  %more400 = icmp slt i64 %next347, %v39
  br i1 %more400, label %body344, label %done345
done345:
  br label %endif126
endif126:
  br label %endif45
endif45:
  %v401 = add nsw i64 %v36, 1
  %v402 = icmp eq i64 %v401, %blocks25
  %v403 = select i1 %v402, i64 0, i64 %v401
  %v404 = zext i1 %v402 to i64
  store i64 %v403, ptr %cell27
  %v405 = add nsw i64 %v35, %v404
  store i64 %v405, ptr %cell29
  %next33 = add nsw i64 %unit32, 1
  %more406 = icmp slt i64 %next33, %end
  br i1 %more406, label %body30, label %done31
done31:
  br label %endif18
endif18:
  ret i64 0
}

declare <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr>, i32, <4 x i1>, <4 x double>)
declare <4 x double> @llvm.masked.load.v4f64.p0(ptr, i32, <4 x i1>, <4 x double>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v4f64.p0(<4 x double>, ptr, i32, <4 x i1>)
