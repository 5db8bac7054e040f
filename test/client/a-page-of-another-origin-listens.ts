// In Chromium, in a page of another origin, from the files as they are published: does the client listen, come back, renew and decrypt?
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import webPush from 'web-push'
import {
  BUILD,
  eventually,
  issueToken,
  lookup,
  request,
  send,
  startServerProcess,
  type Scope,
} from '../support/index.ts'
import { t } from '../support/tap.ts'
import { CHROMIUM, startBrowser } from '../console/support/browser.ts'

/** The page, and the client as a folder of files. */
async function servePage(t: Scope): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const name = /^\/client\/([a-z-]+\.js)$/.exec(url)?.[1]
    if (name === undefined)
      return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>')
    return response.writeHead(200, { 'content-type': 'text/javascript' }).end(readFileSync(join(BUILD, 'client', name)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const begin = (options: object) => `(async () => {
  const { listen } = await import('/client/index.js')
  window.texts = []
  window.errors = []
  window.client = listen({
    ...${JSON.stringify(options)},
    onMessage: ({ text }) => void texts.push(text),
    onToken: ({ token }) => void (window.renewed = token),
    onError: ({ code }) => void errors.push(code),
    getToken: ({ code }) => void errors.push('asked ' + code),
  })
})()`
const has = (text: string) => `texts.includes(${JSON.stringify(text)})`

await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const origin = await servePage(t)
  const server = await startServerProcess(t, { settings: { PUSH_CORS_ORIGINS: origin } })
  const url = `http://127.0.0.1:${server.httpPort}`
  const browser = await startBrowser(t)

  for (const transport of ['stream', 'poll'] as const)
    await t.test(transport, async (t) => {
      const { token, tokenId } = await issueToken(server, { app: 'chat', device: transport, ttl: 30 })
      const page = await browser.open(origin)
      await page.read(begin({ url, token, transport }))
      await send(server, { token: tokenId }, 'Grüße')
      await page.see(has('Grüße'))
      await server.kill()
      await server.restart()
      await send(server, { token: tokenId }, 'after a kill')
      await page.see(has('after a kill'))
      await eventually('nothing pending', async () => (await lookup(server, token)).messages.length === 0)
      await send(server, { token: tokenId }, 'for another time')
      await page.see(has('for another time'))
      await page.go(origin)
      t.ok(
        page.requests.every((each) => !each.includes(token)),
        'no address has the token',
      )
    })

  await t.test('it renews, and is told when it is refused', async (t) => {
    const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'renewing', ttl: 4 })
    const page = await browser.open(origin)
    await page.read(begin({ url, token }))
    await page.see('window.renewed !== undefined')
    await request(server, 'DELETE', `/v1/tokens/${tokenId}`)
    await page.see(`errors.includes('asked TOKEN_REVOKED') && client.state === 'closed'`)
    t.equal(await page.read(`client.closed.catch(({ code, status }) => code + ' ' + status)`), 'TOKEN_REVOKED 403')
  })

  await t.test('a page that goes away while its handler runs gets the message again', async (t) => {
    const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'leaving' })
    const page = await browser.open(origin)
    const hangs = begin({ url, token }).replace(
      'void texts.push(text)',
      '{ texts.push(text); return new Promise(() => {}) }',
    )
    await page.read(hangs)
    await send(server, { token: tokenId }, 'half done')
    await page.see(has('half done'))
    await page.call('Page.reload')
    await page.see(`window.texts === undefined && document.readyState === 'complete'`)
    await page.read(begin({ url, token }))
    t.ok(await page.see(has('half done')))
  })

  await t.test('it makes keys, and decrypts', async (t) => {
    const page = await browser.open(origin)
    const keys = await page.read(`import('/client/index.js').then(({ createWebPushKeys }) => createWebPushKeys())`)
    const { cipherText } = webPush.encrypt(keys.p256dh, keys.auth, 'a secret', 'aes128gcm')
    const text = await page.read(`import('/client/index.js').then(async ({ decryptWebPush }) =>
      new TextDecoder().decode(await decryptWebPush(new Uint8Array(${JSON.stringify([...cipherText])}), ${JSON.stringify(keys)})))`)
    t.equal(text, 'a secret')
  })
})
