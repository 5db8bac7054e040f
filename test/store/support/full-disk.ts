/** Appends to an embedded store whose files cannot grow beyond a limit, reads meanwhile, and says what was answered. */
import { setImmediate as turn } from 'node:timers/promises'
import { openLevelStore, type TokenId } from '../../../store/index.ts'
import { message, OTHER, register, TOKEN } from './level.ts'

/** A line of its output. */
export type Answer = { tokenId: TokenId; id: string; offset: number } | { refused: string } | { done: number }

const [directory = '', appends = '0'] = process.argv.slice(2)
const COMPRESSIBLE = 'x'.repeat(2_000)

function say(answer: Answer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

const store = openLevelStore({ directory, limits: { privateMessages: 1_000_000, privateBytes: 1e9 } })
await store.open()
for (const tokenId of [TOKEN, OTHER]) await register(store, tokenId)

/** Reads under way meet the database while it is closed and opened again; they may fail, and nothing more. */
let reading = true
async function read(): Promise<number> {
  let failures = 0
  while (reading) {
    try {
      await store.readPrivate(TOKEN, 0, { entries: 10_000, bytes: 1e9 })
      for await (const token of store.tokens()) if (token.revoked) throw new Error('nobody revoked it')
    } catch (error) {
      if (!String(error).includes('store')) throw error
      failures += 1
    }
    await turn()
  }
  return failures
}

async function append(tokenId: TokenId, number: number): Promise<void> {
  // Each record ends at another byte of its block.
  const payload = COMPRESSIBLE.slice(0, 700 + ((number * 37) % 1_001))
  try {
    const { offset } = await store.append({ tokenId, message: message({ id: `${number}`, payload }), dedupe: true })
    say({ tokenId, id: `${number}`, offset })
  } catch (error) {
    say({ refused: String(error) })
  }
}

const reader = read()
for (let number = 0; number < Number(appends); number += 1) {
  await Promise.all([append(TOKEN, number), append(OTHER, number)])
}
reading = false
say({ done: await reader })
// To be killed: nothing is closed in order.
setInterval(() => undefined, 60_000)
