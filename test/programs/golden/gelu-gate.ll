define internal void @k1(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load <16 x float>, ptr %a0, align 4
  %v1 = fmul <16 x float> splat (float 0x3FE0000000000000), %v0
  %v2 = fmul <16 x float> %v0, splat (float 0x3FE6A09E60000000)
  %v3 = call <16 x float> @llvm.fabs.v16f32(<16 x float> %v2)
  %v4 = fcmp ogt <16 x float> %v3, splat (float 0x4010000000000000)
  %v5 = select <16 x i1> %v4, <16 x float> splat (float 0x4010000000000000), <16 x float> %v3
  %v6 = fmul <16 x float> %v5, %v5
  %v7 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F1EDB5D40000000), <16 x float> %v6, <16 x float> splat (float 0x3F5B520920000000))
  %v8 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v7, <16 x float> %v6, <16 x float> splat (float 0xBF939CC9E0000000))
  %v9 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v8, <16 x float> %v6, <16 x float> splat (float 0x3FE45F2FA0000000))
  %v10 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0xBEE36D6160000000), <16 x float> %v6, <16 x float> splat (float 0xBF44BEBF00000000))
  %v11 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v10, <16 x float> %v6, <16 x float> splat (float 0xBF2516AE60000000))
  %v12 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v11, <16 x float> %v6, <16 x float> splat (float 0x3FBA4FA4A0000000))
  %v13 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v12, <16 x float> %v6, <16 x float> splat (float 0xBE6D0E64A0000000))
  %v14 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v9, <16 x float> %v5, <16 x float> %v13)
  %v15 = fmul <16 x float> %v5, %v14
  %v16 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v5, <16 x float> splat (float 0x3FF20DD760000000), <16 x float> %v15)
  %v17 = fneg <16 x float> %v16
  %v18 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v17, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168000FE0000000))
  %v19 = fsub <16 x float> %v18, splat (float 0x4168000FE0000000)
  %v20 = bitcast <16 x float> %v18 to <16 x i32>
  %v21 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v19, <16 x float> splat (float 0xBFE62E4000000000), <16 x float> %v17)
  %v22 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v19, <16 x float> splat (float 0xBEB7F7D1C0000000), <16 x float> %v21)
  %v23 = shl <16 x i32> %v20, splat (i32 23)
  %v24 = bitcast <16 x i32> %v23 to <16 x float>
  %v25 = fmul <16 x float> %v22, %v22
  %v26 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F56AC8640000000), <16 x float> %v22, <16 x float> splat (float 0x3F8123DE40000000))
  %v27 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v26, <16 x float> %v22, <16 x float> splat (float 0x3FA5558580000000))
  %v28 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v27, <16 x float> %v22, <16 x float> splat (float 0x3FC55548C0000000))
  %v29 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v28, <16 x float> %v22, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v30 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v25, <16 x float> %v29, <16 x float> %v22)
  %v31 = fsub <16 x float> %v24, splat (float 0x3FF0000000000000)
  %v32 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v24, <16 x float> %v30, <16 x float> %v31)
  %v33 = call <16 x float> @llvm.copysign.v16f32(<16 x float> %v32, <16 x float> %v2)
  %v34 = fadd <16 x float> %v33, splat (float 0x3FF0000000000000)
  %v35 = fmul <16 x float> %v1, %v34
  %v36 = load <16 x float>, ptr %a1, align 4
  %v37 = call <16 x float> @llvm.fabs.v16f32(<16 x float> %v36)
  %v38 = fneg <16 x float> %v37
  %v39 = fcmp olt <16 x float> %v38, splat (float 0xC05A000000000000)
  %v40 = select <16 x i1> %v39, <16 x float> splat (float 0xC05A000000000000), <16 x float> %v38
  %v41 = fcmp ogt <16 x float> %v40, splat (float 0x4056400000000000)
  %v42 = select <16 x i1> %v41, <16 x float> splat (float 0x4056400000000000), <16 x float> %v40
  %v43 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v42, <16 x float> splat (float 0x3FF7154760000000), <16 x float> splat (float 0x4168001FC0000000))
  %v44 = fsub <16 x float> %v43, splat (float 0x4168001FC0000000)
  %v45 = bitcast <16 x float> %v43 to <16 x i32>
  %v46 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v44, <16 x float> splat (float 0xBFE62E4000000000), <16 x float> %v42)
  %v47 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v44, <16 x float> splat (float 0xBEB7F7D1C0000000), <16 x float> %v46)
  %v48 = lshr <16 x i32> %v45, splat (i32 1)
  %v49 = sub <16 x i32> %v45, %v48
  %v50 = fmul <16 x float> %v47, %v47
  %v51 = call <16 x float> @llvm.fma.v16f32(<16 x float> splat (float 0x3F56AC8640000000), <16 x float> %v47, <16 x float> splat (float 0x3F8123DE40000000))
  %v52 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v51, <16 x float> %v47, <16 x float> splat (float 0x3FA5558580000000))
  %v53 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v52, <16 x float> %v47, <16 x float> splat (float 0x3FC55548C0000000))
  %v54 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v53, <16 x float> %v47, <16 x float> splat (float 0x3FDFFFFFC0000000))
  %v55 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v50, <16 x float> %v54, <16 x float> %v47)
  %v56 = fadd <16 x float> %v55, splat (float 0x3FF0000000000000)
  %v57 = shl <16 x i32> %v48, splat (i32 23)
  %v58 = bitcast <16 x i32> %v57 to <16 x float>
  %v59 = fmul <16 x float> %v56, %v58
  %v60 = shl <16 x i32> %v49, splat (i32 23)
  %v61 = bitcast <16 x i32> %v60 to <16 x float>
  %v62 = fmul <16 x float> %v59, %v61
  %v63 = fcmp olt <16 x float> %v36, splat (float 0x0000000000000000)
  %v64 = select <16 x i1> %v63, <16 x float> %v62, <16 x float> splat (float 0x3FF0000000000000)
  %v65 = fadd <16 x float> splat (float 0x3FF0000000000000), %v62
  %v66 = fdiv <16 x float> %v64, %v65
  %v67 = fmul <16 x float> %v35, %v66
  %v68 = call <16 x float> @llvm.fma.v16f32(<16 x float> %v35, <16 x float> %v66, <16 x float> splat (float 0x0000000000000000))
  %v69 = fpext <16 x float> %v68 to <16 x double>
  %v70 = fadd <16 x double> splat (double 0x0000000000000000), %v69
  %v71 = shufflevector <16 x double> %v70, <16 x double> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v72 = shufflevector <16 x double> %v70, <16 x double> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v73 = fadd <8 x double> %v71, %v72
  %v74 = shufflevector <8 x double> %v73, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v75 = shufflevector <8 x double> %v73, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v76 = fadd <4 x double> %v74, %v75
  %v77 = shufflevector <4 x double> %v76, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v78 = shufflevector <4 x double> %v76, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v79 = fadd <2 x double> %v77, %v78
  %v80 = extractelement <2 x double> %v79, i32 0
  %v81 = extractelement <2 x double> %v79, i32 1
  %v82 = fadd double %v80, %v81
  %v83 = fptrunc double %v82 to float
  store float %v83, ptr %o0, align 4
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
declare <16 x float> @llvm.copysign.v16f32(<16 x float>, <16 x float>)
declare <16 x float> @llvm.fabs.v16f32(<16 x float>)
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
