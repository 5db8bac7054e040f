/** Appends to an embedded store without end, and says what was answered: a process to be killed. */
import { once } from 'node:events'
import { openLevelStore } from '../../../store/index.ts'
import { message, register } from './level.ts'

/** A line of its output: what was answered, or `open`. */
export type Answer =
  | { what: 'open'; epoch: number }
  | { what: 'private'; tokenId: string; id: string; offset: number }
  | { what: 'broadcast'; id: string; offset: number }
  | { what: 'commit'; tokenId: string; offset: number }

const [directory = '', life = '0'] = process.argv.slice(2)
const IDS = Array.from({ length: 20 }, (_, number) => String(number).padStart(22, 'A'))

function say(answer: Answer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

const store = openLevelStore({ directory, limits: { privateMessages: 1_000_000, broadcastMessages: 1_000_000 } })
await store.open()
for (const tokenId of IDS) {
  await store.registerToken({
    tokenId,
    app: 'weather',
    deviceMark: tokenId,
    expiresAt: Date.now() + 86_400_000,
  })
}
const { generation } = await register(store)
const { epoch } = await store.openSession({
  tokenId: 'AAAAAAAAAAAAAAAAAAAAAA',
  app: 'weather',
  generation,
  cleanStart: false,
})
say({ what: 'open', epoch })

async function appendTo(tokenId: string): Promise<void> {
  for (let number = 0; ; number += 1) {
    const id = `${life}-${number}`
    const { offset } = await store.append({
      tokenId,
      message: message({ id, payload: `${tokenId} ${id}` }),
      dedupe: true,
    })
    say({ what: 'private', tokenId, id, offset })
    if (number % 10 === 9) {
      await store.commit([{ tokenId, private: offset - 5 }])
      say({ what: 'commit', tokenId, offset: offset - 5 })
    }
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  }
}

async function broadcast(): Promise<void> {
  for (let number = 0; ; number += 1) {
    const id = `${life}-${number}`
    const { offset } = await store.appendBroadcast({
      app: 'weather',
      selector: { kind: 'all' },
      message: message({ id, payload: id }),
      dedupe: true,
    })
    say({ what: 'broadcast', id, offset })
  }
}

await Promise.all([...IDS.map(appendTo), broadcast()])
