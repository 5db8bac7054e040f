/** Which clients subscribed to what a topic matches: filters as a tree of their levels. */
import type { StoredSubscription } from './contract.ts'

interface Node {
  readonly next: Map<string, Node>
  readonly clients: Map<string, StoredSubscription>
}

const made = (): Node => ({ next: new Map(), clients: new Map() })

export class FilterIndex {
  readonly #root = made()

  add(subscription: StoredSubscription): void {
    let node = this.#root
    for (const level of subscription.topic.split('/')) {
      const next = node.next.get(level) ?? made()
      node.next.set(level, next)
      node = next
    }
    node.clients.set(subscription.clientId, subscription)
  }

  remove(filter: string, clientId: string): void {
    const path: { readonly node: Node; readonly level: string }[] = []
    let node: Node | undefined = this.#root
    for (const level of filter.split('/')) {
      path.push({ node, level })
      node = node.next.get(level)
      if (node === undefined) return
    }
    node.clients.delete(clientId)
    for (const { node: parent, level } of path.toReversed()) {
      const child = parent.next.get(level)
      if (child === undefined || child.clients.size > 0 || child.next.size > 0) return
      parent.next.delete(level)
    }
  }

  match(topic: string): StoredSubscription[] {
    const found: StoredSubscription[] = []
    const levels = topic.split('/')
    const walk = (node: Node, at: number): void => {
      // [MQTT-4.7.2-1]
      const mayBeWildcard = at > 0 || !topic.startsWith('$')
      if (mayBeWildcard) found.push(...(node.next.get('#')?.clients.values() ?? []))
      const level = levels[at]
      if (level === undefined) {
        found.push(...node.clients.values())
        return
      }
      const next = node.next.get(level)
      if (next !== undefined) walk(next, at + 1)
      const any = mayBeWildcard ? node.next.get('+') : undefined
      if (any !== undefined) walk(any, at + 1)
    }
    walk(this.#root, 0)
    return found
  }
}
