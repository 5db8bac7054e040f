// Do live events come by one stream, go on after it was cut without a gap or a repetition, and end with what they need?
import { t } from '../support/tap.ts'
import { connect, eventually, faultProxy, issueToken, makeKey, metric, request, startServer } from '../support/index.ts'
import { findings, inBothThemes } from './support/axe.ts'
import { CHROMIUM, startBrowser, type Page } from './support/browser.ts'
import { signIn, visit } from './support/signed-in.ts'

/** The page listens. */
const LIVE = `/\\blive ·/.test(document.body.innerText)`

await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const server = await startServer(t)
  const proxy = await faultProxy(t, server.httpPort)
  const browser = await startBrowser(t)
  const { tokenId, token } = await issueToken(server, { app: 'weather', device: 'phone' })
  const device = await connect(t, server, { username: 'device', password: token })
  const publish = (text: string) => device.publish(`weather/u/${tokenId}/report`, text, { qos: 1 })
  const through = { ...server, httpPort: proxy.port }

  await t.test('cut, and on from where it was', async (t) => {
    const page = await signIn(browser, through)
    await watch(page)
    await eventually('the page listens', async () => {
      await publish('first')
      return await page.read(`document.body.innerText.includes('first')`)
    })
    const asked = page.requests.filter((url) => url.includes('/v1/events?'))
    t.same(asked, [], 'nothing is polled')
    await publish('before the cut')
    await page.seeText('before the cut')
    proxy.refuse()
    await page.seeText('connection lost, trying again')
    t.same(await inBothThemes(page), [], 'axe on what was lost')
    for (let index = 0; index < 60; index++) await publish(`while it was away ${index}.`)
    proxy.heal()
    await page.seeText('while it was away 59.')
    await page.see(LIVE)
    const shown = await reports(page)
    t.equal(shown.filter((text) => text.includes('while it was away')).length, 60, 'each of them')
    t.equal(new Set(shown).size, shown.filter((text) => !text.includes('first')).length + 1, 'and none twice')
    t.notMatch(await page.text(), 'was cut', 'the error goes with its cause')

    await page.click('Stop')
    await page.seeText('paused')
    t.same(await findings(page), [])
  })

  await t.test('the server starts again', async (t) => {
    const page = await signIn(browser, server)
    await watch(page)
    await page.see(LIVE)
    await server.restart()
    await page.see(`${LIVE} && !document.querySelector('[role="alert"]')`)
    await issueToken(server, { app: 'weather', device: 'after the start' })
    await page.seeText('token.issued')
    t.pass('it went on')
    await page.click('Stop')
    await eventually('the end of the stream', async () => (await metric(server, 'push_http_waiting')) === 0)
  })

  await t.test('refused, in words, until somebody tries again', async (t) => {
    const { id, key } = await makeKey(server, { apps: ['weather'], scopes: ['events:read'] })
    const page = await signIn(browser, server, key)
    await visit(page, 'Events')
    await page.fill('App', 'news')
    await page.click('Start')
    await page.seeText('APP_FORBIDDEN')
    await page.seeText('refused ·')
    t.same(await inBothThemes(page), [], 'axe on the refusal')
    await page.click('Try again')
    await page.seeText('APP_FORBIDDEN')
    await page.click('Stop')
    await page.fill('App', 'weather')
    await page.click('Start')
    await page.see(LIVE)
    await request(server, 'DELETE', `/v1/keys/${id}`)
    await page.seeText('Your session is over')
  })

  await t.test('over with the session', async (t) => {
    const page = await signIn(browser, server)
    await watch(page)
    await page.see(LIVE)
    await eventually('one stream', async () => (await metric(server, 'push_http_waiting')) === 1)
    await page.click('Sign out')
    await eventually('the end of it', async () => (await metric(server, 'push_http_waiting')) === 0)
    t.pass('it has ended')
  })
})

async function watch(page: Page): Promise<void> {
  await visit(page, 'Events')
  await page.fill('App', 'weather')
  await page.click('What devices publish')
  await page.click('Start')
}

async function reports(page: Page): Promise<readonly string[]> {
  return await page.read(`[...document.querySelectorAll('td.payload')].map((each) => each.innerText)`)
}
