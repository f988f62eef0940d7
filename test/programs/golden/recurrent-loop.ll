define internal void @k2(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v1 = icmp slt <4 x i32> %v0, splat (i32 3)
  %v2 = load double, ptr %a0, align 8
  %v3 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %a1, i32 8, <4 x i1> %v1, <4 x double> zeroinitializer)
  %v4 = insertelement <4 x double> poison, double %v2, i32 0
  %v5 = shufflevector <4 x double> %v4, <4 x double> poison, <4 x i32> zeroinitializer
  %v6 = fmul <4 x double> %v5, %v3
  %v7 = fadd <4 x double> splat (double 0x0000000000000000), %v6
  %v8 = getelementptr double, ptr %a0, i64 1
  %v9 = load double, ptr %v8, align 8
  %v10 = getelementptr double, ptr %a1, i64 3
  %v11 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v10, i32 8, <4 x i1> %v1, <4 x double> zeroinitializer)
  %v12 = insertelement <4 x double> poison, double %v9, i32 0
  %v13 = shufflevector <4 x double> %v12, <4 x double> poison, <4 x i32> zeroinitializer
  %v14 = fmul <4 x double> %v13, %v11
  %v15 = fadd <4 x double> %v7, %v14
  %v16 = getelementptr double, ptr %a0, i64 2
  %v17 = load double, ptr %v16, align 8
  %v18 = getelementptr double, ptr %a1, i64 6
  %v19 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v18, i32 8, <4 x i1> %v1, <4 x double> zeroinitializer)
  %v20 = insertelement <4 x double> poison, double %v17, i32 0
  %v21 = shufflevector <4 x double> %v20, <4 x double> poison, <4 x i32> zeroinitializer
  %v22 = fmul <4 x double> %v21, %v19
  %v23 = fadd <4 x double> %v15, %v22
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v23, ptr %o0, i32 8, <4 x i1> %v1)
  ret void
}
define internal void @k3(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v1 = icmp slt <4 x i32> %v0, splat (i32 3)
  %v2 = load double, ptr %a0, align 8
  %v3 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %a1, i32 8, <4 x i1> %v1, <4 x double> zeroinitializer)
  %v4 = insertelement <4 x double> poison, double %v2, i32 0
  %v5 = shufflevector <4 x double> %v4, <4 x double> poison, <4 x i32> zeroinitializer
  %v6 = fmul <4 x double> %v5, %v3
  %v7 = fadd <4 x double> splat (double 0x0000000000000000), %v6
  %v8 = getelementptr double, ptr %a0, i64 1
  %v9 = load double, ptr %v8, align 8
  %v10 = getelementptr double, ptr %a1, i64 3
  %v11 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v10, i32 8, <4 x i1> %v1, <4 x double> zeroinitializer)
  %v12 = insertelement <4 x double> poison, double %v9, i32 0
  %v13 = shufflevector <4 x double> %v12, <4 x double> poison, <4 x i32> zeroinitializer
  %v14 = fmul <4 x double> %v13, %v11
  %v15 = fadd <4 x double> %v7, %v14
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v15, ptr %o0, i32 8, <4 x i1> %v1)
  ret void
}
define internal void @k4(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v1 = icmp slt <4 x i32> %v0, splat (i32 3)
  %v2 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %a0, i32 8, <4 x i1> %v1, <4 x double> zeroinitializer)
  %v3 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %a1, i32 8, <4 x i1> %v1, <4 x double> zeroinitializer)
  %v4 = fadd <4 x double> %v2, %v3
  %v5 = call <4 x double> @llvm.fabs.v4f64(<4 x double> %v4)
  %v6 = fcmp ogt <4 x double> %v5, splat (double 0x4034000000000000)
  %v7 = select <4 x i1> %v6, <4 x double> splat (double 0x4034000000000000), <4 x double> %v5
  %v8 = fadd <4 x double> %v7, %v7
  %v9 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v8, <4 x double> splat (double 0x3FF71547652B82FE), <4 x double> splat (double 0x43380000000003FF))
  %v10 = fsub <4 x double> %v9, splat (double 0x43380000000003FF)
  %v11 = bitcast <4 x double> %v9 to <4 x i64>
  %v12 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v10, <4 x double> splat (double 0xBFE62E42FEFA3000), <4 x double> %v8)
  %v13 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v10, <4 x double> splat (double 0xBD53DE6AF278ECE6), <4 x double> %v12)
  %v14 = shl <4 x i64> %v11, splat (i64 52)
  %v15 = bitcast <4 x i64> %v14 to <4 x double>
  %v16 = fmul <4 x double> %v13, %v13
  %v17 = fmul <4 x double> %v13, %v13
  %v18 = call <4 x double> @llvm.fma.v4f64(<4 x double> splat (double 0x3E5B41E681A232AE), <4 x double> %v17, <4 x double> splat (double 0x3EC71DA7386D5E7F))
  %v19 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v18, <4 x double> %v17, <4 x double> splat (double 0x3F2A01A0388608D1))
  %v20 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v19, <4 x double> %v17, <4 x double> splat (double 0x3F811111110A9AF9))
  %v21 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v20, <4 x double> %v17, <4 x double> splat (double 0x3FC555555555572B))
  %v22 = call <4 x double> @llvm.fma.v4f64(<4 x double> splat (double 0x3E928A0027638A92), <4 x double> %v17, <4 x double> splat (double 0x3EFA019A71CFD663))
  %v23 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v22, <4 x double> %v17, <4 x double> splat (double 0x3F56C16C1804CDBB))
  %v24 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v23, <4 x double> %v17, <4 x double> splat (double 0x3FA555555555129D))
  %v25 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v24, <4 x double> %v17, <4 x double> splat (double 0x3FE000000000000A))
  %v26 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v21, <4 x double> %v13, <4 x double> %v25)
  %v27 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v16, <4 x double> %v26, <4 x double> %v13)
  %v28 = fsub <4 x double> %v15, splat (double 0x3FF0000000000000)
  %v29 = call <4 x double> @llvm.fma.v4f64(<4 x double> %v15, <4 x double> %v27, <4 x double> %v28)
  %v30 = fadd <4 x double> %v29, splat (double 0x4000000000000000)
  %v31 = fdiv <4 x double> %v29, %v30
  %v32 = call <4 x double> @llvm.copysign.v4f64(<4 x double> %v31, <4 x double> %v4)
  call void @llvm.masked.store.v4f64.p0(<4 x double> %v32, ptr %o0, i32 8, <4 x i1> %v1)
  ret void
}
define internal void @plan1(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %i2, ptr %i3, ptr %o0, ptr %o1) nounwind {
entry:
  
  %v0 = getelementptr i8, ptr %arena, i64 64
  call void @k2(ptr %i2, ptr %i0, ptr %arena, ptr %scratch, i64 0, i64 1)
  call void @k3(ptr %i3, ptr %i1, ptr %v0, ptr %scratch, i64 0, i64 1)
  call void @k4(ptr %arena, ptr %v0, ptr %o0, ptr %scratch, i64 0, i64 1)
  call void @llvm.memcpy.p0.p0.i64(ptr %o1, ptr %o0, i64 24, i1 false)
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %i2, ptr %i3, ptr %o0, ptr %o1) nounwind {
entry:
  
  %v0 = getelementptr i8, ptr %arena, i64 64
  %v1 = getelementptr i8, ptr %arena, i64 128
  br label %b0
b0:
  %v2 = phi i64 [ 0, %entry ], [ %v12, %b1 ]
  %v3 = phi ptr [ %i0, %entry ], [ %v7, %b1 ]
  %v4 = trunc i64 %v2 to i1
  %v5 = icmp eq i64 %v2, 3
  %v6 = select i1 %v4, ptr %v0, ptr %arena
  %v7 = select i1 %v5, ptr %o0, ptr %v6
  %v8 = mul i64 %v2, 16
  %v9 = getelementptr i8, ptr %i1, i64 %v8
  %v10 = mul i64 %v2, 24
  %v11 = getelementptr i8, ptr %o1, i64 %v10
  call void @plan1(ptr %context, ptr %scratch, ptr %v1, ptr %i2, ptr %i3, ptr %v3, ptr %v9, ptr %v7, ptr %v11)
  br label %b1
b1:
  %v12 = add i64 %v2, 1
  %v13 = icmp ult i64 %v12, 4
  br i1 %v13, label %b0, label %b2
b2:
  ret void
}
define void @adjoint_run(ptr %context) nounwind {
entry:
  %v0 = getelementptr i64, ptr %context, i64 3
  %v1 = load ptr, ptr %v0
  %v2 = getelementptr i8, ptr %v1, i64 256
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
  call void @plan0(ptr %context, ptr %v2, ptr %v4, ptr %v6, ptr %v8, ptr %v10, ptr %v12, ptr %v14, ptr %v16)
  ret void
}
declare <4 x double> @llvm.copysign.v4f64(<4 x double>, <4 x double>)
declare <4 x double> @llvm.fabs.v4f64(<4 x double>)
declare <4 x double> @llvm.fma.v4f64(<4 x double>, <4 x double>, <4 x double>)
declare <4 x double> @llvm.masked.load.v4f64.p0(ptr, i32, <4 x i1>, <4 x double>)
declare void @llvm.masked.store.v4f64.p0(<4 x double>, ptr, i32, <4 x i1>)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
