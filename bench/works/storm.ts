/** Every device loses its connection at the same moment, gets a message meanwhile, and comes back. */
import { leavePending, resume } from './connect.ts'
import { connectDevices, cutAll, deliver, spentOn } from './steps.ts'
import type { Work } from './work.ts'

const TOGETHER = 1_000

export const storm: Work = {
  name: 'storm',
  title: 'Reconnect storm',
  rounds: 1,
  figures: [
    { name: 'cpu', unit: 'us', compared: true, about: 'all server processes and Redis, for one device' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'connected', unit: 's', about: 'until every device has its session back' },
    { name: 'served', unit: 's', about: 'until every device has its message' },
  ],
  about: ({ storm: count }) =>
    `${count} connected devices are cut off, one message is published to each, and all come back, ${TOGETHER} at one time.`,
  fits: () => true,
  async run({ target, sizes, record }) {
    const devices = await connectDevices(target, sizes.storm)
    await cutAll(target, devices)
    const ledger = await leavePending(target, devices, 1)
    ledger.watch()
    let connected = 0
    const comeBack = async (): Promise<void> => {
      const start = performance.now()
      await resume(devices, TOGETHER)
      connected = performance.now() - start
      await ledger.done
    }
    const spent = await spentOn(target, () => deliver(devices, ledger, comeBack))
    ledger.check()
    record('cpu', spent.server / devices.length)
    if (target.redis !== undefined) record('redis cpu', spent.redis / devices.length)
    record('connected', connected / 1_000)
    record('served', spent.wall / 1_000)
    for (const device of devices) device.cut()
  },
}
