from amplitude import Amplitude, BaseEvent, Identify, EventOptions
import logging
logging.basicConfig(level=logging.WARNING)
c=Amplitude("key"); c.configuration.server_url="http://127.0.0.1:4190/2/httpapi"; c.configuration.flush_interval_millis=100
for i in range(3): c.track(BaseEvent("Py Event", user_id="py-1", event_properties={"n":i,"x":1.5}))
i=Identify(); i.set("plan","pro"); c.identify(i, EventOptions(user_id="py-1"))
c.flush(); c.shutdown()
c=Amplitude("key"); c.configuration.server_url="http://127.0.0.1:4190/batch"; c.configuration.use_batch=True
c.track(BaseEvent("Py Batch", user_id="py-2")); c.flush(); c.shutdown()
