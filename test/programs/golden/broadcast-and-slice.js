(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  let q0_0 = 0;
  for (let k = 0; k < 4; k++) {
    const t0 = ((2 === 0 ? 0 : Math.floor(k / 2)) | 0);
    const t1 = ((2 === 0 ? 0 : (k % 2 + 2) % 2) | 0);
    const t2 = ((t1 + 1) | 0);
    const t3 = ((Math.imul(t0, 4)) | 0);
    const t4 = ((t3 + t2) | 0);
    const t5 = a1[t4];
    const t6 = a2[t1];
    const t7 = fround(t5 * t6);
    const t8 = a0[t0];
    const t9 = fround(t7 + t8);
    const t10 = t9;
    const t11 = (q0_0 + t10);
    q0_0 = t11;
  }
  const t12 = fround(q0_0);
  o0[0] = t12;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  const o1 = outputs[1];
  let l = 0;
  const t0 = 1;
  for (let i0 = 0; i0 < 2; i0++) {
    const t1 = ((i0 + 1) | 0);
    let q0_0 = 0;
    let q1_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 2; r0++) {
      const t2 = (q0_0 + t0);
      q0_0 = t2;
      const t3 = ((Math.imul(r0, 4)) | 0);
      const t4 = ((t3 + t1) | 0);
      const t5 = a0[t4];
      const t6 = t5;
      const t7 = (q1_0 + t6);
      q1_0 = t7;
      k++;
    }
    const t8 = fround(q0_0);
    const t9 = fround(q1_0);
    o0[l] = t8;
    o1[l] = t9;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  for (let l = 0; l < 2; l++) {
    const t0 = a0[l];
    o0[l] = t0;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 2; i0++) {
    for (let i1 = 0; i1 < 4; i1++) {
      const t0 = ((i1 - 1) | 0);
      const t1 = (0 <= t0 ? 1 : 0);
      const t2 = (t0 < 2 ? 1 : 0);
      const t3 = (Math.max(t0, 0));
      const t4 = (Math.min(t3, 1));
      const t5 = t4;
      const t6 = (t1 & t2);
      const t7 = a0[t5];
      const t8 = (t6 ? t7 : 0);
      o0[l] = t8;
      l++;
    }
  }
}
