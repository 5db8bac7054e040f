/** Topic names and filters, as MQTT has them (MQTT 5 section 4.7). */

const LONGEST = 65_535

export function isTopicName(topic: string): boolean {
  return topic !== '' && !/[+#\0]/.test(topic) && Buffer.byteLength(topic) <= LONGEST
}

/** Of a filter that is well-formed. */
export function matchesFilter(filter: string, topic: string): boolean {
  // [MQTT-4.7.2-1]
  if (topic.startsWith('$') !== filter.startsWith('$')) return false
  const asked = filter.split('/')
  const levels = topic.split('/')
  for (const [at, level] of asked.entries()) {
    if (level === '#') return true
    if (level !== '+' && level !== levels[at]) return false
    if (at >= levels.length) return false
  }
  return asked.length === levels.length
}
