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
  br label %head37
head37:
  %unit40 = phi i64 [ %begin, %then17 ], [ %next41, %endif49 ]
  %more42 = icmp slt i64 %unit40, %end
  br i1 %more42, label %body38, label %done39
body38:
  %v43 = load i64, ptr %cell36
  %first44 = mul nsw i64 %v43, 16
  %v45 = add nsw i64 %first44, 16
  %v46 = call i64 @llvm.smin.i64(i64 %v45, i64 %size2)
  br i1 %large33, label %then47, label %else48
then47:
  %v50 = sub nsw i64 %size2, 16
  %v51 = call i64 @llvm.smin.i64(i64 %first44, i64 %v50)
  br label %head52
head52:
  %panel55 = phi i64 [ 0, %then47 ], [ %next56, %done199 ]
  %more57 = icmp slt i64 %panel55, %size4
  br i1 %more57, label %body53, label %done54
body53:
  %v58 = add nsw i64 %panel55, 64
  %v59 = call i64 @llvm.smin.i64(i64 %v58, i64 %size4)
  %v60 = mul nsw i64 %v51, 1
  %v61 = getelementptr double, ptr %base6, i64 %v60
  %v62 = mul nsw i64 %v51, %stride15
  %v63 = getelementptr double, ptr %base13, i64 %v62
  %last64 = sub nsw i64 %v59, 1
  br label %head65
head65:
  %column68 = phi i64 [ %panel55, %body53 ], [ %next69, %body66 ]
  %more70 = icmp slt i64 %column68, %v59
  br i1 %more70, label %body66, label %done67
