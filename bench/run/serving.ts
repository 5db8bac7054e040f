/** When does a server serve? The same question to each: when it answers a CONNECT. */
import { setTimeout as pause } from 'node:timers/promises'
import { Publisher } from '../load/publisher.ts'
import type { Credentials } from '../load/packets.ts'
import type { Child } from './processes.ts'

const RETRY_MS = 5
const GIVE_UP_MS = 120_000

export async function untilServing(
  port: number,
  credentials: Omit<Credentials, 'clientId'>,
  child?: () => Child,
): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS
  for (;;) {
    const probe = new Publisher(port)
    try {
      await probe.connect({ clientId: 'probe', ...credentials }, true)
      await probe.end()
      return
    } catch (error) {
      if (child?.().running === false) throw new Error(`the server ended: ${child().lastWords}`)
      if (performance.now() > deadline) throw error
      await pause(RETRY_MS)
    }
  }
}
