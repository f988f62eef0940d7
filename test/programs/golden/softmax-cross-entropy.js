(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  const o1 = outputs[1];
  let l = 0;
  const t0 = fround(-0.25);
  for (let i0 = 0; i0 < 4; i0++) {
    const t1 = ((Math.imul(i0, 3)) | 0);
    let q0_0 = (-Infinity);
    let q1_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 3; r0++) {
      const t2 = ((t1 + r0) | 0);
      const t3 = a0[t2];
      const t4 = (Math.max(q0_0, t3));
      q0_0 = t4;
      const t5 = a1[t2];
      const t6 = fround(t5 * t0);
      const t7 = fround(-t6);
      const t8 = t7;
      const t9 = (q1_0 + t8);
      q1_0 = t9;
      k++;
    }
    const t10 = fround(q1_0);
    o0[l] = q0_0;
    o1[l] = t10;
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
    for (let i1 = 0; i1 < 3; i1++) {
      const t1 = a0[l];
      const t2 = fround(t1 - t0);
      const t3 = fround(Math.exp(t2));
      o0[l] = t3;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = ((Math.imul(i0, 3)) | 0);
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 3; r0++) {
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
  const o0 = outputs[0];
  for (let l = 0; l < 4; l++) {
    const t0 = a0[l];
    const t1 = fround(Math.log(t0));
    o0[l] = t1;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 4; i0++) {
    const t0 = ((Math.imul(i0, 3)) | 0);
    const t1 = a3[i0];
    const t2 = a1[i0];
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 3; r0++) {
      const t3 = ((t0 + r0) | 0);
      const t4 = a2[t3];
      const t5 = a0[t3];
      const t6 = fround(t4 - t1);
      const t7 = fround(t6 - t2);
      const t8 = fround(t5 * t7);
      const t9 = t8;
      const t10 = (q0_0 + t9);
      q0_0 = t10;
      k++;
    }
    const t11 = fround(q0_0);
    o0[l] = t11;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  let q0_0 = 0;
  for (let k = 0; k < 4; k++) {
    const t0 = a0[k];
    const t1 = fround(-t0);
    const t2 = t1;
    const t3 = (q0_0 + t2);
    q0_0 = t3;
  }
  const t4 = fround(q0_0);
  const t5 = fround(t4 / 4);
  o0[0] = t5;
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
  const o1 = outputs[1];
  let l = 0;
  const t0 = fround(-0.25);
  for (let i0 = 0; i0 < 4; i0++) {
    const t1 = a4[i0];
    const t2 = a0[i0];
    const t3 = a5[i0];
    const t4 = a6[i0];
    const t5 = fround(t3 / t4);
    for (let i1 = 0; i1 < 3; i1++) {
      const t6 = a3[l];
      const t7 = fround(t6 - t1);
      const t8 = fround(t7 - t2);
      const t9 = fround(t0 * t8);
      const t10 = a1[l];
      const t11 = fround(t10 * t0);
      const t12 = a2[l];
      const t13 = fround(t5 * t12);
      const t14 = fround(t11 + t13);
      o0[l] = t9;
      o1[l] = t14;
      l++;
    }
  }
}
