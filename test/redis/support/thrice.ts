/** Lanes that send each batch three times, as one does whose answers are lost. */
import type { Test } from 'tap'
import { parseAddress } from '../../../store/redis/address.ts'
import { type Batch, BatchScript } from '../../../store/redis/batch-script.ts'
import { connectClient, createClient } from '../../../store/redis/connection.ts'
import { serverJournalKey } from '../../../store/redis/keys.ts'
import { Lanes } from '../../../store/redis/lanes.ts'

interface Thrice {
  readonly script: BatchScript
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
  const script = new BatchScript(client)
  const thrice = {
    run: async (batch: Batch): Promise<Buffer> => {
      const answers: Buffer[] = []
      for (let time = 0; time < 3; time += 1) answers.push(await script.run(batch))
      replies.push(answers.map((answer) => answer.toString('hex')))
      return answers[0] ?? Buffer.alloc(0)
    },
  }
  const journal = serverJournalKey('push', 0)
  const lanes = new Lanes({
    script: thrice,
    journalOf: () => journal,
    connections: () => 1,
    life: () => undefined,
    tallied: () => undefined,
    process: [
      'process',
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
    now,
    deadlineMs: 2_000,
    waitingSteps: 1_000,
    waitingBytes: 1e6,
  })
  return { script, journal, lanes, replies }
}