body66:
  %v71 = sub nsw i64 %column68, %panel55
  %v72 = add nsw i64 %column68, 0
  %v73 = call i64 @llvm.smin.i64(i64 %v72, i64 %last64)
  %v74 = mul nsw i64 %v73, %stride8
  %v75 = getelementptr double, ptr %v61, i64 %v74
  %v76 = add nsw i64 %column68, 1
  %v77 = call i64 @llvm.smin.i64(i64 %v76, i64 %last64)
  %v78 = mul nsw i64 %v77, %stride8
  %v79 = getelementptr double, ptr %v61, i64 %v78
  %v80 = add nsw i64 %column68, 2
  %v81 = call i64 @llvm.smin.i64(i64 %v80, i64 %last64)
  %v82 = mul nsw i64 %v81, %stride8
  %v83 = getelementptr double, ptr %v61, i64 %v82
  %v84 = add nsw i64 %column68, 3
  %v85 = call i64 @llvm.smin.i64(i64 %v84, i64 %last64)
  %v86 = mul nsw i64 %v85, %stride8
  %v87 = getelementptr double, ptr %v61, i64 %v86
  %v88 = getelementptr double, ptr %v75, i64 0
  %v89 = load <4 x double>, ptr %v88, align 8
  %v90 = getelementptr double, ptr %v79, i64 0
  %v91 = load <4 x double>, ptr %v90, align 8
  %v92 = getelementptr double, ptr %v83, i64 0
  %v93 = load <4 x double>, ptr %v92, align 8
  %v94 = getelementptr double, ptr %v87, i64 0
  %v95 = load <4 x double>, ptr %v94, align 8
  %v96 = shufflevector <4 x double> %v89, <4 x double> %v91, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v97 = shufflevector <4 x double> %v89, <4 x double> %v91, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v98 = shufflevector <4 x double> %v93, <4 x double> %v95, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v99 = shufflevector <4 x double> %v93, <4 x double> %v95, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v100 = shufflevector <4 x double> %v96, <4 x double> %v98, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v101 = shufflevector <4 x double> %v96, <4 x double> %v98, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v102 = shufflevector <4 x double> %v97, <4 x double> %v99, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v103 = shufflevector <4 x double> %v97, <4 x double> %v99, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v104 = getelementptr double, ptr %cell32, i64 %v71
  %v105 = getelementptr double, ptr %v104, i64 0
  store <4 x double> %v100, ptr %v105, align 8
  %v106 = getelementptr double, ptr %cell32, i64 %v71
  %v107 = getelementptr double, ptr %v106, i64 64
  store <4 x double> %v102, ptr %v107, align 8
  %v108 = getelementptr double, ptr %cell32, i64 %v71
  %v109 = getelementptr double, ptr %v108, i64 128
  store <4 x double> %v101, ptr %v109, align 8
  %v110 = getelementptr double, ptr %cell32, i64 %v71
  %v111 = getelementptr double, ptr %v110, i64 192
  store <4 x double> %v103, ptr %v111, align 8
  %v112 = getelementptr double, ptr %v75, i64 4
  %v113 = load <4 x double>, ptr %v112, align 8
  %v114 = getelementptr double, ptr %v79, i64 4
  %v115 = load <4 x double>, ptr %v114, align 8
  %v116 = getelementptr double, ptr %v83, i64 4
  %v117 = load <4 x double>, ptr %v116, align 8
  %v118 = getelementptr double, ptr %v87, i64 4
  %v119 = load <4 x double>, ptr %v118, align 8
  %v120 = shufflevector <4 x double> %v113, <4 x double> %v115, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v121 = shufflevector <4 x double> %v113, <4 x double> %v115, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v122 = shufflevector <4 x double> %v117, <4 x double> %v119, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v123 = shufflevector <4 x double> %v117, <4 x double> %v119, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v124 = shufflevector <4 x double> %v120, <4 x double> %v122, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v125 = shufflevector <4 x double> %v120, <4 x double> %v122, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v126 = shufflevector <4 x double> %v121, <4 x double> %v123, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v127 = shufflevector <4 x double> %v121, <4 x double> %v123, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v128 = getelementptr double, ptr %cell32, i64 %v71
  %v129 = getelementptr double, ptr %v128, i64 256
  store <4 x double> %v124, ptr %v129, align 8
  %v130 = getelementptr double, ptr %cell32, i64 %v71
  %v131 = getelementptr double, ptr %v130, i64 320
  store <4 x double> %v126, ptr %v131, align 8
  %v132 = getelementptr double, ptr %cell32, i64 %v71
  %v133 = getelementptr double, ptr %v132, i64 384
  store <4 x double> %v125, ptr %v133, align 8
  %v134 = getelementptr double, ptr %cell32, i64 %v71
  %v135 = getelementptr double, ptr %v134, i64 448
  store <4 x double> %v127, ptr %v135, align 8
  %v136 = getelementptr double, ptr %v75, i64 8
  %v137 = load <4 x double>, ptr %v136, align 8
  %v138 = getelementptr double, ptr %v79, i64 8
  %v139 = load <4 x double>, ptr %v138, align 8
  %v140 = getelementptr double, ptr %v83, i64 8
  %v141 = load <4 x double>, ptr %v140, align 8
  %v142 = getelementptr double, ptr %v87, i64 8
  %v143 = load <4 x double>, ptr %v142, align 8
  %v144 = shufflevector <4 x double> %v137, <4 x double> %v139, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v145 = shufflevector <4 x double> %v137, <4 x double> %v139, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v146 = shufflevector <4 x double> %v141, <4 x double> %v143, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v147 = shufflevector <4 x double> %v141, <4 x double> %v143, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v148 = shufflevector <4 x double> %v144, <4 x double> %v146, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v149 = shufflevector <4 x double> %v144, <4 x double> %v146, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v150 = shufflevector <4 x double> %v145, <4 x double> %v147, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v151 = shufflevector <4 x double> %v145, <4 x double> %v147, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v152 = getelementptr double, ptr %cell32, i64 %v71
  %v153 = getelementptr double, ptr %v152, i64 512
  store <4 x double> %v148, ptr %v153, align 8
  %v154 = getelementptr double, ptr %cell32, i64 %v71
  %v155 = getelementptr double, ptr %v154, i64 576
  store <4 x double> %v150, ptr %v155, align 8
  %v156 = getelementptr double, ptr %cell32, i64 %v71
  %v157 = getelementptr double, ptr %v156, i64 640
  store <4 x double> %v149, ptr %v157, align 8
  %v158 = getelementptr double, ptr %cell32, i64 %v71
  %v159 = getelementptr double, ptr %v158, i64 704
  store <4 x double> %v151, ptr %v159, align 8
  %v160 = getelementptr double, ptr %v75, i64 12
  %v161 = load <4 x double>, ptr %v160, align 8
  %v162 = getelementptr double, ptr %v79, i64 12
  %v163 = load <4 x double>, ptr %v162, align 8
  %v164 = getelementptr double, ptr %v83, i64 12
  %v165 = load <4 x double>, ptr %v164, align 8
  %v166 = getelementptr double, ptr %v87, i64 12
  %v167 = load <4 x double>, ptr %v166, align 8
  %v168 = shufflevector <4 x double> %v161, <4 x double> %v163, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v169 = shufflevector <4 x double> %v161, <4 x double> %v163, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v170 = shufflevector <4 x double> %v165, <4 x double> %v167, <4 x i32> <i32 0, i32 4, i32 2, i32 6>
  %v171 = shufflevector <4 x double> %v165, <4 x double> %v167, <4 x i32> <i32 1, i32 5, i32 3, i32 7>
  %v172 = shufflevector <4 x double> %v168, <4 x double> %v170, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v173 = shufflevector <4 x double> %v168, <4 x double> %v170, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v174 = shufflevector <4 x double> %v169, <4 x double> %v171, <4 x i32> <i32 0, i32 1, i32 4, i32 5>
  %v175 = shufflevector <4 x double> %v169, <4 x double> %v171, <4 x i32> <i32 2, i32 3, i32 6, i32 7>
  %v176 = getelementptr double, ptr %cell32, i64 %v71
  %v177 = getelementptr double, ptr %v176, i64 768
  store <4 x double> %v172, ptr %v177, align 8
  %v178 = getelementptr double, ptr %cell32, i64 %v71
  %v179 = getelementptr double, ptr %v178, i64 832
  store <4 x double> %v174, ptr %v179, align 8
  %v180 = getelementptr double, ptr %cell32, i64 %v71
  %v181 = getelementptr double, ptr %v180, i64 896
  store <4 x double> %v173, ptr %v181, align 8
  %v182 = getelementptr double, ptr %cell32, i64 %v71
  %v183 = getelementptr double, ptr %v182, i64 960
  store <4 x double> %v175, ptr %v183, align 8
  %next69 = add nsw i64 %column68, 4
  br label %head65
