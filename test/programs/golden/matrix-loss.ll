define internal void @k1(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load float, ptr %a0, align 4
  %v1 = load <2 x float>, ptr %a1, align 4
  %v2 = insertelement <2 x float> poison, float %v0, i32 0
  %v3 = shufflevector <2 x float> %v2, <2 x float> poison, <2 x i32> zeroinitializer
  %v4 = fmul <2 x float> %v3, %v1
  %v5 = insertelement <2 x float> poison, float %v0, i32 0
  %v6 = shufflevector <2 x float> %v5, <2 x float> poison, <2 x i32> zeroinitializer
  %v7 = call <2 x float> @llvm.fma.v2f32(<2 x float> %v6, <2 x float> %v1, <2 x float> splat (float 0x0000000000000000))
  %v8 = getelementptr float, ptr %a0, i64 1
  %v9 = load float, ptr %v8, align 4
  %v10 = getelementptr float, ptr %a1, i64 2
  %v11 = load <2 x float>, ptr %v10, align 4
  %v12 = insertelement <2 x float> poison, float %v9, i32 0
  %v13 = shufflevector <2 x float> %v12, <2 x float> poison, <2 x i32> zeroinitializer
  %v14 = fmul <2 x float> %v13, %v11
  %v15 = insertelement <2 x float> poison, float %v9, i32 0
  %v16 = shufflevector <2 x float> %v15, <2 x float> poison, <2 x i32> zeroinitializer
  %v17 = call <2 x float> @llvm.fma.v2f32(<2 x float> %v16, <2 x float> %v11, <2 x float> %v7)
  %v18 = getelementptr float, ptr %a0, i64 2
  %v19 = load float, ptr %v18, align 4
  %v20 = getelementptr float, ptr %a1, i64 4
  %v21 = load <2 x float>, ptr %v20, align 4
  %v22 = insertelement <2 x float> poison, float %v19, i32 0
  %v23 = shufflevector <2 x float> %v22, <2 x float> poison, <2 x i32> zeroinitializer
  %v24 = fmul <2 x float> %v23, %v21
  %v25 = insertelement <2 x float> poison, float %v19, i32 0
  %v26 = shufflevector <2 x float> %v25, <2 x float> poison, <2 x i32> zeroinitializer
  %v27 = call <2 x float> @llvm.fma.v2f32(<2 x float> %v26, <2 x float> %v21, <2 x float> %v17)
  %v28 = fpext <2 x float> %v27 to <2 x double>
  %v29 = fadd <2 x double> splat (double 0x0000000000000000), %v28
  %v30 = fptrunc <2 x double> %v29 to <2 x float>
  store <2 x float> %v30, ptr %o0, align 4
  ret void
}
define internal void @k2(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load <2 x float>, ptr %a0, align 4
  %v1 = load <2 x float>, ptr %a1, align 4
  %v2 = fadd <2 x float> %v0, %v1
  %v3 = fmul <2 x float> %v2, %v2
  %v4 = call <2 x float> @llvm.fma.v2f32(<2 x float> %v2, <2 x float> %v2, <2 x float> splat (float 0x0000000000000000))
  %v5 = fpext <2 x float> %v4 to <2 x double>
  %v6 = fadd <2 x double> splat (double 0x0000000000000000), %v5
  %v7 = extractelement <2 x double> %v6, i32 0
  %v8 = extractelement <2 x double> %v6, i32 1
  %v9 = fadd double %v7, %v8
  %v10 = fptrunc double %v9 to float
  %v11 = fdiv float %v10, 0x4000000000000000
  store float %v11, ptr %o0, align 4
  ret void
}
define internal void @k3(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load <2 x float>, ptr %a0, align 4
  %v1 = load <2 x float>, ptr %a1, align 4
  %v2 = fadd <2 x float> %v0, %v1
  %v3 = fmul <2 x float> splat (float 0x4000000000000000), %v2
  %v4 = fmul <2 x float> splat (float 0x3FE0000000000000), %v3
  store <2 x float> %v4, ptr %o0, align 4
  ret void
}
define internal void @k4(ptr %a0, ptr %a1, ptr %a2, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v19, %b0 ]
  %v1 = getelementptr float, ptr %a0, i64 %v0
  %v2 = load float, ptr %v1, align 4
  %v3 = load <2 x float>, ptr %a1, align 4
  %v4 = load <2 x float>, ptr %a2, align 4
  %v5 = fadd <2 x float> %v3, %v4
  %v6 = fmul <2 x float> splat (float 0x4000000000000000), %v5
  %v7 = fmul <2 x float> splat (float 0x3FE0000000000000), %v6
  %v8 = insertelement <2 x float> poison, float %v2, i32 0
  %v9 = shufflevector <2 x float> %v8, <2 x float> poison, <2 x i32> zeroinitializer
  %v10 = fmul <2 x float> %v9, %v7
  %v11 = insertelement <2 x float> poison, float %v2, i32 0
  %v12 = shufflevector <2 x float> %v11, <2 x float> poison, <2 x i32> zeroinitializer
  %v13 = call <2 x float> @llvm.fma.v2f32(<2 x float> %v12, <2 x float> %v7, <2 x float> splat (float 0x0000000000000000))
  %v14 = fpext <2 x float> %v13 to <2 x double>
  %v15 = fadd <2 x double> splat (double 0x0000000000000000), %v14
  %v16 = fptrunc <2 x double> %v15 to <2 x float>
  %v17 = mul i64 %v0, 2
  %v18 = getelementptr float, ptr %o0, i64 %v17
  store <2 x float> %v16, ptr %v18, align 4
  %v19 = add i64 %v0, 1
  %v20 = icmp ult i64 %v19, 3
  br i1 %v20, label %b0, label %b1
