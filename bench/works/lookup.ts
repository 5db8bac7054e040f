/** A device that asks over HTTP instead of being connected. */
import { HttpPool, httpRequest } from '../load/http.ts'
import { leavePending } from './connect.ts'
import { forEach, makeDevices, spentOn, untilQuiet } from './steps.ts'
import type { Work } from './work.ts'

const SOCKETS = 16
const DEVICES = 100
const PENDING = 20
const SHARE = 10

export const lookup: Work = {
  name: 'lookup',
  rounds: 1,
  title: 'Lookup over HTTP',
  figures: [
    { name: 'cpu', unit: 'us', about: 'all server processes and Redis, for one request' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'throughput', unit: '/s', about: 'requests a second' },
  ],
  about: ({ messages }) =>
    `${Math.ceil(messages / SHARE)} times \`GET /v1/messages\` with the tokens of ${DEVICES} devices over ${SOCKETS} connections, with nothing and with ${PENDING} messages pending.`,
  fits: ({ ours }) => ours,
  async run({ target, sizes, record }) {
    if (target.http === undefined) throw new Error('no HTTP API')
    const devices = await makeDevices(target, DEVICES)
    const requests = devices.map(({ identity }) => httpRequest('GET', '/v1/messages', identity.password ?? ''))
    const pool = await HttpPool.open(target.http.port, SOCKETS)
    const look = async (count: number, pending: number): Promise<void> => {
      const all = Array.from({ length: count }, (_, place) => requests[place % requests.length]).filter(
        (bytes) => bytes !== undefined,
      )
      await forEach(
        all,
        async (bytes) => {
          const { status, body } = await pool.request(bytes)
          if (status !== 200) throw new Error(`a lookup was answered ${status} ${body}`)
          const { messages } = JSON.parse(body) as { messages: unknown[] }
          if (messages.length !== pending) throw new Error(`a lookup found ${messages.length} messages, not ${pending}`)
        },
        SOCKETS,
      )
    }
    const measure = async (pending: number): Promise<void> => {
      await look(Math.ceil(sizes.messages / SHARE / 4), pending)
      await untilQuiet(target)
      const count = Math.ceil(sizes.messages / SHARE)
      const spent = await spentOn(target, () => look(count, pending))
      const inCase = `${pending} pending`
      record('cpu', spent.server / count, inCase)
      if (target.redis !== undefined) record('redis cpu', spent.redis / count, inCase)
      record('throughput', (count / spent.wall) * 1_000, inCase)
    }
    await measure(0)
    await leavePending(target, devices, PENDING)
    await measure(PENDING)
    pool.close()
  },
}
