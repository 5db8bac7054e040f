// Do the programs of docs/tokens.md, with a token of a few seconds that they renew over HTTP, stay connected far beyond its end,
// and come back after the server was away while they wanted to?
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { eventually, metric, send, startServer, temporaryFolder } from '../support/index.ts'
import { startProgram } from '../support/programs.ts'
import { ROOT } from '../support/root.ts'
import { issue } from './support/calls.ts'

const isLong = process.env.PUSH_TEST_LONG === '1'
/** Seconds. */
const LIFE = isLong ? 10 : 6
const TOGETHER = isLong ? 60 : 15
const BLOCK = /```js file=(\S+)\n([\s\S]*?)```/g
/** What a browser has, and Node 20 has not. */
const BROWSER = `import WebSocket from 'ws'\nglobalThis.WebSocket = WebSocket\n`

const text = readFileSync(join(ROOT, 'docs', 'tokens.md'), 'utf8')
const programs = [...text.matchAll(BLOCK)].map(([, file = '', code = '']) => ({ file, code }))
t.same(
  programs.map(({ file }) => file),
  ['mqttjs.mjs', 'paho.mjs', 'polling.mjs'],
)

const begin = async (t: Test, { file, code }: (typeof programs)[number], ttl: number) => {
  const server = await startServer(t)
  const folder = temporaryFolder(t, 'guide')
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, file), code)
  writeFileSync(join(folder, 'browser.mjs'), BROWSER)
  const token = await issue(server, { app: 'chat', account: 'ann', ttl })
  const program = startProgram(t, process.execPath, ['--import', './browser.mjs', file], {
    cwd: folder,
    env: {
      HTTP: `http://127.0.0.1:${server.httpPort}`,
      MQTT: `mqtt://127.0.0.1:${server.mqttPort}`,
      MQTT_HOST: '127.0.0.1',
      MQTT_PORT: String(server.httpPort),
      TOKEN_ANSWER: JSON.stringify(token),
    },
  })
  return { server, token, program }
}

const run = async (t: Test, each: (typeof programs)[number]): Promise<void> => {
  const { file } = each
  const { server, token, program } = await begin(t, each, LIFE)
  const until = Date.now() + TOGETHER * 1_000
  const sent: string[] = []
  const arrived = () => [...program.stdout.received]
  do {
    const message = `message ${sent.length}`
    await send(server, { token: token.tokenId }, message)
    sent.push(message)
    await eventually(`${message} in the program`, () => arrived().includes(message))
    await new Promise((resolve) => setTimeout(resolve, 250))
  } while (Date.now() < until)
  t.same(arrived(), sent, `${file}: each arrives once`)
  t.same(program.stderr, [], `${file}: and nothing is wrong`)
  const renewals = server.logs.filter((line) => line.includes('token.renewed'))
  t.ok(renewals.length >= TOGETHER / LIFE - 1, `${file}: ${renewals.length} renewals`)
  t.notOk(
    server.logs.some((line) => line.includes('connection closed')),
    `${file}: no connection was closed`,
  )
  if (file !== 'polling.mjs') t.equal(await metric(server, 'push_connections', 'principal="device"'), 1)
}

await t.test('program by program, side by side', async (t) => {
  await Promise.all(programs.map((program) => run(t, program)))
})

await t.test('the server is away when they want to renew', async (t) => {
  const comeBack = async (each: (typeof programs)[number]): Promise<void> => {
    const { file } = each
    const { server, token, program } = await begin(t, each, 4 * LIFE)
    const arrives = async (message: string) => {
      await send(server, { token: token.tokenId }, message)
      await eventually(`${message} in ${file}`, () => program.stdout.received.includes(message))
    }
    await arrives('before')
    const untilRenewal = async (ms: number): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, Date.parse(token.renewAfter) + ms - Date.now()))
    }
    // A short while: the longest pause between two attempts is then shorter than what is left of the token.
    await untilRenewal(-500)
    await server.stop()
    await untilRenewal(1_000)
    await server.restart()
    await server.waitForLog(/token\.renewed/)
    await arrives('after')
    t.ok(program.running, file)
  }
  await Promise.all(programs.map(comeBack))
})
