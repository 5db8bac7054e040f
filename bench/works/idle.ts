/** What a connection that does nothing takes. */
import { residentOf } from '../run/processes.ts'
import { boardAndSubscribe, collected, cutAll, forEach, makeDevices } from './steps.ts'
import type { Work } from './work.ts'

/** Connected before the first look: buffers and compiled code that any number needs. */
const BEFORE = 100
const WARM_UP_ROUNDS = 20

export const idle: Work = {
  name: 'idle',
  title: 'Memory of an idle connection',
  rounds: 3,
  figures: [
    { name: 'server', unit: 'KiB', compared: true, about: 'resident memory of the server processes, one connection' },
    { name: 'with Redis', unit: 'KiB', about: 'the same with that of Redis' },
  ],
  about: ({ idle: count }) =>
    `Resident memory with ${BEFORE} connected devices and with ${count} more, by the difference, after a full collection of garbage where a server has one. Every device keeps a session and is subscribed to two topics.`,
  fits: () => true,
  async run({ target, sizes, record }) {
    const all = await makeDevices(target, sizes.idle + BEFORE)
    const first = all.slice(sizes.idle)
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
      await forEach(first, boardAndSubscribe)
      await cutAll(target, first)
    }
    await forEach(first, boardAndSubscribe)
    await collected(target)
    const devices = all.slice(0, sizes.idle)
    const server = (): number => residentOf(target.serverPids())
    const redis = (): number => (target.redis === undefined ? 0 : residentOf([target.redis.pid]))
    const [serverBefore, redisBefore] = [server(), redis()]
    await forEach(devices, boardAndSubscribe)
    await collected(target)
    const kib = (bytes: number): number => bytes / 1024 / devices.length
    record('server', kib(server() - serverBefore))
    if (target.redis !== undefined) record('with Redis', kib(server() - serverBefore + redis() - redisBefore))
    for (const device of all) device.cut()
  },
}
