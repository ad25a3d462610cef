// Examples a second that TensorFlow.js trains in a worker with its wasm backend, as client-wasm/benches/training.rs
// counts ours: it says a line for each model, "end" after the last.

const packages = "node_modules/@tensorflow";
importScripts(`${packages}/tfjs/dist/tf.min.js`, `${packages}/tfjs-backend-wasm/dist/tf-backend-wasm.min.js`);

const RUNS = 7;
const BATCHES = 60;

const MODELS = {
  "mlp 784-128-10": mlp(784, 128, 10),
  "mlp 784-200-200-10": mlp(784, 200, 200, 10),
  "cnn 21,840": cnn,
};

function weights(...shape) {
  return tf.variable(tf.randomUniform(shape, -0.05, 0.05));
}

function mlp(...widths) {
  return () => {
    const layers = widths.slice(1).map((width, at) => [weights(widths[at], width), weights(width)]);
    return (x) =>
      layers.reduce((below, [weight, bias], at) => {
        const sums = tf.add(tf.matMul(below, weight), bias);
        return at + 1 < layers.length ? tf.relu(sums) : sums;
      }, x);
  };
}

function cnn() {
  const [c1, b1, c2, b2] = [weights(5, 5, 1, 10), weights(10), weights(5, 5, 10, 20), weights(20)];
  const above = mlp(320, 50, 10)();
  const block = (x, filter, bias) => tf.relu(tf.maxPool(tf.add(tf.conv2d(x, filter, 1, "valid"), bias), 2, 2, "valid"));
  return (x) => {
    const images = tf.reshape(x, [-1, 28, 28, 1]);
    return above(tf.reshape(block(block(images, c1, b1), c2, b2), [-1, 320]));
  };
}

async function rates(model, batch) {
  const scores = model();
  const descent = tf.train.sgd(0.05);
  const x = tf.randomUniform([batch, 784]);
  const labels = tf.oneHot(tf.mod(tf.range(0, batch, 1, "int32"), tf.scalar(10, "int32")), 10);
  const loss = () => tf.losses.softmaxCrossEntropy(labels, scores(x));
  const found = [];
  // The first run compiles.
  for (let run = 0; run <= RUNS; run += 1) {
    const started = performance.now();
    for (let step = 0; step < BATCHES; step += 1) descent.minimize(loss);
    found.push((1e3 * BATCHES * batch) / (performance.now() - started));
  }
  tf.disposeVariables();
  return found.slice(1).sort((a, b) => a - b);
}

async function main() {
  tf.wasm.setWasmPaths(`${packages}/tfjs-backend-wasm/dist/`);
  await tf.setBackend("wasm");
  for (const [name, model] of Object.entries(MODELS)) {
    for (const batch of [32, 10]) {
      const title = `${name}, batch ${batch}`.padEnd(32);
      try {
        const found = await rates(model, batch);
        const whole = (rate) => rate.toFixed(0).padStart(10);
        postMessage(`${title}${whole(found[RUNS >> 1])}${whole(found[RUNS - 1])}`);
      } catch (error) {
        postMessage(`${title}cannot: ${error.message.split("\n")[0]}`);
      }
    }
  }
  postMessage("end");
}

main().catch((error) => postMessage(`failed: ${error}`));
