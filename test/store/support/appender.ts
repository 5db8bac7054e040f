/** Appends to an embedded store without end, and says what was answered: a process to be killed. */
import { once } from 'node:events'
import { openLevelStore } from '../../../store/index.ts'
import { message, register, TOKEN } from './level.ts'

/** A line of its output: what was answered, or `open`. */
export type Answer =
  | { what: 'open'; epoch: number }
  | { what: 'private'; tokenId: string; id: string; offset: number }
  | { what: 'broadcast'; id: string; offset: number }
  | { what: 'commit'; tokenId: string; offset: number }
  | { what: 'upstream'; id: string; offset: number }
  | { what: 'moved'; offset: number }

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
  tokenId: TOKEN,
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

/** Packet ids of QoS 2 go round. */
async function publish(): Promise<void> {
  await store.openReader({ app: 'weather', reader: 'reader', expiresAt: Infinity })
  for (let number = 0; ; number += 1) {
    const id = `${life}-${number}`
    const { offset, duplicate } = await store.appendUpstream({
      app: 'weather',
      tokenId: TOKEN,
      generation,
      epoch,
      subject: 'state',
      message: message({ id, payload: id, retain: number % 7 === 0 }),
      as: 'stored',
      received: (number % 10) + 1,
    })
    if (!duplicate) say({ what: 'upstream', id, offset })
    await store.releaseUpstream(TOKEN, epoch, (number % 10) + 1)
    if (duplicate || number % 10 !== 9) continue
    await store.moveReader('weather', 'reader', [{ part: 0, cursor: offset - 5 }])
    say({ what: 'moved', offset: offset - 5 })
  }
}

await Promise.all([...IDS.map(appendTo), broadcast(), publish()])
