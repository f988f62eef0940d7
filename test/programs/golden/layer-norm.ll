define internal void @k1(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v19, %b0 ]
  %v1 = mul i64 %v0, 8
  %v2 = getelementptr float, ptr %a0, i64 %v1
  %v3 = load <8 x float>, ptr %v2, align 4
  %v4 = fadd <8 x float> splat (float 0x0000000000000000), %v3
  %v5 = fpext <8 x float> %v4 to <8 x double>
  %v6 = fadd <8 x double> splat (double 0x0000000000000000), %v5
  %v7 = shufflevector <8 x double> %v6, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v8 = shufflevector <8 x double> %v6, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v9 = fadd <4 x double> %v7, %v8
  %v10 = shufflevector <4 x double> %v9, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v11 = shufflevector <4 x double> %v9, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v12 = fadd <2 x double> %v10, %v11
  %v13 = extractelement <2 x double> %v12, i32 0
  %v14 = extractelement <2 x double> %v12, i32 1
  %v15 = fadd double %v13, %v14
  %v16 = fptrunc double %v15 to float
  %v17 = fdiv float %v16, 0x4020000000000000
  %v18 = getelementptr float, ptr %o0, i64 %v0
  store float %v17, ptr %v18, align 4
  %v19 = add i64 %v0, 1
  %v20 = icmp ult i64 %v19, 4
  br i1 %v20, label %b0, label %b1
b1:
  ret void
}
define internal void @k2(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v25, %b0 ]
  %v1 = getelementptr float, ptr %a1, i64 %v0
  %v2 = load float, ptr %v1, align 4
  %v3 = mul i64 %v0, 8
  %v4 = getelementptr float, ptr %a0, i64 %v3
  %v5 = load <8 x float>, ptr %v4, align 4
  %v6 = insertelement <8 x float> poison, float %v2, i32 0
  %v7 = shufflevector <8 x float> %v6, <8 x float> poison, <8 x i32> zeroinitializer
  %v8 = fsub <8 x float> %v5, %v7
  %v9 = fmul <8 x float> %v8, %v8
  %v10 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v8, <8 x float> %v8, <8 x float> splat (float 0x0000000000000000))
  %v11 = fpext <8 x float> %v10 to <8 x double>
  %v12 = fadd <8 x double> splat (double 0x0000000000000000), %v11
  %v13 = shufflevector <8 x double> %v12, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v14 = shufflevector <8 x double> %v12, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v15 = fadd <4 x double> %v13, %v14
  %v16 = shufflevector <4 x double> %v15, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v17 = shufflevector <4 x double> %v15, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v18 = fadd <2 x double> %v16, %v17
  %v19 = extractelement <2 x double> %v18, i32 0
  %v20 = extractelement <2 x double> %v18, i32 1
  %v21 = fadd double %v19, %v20
  %v22 = fptrunc double %v21 to float
  %v23 = fdiv float %v22, 0x4020000000000000
  %v24 = getelementptr float, ptr %o0, i64 %v0
  store float %v23, ptr %v24, align 4
  %v25 = add i64 %v0, 1
  %v26 = icmp ult i64 %v25, 4
  br i1 %v26, label %b0, label %b1
b1:
  ret void
}
define internal void @k3(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load <4 x float>, ptr %a0, align 4
  %v1 = fadd <4 x float> %v0, splat (float 0x3EE4F8B580000000)
  %v2 = call <4 x float> @llvm.sqrt.v4f32(<4 x float> %v1)
  %v3 = fdiv <4 x float> splat (float 0x3FF0000000000000), %v2
  store <4 x float> %v3, ptr %o0, align 4
  ret void
}
define internal void @k4(ptr %a0, ptr %a1, ptr %a2, ptr %a3, ptr %a4, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v22, %b0 ]
  %v1 = phi <8 x double> [ splat (double 0x0000000000000000), %entry ], [ %v21, %b0 ]
  %v2 = getelementptr float, ptr %a4, i64 %v0
  %v3 = load float, ptr %v2, align 4
  %v4 = getelementptr float, ptr %a2, i64 %v0
  %v5 = load float, ptr %v4, align 4
  %v6 = mul i64 %v0, 8
  %v7 = getelementptr float, ptr %a3, i64 %v6
  %v8 = load <8 x float>, ptr %v7, align 4
  %v9 = insertelement <8 x float> poison, float %v3, i32 0
  %v10 = shufflevector <8 x float> %v9, <8 x float> poison, <8 x i32> zeroinitializer
  %v11 = fsub <8 x float> %v8, %v10
  %v12 = insertelement <8 x float> poison, float %v5, i32 0
  %v13 = shufflevector <8 x float> %v12, <8 x float> poison, <8 x i32> zeroinitializer
  %v14 = fmul <8 x float> %v11, %v13
  %v15 = load <8 x float>, ptr %a1, align 4
  %v16 = fmul <8 x float> %v14, %v15
  %v17 = load <8 x float>, ptr %a0, align 4
  %v18 = fadd <8 x float> %v16, %v17
  %v19 = fadd <8 x float> splat (float 0x0000000000000000), %v18
  %v20 = fpext <8 x float> %v19 to <8 x double>
  %v21 = fadd <8 x double> %v1, %v20
  %v22 = add i64 %v0, 1
  %v23 = icmp ult i64 %v22, 4
  br i1 %v23, label %b0, label %b1
b1:
  %v24 = shufflevector <8 x double> %v21, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v25 = shufflevector <8 x double> %v21, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v26 = fadd <4 x double> %v24, %v25
  %v27 = shufflevector <4 x double> %v26, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v28 = shufflevector <4 x double> %v26, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v29 = fadd <2 x double> %v27, %v28
  %v30 = extractelement <2 x double> %v29, i32 0
  %v31 = extractelement <2 x double> %v29, i32 1
  %v32 = fadd double %v30, %v31
  %v33 = fptrunc double %v32 to float
  store float %v33, ptr %o0, align 4
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %i2, ptr %o0) nounwind {
entry:
  
  %v0 = getelementptr i8, ptr %arena, i64 64
  %v1 = getelementptr i8, ptr %arena, i64 64
  call void @k1(ptr %i0, ptr %arena, ptr %scratch, i64 0, i64 1)
  call void @k2(ptr %i0, ptr %arena, ptr %v0, ptr %scratch, i64 0, i64 1)
  call void @k3(ptr %v0, ptr %v1, ptr %scratch, i64 0, i64 1)
  call void @k4(ptr %i2, ptr %i1, ptr %v1, ptr %i0, ptr %arena, ptr %o0, ptr %scratch, i64 0, i64 1)
  ret void
}
define void @adjoint_run(ptr %context) nounwind {
entry:
  %v0 = getelementptr i64, ptr %context, i64 3
  %v1 = load ptr, ptr %v0
  %v2 = getelementptr i8, ptr %v1, i64 128
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
  call void @plan0(ptr %context, ptr %v2, ptr %v4, ptr %v6, ptr %v8, ptr %v10, ptr %v12)
  ret void
}
declare <4 x float> @llvm.sqrt.v4f32(<4 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
