// A careful script of the same kind as the bare loop: it parses each event, and posts four batches
// of Customer.io's v2 at a time over connections that stay open. It keeps nothing.
import WebSocket from "ws";
import { Agent, request } from "undici";

const [feed, sink, events] = process.argv.slice(2);
const batchBytes = 480_000;
const inFlight = 4;
const agent = new Agent({ connections: inFlight, pipelining: 1 });
const socket = new WebSocket(feed, { perMessageDeflate: false });
let [received, open, bytes, batch, waiting] = [0, 0, 0, [], []];

async function send(body) {
  open += 1;
  const answer = await request(`${sink}/api/v2/batch`, {
    method: "POST",
    body,
    dispatcher: agent,
    headers: { "content-type": "application/json" },
  });
  await answer.body.dump();
  open -= 1;
  socket.resume();
  next();
}

function next() {
  while (waiting.length > 0 && open < inFlight) send(waiting.shift());
  if (waiting.length >= inFlight) socket.pause();
  if (received === Number(events) && open === 0 && waiting.length === 0) process.exit(0);
}

socket.on("message", (data) => {
  const event = JSON.parse(data.toString());
  const item = JSON.stringify({
    type: "person",
    action: "event",
    identifiers: { id: event.user_id },
    name: event.event_type,
    timestamp: Math.floor(event.time / 1000),
    id: event.insert_id,
    attributes: { ...event.event_properties, user_properties: event.user_properties },
  });
  batch.push(item);
  bytes += item.length + 1;
  received += 1;
  if (bytes > batchBytes || received === Number(events)) {
    waiting.push(`{"batch":[${batch.join(",")}]}`);
    [batch, bytes] = [[], 0];
    next();
  }
});
