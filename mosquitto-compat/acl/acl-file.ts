/**
 * Mosquitto's ACL file: `user NAME`, `topic|pattern [read|write|readwrite|deny] FILTER`. For each message, the user's
 * own rules apply first, then the patterns; in each group `deny` comes first. If no rule grants access, it is denied.
 */
import type { QoS, User } from '../../index.ts'
import { DENY, READ, RuleTree, WRITE, type Names } from './rule-tree.ts'

/** What a client may do. */
export type Access = Required<Pick<User, 'mayPublish' | 'maySubscribe' | 'mayReceive'>>

export interface AclOptions {
  /**
   * True: a SUBSCRIBE is refused where nothing that it asks for could be read. False, as Mosquitto has it: it is granted,
   * and only what may be read arrives.
   */
  readonly strict?: boolean
}

export interface Acl {
  /** Lines that do something else than they seem to, `line 3 ...`. */
  readonly warnings: readonly string[]
  /** `name`: undefined for a client without one, which is what the rules before the first `user` are for. */
  userOf(name: string | undefined, clientId: string): Access
}

export class AclFileError extends Error {
  readonly line: number

  constructor(line: number, problem: string) {
    super(`line ${line} ${problem}`)
    this.name = 'AclFileError'
    this.line = line
  }
}

const ACCESS: Readonly<Record<string, number>> = { read: READ, write: WRITE, readwrite: READ | WRITE, deny: DENY }
const MOST_TOPIC_BYTES = 65_535

export const AclFile = {
  /** @throws AclFileError naming the line */
  parse(text: string, options: AclOptions = {}): Acl {
    const rules = new Rules()
    for (const [index, line] of text.split('\n').entries()) rules.addLine(trimBlanks(line, 'end'), index + 1)
    return {
      warnings: rules.warnings,
      userOf: (name, clientId) => accessOf(rules, { username: name, clientId }, options.strict === true),
    }
  },
}

class Rules {
  readonly anonymous = new RuleTree({ substitutes: false })
  readonly users = new Map<string, RuleTree>()
  readonly patterns = new RuleTree({ substitutes: true })
  readonly warnings: string[] = []
  #current = this.anonymous

  addLine(line: string, number: number): void {
    if (line.startsWith('#')) return
    const [keyword, rest] = word(line)
    if (keyword === '') return
    if (keyword === 'user') return this.#addUser(trimBlanks(rest), number)
    if (keyword !== 'topic' && keyword !== 'pattern')
      throw new AclFileError(number, 'begins with none of `user`, `topic`, `pattern` and `#`')
    this.#addRule(keyword, rest, number)
  }

  #addUser(name: string, number: number): void {
    if (name === '') throw new AclFileError(number, 'names no user')
    this.#current = this.users.get(name) ?? new RuleTree({ substitutes: false })
    this.users.set(name, this.#current)
  }

  #addRule(keyword: 'topic' | 'pattern', rest: string, number: number): void {
    const [first, after] = word(rest)
    if (first === '') throw new AclFileError(number, 'has no topic')
    const hasAccess = after !== ''
    const filter = hasAccess ? trimBlanks(after) : first
    const bits = hasAccess ? ACCESS[first] : READ | WRITE
    if (bits === undefined)
      throw new AclFileError(
        number,
        'needs read, write, readwrite or deny before a topic with spaces, and has something else',
      )
    if (!isFilter(filter)) throw new AclFileError(number, 'has a topic filter that is not valid')
    this.#warn(keyword, filter, number)
    const tree = keyword === 'pattern' ? this.patterns : this.#current
    tree.add(filter, bits)
  }

  #warn(keyword: 'topic' | 'pattern', filter: string, number: number): void {
    if (filter.includes('\t')) this.warnings.push(`line ${number} has a tab in its topic: only spaces separate words`)
    const levels = filter.split('/').filter((level) => level.includes('%u') || level.includes('%c'))
    if (keyword === 'topic') return
    if (levels.length === 0)
      this.warnings.push(`line ${number} is a pattern without %u and %c: it is a rule for everybody`)
    if (levels.some((level) => level.length > 2))
      this.warnings.push(
        `line ${number} has %u or %c beside other text in a level: only a whole level stands for a name`,
      )
  }
}

function accessOf(rules: Rules, names: Names, isStrict: boolean): Access {
  const own = names.username === undefined ? rules.anonymous : rules.users.get(names.username)
  const patterns = rules.patterns.size > 0 && !isDangerous(names) ? rules.patterns : undefined
  const may = (topic: string, bits: number): boolean => {
    const ownBits = own === undefined ? 0 : own.match(topic, names)
    if ((ownBits & DENY) !== 0) return false
    if ((ownBits & bits) !== 0) return true
    const bitsOfPatterns = patterns === undefined ? 0 : patterns.match(topic, names)
    return (bitsOfPatterns & DENY) === 0 && (bitsOfPatterns & bits) !== 0
  }
  return {
    mayPublish: (topic) => may(topic, WRITE),
    mayReceive: (topic) => may(topic, READ),
    maySubscribe: (filter, qos): QoS | undefined =>
      !isStrict || mayRead(filter, names, own, patterns) ? qos : undefined,
  }
}

/**
 * A topic of the filter may be read, as far as single rules say: some rule grants what it has in common with the filter,
 * and no one `deny` takes all of that away.
 */
function mayRead(filter: string, names: Names, own: RuleTree | undefined, patterns: RuleTree | undefined): boolean {
  const levels = filter.split('/')
  const isLeft = (common: readonly string[]) => own?.covers(common, DENY, names) !== true
  if (own?.meets(levels, READ, names, isLeft) === true) return true
  if (patterns === undefined) return false
  return patterns.meets(levels, READ, names, (common) => isLeft(common) && !patterns.covers(common, DENY, names))
}

/** CVE-2017-7650: in the place of `%u` or `%c` it would be a wildcard, so such a client has no pattern at all. */
function isDangerous({ username, clientId }: Names): boolean {
  return /[+#]/.test(username ?? '') || /[+#]/.test(clientId)
}

/** The first word, and what follows the one space behind it. */
function word(text: string): [word: string, rest: string] {
  const from = text.search(/[^ ]/)
  if (from < 0) return ['', '']
  const space = text.indexOf(' ', from)
  return space < 0 ? [text.slice(from), ''] : [text.slice(from, space), text.slice(space + 1)]
}

const BLANKS = ' \t\n\v\f\r'

function trimBlanks(text: string, where: 'both' | 'end' = 'both'): string {
  let from = 0
  let to = text.length
  while (to > from && BLANKS.includes(text.charAt(to - 1))) to--
  while (where === 'both' && from < to && BLANKS.includes(text.charAt(from))) from++
  return text.slice(from, to)
}

function isFilter(filter: string): boolean {
  if (Buffer.byteLength(filter) > MOST_TOPIC_BYTES) return false
  const levels = filter.split('/')
  return levels.every((level, at) => {
    if (level === '#') return at === levels.length - 1
    return level === '+' || !/[+#]/.test(level)
  })
}
