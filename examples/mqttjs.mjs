/**
 * A device in Node, with MQTT.js. docs/tokens.md has the same with renewal of the token.
 *
 *   npm install mqtt
 *   TOKEN=... TOPIC=... node examples/mqttjs.mjs
 */
import mqtt from 'mqtt'

const { MQTT_HOST = '127.0.0.1', MQTT_PORT = '1883', TOKEN, TOPIC } = process.env

const client = mqtt.connect(`mqtt://${MQTT_HOST}:${MQTT_PORT}`, {
  protocolVersion: 5,
  clientId: 'phone-1',
  username: 'device',
  password: TOKEN,
  // The session outlives the connection: what is sent in between waits.
  clean: false,
  properties: { sessionExpiryInterval: 86_400 },
})

client.on('connect', () => client.subscribe(TOPIC, { qos: 1 }))
// MQTT.js acknowledges when `done` is called: do what matters before.
client.handleMessage = ({ payload }, done) => {
  console.log(payload.toString())
  done()
}
client.on('error', (error) => {
  console.error(error.message)
  // The reason code of a CONNACK: the token has ended, or was revoked. Ask for another one. All else passes by itself.
  if (typeof error.code === 'number') client.end()
})
process.once('SIGTERM', () => client.end())
