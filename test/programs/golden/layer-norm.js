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
    const t6 = fround(t5 / 8);
    o0[l] = t6;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  const o1 = outputs[1];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = ((Math.imul(i0, 8)) | 0);
    const t1 = a2[i0];
    let q0_0 = 0;
    let q1_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t2 = ((t0 + r0) | 0);
      const t3 = a1[t2];
      const t4 = fround(t3 - t1);
      const t5 = fround(t4 * t4);
      const t6 = t5;
      const t7 = (q0_0 + t6);
      q0_0 = t7;
      const t8 = a0[r0];
      const t9 = fround(t4 * t8);
      const t10 = t9;
      const t11 = (q1_0 + t10);
      q1_0 = t11;
      k++;
    }
    const t12 = fround(q0_0);
    const t13 = fround(q1_0);
    const t14 = fround(t12 / 8);
    o0[l] = t14;
    o1[l] = t13;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  const o1 = outputs[1];
  for (let l = 0; l < 4; l++) {
    const t0 = a0[l];
    const t1 = fround(t0 + 0.000009999999747378752);
    const t2 = fround(1 / Math.sqrt(t1));
    const t3 = a1[l];
    const t4 = fround(t2 * (-0.5));
    const t5 = fround(t4 / t1);
    const t6 = fround(t3 * t5);
    const t7 = fround(t6 / 8);
    o0[l] = t2;
    o1[l] = t7;
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
    const t4 = fround(t0 - t3);
    const t5 = a2[t1];
    const t6 = fround(t4 * t5);
    const t7 = a1[t2];
    const t8 = fround(t6 * t7);
    const t9 = a0[t2];
    const t10 = fround(t8 + t9);
    const t11 = t10;
    const t12 = (q0_0 + t11);
    q0_0 = t12;
  }
  const t13 = fround(q0_0);
  o0[0] = t13;
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
      const t6 = fround(t4 - t5);
      const t7 = a0[r0];
      const t8 = fround(t6 * t7);
      const t9 = t8;
      const t10 = (q1_0 + t9);
      q1_0 = t10;
      k++;
    }
    const t11 = fround(q0_0);
    const t12 = fround(q1_0);
    o0[l] = t11;
    o1[l] = t12;
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
  const o1 = outputs[1];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = ((Math.imul(i0, 8)) | 0);
    const t1 = a4[i0];
    const t2 = a1[i0];
    const t3 = a2[i0];
    let q0_0 = 0;
    let q1_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t4 = a0[r0];
      const t5 = fround(t4 * t2);
      const t6 = fround(-t5);
      const t7 = t6;
      const t8 = (q0_0 + t7);
      q0_0 = t8;
      const t9 = ((t0 + r0) | 0);
      const t10 = a3[t9];
      const t11 = fround(t10 - t1);
      const t12 = fround(t11 * t3);
      const t13 = fround(t3 * t11);
      const t14 = fround(t12 + t13);
      const t15 = fround(-t14);
      const t16 = t15;
      const t17 = (q1_0 + t16);
      q1_0 = t17;
      k++;
    }
    const t18 = fround(q0_0);
    const t19 = fround(q1_0);
    const t20 = fround(t18 / 8);
    const t21 = fround(t19 / 8);
    o0[l] = t20;
    o1[l] = t21;
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
  const a6 = inputs[6];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = a6[i0];
    const t1 = a3[i0];
    const t2 = a4[i0];
    const t3 = a1[i0];
    const t4 = a0[i0];
    for (let i1 = 0; i1 < 8; i1++) {
      const t5 = a2[i1];
      const t6 = fround(t5 * t1);
      const t7 = fround(t6 + t3);
      const t8 = a5[l];
      const t9 = fround(t8 - t0);
      const t10 = fround(t9 * t2);
      const t11 = fround(t2 * t9);
      const t12 = fround(t10 + t11);
      const t13 = fround(t7 + t12);
      const t14 = fround(t13 + t4);
      o0[l] = t14;
      l++;
    }
  }
}
