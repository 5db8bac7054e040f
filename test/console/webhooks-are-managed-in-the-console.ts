// Does a person make, test, change, enable, replay and delete a webhook in a real browser, and is what others wrote text there too?
import { t } from '../support/tap.ts'
import { eventually, issueToken, makeKey, request, startServer } from '../support/index.ts'
import { MAY_CALL, startReceiver, verify } from '../wire/webhooks/support/receiver.ts'
import { findings, inBothThemes } from './support/axe.ts'
import { CHROMIUM, startBrowser } from './support/browser.ts'
import { isHarmless } from './support/harmless.ts'
import { tabTo } from './support/keyboard.ts'
import { addressOf, signIn, visit } from './support/signed-in.ts'

const FORM = `document.querySelector('form[aria-label="Make a webhook"]')`
const QUESTION = `document.querySelector('dialog[open]')`

await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const server = await startServer(t, { settings: { ...MAY_CALL, PUSH_MAX_EVENTS: '100' } })
  const receiver = await startReceiver(t)
  const browser = await startBrowser(t)
  const page = await signIn(browser, server)
  let secret = ''

  await t.test('made, with a secret that is shown once', async (t) => {
    await visit(page, 'Webhooks')
    await page.seeText('No webhooks')
    await page.fill('App', 'weather')
    await page.fill('URL', 'http://198.51.100.7/hook')
    await page.click('Make a webhook', FORM)
    await page.seeText('WEBHOOK_URL_INVALID')
    t.same(await inBothThemes(page), [], 'axe on the refusal')
    await page.fill('URL', receiver.url)
    await page.fill('Events', 'token.*')
    await page.click('Make a webhook', FORM)
    secret = await page.see(`document.querySelector('.secret input')?.value`)
    t.match(secret, /^whsec_/)
    await page.see(`[...document.querySelectorAll('.secret button')].some((each) => each.innerText.startsWith('Copy'))`)
    t.same(await inBothThemes(page), [], 'axe on the secret')
    await issueToken(server, { app: 'weather', device: 'phone' })
    const call = await receiver.calls.next()
    t.match(verify(secret, call), { data: { events: [{ type: 'token.issued' }] } }, 'it is the secret that signs')
  })

  await t.test('looked at, tested and changed', async (t) => {
    await page.click(receiver.url)
    await page.seeText('Failed attempts')
    t.notMatch(await page.text(), secret, 'it is not shown again')
    await page.click('Test')
    await page.seeText('The test arrived: it answered 204')
    t.match(await receiver.calls.next(), { type: 'webhook.test' })
    receiver.answer = 500
    await page.click('Test')
    await page.seeText('The test did not arrive: it answered 500')
    receiver.answer = 204
    await page.fill('Events', 'token.*, message.dropped')
    await page.fill('Keep for replays', '7200')
    await page.click('Change', `document.querySelector('form[aria-label="Change"]')`)
    await page.seeText('7,200 s')
    const { body } = await request(server, 'GET', '/v1/webhooks')
    t.match(body.webhooks, [{ url: receiver.url, types: ['token.*', 'message.dropped'], keepFor: 7_200 }])
    await page.click('Rotate secret')
    await page.click('Rotate secret', QUESTION)
    t.not(await page.see(`document.querySelector('.secret input')?.value`), secret)
    await page.seeText('Old secret ends')
    t.same(await inBothThemes(page), [], 'axe on one webhook')
    await page.size(390, 800)
    t.ok(await page.see('document.documentElement.scrollWidth <= innerWidth'), 'it fits a phone')
    await page.size(1280, 900)
  })

  await t.test('replayed', async (t) => {
    const [known] = receiver.received.flatMap(({ events }) => events)
    await page.click('Replay')
    await page.seeText('The events are being sent again')
    await eventually('the event again', () => receiver.received.filter(holds(known?.eventId)).length > 1)
    t.pass('it came again')
  })

  await t.test('disabled, and enabled by the keyboard, which says what was dropped', async (t) => {
    await page.click('Disable')
    t.same(await inBothThemes(page), [], 'axe on the question')
    await page.click('Disable', QUESTION)
    await page.seeText('(asked). Somebody disabled it')
    for (let device = 0; device < 130; device++) await issueToken(server, { app: 'weather', device: `phone-${device}` })
    await tabTo(page, 'Enable')
    await page.press('Enter')
    await page.see(`/[1-9]\\d* events were dropped meanwhile/.test(document.body.innerText)`)
    await page.see(`document.querySelector('.subject').innerText.includes('enabled')`)
    t.same(await findings(page), [], 'axe on what was dropped')
  })

  await t.test('disabled by its receiver, which the list says, and deleted', async (t) => {
    receiver.answer = 410
    await issueToken(server, { app: 'weather', device: 'another' })
    await eventually('the end', async () => {
      const { body } = await request(server, 'GET', '/v1/webhooks')
      return body.webhooks[0].state === 'disabled'
    })
    await page.click('All webhooks')
    await page.seeText('gone')
    t.same(await inBothThemes(page), [], 'axe on the list')
    await page.click(receiver.url)
    await page.seeText('Its receiver answered 410')
    await page.click('Delete')
    await page.click('Cancel', QUESTION)
    t.equal((await request(server, 'GET', '/v1/webhooks')).body.webhooks.length, 1, 'nothing went without a yes')
    await page.click('Delete')
    await page.click('Delete', QUESTION)
    await page.seeText('No webhooks')
    t.equal((await request(server, 'GET', '/v1/webhooks')).body.webhooks.length, 0)
  })

  await t.test('names and URLs of somebody who means harm', async (t) => {
    const app = '<img src=x onerror=alert(1)>\u202e'
    const url = 'https://hooks.example.com/"><script>alert(2)</script>?<svg/onload=alert(3)>=javascript:alert(4)'
    const name = '<b onclick=alert(5)>shop'
    const { key } = await makeKey(server, { name, apps: '*', scopes: ['webhooks:write', 'events:read'] })
    const { body: made } = await request(server, 'POST', '/v1/webhooks', { bearer: key, body: { app, url } })
    await page.click('Refresh')
    await page.seeText(made.url)
    await page.seeText('<img src=x onerror=alert(1)>U+202E')
    await isHarmless(t, page)
    await page.click('https://hooks.example.com')
    await page.seeText(name)
    await isHarmless(t, page)
    for (const id of ['<img src=x onerror=alert(6)>', '../keys', '%00', '__proto__']) {
      await page.go(`${addressOf(server)}#/webhooks/${encodeURIComponent(id)}`)
      await page.seeText('WEBHOOK_UNKNOWN')
    }
    await isHarmless(t, page)
  })

  await t.test('a key that may do less', async (t) => {
    const bare = await makeKey(server, { apps: ['weather'], scopes: ['webhooks:write'] })
    const some = await signIn(browser, server, bare.key)
    await visit(some, 'Webhooks')
    await some.seeText('It needs the scope events:read')
    const none = await makeKey(server, { apps: ['weather'], scopes: ['events:read'] })
    const other = await signIn(browser, server, none.key)
    await visit(other, 'Webhooks')
    await other.seeText('It needs the scope webhooks:write')
    t.same(await findings(other), [])
  })

  t.same(
    page.complaints.filter((each) => !/40[014]/.test(String(each))),
    [],
    'nothing was refused by the policy of the page',
  )
})

function holds(eventId: string | undefined) {
  return ({ events }: { readonly events: readonly { readonly eventId: string }[] }) =>
    events.some((event) => event.eventId === eventId)
}
