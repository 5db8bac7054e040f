/**
 * The live sessions of providers on this node: found by name, woken by the upstream logs of their apps, swept
 * periodically.
 */
import type { Logger } from 'pino'
import type { Limits } from '../../common/limits.ts'
import type { ReaderPart, SessionOwner, Store, UpstreamEntry, Watcher } from '../../store/contract.ts'
import { CommitPeriod } from './commit-period.ts'
import type { DelayedWills } from './delayed-wills.ts'
import { GroupMembers } from './group-members.ts'
import { type LiveNamed, LiveNames, Retries } from './live-names.ts'
import type { ProviderSubscription } from './provider-subscriptions.ts'
import type { UpstreamGroup } from './upstream-group.ts'

/** A client id never reaches another principal's session. */
export function providerSessionName(provider: string, clientId: string): string {
  return `${PREFIX}${encodeURIComponent(provider)}/${clientId}`
}

function isProviderSession(name: string): boolean {
  return name.startsWith(PREFIX)
}

const PREFIX = 'p/'

/** A session as this file sees it. */
export interface LiveProviderSession extends LiveNamed {
  readonly connection: LiveNamed['connection'] & { failed(error: unknown): void }
  arrived(app: string, part: number, offset: number, entry: UpstreamEntry | undefined): void
  readonly provider: { readonly keyId?: string }
  /** What its key allows may have changed. */
  recheckKey(): void
  /** Renews what it reads with, and looks at all of it. */
  look(): Promise<void>
  /** Writes the cursors that have moved. */
  commit(): Promise<void>
}

export interface LiveGroup {
  readonly group: UpstreamGroup<ProviderSubscription>
  readonly reader: string
  /** Its parts. */
  open(): Promise<readonly ReaderPart[]>
}

interface App {
  readonly sessions: Set<LiveProviderSession>
  readonly groups: Map<string, LiveGroup>
  /** Once the store tells this node of the log. */
  readonly listening: Promise<() => void>
}

/** Keys end also without anybody changing them, ms. */
const KEY_LOOK_MS = 400

interface ProviderSessionsOptions {
  readonly store: Store
  readonly logger: Logger
  readonly wills: DelayedWills
  readonly limits: Pick<Limits, 'commitMs' | 'retryMs' | 'sessionRecheckMs'>
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

export class ProviderSessions implements Watcher {
  /** Members of shared subscriptions. */
  readonly members: GroupMembers
  readonly #store: Store
  readonly #wills: DelayedWills
  readonly #logger: Logger
  readonly #limits: ProviderSessionsOptions['limits']
  readonly #live = new LiveNames<LiveProviderSession>()
  readonly #apps = new Map<string, App>()
  readonly #commits: CommitPeriod<LiveProviderSession>
  readonly #retries: Retries
  #sweepTimer: NodeJS.Timeout | undefined
  #keyTimer: NodeJS.Timeout | undefined
  #sweeping = false
  #stopWatching: () => void = () => undefined

  constructor({ store, logger, wills, limits, monotonic }: ProviderSessionsOptions) {
    this.#wills = wills
    this.#store = store
    this.members = new GroupMembers(store)
    this.#logger = logger
    this.#limits = limits
    this.#retries = new Retries(limits.retryMs)
    this.#commits = new CommitPeriod({ periodMs: limits.commitMs, monotonic, write: () => this.#commit() })
  }

