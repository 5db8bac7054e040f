/** Topic names and filters (MQTT 5 section 4.7) and shared subscriptions (section 4.8.2), as syntax only. */
import type { DecoderLimits } from './limits.ts'
import { Reason } from './packets.ts'
import { malformed, violation } from './violation.ts'

const SLASH = 0x2f
const PLUS = 0x2b
const HASH = 0x23
/** What the name of a shared subscription begins with (MQTT 5 section 4.8.2). */
export const SHARE = '$share/'

/** Refuses a topic name that is not allowed in PUBLISH or as a will topic; it may be empty only where the caller says so. */
export function checkTopicName(topic: string, limits: DecoderLimits, byteLength: number): void {
  let levels = 1
  for (let at = 0; at < topic.length; at++) {
    const unit = topic.charCodeAt(at)
    if (unit === SLASH) levels++
    else if (unit === PLUS || unit === HASH) malformed('MQTT-3.3.2-2', 'a topic name has a wildcard')
  }
  if (byteLength > limits.topicBytes) violation(Reason.topicNameInvalid, '4.7.3', 'the topic name is too long')
  if (levels > limits.topicLevels) violation(Reason.topicNameInvalid, '4.7.3', 'the topic name has too many levels')
}

/** True for a Response Topic, which is a topic name. */
export function isTopicName(topic: string): boolean {
  return topic.length > 0 && !topic.includes('+') && !topic.includes('#')
}

/** Refuses a topic filter that is not allowed in SUBSCRIBE or UNSUBSCRIBE. */
export function checkTopicFilter(filter: string, limits: DecoderLimits, byteLength: number): void {
  if (filter.length === 0) malformed('MQTT-4.7.3-1', 'a topic filter is empty')
  const last = filter.length - 1
  let levels = 1
  for (let at = 0; at <= last; at++) {
    const unit = filter.charCodeAt(at)
    if (unit === SLASH) {
      levels++
    } else if (unit === HASH) {
      const alone = at === 0 || filter.charCodeAt(at - 1) === SLASH
      if (!alone || at !== last) malformed('MQTT-4.7.1-1', '`#` must be the whole last level of a topic filter')
    } else if (unit === PLUS) {
      const alone =
        (at === 0 || filter.charCodeAt(at - 1) === SLASH) && (at === last || filter.charCodeAt(at + 1) === SLASH)
      if (!alone) malformed('MQTT-4.7.1-2', '`+` must be a whole level of a topic filter')
    }
  }
  if (byteLength > limits.topicBytes) violation(Reason.topicFilterInvalid, '4.7.3', 'the topic filter is too long')
  if (levels > limits.topicLevels) violation(Reason.topicFilterInvalid, '4.7.3', 'the topic filter has too many levels')
}

export interface SharedFilter {
  readonly group: string
  readonly filter: string
}

/** The parts of `$share/group/filter`; undefined for any other filter. The filter has passed `checkTopicFilter`. */
export function sharedFilter(filter: string): SharedFilter | undefined {
  if (!filter.startsWith(SHARE)) return undefined
  const slash = filter.indexOf('/', SHARE.length)
  const group = slash < 0 ? filter.slice(SHARE.length) : filter.slice(SHARE.length, slash)
  if (group.length === 0) malformed('MQTT-4.8.2-1', 'a shared subscription names no group')
  if (group === '+' || group === '#') malformed('MQTT-4.8.2-2', 'the group of a shared subscription has a wildcard')
  if (slash < 0 || slash === filter.length - 1) malformed('MQTT-4.8.2-2', 'a shared subscription has no topic filter')
  return { group, filter: filter.slice(slash + 1) }
}

/** Section 4.7.1. */
export function filterMatches(filter: string, topicLevels: readonly string[]): boolean {
  const levels = filter.split('/')
  // [MQTT-4.7.2-1]
  if (topicLevels[0]?.startsWith('$') === true && (levels[0] === '+' || levels[0] === '#')) return false
  for (const [at, level] of levels.entries()) {
    if (level === '#') return true
    if (at >= topicLevels.length || (level !== '+' && level !== topicLevels[at])) return false
  }
  return levels.length === topicLevels.length
}
