(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 4)) | 0);
    let q0_0 = (-Infinity);
    let k = 0;
    for (let r0 = 0; r0 < 4; r0++) {
      const t1 = ((t0 + r0) | 0);
      const t2 = a0[t1];
      const t3 = (Math.max(q0_0, t2));
      q0_0 = t3;
      k++;
    }
    o0[l] = q0_0;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 4)) | 0);
    const t1 = a1[i0];
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 4; r0++) {
      const t2 = ((t0 + r0) | 0);
      const t3 = a0[t2];
      const t4 = (t3 === t1 ? 1 : 0);
      const t5 = (t4 ? 1 : 0);
      const t6 = t5;
      const t7 = (q0_0 + t6);
      q0_0 = t7;
      k++;
    }
    const t8 = fround(q0_0);
    o0[l] = t8;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let q0_0 = 0;
  for (let k = 0; k < 3; k++) {
    const t0 = a0[k];
    const t1 = a1[k];
    const t2 = fround(t0 * t1);
    const t3 = t2;
    const t4 = (q0_0 + t3);
    q0_0 = t4;
  }
  const t5 = fround(q0_0);
  o0[0] = t5;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = a3[i0];
    const t1 = a0[i0];
    const t2 = a1[i0];
    for (let i1 = 0; i1 < 4; i1++) {
      const t3 = a2[l];
      const t4 = (t3 === t0 ? 1 : 0);
      const t5 = (t4 ? 1 : 0);
      const t6 = fround(t5 / t2);
      const t7 = fround(t1 * t6);
      o0[l] = t7;
      l++;
    }
  }
}
