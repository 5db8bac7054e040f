// Does a client come back from connections that are cut, refused, frozen or slow, and does it poll where a proxy keeps streams back?
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { Test } from 'tap'
import { eventually, faultProxy, issueToken, lookup, send, startServer, type Scope } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { startListening } from './support/listening.ts'

const server = await startServer(t, { settings: { PUSH_STREAM_COMMENT: '1' } })
let devices = 0

for (const transport of ['stream', 'poll'] as const)
  await t.test(transport, async (t) => {
    const { token, tokenId } = await issueToken(server, { app: 'chat', device: `phone-${(devices += 1)}` })
    const proxy = await faultProxy(t, server.httpPort)
    const client = startListening(t, { httpPort: proxy.port }, { token, transport, quietSeconds: 3 })
    const { messages, listener, errors } = client
    const sent: string[] = []
    const arrives = async (text: string) => {
      sent.push(text)
      await send(server, { token: tokenId }, text)
      await messages.nextWhere((message) => message.text === text)
    }
    await arrives('a good day')
    proxy.cut()
    await arrives('cut')
    proxy.refuse()
    await errors.nextWhere(({ code }) => code === 'UNREACHABLE')
    proxy.heal()
    await arrives('refused')
    if (transport === 'stream') {
      proxy.freeze()
      sent.push('frozen')
      await send(server, { token: tokenId }, 'frozen')
      // Its connection looks as if nothing were wrong.
      await errors.nextWhere(({ code }) => code === 'UNREACHABLE')
      proxy.heal()
      await messages.nextWhere(({ text }) => text === 'frozen')
    }
    proxy.throttle(20_000)
    await arrives('slow '.repeat(10_000))
    proxy.heal()
    await arrives('a good day again')
    await listener.close()
    t.same(
      messages.received.map(({ text }) => text),
      sent,
      'each once, in order',
    )
    t.same((await lookup(server, token)).messages, [])
  })

/** It hands on an answer when it has the whole of it, as some proxies, and programs against viruses, do. */
async function gatheringProxy(t: Scope, port: number) {
  const paths: string[] = []
  const proxy = createServer((incoming, response) => {
    paths.push(String(incoming.url))
    const { method, url: path, headers } = incoming
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('end', () => {
        const { 'transfer-encoding': _, ...rest } = answer.headers
        response.writeHead(answer.statusCode ?? 0, rest).end(Buffer.concat(chunks))
      })
      answer.once('error', () => response.destroy())
    })
    outgoing.once('error', () => response.destroy())
    response.once('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return { httpPort: (proxy.address() as AddressInfo).port, paths }
}

await t.test('a proxy that gathers', async (t: Test) => {
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'behind' })
  const proxy = await gatheringProxy(t, server.httpPort)
  const { texts, listener } = startListening(t, proxy, { token })
  await send(server, { token: tokenId }, 'one')
  t.same(await texts(1), ['one'])
  await eventually('a lookup that waits', () => proxy.paths.some((path) => path.includes('wait=50')))
  await send(server, { token: tokenId }, 'two')
  t.same(await texts(1), ['two'])
  await listener.close()
  t.same((await lookup(server, token)).messages, [])
})

await t.test('a program that cannot read an answer as it comes', async (t) => {
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'native' })
  const client = startListening(t, server, {
    token,
    async fetch(...request) {
      const answer = await fetch(...request)
      if (answer.headers.get('content-type')?.includes('event-stream') === true) {
        await answer.body?.cancel()
        return Object.create(answer, {
          body: { value: undefined },
          headers: { value: answer.headers },
          ok: { value: true },
        })
      }
      return answer
    },
  })
  await send(server, { token: tokenId }, 'one')
  t.same(await client.texts(1), ['one'])
  t.match(client.errors.received, [{ code: 'HTTP_ERROR' }])
})
