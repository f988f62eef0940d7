define internal i32 @max.i32(i32 %x0, i32 %x1) nounwind {
entry:
  %v0 = icmp sgt i32 %x0, %x1
  %v1 = select i1 %v0, i32 %x0, i32 %x1
  ret i32 %v1
}
define internal i32 @min.i32(i32 %x0, i32 %x1) nounwind {
entry:
  %v0 = icmp slt i32 %x0, %x1
  %v1 = select i1 %v0, i32 %x0, i32 %x1
  ret i32 %v1
}
define internal void @k1(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v20, %b0 ]
  %v1 = phi <4 x double> [ splat (double 0x0000000000000000), %entry ], [ %v19, %b0 ]
  %v2 = getelementptr i32, ptr %a1, i64 %v0
  %v3 = load i32, ptr %v2, align 4
  %v4 = add i32 %v3, 10
  %v5 = icmp slt i32 %v3, 0
  %v6 = select i1 %v5, i32 %v4, i32 %v3
  %v7 = call i32 @max.i32(i32 %v6, i32 0)
  %v8 = call i32 @min.i32(i32 %v7, i32 9)
  %v9 = mul i32 %v8, 4
  %v10 = insertelement <4 x i32> poison, i32 %v9, i32 0
  %v11 = shufflevector <4 x i32> %v10, <4 x i32> poison, <4 x i32> zeroinitializer
  %v12 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v13 = add <4 x i32> %v11, %v12
  %v14 = getelementptr float, ptr %a0, <4 x i32> %v13
  %v15 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v14, i32 4, <4 x i1> splat (i1 true), <4 x float> zeroinitializer)
  %v16 = fmul <4 x float> %v15, %v15
  %v17 = call <4 x float> @llvm.fma.v4f32(<4 x float> %v15, <4 x float> %v15, <4 x float> splat (float 0x0000000000000000))
  %v18 = fpext <4 x float> %v17 to <4 x double>
  %v19 = fadd <4 x double> %v1, %v18
  %v20 = add i64 %v0, 1
  %v21 = icmp ult i64 %v20, 3
  br i1 %v21, label %b0, label %b1
b1:
  %v22 = shufflevector <4 x double> %v19, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v23 = shufflevector <4 x double> %v19, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v24 = fadd <2 x double> %v22, %v23
  %v25 = extractelement <2 x double> %v24, i32 0
  %v26 = extractelement <2 x double> %v24, i32 1
  %v27 = fadd double %v25, %v26
  %v28 = fptrunc double %v27 to float
  store float %v28, ptr %o0, align 4
  ret void
}
define internal void @k2(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  br label %b0
b0:
  %v0 = phi i64 [ 0, %entry ], [ %v18, %b0 ]
  %v1 = getelementptr i32, ptr %a1, i64 %v0
  %v2 = load i32, ptr %v1, align 4
  %v3 = add i32 %v2, 10
  %v4 = icmp slt i32 %v2, 0
  %v5 = select i1 %v4, i32 %v3, i32 %v2
  %v6 = call i32 @max.i32(i32 %v5, i32 0)
  %v7 = call i32 @min.i32(i32 %v6, i32 9)
  %v8 = mul i32 %v7, 4
  %v9 = insertelement <4 x i32> poison, i32 %v8, i32 0
  %v10 = shufflevector <4 x i32> %v9, <4 x i32> poison, <4 x i32> zeroinitializer
  %v11 = add <4 x i32> splat (i32 0), <i32 0, i32 1, i32 2, i32 3>
  %v12 = add <4 x i32> %v10, %v11
  %v13 = getelementptr float, ptr %a0, <4 x i32> %v12
  %v14 = call <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr> %v13, i32 4, <4 x i1> splat (i1 true), <4 x float> zeroinitializer)
  %v15 = fadd <4 x float> %v14, %v14
  %v16 = mul i64 %v0, 4
  %v17 = getelementptr float, ptr %o0, i64 %v16
  store <4 x float> %v15, ptr %v17, align 4
  %v18 = add i64 %v0, 1
  %v19 = icmp ult i64 %v18, 3
  br i1 %v19, label %b0, label %b1
