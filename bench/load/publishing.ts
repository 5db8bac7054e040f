/** The two ways to load a server: as fast as it can (a closed loop), and at a rate whatever it does (an open loop). */
import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'
import { FOR_ALL, type PublishTemplate, writeNumbers } from './packets.ts'
import type { Publisher } from './publisher.ts'

export const WINDOW = 64
const TICK_MS = 1
/** A tick that is later than this charges the wait to the server: the messages were due then. */
const LATE_MS = 2
const BATCH = 32
const STORED_MS = 300_000

export interface Publishing {
  readonly publishers: readonly Publisher[]
  readonly ledger: Ledger
  /** One a device; message n goes to the device n modulo their number. Or the one topic of a broadcast. */
  readonly templates: readonly PublishTemplate[]
}

function publishNext({ ledger, templates }: Publishing, publisher: Publisher, from: number, count: number, at: number) {
  const { template } = publisher
  const pick = Array.from({ length: count }, (_, place) => template ?? templates[(from + place) % templates.length])
  const chosen = pick.filter((template) => template !== undefined)
  publisher.publish(chosen, (batch, payloadAt, place) => {
    const message = from + place
    const device = ledger.toAll ? FOR_ALL : message % templates.length
    writeNumbers(batch, payloadAt, { run: ledger.run, message, device })
    ledger.sent(message, at)
  })
}

async function allAcknowledged({ publishers, ledger }: Publishing): Promise<void> {
  await ledger.done
  const acknowledged = (): boolean => publishers.every(({ unacknowledged }) => unacknowledged === 0)
  const deadline = performance.now() + 10_000
  while (!acknowledged() && performance.now() < deadline) await pause(TICK_MS)
  if (!acknowledged()) throw new Error('messages arrived that were never acknowledged to their publisher')
}

/**
 * As fast as possible, with at most `undelivered` messages that have not reached everybody they are for.
 *
 * @param inBatches few large writes and not many small ones, as a provider with much to send makes them
 */
export async function publishAtPeak(publishing: Publishing, undelivered: number, inBatches = false): Promise<void> {
  const { publishers, ledger } = publishing
  const fanOut = ledger.expected / ledger.messages
  let next = 0
  const pump = (publisher: Publisher): void => {
    const room = undelivered - (next - Math.floor(ledger.delivered / fanOut))
    const count = Math.min(WINDOW - publisher.unacknowledged, room, ledger.messages - next)
    if (inBatches && count < Math.min(BATCH, undelivered, ledger.messages - next) && publisher.unacknowledged > 0)
      return
    if (count <= 0) return
    publishNext(publishing, publisher, next, count, performance.now())
    next += count
  }
  const all = (): void => publishers.forEach(pump)
  ledger.onProgress = all
  for (const publisher of publishers) publisher.onAcknowledged = all
  all()
  await allAcknowledged(publishing)
}

/** Messages `from` up to `to`, until their publishers know that they are accepted; nobody need be there to receive them. */
export async function publishStored(publishing: Publishing, from: number, to: number): Promise<void> {
  const { publishers } = publishing
  let next = from
  const pump = (): void => {
    for (const publisher of publishers) {
      const count = Math.min(WINDOW - publisher.unacknowledged, to - next)
      if (count <= 0) continue
      publishNext(publishing, publisher, next, count, performance.now())
      next += count
    }
  }
  for (const publisher of publishers) publisher.onAcknowledged = pump
  pump()
  const deadline = performance.now() + STORED_MS
  while (next < to || publishers.some(({ unacknowledged }) => unacknowledged > 0)) {
    if (performance.now() > deadline) throw new Error(`only ${next - from} of ${to - from} messages were accepted`)
    await pause(TICK_MS)
  }
}

/** At `rate` messages a second, in ticks, without any window. */
export async function publishAtRate(publishing: Publishing, rate: number): Promise<void> {
  const { publishers, ledger } = publishing
  const start = performance.now()
  let next = 0
  let turn = 0
  for (const publisher of publishers) publisher.onAcknowledged = () => undefined
  while (next < ledger.messages) {
    const now = performance.now()
    const due = Math.min(ledger.messages, Math.floor(((now - start) / 1_000) * rate) + 1)
    const publisher = publishers[turn % publishers.length]
    if (due > next && publisher !== undefined) {
      const dueAt = start + (next / rate) * 1_000
      publishNext(publishing, publisher, next, due - next, now - dueAt > LATE_MS ? dueAt : now)
      next = due
      turn += 1
    }
    await pause(TICK_MS)
  }
  await allAcknowledged(publishing)
}
