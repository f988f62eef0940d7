(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let q0_0 = 0;
  for (let k = 0; k < 12; k++) {
    const t0 = ((4 === 0 ? 0 : Math.floor(k / 4)) | 0);
    const t1 = ((4 === 0 ? 0 : (k % 4 + 4) % 4) | 0);
    const t2 = a1[t0];
    const t3 = ((t2 + 10) | 0);
    const t4 = (t2 < 0 ? 1 : 0);
    const t5 = (t4 ? t3 : t2);
    const t6 = (Math.max(t5, 0));
    const t7 = (Math.min(t6, 9));
    const t8 = t7;
    const t9 = ((Math.imul(t8, 4)) | 0);
    const t10 = ((t9 + t1) | 0);
    const t11 = a0[t10];
    const t12 = fround(t11 * t11);
    const t13 = t12;
    const t14 = (q0_0 + t13);
    q0_0 = t14;
  }
  const t15 = fround(q0_0);
  o0[0] = t15;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = a1[i0];
    const t1 = ((t0 + 10) | 0);
    const t2 = (t0 < 0 ? 1 : 0);
    const t3 = (t2 ? t1 : t0);
    const t4 = (Math.max(t3, 0));
    const t5 = (Math.min(t4, 9));
    const t6 = t5;
    const t7 = ((Math.imul(t6, 4)) | 0);
    for (let i1 = 0; i1 < 4; i1++) {
      const t8 = ((t7 + i1) | 0);
      const t9 = a0[t8];
      const t10 = fround(t9 + t9);
      o0[l] = t10;
      l++;
    }
  }
}

(inputs, outputs) => {
  const o0 = outputs[0];
  for (let l = 0; l < 40; l++) {
    o0[l] = 0;
  }
}

// scatter_add {"outer":1,"middle":1,"size":10,"inner":4,"picks":3}
