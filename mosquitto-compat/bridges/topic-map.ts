/** The topics that a bridge forwards, and their names at the other broker. */
import type { BridgeQos, BridgeTopic } from '../conf/bridge-options.ts'
import { isTopicName, matchesFilter } from './topic-names.ts'

export interface Subscribed {
  readonly filter: string
  readonly qos: BridgeQos
}

/** One end of a `topic` line. */
interface End {
  readonly filter: string
  readonly prefix: string
}

interface Line {
  readonly topic: BridgeTopic
  readonly local: End
  readonly remote: End
}

export class TopicMap {
  /** Filters of this broker. */
  readonly locals: readonly Subscribed[]
  /** Filters of the other broker. One that is not wanted, an earlier configuration may have subscribed to. */
  readonly atRemote: readonly (Subscribed & { readonly isWanted: boolean })[]
  readonly #lines: readonly Line[]

  constructor(topics: readonly BridgeTopic[]) {
    const lines = topics.map((topic) => ({
      topic,
      local: endOf(topic.pattern, topic.localPrefix),
      remote: endOf(topic.pattern, topic.remotePrefix),
    }))
    // A line that renames goes before lines that do not, as with Mosquitto.
    const renames = ({ topic }: Line) => topic.localPrefix !== '' || topic.remotePrefix !== ''
    this.#lines = [...lines.filter(renames), ...lines.filter((line) => !renames(line))]
    const goingOut = lines.filter(({ topic }) => topic.direction !== 'in')
    this.locals = goingOut.map(({ topic: { qos }, local: { filter } }) => ({ filter, qos }))
    const wanted = new Set(lines.filter(({ topic }) => topic.direction !== 'out').map(({ remote }) => remote.filter))
    this.atRemote = lines
      .map(({ topic: { qos, direction }, remote: { filter } }) => ({ filter, qos, isWanted: direction !== 'out' }))
      .filter(({ filter, isWanted }) => isWanted || !wanted.has(filter))
  }

  /** What a message of this broker is called there. Undefined: it is not to go, or there is no such name. */
  toRemote(topic: string): string | undefined {
    const line = this.#find(topic, 'in', 'local')
    return line && renamed(topic, line.local, line.remote)
  }

  /** The other way round. */
  toLocal(topic: string): string | undefined {
    const line = this.#find(topic, 'out', 'remote')
    return line && renamed(topic, line.remote, line.local)
  }

  #find(topic: string, not: 'in' | 'out', end: 'local' | 'remote'): Line | undefined {
    return this.#lines.find((line) => line.topic.direction !== not && matchesFilter(line[end].filter, topic))
  }
}

function endOf(pattern: string, prefix: string): End {
  return { filter: prefix + pattern, prefix }
}

function renamed(topic: string, from: End, to: End): string | undefined {
  const name = nameOf(topic, from.prefix, to.prefix)
  return isTopicName(name) ? name : undefined
}

function nameOf(topic: string, from: string, to: string): string {
  if (topic.startsWith(from)) return to + topic.slice(from.length)
  // `#` below a prefix matches the level above it too [MQTT-4.7.1-2]: it is the level above the other prefix.
  return `${topic}/` === from ? to.replace(/\/$/, '') : to + topic
}
