/** The username that a client's certificate provides. */
import { X509Certificate } from 'node:crypto'
import type { AskedClientId } from '../index.ts'
import type { ListenerConf } from './conf/index.ts'

type Certificate = AskedClientId['certificate']

/** Undefined: there is none. */
export function identityOf(certificate: Certificate, identity: ListenerConf['identity']): string | undefined {
  if (certificate === undefined) return undefined
  return identity === 'subject' ? subjectOf(certificate) : commonNameOf(certificate)
}

/** The first of several. */
function commonNameOf({ subject }: NonNullable<Certificate>): string | undefined {
  const name: string | readonly string[] | undefined = subject?.CN
  const first = typeof name === 'string' ? name : name?.[0]
  return first === undefined || first.includes('\0') ? undefined : first
}

/** As RFC 2253 writes it, and OpenSSL: the last part first, and what is not ASCII as hexadecimal. */
function subjectOf({ raw }: NonNullable<Certificate>): string | undefined {
  if (raw === undefined) return undefined
  const lines = new X509Certificate(raw).subject.split('\n')
  const parts = lines.map((line) => line.split(' + ').toReversed().join('+'))
  return parts.toReversed().map(escaped).join(',')
}

function escaped(part: string): string {
  return part.replace(/[^\x20-\x7e]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