done67:
  %count184 = sub nsw i64 %v59, %panel55
  %v185 = and i64 %count184, -16
  %end186 = add nsw i64 %panel55, %v185
  %v187 = and i64 %count184, -8
  %end188 = add nsw i64 %panel55, %v187
  %v189 = and i64 %count184, -4
  %end190 = add nsw i64 %panel55, %v189
  %ragged191 = icmp slt i64 %end190, %v59
  %left192 = sub nsw i64 %v59, %end190
  %v193 = call i64 @llvm.smin.i64(i64 %left192, i64 4)
  %v194 = insertelement <4 x i64> poison, i64 %v193, i64 0
  %v195 = shufflevector <4 x i64> %v194, <4 x i64> poison, <4 x i32> zeroinitializer
  %mask196 = icmp ult <4 x i64> <i64 0, i64 1, i64 2, i64 3>, %v195
  br label %head197
head197:
  %row200 = phi i64 [ %first44, %done67 ], [ %next201, %endif242 ]
  %more202 = icmp slt i64 %row200, %v46
  br i1 %more202, label %body198, label %done199
body198:
  %v203 = mul nsw i64 %row200, 1
  %v204 = getelementptr double, ptr %base6, i64 %v203
  %v205 = mul nsw i64 %row200, %stride15
  %v206 = getelementptr double, ptr %base13, i64 %v205
  %v207 = sub nsw i64 %row200, %v51
  %v208 = mul nsw i64 %v207, 64
  %v209 = sub nsw i64 %v208, %panel55
  %v210 = getelementptr double, ptr %cell32, i64 %v209
  br label %head211
head211:
  %j214 = phi i64 [ %panel55, %body198 ], [ %next215, %body212 ]
  %more216 = icmp slt i64 %j214, %end186
  br i1 %more216, label %body212, label %done213
body212:
  %v217 = getelementptr double, ptr %v210, i64 %j214
  %v218 = load <4 x double>, ptr %v217, align 8
  %v219 = getelementptr double, ptr %v206, i64 %j214
  store <4 x double> %v218, ptr %v219, align 8
  %j220 = add nsw i64 %j214, 4
  %v221 = getelementptr double, ptr %v210, i64 %j220
  %v222 = load <4 x double>, ptr %v221, align 8
  %v223 = getelementptr double, ptr %v206, i64 %j220
  store <4 x double> %v222, ptr %v223, align 8
  %j224 = add nsw i64 %j214, 8
  %v225 = getelementptr double, ptr %v210, i64 %j224
  %v226 = load <4 x double>, ptr %v225, align 8
  %v227 = getelementptr double, ptr %v206, i64 %j224
  store <4 x double> %v226, ptr %v227, align 8
  %j228 = add nsw i64 %j214, 12
  %v229 = getelementptr double, ptr %v210, i64 %j228
  %v230 = load <4 x double>, ptr %v229, align 8
  %v231 = getelementptr double, ptr %v206, i64 %j228
  store <4 x double> %v230, ptr %v231, align 8
  %next215 = add nsw i64 %j214, 16
  br label %head211
done213:
  br label %head232
head232:
  %j235 = phi i64 [ %end186, %done213 ], [ %next236, %body233 ]
  %more237 = icmp slt i64 %j235, %end190
  br i1 %more237, label %body233, label %done234
body233:
  %v238 = getelementptr double, ptr %v210, i64 %j235
  %v239 = load <4 x double>, ptr %v238, align 8
  %v240 = getelementptr double, ptr %v206, i64 %j235
  store <4 x double> %v239, ptr %v240, align 8
  %next236 = add nsw i64 %j235, 4
  br label %head232
done234:
  br i1 %ragged191, label %then241, label %endif242
