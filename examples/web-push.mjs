/**
 * A back end that sends with the library web-push. It needs no provider key: the app has given it a subscription, which
 * docs/client.md shows how to make, and the server has PUSH_PUBLIC_URL.
 *
 *   npm install web-push
 *   npx web-push generate-vapid-keys
 *   VAPID_PUBLIC_KEY=... VAPID_PRIVATE_KEY=... node examples/web-push.mjs subscription.json 'Your order is on its way'
 */
import { readFileSync } from 'node:fs'
import webPush from 'web-push'

const { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY } = process.env
const [file, text] = process.argv.slice(2)
const subscription = JSON.parse(readFileSync(file, 'utf8'))
webPush.setVapidDetails('mailto:ops@example.com', VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY)

try {
  const { headers } = await webPush.sendNotification(subscription, text, { TTL: 86_400, urgency: 'high' })
  console.log(`stored: DELETE ${headers.location} takes it back`)
} catch (error) {
  // 404 and 410: this device is gone. Forget the subscription.
  console.error(error.statusCode, error.body)
  process.exitCode = 1
}
