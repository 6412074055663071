// Amplitude's SDK for Node.js: `node node.js RELAY`.
const amplitude = require('@amplitude/analytics-node');

const [relay] = process.argv.slice(2);
const batch = amplitude.createInstance();

async function main() {
  await amplitude.init('key', { serverUrl: `${relay}/2/httpapi`, flushIntervalMillis: 20 }).promise;
  await batch.init('key', { serverUrl: `${relay}/batch`, useBatch: true, flushIntervalMillis: 20 }).promise;
  const properties = { total: 1.5, items: ['a', { b: null }], note: 'é\u2028"' };
  const sent = [];
  for (let n = 0; n < 50; n++) {
    sent.push(amplitude.track('Node Event', { n, ...properties }, { user_id: 'node-1' }).promise);
  }
  sent.push(amplitude.identify(new amplitude.Identify().set('plan', 'pro'), { user_id: 'node-1' }).promise);
  sent.push(batch.track('Node Batch', properties, { user_id: 'node-2' }).promise);
  for (const result of await Promise.all(sent)) {
    if (result.code !== 200) throw new Error(JSON.stringify(result));
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
