/** Providers that read upstream, alone and in a group, and devices that publish while they are connected. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import {
  type ApiTarget,
  type ConnectOptions,
  connectProvider,
  type Device,
  type Issued,
  type MqttTarget,
} from '../../../support/index.ts'
import type { SeededRandom } from '../../../support/random.ts'
import type { Member, Weather } from './devices.ts'
import type { Ledger } from './ledger.ts'

type Target = ApiTarget & MqttTarget

/** Whose books it keeps: each member of a group writes down for the group. */
export interface Reader {
  readonly name: string
  readonly clientId: string
  readonly filter: string
  readonly options: ConnectOptions
  /** Of which devices it is to hear. */
  readonly hears: (tokenId: string) => boolean
}

const KEPT = { clean: false, properties: { sessionExpiryInterval: 3600 } }

/** One of everything, one of a single device, one of another app that hears nothing, and three that share. */
export function readersOf(app: string, foreignApp: string, members: readonly { readonly issued: Issued }[]): Reader[] {
  const [first] = members
  if (first === undefined) throw new Error('a storm needs devices')
  const { tokenId } = first.issued
  const everything = `${app}/u/#`
  const reader = (name: string, filter: string, hears: Reader['hears'], options: ConnectOptions = KEPT): Reader => ({
    name,
    clientId: name,
    filter,
    options,
    hears,
  })
  const shared = ['a', 'b', 'c'].map((member, index) => ({
    ...reader('workers', `$share/workers/${everything}`, () => true, index === 2 ? KEPT_3 : KEPT),
    clientId: `worker-${member}`,
  }))
  return [
    reader('all', everything, () => true),
    reader('all-3.1.1', everything, () => true, KEPT_3),
    reader('one-at-a-time', everything, () => true, {
      ...KEPT,
      properties: { ...KEPT.properties, receiveMaximum: 1 },
    }),
    reader('one-device', `${app}/u/${tokenId}/#`, (from) => from === tokenId),
    reader('foreign', `${foreignApp}/u/#`, () => false),
    ...shared,
  ]
}

const KEPT_3: ConnectOptions = { protocolVersion: 4, clean: false }

/** Every session is there, and hears, when it resolves. */
export async function openReaders(t: Test, target: Target, readers: readonly Reader[]): Promise<void> {
  for (const { clientId, filter, options } of readers) {
    const provider = await connectProvider(t, target, { ...options, clientId })
    const [code] = await provider.subscribe(filter)
    if (code !== 1) throw new Error(`${filter} was refused with ${code}`)
    await provider.end()
  }
}

/** One provider's life: its session is kept, so that it never subscribes again. */
export async function roamingReader(
  target: Target & { readonly providerKey: string },
  { name, clientId, options }: Reader,
  ledger: Ledger,
  weather: Weather,
  random: SeededRandom,
): Promise<void> {
  while (!weather.over) {
    await weather.up
    const cleanups: (() => unknown)[] = []
    try {
      const scope = { teardown: (clean: () => unknown) => void cleanups.push(clean) }
      const provider = await connectProvider(scope, target, { ...options, clientId })
      if (!provider.connack.sessionPresent) ledger.broken(`the session of ${clientId} is gone`)
      provider.client.on('message', (_topic, payload) => ledger.arrived(name, payload.toString()))
      for (const { text } of provider.received) ledger.arrived(name, text)
      if (weather.calm) await provider.closed
      else await Promise.race([provider.closed, pause(random.between(200, 8_000))])
      if (random.chance(0.8)) await provider.reset()
      else await provider.end()
    } catch {
      // The node was killed, is not back yet, has no store, or another one took the session: try again.
    } finally {
      for (const clean of cleanups) await clean()
    }
  }
}

/** Publishes upstream, one after the other, until the connection is gone or the weather is calm. Never rejects. */
export async function publishUpstream(
  device: Device,
  { name, issued }: Pick<Member, 'name' | 'issued'>,
  readers: readonly Reader[],
  ledger: Ledger,
  weather: Weather,
): Promise<void> {
  const hearing = new Set(readers.filter(({ hears }) => hears(issued.tokenId)).map((reader) => reader.name))
  try {
    while (!weather.calm) {
      const sequence = ledger.nextSequence(`up-${name}`)
      const text = `up-${name}-${sequence}`
      ledger.sending(text, `up-${name}`, sequence, 'upstream', hearing)
      const over = ledger.publishBegins()
      const lost = device.closed.then(() => Promise.reject(new Error('the connection is gone')))
      try {
        await Promise.race([device.publish(`${issued.topics.private.replace('/t/', '/u/')}/log`, text), lost])
        ledger.accepted(text)
      } finally {
        over()
      }
      await pause(UPSTREAM_PAUSE_MS)
    }
  } catch {
    // No answer: it may be stored or not.
  }
}

const UPSTREAM_PAUSE_MS = 50
