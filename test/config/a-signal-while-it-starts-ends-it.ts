// Does a signal end the process at any moment of its start, before it serves and whatever it waits for?
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { t } from '../support/tap.ts'
import { Ending, type EndingSignal } from '../../server/ending.ts'
import { eventually, type Scope, temporaryFolder } from '../support/index.ts'
import { startMain } from './support/main.ts'

/** Signals and exits of a process that does not exist. */
function fakeProcess() {
  const listeners = new Map<EndingSignal, () => void>()
  const exits: number[] = []
  let now = 0
  const ending = new Ending(
    {
      on: (signal, listener) => listeners.set(signal, listener),
      exit: (code) => void exits.push(code) as never,
    },
    () => now,
  )
  return {
    ending,
    exits,
    later: (ms: number) => (now += ms),
    signal: (signal: EndingSignal) => listeners.get(signal)!(),
    exited: () => eventually('the exit', () => exits[0]),
  }
}

t.test('before anything is known, as the signal says', async (t) => {
  const { signal, exited } = fakeProcess()
  signal('SIGINT')
  t.equal(await exited(), 130)
})

t.test('a server that does not serve yet has nothing to close', async (t) => {
  const { ending, signal, exited } = fakeProcess()
  ending.abortWith(0)
  signal('SIGTERM')
  t.equal(await exited(), 0)
})

t.test('one signal that comes twice, or by two names, is one; later, it is an order', async (t) => {
  const { ending, signal, exits, later } = fakeProcess()
  let closed = 0
  let finish: ((code: number) => void) | undefined
  ending.onEnd(() => {
    closed++
    return new Promise((resolve) => (finish = resolve))
  })
  signal('SIGINT')
  later(100)
  signal('SIGTERM')
  signal('SIGINT')
  t.same([closed, exits], [1, []])
  later(5000)
  signal('SIGTERM')
  t.same([closed, exits], [1, [143]], 'who asks again does not want to wait')
  finish?.(0)
})

t.test('the log is flushed before the exit, and a failure is one', async (t) => {
  const { ending, exits, exited } = fakeProcess()
  const seen: string[] = []
  ending.onExit(async () => void seen.push(`flushed before ${exits.length} exits`))
  ending.onEnd(async () => 0)
  ending.fail()
  t.equal(await exited(), 1)
  t.same(seen, ['flushed before 0 exits'])
})

t.test('SIGHUP ends it where there is nothing to reload', async (t) => {
  const { ending, signal, exits, exited } = fakeProcess()
  let reloads = 0
  ending.onHangUp(() => reloads++)
  signal('SIGHUP')
  t.same([reloads, exits], [1, []])
  const other = fakeProcess()
  other.signal('SIGHUP')
  t.equal(await other.exited(), 129)
  signal('SIGTERM')
  await exited()
})

/** Takes connections and says nothing. */
async function silent(t: Scope): Promise<{ port: number; connected: Promise<unknown> }> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, connected: once(server, 'connection') }
}

t.test('the process, while its Redis does not answer', async (t) => {
  for (const [flags, code] of [
    [[], 0],
    [['--workers', '2'], 0],
    [['export'], 143],
  ] as const) {
    const redis = await silent(t)
    const program = startMain(t, [...flags, '--mqtt-port', '0', '--http-port', '0'], {
      PUSH_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      PUSH_DATA_DIR: temporaryFolder(t, 'data'),
    })
    await redis.connected
    t.same(await program.kill('SIGTERM'), { code, signal: null }, flags.join(' '))
  }
})
