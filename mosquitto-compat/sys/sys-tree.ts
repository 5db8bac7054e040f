/** The topics below `$SYS/broker/` in Mosquitto's formats, from the counters of this process. */
import type { GeneralCounts, StoredCounts } from '../../index.ts'

export interface SysCounts extends GeneralCounts, StoredCounts {
  /** Bytes. */
  readonly heap: number
}

export interface SysTopic {
  readonly topic: string
  readonly payload: string
}

const ROOT = '$SYS/broker/'

/** Topics of one number. Those of one row have the same. */
const NUMBERS: readonly (readonly [topics: readonly string[], of: (counts: SysCounts) => number])[] = [
  [['clients/total'], (counts) => totalOf(counts)],
  [['clients/disconnected', 'clients/inactive'], ({ sessionsAway }) => sessionsAway],
  [['clients/connected', 'clients/active'], ({ connected }) => connected],
  // The store forgets a session when its time is over, and tells nobody.
  [['clients/expired'], () => 0],
  [['messages/stored', 'store/messages/count'], ({ messages }) => messages],
  [['store/messages/bytes'], ({ bytes }) => bytes],
  [['subscriptions/count'], ({ subscriptions }) => subscriptions],
  [['shared_subscriptions/count'], ({ sharedSubscriptions }) => sharedSubscriptions],
  [['retained messages/count'], ({ retained }) => retained],
  [['heap/current'], ({ heap }) => heap],
  [['messages/received'], ({ packetsReceived }) => packetsReceived],
  [['messages/sent'], ({ packetsSent }) => packetsSent],
  [['bytes/received'], ({ bytesReceived }) => bytesReceived],
  [['bytes/sent'], ({ bytesSent }) => bytesSent],
  [['publish/bytes/received'], ({ payloadBytesReceived }) => payloadBytesReceived],
  [['publish/bytes/sent'], ({ payloadBytesSent }) => payloadBytesSent],
  [['packet/out/count'], ({ packetsWaiting }) => packetsWaiting],
  [['packet/out/bytes'], ({ bytesWaiting }) => bytesWaiting],
  [['connections/socket/count'], ({ socketsOpened }) => socketsOpened],
  [['publish/messages/dropped'], ({ publishesDropped }) => publishesDropped],
  [['publish/messages/received'], ({ publishesReceived }) => publishesReceived],
  [['publish/messages/sent'], ({ publishesSent }) => publishesSent],
]

/** Topics of the highest number so far. */
const MAXIMA: readonly (readonly [topic: string, of: (counts: SysCounts) => number])[] = [
  ['clients/maximum', (counts) => totalOf(counts)],
  ['heap/maximum', ({ heap }) => heap],
]

/** What is told of as so much a minute. */
const LOADS: readonly (readonly [topic: string, of: (counts: SysCounts) => number])[] = [
  ['load/messages/received', ({ packetsReceived }) => packetsReceived],
  ['load/messages/sent', ({ packetsSent }) => packetsSent],
  ['load/publish/dropped', ({ publishesDropped }) => publishesDropped],
  ['load/publish/received', ({ publishesReceived }) => publishesReceived],
  ['load/publish/sent', ({ publishesSent }) => publishesSent],
  ['load/bytes/received', ({ bytesReceived }) => bytesReceived],
  ['load/bytes/sent', ({ bytesSent }) => bytesSent],
  ['load/sockets', ({ socketsOpened }) => socketsOpened],
  ['load/connections', ({ connectsReceived }) => connectsReceived],
]

const WINDOWS = [
  ['1min', 60],
  ['5min', 300],
  ['15min', 900],
] as const

function totalOf({ connected, sessionsAway }: SysCounts): number {
  return connected + sessionsAway
}

export class SysTree {
  readonly #version: string
  readonly #said = new Map<string, string>()
  readonly #maxima = new Map<string, number>()
  readonly #loads = new Map<string, number>()
  #before: SysCounts | undefined
  #at = 0

  constructor(version: string) {
    this.#version = version
  }

  /** How many topics there are: they are retained messages too. */
  static get size(): number {
    const numbers = NUMBERS.reduce((sum, [topics]) => sum + topics.length, 0)
    return numbers + MAXIMA.length + LOADS.length * WINDOWS.length + ['version', 'uptime'].length
  }

  /** What is new, `uptime` always. `seconds` since the start, of a clock that nobody sets. */
  update(counts: SysCounts, seconds: number): SysTopic[] {
    const changed: SysTopic[] = []
    const say = (name: string, payload: string) => {
      const topic = `${ROOT}${name}`
      if (this.#said.get(topic) === payload) return
      this.#said.set(topic, payload)
      changed.push({ topic, payload })
    }
    say('version', this.#version)
    this.#said.delete(`${ROOT}uptime`)
    say('uptime', `${Math.floor(seconds)} seconds`)
    for (const [topic, of] of LOADS)
      for (const [name, window] of WINDOWS)
        say(`${topic}/${name}`, this.#loadOf(`${topic}/${name}`, window, of, counts, seconds))
    for (const [topics, of] of NUMBERS) for (const topic of topics) say(topic, String(of(counts)))
    for (const [topic, of] of MAXIMA) {
      const maximum = Math.max(of(counts), this.#maxima.get(topic) ?? 0)
      this.#maxima.set(topic, maximum)
      say(topic, String(maximum))
    }
    this.#before = counts
    this.#at = seconds
    return changed
  }

  /** As an average that forgets: `x` a minute since the last time, and less and less of what was before. */
  #loadOf(name: string, window: number, of: (counts: SysCounts) => number, counts: SysCounts, seconds: number): string {
    const passed = seconds - this.#at
    const old = this.#loads.get(name) ?? 0
    if (this.#before === undefined || passed <= 0) return old.toFixed(2)
    const now = ((of(counts) - of(this.#before)) * 60) / passed
    const load = now + Math.exp(-passed / window) * (old - now)
    this.#loads.set(name, load)
    return load.toFixed(2)
  }
}
