/** Lanes that send each batch three times, as one does whose answers are lost. */
import type { Test } from 'tap'
import { parseAddress } from '../../../store/redis/address.ts'
import { type Client, connectClient, createClient } from '../../../store/redis/connection.ts'
import { serverJournalKey } from '../../../store/redis/keys.ts'
import { Lanes } from '../../../store/redis/lanes.ts'

interface Thrice {
  readonly client: Client
  readonly journal: string
  readonly lanes: Lanes
  /** What each batch was answered, each time. */
  readonly replies: readonly (readonly string[])[]
}

export async function thriceLanes(t: Test, url: string, now = Date.now): Promise<Thrice> {
  const client = createClient({ address: parseAddress(url), deadlineMs: 2_000 })
  await connectClient(client, 5_000)
  t.teardown(() => client.disconnect())
  const replies: string[][] = []
  const thrice = Object.create(client, {
    pushBatchBuffer: {
      value: async (journal: string, absent: string, batch: Buffer) => {
        const answers: Buffer[] = []
        for (let time = 0; time < 3; time += 1) answers.push(await client.pushBatchBuffer(journal, absent, batch))
        replies.push(answers.map((answer) => answer.toString('hex')))
        return answers[0]
      },
    },
  }) as Client
  const journal = serverJournalKey('push', 0)
  const lanes = new Lanes({
    client: thrice,
    journalOf: () => journal,
    connections: () => 1,
    life: () => undefined,
    tallied: () => undefined,
    header: [
      'node',
      'push:node:',
      1000,
      1e6,
      1000,
      1e6,
      1000,
      1e6,
      1000,
      1e6,
      100,
      1e6,
      100,
      1000,
      1e6,
      1000,
      1e6,
      1e9,
      30_000,
    ],
    process: 'process',
    now,
    deadlineMs: 2_000,
    waitingSteps: 1_000,
    waitingBytes: 1e6,
  })
  return { client, journal, lanes, replies }
}
