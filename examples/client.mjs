/**
 * A device in Node without MQTT: aedes-push/client.
 *
 *   TOKEN=... node examples/client.mjs
 */
import { listen } from 'aedes-push/client'

const { PUSH_URL: url = 'http://127.0.0.1:8080', TOKEN: token } = process.env

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

const client = listen({
  url,
  token,
  signal: stop.signal,
  // When this has ended well, the message is acknowledged. When it throws, the message comes again.
  async onMessage(message) {
    console.log(message.text)
  },
  onToken: (answer) => console.error(`keep for the next start: a token until ${answer.expiresAt}`),
  onMissed: (missed) => console.error(`missed: ${missed}`),
  onError: (error) => console.error(`${error.code}, and goes on`),
})

await client.closed
