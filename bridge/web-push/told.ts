/**
 * What a device learns about a Web Push message besides its payload: MQTT 5 user properties, and fields of a lookup.
 */
import type { LogEntry } from '../../store/contract.ts'

export const CONTENT_ENCODING = 'aes128gcm'

/** From the least urgent on (RFC 8030 section 5.3). */
export const URGENCIES = ['very-low', 'low', 'normal', 'high'] as const
export type Urgency = (typeof URGENCIES)[number]

export interface Told {
  /** RFC 8188: what the payload is encrypted with, for the device to decrypt. Absent: there is none. */
  readonly contentEncoding?: string | undefined
  /** Absent: the sender said nothing, which is `normal`. */
  readonly urgency?: string | undefined
}

/** MQTT 5 section 3.3.2.3.7. */
const USER_PROPERTY = 0x26
const NAMES = { contentEncoding: 'content-encoding', urgency: 'urgency' } as const

/** As on the wire, without length prefix; undefined if there is nothing to tell. */
export function toldProperties(told: Told): Buffer | undefined {
  const parts: Buffer[] = []
  for (const [field, name] of Object.entries(NAMES)) {
    const value = told[field as keyof Told]
    if (value !== undefined) parts.push(Buffer.of(USER_PROPERTY), textOf(name), textOf(value))
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts)
}

function textOf(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes])
}

/** What `toldProperties` wrote, as it is answered; nothing of other messages. */
export function toldOf({ webPush, properties }: LogEntry): Told {
  if (webPush !== true || properties === undefined) return {}
  const bytes = Buffer.from(properties.buffer, properties.byteOffset, properties.byteLength)
  const found = new Map<string, string>()
  for (let at = 0; at < bytes.length && bytes[at] === USER_PROPERTY; ) {
    const [name, afterName] = readText(bytes, at + 1)
    const [value, next] = readText(bytes, afterName)
    found.set(name, value)
    at = next
  }
  const [contentEncoding, urgency] = [found.get(NAMES.contentEncoding), found.get(NAMES.urgency)]
  return {
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(urgency === undefined ? {} : { urgency }),
  }
}

function readText(bytes: Buffer, at: number): [text: string, next: number] {
  const from = at + 2
  const next = from + bytes.readUInt16BE(at)
  return [bytes.toString('utf8', from, next), next]
}
