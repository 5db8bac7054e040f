// Does a person without a mouse come to everything in the console, see where they are, and get out again?
import { t } from '../support/tap.ts'
import { issueToken, makeKey, request, startServer } from '../support/index.ts'
import { MAY_CALL, startReceiver } from '../wire/webhooks/support/receiver.ts'
import { CHROMIUM, startBrowser } from './support/browser.ts'
import { focused, tabTo } from './support/keyboard.ts'
import { addressOf } from './support/signed-in.ts'
import { walk } from './support/walk.ts'

// One test around all: tap takes a file for over that waits for something else between two of them.
await t.test('in Chromium', { skip: CHROMIUM === undefined }, async (t) => {
  const server = await startServer(t, { settings: MAY_CALL })
  const { tokenId } = await issueToken(server, { app: 'chat', device: 'phone', account: 'ann' })
  await makeKey(server, { name: 'shop', scopes: ['messages:send'] })
  const hook = { app: 'chat', url: (await startReceiver(t)).url, types: ['message.acknowledged'] }
  t.match(await request(server, 'POST', '/v1/webhooks', { body: hook }), { status: 201 })
  const page = await (await startBrowser(t)).open(addressOf(server))

  await t.test('sign in', async (t) => {
    await page.seeText('Provider key')
    await page.theme('light')
    t.same((await walk(page)).faults, [])
    await tabTo(page, 'Provider key')
    await page.type('wrong')
    await page.press('Enter')
    await page.seeText('CREDENTIALS_INVALID')
    t.equal(await focused(page), 'Provider key', 'where it was, to try again')
    // With Control, a word.
    await page.press('Backspace', 2)
    await page.type(server.providerKey)
    await page.press('Enter')
    await page.see(`!!document.querySelector('nav')`)
  })

  // With what is there once the page has loaded.
  for (const [title, text] of [
    ['Inspect', ''],
    ['Send', ''],
    ['Devices', ''],
    ['Events', ''],
    ['Keys', 'Rotate'],
    ['Webhooks', hook.url],
    ['Overview', ''],
  ] as const)
    await t.test(title, async (t) => {
      await tabTo(page, title)
      await page.press('Enter')
      await page.see(
        `document.querySelector('h1').innerText === ${JSON.stringify(title)} && document.activeElement?.tagName === 'MAIN'`,
      )
      await page.seeText(text)
      const { visited, faults } = await walk(page)
      t.same(faults, [])
      t.ok(visited.includes('Skip to the page'), visited.join(', '))
    })

  await t.test('the first stop leads past the menu', async (t) => {
    await page.go(`${addressOf(server)}#/send`)
    await page.call('Page.reload')
    await page.see(`document.querySelector('h1')?.innerText === 'Send'`)
    await page.press('Tab')
    t.equal(await focused(page), 'Skip to the page')
    await page.press('Enter')
    t.equal(await page.read('document.activeElement.tagName'), 'MAIN')
    await page.press('Tab')
    t.ok(await page.read(`!!document.activeElement.closest('main')`), 'past the menu')
  })

  await t.test('a message: arrows choose, Space ticks, Enter opens and sends', async (t) => {
    await page.press('ArrowRight')
    t.ok(await page.read(`document.activeElement.type === 'radio' && document.activeElement.checked`))
    t.not(await focused(page), 'One token', 'the next choice')
    await page.press('ArrowLeft')
    t.equal(await focused(page), 'One token')
    await tabTo(page, 'Token id, or message token')
    await page.type(tokenId)
    await tabTo(page, 'Payload')
    await page.type('by the keyboard')
    await tabTo(page, 'Options')
    await page.press('Enter')
    await page.press('Tab')
    t.ok(await page.read(`!!document.activeElement.closest('details[open]')`), 'the options')
    await tabTo(page, 'Receipt')
    await page.press(' ')
    t.equal(await page.read('document.activeElement.checked'), true)
    await tabTo(page, 'Send')
    await page.press('Enter')
    await page.seeText('1 accepted')
    t.equal(await focused(page), 'Send', 'to send the next one')
    t.same((await walk(page)).faults, [])
  })

  await t.test('the theme', async (t) => {
    await tabTo(page, 'Theme')
    await page.press('ArrowDown')
    await page.see(`document.documentElement.dataset.theme === 'light'`)
    t.equal(await page.read('document.activeElement.value'), 'light')
  })

  await t.test('a question, its answers, and where the focus is then', async (t) => {
    await page.go(`${addressOf(server)}#/inspect/token/${tokenId}`)
    await page.seeText('by the keyboard')
    t.same((await walk(page)).faults, [])
    await tabTo(page, 'Recall')
    await page.press('Enter')
    await page.see(`document.querySelector('dialog[open]')?.contains(document.activeElement)`)
    const question = await walk(page)
    t.same(question, { visited: question.visited.filter((each) => /^(Cancel|Recall)$/.test(each)), faults: [] })
    await page.press('Escape')
    t.equal(await focused(page), 'Recall', 'Escape')
    await page.press('Enter')
    await tabTo(page, 'Cancel')
    await page.press('Enter')
    t.equal(await focused(page), 'Recall', 'Cancel')
    await page.press('Enter')
    await tabTo(page, 'Recall')
    await page.press('Enter')
    await page.seeText('Nothing is pending')
    t.not(
      await page.read('document.activeElement.tagName'),
      'BODY',
      'what was asked about is gone, and the focus is not',
    )
  })

  await t.test('one webhook', async (t) => {
    await tabTo(page, 'Webhooks')
    await page.press('Enter')
    await page.seeText(hook.url)
    await tabTo(page, hook.url)
    await page.press('Enter')
    await page.seeText('Rotate secret')
    const { visited, faults } = await walk(page)
    t.same(faults, [])
    t.ok(visited.includes('Delete'), visited.join(', '))
    await tabTo(page, 'Delete')
    await page.press(' ')
    await tabTo(page, 'Delete')
    await page.press('Enter')
    await page.seeText('No webhooks')
    t.equal(await page.read('document.activeElement.tagName'), 'MAIN')
  })

  await t.test('what is asked again keeps the focus', async (t) => {
    await tabTo(page, 'Refresh')
    await page.press('Enter')
    await page.see(
      `![...document.querySelectorAll('button')].some((each) => each.disabled || each.ariaDisabled === 'true')`,
    )
    t.equal(await focused(page), 'Refresh')
  })

  await t.test('sign out', async (t) => {
    await tabTo(page, 'Sign out')
    await page.press(' ')
    await page.seeText('Provider key')
    await tabTo(page, 'Provider key')
    t.pass('and in again')
  })
})
