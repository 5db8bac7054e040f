/**
 * Topic matching as MQTT 5 section 4.7 words it, written without a look at the code under test.
 * [MQTT-4.7.1-1] `#` is the last level, alone in it. [MQTT-4.7.1-2] `+` is alone in its level.
 * [MQTT-4.7.2-1] a filter that starts with a wildcard matches no topic that starts with `$`.
 */
export function matches(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith('$')) return false
  return matchLevels(filter.split('/'), topic.split('/'))
}

function matchLevels([level, ...filter]: string[], topic: string[]): boolean {
  if (level === '#') return true
  if (level === undefined) return topic.length === 0
  const [name, ...names] = topic
  // `sport/#` also matches `sport` (section 4.7.1.2).
  if (name === undefined) return false
  if (level !== '+' && level !== name) return false
  if (names.length === 0 && filter.length === 1 && filter[0] === '#') return true
  return matchLevels(filter, names)
}
