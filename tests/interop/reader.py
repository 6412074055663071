"""A plain WebSocket client that reads COUNT events of FEED, and breaks off half-way:
`python reader.py FEED COUNT`. Writes the number in each event's `time`, a line each."""
import asyncio
import json
import sys

import websockets

feed, count = sys.argv[1], int(sys.argv[2])


async def read(query, most):
    last = None
    # It leaves with messages unread: then its own library waits for nothing but this.
    async with websockets.connect(feed + query, close_timeout=0.2) as socket:
        for _ in range(most):
            event = json.loads(await asyncio.wait_for(socket.recv(), 20))
            last = event["message_id"]
            print(event["time"])
    return last


async def main():
    half = count // 2
    last = await read("?last_received=", half)
    await read("?last_received=" + last, count - half)


asyncio.run(main())
