// Does the page of examples/browser, opened in Chromium, show what is sent, and come back when it is opened again or refused?
import { freePort, request, revoke, send, startServerProcess } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { CHROMIUM, startBrowser } from '../console/support/browser.ts'
import { addressOf, startNode } from './support/example.ts'

await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const server = await startServerProcess(t, { flags: ['--cors-origins', origin] })
  const env = { ...addressOf(server), KEY: server.providerKey, PORT: String(port) }
  const backEnd = startNode(t, 'browser/server.mjs', { env })
  t.equal(await backEnd.stdout.next(), `ready ${origin}`)
  const page = await (await startBrowser(t)).open(origin)
  await page.seeText('This page is listening.')
  const to = { app: 'shop', account: 'ada' }
  await send(server, to, '<b>hello</b>')
  await page.seeText('<b>hello</b>')
  await page.call('Page.reload')
  await page.see(`document.readyState === 'complete' && document.querySelector('#messages').children.length === 0`)
  await send(server, to, 'to the same device')
  await page.seeText('to the same device')
  const { tokens } = (await request(server, 'GET', '/v1/tokens?app=shop&account=ada')).body
  t.equal(tokens.length, 1, 'it has kept its token')
  await revoke(server, tokens[0].tokenId)
  await page.see(`document.querySelector('#state').value === 'waiting'`)
  await page.seeText('This page is listening.')
  await send(server, to, 'to a new token')
  await page.seeText('to a new token')
  t.same((await backEnd.kill()).code, 0)
})
