// Do the devices in Node, with the client and with MQTT.js, get what is sent, also while they or the server were away?
import { t } from '../support/tap.ts'
import { receives, startNode } from './support/example.ts'

for (const name of ['client.mjs', 'mqttjs.mjs'])
  await t.test(name, (t) => receives(t, (t, env) => startNode(t, name, { env })))
