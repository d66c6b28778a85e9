// Runs the publisher's own graph with TensorFlow.js, for reference_test.go.
// Arguments: folder with nanodet.json and nanodet.bin, file of the input
// [1,3,416,416] (float32, little-endian), folder for one file per output.
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs-core');
const { GraphModel } = require('@tensorflow/tfjs-converter');
require('@tensorflow/tfjs-backend-wasm');

const [folder, input, out] = process.argv.slice(2);

function buffer(file) {
  const b = fs.readFileSync(file);
  return b.buffer.slice(b.byteOffset, b.byteOffset + b.length);
}

const handler = {
  load: async () => {
    const graph = JSON.parse(fs.readFileSync(path.join(folder, 'nanodet.json')));
    return {
      modelTopology: graph.modelTopology,
      signature: graph.signature,
      weightSpecs: graph.weightsManifest.flatMap((group) => group.weights),
      weightData: buffer(path.join(folder, 'nanodet.bin')),
    };
  },
};

async function main() {
  await tf.setBackend('wasm');
  const model = new GraphModel(handler);
  await model.load();
  const names = ['Identity', 'Identity_1', 'Identity_2', 'Identity_3', 'Identity_4', 'Identity_5'];
  const picture = tf.tensor4d(new Float32Array(buffer(input)), [1, 3, 416, 416]);
  const results = model.execute({ input_1: picture }, names);
  for (const [i, name] of names.entries()) {
    const v = await results[i].data();
    fs.writeFileSync(path.join(out, name), Buffer.from(v.buffer, v.byteOffset, v.byteLength));
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
