/** A QoS 2 message of a client, as its session remembers it from PUBREC to PUBREL. */

interface Received {
  /** Identifies every append of it. */
  readonly uid: string
  /** The subscriptions that may have it: at PUBREL, perhaps on another node, they can forget the uid. */
  readonly topic: string
}

/** A version, the uid, which has no spaces, and the topic. */
export function encodeReceived({ uid, topic }: Received): string {
  return `1 ${uid} ${topic}`
}

/** The inverse; another form is a uid alone. */
export function decodeReceived(known: string): { readonly uid: string; readonly topic?: string } {
  const [, uid, topic] = /^1 (\S+) (.+)$/s.exec(known) ?? []
  return uid === undefined || topic === undefined ? { uid: known } : { uid, topic }
}