then241:
  %v243 = getelementptr double, ptr %v210, i64 %end190
  %v244 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v243, i32 8, <4 x i1> %mask196, <4 x double> zeroinitializer)
  %v245 = getelementptr double, ptr %v206, i64 %end190
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v244, ptr %v245, i32 8, <4 x i1> %mask196)
  br label %endif242
endif242:
  %next201 = add nsw i64 %row200, 1
  br label %head197
done199:
  %next56 = add nsw i64 %panel55, 64
  br label %head52
done54:
  br label %endif49
else48:
  br label %head246
head246:
  %row249 = phi i64 [ %first44, %else48 ], [ %next250, %endif297 ]
  %more251 = icmp slt i64 %row249, %v46
  br i1 %more251, label %body247, label %done248
body247:
  %v252 = mul nsw i64 %row249, 1
  %v253 = getelementptr double, ptr %base6, i64 %v252
  %v254 = mul nsw i64 %row249, %stride15
  %v255 = getelementptr double, ptr %base13, i64 %v254
  br label %head256
head256:
  %j259 = phi i64 [ 0, %body247 ], [ %next260, %body257 ]
  %more261 = icmp slt i64 %j259, %end21
  br i1 %more261, label %body257, label %done258
body257:
  %v262 = mul nsw i64 %j259, %stride8
  %v263 = getelementptr double, ptr %v253, i64 %v262
  %v264 = getelementptr double, ptr %v263, <4 x i64> %v11
  %v265 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v264, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v266 = getelementptr double, ptr %v255, i64 %j259
  store <4 x double> %v265, ptr %v266, align 8
  %j267 = add nsw i64 %j259, 4
  %v268 = mul nsw i64 %j267, %stride8
  %v269 = getelementptr double, ptr %v253, i64 %v268
  %v270 = getelementptr double, ptr %v269, <4 x i64> %v11
  %v271 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v270, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v272 = getelementptr double, ptr %v255, i64 %j267
  store <4 x double> %v271, ptr %v272, align 8
  %j273 = add nsw i64 %j259, 8
  %v274 = mul nsw i64 %j273, %stride8
  %v275 = getelementptr double, ptr %v253, i64 %v274
  %v276 = getelementptr double, ptr %v275, <4 x i64> %v11
  %v277 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v276, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v278 = getelementptr double, ptr %v255, i64 %j273
  store <4 x double> %v277, ptr %v278, align 8
  %j279 = add nsw i64 %j259, 12
  %v280 = mul nsw i64 %j279, %stride8
  %v281 = getelementptr double, ptr %v253, i64 %v280
  %v282 = getelementptr double, ptr %v281, <4 x i64> %v11
  %v283 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v282, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v284 = getelementptr double, ptr %v255, i64 %j279
  store <4 x double> %v283, ptr %v284, align 8
  %next260 = add nsw i64 %j259, 16
  br label %head256
done258:
  br label %head285
head285:
  %j288 = phi i64 [ %end21, %done258 ], [ %next289, %body286 ]
  %more290 = icmp slt i64 %j288, %end25
  br i1 %more290, label %body286, label %done287
body286:
  %v291 = mul nsw i64 %j288, %stride8
  %v292 = getelementptr double, ptr %v253, i64 %v291
  %v293 = getelementptr double, ptr %v292, <4 x i64> %v11
  %v294 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v293, i32 8, <4 x i1> splat (i1 true), <4 x double> zeroinitializer)
  %v295 = getelementptr double, ptr %v255, i64 %j288
  store <4 x double> %v294, ptr %v295, align 8
  %next289 = add nsw i64 %j288, 4
  br label %head285
done287:
  br i1 %ragged26, label %then296, label %endif297
then296:
  %v298 = mul nsw i64 %end25, %stride8
  %v299 = getelementptr double, ptr %v253, i64 %v298
  %v300 = getelementptr double, ptr %v299, <4 x i64> %v11
  %v301 = call <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr> %v300, i32 8, <4 x i1> %mask31, <4 x double> zeroinitializer)
  %v302 = getelementptr double, ptr %v255, i64 %end25
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v301, ptr %v302, i32 8, <4 x i1> %mask31)
  br label %endif297
endif297:
  %next250 = add nsw i64 %row249, 1
  br label %head246
done248:
  br label %endif49
endif49:
  %v303 = add nsw i64 %v43, 1
  store i64 %v303, ptr %cell36
  %next41 = add nsw i64 %unit40, 1
  br label %head37
done39:
  br label %endif18
endif18:
  ret i64 0
}

declare <4 x double> @llvm.masked.gather.v4f64.v4p0(<4 x ptr>, i32, <4 x i1>, <4 x double>)
declare <4 x double> @llvm.masked.load.v4f64.p0(ptr, i32, <4 x i1>, <4 x double>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v4f64.p0(<4 x double>, ptr, i32, <4 x i1>)
