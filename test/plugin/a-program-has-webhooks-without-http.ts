// Can the program that embeds push make and manage webhooks itself, with the checks and answers of HTTP?
import { t } from '../support/tap.ts'
import { parseNetworks } from '../../common/networks.ts'
import { startReceiver, verify } from '../wire/webhooks/support/receiver.ts'
import { embed } from './support/embed.ts'

await t.test('all of it', async (t) => {
  const webhooks = { networks: parseNetworks('127.0.0.1')!, httpHosts: ['127.0.0.1'], retries: [1, 1] }
  const { push } = await embed(t, { webhooks })
  const receiver = await startReceiver(t)
  const { secret, ...made } = await push.createWebhook({ app: 'shop', url: receiver.url, types: ['token.*'] })
  t.match(made, { provider: '$program', createdBy: 'provider $program' })
  const { tokenId } = await push.issueToken({ app: 'shop', device: 'a' }).then(({ tokenId }) => ({ tokenId }))
  const call = await receiver.calls.next()
  verify(secret, call)
  t.match(call.events, [{ type: 'token.issued', tokenId }])
  t.same((await push.listWebhooks()).webhooks, [made])
  t.match(await push.findWebhook(made.id), { ...made, delivery: { attempts: 0 } })
  t.match(await push.testWebhook(made.id), { delivered: true, status: 204, failure: null })
  t.match(await push.changeWebhook(made.id, { keepFor: 0, enabled: false }), { keepFor: 0, state: 'disabled' })
  t.match(await push.enableWebhook(made.id), { state: 'enabled', dropped: 0 })
  t.match(await push.rotateWebhookSecret(made.id, { overlap: 0 }), { secret: /^whsec_/, previousUntil: null })
  t.match(await push.replayWebhook(made.id), { id: made.id })
  await push.deleteWebhook(made.id)
  await t.rejects(push.findWebhook(made.id), { code: 'WEBHOOK_UNKNOWN' })
  await t.rejects(push.createWebhook({ app: 'shop', url: 'http://example.com/' }), { code: 'WEBHOOK_URL_INVALID' })
  await t.rejects(push.createWebhook({ app: 'shop' } as never), { code: 'REQUEST_INVALID', detail: /^body/ })
  for (const wrong of [
    { retries: [] },
    { retries: [0] },
    { networks: '10.0.0.0/8' },
    { httpHosts: ['hooks:80'] },
    { x: 1 },
  ])
    await t.rejects(embed(t, { webhooks: wrong as never }), /webhooks must be an object/)
})
