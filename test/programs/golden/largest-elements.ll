define internal void @k1(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v1 = icmp slt <4 x i32> %v0, splat (i32 3)
  %v2 = getelementptr float, ptr %a0, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v3 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v2, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v4 = fcmp ogt <4 x float> splat (float 0xFFF0000000000000), %v3
  %v5 = select <4 x i1> %v4, <4 x float> splat (float 0xFFF0000000000000), <4 x float> %v3
  %v6 = fcmp ogt <4 x float> %v3, splat (float 0xFFF0000000000000)
  %v7 = select <4 x i1> %v6, <4 x float> %v3, <4 x float> splat (float 0xFFF0000000000000)
  %v8 = bitcast <4 x float> %v5 to <4 x i32>
  %v9 = bitcast <4 x float> %v7 to <4 x i32>
  %v10 = and <4 x i32> %v8, %v9
  %v11 = bitcast <4 x i32> %v10 to <4 x float>
  %v12 = fcmp uno <4 x float> splat (float 0xFFF0000000000000), splat (float 0xFFF0000000000000)
  %v13 = fcmp uno <4 x float> %v3, %v3
  %v14 = or <4 x i1> %v12, %v13
  %v15 = select <4 x i1> %v14, <4 x float> splat (float 0x7FF8000000000000), <4 x float> %v11
  %v16 = getelementptr float, ptr %a0, i64 1
  %v17 = getelementptr float, ptr %v16, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v18 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v17, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v19 = fcmp ogt <4 x float> %v15, %v18
  %v20 = select <4 x i1> %v19, <4 x float> %v15, <4 x float> %v18
  %v21 = fcmp ogt <4 x float> %v18, %v15
  %v22 = select <4 x i1> %v21, <4 x float> %v18, <4 x float> %v15
  %v23 = bitcast <4 x float> %v20 to <4 x i32>
  %v24 = bitcast <4 x float> %v22 to <4 x i32>
  %v25 = and <4 x i32> %v23, %v24
  %v26 = bitcast <4 x i32> %v25 to <4 x float>
  %v27 = fcmp uno <4 x float> %v15, %v15
  %v28 = fcmp uno <4 x float> %v18, %v18
  %v29 = or <4 x i1> %v27, %v28
  %v30 = select <4 x i1> %v29, <4 x float> splat (float 0x7FF8000000000000), <4 x float> %v26
  %v31 = getelementptr float, ptr %a0, i64 2
  %v32 = getelementptr float, ptr %v31, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v33 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v32, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v34 = fcmp ogt <4 x float> %v30, %v33
  %v35 = select <4 x i1> %v34, <4 x float> %v30, <4 x float> %v33
  %v36 = fcmp ogt <4 x float> %v33, %v30
  %v37 = select <4 x i1> %v36, <4 x float> %v33, <4 x float> %v30
  %v38 = bitcast <4 x float> %v35 to <4 x i32>
  %v39 = bitcast <4 x float> %v37 to <4 x i32>
  %v40 = and <4 x i32> %v38, %v39
  %v41 = bitcast <4 x i32> %v40 to <4 x float>
  %v42 = fcmp uno <4 x float> %v30, %v30
  %v43 = fcmp uno <4 x float> %v33, %v33
  %v44 = or <4 x i1> %v42, %v43
  %v45 = select <4 x i1> %v44, <4 x float> splat (float 0x7FF8000000000000), <4 x float> %v41
  %v46 = getelementptr float, ptr %a0, i64 3
  %v47 = getelementptr float, ptr %v46, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v48 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v47, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v49 = fcmp ogt <4 x float> %v45, %v48
  %v50 = select <4 x i1> %v49, <4 x float> %v45, <4 x float> %v48
  %v51 = fcmp ogt <4 x float> %v48, %v45
  %v52 = select <4 x i1> %v51, <4 x float> %v48, <4 x float> %v45
  %v53 = bitcast <4 x float> %v50 to <4 x i32>
  %v54 = bitcast <4 x float> %v52 to <4 x i32>
  %v55 = and <4 x i32> %v53, %v54
  %v56 = bitcast <4 x i32> %v55 to <4 x float>
  %v57 = fcmp uno <4 x float> %v45, %v45
  %v58 = fcmp uno <4 x float> %v48, %v48
  %v59 = or <4 x i1> %v57, %v58
  %v60 = select <4 x i1> %v59, <4 x float> splat (float 0x7FF8000000000000), <4 x float> %v56
  call void @llvm.masked.store.v4f32.p0(<4 x float> %v60, ptr %o0, i32 4, <4 x i1> %v1)
  ret void
}
define internal void @k2(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v1 = icmp slt <4 x i32> %v0, splat (i32 3)
  %v2 = call <4 x float> @llvm.masked.load.v4f32.p0(ptr %a1, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v3 = getelementptr float, ptr %a0, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v4 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v3, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v5 = fcmp oeq <4 x float> %v4, %v2
  %v6 = select <4 x i1> %v5, <4 x float> splat (float 0x3FF0000000000000), <4 x float> splat (float 0x0000000000000000)
  %v7 = fadd <4 x float> splat (float 0x0000000000000000), %v6
  %v8 = getelementptr float, ptr %a0, i64 1
  %v9 = getelementptr float, ptr %v8, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v10 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v9, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v11 = fcmp oeq <4 x float> %v10, %v2
  %v12 = select <4 x i1> %v11, <4 x float> splat (float 0x3FF0000000000000), <4 x float> splat (float 0x0000000000000000)
  %v13 = fadd <4 x float> %v7, %v12
  %v14 = getelementptr float, ptr %a0, i64 2
  %v15 = getelementptr float, ptr %v14, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v16 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v15, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v17 = fcmp oeq <4 x float> %v16, %v2
  %v18 = select <4 x i1> %v17, <4 x float> splat (float 0x3FF0000000000000), <4 x float> splat (float 0x0000000000000000)
  %v19 = fadd <4 x float> %v13, %v18
  %v20 = getelementptr float, ptr %a0, i64 3
  %v21 = getelementptr float, ptr %v20, <4 x i32> <i32 0, i32 4, i32 8, i32 12>
  %v22 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v21, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v23 = fcmp oeq <4 x float> %v22, %v2
  %v24 = select <4 x i1> %v23, <4 x float> splat (float 0x3FF0000000000000), <4 x float> splat (float 0x0000000000000000)
  %v25 = fadd <4 x float> %v19, %v24
  %v26 = fpext <4 x float> %v25 to <4 x double>
  %v27 = fadd <4 x double> splat (double 0x0000000000000000), %v26
  %v28 = fptrunc <4 x double> %v27 to <4 x float>
  call void @llvm.masked.store.v4f32.p0(<4 x float> %v28, ptr %o0, i32 4, <4 x i1> %v1)
  ret void
}
define internal void @k3(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v1 = icmp slt <4 x i32> %v0, splat (i32 3)
  %v2 = call <4 x float> @llvm.masked.load.v4f32.p0(ptr %a0, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v3 = call <4 x float> @llvm.masked.load.v4f32.p0(ptr %a1, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v4 = fmul <4 x float> %v2, %v3
  %v5 = call <4 x float> @llvm.fma.v4f32(<4 x float> %v2, <4 x float> %v3, <4 x float> splat (float 0x0000000000000000))
  %v6 = select <4 x i1> %v1, <4 x float> %v5, <4 x float> splat (float 0x0000000000000000)
  %v7 = fpext <4 x float> %v6 to <4 x double>
  %v8 = fadd <4 x double> splat (double 0x0000000000000000), %v7
  %v9 = shufflevector <4 x double> %v8, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v10 = shufflevector <4 x double> %v8, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v11 = fadd <2 x double> %v9, %v10
  %v12 = extractelement <2 x double> %v11, i32 0
  %v13 = extractelement <2 x double> %v11, i32 1
  %v14 = fadd double %v12, %v13
  %v15 = fptrunc double %v14 to float
  store float %v15, ptr %o0, align 4
  ret void
}
define internal void @k4(ptr %a0, ptr %a1, ptr %a2, ptr %a3, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v22, %b0 ]
  %v1 = getelementptr float, ptr %a3, i64 %v0
  %v2 = load float, ptr %v1, align 4
  %v3 = getelementptr float, ptr %a0, i64 %v0
  %v4 = load float, ptr %v3, align 4
  %v5 = getelementptr float, ptr %a1, i64 %v0
  %v6 = load float, ptr %v5, align 4
  %v7 = mul i64 %v0, 4
  %v8 = getelementptr float, ptr %a2, i64 %v7
  %v9 = load <4 x float>, ptr %v8, align 4
  %v10 = insertelement <4 x float> poison, float %v2, i32 0
  %v11 = shufflevector <4 x float> %v10, <4 x float> poison, <4 x i32> zeroinitializer
  %v12 = fcmp oeq <4 x float> %v9, %v11
  %v13 = select <4 x i1> %v12, <4 x float> splat (float 0x3FF0000000000000), <4 x float> splat (float 0x0000000000000000)
  %v14 = insertelement <4 x float> poison, float %v6, i32 0
  %v15 = shufflevector <4 x float> %v14, <4 x float> poison, <4 x i32> zeroinitializer
  %v16 = fdiv <4 x float> %v13, %v15
  %v17 = insertelement <4 x float> poison, float %v4, i32 0
  %v18 = shufflevector <4 x float> %v17, <4 x float> poison, <4 x i32> zeroinitializer
  %v19 = fmul <4 x float> %v18, %v16
  %v20 = mul i64 %v0, 4
  %v21 = getelementptr float, ptr %o0, i64 %v20
  store <4 x float> %v19, ptr %v21, align 4
  %v22 = add i64 %v0, 1
  %v23 = icmp ult i64 %v22, 3
  br i1 %v23, label %b0, label %b1
b1:
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %o0, ptr %o1, ptr %o2) nounwind {
entry:
  
  call void @k1(ptr %i0, ptr %o2, ptr %scratch, i64 0, i64 1)
  call void @k2(ptr %i0, ptr %o2, ptr %arena, ptr %scratch, i64 0, i64 1)
  call void @k3(ptr %o2, ptr %i1, ptr %o0, ptr %scratch, i64 0, i64 1)
  call void @k4(ptr %i1, ptr %arena, ptr %i0, ptr %o2, ptr %o1, ptr %scratch, i64 0, i64 1)
  ret void
}
define void @adjoint_run(ptr %context) nounwind {
entry:
  %v0 = getelementptr i64, ptr %context, i64 3
  %v1 = load ptr, ptr %v0
  %v2 = getelementptr i8, ptr %v1, i64 64
  %v3 = getelementptr i64, ptr %context, i64 3
  %v4 = load ptr, ptr %v3
  %v5 = getelementptr i64, ptr %context, i64 4
  %v6 = load ptr, ptr %v5
  %v7 = getelementptr i64, ptr %context, i64 5
  %v8 = load ptr, ptr %v7
  %v9 = getelementptr i64, ptr %context, i64 6
  %v10 = load ptr, ptr %v9
  %v11 = getelementptr i64, ptr %context, i64 7
  %v12 = load ptr, ptr %v11
  %v13 = getelementptr i64, ptr %context, i64 8
  %v14 = load ptr, ptr %v13
  call void @plan0(ptr %context, ptr %v2, ptr %v4, ptr %v6, ptr %v8, ptr %v10, ptr %v12, ptr %v14)
  ret void
}
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
declare <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr>, i32, <4 x i1>, <4 x float>)
declare <4 x float> @llvm.masked.load.v4f32.p0(ptr, i32, <4 x i1>, <4 x float>)
declare void @llvm.masked.store.v4f32.p0(<4 x float>, ptr, i32, <4 x i1>)
