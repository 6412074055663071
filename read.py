import asyncio, json, sys, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:4190/feed?last_received=") as ws:
        n=0
        while n < int(sys.argv[1]):
            e=json.loads(await asyncio.wait_for(ws.recv(), 15)); n+=1
            print(e["message_id"][:8], e["event_type"], e.get("user_id"), e.get("event_properties"), e.get("library"), e.get("insert_id"))
asyncio.run(main())
