define internal void @k1(ptr %a0, ptr %a1, ptr %a2, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load float, ptr %a0, align 4
  %v1 = getelementptr float, ptr %a1, i64 1
  %v2 = load <2 x float>, ptr %v1, align 4
  %v3 = load <2 x float>, ptr %a2, align 4
  %v4 = fmul <2 x float> %v2, %v3
  %v5 = insertelement <2 x float> poison, float %v0, i32 0
  %v6 = shufflevector <2 x float> %v5, <2 x float> poison, <2 x i32> zeroinitializer
  %v7 = fadd <2 x float> %v4, %v6
  %v8 = fadd <2 x float> splat (float 0x0000000000000000), %v7
  %v9 = fpext <2 x float> %v8 to <2 x double>
  %v10 = fadd <2 x double> splat (double 0x0000000000000000), %v9
  %v11 = getelementptr float, ptr %a0, i64 1
  %v12 = load float, ptr %v11, align 4
  %v13 = getelementptr float, ptr %a1, i64 5
  %v14 = load <2 x float>, ptr %v13, align 4
  %v15 = load <2 x float>, ptr %a2, align 4
  %v16 = fmul <2 x float> %v14, %v15
  %v17 = insertelement <2 x float> poison, float %v12, i32 0
  %v18 = shufflevector <2 x float> %v17, <2 x float> poison, <2 x i32> zeroinitializer
  %v19 = fadd <2 x float> %v16, %v18
  %v20 = fadd <2 x float> splat (float 0x0000000000000000), %v19
  %v21 = fpext <2 x float> %v20 to <2 x double>
  %v22 = fadd <2 x double> %v10, %v21
  %v23 = extractelement <2 x double> %v22, i32 0
  %v24 = extractelement <2 x double> %v22, i32 1
  %v25 = fadd double %v23, %v24
  %v26 = fptrunc double %v25 to float
  store float %v26, ptr %o0, align 4
  ret void
}
define internal void @k2(ptr %a0, ptr %o0, ptr %o1, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = getelementptr float, ptr %a0, i64 1
  %v1 = load <2 x float>, ptr %v0, align 4
  %v2 = fadd <2 x float> splat (float 0x0000000000000000), splat (float 0x3FF0000000000000)
  %v3 = fadd <2 x float> splat (float 0x0000000000000000), %v1
  %v4 = getelementptr float, ptr %a0, i64 5
  %v5 = load <2 x float>, ptr %v4, align 4
  %v6 = fadd <2 x float> %v2, splat (float 0x3FF0000000000000)
  %v7 = fadd <2 x float> %v3, %v5
  %v8 = fpext <2 x float> %v6 to <2 x double>
  %v9 = fadd <2 x double> splat (double 0x0000000000000000), %v8
  %v10 = fpext <2 x float> %v7 to <2 x double>
  %v11 = fadd <2 x double> splat (double 0x0000000000000000), %v10
  %v12 = fptrunc <2 x double> %v9 to <2 x float>
  %v13 = fptrunc <2 x double> %v11 to <2 x float>
  store <2 x float> %v12, ptr %o0, align 4
  store <2 x float> %v13, ptr %o1, align 4
  ret void
}
define internal void @k3(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load <2 x float>, ptr %a0, align 4
  store <2 x float> %v0, ptr %o0, align 4
  ret void
}
define internal i32 @min.i32(i32 %x0, i32 %x1) nounwind {
entry:
  %v0 = icmp slt i32 %x0, %x1
  %v1 = select i1 %v0, i32 %x0, i32 %x1
  ret i32 %v1
}
define internal void @k4w0(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = call i32 @min.i32(i32 0, i32 1)
  %v1 = sext i32 %v0 to i64
  %v2 = getelementptr float, ptr %a0, i64 %v1
  %v3 = load float, ptr %v2, align 4
  %v4 = and i1 false, true
  %v5 = select i1 %v4, float %v3, float 0x0000000000000000
  %v6 = insertelement <2 x float> poison, float %v5, i32 0
  %v7 = shufflevector <2 x float> %v6, <2 x float> poison, <2 x i32> zeroinitializer
  %v8 = getelementptr float, ptr %o0, <2 x i32> <i32 0, i32 4>
  call void @llvm.masked.scatter.v2f32.v2p0(<2 x float> %v7, <2 x ptr> %v8, i32 4, <2 x i1> splat (i1 true))
  ret void
}
define internal void @k4w1(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = and i1 true, true
  br label %b0
b0:
  %v1 = phi i64 [ 0, %entry ], [ %v14, %b0 ]
  %v2 = add <2 x i32> splat (i32 1), <i32 0, i32 1>
  %v3 = sub <2 x i32> %v2, splat (i32 1)
  %v4 = icmp slt <2 x i32> %v3, splat (i32 1)
  %v5 = select <2 x i1> %v4, <2 x i32> %v3, <2 x i32> splat (i32 1)
  %v6 = getelementptr float, ptr %a0, <2 x i32> %v5
  %v7 = call <2 x float> @llvm.masked.gather.v2f32.v2p0(<2 x ptr> %v6, i32 4, <2 x i1> splat (i1 true), <2 x float> zeroinitializer)
  %v8 = insertelement <2 x i1> poison, i1 %v0, i32 0
  %v9 = shufflevector <2 x i1> %v8, <2 x i1> poison, <2 x i32> zeroinitializer
  %v10 = select <2 x i1> %v9, <2 x float> %v7, <2 x float> splat (float 0x0000000000000000)
  %v11 = mul i64 %v1, 4
  %v12 = add i64 %v11, 1
  %v13 = getelementptr float, ptr %o0, i64 %v12
  store <2 x float> %v10, ptr %v13, align 4
  %v14 = add i64 %v1, 1
  %v15 = icmp ult i64 %v14, 2
  br i1 %v15, label %b0, label %b1
b1:
  ret void
}
define internal void @k4w2(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = and i1 true, false
  %v1 = sub i32 3, 1
  %v2 = call i32 @min.i32(i32 %v1, i32 1)
  %v3 = sext i32 %v2 to i64
  %v4 = getelementptr float, ptr %a0, i64 %v3
  %v5 = load float, ptr %v4, align 4
  %v6 = select i1 %v0, float %v5, float 0x0000000000000000
  %v7 = insertelement <2 x float> poison, float %v6, i32 0
  %v8 = shufflevector <2 x float> %v7, <2 x float> poison, <2 x i32> zeroinitializer
  %v9 = getelementptr float, ptr %o0, i64 3
  %v10 = getelementptr float, ptr %v9, <2 x i32> <i32 0, i32 4>
  call void @llvm.masked.scatter.v2f32.v2p0(<2 x float> %v8, <2 x ptr> %v10, i32 4, <2 x i1> splat (i1 true))
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %i2, ptr %o0, ptr %o1, ptr %o2, ptr %o3) nounwind {
entry:
  
  call void @k1(ptr %i2, ptr %i0, ptr %i1, ptr %o0, ptr %scratch, i64 0, i64 1)
  call void @k2(ptr %i0, ptr %arena, ptr %o2, ptr %scratch, i64 0, i64 1)
  call void @k3(ptr %arena, ptr %o3, ptr %scratch, i64 0, i64 1)
  call void @k4w0(ptr %i1, ptr %o1, ptr %scratch, i64 0, i64 1)
  call void @k4w1(ptr %i1, ptr %o1, ptr %scratch, i64 0, i64 1)
  call void @k4w2(ptr %i1, ptr %o1, ptr %scratch, i64 0, i64 1)
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
declare <2 x float> @llvm.masked.gather.v2f32.v2p0(<2 x ptr>, i32, <2 x i1>, <2 x float>)
declare void @llvm.masked.scatter.v2f32.v2p0(<2 x float>, <2 x ptr>, i32, <2 x i1>)
