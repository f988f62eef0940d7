define internal void @k1(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v99, %b0 ]
  %v1 = phi <8 x float> [ splat (float 0x0000000000000000), %entry ], [ %v98, %b0 ]
  %v2 = getelementptr float, ptr %a0, i64 %v0
  %v3 = load <8 x float>, ptr %v2, align 4
  %v4 = fmul <8 x float> splat (float 0x3FE0000000000000), %v3
  %v5 = fmul <8 x float> %v3, splat (float 0x3FE6A09E60000000)
  %v6 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v5)
  %v7 = fcmp ogt <8 x float> %v6, splat (float 0x4010000000000000)
  %v8 = select <8 x i1> %v7, <8 x float> splat (float 0x4010000000000000), <8 x float> %v6
  %v9 = fmul <8 x float> %v8, %v8
  %v10 = fmul <8 x float> splat (float 0x3F1EDB5D40000000), %v9
  %v11 = fadd <8 x float> %v10, splat (float 0x3F5B520920000000)
  %v12 = fmul <8 x float> %v11, %v9
  %v13 = fadd <8 x float> %v12, splat (float 0xBF939CC9E0000000)
  %v14 = fmul <8 x float> %v13, %v9
  %v15 = fadd <8 x float> %v14, splat (float 0x3FE45F2FA0000000)
  %v16 = fmul <8 x float> splat (float 0xBEE36D6160000000), %v9
  %v17 = fadd <8 x float> %v16, splat (float 0xBF44BEBF00000000)
  %v18 = fmul <8 x float> %v17, %v9
  %v19 = fadd <8 x float> %v18, splat (float 0xBF2516AE60000000)
  %v20 = fmul <8 x float> %v19, %v9
  %v21 = fadd <8 x float> %v20, splat (float 0x3FBA4FA4A0000000)
  %v22 = fmul <8 x float> %v21, %v9
  %v23 = fadd <8 x float> %v22, splat (float 0xBE6D0E64A0000000)
  %v24 = fmul <8 x float> %v15, %v8
  %v25 = fadd <8 x float> %v24, %v23
  %v26 = fmul <8 x float> %v8, %v25
  %v27 = fmul <8 x float> %v8, splat (float 0x3FF20DD760000000)
  %v28 = fadd <8 x float> %v27, %v26
  %v29 = fneg <8 x float> %v28
  %v30 = fmul <8 x float> %v29, splat (float 0x3FF7154760000000)
  %v31 = fadd <8 x float> %v30, splat (float 0x4168000FE0000000)
  %v32 = fsub <8 x float> %v31, splat (float 0x4168000FE0000000)
  %v33 = bitcast <8 x float> %v31 to <8 x i32>
  %v34 = fmul <8 x float> %v32, splat (float 0xBFE62E4000000000)
  %v35 = fadd <8 x float> %v34, %v29
  %v36 = fmul <8 x float> %v32, splat (float 0xBEB7F7D1C0000000)
  %v37 = fadd <8 x float> %v36, %v35
  %v38 = shl <8 x i32> %v33, splat (i32 23)
  %v39 = bitcast <8 x i32> %v38 to <8 x float>
  %v40 = fmul <8 x float> %v37, %v37
  %v41 = fmul <8 x float> splat (float 0x3F56AC8640000000), %v37
  %v42 = fadd <8 x float> %v41, splat (float 0x3F8123DE40000000)
  %v43 = fmul <8 x float> %v42, %v37
  %v44 = fadd <8 x float> %v43, splat (float 0x3FA5558580000000)
  %v45 = fmul <8 x float> %v44, %v37
  %v46 = fadd <8 x float> %v45, splat (float 0x3FC55548C0000000)
  %v47 = fmul <8 x float> %v46, %v37
  %v48 = fadd <8 x float> %v47, splat (float 0x3FDFFFFFC0000000)
  %v49 = fmul <8 x float> %v40, %v48
  %v50 = fadd <8 x float> %v49, %v37
  %v51 = fsub <8 x float> %v39, splat (float 0x3FF0000000000000)
  %v52 = fmul <8 x float> %v39, %v50
  %v53 = fadd <8 x float> %v52, %v51
  %v54 = call <8 x float> @llvm.copysign.v8f32(<8 x float> %v53, <8 x float> %v5)
  %v55 = fadd <8 x float> %v54, splat (float 0x3FF0000000000000)
  %v56 = fmul <8 x float> %v4, %v55
  %v57 = getelementptr float, ptr %a1, i64 %v0
  %v58 = load <8 x float>, ptr %v57, align 4
  %v59 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v58)
  %v60 = fneg <8 x float> %v59
  %v61 = fcmp olt <8 x float> %v60, splat (float 0xC05A000000000000)
  %v62 = select <8 x i1> %v61, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v60
  %v63 = fcmp ogt <8 x float> %v62, splat (float 0x4056400000000000)
  %v64 = select <8 x i1> %v63, <8 x float> splat (float 0x4056400000000000), <8 x float> %v62
  %v65 = fmul <8 x float> %v64, splat (float 0x3FF7154760000000)
  %v66 = fadd <8 x float> %v65, splat (float 0x4168001FC0000000)
  %v67 = fsub <8 x float> %v66, splat (float 0x4168001FC0000000)
  %v68 = bitcast <8 x float> %v66 to <8 x i32>
  %v69 = fmul <8 x float> %v67, splat (float 0xBFE62E4000000000)
  %v70 = fadd <8 x float> %v69, %v64
  %v71 = fmul <8 x float> %v67, splat (float 0xBEB7F7D1C0000000)
  %v72 = fadd <8 x float> %v71, %v70
  %v73 = lshr <8 x i32> %v68, splat (i32 1)
  %v74 = sub <8 x i32> %v68, %v73
  %v75 = fmul <8 x float> %v72, %v72
  %v76 = fmul <8 x float> splat (float 0x3F56AC8640000000), %v72
  %v77 = fadd <8 x float> %v76, splat (float 0x3F8123DE40000000)
  %v78 = fmul <8 x float> %v77, %v72
  %v79 = fadd <8 x float> %v78, splat (float 0x3FA5558580000000)
  %v80 = fmul <8 x float> %v79, %v72
  %v81 = fadd <8 x float> %v80, splat (float 0x3FC55548C0000000)
  %v82 = fmul <8 x float> %v81, %v72
  %v83 = fadd <8 x float> %v82, splat (float 0x3FDFFFFFC0000000)
  %v84 = fmul <8 x float> %v75, %v83
  %v85 = fadd <8 x float> %v84, %v72
  %v86 = fadd <8 x float> %v85, splat (float 0x3FF0000000000000)
  %v87 = shl <8 x i32> %v73, splat (i32 23)
  %v88 = bitcast <8 x i32> %v87 to <8 x float>
  %v89 = fmul <8 x float> %v86, %v88
  %v90 = shl <8 x i32> %v74, splat (i32 23)
  %v91 = bitcast <8 x i32> %v90 to <8 x float>
  %v92 = fmul <8 x float> %v89, %v91
  %v93 = fcmp olt <8 x float> %v58, splat (float 0x0000000000000000)
  %v94 = select <8 x i1> %v93, <8 x float> %v92, <8 x float> splat (float 0x3FF0000000000000)
  %v95 = fadd <8 x float> splat (float 0x3FF0000000000000), %v92
  %v96 = fdiv <8 x float> %v94, %v95
  %v97 = fmul <8 x float> %v56, %v96
  %v98 = fadd <8 x float> %v1, %v97
  %v99 = add i64 %v0, 8
  %v100 = icmp ult i64 %v99, 16
  br i1 %v100, label %b0, label %b1
