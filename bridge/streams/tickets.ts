/**
 * Tickets: EventSource in a browser cannot send headers, and URLs are kept in histories, proxies and logs. So a page
 * exchanges its token for a ticket, which only opens streams of messages, for an hour. The ticket contains the
 * encrypted token: whatever ends the token ends the ticket, and nothing is stored.
 */
import type { Sealing } from '../../auth/index.ts'
import { PushError } from '../../errors.ts'

export interface Ticket {
  readonly ticket: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface Tickets {
  /** For a token that was verified, and when it ends, in milliseconds since the epoch. */
  issue(token: string, tokenEnd: number): Ticket
  /** The token, which may have ended or been revoked since. @throws TICKET_INVALID */
  open(ticket: string): string
}

export const TICKET_MS = 60 * 60 * 1000

const END_BYTES = 8

/** @param now milliseconds since the epoch */
export function createTickets({ seal, unseal }: Sealing, now: () => number): Tickets {
  return {
    issue(token, tokenEnd) {
      const expiresAt = Math.min(now() + TICKET_MS, tokenEnd)
      const end = Buffer.alloc(END_BYTES)
      end.writeDoubleBE(expiresAt)
      return { ticket: seal('stream ticket', Buffer.concat([end, Buffer.from(token)])), expiresAt }
    },
    open(ticket) {
      const content = unseal('stream ticket', ticket)
      if (content === undefined || now() >= content.readDoubleBE()) throw new PushError('TICKET_INVALID')
      return content.subarray(END_BYTES).toString()
    },
  }
}
