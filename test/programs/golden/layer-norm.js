(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = ((Math.imul(i0, 8)) | 0);
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t1 = ((t0 + r0) | 0);
      const t2 = a0[t1];
      const t3 = t2;
      const t4 = (q0_0 + t3);
      q0_0 = t4;
      k++;
    }
    const t5 = fround(q0_0);
    o0[l] = t5;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  const o1 = outputs[1];
  const o2 = outputs[2];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = ((Math.imul(i0, 8)) | 0);
    const t1 = a2[i0];
    const t2 = fround(t1 / 8);
    let q0_0 = 0;
    let q1_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t3 = ((t0 + r0) | 0);
      const t4 = a1[t3];
      const t5 = fround(t4 - t2);
      const t6 = fround(t5 * t5);
      const t7 = t6;
      const t8 = (q0_0 + t7);
      q0_0 = t8;
      const t9 = a0[r0];
      const t10 = fround(t5 * t9);
      const t11 = t10;
      const t12 = (q1_0 + t11);
      q1_0 = t12;
      k++;
    }
    const t13 = fround(q0_0);
    const t14 = fround(q1_0);
    const t15 = fround(t13 / 8);
    const t16 = fround(t15 + 0.000009999999747378752);
    const t17 = fround(1 / Math.sqrt(t16));
    const t18 = fround(t17 * (-0.5));
    const t19 = fround(t18 / t16);
    o0[l] = t17;
    o1[l] = t19;
    o2[l] = t14;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const a4 = inputs[4];
  const o0 = outputs[0];
  let q0_0 = 0;
  for (let k = 0; k < 32; k++) {
    const t0 = a3[k];
    const t1 = ((8 === 0 ? 0 : Math.floor(k / 8)) | 0);
    const t2 = ((8 === 0 ? 0 : (k % 8 + 8) % 8) | 0);
    const t3 = a4[t1];
    const t4 = fround(t3 / 8);
    const t5 = fround(t0 - t4);
    const t6 = a2[t1];
    const t7 = fround(t5 * t6);
    const t8 = a1[t2];
    const t9 = fround(t7 * t8);
    const t10 = a0[t2];
    const t11 = fround(t9 + t10);
    const t12 = t11;
    const t13 = (q0_0 + t12);
    q0_0 = t13;
  }
  const t14 = fround(q0_0);
  o0[0] = t14;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  const o1 = outputs[1];
  let l = 0;
  const t0 = 1;
  for (let i0 = 0; i0 < 8; i0++) {
    let q0_0 = 0;
    let q1_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 4; r0++) {
      const t1 = (q0_0 + t0);
      q0_0 = t1;
      const t2 = ((Math.imul(r0, 8)) | 0);
      const t3 = ((t2 + i0) | 0);
      const t4 = a1[t3];
      const t5 = a2[r0];
      const t6 = fround(t5 / 8);
      const t7 = fround(t4 - t6);
      const t8 = a0[r0];
      const t9 = fround(t7 * t8);
      const t10 = t9;
      const t11 = (q1_0 + t10);
      q1_0 = t11;
      k++;
    }
    const t12 = fround(q0_0);
    const t13 = fround(q1_0);
    o0[l] = t12;
    o1[l] = t13;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = a1[i0];
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t1 = a0[r0];
      const t2 = fround(t1 * t0);
      const t3 = fround(-t2);
      const t4 = t3;
      const t5 = (q0_0 + t4);
      q0_0 = t5;
      k++;
    }
    const t6 = fround(q0_0);
    o0[l] = t6;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const o0 = outputs[0];
  const o1 = outputs[1];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = a1[i0];
    const t1 = fround(t0 / 8);
    const t2 = a2[i0];
    const t3 = a3[i0];
    const t4 = fround(t2 * t3);
    const t5 = fround(t4 / 8);
    for (let i1 = 0; i1 < 8; i1++) {
      const t6 = a0[l];
      const t7 = fround(t6 - t1);
      const t8 = fround(t7 * t5);
      const t9 = fround(t5 * t7);
      o0[l] = t8;
      o1[l] = t9;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = ((Math.imul(i0, 8)) | 0);
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t1 = ((t0 + r0) | 0);
      const t2 = a0[t1];
      const t3 = a1[t1];
      const t4 = fround(t2 + t3);
      const t5 = fround(-t4);
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
  const a2 = inputs[2];
  const a3 = inputs[3];
  const a4 = inputs[4];
  const a5 = inputs[5];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = a4[i0];
    const t1 = a5[i0];
    const t2 = fround(t1 / 8);
    const t3 = a0[i0];
    const t4 = fround(t3 / 8);
    for (let i1 = 0; i1 < 8; i1++) {
      const t5 = a3[i1];
      const t6 = fround(t5 * t0);
      const t7 = fround(t6 + t2);
      const t8 = a1[l];
      const t9 = a2[l];
      const t10 = fround(t8 + t9);
      const t11 = fround(t7 + t10);
      const t12 = fround(t11 + t4);
      o0[l] = t12;
      l++;
    }
  }
}
