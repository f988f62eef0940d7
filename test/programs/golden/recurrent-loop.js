(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 3; r0++) {
      const t0 = a0[r0];
      const t1 = ((Math.imul(r0, 3)) | 0);
      const t2 = ((t1 + i0) | 0);
      const t3 = a1[t2];
      const t4 = (t0 * t3);
      const t5 = (q0_0 + t4);
      q0_0 = t5;
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
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 2; r0++) {
      const t0 = a0[r0];
      const t1 = ((Math.imul(r0, 3)) | 0);
      const t2 = ((t1 + i0) | 0);
      const t3 = a1[t2];
      const t4 = (t0 * t3);
      const t5 = (q0_0 + t4);
      q0_0 = t5;
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
  const o1 = outputs[1];
  for (let l = 0; l < 3; l++) {
    const t0 = a0[l];
    const t1 = a1[l];
    const t2 = (t0 + t1);
    const t3 = (Math.tanh(t2));
    const t4 = (t3 * t3);
    const t5 = (1 - t4);
    o0[l] = t3;
    o1[l] = t5;
  }
}

(inputs, outputs) => {
  const o0 = outputs[0];
  for (let l = 0; l < 3; l++) {
    o0[l] = 1;
  }
}

(inputs, outputs) => {
  const o0 = outputs[0];
  for (let l = 0; l < 12; l++) {
    o0[l] = 1;
  }
}

(inputs, outputs) => {
  const o0 = outputs[0];
  for (let l = 0; l < 9; l++) {
    o0[l] = 0;
  }
}

(inputs, outputs) => {
  const o0 = outputs[0];
  for (let l = 0; l < 6; l++) {
    o0[l] = 0;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 2; i0++) {
    const t0 = ((Math.imul(i0, 3)) | 0);
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 3; r0++) {
      const t1 = a2[r0];
      const t2 = a3[r0];
      const t3 = (t1 + t2);
      const t4 = a1[r0];
      const t5 = (t3 * t4);
      const t6 = ((t0 + r0) | 0);
      const t7 = a0[t6];
      const t8 = (t5 * t7);
      const t9 = (q0_0 + t8);
      q0_0 = t9;
      k++;
    }
    o0[l] = q0_0;
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
    const t0 = ((Math.imul(i0, 3)) | 0);
    let q0_0 = 0;
    let k = 0;
    for (let r0 = 0; r0 < 3; r0++) {
      const t1 = a2[r0];
      const t2 = a3[r0];
      const t3 = (t1 + t2);
      const t4 = a1[r0];
      const t5 = (t3 * t4);
      const t6 = ((t0 + r0) | 0);
      const t7 = a0[t6];
      const t8 = (t5 * t7);
      const t9 = (q0_0 + t8);
      q0_0 = t9;
      k++;
    }
    o0[l] = q0_0;
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
  let l = 0;
  for (let i0 = 0; i0 < 3; i0++) {
    const t0 = a1[i0];
    for (let i1 = 0; i1 < 3; i1++) {
      const t1 = a0[l];
      const t2 = a3[i1];
      const t3 = a4[i1];
      const t4 = (t2 + t3);
      const t5 = a2[i1];
      const t6 = (t4 * t5);
      const t7 = (t0 * t6);
      const t8 = (t1 + t7);
      o0[l] = t8;
      l++;
    }
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const a3 = inputs[3];
  const a4 = inputs[4];
  const o0 = outputs[0];
  let l = 0;
  for (let i0 = 0; i0 < 2; i0++) {
    const t0 = a1[i0];
    for (let i1 = 0; i1 < 3; i1++) {
      const t1 = a3[i1];
      const t2 = a4[i1];
      const t3 = (t1 + t2);
      const t4 = a2[i1];
      const t5 = (t3 * t4);
      const t6 = a0[l];
      const t7 = (t0 * t5);
      const t8 = (t6 + t7);
      o0[l] = t8;
      l++;
    }
  }
}
