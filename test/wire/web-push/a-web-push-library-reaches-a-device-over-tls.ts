// Does a back end that uses a Web Push library reach a device, that decrypts what it sent?
import webPush, { WebPushError } from 'web-push'
import { ack, connectDevice, lookup, request, revoke, send } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { agentOf, at, deviceKeys, onEachEngineOverTls, SUBJECT, subscribe, through } from './support/push.ts'

await onEachEngineOverTls(t, async (t, { one, other, publicUrl, trust }) => {
  const vapid = webPush.generateVAPIDKeys()
  const agent = agentOf(trust)
  const issued = await subscribe(other, { vapidKey: vapid.publicKey })
  t.ok(issued.endpoint.startsWith(`${publicUrl}/v1/web-push/`))
  const { keys, decrypted } = deviceKeys()
  const subscription = { endpoint: issued.endpoint, keys }
  const options = { vapidDetails: { subject: SUBJECT, ...vapid }, agent }
  const push = (text: string | null, more: webPush.RequestOptions = {}) =>
    webPush.sendNotification(subscription, text, { ...options, ...more })
  const refusal = async (sending: Promise<unknown>) => {
    const error = await sending.then(
      () => undefined,
      (error: unknown) => error,
    )
    return error instanceof WebPushError ? error.statusCode : error
  }

  await t.test('a connected device', async (t) => {
    const device = await connectDevice(t, other, issued, { subscribe: true })
    const { statusCode, headers } = await push('Grüße', { TTL: 60, urgency: 'high' })
    t.equal(statusCode, 201)
    t.ok(headers['location']?.startsWith(`${publicUrl}/v1/web-push/messages/`))
    t.equal(headers['ttl'], '60')
    const { payload, properties } = await device.next()
    t.equal(decrypted(payload), 'Grüße')
    t.match(properties, {
      messageExpiryInterval: Number,
      userProperties: { 'content-encoding': 'aes128gcm', urgency: 'high' },
    })
    await push('now', { TTL: 0 })
    t.equal(decrypted((await device.next()).payload), 'now', 'now or never: it is there')
    await push(null)
    const { payload: empty, properties: ofEmpty } = await device.next()
    t.equal(empty.length, 0)
    t.notOk(ofEmpty.userProperties?.['content-encoding'], 'there is nothing to decrypt')
    await device.end()
  })

  await t.test('one that comes back', async (t) => {
    await push('never', { TTL: 0 })
    await push('1:0', { topic: 'score' })
    await push('kept', { urgency: 'very-low' })
    await push('1:1', { topic: 'score' })
    const { messages, cursor } = await lookup(one, issued.token)
    const texts = messages.map(({ payloadBase64 = '' }) => decrypted(Buffer.from(payloadBase64, 'base64')))
    t.same(texts, ['kept', '1:1'])
    t.match(messages, [
      { contentEncoding: 'aes128gcm', urgency: 'very-low' },
      { contentEncoding: 'aes128gcm', urgency: 'normal' },
    ])
    await ack(one, issued.token, cursor)
  })

  await t.test('a device of MQTT 3.1.1 gets the same bytes', async (t) => {
    const device = await connectDevice(t, other, issued, { subscribe: true, protocolVersion: 4 })
    await push('short')
    t.equal(decrypted((await device.next()).payload), 'short')
    await device.end()
  })

  await t.test('a message is recalled by its address, and no other', async (t) => {
    const { headers } = await push('wrong')
    await push('right')
    await send(one, { token: issued.tokenId }, 'of the provider')
    const location = headers['location'] ?? ''
    t.equal((await at(location, { method: 'DELETE', agent })).status, 204)
    t.match(await at(through(location, other), { method: 'DELETE' }), { status: 410, code: 'MESSAGE_GONE' })
    const { messages, cursor } = await lookup(other, issued.token)
    t.match(messages, [{ contentEncoding: 'aes128gcm' }, { payload: 'of the provider' }])
    t.equal(messages.length, 2)
    await ack(one, issued.token, cursor)
  })

  await t.test('the wrong key, none, and an address that is none', async (t) => {
    const wrong = { subject: SUBJECT, ...webPush.generateVAPIDKeys() }
    t.equal(await refusal(push('x', { vapidDetails: wrong })), 403)
    t.equal(await refusal(webPush.sendNotification(subscription, 'x', { agent })), 401)
    const damaged = { keys, endpoint: `${issued.endpoint.slice(0, -6)}AAAAAA` }
    t.equal(await refusal(webPush.sendNotification(damaged, 'x', options)), 404)
    t.same((await lookup(one, issued.token)).messages, [])
  })

  await t.test('a renewal answers the same endpoint, and whoever did not ask has none', async (t) => {
    t.equal((await subscribe(one, { vapidKey: vapid.publicKey, bearer: issued.token })).endpoint, issued.endpoint)
    const { endpoint } = await subscribe(one, { bearer: issued.token })
    t.not(endpoint, issued.endpoint, 'another one, for whoever has it')
    const { body } = await request(one, 'POST', '/v1/tokens', { body: { app: 'chat', device: 'phone' } })
    t.notOk('endpoint' in body)
  })

  await t.test('a revocation ends it', async (t) => {
    await revoke(other, issued.tokenId)
    t.equal(await refusal(push('x')), 410)
    const again = await subscribe(one, { vapidKey: vapid.publicKey })
    t.equal(await refusal(push('x')), 410, 'also where the device is back')
    await webPush.sendNotification({ keys, endpoint: again.endpoint }, 'welcome', options)
    t.equal((await lookup(other, again.token)).messages.length, 1)
  })
})
