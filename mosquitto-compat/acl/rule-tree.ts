/**
 * The rules of an ACL file as a tree of topic levels, so that a message is matched only against rules that start like
 * its topic. Matching allocates nothing: levels are found by a hash of their characters.
 */

/** What rules do with a topic; several together are added. */
export const READ = 1
export const WRITE = 2
export const DENY = 4

/** Left of the bits above: the same, for clients with a username alone. */
const NAMED_ONLY = 3
const ALL = READ | WRITE | DENY

/** Whose messages are checked: what `%u` and `%c` stand for. An empty one stands for no level. */
export interface Names {
  readonly username: string | undefined
  readonly clientId: string
}

interface Edge {
  readonly level: string
  readonly node: Node
}

interface Node {
  /** Rules that end here. */
  ends: number
  /** Rules that end here with `#`. */
  hash: number
  plus: Node | undefined
  username: Node | undefined
  clientId: Node | undefined
  /** By the hash of their level. */
  edges: Map<number, Edge[]> | undefined
}

const SLASH = 0x2f
const DOLLAR = '$'

function newNode(): Node {
  return { ends: 0, hash: 0, plus: undefined, username: undefined, clientId: undefined, edges: undefined }
}

export class RuleTree {
  readonly #root = newNode()
  /** Whether `%u` and `%c` stand for names. */
  readonly #substitutes: boolean
  #size = 0

  constructor({ substitutes }: { readonly substitutes: boolean }) {
    this.#substitutes = substitutes
  }

  get size(): number {
    return this.#size
  }

  add(filter: string, bits: number): void {
    this.#size++
    // A line with `%u`, wherever it stands in it, is none of a client without a name.
    const kept = this.#substitutes && filter.includes('%u') ? bits << NAMED_ONLY : bits
    let node = this.#root
    for (const level of filter.split('/')) {
      if (level === '#') {
        node.hash |= kept
        return
      }
      node = this.#child(node, level)
    }
    node.ends |= kept
  }

