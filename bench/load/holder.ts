/**
 * A process of the generator that holds connections: one process may have too few open files for all of them. It does
 * what its parent says (`Order`), and tells it every message that arrives.
 */
import { connect } from 'node:net'
import { forEach } from './for-each.ts'
import { Device, type Receiver } from './device.ts'
import type { Arrivals, Order, Report } from './holders.ts'
import { afterReturns } from './nodes.ts'
import { PAYLOAD_BYTES, PINGREQ, readNumbers } from './packets.ts'

/** Arrivals are told in batches, ms. */
const TELL_MS = 20
const TICK_MS = 100
/** A client pings before its time is up. */
const SHARE_OF_KEEP_ALIVE = 0.75

const devices: Device[] = []
let arrivals: number[] = []

function tell(report: Report): void {
  if (process.connected) process.send?.(report, undefined, {}, () => undefined)
}

const fail = (error: Error): void => tell({ is: 'failed', reason: error.message })

const receiver: Receiver = {
  arrived(device, bytes, at, end) {
    if (end - at !== PAYLOAD_BYTES) return fail(new Error(`a payload of ${end - at} bytes arrived`))
    const { run, message, device: meant } = readNumbers(bytes, at)
    if (arrivals.push(device, run, message, meant) === 4) setTimeout(tellArrivals, TELL_MS)
  },
  fail,
  onProgress: () => undefined,
}

function tellArrivals(): void {
  const numbers: Arrivals = Uint32Array.from(arrivals)
  arrivals = []
  tell({ is: 'arrivals', numbers })
}

type Places = Pick<Order & { do: 'hold' }, 'ports' | 'sources'>

function board(device: Device, { ports, sources }: Places, returns: number): Promise<boolean> {
  const port = afterReturns(ports, device.index, returns)
  const localAddress = sources[device.index % sources.length] ?? ''
  return device.board(connect({ port, host: '127.0.0.1', localAddress, noDelay: true }))
}

async function obey(order: Order): Promise<void> {
  if (order.do === 'hold') {
    const fresh = order.identities.map((identity, place) => new Device(0, order.first + place, identity))
    for (const device of fresh) device.ledger = receiver
    devices.push(...fresh)
    await forEach(fresh, async (device) => {
      await board(device, order, 0)
      await device.subscribeOwn()
    })
  } else if (order.do === 'cut') {
    for (const device of devices) device.cut()
  } else {
    const comeBack = async (device: Device): Promise<void> => {
      if (!(await board(device, order, order.returns)))
        throw new Error(`the session of device ${device.index} was gone`)
    }
    await forEach(devices, comeBack, order.together)
  }
}

/** Turns so far, by the clock: where the machine is busy, ticks are late and few. */
let taken = 0
setInterval(() => {
  // Every device pings in its turn of as many as there are until a ping is due.
  const { keepAlive } = devices[0]?.identity ?? {}
  if (keepAlive === undefined) return
  const turns = Math.floor((keepAlive * SHARE_OF_KEEP_ALIVE * 1_000) / TICK_MS)
  const now = Math.floor(performance.now() / TICK_MS)
  for (taken = Math.max(taken, now - turns); taken < now; taken += 1) {
    for (let place = taken % turns; place < devices.length; place += turns) devices[place]?.write(PINGREQ)
  }
}, TICK_MS)

process.on('message', (order: Order) => {
  obey(order).then(
    () => tell({ is: 'done', order: order.number }),
    (error: unknown) => tell({ is: 'refused', order: order.number, reason: String(error) }),
  )
})
// Its parent has ended.
process.once('disconnect', () => process.exit(0))
