// Is what a full private log drops one line with a count, and not a line for each message?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { createDropLog } from '../../push/drop-log.ts'
import { eventually, issueToken, send } from '../support/index.ts'
import { embed } from './support/embed.ts'

function logged() {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { lines, logger }
}

await t.test('a log of three messages that gets ten', async (t) => {
  const { lines, logger } = logged()
  const server = await embed(t, { logger, limits: { privateMessages: 3 } })
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  for (let count = 0; count < 10; count++) await send(server, { token }, 'x')
  await server.push.close()
  t.match(lines, [{ destination: 'private', count: 7 }])
  t.equal(lines.length, 1)
})

await t.test('while it goes on', async (t) => {
  const { lines, logger } = logged()
  const log = createDropLog(logger, 5)
  log.dropped('private', 1)
  log.dropped('broadcast', 2)
  log.dropped('private', 3)
  t.equal(lines.length, 0)
  await eventually('the lines', () => lines.length === 2)
  t.match(lines, [
    { destination: 'private', count: 4 },
    { destination: 'broadcast', count: 2 },
  ])
  log.dropped('private', 1)
  log.close()
  t.match(lines[2], { destination: 'private', count: 1 })
  log.close()
  t.equal(lines.length, 3)
})
