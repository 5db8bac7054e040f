// Can a name, an id or a payload do anything in the console but be read, or a page of somebody else use it?
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { t } from '../support/tap.ts'
import { connect, eventually, issueToken, makeKey, request, send, startServer } from '../support/index.ts'
import { CHROMIUM, startBrowser } from './support/browser.ts'
import { isHarmless } from './support/harmless.ts'
import { addressOf, signIn, visit } from './support/signed-in.ts'

const EVIL = [
  '<img src=x onerror="alert(1)">',
  '"><script>alert(2)</script>',
  '<svg onload=alert(3)>',
  "javascript:alert(4)//';alert(5)",
  '\u202egpj.exe\u2066 \u200bhidden\u2069',
  'e\u0301\u0301\u0301\u0301'.repeat(5),
  'null',
  '__proto__',
  '{{constructor.constructor("alert(6)")()}}',
]
const LONG = 'W'.repeat(200_000)

await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const server = await startServer(t)
  const browser = await startBrowser(t)

  await t.test('names, ids and payloads', async (t) => {
    const page = await signIn(browser, server)
    const app = '<b onclick=alert(7)>chat'
    const tags = ['<i>tag</i>', '\u202etag']
    const wanted = { app, device: 'phone', account: '<u>ann', version: '1<s>\u202e', tags }
    const { tokenId, token } = await issueToken(server, wanted)
    for (const [index, text] of EVIL.entries()) await send(server, { token: tokenId }, text, { id: `${index} ${text}` })
    await send(server, { token: tokenId }, LONG, { id: 'long' })
    await send(server, { token: tokenId }, null, { id: 'nothing' })
    await send(server, { token: tokenId }, Buffer.from([0, 1, 255]), { id: 'bytes' })
    await page.go(`${addressOf(server)}#/inspect/token/${tokenId}`)
    await page.seeText('AAH/')
    const text = await page.text()
    for (const each of EVIL.filter((one) => !one.includes('\u202e'))) t.ok(text.includes(each), each)
    t.ok(text.includes('U+202Egpj.exeU+2066 U+200BhiddenU+2069'), 'what turns or hides text is shown')
    t.ok(text.includes('1<s>U+202E'))
    t.ok(text.includes('Show all 200,000 characters'))
    await page.click('Show all 200,000')
    await page.click('Show less')
    await isHarmless(t, page)

    for (const name of EVIL.filter((each) => !/[/+#]|__/.test(each)))
      await makeKey(server, { name, scopes: ['tokens:read'] })
    await request(server, 'POST', '/v1/enrolments', { body: { app } })
    await visit(page, 'Keys')
    await page.seeText('<img src=x onerror="alert(1)">')
    await isHarmless(t, page)
    await visit(page, 'Devices')
    await page.seeText(app)
    await isHarmless(t, page)

    await visit(page, 'Events')
    await page.fill('App', app)
    await page.click('What devices publish')
    await page.click('Start')
    const device = await connect(t, server, { username: 'device', password: token })
    // What is published before somebody listens is kept for nobody.
    await eventually('the page listens', async () => {
      await device.publish(`${app}/u/${tokenId}/listened-to`, 'x', { qos: 1 })
      return await page.read("document.body.innerText.includes('listened-to')")
    })
    for (const each of EVIL)
      await device.publish(`${app}/u/${tokenId}/${each.replaceAll(/[+#]/g, '')}`, each, { qos: 1 })
    await page.seeText('{{constructor.constructor("alert(6)")()}}')
    await isHarmless(t, page)

    for (const hash of ['#/__proto__/x', '#/inspect/token/%E0%A4%A', '#/inspect/app/<script>alert(8)%2F/%00'])
      await page.read(`location.hash = ${JSON.stringify(hash)}`)
    await page.seeText('NAME_INVALID')
    await isHarmless(t, page)
    t.same(
      page.complaints.filter((each) => !/40[014]/.test(String(each))),
      [],
    )
  })

  await t.test('a page of somebody else, on the same host', async (t) => {
    const page = await signIn(browser, server)
    const evil = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(`<iframe src="${addressOf(server)}"></iframe><iframe name="sink"></iframe>`)
    })
    evil.listen(0, '127.0.0.1')
    await once(evil, 'listening')
    t.teardown(() => evil.close())
    await page.go(`http://localhost:${(evil.address() as AddressInfo).port}/`)
    const { frameTree } = await page.call('Page.getFrameTree')
    t.match(frameTree.childFrames[0].frame.url, /^chrome-error:/, 'no frame around it')
    const keys = `http://localhost:${server.httpPort}/v1/keys`
    const body = JSON.stringify({ name: 'stolen', apps: '*', scopes: ['messages:send'] })
    const tries = [
      { mode: 'cors', headers: { 'content-type': 'application/json', 'x-push-console': 'active' } },
      { mode: 'no-cors', headers: { 'content-type': 'text/plain', 'x-push-console': 'active' } },
      { mode: 'no-cors', headers: { 'content-type': 'text/plain' } },
    ]
    for (const one of tries) {
      const options = JSON.stringify({ ...one, method: 'POST', credentials: 'include', body })
      const answer = await page.read(
        `fetch(${JSON.stringify(keys)}, ${options}).then(({ type }) => type, () => 'refused')`,
      )
      t.match(answer, /^(refused|opaque)$/)
    }
    await page.read(`(() => {
      const form = Object.assign(document.createElement('form'), { method: 'POST', action: ${JSON.stringify(keys)}, enctype: 'text/plain', target: 'sink' })
      form.append(Object.assign(document.createElement('input'), { name: ${JSON.stringify(body)} }))
      document.body.append(form)
      form.submit()
    })()`)
    await page.see(`(() => { try { return !frames.sink.document } catch { return true } })()`)
    const { body: list } = await request(server, 'GET', '/v1/keys')
    t.notOk(list.keys.some(({ name }: { name: string }) => name === 'stolen'))
    await page.go(addressOf(server))
    await page.seeText('Messages since the start')
  })
})
