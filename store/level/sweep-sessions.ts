/** What is due of sessions by name. */
import { orDamaged } from './database.ts'
import type { Durable } from './durable.ts'
import type { GroupCommit } from './group-commit.ts'
import { afterNumber, numberOf, parseEntryKey, sessionNameKey } from './keys.ts'
import { decodeText } from './named-records.ts'
import { sweepNamedSession } from './named.ts'
import { RUNS_KEY } from './process-runs.ts'
import type { Transaction } from './transaction.ts'

/** Sessions that are closed together. */
const TOGETHER = 200

/** Sessions that an earlier run of the process held: each is written as closed, so that its end is due. */
export async function closeEarlier({ database, runs }: Durable, commits: GroupCommit): Promise<void> {
  if (!runs.hasEarlier) return
  for (;;) {
    const held = await runs.heldEarlier(database, TOGETHER)
    if (held.length === 0) break
    await commits.submit({
      synced: true,
      bytes: 0,
      apply(transaction) {
        for (const key of held) closeOne(transaction, key)
      },
    })
  }
  runs.forgetEarlier()
  if (runs.isWritten) {
    const apply = (transaction: Transaction): void => transaction.put(RUNS_KEY, runs.encode())
    await commits.submit({ synced: false, bytes: 0, apply })
  }
}

/** As it is read in this run, it is closed. */
function closeOne(transaction: Transaction, key: Buffer): void {
  const name = afterNumber(key)
  const session = transaction.sessions.of(name)
  if (session?.indexed === true && session.run === numberOf(key)) transaction.sessions.set(name, session)
  else transaction.delete(key)
}

export function sweepNamed(transaction: Transaction, due: Buffer, time: number, name: string, now: number): void {
  if (transaction.sessions.of(name)?.visitAt !== time) return transaction.delete(due)
  sweepNamedSession(transaction, name, now)
}

export function sweepSessionEntry(transaction: Transaction, key: Buffer, now: number): void {
  const id = numberOf(key)
  const bytes = transaction.get(sessionNameKey(id))
  const { sessions } = transaction
  const name = bytes && orDamaged(() => decodeText(bytes))
  const session = name === undefined ? undefined : sessions.of(name)
  if (name === undefined || session?.id !== id) return
  const log = sessions.log(name, session)
  log.expireOne(parseEntryKey(key).offset, now)
  log.passHoles()
  sessions.set(name, { ...session, log: log.state })
}
