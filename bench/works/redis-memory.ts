/** What Redis keeps for a session, and for a message that waits. */
import { Device } from '../load/device.ts'
import type { RedisServer } from '../run/redis.ts'
import { leavePending } from './connect.ts'
import { boardAndSubscribe, forEach, makeDevices, untilQuiet } from './steps.ts'
import type { Work } from './work.ts'

const MORE = 4

export const redisMemory: Work = {
  name: 'redis-memory',
  title: 'Memory in Redis',
  rounds: 1,
  figures: [
    { name: 'session', unit: 'bytes', about: 'a known device with a session of two subscriptions, not connected' },
    {
      name: 'first pending',
      unit: 'bytes',
      about: 'the first message that waits for it, 64 bytes of payload included',
    },
    { name: 'next pending', unit: 'bytes', about: `each of the next ${MORE}` },
  ],
  about: ({ pendingTokens }) => `\`used_memory\` of Redis without buffers of clients, for ${pendingTokens} devices.`,
  fits: ({ needs }) => needs.includes('redis-server'),
  async run({ target, sizes, record }) {
    const redis: RedisServer | undefined = target.redis
    if (redis === undefined) throw new Error('no Redis')
    const count = sizes.pendingTokens
    const grown = async (work: () => Promise<unknown>): Promise<number> => {
      const before = await redis.usedMemory()
      await work()
      await untilQuiet(target)
      return (await redis.usedMemory()) - before
    }
    // What it keeps besides, whatever their number.
    const [first] = await target.identities(count, 1)
    if (first !== undefined) await boardAndSubscribe(new Device(target.mqttPort, count, first))
    let devices: Device[] = []
    const sessions = await grown(async () => {
      devices = await makeDevices(target, count)
      await forEach(devices, boardAndSubscribe)
      for (const device of devices) device.cut()
    })
    record('session', sessions / count)
    record('first pending', (await grown(() => leavePending(target, devices, 1))) / count)
    record('next pending', (await grown(() => leavePending(target, devices, MORE))) / count / MORE)
  },
}