b1:
  ret void
}
define internal void @k3(ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  store <32 x float> splat (float 0x0000000000000000), ptr %o0, align 4
  %v0 = add <32 x i32> splat (i32 32), <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15, i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %v1 = icmp slt <32 x i32> %v0, splat (i32 40)
  %v2 = getelementptr float, ptr %o0, i64 32
  call void @llvm.masked.store.v32f32.p0(<32 x float> splat (float 0x0000000000000000), ptr %v2, i32 4, <32 x i1> %v1)
  ret void
}
define internal void @r4_add(ptr %x, ptr %places, ptr %updates, ptr %out, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = mul i64 %begin, 4096
  %v1 = mul i64 %end, 4096
  %v2 = icmp slt i64 %v1, 40
  %v3 = select i1 %v2, i64 %v1, i64 40
  %v4 = sub i64 %v3, %v0
  %v5 = udiv i64 %v4, 16
  %v6 = mul i64 %v5, 16
  %v7 = icmp slt i64 0, %v6
  br i1 %v7, label %b0, label %b1
b0:
  br label %b2
b2:
  %v8 = phi i64 [ 0, %b0 ], [ %v14, %b2 ]
  %v9 = add i64 %v0, %v8
  %v10 = mul i64 %v9, 4
  %v11 = getelementptr i8, ptr %x, i64 %v10
  %v12 = load <16 x float>, ptr %v11, align 4
  %v13 = getelementptr i8, ptr %out, i64 %v10
  store <16 x float> %v12, ptr %v13, align 4
  %v14 = add nsw i64 %v8, 16
  %v15 = icmp slt i64 %v14, %v6
  br i1 %v15, label %b2, label %b3
b3:
  br label %b1
b1:
  %v16 = sub i64 %v4, %v6
  %v17 = icmp sgt i64 %v16, 0
  br i1 %v17, label %b4, label %b5
b4:
  %v18 = trunc i64 %v16 to i32
  %v19 = insertelement <16 x i32> poison, i32 %v18, i32 0
  %v20 = shufflevector <16 x i32> %v19, <16 x i32> poison, <16 x i32> zeroinitializer
  %v21 = icmp slt <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v20
  %v22 = add i64 %v0, %v6
  %v23 = mul i64 %v22, 4
  %v24 = getelementptr i8, ptr %x, i64 %v23
  %v25 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v24, i32 4, <16 x i1> %v21, <16 x float> zeroinitializer)
  %v26 = getelementptr i8, ptr %out, i64 %v23
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v25, ptr %v26, i32 4, <16 x i1> %v21)
  br label %b5
b5:
  br label %b6
b6:
  %v27 = phi i64 [ 0, %b5 ], [ %v49, %b6 ]
  %v28 = mul i64 %v27, 4
  %v29 = getelementptr i8, ptr %places, i64 %v28
  %v30 = load i32, ptr %v29, align 4
  %v31 = sext i32 %v30 to i64
  %v32 = icmp slt i64 %v31, 0
  %v33 = add i64 %v31, 10
  %v34 = select i1 %v32, i64 %v33, i64 %v31
  %v35 = icmp sgt i64 %v34, 0
  %v36 = select i1 %v35, i64 %v34, i64 0
  %v37 = icmp slt i64 %v36, 9
  %v38 = select i1 %v37, i64 %v36, i64 9
  %v39 = mul i64 %v38, 16
  %v40 = getelementptr i8, ptr %out, i64 %v39
  %v41 = mul i64 %v27, 16
  %v42 = getelementptr i8, ptr %updates, i64 %v41
  %v43 = insertelement <16 x i32> poison, i32 4, i32 0
  %v44 = shufflevector <16 x i32> %v43, <16 x i32> poison, <16 x i32> zeroinitializer
  %v45 = icmp slt <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v44
  %v46 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v40, i32 4, <16 x i1> %v45, <16 x float> zeroinitializer)
  %v47 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v42, i32 4, <16 x i1> %v45, <16 x float> zeroinitializer)
  %v48 = fadd <16 x float> %v46, %v47
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v48, ptr %v40, i32 4, <16 x i1> %v45)
  %v49 = add nsw i64 %v27, 1
  %v50 = icmp slt i64 %v49, 3
  br i1 %v50, label %b6, label %b7
b7:
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %o0, ptr %o1) nounwind {
entry:
  
  %v0 = getelementptr i8, ptr %arena, i64 64
  call void @k1(ptr %i0, ptr %i1, ptr %o0, ptr %scratch, i64 0, i64 1)
  call void @k2(ptr %i0, ptr %i1, ptr %arena, ptr %scratch, i64 0, i64 1)
  call void @k3(ptr %v0, ptr %scratch, i64 0, i64 1)
  call void @r4_add(ptr %v0, ptr %i1, ptr %arena, ptr %o1, ptr %scratch, i64 0, i64 1)
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
  call void @plan0(ptr %context, ptr %v2, ptr %v4, ptr %v6, ptr %v8, ptr %v10, ptr %v12)
  ret void
}
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
declare <4 x float> @llvm.masked.gather.v4f32.v4p0(<4 x ptr>, i32, <4 x i1>, <4 x float>)
declare void @llvm.masked.store.v16f32.p0(<16 x float>, ptr, i32, <16 x i1>)
declare void @llvm.masked.store.v32f32.p0(<32 x float>, ptr, i32, <32 x i1>)
