/** What watchers hear, from this node and from others, in turns of their own. */
import type {
  BroadcastEntry,
  Cursors,
  LogEntry,
  Part,
  SessionEnd,
  SessionEntry,
  SessionOwner,
  StoreObserver,
  TokenId,
  UpstreamEntry,
  Watcher,
} from '../contract.ts'
import { tellAll, type Told } from '../watching.ts'
import { decodeBroadcast, decodeEntry } from './entry.ts'
import { asCursors } from './marks.ts'
import { type Packable, type Packed, Packer, unpack } from './pack.ts'
import { asBytes, asNumber, asOptionalBytes, asText } from './steps.ts'
import { decodeSessionEntry } from './session-entry.ts'
import { decodeUpstream } from './upstream-entry.ts'

const ENDS: Readonly<Record<string, SessionEnd>> = {
  SESSION_TAKEN_OVER: 'SESSION_TAKEN_OVER',
  TOKEN_REVOKED: 'TOKEN_REVOKED',
  TOKEN_SUPERSEDED: 'TOKEN_SUPERSEDED',
  TOKEN_UNKNOWN: 'TOKEN_UNKNOWN',
}

export class Events {
  /** In an object of its own, so that the same watcher may be given twice. */
  readonly #watchers = new Set<{ readonly watcher: Watcher }>()
  #waiting: Told[] = []
  readonly #observer: StoreObserver | undefined

  constructor(observer: StoreObserver | undefined) {
    this.#observer = observer
  }

  watch(watcher: Watcher): () => void {
    const own = { watcher }
    this.#watchers.add(own)
    return () => void this.#watchers.delete(own)
  }

