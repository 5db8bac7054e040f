/** People with throw-away tokens on a live server, and what is cleaned up after them. */
import { randomBytes } from 'node:crypto'
import { askAt, type Ask, Refusal } from '../ask.ts'
import { CommandError, EXIT } from '../command-error.ts'
import { Ledger, type Receiver } from './ledger.ts'
import { connectPeer, type MqttPeer, type PeerOptions, REFUSED } from './mqtt-peer.ts'

/** Whatever is left behind by a check that was killed ends by itself, s. */
const LIFE_S = 600

/** Why a check that needs two provider keys is left out. */
export const NO_KEYS = 'this key may not make keys: keys:admin is missing'

export interface Person {
  /** How the report names it. */
  readonly who: string
  readonly app: string
  readonly device: string
  readonly account: string
  readonly version: string
  readonly token: string
  readonly tokenId: string
  readonly privateTopic: string
  readonly broadcastTopic: string
  readonly endpoint: string | undefined
}

export interface Names {
  readonly app?: string
  readonly device: string
  readonly account: string
  readonly version?: string
  readonly tags?: readonly string[]
  readonly webPush?: object
}

export interface User {
  readonly name: string
  readonly password: string
}

export interface WorldOptions {
  readonly url: string
  readonly mqttUrl: string
  readonly ask: Ask
  /** Undefined: random ones, of which nobody else knows. */
  readonly apps: readonly string[] | undefined
  readonly user: User | undefined
  readonly signal: AbortSignal
}

interface Issued {
  readonly token: string
  readonly tokenId: string
  readonly endpoint?: string
  readonly topics: { readonly private: string; readonly broadcast: string }
}

export class World {
  readonly options: WorldOptions
  readonly ledger = new Ledger()
  readonly #mark = randomBytes(6).toString('hex')
  readonly apps: readonly string[]
  /** Only devices of this check have them. */
  readonly versions: readonly [string, string]
  readonly #sharers = new Map<string, Set<string>>()
  readonly #cleanUps: (() => Promise<unknown>)[] = []

  constructor(options: WorldOptions) {
    this.options = options
    this.apps = options.apps ?? [`verify-${this.#mark}-a`, `verify-${this.#mark}-b`]
    this.versions = [`0.0.0-verify.v${this.#mark}.1`, `0.0.0-verify.v${this.#mark}.2`]
  }

  get app(): string {
    return this.apps[0] ?? ''
  }

  get ask(): Ask {
    return (method, path, body) => this.options.ask(method, path, body, this.options.signal)
  }

  /** Names of devices and accounts that nobody else has. */
  named(name: string): string {
    return `${name}-${this.#mark}`
  }

  async issue(who: string, names: Names): Promise<Person> {
    const { app = this.app, version = this.versions[0], device, account, ...rest } = names
    const whole = { app, version, device: this.named(device), account: account === '' ? '' : this.named(account) }
    const issued = (await this.ask('POST', '/v1/tokens', { ...whole, ttl: LIFE_S, ...rest })) as Issued
    this.onCleanUp(() => this.options.ask('DELETE', `/v1/tokens/${issued.tokenId}`))
    const { token, tokenId, topics, endpoint } = issued
    this.sharers(app, version).add(who)
    return { ...whole, who, token, tokenId, privateTopic: topics.private, broadcastTopic: topics.broadcast, endpoint }
  }

  /** A provider key for one app. Undefined: the key that is used may not make one. */
  async key(app: string, name: string): Promise<string | undefined> {
    const scopes = ['messages:send', 'messages:read', 'tokens:issue', 'tokens:read', 'tokens:revoke', 'events:read']
    const wanted = { name: this.named(name), apps: [app], scopes, expiresIn: LIFE_S }
    const made = await this.ask('POST', '/v1/keys', wanted).catch((error: unknown) => {
      const isForbidden = error instanceof Refusal && (error.code === 'SCOPE_MISSING' || error.code === 'APP_FORBIDDEN')
      if (isForbidden) return undefined
      throw error
    })
    if (made === undefined) return undefined
    const { id, key } = made as { readonly id: string; readonly key: string }
    this.onCleanUp(() => this.options.ask('DELETE', `/v1/keys/${id}`))
    return key
  }

