(inputs, outputs) => {
  const a0 = inputs[0];
  const o0 = outputs[0];
  const o1 = outputs[1];
  for (let l = 0; l < 4; l++) {
    const t0 = a0[l];
    const t1 = (t0 * t0);
    const t2 = (3 * t1);
    const t3 = (2 * t0);
    const t4 = (3 * t3);
    o0[l] = t2;
    o1[l] = t4;
  }
}
