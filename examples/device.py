"""A device in Python, with Paho.

  pip install paho-mqtt==2.1.0
  TOKEN=... TOPIC=... python3 examples/device.py
"""

import os
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TOPIC = os.environ["TOPIC"]


def on_connect(client, userdata, flags, reason_code, properties):
    if reason_code.is_failure:
        # The token has ended, or was revoked: ask for another one.
        print(f"refused: {reason_code}", file=sys.stderr)
        client.disconnect()
    else:
        client.subscribe(TOPIC, qos=1)


def on_message(client, userdata, message):
    print(message.payload.decode(), flush=True)
    # Do what matters before this: it is the acknowledgement.
    client.ack(message.mid, message.qos)


client = mqtt.Client(
    mqtt.CallbackAPIVersion.VERSION2,
    client_id="phone-1",
    protocol=mqtt.MQTTv5,
    manual_ack=True,
)
client.username_pw_set("device", os.environ["TOKEN"])
client.on_connect = on_connect
client.on_message = on_message

# The session outlives the connection: what is sent in between waits.
session = Properties(PacketTypes.CONNECT)
session.SessionExpiryInterval = 86_400
client.connect(
    os.environ.get("MQTT_HOST", "127.0.0.1"),
    int(os.environ.get("MQTT_PORT", "1883")),
    clean_start=False,
    properties=session,
)
# Comes back by itself when the connection is lost.
client.loop_forever()