b1:
  %v101 = fpext <8 x float> %v98 to <8 x double>
  %v102 = fadd <8 x double> splat (double 0x0000000000000000), %v101
  %v103 = shufflevector <8 x double> %v102, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v104 = shufflevector <8 x double> %v102, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v105 = fadd <4 x double> %v103, %v104
  %v106 = shufflevector <4 x double> %v105, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v107 = shufflevector <4 x double> %v105, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v108 = fadd <2 x double> %v106, %v107
  %v109 = extractelement <2 x double> %v108, i32 0
  %v110 = extractelement <2 x double> %v108, i32 1
  %v111 = fadd double %v109, %v110
  %v112 = fptrunc double %v111 to float
  store float %v112, ptr %o0, align 4
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %o0) nounwind {
entry:
  
  call void @k1(ptr %i0, ptr %i1, ptr %o0, ptr %scratch, i64 0, i64 1)
  ret void
}
define void @adjoint_run(ptr %context) nounwind {
entry:
  %v0 = getelementptr i64, ptr %context, i64 3
  %v1 = load ptr, ptr %v0
  %v2 = getelementptr i64, ptr %context, i64 3
  %v3 = load ptr, ptr %v2
  %v4 = getelementptr i64, ptr %context, i64 4
  %v5 = load ptr, ptr %v4
  %v6 = getelementptr i64, ptr %context, i64 5
  %v7 = load ptr, ptr %v6
  %v8 = getelementptr i64, ptr %context, i64 6
  %v9 = load ptr, ptr %v8
  call void @plan0(ptr %context, ptr %v1, ptr %v3, ptr %v5, ptr %v7, ptr %v9)
  ret void
}
declare <8 x float> @llvm.copysign.v8f32(<8 x float>, <8 x float>)
declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