b1:
  ret void
}
define internal void @k5(ptr %a0, ptr %a1, ptr %a2, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v1 = icmp slt <4 x i32> %v0, splat (i32 3)
  %v2 = load float, ptr %a1, align 4
  %v3 = load float, ptr %a2, align 4
  %v4 = fadd float %v2, %v3
  %v5 = fmul float 0x4000000000000000, %v4
  %v6 = fmul float 0x3FE0000000000000, %v5
  %v7 = getelementptr float, ptr %a0, <4 x i32> <i32 0, i32 2, i32 4, i32 6>
  %v8 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v7, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v9 = insertelement <4 x float> poison, float %v6, i32 0
  %v10 = shufflevector <4 x float> %v9, <4 x float> poison, <4 x i32> zeroinitializer
  %v11 = fmul <4 x float> %v10, %v8
  %v12 = insertelement <4 x float> poison, float %v6, i32 0
  %v13 = shufflevector <4 x float> %v12, <4 x float> poison, <4 x i32> zeroinitializer
  %v14 = call <4 x float> @llvm.fma.v4f32(<4 x float> %v13, <4 x float> %v8, <4 x float> splat (float 0x0000000000000000))
  %v15 = getelementptr float, ptr %a1, i64 1
  %v16 = load float, ptr %v15, align 4
  %v17 = getelementptr float, ptr %a2, i64 1
  %v18 = load float, ptr %v17, align 4
  %v19 = fadd float %v16, %v18
  %v20 = fmul float 0x4000000000000000, %v19
  %v21 = fmul float 0x3FE0000000000000, %v20
  %v22 = getelementptr float, ptr %a0, i64 1
  %v23 = getelementptr float, ptr %v22, <4 x i32> <i32 0, i32 2, i32 4, i32 6>
  %v24 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v23, i32 4, <4 x i1> %v1, <4 x float> zeroinitializer)
  %v25 = insertelement <4 x float> poison, float %v21, i32 0
  %v26 = shufflevector <4 x float> %v25, <4 x float> poison, <4 x i32> zeroinitializer
  %v27 = fmul <4 x float> %v26, %v24
  %v28 = insertelement <4 x float> poison, float %v21, i32 0
  %v29 = shufflevector <4 x float> %v28, <4 x float> poison, <4 x i32> zeroinitializer
  %v30 = call <4 x float> @llvm.fma.v4f32(<4 x float> %v29, <4 x float> %v24, <4 x float> %v14)
  %v31 = fpext <4 x float> %v30 to <4 x double>
  %v32 = fadd <4 x double> splat (double 0x0000000000000000), %v31
  %v33 = fptrunc <4 x double> %v32 to <4 x float>
  call void @llvm.masked.store.v4f32.p0(<4 x float> %v33, ptr %o0, i32 4, <4 x i1> %v1)
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %i2, ptr %o0, ptr %o1, ptr %o2, ptr %o3) nounwind {
entry:
  
  call void @k1(ptr %i0, ptr %i1, ptr %arena, ptr %scratch, i64 0, i64 1)
  call void @k2(ptr %arena, ptr %i2, ptr %o0, ptr %scratch, i64 0, i64 1)
  call void @k3(ptr %arena, ptr %i2, ptr %o3, ptr %scratch, i64 0, i64 1)
  call void @k4(ptr %i0, ptr %arena, ptr %i2, ptr %o2, ptr %scratch, i64 0, i64 1)
  call void @k5(ptr %i1, ptr %arena, ptr %i2, ptr %o1, ptr %scratch, i64 0, i64 1)
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
  %v15 = getelementptr i64, ptr %context, i64 9
  %v16 = load ptr, ptr %v15
  %v17 = getelementptr i64, ptr %context, i64 10
  %v18 = load ptr, ptr %v17
  call void @plan0(ptr %context, ptr %v2, ptr %v4, ptr %v6, ptr %v8, ptr %v10, ptr %v12, ptr %v14, ptr %v16, ptr %v18)
  ret void
}
declare <2 x float> @llvm.fma.v2f32(<2 x float>, <2 x float>, <2 x float>)
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
declare <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr>, i32, <4 x i1>, <4 x float>)
declare void @llvm.masked.store.v4f32.p0(<4 x float>, ptr, i32, <4 x i1>)
