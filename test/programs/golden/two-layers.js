(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 8; i0++) {
    const t0 = ((Math.imul(i0, 5)) | 0);
    for (let i1 = 0; i1 < 6; i1++) {
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 5; r0++) {
        const t1 = ((t0 + r0) | 0);
        const t2 = a0[t1];
        const t3 = ((Math.imul(r0, 6)) | 0);
        const t4 = ((t3 + i1) | 0);
        const t5 = a1[t4];
        const t6 = t2;
        const t7 = t5;
        const t8 = (t6 * t7);
        const t9 = (q0_0 + t8);
        q0_0 = t9;
        k++;
      }
      const t10 = fround(q0_0);
      o0[l] = t10;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 8; i0++) {
    for (let i1 = 0; i1 < 6; i1++) {
      const t0 = a0[l];
      const t1 = a1[i1];
      const t2 = fround(t0 + t1);
      const t3 = fround(Math.tanh(t2));
      o0[l] = t3;
      l++;
    }
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
  for (let i0 = 0; i0 < 8; i0++) {
    const t0 = ((Math.imul(i0, 6)) | 0);
    for (let i1 = 0; i1 < 2; i1++) {
      const t1 = a1[i1];
      const t2 = a0[l];
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 6; r0++) {
        const t3 = ((t0 + r0) | 0);
        const t4 = a2[t3];
        const t5 = ((Math.imul(r0, 2)) | 0);
        const t6 = ((t5 + i1) | 0);
        const t7 = a3[t6];
        const t8 = t4;
        const t9 = t7;
        const t10 = (t8 * t9);
        const t11 = (q0_0 + t10);
        q0_0 = t11;
        k++;
      }
      const t12 = fround(q0_0);
      const t13 = fround(t12 + t1);
      const t14 = fround(t13 - t2);
      const t15 = fround(2 * t14);
      const t16 = fround(0.0625 * t15);
      const t17 = fround(-t16);
      o0[l] = t12;
      o1[l] = t17;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  let q0_0 = 0;
  for (let k = 0; k < 16; k++) {
    const t0 = a1[k];
    const t1 = ((2 === 0 ? 0 : (k % 2 + 2) % 2) | 0);
    const t2 = a2[t1];
    const t3 = fround(t0 + t2);
    const t4 = a0[k];
    const t5 = fround(t3 - t4);
    const t6 = fround(t5 * t5);
    const t7 = t6;
    const t8 = (q0_0 + t7);
    q0_0 = t8;
  }
  const t9 = fround(q0_0);
  const t10 = fround(t9 / 16);
  o0[0] = t10;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 2; i0++) {
    const t0 = a2[i0];
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t1 = ((Math.imul(r0, 2)) | 0);
      const t2 = ((t1 + i0) | 0);
      const t3 = a1[t2];
      const t4 = fround(t3 + t0);
      const t5 = a0[t2];
      const t6 = fround(t4 - t5);
      const t7 = fround(2 * t6);
      const t8 = fround(0.0625 * t7);
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
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 6; i0++) {
    for (let i1 = 0; i1 < 2; i1++) {
      const t0 = a3[i1];
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 8; r0++) {
        const t1 = ((Math.imul(r0, 2)) | 0);
        const t2 = ((Math.imul(r0, 6)) | 0);
        const t3 = ((t2 + i0) | 0);
        const t4 = a0[t3];
        const t5 = ((t1 + i1) | 0);
        const t6 = a2[t5];
        const t7 = fround(t6 + t0);
        const t8 = a1[t5];
        const t9 = fround(t7 - t8);
        const t10 = fround(2 * t9);
        const t11 = fround(0.0625 * t10);
        const t12 = t4;
        const t13 = t11;
        const t14 = (t12 * t13);
        const t15 = (q0_0 + t14);
        q0_0 = t15;
        k++;
      }
      const t16 = fround(q0_0);
      o0[l] = t16;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 8; i0++) {
    const t0 = ((Math.imul(i0, 2)) | 0);
    for (let i1 = 0; i1 < 6; i1++) {
      const t1 = ((Math.imul(i1, 2)) | 0);
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 2; r0++) {
        const t2 = ((t0 + r0) | 0);
        const t3 = a2[t2];
        const t4 = a3[r0];
        const t5 = fround(t3 + t4);
        const t6 = a1[t2];
        const t7 = fround(t5 - t6);
        const t8 = fround(2 * t7);
        const t9 = fround(0.0625 * t8);
        const t10 = ((t1 + r0) | 0);
        const t11 = a0[t10];
        const t12 = t9;
        const t13 = t11;
        const t14 = (t12 * t13);
        const t15 = (q0_0 + t14);
        q0_0 = t15;
        k++;
      }
      const t16 = fround(q0_0);
      o0[l] = t16;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 6; i0++) {
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 8; r0++) {
      const t0 = ((Math.imul(r0, 6)) | 0);
      const t1 = ((t0 + i0) | 0);
      const t2 = a1[t1];
      const t3 = a0[t1];
      const t4 = fround(t2 * t2);
      const t5 = fround(1 - t4);
      const t6 = fround(t3 * t5);
      const t7 = t6;
      const t8 = (q0_0 + t7);
      q0_0 = t8;
      k++;
    }
    const t9 = fround(q0_0);
    o0[l] = t9;
    l++;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 5; i0++) {
    for (let i1 = 0; i1 < 6; i1++) {
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 8; r0++) {
        const t0 = ((Math.imul(r0, 6)) | 0);
        const t1 = ((Math.imul(r0, 5)) | 0);
        const t2 = ((t1 + i0) | 0);
        const t3 = a0[t2];
        const t4 = ((t0 + i1) | 0);
        const t5 = a1[t4];
        const t6 = a2[t4];
        const t7 = fround(t6 * t6);
        const t8 = fround(1 - t7);
        const t9 = fround(t5 * t8);
        const t10 = t3;
        const t11 = t9;
        const t12 = (t10 * t11);
        const t13 = (q0_0 + t12);
        q0_0 = t13;
        k++;
      }
      const t14 = fround(q0_0);
      o0[l] = t14;
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
  for (let i0 = 0; i0 < 8; i0++) {
    const t0 = ((Math.imul(i0, 6)) | 0);
    for (let i1 = 0; i1 < 5; i1++) {
      const t1 = ((Math.imul(i1, 6)) | 0);
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 6; r0++) {
        const t2 = ((t0 + r0) | 0);
        const t3 = a2[t2];
        const t4 = a1[t2];
        const t5 = fround(t3 * t3);
        const t6 = fround(1 - t5);
        const t7 = fround(t4 * t6);
        const t8 = ((t1 + r0) | 0);
        const t9 = a0[t8];
        const t10 = t7;
        const t11 = t9;
        const t12 = (t10 * t11);
        const t13 = (q0_0 + t12);
        q0_0 = t13;
        k++;
      }
      const t14 = fround(q0_0);
      o0[l] = t14;
      l++;
    }
  }
}
