define internal float @max.float(float %x0, float %x1) nounwind {
entry:
  %v0 = fcmp ogt float %x0, %x1
  %v1 = select i1 %v0, float %x0, float %x1
  %v2 = fcmp ogt float %x1, %x0
  %v3 = select i1 %v2, float %x1, float %x0
  %v4 = bitcast float %v1 to i32
  %v5 = bitcast float %v3 to i32
  %v6 = and i32 %v4, %v5
  %v7 = bitcast i32 %v6 to float
  %v8 = fcmp uno float %x0, %x0
  %v9 = fcmp uno float %x1, %x1
  %v10 = or i1 %v8, %v9
  %v11 = select i1 %v10, float 0x7FF8000000000000, float %v7
  ret float %v11
}
define internal void @k1(ptr %a0, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = sub i64 3, 0
  %v1 = and i64 %v0, -2
  %v2 = add i64 0, %v1
  %v3 = icmp ult i64 0, %v2
  br i1 %v3, label %b0, label %b1
b0:
  %v4 = phi i64 [ 0, %entry ], [ %v73, %b0 ]
  %v5 = mul i64 %v4, 4
  %v6 = getelementptr float, ptr %a0, i64 %v5
  %v7 = getelementptr float, ptr %v6, <2 x i32> <i32 0, i32 4>
  %v8 = call <2 x float> @llvm.masked.gather.v2f32.v2p0(<2 x ptr> %v7, i32 4, <2 x i1> splat (i1 true), <2 x float> zeroinitializer)
  %v9 = fcmp ogt <2 x float> splat (float 0xFFF0000000000000), %v8
  %v10 = select <2 x i1> %v9, <2 x float> splat (float 0xFFF0000000000000), <2 x float> %v8
  %v11 = fcmp ogt <2 x float> %v8, splat (float 0xFFF0000000000000)
  %v12 = select <2 x i1> %v11, <2 x float> %v8, <2 x float> splat (float 0xFFF0000000000000)
  %v13 = bitcast <2 x float> %v10 to <2 x i32>
  %v14 = bitcast <2 x float> %v12 to <2 x i32>
  %v15 = and <2 x i32> %v13, %v14
  %v16 = bitcast <2 x i32> %v15 to <2 x float>
  %v17 = fcmp uno <2 x float> splat (float 0xFFF0000000000000), splat (float 0xFFF0000000000000)
  %v18 = fcmp uno <2 x float> %v8, %v8
  %v19 = or <2 x i1> %v17, %v18
  %v20 = select <2 x i1> %v19, <2 x float> splat (float 0x7FF8000000000000), <2 x float> %v16
  %v21 = mul i64 %v4, 4
  %v22 = add i64 %v21, 1
  %v23 = getelementptr float, ptr %a0, i64 %v22
  %v24 = getelementptr float, ptr %v23, <2 x i32> <i32 0, i32 4>
  %v25 = call <2 x float> @llvm.masked.gather.v2f32.v2p0(<2 x ptr> %v24, i32 4, <2 x i1> splat (i1 true), <2 x float> zeroinitializer)
  %v26 = fcmp ogt <2 x float> %v20, %v25
  %v27 = select <2 x i1> %v26, <2 x float> %v20, <2 x float> %v25
  %v28 = fcmp ogt <2 x float> %v25, %v20
  %v29 = select <2 x i1> %v28, <2 x float> %v25, <2 x float> %v20
  %v30 = bitcast <2 x float> %v27 to <2 x i32>
  %v31 = bitcast <2 x float> %v29 to <2 x i32>
  %v32 = and <2 x i32> %v30, %v31
  %v33 = bitcast <2 x i32> %v32 to <2 x float>
  %v34 = fcmp uno <2 x float> %v20, %v20
  %v35 = fcmp uno <2 x float> %v25, %v25
  %v36 = or <2 x i1> %v34, %v35
  %v37 = select <2 x i1> %v36, <2 x float> splat (float 0x7FF8000000000000), <2 x float> %v33
  %v38 = mul i64 %v4, 4
  %v39 = add i64 %v38, 2
  %v40 = getelementptr float, ptr %a0, i64 %v39
  %v41 = getelementptr float, ptr %v40, <2 x i32> <i32 0, i32 4>
  %v42 = call <2 x float> @llvm.masked.gather.v2f32.v2p0(<2 x ptr> %v41, i32 4, <2 x i1> splat (i1 true), <2 x float> zeroinitializer)
  %v43 = fcmp ogt <2 x float> %v37, %v42
  %v44 = select <2 x i1> %v43, <2 x float> %v37, <2 x float> %v42
  %v45 = fcmp ogt <2 x float> %v42, %v37
  %v46 = select <2 x i1> %v45, <2 x float> %v42, <2 x float> %v37
  %v47 = bitcast <2 x float> %v44 to <2 x i32>
  %v48 = bitcast <2 x float> %v46 to <2 x i32>
  %v49 = and <2 x i32> %v47, %v48
  %v50 = bitcast <2 x i32> %v49 to <2 x float>
  %v51 = fcmp uno <2 x float> %v37, %v37
  %v52 = fcmp uno <2 x float> %v42, %v42
  %v53 = or <2 x i1> %v51, %v52
  %v54 = select <2 x i1> %v53, <2 x float> splat (float 0x7FF8000000000000), <2 x float> %v50
  %v55 = mul i64 %v4, 4
  %v56 = add i64 %v55, 3
  %v57 = getelementptr float, ptr %a0, i64 %v56
  %v58 = getelementptr float, ptr %v57, <2 x i32> <i32 0, i32 4>
  %v59 = call <2 x float> @llvm.masked.gather.v2f32.v2p0(<2 x ptr> %v58, i32 4, <2 x i1> splat (i1 true), <2 x float> zeroinitializer)
  %v60 = fcmp ogt <2 x float> %v54, %v59
  %v61 = select <2 x i1> %v60, <2 x float> %v54, <2 x float> %v59
  %v62 = fcmp ogt <2 x float> %v59, %v54
  %v63 = select <2 x i1> %v62, <2 x float> %v59, <2 x float> %v54
  %v64 = bitcast <2 x float> %v61 to <2 x i32>
  %v65 = bitcast <2 x float> %v63 to <2 x i32>
  %v66 = and <2 x i32> %v64, %v65
  %v67 = bitcast <2 x i32> %v66 to <2 x float>
  %v68 = fcmp uno <2 x float> %v54, %v54
  %v69 = fcmp uno <2 x float> %v59, %v59
  %v70 = or <2 x i1> %v68, %v69
  %v71 = select <2 x i1> %v70, <2 x float> splat (float 0x7FF8000000000000), <2 x float> %v67
  %v72 = getelementptr float, ptr %o0, i64 %v4
  store <2 x float> %v71, ptr %v72, align 4
  %v73 = add i64 %v4, 2
  %v74 = icmp ult i64 %v73, %v2
  br i1 %v74, label %b0, label %b1
b1:
  %v75 = icmp ult i64 %v2, 3
  br i1 %v75, label %b2, label %b3
b2:
  %v76 = phi i64 [ %v2, %b1 ], [ %v97, %b2 ]
  %v77 = mul i64 %v76, 4
  %v78 = getelementptr float, ptr %a0, i64 %v77
  %v79 = load float, ptr %v78, align 4
  %v80 = call float @max.float(float 0xFFF0000000000000, float %v79)
  %v81 = mul i64 %v76, 4
  %v82 = add i64 %v81, 1
  %v83 = getelementptr float, ptr %a0, i64 %v82
  %v84 = load float, ptr %v83, align 4
  %v85 = call float @max.float(float %v80, float %v84)
  %v86 = mul i64 %v76, 4
  %v87 = add i64 %v86, 2
  %v88 = getelementptr float, ptr %a0, i64 %v87
  %v89 = load float, ptr %v88, align 4
  %v90 = call float @max.float(float %v85, float %v89)
  %v91 = mul i64 %v76, 4
  %v92 = add i64 %v91, 3
  %v93 = getelementptr float, ptr %a0, i64 %v92
  %v94 = load float, ptr %v93, align 4
  %v95 = call float @max.float(float %v90, float %v94)
  %v96 = getelementptr float, ptr %o0, i64 %v76
  store float %v95, ptr %v96, align 4
  %v97 = add i64 %v76, 1
  %v98 = icmp ult i64 %v97, 3
  br i1 %v98, label %b2, label %b3
b3:
  ret void
}
define internal void @k2(ptr %a0, ptr %a1, ptr %o0, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = sub i64 3, 0
  %v1 = and i64 %v0, -2
  %v2 = add i64 0, %v1
  %v3 = icmp ult i64 0, %v2
  br i1 %v3, label %b0, label %b1
b0:
  %v4 = phi i64 [ 0, %entry ], [ %v12, %b0 ]
  %v5 = phi <2 x float> [ splat (float 0x0000000000000000), %entry ], [ %v11, %b0 ]
  %v6 = getelementptr float, ptr %a0, i64 %v4
  %v7 = load <2 x float>, ptr %v6, align 4
  %v8 = getelementptr float, ptr %a1, i64 %v4
  %v9 = load <2 x float>, ptr %v8, align 4
  %v10 = fmul <2 x float> %v7, %v9
  %v11 = fadd <2 x float> %v5, %v10
  %v12 = add i64 %v4, 2
  %v13 = icmp ult i64 %v12, %v2
  br i1 %v13, label %b0, label %b1
b1:
  %v14 = phi <2 x float> [ splat (float 0x0000000000000000), %entry ], [ %v11, %b0 ]
  %v15 = extractelement <2 x float> %v14, i32 0
  %v16 = icmp ult i64 %v2, 3
  br i1 %v16, label %b2, label %b3
b2:
  %v17 = phi i64 [ %v2, %b1 ], [ %v25, %b2 ]
  %v18 = phi float [ %v15, %b1 ], [ %v24, %b2 ]
  %v19 = getelementptr float, ptr %a0, i64 %v17
  %v20 = load float, ptr %v19, align 4
  %v21 = getelementptr float, ptr %a1, i64 %v17
  %v22 = load float, ptr %v21, align 4
  %v23 = fmul float %v20, %v22
  %v24 = fadd float %v18, %v23
  %v25 = add i64 %v17, 1
  %v26 = icmp ult i64 %v25, 3
  br i1 %v26, label %b2, label %b3
b3:
  %v27 = phi float [ %v15, %b1 ], [ %v24, %b2 ]
  %v28 = insertelement <2 x float> %v14, float %v27, i32 0
  %v29 = fpext <2 x float> %v28 to <2 x double>
  %v30 = fadd <2 x double> splat (double 0x0000000000000000), %v29
  %v31 = extractelement <2 x double> %v30, i32 0
  %v32 = extractelement <2 x double> %v30, i32 1
  %v33 = fadd double %v31, %v32
  %v34 = fptrunc double %v33 to float
  store float %v34, ptr %o0, align 4
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %i1, ptr %o0) nounwind {
entry:
  
  call void @k1(ptr %i0, ptr %arena, ptr %scratch, i64 0, i64 1)
  call void @k2(ptr %arena, ptr %i1, ptr %o0, ptr %scratch, i64 0, i64 1)
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
  call void @plan0(ptr %context, ptr %v2, ptr %v4, ptr %v6, ptr %v8, ptr %v10)
  ret void
}
declare <2 x float> @llvm.masked.gather.v2f32.v2p0(<2 x ptr>, i32, <2 x i1>, <2 x float>)
