define internal void @k1(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load double, ptr %a0, align 8
  %v1 = fcmp olt double 0x0000000000000000, %v0
  %v2 = zext i1 %v1 to i32
  store i32 %v2, ptr %o0, align 4
  ret void
}
define internal void @k3(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <8 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v1 = icmp slt <8 x i32> %v0, splat (i32 6)
  %v2 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %a0, i32 8, <8 x i1> %v1, <8 x double> zeroinitializer)
  %v3 = fmul <8 x double> %v2, %v2
  %v4 = fadd <8 x double> %v3, %v2
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v4, ptr %o0, i32 8, <8 x i1> %v1)
  ret void
}
define internal <8 x double> @each.sin.v8f64(<8 x double> %x0) nounwind {
entry:
  %v0 = alloca <8 x double>
  store <8 x double> %x0, ptr %v0
  br label %head
head:
  %v1 = phi i64 [ 0, %entry ], [ %v5, %head ]
  %v2 = getelementptr double, ptr %v0, i64 %v1
  %v3 = load double, ptr %v2
  %v4 = call double @sin(double %v3)
  store double %v4, ptr %v2
  %v5 = add i64 %v1, 1
  %v6 = icmp ult i64 %v5, 8
  br i1 %v6, label %head, label %exit
exit:
  %v7 = load <8 x double>, ptr %v0
  ret <8 x double> %v7
}
define internal <8 x double> @rare.sin.v8f64(<8 x double> %x0) noinline cold nounwind readnone willreturn {
entry:
  %v0 = call <8 x double> @each.sin.v8f64(<8 x double> %x0)
  ret <8 x double> %v0
}
define internal void @k5(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = add <8 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v1 = icmp slt <8 x i32> %v0, splat (i32 6)
  %v2 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %a1, i32 8, <8 x i1> %v1, <8 x double> zeroinitializer)
  %v3 = call <8 x double> @llvm.fabs.v8f64(<8 x double> %v2)
  %v4 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v3, <8 x double> splat (double 0x3FE45F306DC9C883), <8 x double> splat (double 0x4338000000000000))
  %v5 = fsub <8 x double> %v4, splat (double 0x4338000000000000)
  %v6 = bitcast <8 x double> %v4 to <8 x i64>
  %v7 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v5, <8 x double> splat (double 0xBFF921FB54442D18), <8 x double> %v3)
  %v8 = fmul <8 x double> %v5, splat (double 0x3C91A62633145C06)
  %v9 = fneg <8 x double> %v8
  %v10 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v5, <8 x double> splat (double 0x3C91A62633145C06), <8 x double> %v9)
  %v11 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v5, <8 x double> splat (double 0x394C1CD129024E09), <8 x double> %v10)
  %v12 = fsub <8 x double> %v7, %v8
  %v13 = fsub <8 x double> %v7, %v12
  %v14 = fsub <8 x double> %v13, %v8
  %v15 = fsub <8 x double> %v14, %v11
  %v16 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v15, <8 x double> splat (double 0x4000000000000000), <8 x double> %v12)
  %v17 = fmul <8 x double> %v12, %v16
  %v18 = fmul <8 x double> %v17, %v12
  %v19 = call <8 x double> @llvm.fma.v8f64(<8 x double> splat (double 0x3DE5D73CD293A816), <8 x double> %v17, <8 x double> splat (double 0xBE5AE5DFBC1A8156))
  %v20 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v19, <8 x double> %v17, <8 x double> splat (double 0x3EC71DE34F1981CA))
  %v21 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v20, <8 x double> %v17, <8 x double> splat (double 0xBF2A01A019B79C0A))
  %v22 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v21, <8 x double> %v17, <8 x double> splat (double 0x3F8111111110F3DB))
  %v23 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v22, <8 x double> %v17, <8 x double> splat (double 0xBFC5555555555546))
  %v24 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v18, <8 x double> %v23, <8 x double> %v15)
  %v25 = fadd <8 x double> %v24, %v12
  %v26 = call <8 x double> @llvm.fma.v8f64(<8 x double> splat (double 0xBDA8F7E01631F978), <8 x double> %v17, <8 x double> splat (double 0x3E21EE98D7B9D612))
  %v27 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v26, <8 x double> %v17, <8 x double> splat (double 0xBE927E4F77E2B964))
  %v28 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v27, <8 x double> %v17, <8 x double> splat (double 0x3EFA01A019BEF039))
  %v29 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v28, <8 x double> %v17, <8 x double> splat (double 0xBF56C16C16C149A5))
  %v30 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v29, <8 x double> %v17, <8 x double> splat (double 0x3FA5555555555548))
  %v31 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v30, <8 x double> %v17, <8 x double> splat (double 0xBFE0000000000000))
  %v32 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v31, <8 x double> %v17, <8 x double> splat (double 0x3FF0000000000000))
  %v33 = fcmp oge <8 x double> %v3, splat (double 0x41D0000000000000)
  %v34 = and <8 x i64> %v6, splat (i64 1)
  %v35 = icmp ne <8 x i64> %v34, splat (i64 0)
  %v36 = select <8 x i1> %v35, <8 x double> %v32, <8 x double> %v25
  %v37 = shl <8 x i64> %v6, splat (i64 62)
  %v38 = bitcast <8 x double> %v2 to <8 x i64>
  %v39 = xor <8 x i64> %v37, %v38
  %v40 = bitcast <8 x double> %v36 to <8 x i64>
  %v41 = and <8 x i64> %v39, splat (i64 -9223372036854775808)
  %v42 = xor <8 x i64> %v40, %v41
  %v43 = bitcast <8 x i64> %v42 to <8 x double>
  %v44 = call i1 @llvm.vector.reduce.or.v8i1(<8 x i1> %v33)
  %v45 = call i1 @llvm.expect.i1(i1 %v44, i1 false)
  br i1 %v45, label %b0, label %b1
