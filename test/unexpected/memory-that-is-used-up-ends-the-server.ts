// Does an error that nobody handled end a server only where its state is not known, and a start always?
import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { PushError } from '../../errors.ts'
import { installLastResort } from '../../server/last-resort.ts'
import { createMetrics } from '../../common/metrics.ts'

function lastResort() {
  const unhandled = new EventEmitter()
  const ends: string[] = []
  const metrics = createMetrics()
  const logger = pino({ level: 'silent' })
  const { serve } = installLastResort(unhandled, { logger, end: () => void ends.push('in order') })
  return { unhandled, ends, metrics, serve: () => serve(metrics) }
}

await t.test('while it serves', async (t) => {
  const { unhandled, ends, metrics, serve } = lastResort()
  serve()
  unhandled.emit('unhandledRejection', new Error('of a dependency'))
  unhandled.emit('unhandledRejection', undefined)
  unhandled.emit('uncaughtException', new PushError('STORE_UNAVAILABLE'))
  t.same(ends, [], 'it goes on')
  unhandled.emit('uncaughtException', Object.assign(new Error('spawn'), { code: 'ENOMEM' }))
  unhandled.emit('uncaughtException', new RangeError('Array buffer allocation failed'))
  t.same(ends, ['in order'], 'memory that is used up ends it, once')
  const counted = await metrics.registry.getSingleMetricAsString('push_unexpected_errors_total')
  t.match(counted, /kind="rejection"} 2\n.*kind="exception"} 3/s, 'all are counted')
})

await t.test('before it serves', async (t) => {
  const { unhandled, ends } = lastResort()
  unhandled.emit('unhandledRejection', new Error('early'))
  t.same(ends, ['in order'])
})