  /** What all rules together do with this topic. With DENY, the rest may be missing. */
  match(topic: string, names: Names): number {
    const isReserved = topic.startsWith(DOLLAR)
    return effective(this.#match(this.#root, topic, 0, names, isReserved), names)
  }

  /** Some rule with one of `bits` has every topic of this filter. */
  covers(filter: readonly string[], bits: number, names: Names): boolean {
    return covers(this.#root, filter, 0, bits, names)
  }

  /**
   * What a filter has in common with a rule with one of `bits`, which is a filter too: `visit` is called with each until
   * it returns true, which is returned.
   */
  meets(filter: readonly string[], bits: number, names: Names, visit: (common: readonly string[]) => boolean): boolean {
    return meets(this.#root, filter, [], bits, names, visit)
  }

  #child(node: Node, level: string): Node {
    if (level === '+') return (node.plus ??= newNode())
    if (this.#substitutes && level === '%u') return (node.username ??= newNode())
    if (this.#substitutes && level === '%c') return (node.clientId ??= newNode())
    const hash = hashOf(level)
    node.edges ??= new Map()
    const edges = node.edges.get(hash) ?? []
    const known = edges.find((edge) => edge.level === level)
    if (known !== undefined) return known.node
    const made = newNode()
    node.edges.set(hash, [...edges, { level, node: made }])
    return made
  }

  /** `isFirst`: the topic begins with `$`, and its first level is only that of a rule that has it as it is. */
  #match(node: Node, topic: string, at: number, names: Names, isFirst: boolean): number {
    let bits = isFirst ? 0 : node.hash
    let end = at
    let hash = 0
    for (let unit = topic.charCodeAt(end); end < topic.length && unit !== SLASH; unit = topic.charCodeAt(++end))
      hash = nextHash(hash, unit)
    const { plus, username, clientId, edges } = node
    const own = edges?.get(hash)
    if (own !== undefined)
      for (const edge of own) if (isLevel(edge.level, topic, at, end)) bits |= this.#after(edge.node, topic, end, names)
    if (isFirst) return bits
    if (plus !== undefined) bits |= this.#after(plus, topic, end, names)
    if (username !== undefined && isName(names.username, topic, at, end))
      bits |= this.#after(username, topic, end, names)
    if (clientId !== undefined && isName(names.clientId, topic, at, end))
      bits |= this.#after(clientId, topic, end, names)
    return bits
  }

  #after(node: Node, topic: string, end: number, names: Names): number {
    // `a/#` has `a` too [MQTT-4.7.1-2].
    return end === topic.length ? node.ends | node.hash : this.#match(node, topic, end + 1, names, false)
  }
}

function effective(bits: number, { username }: Names): number {
  return (username === undefined ? bits : bits | (bits >> NAMED_ONLY)) & ALL
}

function isLevel(level: string, topic: string, at: number, end: number): boolean {
  return level.length === end - at && topic.startsWith(level, at)
}

function isName(name: string | undefined, topic: string, at: number, end: number): boolean {
  return name !== undefined && name !== '' && isLevel(name, topic, at, end)
}

/** Kept to what an engine has without a box. */
function nextHash(hash: number, unit: number): number {
  return (Math.imul(hash, 31) + unit) & 0x3fff_ffff
}

function hashOf(level: string): number {
  let hash = 0
  for (let at = 0; at < level.length; at++) hash = nextHash(hash, level.charCodeAt(at))
  return hash
}

/** A level of a rule, as it is for these names. */
interface Child {
  /** `+`, or a level as it is. */
  readonly level: string
  readonly node: Node
}

/** Those that can be `level` of a filter, which is not `#`. */
function* childrenFor(node: Node, level: string, names: Names, isReserved: boolean): Generator<Child> {
  const { plus, username, clientId, edges } = node
  if (level === '+') for (const own of edges?.values() ?? []) yield* own
  else for (const edge of edges?.get(hashOf(level)) ?? []) if (edge.level === level) yield edge
  if (isReserved) return
  if (plus !== undefined) yield { level: '+', node: plus }
  for (const [name, named] of [
    [names.username, username],
    [names.clientId, clientId],
  ] as const)
    if (name !== undefined && name !== '' && named !== undefined && (level === '+' || level === name))
      yield { level: name, node: named }
}

function covers(node: Node, filter: readonly string[], at: number, bits: number, names: Names): boolean {
  const isReserved = at === 0 && filter[0]?.startsWith(DOLLAR) === true
  if (!isReserved && has(node.hash, bits, names)) return true
  const level = filter[at]
  if (level === undefined) return has(node.ends, bits, names)
  if (level === '#') return false
  if (level === '+') return node.plus !== undefined && covers(node.plus, filter, at + 1, bits, names)
  for (const { node: child } of childrenFor(node, level, names, isReserved))
    if (covers(child, filter, at + 1, bits, names)) return true
  return false
}

function meets(
  node: Node,
  filter: readonly string[],
  common: readonly string[],
  bits: number,
  names: Names,
  visit: (common: readonly string[]) => boolean,
): boolean {
  const at = common.length
  const isReserved = at === 0 && filter[0]?.startsWith(DOLLAR) === true
  if (!isReserved && has(node.hash, bits, names) && visit([...common, ...filter.slice(at)])) return true
  const level = filter[at]
  // `a/#` has `a` too.
  const isOver = level === undefined || (level === '#' && at > 0)
  if (isOver && has(node.ends, bits, names) && visit(common)) return true
  if (level === undefined) return false
  // What stands below `#` meets all of it.
  const rest = level === '#' ? [...filter.slice(0, at), '+', '#'] : filter
  for (const child of childrenFor(node, level === '#' ? '+' : level, names, isReserved)) {
    // `+` and `#` have no topic that begins with `$` [MQTT-4.7.2-1].
    if (at === 0 && !isReserved && child.level.startsWith(DOLLAR)) continue
    const both = child.level === '+' ? (rest[at] ?? '+') : child.level
    if (meets(child.node, rest, [...common, both], bits, names, visit)) return true
  }
  return false
}

function has(kept: number, bits: number, names: Names): boolean {
  return (effective(kept, names) & bits) !== 0
}
