// Is of an error logged what explains it, and nothing that somebody sent, also by the logger of an embedding program?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { describeError, loggingErrorsSafely } from '../../common/unexpected.ts'

const failed = Object.assign(new Error("ERR unknown command 'PUT', with args beginning with: 'token' 'payload' "), {
  name: 'ReplyError',
  code: 'ERR',
  command: { name: 'put', args: ['token', 'payload'] },
  previousErrors: [{ command: { args: ['payload'] } }],
})

await t.test('an error of Redis', async (t) => {
  const lines: string[] = []
  const logger = loggingErrorsSafely(pino({}, { write: (line: string) => void lines.push(line) }))
  logger.error({ err: new Error('not stored', { cause: failed }) }, 'a message')
  const [line = ''] = lines
  t.notMatch(line, /token|payload/)
  t.match(JSON.parse(line), {
    err: { type: 'Error', message: 'not stored', cause: { type: 'ReplyError', code: 'ERR', command: 'put' } },
  })
})

await t.test('what is no error, and causes without an end', async (t) => {
  t.equal(describeError('text'), 'text')
  t.equal(describeError({ args: ['payload'] }), 'an object that is no error')
  const endless = new Error('endless')
  endless.cause = endless
  t.ok(JSON.stringify(describeError(endless)).length < 20_000)
})
