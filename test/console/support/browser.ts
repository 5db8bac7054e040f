/** Real Chromium, without a window, over its DevTools protocol. Whoever has none skips what needs it. */
import { existsSync, writeFileSync } from 'node:fs'
import WebSocket from 'ws'
import { temporaryFolder } from '../../support/folders.ts'
import { startProgram } from '../../support/programs.ts'
import type { Scope } from '../../support/scope.ts'
import { eventually, within } from '../../support/waiting.ts'

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** Undefined: there is no browser here. */
export const CHROMIUM = PLACES.find((place) => place !== undefined && existsSync(place))

const FLAGS = [
  '--headless=new',
  // Nobody but the test uses it, also where that runs as root, as containers do.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--remote-debugging-port=0',
  '--window-size=1280,900',
]

type Params = Readonly<Record<string, unknown>>

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Params
  readonly sessionId?: string
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into what it was answered
  readonly result?: any
  readonly error?: { readonly message: string }
}

class DevTools {
  readonly #socket: WebSocket
  #last = 0
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #listeners = new Set<(message: Message) => void>()

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const message: Message = JSON.parse(data.toString())
      if (message.id === undefined) for (const listener of this.#listeners) listener(message)
      else this.#waiting.get(message.id)?.(message)
    })
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- the same
  async call(method: string, params: Params = {}, sessionId?: string): Promise<any> {
    const id = ++this.#last
    const answered = new Promise<Message>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
    const { result, error } = await within(method, answered)
    this.#waiting.delete(id)
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result
  }

  listen(listener: (message: Message) => void): void {
    this.#listeners.add(listener)
  }
}

export interface Browser {
  /** A page of a profile of its own: without the cookies of the others. */
  open(url?: string): Promise<Page>
}

export async function startBrowser(t: Scope): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('there is no Chromium here')
  const profile = temporaryFolder(t, 'chromium')
  const program = startProgram(t, CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    env: { HOME: profile },
    ownGroup: true,
  })
  const url = await eventually('the address of DevTools', () =>
    program.stderr.map((line) => /^DevTools listening on (\S+)$/.exec(line)?.[1]).find((found) => found !== undefined),
  )
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await within('DevTools', new Promise((resolve) => socket.once('open', resolve)))
  const tools = new DevTools(socket)
  // Some of its processes leave its group: it ends them itself.
  t.teardown(async () => {
    await tools.call('Browser.close').catch(() => undefined)
    await within('the end of Chromium', program.exited)
    socket.terminate()
  })
  return {
    async open(address) {
      const { browserContextId } = await tools.call('Target.createBrowserContext')
      // Seen on a machine with much to do: a target that was just made is not there.
      const sessionId = await eventually('a page', async () => {
        const { targetId } = await tools.call('Target.createTarget', { url: 'about:blank', browserContextId })
        return (await tools.call('Target.attachToTarget', { targetId, flatten: true })).sessionId
      })
      const page = new Page(tools, sessionId)
      await page.begin()
      if (address !== undefined) await page.go(address)
      return page
    },
  }
}

/** Keys that are no letters: code, and the text that they type. */
const KEYS: Readonly<Record<string, { readonly code: number; readonly text?: string }>> = {
  Tab: { code: 9 },
  Enter: { code: 13, text: '\r' },
  ' ': { code: 32, text: ' ' },
  Escape: { code: 27 },
  ArrowLeft: { code: 37 },
  ArrowRight: { code: 39 },
  ArrowDown: { code: 40 },
  Backspace: { code: 8 },
}

export class Page {
  readonly #tools: DevTools
  readonly #session: string
  /** Addresses that it asked for. */
  readonly requests: string[] = []
  /** What it complained of: errors, and what its policy has refused. */
  readonly complaints: string[] = []
  /** Questions of the browser, such as those that a script makes. */
  readonly dialogs: string[] = []