b0:
  %v46 = call <8 x double> @rare.sin.v8f64(<8 x double> %v2)
  %v47 = select <8 x i1> %v33, <8 x double> %v46, <8 x double> %v43
  br label %b1
b1:
  %v48 = phi <8 x double> [%v43, %entry], [%v47, %b0]
  %v49 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %a0, i32 8, <8 x i1> %v1, <8 x double> zeroinitializer)
  %v50 = fmul <8 x double> %v48, %v49
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v50, ptr %o0, i32 8, <8 x i1> %v1)
  ret void
}
define internal void @plan2(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %o0, ptr %o1) nounwind {
entry:
  
  call void @k3(ptr %i1, ptr %o0, ptr %scratch, i64 0, i64 1)
  call void @llvm.memcpy.p0.p0.i64(ptr %o1, ptr %o0, i64 48, i1 false)
  ret void
}
define internal void @plan4(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %o0, ptr %o1) nounwind {
entry:
  
  call void @k5(ptr %i0, ptr %i1, ptr %o0, ptr %scratch, i64 0, i64 1)
  call void @llvm.memcpy.p0.p0.i64(ptr %o1, ptr %i1, i64 48, i1 false)
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %i2, ptr %o0, ptr %o1) nounwind {
entry:
  
  call void @k1(ptr %i0, ptr %arena, ptr %scratch, i64 0, i64 1)
  %v0 = load i32, ptr %arena
  %v1 = sext i32 %v0 to i64
  %v2 = icmp sgt i64 %v1, 0
  %v3 = select i1 %v2, i64 %v1, i64 0
  switch i64 %v3, label %b1 [ i64 0, label %b0 ]
b0:
  %v4 = getelementptr i8, ptr %arena, i64 64
  call void @plan2(ptr %context, ptr %scratch, ptr %v4, ptr %i2, ptr %i1, ptr %o0, ptr %o1)
  br label %b2
b1:
  %v5 = getelementptr i8, ptr %arena, i64 64
  call void @plan4(ptr %context, ptr %scratch, ptr %v5, ptr %i2, ptr %i1, ptr %o0, ptr %o1)
  br label %b2
b2:
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
declare <8 x double> @llvm.fabs.v8f64(<8 x double>)
declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)
declare <8 x double> @llvm.masked.load.v8f64.p0(ptr, i32, <8 x i1>, <8 x double>)
declare double @sin(double)
declare i1 @llvm.expect.i1(i1, i1)
declare i1 @llvm.vector.reduce.or.v8i1(<8 x i1>)
declare void @llvm.masked.store.v8f64.p0(<8 x double>, ptr, i32, <8 x i1>)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