  start(): void {
    this.#stopWatching = this.#store.watch(this)
    this.#sweepTimer = setInterval(() => this.resync(), this.#limits.sessionRecheckMs).unref()
    this.#keyTimer = setInterval(() => this.keyChanged(), KEY_LOOK_MS).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweepTimer)
    clearInterval(this.#keyTimer)
    this.#retries.stop()
    this.#commits.stop()
    await this.#live.stop()
    this.#stopWatching()
    this.#wills.stop()
  }

  release(name: string): Promise<void> {
    return this.#live.release(name)
  }

  expect(name: string): () => void {
    return this.#live.expect(name)
  }

  /** @throws SESSION_TAKEN_OVER when a newer one is known already */
  add(session: LiveProviderSession): void {
    this.#live.add(session)
  }

  /** `written` resolves when the store knows the end of the session. */
  remove(session: LiveProviderSession, written: Promise<unknown>): void {
    this.#commits.forget(session)
    this.#live.remove(session, written)
  }

  /** The session hears of an app's log when it resolves. */
  async listen(app: string, session: LiveProviderSession): Promise<void> {
    const listened = this.#appOf(app)
    listened.sessions.add(session)
    await listened.listening
  }

  unlisten(app: string, session: LiveProviderSession): void {
    const known = this.#apps.get(app)
    known?.sessions.delete(session)
    this.#release(app)
  }

  /** The group of this reader; made where it has no member here yet. */
  async group(app: string, reader: string, make: () => LiveGroup): Promise<LiveGroup> {
    const known = this.#appOf(app)
    let group = known.groups.get(reader)
    if (group === undefined) {
      group = make()
      known.groups.set(reader, group)
    }
    await known.listening
    return group
  }

  /** A group without members is gone from here. */
  leaveGroup(app: string, { group, reader }: LiveGroup): void {
    if (group.size === 0) this.#apps.get(app)?.groups.delete(reader)
    this.#release(app)
  }

  #appOf(app: string): App {
    const known = this.#apps.get(app)
    if (known !== undefined) return known
    const listening = this.#store.listenUpstream(app)
    const made: App = { sessions: new Set(), groups: new Map(), listening }
    this.#apps.set(app, made)
    // The next one tries again.
    listening.catch(() => {
      if (this.#apps.get(app) === made) this.#apps.delete(app)
    })
    return made
  }

  #release(app: string): void {
    const known = this.#apps.get(app)
    if (known === undefined || known.sessions.size > 0 || known.groups.size > 0) return
    this.#apps.delete(app)
    known.listening.then(
      (stop) => stop(),
      () => undefined,
    )
  }

  /** The cursors of this session have moved; they are written with those of others. */
  moved(session: LiveProviderSession): void {
    this.#commits.add(session)
  }

  #commit(): void {
    for (const session of this.#commits.take())
      session.commit().catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'could not write cursors, trying again')
        this.later(() => {
          if (this.#live.get(session.name) === session) this.moved(session)
        })
      })
  }

  /** The store did not answer: again, soon. */
  later(again: () => void): void {
    this.#retries.later(again)
  }

  upstreamAppended(app: string, part: number, offset: number, entry?: UpstreamEntry): void {
    const known = this.#apps.get(app)
    if (known === undefined) return
    for (const session of known.sessions) {
      try {
        session.arrived(app, part, offset, entry)
      } catch (error) {
        session.connection.failed(error)
      }
    }
    for (const { group } of known.groups.values()) {
      if (offset > 0) group.wake(part)
      else if (entry !== undefined) group.told(entry)
    }
  }

  /** Without an id: any of them. */
  keyChanged(id?: string): void {
    for (const session of this.#live.all()) {
      const { keyId } = session.provider
      if (keyId === undefined || (id !== undefined && keyId !== id)) continue
      try {
        session.recheckKey()
      } catch (error) {
        session.connection.failed(error)
      }
    }
  }

  namedSessionEnded(name: string, epoch: number): void {
    this.#live.ended(name, epoch)
  }

  willDue(session: SessionOwner, epoch: number): void {
    if ('name' in session && isProviderSession(session.name)) this.#wills.due(session, epoch)
  }

  /** Wakes may have been lost; readers last longer. One after the other, so that it is never a burst. */
  resync(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    this.#lookAtAll()
      .catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'could not check upstream logs, trying again')
        this.later(() => this.resync())
      })
      .finally(() => {
        this.#sweeping = false
      })
  }

  async #lookAtAll(): Promise<void> {
    for (const session of this.#live.all()) await session.look()
    for (const { groups } of this.#apps.values())
      for (const { group, open } of groups.values()) {
        const parts = await open()
        await group.sweep(parts.flatMap(({ part, cursor, end }) => (cursor < end ? [part] : [])))
      }
  }

  privateAppended(): void {}
  broadcastAppended(): void {}
  sessionEnded(): void {}
  cursorMoved(): void {}
  cursorsLost(): void {}
}
