(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  const o1 = outputs[1];
  const t0 = a0[0];
  const t1 = (0 < t0 ? 1 : 0);
  const t2 = t1;
  o0[0] = 0;
  o1[0] = t2;
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  const o1 = outputs[1];
  for (let l = 0; l < 6; l++) {
    const t0 = a0[l];
    const t1 = (t0 * t0);
    const t2 = (t1 + t0);
    o0[l] = t2;
    o1[l] = 0;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const o0 = outputs[0];
  const o1 = outputs[1];
  const o2 = outputs[2];
  const o3 = outputs[3];
  for (let l = 0; l < 6; l++) {
    const t0 = a0[l];
    const t1 = (Math.sin(t0));
    const t2 = (Math.cos(t0));
    const t3 = a1[l];
    const t4 = (t1 * t3);
    o0[l] = t1;
    o1[l] = t2;
    o2[l] = t4;
    o3[l] = 0;
  }
}

(inputs, outputs) => {
  const o0 = outputs[0];
  for (let l = 0; l < 6; l++) {
    o0[l] = 1;
  }
}

(inputs, outputs) => {
  const a0 = inputs[0];
  const a1 = inputs[1];
  const a2 = inputs[2];
  const o0 = outputs[0];
  const o1 = outputs[1];
  for (let l = 0; l < 6; l++) {
    const t0 = a1[l];
    const t1 = a2[l];
    const t2 = (t0 + t1);
    const t3 = a0[l];
    const t4 = (t3 * t2);
    const t5 = (t2 + t4);
    const t6 = (t2 * t3);
    const t7 = (t5 + t6);
    o0[l] = 0;
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
  const o1 = outputs[1];
  for (let l = 0; l < 6; l++) {
    const t0 = a0[l];
    const t1 = a1[l];
    const t2 = (t0 * t1);
    const t3 = a2[l];
    const t4 = a4[l];
    const t5 = (t1 * t4);
    const t6 = a3[l];
    const t7 = (t5 * t6);
    const t8 = (t3 + t7);
    o0[l] = t2;
    o1[l] = t8;
  }
}
