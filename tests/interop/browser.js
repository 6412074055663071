// The transport of Amplitude's SDK for browsers: `node browser.js RELAY`.
// Node.js has the `fetch` and the `CompressionStream` that it uses.
const { FetchTransport } = require('@amplitude/analytics-browser/lib/cjs/transports/fetch');

const [relay] = process.argv.slice(2);

async function main() {
  const event = (n, more) => ({
    event_type: 'Browser Event',
    user_id: 'browser-1',
    device_id: 'd-1',
    time: Date.now(),
    insert_id: `browser-${n}`,
    event_properties: { n, ...more },
    library: 'amplitude-ts/test',
  });
  const payload = (events) => ({ api_key: 'key', events, options: {}, client_upload_time: new Date().toISOString() });
  const transport = new FetchTransport();
  const small = await transport.send(`${relay}/2/httpapi`, payload([event(0, { total: 1.5 })]), false);
  // This one it compresses.
  const many = Array.from({ length: 40 }, (_, n) => event(n + 1, { filler: 'x'.repeat(500) }));
  const large = await transport.send(`${relay}/2/httpapi`, payload(many), true);
  const refused = await transport.send(`${relay}/2/httpapi`, payload([{ user_id: 'browser-1' }]), false);
  for (const [answer, status, code] of [[small, 'success', 200], [large, 'success', 200], [refused, 'invalid', 400]]) {
    if (answer.status !== status || answer.statusCode !== code) throw new Error(JSON.stringify(answer));
  }
  if (small.body.eventsIngested !== 1 || large.body.eventsIngested !== 40) throw new Error(JSON.stringify([small, large]));
  if (refused.body.eventsWithMissingFields.event_type[0] !== 0) throw new Error(JSON.stringify(refused));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
