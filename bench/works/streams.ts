/** What a stream of messages takes on which nothing happens. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Target } from '../contenders/index.ts'
import type { Identity } from '../load/device.ts'
import { httpRequest } from '../load/http.ts'
import { residentOf } from '../run/processes.ts'
import { forEach, settle } from './steps.ts'
import type { Work } from './work.ts'

/** Opened before the first look: buffers and compiled code that any number needs. */
const BEFORE = 100
const WARM_UP_ROUNDS = 10
const COUNTS = [500, 2_000]
const AT_ONCE = 32

export const streams: Work = {
  name: 'streams',
  title: 'Memory of an idle stream',
  rounds: 1,
  figures: [
    { name: 'server', unit: 'KiB', about: 'resident memory of the server processes, one stream' },
    { name: 'with Redis', unit: 'KiB', about: 'the same with that of Redis' },
  ],
  about: () =>
    `Resident memory with ${BEFORE} open \`GET /v1/messages/stream\` of as many tokens, and with ${COUNTS.join(' and ')} more, by the difference. *bare-http* answers with the same head, and has nothing behind it.`,
  fits: ({ ours, name }) => ours || name === 'bare-http',
  async run({ target, record }) {
    const most = Math.max(...COUNTS)
    const all = await target.identities(0, most + BEFORE)
    const first = all.slice(most)
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
      for (const socket of await openAll(target, first)) socket.destroy()
      await settle()
    }
    const open = await openAll(target, first)
    await settle()
    const server = (): number => residentOf(target.serverPids())
    const redis = (): number => (target.redis === undefined ? 0 : residentOf([target.redis.pid]))
    const [serverBefore, redisBefore] = [server(), redis()]
    let opened = 0
    for (const count of COUNTS) {
      open.push(...(await openAll(target, all.slice(opened, count))))
      opened = count
      await settle()
      const kib = (bytes: number): number => bytes / 1024 / count
      const inCase = `${count} streams`
      record('server', kib(server() - serverBefore), inCase)
      if (target.redis !== undefined) record('with Redis', kib(server() - serverBefore + redis() - redisBefore), inCase)
    }
    for (const socket of open) socket.destroy()
  },
}

async function openAll(target: Target, identities: readonly Identity[]): Promise<Socket[]> {
  const sockets: Socket[] = []
  await forEach(
    [...identities],
    async (identity) => {
      sockets.push(await openStream(target, identity))
    },
    AT_ONCE,
  )
  return sockets
}

/** Resolves with what comes first: the head, and how long to wait before coming back. */
async function openStream({ http }: Target, { password = '' }: Identity): Promise<Socket> {
  if (http === undefined) throw new Error('no HTTP API')
  const socket = connect({ port: http.port, host: '127.0.0.1', noDelay: true })
  socket.write(httpRequest('GET', '/v1/messages/stream', password))
  const [head] = (await once(socket, 'data')) as [Buffer]
  if (!head.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(`a stream was answered ${head.toString()}`)
  socket.resume()
  return socket
}
