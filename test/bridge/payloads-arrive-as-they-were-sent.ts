// Is every payload delivered byte for byte, and refused where it could not be?
import { t } from '../support/tap.ts'
import { ack, issueToken, lookup, request } from '../support/api.ts'
import { serve } from './support/serve.ts'

const TEXT = '0101'
const JSON_TEXT = `0101030010${Buffer.from('application/json').toString('hex')}`

await t.test('text, JSON and bytes', async (t) => {
  const api = await serve(t)
  const { token, tokenId } = await issueToken(api, { app: 'chat', device: 'phone' })
  const post = (content: string) =>
    request(api, 'POST', '/v1/messages', { raw: `{"to":{"token":"${tokenId}"},${content}}` })

  const arriving: [content: string, bytes: string, properties: string | undefined][] = [
    ['"payload":"Grüße \\ud83d\\ude00 \\u0000"', 'Grüße 😀 \0', TEXT],
    ['"payload":""', '', TEXT],
    ['"payload":null', 'null', JSON_TEXT],
    ['"payload":false', 'false', JSON_TEXT],
    ['"payload":0', '0', JSON_TEXT],
    ['"payload":[1,"a"]', '[1,"a"]', JSON_TEXT],
    ['"payload":{"__proto__":{"a":1},"constructor":2}', '{"__proto__":{"a":1},"constructor":2}', JSON_TEXT],
    ['"payloadBase64":"SGk="', 'Hi', undefined],
    ['"payloadBase64":""', '', undefined],
  ]
  let after = 0
  for (const [content, bytes, properties] of arriving) {
    t.equal((await post(content)).status, 202, content)
    const { entries, readTo } = await api.store.readPrivate(tokenId, after, { entries: 10, bytes: 1e6 })
    after = readTo
    t.equal(Buffer.from(entries[0]!.payload).toString(), bytes)
    t.equal(entries[0]!.properties && Buffer.from(entries[0]!.properties).toString('hex'), properties)
    const page = await lookup(api, token)
    t.match(page, { messages: [{ payload: bytes }] })
    await ack(api, token, page.cursor)
  }

  t.equal((await post('"payloadBase64":"/wD+"')).status, 202)
  t.match(await lookup(api, token), { messages: [{ payloadBase64: '/wD+', payload: undefined }] }, 'not UTF-8')

  const depth = 100_000
  const refused = [
    '"ttl":1',
    '"payload":"a","payloadBase64":"YQ=="',
    '"payload":"\\ud800"',
    '"payloadBase64":"SGk"',
    '"payloadBase64":"SG k="',
    '"payloadBase64":"_-8="',
    '"payloadBase64":"SGl="',
    '"payloadBase64":7',
    `"payload":${'['.repeat(depth)}${']'.repeat(depth)}`,
  ]
  for (const content of refused) {
    t.match(await post(content), { status: 400, body: { code: 'PAYLOAD_INVALID' } }, content.slice(0, 40))
  }
})
