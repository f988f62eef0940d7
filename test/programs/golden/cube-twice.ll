define internal void @k1(ptr %a0, ptr %o0, ptr %o1, ptr %scratch, i64 %begin, i64 %end) nounwind {
entry:
  %v0 = load <4 x double>, ptr %a0, align 8
  %v1 = fmul <4 x double> %v0, %v0
  %v2 = fmul <4 x double> splat (double 0x4008000000000000), %v1
  %v3 = fmul <4 x double> splat (double 0x4000000000000000), %v0
  %v4 = fmul <4 x double> splat (double 0x4008000000000000), %v3
  store <4 x double> %v2, ptr %o0, align 8
  store <4 x double> %v4, ptr %o1, align 8
  ret void
}
define internal void @plan0(ptr %context, ptr %scratch, ptr %arena, ptr %i0, ptr %o0, ptr %o1) nounwind {
entry:
  
  call void @k1(ptr %i0, ptr %o0, ptr %o1, ptr %scratch, i64 0, i64 1)
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
