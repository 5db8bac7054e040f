/** Every device loses its connection at the same moment, gets a message meanwhile, and comes back, to whichever node. */
import { portsOf, type Target } from '../contenders/index.ts'
import { Device } from '../load/device.ts'
import { afterReturns } from '../load/nodes.ts'
import { leavePending, resume } from './connect.ts'
import { connectDevices, cutAll, deliver, spentOn } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

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
    `${count} connected devices are cut off, one message is published to each, and all come back, ${TOGETHER} at one time; of several nodes, to another one half of them. *killed*: every process of the server got SIGKILL while the devices were connected, and was started again.`,
  fits: () => true,
  async run(context) {
    const { target, sizes } = context
    const devices = await connectDevices(target, sizes.storm)
    await cutAll(target, devices)
    const returned = await comeBack(context, move(target, devices, 1), 'cut off')
    if (target.kill !== undefined) {
      await target.kill()
      await comeBack(context, move(target, returned, 2), 'killed')
    }
  },
}

function move(target: Target, devices: readonly Device[], returns: number): Device[] {
  const ports = portsOf(target)
  return devices.map(({ index, identity }) => new Device(afterReturns(ports, index, returns), index, identity))
}

async function comeBack({ target, record }: WorkContext, devices: readonly Device[], inCase: string) {
  const ledger = await leavePending(target, devices, 1)
  ledger.watch()
  let connected = 0
  const start = performance.now()
  const spent = await spentOn(target, () =>
    deliver(devices, ledger, async () => {
      await resume(devices, TOGETHER)
      connected = performance.now() - start
      await ledger.done
    }),
  )
  ledger.check()
  record('cpu', spent.server / devices.length, inCase)
  if (target.redis !== undefined) record('redis cpu', spent.redis / devices.length, inCase)
  record('connected', connected / 1_000, inCase)
  record('served', spent.wall / 1_000, inCase)
  return devices
}
