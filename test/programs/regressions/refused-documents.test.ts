/** Documents that once ended in an error of the engine's own. */
import { expect, test } from 'vitest';
import { EngineError } from '../../../engine/errors.ts';
import { programOf } from '../../laws/control.ts';

const inputs = { x: 'f64[2]' };

/** Nodes, and what their refusal must say. */
const REFUSED = {
  'a tensor made up in params': {
    node: { name: 'c', op: 'constant', params: { tensor: { type: { dtype: 'float64', shape: [2] }, data: 'abc' } } },
    message: "there is no op 'constant'",
  },
  'a program made up in params': {
    node: { name: 'c', op: 'custom_linear', inputs: ['x', 'x'], params: { inputs: 1, backward: { eqns: 1 } } },
    message: "there is no op 'custom_linear'",
  },
  'branches that give different numbers of results': {
    node: {
      name: 'c',
      op: 'cond',
      inputs: [true, 'x'],
      // biome-ignore lint/suspicious/noThenProperty: documents call a branch so.
      params: { then: { inputs: ['a'], outputs: ['a', 1.5] }, else: { inputs: ['a'], outputs: ['a'] } },
    },
    message: 'has 2 outputs, expected 1',
  },
  'a loop that gives nothing': {
    node: { name: 'c', op: 'scan', inputs: ['x'], params: { carry: 0, body: { inputs: ['a'], outputs: [] } } },
    message: "node 'c' has no outputs",
  },
};

for (const [name, { node, message }] of Object.entries(REFUSED))
  test(name, () => {
    // The output is another node's, so that nothing but the node itself can be at fault.
    const nodes = [node, { name: 'y', op: 'sin', inputs: ['x'] }];
    expect(() => programOf({ inputs, nodes })).toThrow(EngineError);
    expect(() => programOf({ inputs, nodes })).toThrow(message);
  });
