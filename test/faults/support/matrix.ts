/**
 * The fault matrix: every principal does everything while the store has a fault, on one server. The process lives, errors
 * are the catalogue's, nothing that was acknowledged is lost, `/readyz` tells the truth, and all is back by itself soon
 * after the store is. A file of this folder is one fault; this is the table that all of them share.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import {
  eventually,
  metric,
  passwordFile,
  request,
  type Scope,
  type ServerProcess,
  startServerProcess,
  within,
} from '../../support/index.ts'
import { ACTIONS, type Action, TEXTS } from './actions.ts'
import type { Outcome } from './outcome.ts'
import { type Participant, type Principal, PRINCIPALS, user } from './principals.ts'
import { USER_ACTIONS } from './user-actions.ts'

export interface Fault {
  /** Starts what the server keeps its state in; gives the settings that lead there. */
  start(t: Scope): Promise<Record<string, string>>
  /** Resolves when it has begun. */
  begin(server: ServerProcess): Promise<unknown>
  /** Resolves when the store answers again: from then on the time runs in which all has to be back. */
  end(server: ServerProcess): Promise<unknown>
  /** It lasts at least so long, ms: longer than commands wait for an answer. */
  readonly lastsMs?: number
  /** What `/readyz` says while it lasts; undefined where both are true. */
  readonly ready: boolean | undefined
  /** What was acknowledged before is gone with the store's data, and tokens are issued again. */
  readonly forgets?: boolean
}

/** From the first answer of the store until everything works again, ms. */
const BACK_MS = 15_000
const RETRY_MS = 50

interface Cell {
  readonly name: string
  during(): Promise<Outcome>
  after(outcome: Outcome): Promise<void>
  missing(outcome: Outcome): string[]
  /** Gets again what the store has forgotten. */
  renew(): Promise<void>
}

export async function faultMatrix(t: Test, fault: Fault): Promise<void> {
  const settings = {
    PUSH_LOG_LEVEL: 'warn',
    PUSH_PASSWORD_FILE: passwordFile(t),
    ...(await fault.start(t)),
  }
  const server = await startServerProcess(t, { settings })
  const { pid } = server
  const cells = await joinAll(t, server)

  await fault.begin(server)
  const held = pause(fault.lastsMs ?? 0)
  const asking = cells.map((cell) => cell.during())
  // Whoever looks at them later, each is owned now.
  for (const each of asking) each.catch(() => undefined)
  if (fault.ready !== undefined)
    await eventually(`/readyz that says ${fault.ready}`, async () => (await isReady(server)) === fault.ready)
  await held
  // Faults that nothing but a time-out answers end while some still wait for theirs.
  if (fault.lastsMs === undefined) await Promise.allSettled(asking)
  await fault.end(server)

  const deadline = performance.now() + BACK_MS
  const results = await Promise.all(
    cells.map((cell, index) => isBack(cell, asking[index] ?? Promise.resolve('refused'), fault, deadline)),
  )
  for (const [index, { name }] of cells.entries()) t.equal(results[index], 'back', name)
  t.ok(server.running && server.pid === pid, 'the process lives')
  if (!server.running) return
  t.ok(await eventually('/readyz', () => isReady(server), BACK_MS).catch(() => false), '/readyz says ready again')
  t.equal(await unexpected(server), 0, 'no error was left to the last resort')
  const telling = [...Object.values(TEXTS), server.providerKey]
  const told = server.logs.filter((line) => telling.some((secret) => line.includes(secret)))
  t.same(told, [], 'the log holds no payload and no key')
}

/** A few at a time: on a busy machine all at once keep a store that is just starting so busy that some are refused. */
async function joinAll(t: Test, server: ServerProcess): Promise<Cell[]> {
  const cells: Cell[] = []
  const join = async (what: string, joining: readonly Promise<Cell>[]): Promise<void> => {
    cells.push(...(await within(`${what} before the fault`, Promise.all(joining))))
  }
  for (const principal of PRINCIPALS)
    await join(
      principal.name,
      ACTIONS.map((action) => openCell(t, server, principal, action)),
    )
  await join(
    'users',
    USER_ACTIONS.map((action) => openCell(t, server, user, action)),
  )
  return cells
}

async function openCell<P extends Participant>(
  t: Test,
  server: ServerProcess,
  principal: Principal<P>,
  action: Action<P>,
): Promise<Cell> {
  const name = `${principal.name} ${action.name}`
  const participant = await principal.join(t, server, name.replaceAll(' ', '-'))
  await action.before(participant)
  return {
    name,
    during: () => action.during(participant),
    after: (outcome) => action.after(participant, outcome),
    missing: (outcome) => action.missing(participant, outcome),
    renew: () => participant.renew(),
  }
}

/** `back`, or what is not. */
async function isBack(cell: Cell, asking: Promise<Outcome>, fault: Fault, deadline: number): Promise<string> {
  let outcome: Outcome
  try {
    outcome = await within('an answer', asking)
  } catch (error) {
    return `answered with ${String(error)}`
  }
  let last = 'nothing was tried'
  let isAsked = false
  while (performance.now() < deadline) {
    try {
      if (fault.forgets === true && !isAsked) await cell.renew()
      if (!isAsked) await within('it again', cell.after(outcome), Math.max(1, deadline - performance.now()))
      isAsked = true
      const missing = cell.missing(outcome)
      const counted = fault.forgets === true ? missing.filter((text) => text === TEXTS.after) : missing
      if (counted.length === 0) return 'back'
      last = `${outcome} while it lasted, and missing: ${counted.join(', ')}`
    } catch (error) {
      last = String(error)
    }
    await pause(RETRY_MS)
  }
  return last
}

async function isReady(server: ServerProcess): Promise<boolean> {
  return (await request(server, 'GET', '/readyz', { bearer: null })).status === 200
}

async function unexpected(server: ServerProcess): Promise<number> {
  const kinds = ['rejection', 'exception', 'callback']
  const counts = kinds.map((kind) => metric(server, 'push_unexpected_errors_total', `kind="${kind}"`))
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}
