/** The remaining quotas of a key: draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4. */
import type { FastifyReply } from 'fastify'
import type { QuotaState } from '../store/quota-leases.ts'

/** After a refusal only those that are over by then, because nobody is to come back earlier (section 6). */
export function tellQuotas(
  reply: FastifyReply,
  states: readonly QuotaState[],
  retryAfter = Number.POSITIVE_INFINITY,
): void {
  if (states.length === 0) return
  const told = states.filter(({ endsIn }) => endsIn <= retryAfter)
  void reply.header('ratelimit-policy', states.map(policyOf).join(', '))
  void reply.header('ratelimit', told.map(limitOf).join(', '))
}

/** A List of Items, each a String with parameters (RFC 9651). */
const nameOf = ({ seconds }: QuotaState): string => `"receivers-${seconds}"`
const policyOf = (state: QuotaState): string => `${nameOf(state)};q=${state.count};w=${state.seconds}`
const limitOf = (state: QuotaState): string => `${nameOf(state)};r=${state.left};t=${state.endsIn}`

const HEADER = { type: 'string' }
/** For the description of the API. */
export const QUOTA_HEADERS = {
  'RateLimit-Policy': {
    ...HEADER,
    description: 'Quotas of the key, if it has any: receivers (`q`) in a window of seconds (`w`)',
  },
  RateLimit: { ...HEADER, description: 'Remaining receivers (`r`), and seconds until the window ends (`t`)' },
}
