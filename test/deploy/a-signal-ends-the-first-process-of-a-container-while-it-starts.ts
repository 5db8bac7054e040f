// Does SIGTERM end the server with 0 as soon as it hears it, long before it serves, also as process 1 of its namespace?
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { eventually, MAIN, type Program, startProgram, temporaryFolder } from '../support/index.ts'

const UNSHARE = ['--pid', '--fork', '--kill-child']
const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0

/** The bits of signals in what proc(5) says of a process. Node itself catches SIGTERM at once; the server asks for SIGQUIT last. */
const BITS = { node: 1n << 14n, server: 1n << 2n }

/** Of the server itself: what a process was before `exec` hears signals of its own. */
const hears = (pid: number, who: keyof typeof BITS) => {
  if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`${process.execPath}\0${MAIN}\0`)) return false
  const [, caught = '0'] = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (BigInt(`0x${caught}`) & BITS[who]) !== 0n
}

/** A Redis that says nothing: the server never comes to serve. */
async function silentRedis(t: Test): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function settings(t: Test) {
  const env = { PUSH_DATA_DIR: temporaryFolder(t, 'data'), PUSH_MQTT_PORT: '0', PUSH_HTTP_PORT: '0' }
  return { ...env, PUSH_REDIS_URL: await silentRedis(t) }
}

async function endsWithZero(t: Test, program: Program, pid: number, who: keyof typeof BITS): Promise<void> {
  await eventually('that it hears signals', () => hears(pid, who))
  process.kill(pid, 'SIGTERM')
  t.same(await program.exited, { code: 0, signal: null })
  t.same(program.stdout.received, [], 'it had not come to serve')
}

t.test('as any process', async (t) => {
  for (const flags of [[], ['--workers', '2']]) {
    const program = startProgram(t, process.execPath, [MAIN, ...flags], { env: await settings(t) })
    await endsWithZero(t, program, program.pid, 'server')
  }
})

const skip = canUnshare ? false : 'this system makes no namespace of processes for this user'
t.test('as process 1', { skip }, async (t) => {
  for (const who of ['node', 'server'] as const) {
    const program = startProgram(t, 'unshare', [...UNSHARE, process.execPath, MAIN], { env: await settings(t) })
    const children = `/proc/${program.pid}/task/${program.pid}/children`
    const inner = await eventually('the server', () => Number(readFileSync(children, 'utf8')) || undefined)
    t.match(readFileSync(`/proc/${inner}/status`, 'utf8'), /^NSpid:.*\t1$/m, 'it is process 1 there')
    await endsWithZero(t, program, inner, who)
  }
})