  #emit(event: Told): void {
    this.#waiting.push(event)
    if (this.#waiting.length > 1) return
    setImmediate(() => {
      const events = this.#waiting
      this.#waiting = []
      tellAll(
        Array.from(this.#watchers, ({ watcher }) => watcher),
        events,
        this.#observer,
      )
    })
  }

  privateAppended(tokenId: TokenId, offset: number, entry?: LogEntry): void {
    this.#emit((watcher) => watcher.privateAppended(tokenId, offset, entry))
  }

  privateRemoved(tokenId: TokenId, offset: number): void {
    this.#emit((watcher) => watcher.privateRemoved?.(tokenId, offset))
  }

  broadcastRemoved(app: string, offset: number): void {
    this.#emit((watcher) => watcher.broadcastRemoved?.(app, offset))
  }

  broadcastAppended(app: string, offset: number, entry?: BroadcastEntry): void {
    this.#emit((watcher) => watcher.broadcastAppended(app, offset, entry))
  }

  upstreamAppended(app: string, part: Part, offset: number, entry?: UpstreamEntry): void {
    this.#emit((watcher) => watcher.upstreamAppended?.(app, part, offset, entry))
  }

  sessionEnded(tokenId: TokenId, epoch: number, reason: SessionEnd): void {
    this.#emit((watcher) => watcher.sessionEnded(tokenId, epoch, reason))
  }

  namedSessionEnded(name: string, epoch: number): void {
    this.#emit((watcher) => watcher.namedSessionEnded?.(name, epoch))
  }

  sessionAppended(name: string, offset: number, entry?: SessionEntry): void {
    this.#emit((watcher) => watcher.sessionAppended?.(name, offset, entry))
  }

  subscriptionsChanged(offset: number, by: string): void {
    this.#emit((watcher) => watcher.subscriptionsChanged?.(offset, by))
  }

  tableChanged(table: string, version: number): void {
    this.#emit((watcher) => watcher.tableChanged?.(table, version))
  }

  told(bytes: Uint8Array): void {
    this.#emit((watcher) => watcher.told?.(bytes))
  }

  willDue(session: SessionOwner, epoch: number): void {
    this.#emit((watcher) => watcher.willDue?.(session, epoch))
  }

  cursorMoved(tokenId: TokenId, cursors: Cursors): void {
    this.#emit((watcher) => watcher.cursorMoved(tokenId, cursors))
  }

  cursorsLost(tokenId: TokenId): void {
    this.#emit((watcher) => watcher.cursorsLost(tokenId))
  }

  resync(): void {
    this.#emit((watcher) => watcher.resync())
  }
}

export function asSessionEnd(value: Packed | undefined): SessionEnd {
  return ENDS[asText(value)] ?? 'SESSION_TAKEN_OVER'
}

export function tokenIdOf(id: Packed | undefined): TokenId {
  return asBytes(id).toString('base64url')
}

interface Hearer {
  probeReturned(count: number): void
  /** The end of a message to this node: how many it was told by this lane. */
  wakesCounted(lane: string, count: number): void
  /** A node starts with a Redis without secrets. */
  secretsWanted(): void
  broadcastEnd(app: string, end: number): void
  /** Another node has read subscriptions up to an offset. */
  subscriptionsFollowed(node: string, offset: number): void
  sessionEnded(tokenId: TokenId, epoch: number, reason: SessionEnd): void
  namedSessionEnded(name: string, epoch: number): void
}

export function packProbe(count: number): Buffer {
  return packEvent('p', count)
}

/** Asks the other nodes for the secrets that they have. */
export function packAsking(): Buffer {
  return packEvent('k')
}

function packEvent(...event: readonly Packable[]): Buffer {
  const packer = new Packer()
  packer.array(1)
  packer.array(event.length)
  for (const value of event) packer.value(value)
  return packer.finish()
}

/** A message of the wake channels: { event, event, ... }. One that cannot be read is a lost hint, nothing more. */
export function hear(message: Buffer, events: Events, hearer: Hearer): void {
  try {
    const list = unpack(message)
    if (!Array.isArray(list)) return
    for (const event of list) if (Array.isArray(event)) hearOne(event, events, hearer)
  } catch {
    // Written by a node of another version.
  }
}

function hearOne(event: readonly Packed[], events: Events, hearer: Hearer): void {
  const [kind, subject, number, rest, more] = event
  switch (asText(kind)) {
    case 'a': {
      const offset = asNumber(number)
      const entry = asOptionalBytes(rest)
      return events.privateAppended(tokenIdOf(subject), offset, entry && decodeEntry(offset, entry))
    }
    case 'b': {
      const offset = asNumber(number)
      const entry = asOptionalBytes(rest)
      hearer.broadcastEnd(asText(subject), offset)
      return events.broadcastAppended(asText(subject), offset, entry && decodeBroadcast(offset, entry))
    }
    case 'u': {
      const offset = asNumber(rest)
      const entry = asOptionalBytes(more)
      return events.upstreamAppended(asText(subject), asNumber(number), offset, entry && decodeUpstream(offset, entry))
    }
    case 'x':
      return events.privateRemoved(tokenIdOf(subject), asNumber(number))
    case 'y':
      return events.broadcastRemoved(asText(subject), asNumber(number))
    case 's': {
      const offset = asNumber(number)
      const entry = asOptionalBytes(rest)
      return events.sessionAppended(asText(subject), offset, entry && decodeSessionEntry(offset, entry))
    }
    case 't':
      return events.subscriptionsChanged(asNumber(subject), asText(number))
    case 'f':
      return hearer.subscriptionsFollowed(asText(subject), asNumber(number))
    case 'r':
      return events.tableChanged(asText(subject), asNumber(number))
    case 'm':
      return events.told(asBytes(subject))
    case 'e':
      return hearer.sessionEnded(tokenIdOf(subject), asNumber(number), asSessionEnd(rest))
    case 'n':
      return hearer.namedSessionEnded(asText(subject), asNumber(number))
    case 'c':
      return events.cursorMoved(tokenIdOf(subject), asCursors(number, rest, more))
    case 'w':
      return hearer.wakesCounted(asText(subject), asNumber(number))
    case 'p':
      return hearer.probeReturned(asNumber(subject))
    case 'k':
      return hearer.secretsWanted()
  }
}
