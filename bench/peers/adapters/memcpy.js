// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One copy into memory that is there already.

const target = new Float64Array(1 << 21);

export default {
  start() {},
  call(name, values, second) {
    if (name === "add") return values + second;
    target.set(values);
    return target[values.length - 1];
  },
};
