/** A healthy device and a healthy provider, who send each other messages all the time. */
import { setTimeout as pause } from 'node:timers/promises'
import { connectDevice, connectProvider, issueToken, type Scope, type Server } from '../../../support/index.ts'

/** Between two messages: the fuzzer shall have the machine. */
const PAUSE_MS = 20

export interface Exchange {
  /** Messages that arrived. */
  readonly exchanged: number
  readonly tokenId: string
  /** What nobody else may see. */
  readonly secrets: readonly string[]
  /** Ends it; throws when a message had not arrived. */
  stop(): Promise<void>
}

export async function exchange(t: Scope, server: Server): Promise<Exchange> {
  const issued = await issueToken(server, { app: 'healthy', device: 'one' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  const provider = await connectProvider(t, server, { protocolVersion: 4 })
  await provider.subscribe('healthy/u/#')
  let exchanged = 0
  let over = false

  async function round(): Promise<void> {
    const text = `message ${exchanged}`
    await provider.publish(issued.topics.private, text)
    const down = await device.next()
    await device.publish(`healthy/u/${issued.tokenId}/x`, text)
    const up = await provider.next()
    if (down.text !== text || up.text !== text) throw new Error(`${text}: ${down.text} and ${up.text} arrived`)
    exchanged += 2
  }

  const running = (async () => {
    while (!over) {
      await round()
      await pause(PAUSE_MS)
    }
  })()
  // `stop` tells it; until then it is no unhandled rejection.
  running.catch(() => undefined)
  return {
    tokenId: issued.tokenId,
    secrets: [issued.token, issued.token.split('.')[2] ?? ''],
    get exchanged() {
      return exchanged
    },
    async stop() {
      over = true
      await running
    },
  }
}
