/** Devices that keep connecting, take what comes, and lose their connection again and again. */
import { type ConnectOptions, type Device, type Issued, type Server, connectDevice } from '../../../support/index.ts'
import type { Ledger } from './ledger.ts'
import { publishUpstream, type Reader } from './readers.ts'
import type { SeededRandom } from '../../../support/random.ts'

export interface Member {
  readonly name: string
  readonly version: string
  readonly issued: Issued
  readonly options: ConnectOptions
}

/** Kinds of sessions and transports in turn. */
export function sessionKind(index: number): ConnectOptions {
  const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
  const kinds: ConnectOptions[] = [
    { protocolVersion: 4, clean: true },
    { protocolVersion: 4, clean: false },
    { protocolVersion: 5, clean: true },
    { protocolVersion: 5, ...kept },
    { protocolVersion: 5, ...kept, transport: 'ws' },
  ]
  return { ...kinds[index % kinds.length], clientId: `device-${index}` }
}

export interface Weather {
  /** Resolves when the server is up, or is thought to be. */
  readonly up: Promise<void>
  /** No more resets: everybody stays until the end. */
  readonly calm: boolean
  /** The test is over. */
  readonly over: boolean
}

/** One device's life until the weather says it is over. Every message goes into the ledger before its PUBACK leaves. */
export async function liveDevice(
  server: Server,
  member: Member,
  readers: readonly Reader[],
  ledger: Ledger,
  weather: Weather,
  random: SeededRandom,
): Promise<void> {
  while (!weather.over) {
    await weather.up
    const cleanups: (() => unknown)[] = []
    try {
      const scope = { teardown: (clean: () => unknown) => void cleanups.push(clean) }
      const device = await connectDevice(scope, server, member.issued, member.options)
      // Also what comes while the client says good-bye.
      device.client.on('message', (_topic, payload) => ledger.arrived(member.name, payload.toString()))
      for (const { text } of device.received) ledger.arrived(member.name, text)
      const reading = read(device, weather.calm ? Infinity : random.between(1, 120))
      const topics = [member.issued.topics.private, member.issued.topics.broadcast ?? member.issued.topics.private]
      if (!device.connack.sessionPresent) await Promise.race([device.subscribe(topics), device.closed])
      void publishUpstream(device, member, readers, ledger, weather)
      await reading
      if (random.chance(0.8)) await device.reset()
      else await device.end()
    } catch {
      // The server was killed, is not back yet, or this connection was taken over: try again.
    } finally {
      for (const clean of cleanups) await clean()
    }
  }
}

/** Takes messages until the connection is gone, or so many have come. */
async function read(device: Device, most: number): Promise<void> {
  try {
    for (let taken = 0; taken < most; taken++) await device.queue.next(2 ** 31 - 1)
  } catch {
    // Closed, and nothing is left to read.
  }
}
