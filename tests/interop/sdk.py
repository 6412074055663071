"""Amplitude's SDK for Python: `python sdk.py RELAY`."""
import sys

from amplitude import Amplitude, BaseEvent, EventOptions, Identify

relay = sys.argv[1]
failed = []


def told(event, code, message=None):
    if code != 200:
        failed.append((event, code, message))


def client(path, use_batch):
    made = Amplitude("key")
    made.configuration.server_url = relay + path
    made.configuration.use_batch = use_batch
    made.configuration.flush_interval_millis = 50
    made.configuration.callback = told
    return made


properties = {"total": 1.5, "items": ["a", {"b": None}], "note": 'é\u2028"'}
api = client("/2/httpapi", False)
for n in range(50):
    api.track(BaseEvent("Python Event", user_id="python-1", event_properties={"n": n, **properties}))
identify = Identify()
identify.set("plan", "pro")
api.identify(identify, EventOptions(user_id="python-1"))
api.flush()
api.shutdown()
batch = client("/batch", True)
batch.track(BaseEvent("Python Batch", user_id="python-2", event_properties=properties))
batch.flush()
batch.shutdown()
if failed:
    sys.exit(repr(failed))
