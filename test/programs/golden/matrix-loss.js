(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i1 = 0; i1 < 2; i1++) {
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 3; r0++) {
      const t0 = a0[r0];
      const t1 = ((Math.imul(r0, 2)) | 0);
      const t2 = ((t1 + i1) | 0);
      const t3 = a1[t2];
      const t4 = t0;
      const t5 = t3;
      const t6 = (t4 * t5);
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
  for (let k = 0; k < 2; k++) {
    const t0 = a0[k];
    const t1 = a1[k];
    const t2 = fround(t0 + t1);
    const t3 = fround(t2 * t2);
    const t4 = t3;
    const t5 = (q0_0 + t4);
    q0_0 = t5;
  }
  const t6 = fround(q0_0);
  const t7 = fround(t6 / 2);
  o0[0] = t7;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  for (let l = 0; l < 2; l++) {
    const t0 = a0[l];
    const t1 = a1[l];
    const t2 = fround(t0 + t1);
    const t3 = fround(2 * t2);
    const t4 = fround(0.5 * t3);
    o0[l] = t4;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = a0[i0];
    const t1 = t0;
    for (let i1 = 0; i1 < 2; i1++) {
      const t2 = a1[i1];
      const t3 = a2[i1];
      const t4 = fround(t2 + t3);
      const t5 = fround(2 * t4);
      const t6 = fround(0.5 * t5);
      const t7 = t6;
      const t8 = (t1 * t7);
      let q0_0 = 0;
      const t9 = (q0_0 + t8);
      q0_0 = t9;
      const t10 = fround(q0_0);
      o0[l] = t10;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  let l = 0;
  for (let i1 = 0; i1 < 3; i1++) {
    const t0 = ((Math.imul(i1, 2)) | 0);
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 2; r0++) {
      const t1 = a1[r0];
      const t2 = a2[r0];
      const t3 = fround(t1 + t2);
      const t4 = fround(2 * t3);
      const t5 = fround(0.5 * t4);
      const t6 = ((t0 + r0) | 0);
      const t7 = a0[t6];
      const t8 = t5;
      const t9 = t7;
      const t10 = (t8 * t9);
      const t11 = (q0_0 + t10);
      q0_0 = t11;
      k++;
    }
    const t12 = fround(q0_0);
    o0[l] = t12;
    l++;
  }
}