  constructor(tools: DevTools, session: string) {
    this.#tools = tools
    this.#session = session
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- the same
  call(method: string, params: Params = {}): Promise<any> {
    return this.#tools.call(method, params, this.#session)
  }

  async begin(): Promise<void> {
    this.#tools.listen(({ method, params, sessionId }) => {
      if (sessionId === this.#session && params !== undefined) this.#heard(method, params)
    })
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await this.call(`${domain}.enable`)
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- the same
  #heard(method: string | undefined, params: any): void {
    if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url)
    else if (method === 'Runtime.exceptionThrown') this.complaints.push(params.exceptionDetails.exception?.description)
    else if (method === 'Log.entryAdded' && params.entry.level === 'error')
      this.complaints.push(`${params.entry.source}: ${params.entry.text} ${params.entry.url ?? ''}`)
    else if (method === 'Page.javascriptDialogOpening') {
      this.dialogs.push(params.message)
      this.call('Page.handleJavaScriptDialog', { accept: false }).catch(() => undefined)
    }
  }

  async go(url: string): Promise<void> {
    await this.call('Page.navigate', { url })
    await this.see(
      `location.href.startsWith(${JSON.stringify(new URL(url).origin)}) && document.readyState === 'complete'`,
    )
  }

  /** What an expression is in the page; a promise is awaited. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the same
  async read(expression: string): Promise<any> {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails !== undefined)
      throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`)
    return result.value
  }

  /** Until an expression is true; gives it. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the same
  async see(expression: string): Promise<any> {
    return await eventually(`in the page: ${expression}`, () => this.read(expression), 30_000)
  }

  /** Until a text stands in the page. */
  async seeText(text: string): Promise<void> {
    await this.see(`document.body.innerText.includes(${JSON.stringify(text)})`)
  }

  async text(): Promise<string> {
    return await this.read('document.body.innerText')
  }

  /** A button, a link or a choice, by what it says. */
  async click(label: string, within = 'document'): Promise<void> {
    const found = `[...${within}.querySelectorAll('button, a, summary, label.segment, label.check')]
      .find((each) => each.offsetParent !== null && each.innerText.trim().startsWith(${JSON.stringify(label)}))`
    await this.see(`!!(${found}) && !(${found}).disabled`)
    const { x, y } = await this.read(`(() => {
      const found = ${found}
      found.scrollIntoView({ block: 'center' })
      const { x, y, width, height } = found.getBoundingClientRect()
      return { x: x + width / 2, y: y + height / 2 }
    })()`)
    for (const type of ['mousePressed', 'mouseReleased'])
      await this.call('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 })
  }

  /** Into the field with this label, in place of what is there. */
  async fill(label: string, text: string, within = 'document'): Promise<void> {
    const found = `[...${within}.querySelectorAll('label')]
      .find((each) => each.offsetParent !== null && each.closest('.field, .secret') && each.innerText.trim().startsWith(${JSON.stringify(label)}))?.control`
    await this.see(`!!(${found})`)
    await this.read(`(() => { const field = ${found}; field.focus(); field.select() })()`)
    if (text === '') await this.press('Backspace')
    else await this.call('Input.insertText', { text })
  }

  /** As a person does. */
  async type(text: string): Promise<void> {
    await this.call('Input.insertText', { text })
  }

  async press(key: string, modifiers = 0): Promise<void> {
    const known = KEYS[key]
    if (known === undefined) throw new Error(`${key} is no key that this knows`)
    const { code, text } = known
    const shared = { key, code: key, windowsVirtualKeyCode: code, modifiers }
    await this.call('Input.dispatchKeyEvent', {
      type: text === undefined ? 'rawKeyDown' : 'keyDown',
      ...shared,
      ...(text === undefined ? {} : { text }),
    })
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...shared })
  }

  async theme(scheme: 'light' | 'dark'): Promise<void> {
    await this.call('Emulation.setEmulatedMedia', {
      features: [
        { name: 'prefers-color-scheme', value: scheme },
        // A color on its way to another one has the contrast of neither.
        { name: 'prefers-reduced-motion', value: 'reduce' },
      ],
    })
  }

  async size(width: number, height: number): Promise<void> {
    await this.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
  }

  async screenshot(file: string): Promise<void> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' })
    writeFileSync(file, Buffer.from(data, 'base64'))
  }

  async cookies(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.call('Network.getCookies')).cookies
  }
}
