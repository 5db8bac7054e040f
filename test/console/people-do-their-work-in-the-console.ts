// Does a person sign in, send, see, recall and revoke in a real browser, and does axe find nothing on any page?
import { t } from '../support/tap.ts'
import { connect, eventually, issueToken, makeKey, request, send, startServer } from '../support/index.ts'
import { findings, inBothThemes } from './support/axe.ts'
import { CHROMIUM, startBrowser } from './support/browser.ts'
import { focused, tabTo } from './support/keyboard.ts'
import { addressOf, enter, signIn, visit } from './support/signed-in.ts'

// One test around all: tap takes a file for over that waits for something else between two of them.
await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const server = await startServer(t)
  const browser = await startBrowser(t)
  const { tokenId, token } = await issueToken(server, {
    app: 'chat',
    device: 'phone',
    account: 'ann',
    version: '2.1.0',
  })

  await t.test('a wrong key, and then the right one', async (t) => {
    const page = await browser.open(addressOf(server))
    await page.seeText('Provider key')
    t.same(await inBothThemes(page), [], 'axe on the sign-in')
    await enter(page, 'a-key-that-nobody-has')
    await page.seeText('CREDENTIALS_INVALID')
    t.same(await inBothThemes(page), [], 'axe on the refusal')
    await enter(page, server.providerKey)
    await page.seeText('Messages since the start')
    const [cookie] = await page.cookies()
    t.match(cookie, { name: 'push_console', httpOnly: true, sameSite: 'Strict', session: true })
    t.not(
      await page.read('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })'),
      server.providerKey,
    )
    t.notMatch(
      await page.read('document.documentElement.outerHTML'),
      server.providerKey,
      'the key is nowhere in the page',
    )
    await page.click('Sign out')
    await page.seeText('Provider key')
    t.same(await page.cookies(), [])
  })

  const page = await signIn(browser, server)

  await t.test('what is sent is seen, and taken back', async (t) => {
    await visit(page, 'Send')
    await page.fill('Token id', token)
    await page.fill('Payload', 'hello <b>Ann</b>')
    await page.click('Options')
    await page.fill('Id', 'greeting')
    await page.click('Receipt')
    await page.click('Send', "document.querySelector('form')")
    await page.seeText('1 accepted')
    await page.click('Status')
    await page.seeText('pending')
    t.same(await inBothThemes(page), [], 'axe on the answer')

    await visit(page, 'Inspect')
    await page.fill('Token id', token)
    await page.press('Enter')
    await page.seeText('hello <b>Ann</b>')
    t.equal(await page.read('location.hash'), `#/inspect/token/${tokenId}`, 'a message token stays out of the address')
    t.same(await inBothThemes(page), [], 'axe on a token')
    await page.click('Recall')
    await page.click('Recall', "document.querySelector('dialog[open]')")
    await page.seeText('Nothing is pending')
    await page.click('Refresh', 'document.querySelector(\'[aria-label="Last events"]\')')
    await page.seeText('message.recalled')
  })

  await t.test('devices, and what devices do, as it happens', async (t) => {
    await visit(page, 'Events')
    await page.fill('App', 'chat')
    await page.click('What devices publish')
    await page.click('Start')
    await page.seeText('Waiting for events')
    const device = await connect(t, server, { username: 'device', password: token })
    // The consumer begins with what comes after it was made.
    await eventually('the page listens', async () => {
      await device.publish(`chat/u/${tokenId}/typing`, 'typing…', { qos: 1 })
      return await page.read("document.body.innerText.includes('typing…')")
    })
    t.same(await inBothThemes(page), [], 'axe on events')
    await page.click('Stop')

    await visit(page, 'Devices')
    await page.fill('App', 'chat', 'document.querySelector(\'[aria-label="Make an enrolment code"]\')')
    await page.click('Make a code')
    const code: string = await page.see(`document.querySelector('.secret input')?.value`)
    t.equal((await request(server, 'POST', '/v1/tokens', { bearer: code, body: { app: 'chat' } })).status, 201)
    await page.fill('App', 'chat')
    await page.click('Issue')
    await page.seeText('Private topic')
    t.same(await inBothThemes(page), [], 'axe on devices')
  })

  await t.test('keys, and the overview', async (t) => {
    await visit(page, 'Keys')
    await page.fill('Name of the provider', 'shop')
    await page.fill('Apps', 'chat')
    await page.click('messages:send')
    await page.click('Make a key', "document.querySelector('form')")
    const key: string = await page.see(`document.querySelector('.secret input')?.value`)
    await send({ ...server, httpPort: server.httpPort, providerKey: key }, { token: tokenId }, 'by the new key')
    t.same(await inBothThemes(page), [], 'axe on keys')
    await visit(page, 'Overview')
    await page.see(`document.querySelectorAll('.plot canvas').length === 4`)
    t.same(await inBothThemes(page), [], 'axe on the overview')
    await page.size(390, 800)
    t.ok(await page.see('document.documentElement.scrollWidth <= innerWidth'), 'it fits a phone')
    await page.size(1280, 900)
  })

  await t.test('revoked, by the keyboard alone', async (t) => {
    await visit(page, 'Inspect')
    await tabTo(page, 'Token id, or message token')
    await page.type(tokenId)
    await page.press('Enter')
    await page.seeText('by the new key')
    await tabTo(page, 'Revoke')
    await page.press('Enter')
    await page.see(`document.querySelector('dialog[open]')?.contains(document.activeElement)`)
    await page.press('Escape')
    await page.see(`!document.querySelector('dialog[open]')`)
    t.equal(await focused(page), 'Revoke', 'where it was before')
    await page.press(' ')
    t.same(await findings(page), [], 'axe on the question')
    await tabTo(page, 'Revoke')
    await page.press('Enter')
    await page.see(`document.querySelector('.subject').innerText.includes('revoked')`)
    t.match((await request(server, 'GET', '/v1/messages', { bearer: token })).body, { code: 'TOKEN_REVOKED' })
  })

  await t.test('a key that may do little', async (t) => {
    const { id, key } = await makeKey(server, { apps: ['chat'], scopes: ['tokens:read'] })
    const other = await signIn(browser, server, key)
    await other.seeText('Your key cannot see how the server does')
    t.same(await findings(other), [])
    await other.go(`${addressOf(server)}#/inspect/token/${tokenId}`)
    await other.seeText('It needs the scope messages:read')
    t.notMatch(await other.text(), 'by the new key', 'payloads are for who may read them')
    await request(server, 'DELETE', `/v1/keys/${id}`)
    await other.click('Refresh')
    await other.seeText('Your session is over')
    t.same(await findings(other), [])
  })

  t.same(
    page.complaints.filter((each) => !/401/.test(String(each))),
    [],
    'nothing was refused by the policy of the page',
  )
  const origin = addressOf(server).replace('/console/', '/')
  t.same(
    page.requests.filter((url) => !url.startsWith(origin)),
    [],
    'nothing was asked of anybody else',
  )
})
