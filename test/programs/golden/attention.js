(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 4)) | 0);
    for (let i1 = 0; i1 < 5; i1++) {
      const t1 = ((Math.imul(i1, 4)) | 0);
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 4; r0++) {
        const t2 = ((t0 + r0) | 0);
        const t3 = a0[t2];
        const t4 = ((t1 + r0) | 0);
        const t5 = a1[t4];
        const t6 = t3;
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
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 5)) | 0);
    let q0_0 = (-Infinity);
    let k = 0;
    for (let r0 = 0; r0 < 5; r0++) {
      const t1 = ((t0 + r0) | 0);
      const t2 = a0[t1];
      const t3 = fround(t2 / 2);
      const t4 = (Math.max(q0_0, t3));
      q0_0 = t4;
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
    const t0 = a0[i0];
    for (let i1 = 0; i1 < 5; i1++) {
      const t1 = a1[l];
      const t2 = fround(t1 / 2);
      const t3 = fround(t2 - t0);
      const t4 = fround(Math.exp(t3));
      o0[l] = t4;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 5)) | 0);
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 5; r0++) {
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
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 5)) | 0);
    const t1 = a2[i0];
    for (let i1 = 0; i1 < 2; i1++) {
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 5; r0++) {
        const t2 = ((t0 + r0) | 0);
        const t3 = a1[t2];
        const t4 = fround(t3 / t1);
        const t5 = ((Math.imul(r0, 2)) | 0);
        const t6 = ((t5 + i1) | 0);
        const t7 = a0[t6];
        const t8 = t4;
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
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  let q0_0 = 0;
  for (let k = 0; k < 6; k++) {
    const t0 = a0[k];
    const t1 = fround(t0 * t0);
    const t2 = t1;
    const t3 = (q0_0 + t2);
    q0_0 = t3;
  }
  const t4 = fround(q0_0);
  o0[0] = t4;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 5; i0++) {
    for (let i1 = 0; i1 < 2; i1++) {
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 3; r0++) {
        const t0 = ((Math.imul(r0, 5)) | 0);
        const t1 = ((t0 + i0) | 0);
        const t2 = a0[t1];
        const t3 = a1[r0];
        const t4 = fround(t2 / t3);
        const t5 = ((Math.imul(r0, 2)) | 0);
        const t6 = ((t5 + i1) | 0);
        const t7 = a2[t6];
        const t8 = fround(2 * t7);
        const t9 = t4;
        const t10 = t8;
        const t11 = (t9 * t10);
        const t12 = (q0_0 + t11);
        q0_0 = t12;
        k++;
      }
      const t13 = fround(q0_0);
      o0[l] = t13;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 2)) | 0);
    for (let i1 = 0; i1 < 5; i1++) {
      const t1 = ((Math.imul(i1, 2)) | 0);
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 2; r0++) {
        const t2 = ((t0 + r0) | 0);
        const t3 = a1[t2];
        const t4 = fround(2 * t3);
        const t5 = ((t1 + r0) | 0);
        const t6 = a0[t5];
        const t7 = t4;
        const t8 = t6;
        const t9 = (t7 * t8);
        const t10 = (q0_0 + t9);
        q0_0 = t10;
        k++;
      }
      const t11 = fround(q0_0);
      o0[l] = t11;
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
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 5)) | 0);
    const t1 = a1[i0];
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 5; r0++) {
      const t2 = ((t0 + r0) | 0);
      const t3 = a2[t2];
      const t4 = fround(t3 / t1);
      const t5 = a0[t2];
      const t6 = fround(t4 / t1);
      const t7 = fround(-t6);
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
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = a3[i0];
    const t1 = a1[i0];
    for (let i1 = 0; i1 < 5; i1++) {
      const t2 = a2[l];
      const t3 = fround(t2 / t0);
      const t4 = fround(t3 + t1);
      const t5 = a0[l];
      const t6 = fround(t4 * t5);
      const t7 = fround(t6 / 2);
      o0[l] = t7;
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
    for (let i1 = 0; i1 < 5; i1++) {
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 3; r0++) {
        const t0 = ((Math.imul(r0, 5)) | 0);
        const t1 = ((Math.imul(r0, 4)) | 0);
        const t2 = ((t1 + i0) | 0);
        const t3 = a0[t2];
        const t4 = ((t0 + i1) | 0);
        const t5 = a1[t4];
        const t6 = t3;
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
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = ((Math.imul(i0, 5)) | 0);
    for (let i1 = 0; i1 < 4; i1++) {
      let q0_0 = 0;
      let k = 0;
      for (let r0 = 0; r0 < 5; r0++) {
        const t1 = ((t0 + r0) | 0);
        const t2 = a0[t1];
        const t3 = ((Math.imul(r0, 4)) | 0);
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
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 5; i0++) {
    for (let i1 = 0; i1 < 4; i1++) {
      const t0 = ((Math.imul(i1, 5)) | 0);
      const t1 = ((t0 + i0) | 0);
      const t2 = a0[t1];
      o0[l] = t2;
      l++;
    }
  }
}
