/** How the log of a shared subscription encodes a message: a version, the QoS it was published with, and its topic. */
import type { UpstreamEntry } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'
import type { GeneralMessage } from './general.ts'

const VERSION = '1'
const QOS: Readonly<Record<string, QoS>> = { 0: 0, 1: 1, 2: 2 }

export function toGroupSubject({ qos, topic }: Pick<GeneralMessage, 'qos' | 'topic'>): string {
  return `${VERSION}${qos}${topic}`
}

/** Undefined for a form that this version does not know. */
export function fromGroupSubject({ subject }: Pick<UpstreamEntry, 'subject'>): { qos: QoS; topic: string } | undefined {
  const qos = QOS[subject.charAt(1)]
  return subject.startsWith(VERSION) && qos !== undefined ? { qos, topic: subject.slice(2) } : undefined
}
