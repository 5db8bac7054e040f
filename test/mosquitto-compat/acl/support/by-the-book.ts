/** The rules of an ACL file one after another, as Mosquitto's manual page says them. */

export interface Line {
  readonly keyword: 'topic' | 'pattern'
  readonly access: 'read' | 'write' | 'readwrite' | 'deny'
  readonly filter: string
  /** The `user` before it; a pattern binds everybody. */
  readonly user: string | undefined
}

export function textOf(lines: readonly Line[]): string {
  const rows: string[] = []
  let user: string | undefined
  for (const line of [...lines].sort((a, b) => Number(a.user !== undefined) - Number(b.user !== undefined))) {
    if (line.user !== user) rows.push(`user ${line.user}`)
    user = line.user
    rows.push(`${line.keyword} ${line.access} ${line.filter}`)
  }
  return rows.join('\n')
}

export function mayByTheBook(
  lines: readonly Line[],
  username: string | undefined,
  clientId: string,
  topic: string,
  want: 'read' | 'write',
): boolean {
  const own = lines.filter(({ keyword, user }) => keyword === 'topic' && user === username)
  const patterns = lines.filter(({ keyword }) => keyword === 'pattern')
  const verdict = decide(own, topic, want, (filter) => filter.split('/'))
  if (verdict !== undefined) return verdict
  if (/[+#]/.test(username ?? '') || /[+#]/.test(clientId)) return false
  const known = patterns.filter(({ filter }) => username !== undefined || !filter.includes('%u'))
  const named = (filter: string) =>
    filter
      .split('/')
      .map((level) => (level === '%u' ? { name: username } : level === '%c' ? { name: clientId } : level))
  return decide(known, topic, want, named) ?? false
}

type Level = string | { readonly name: string | undefined }

function decide(
  lines: readonly Line[],
  topic: string,
  want: 'read' | 'write',
  levelsOf: (filter: string) => readonly Level[],
): boolean | undefined {
  const matching = lines.filter(({ filter }) => matches(filter, levelsOf(filter), topic))
  if (matching.some(({ access }) => access === 'deny')) return false
  return matching.some(({ access }) => access === want || access === 'readwrite') ? true : undefined
}

function matches(filter: string, levels: readonly Level[], topic: string): boolean {
  return topic.startsWith('$') === filter.startsWith('$') && levelsMatch(levels, topic.split('/'))
}

function levelsMatch([first, ...rest]: readonly Level[], [level, ...deeper]: readonly string[]): boolean {
  if (first === undefined) return level === undefined
  if (first === '#') return true
  if (level === undefined) return false
  const isOne = typeof first === 'string' ? first === '+' || first === level : first.name !== '' && first.name === level
  if (!isOne) return false
  return deeper.length === 0 ? rest.length === 0 || (rest.length === 1 && rest[0] === '#') : levelsMatch(rest, deeper)
}
