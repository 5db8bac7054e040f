// Does a client decrypt what the library web-push has encrypted for its keys, and put aside what it cannot?
import { createPrivateKey } from 'node:crypto'
import webPush from 'web-push'
import { createWebPushKeys, decryptWebPush } from '../../client/index.ts'
import { eventually, lookup, send } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { agentOf, onEachEngineOverTls, SUBJECT, subscribe } from '../wire/web-push/support/push.ts'
import { startListening } from './support/listening.ts'

const keys = await createWebPushKeys()
const { p256dh, auth } = keys

await onEachEngineOverTls(t, async (t, { one, other, trust }) => {
  const vapid = webPush.generateVAPIDKeys()
  const { endpoint, token, tokenId } = await subscribe(one, { vapidKey: vapid.publicKey })
  const options = { vapidDetails: { subject: SUBJECT, ...vapid }, agent: agentOf(trust) }
  const aside: string[] = []
  const { messages } = startListening(t, other, {
    token,
    webPushKeys: JSON.parse(JSON.stringify(keys)),
    onGiveUp: ({ contentEncoding }, { code }) => aside.push(`${contentEncoding} ${code}`),
  })
  await webPush.sendNotification({ endpoint, keys: { p256dh, auth } }, 'Grüße', { ...options, urgency: 'high' })
  t.match(await messages.next(), { text: 'Grüße', contentEncoding: undefined, urgency: 'high' })
  await webPush.sendNotification({ endpoint, keys: { p256dh, auth } }, null, options)
  t.match(await messages.next(), { text: '', contentEncoding: undefined })
  const strange = await createWebPushKeys()
  await webPush.sendNotification({ endpoint, keys: { p256dh: strange.p256dh, auth } }, 'for another', options)
  await send(one, { token: tokenId }, 'of the provider')
  t.equal((await messages.next()).text, 'of the provider', 'which is not encrypted')
  t.same(aside, ['aes128gcm DECRYPTION_FAILED'])
  await eventually('nothing pending', async () => (await lookup(one, token)).messages.length === 0)
})

await t.test('the example of RFC 8291, section 5', async (t) => {
  const p256dh = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'
  const point = Buffer.from(p256dh, 'base64url')
  const x = point.subarray(1, 33).toString('base64url')
  const y = point.subarray(33).toString('base64url')
  const d = 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'
  const key = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, x, y }, format: 'jwk' })
  const privateKey = key.export({ format: 'der', type: 'pkcs8' }).toString('base64url')
  const body =
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_' +
    'yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN'
  const text = await decryptWebPush(Buffer.from(body, 'base64url'), {
    privateKey,
    p256dh,
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  })
  t.equal(Buffer.from(text).toString(), 'When I grow up, I want to be a watermelon')
})

await t.test('what was changed, cut or made up', async (t) => {
  const { cipherText } = webPush.encrypt(p256dh, auth, 'a secret', 'aes128gcm')
  t.equal(Buffer.from(await decryptWebPush(cipherText, keys)).toString(), 'a secret')
  const wrong = [Buffer.alloc(0), Buffer.alloc(200), cipherText.subarray(0, 80), cipherText.subarray(0, -1)]
  for (let at = 0; at < cipherText.length; at += 7) {
    const changed = Buffer.from(cipherText)
    changed[at]! ^= 1
    // The record size may grow: nothing depends on it.
    if (at < 16 || at >= 20) wrong.push(changed)
  }
  for (const body of wrong) await t.rejects(decryptWebPush(body, keys), { code: 'DECRYPTION_FAILED' })
})