  /** Registers what it receives. Undefined: refused. */
  async connect(person: Person, options: Partial<PeerOptions> = {}): Promise<MqttPeer | undefined> {
    return await this.connectAs({ who: person.who, username: 'device', password: person.token, ...options })
  }

  async connectAs(options: Omit<PeerOptions, 'url'>): Promise<MqttPeer | undefined> {
    const peer = await connectPeer({ url: this.options.mqttUrl, ...options })
    if (peer !== undefined) this.ledger.add(peer)
    return peer
  }

  /** Connects, and subscribes to its own topics. @throws CommandError when that is refused */
  async join(person: Person, options: Partial<PeerOptions> = {}): Promise<MqttPeer> {
    const peer = await this.connect(person, options)
    const codes = [await peer?.subscribe(person.privateTopic), await peer?.subscribe(person.broadcastTopic)]
    if (peer !== undefined && codes.every((code) => code !== undefined && code < REFUSED)) return peer
    throw new CommandError(EXIT.failed, `${person.who} is refused its own connection or topics`)
  }

  listens(receiver: Receiver): Receiver {
    this.ledger.add(receiver)
    return receiver
  }

  /** Sends something that only these may receive. Resolves to the text. */
  async send(what: string, to: object, allowed: Iterable<Person | string>, more: object = {}): Promise<string> {
    const text = this.ledger.payload(
      what,
      [...allowed].map((each) => (typeof each === 'string' ? each : each.who)),
    )
    const body = { to, payload: text, ttl: LIFE_S, ...more }
    const { rejected = [] } = (await this.ask('POST', '/v1/messages', body)) as { rejected?: readonly object[] }
    this.ledger.count += 1
    if (rejected.length > 0) throw new CommandError(EXIT.failed, `${what} was refused: ${JSON.stringify(rejected)}`)
    return text
  }

  /** Whatever was sent before has come to whom it comes: each gets one more of either kind, and waits for it. */
  async settle(listeners: readonly (readonly [Person, Receiver])[]): Promise<void> {
    const people = [...new Set(listeners.map(([person]) => person))]
    const last = new Map<Person, string>()
    for (const person of people)
      last.set(person, await this.send(`the last message to ${person.who}`, { token: person.tokenId }, [person]))
    const kinds = new Map<string, Person[]>()
    for (const person of people) {
      const kind = `${person.app}/${person.version}`
      kinds.set(kind, [...(kinds.get(kind) ?? []), person])
    }
    const broadcasts = new Map<Person, string>()
    for (const sharers of kinds.values()) {
      const [{ app, version } = { app: '', version: '' }] = sharers
      const text = this.ledger.payload(`the last broadcast to ${app} ${version}`, [...this.sharers(app, version)])
      await this.ask('POST', '/v1/messages', { to: { app, version }, payload: text, ttl: LIFE_S })
      for (const person of sharers) broadcasts.set(person, text)
    }
    for (const [person, receiver] of listeners) {
      await receiver.until(last.get(person) ?? '')
      await receiver.until(broadcasts.get(person) ?? '')
    }
    this.ledger.check()
  }

  /** Whose the broadcasts of a version are. */
  sharers(app: string, version: string): Set<string> {
    const kind = `${app}/${version}`
    const known = this.#sharers.get(kind) ?? new Set()
    this.#sharers.set(kind, known)
    return known
  }

  /** A call that must be refused. */
  async refuses(what: string, call: () => Promise<unknown>): Promise<void> {
    this.ledger.count += 1
    try {
      await call()
    } catch (error) {
      if (error instanceof Refusal && error.status >= 400 && error.status < 500) return
      throw error
    }
    this.ledger.leak(what)
  }

  /** Over HTTP, as somebody else than the provider. */
  as(bearer: string): Ask {
    const ask = askAt(this.options.url, bearer)
    return (method, path, body) => ask(method, path, body, this.options.signal)
  }

  onCleanUp(undo: () => Promise<unknown>): void {
    this.#cleanUps.push(undo)
  }

  /** Resolves to how many things are left, which end by themselves. */
  async cleanUp(): Promise<number> {
    await this.ledger.closeAll()
    let left = 0
    for (const undo of this.#cleanUps.reverse())
      await undo().catch((error: unknown) => {
        if (!(error instanceof Refusal && error.status === 404)) left += 1
      })
    return left
  }
}
