/** `GET /v1/messages`: what is pending for the device that asks. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../../common/metrics.ts'
import { checkEnd, knowDevice, type Guard, type KnowContext, type KnownDevice } from '../authenticate.ts'
import { encodePageCursor } from '../page-cursor.ts'
import type { HttpLimits } from '../limits.ts'
import type { LongPolls } from '../long-polls.ts'
import type { Page, Pages } from '../lookup.ts'
import { messageAnswer, messageSchema } from '../message-answer.ts'
import { readValues } from '../query.ts'
import { answer, DEVICE_ERRORS, problems } from '../schemas.ts'

const DEFAULT_LIMIT = 20

const answerSchema = answer('What is pending; empty when nothing is, or nothing came while waiting', {
  messages: { type: 'array', items: messageSchema, description: 'Messages, oldest first' },
  cursor: { type: 'string', description: 'Acknowledges these messages' },
  more: { type: 'boolean', description: 'There are, or may be, more: acknowledge and look up again' },
})

const usualLimit = ({ lookupMessages }: HttpLimits) => Math.min(DEFAULT_LIMIT, lookupMessages)

interface Lookup {
  Querystring: { limit?: number; wait?: number }
}

const querySchema = (limits: HttpLimits) => ({
  type: 'object',
  additionalProperties: false,
  properties: {
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: limits.lookupMessages,
      default: usualLimit(limits),
      description: 'Maximum number of messages',
    },
    wait: {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: `Seconds to wait if there are no messages; at most ${limits.waitSeconds}`,
    },
  },
})

interface LookupContext extends KnowContext {
  readonly guard: Guard
  readonly pages: Pages
  readonly longPolls: LongPolls
  readonly metrics: Metrics
  readonly limits: HttpLimits
  readonly now: () => number
}

export function lookUpMessages(api: FastifyInstance, context: LookupContext): void {
  const { guard, pages, metrics, limits } = context
  const schema = {
    operationId: 'lookUpMessages',
    summary: 'Look up pending messages',
    description: 'Does not acknowledge: the same messages are returned until their cursor is acknowledged.',
    tags: ['messages'],
    security: [{ messageToken: [] }],
    querystring: querySchema(limits),
    response: { 200: answerSchema, ...problems(...DEVICE_ERRORS) },
  }
  api.get<Lookup>(
    '/v1/messages',
    { onRequest: guard.device, preValidation: readValues('limit', 'wait'), schema },
    async (request) => {
      const { limit = usualLimit(limits), wait = 0 } = request.query
      const known = guard.deviceOf(request)
      const seconds = Math.min(wait, limits.waitSeconds)
      const page =
        seconds === 0
          ? await pages.read(known, limit)
          : await readOrWait(context, known, limit, seconds, request.signal)
      metrics.lookups.inc({ outcome: page.entries.length > 0 ? 'found' : 'empty' })
      for (const { log } of page.entries) metrics.delivered.inc({ destination: log })
      return {
        messages: page.entries.map((entry) => messageAnswer(known.device, entry)),
        cursor: encodePageCursor(known.device, page.cursor),
        more: page.more,
      }
    },
  )
}

async function readOrWait(
  context: LookupContext,
  known: KnownDevice,
  limit: number,
  wait: number,
  gone: AbortSignal,
): Promise<Page> {
  const { device } = known
  const { pages, longPolls, now } = context
  const poll = await longPolls.enter(known, wait, gone)
  try {
    let page = await pages.read(known, limit)
    let told = poll.told()
    while (page.entries.length + told.length === 0 && !page.more && !poll.isOver) {
      await poll.woken()
      checkEnd(device, now)
      told = poll.told()
      if (poll.isOver) break
      const again = await knowDevice(context, device)
      poll.tags = again.record.details.tags
      page = await pages.read(again, limit)
      // What was stored after a revocation, or after the token's end, is not for its holder.
      if (page.entries.length + told.length > 0) await knowDevice(context, device)
      checkEnd(device, now)
    }
    return told.length === 0 ? page : { ...page, entries: [...page.entries, ...told] }
  } finally {
    poll.leave()
  }
}
